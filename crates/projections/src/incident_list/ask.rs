//! What can be asked about incidents.

use std::collections::{BTreeSet, HashMap};

use domain::{Alert, IncidentId, ServiceId, incident::IncidentEvent};
use sea_query::{Expr, ExprTrait, LikeExpr, Order, Query, SelectStatement};
use store::Position;
use uuid::Uuid;

use super::{
    rows::{BY_ID, DOCUMENT, LIST, thread},
    view::{IncidentFilter, IncidentView, Status, severity_number},
};
use crate::{
    ReadError, ReadModels, Slice,
    db::{Row, Side},
    json,
    slice::place,
};

/// How many indexed walks one question may be divided into.
const MAX_WALKS: usize = 32;
/// How many words of a search are looked at.
const MAX_WORDS: usize = 16;

impl ReadModels {
    /// One incident.
    pub async fn incident(&self, id: IncidentId) -> Result<Option<IncidentView>, ReadError> {
        Ok(self.incidents_by_ids(&[id]).await?.pop())
    }

    /// Those of these incidents that exist, in no particular order.
    pub async fn incidents_by_ids(&self, ids: &[IncidentId]) -> Result<Vec<IncidentView>, ReadError> {
        let ids: BTreeSet<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let rows = self.db().lookup(Side::Live, &BY_ID, ids.into_iter().collect()).await?;
        rows.into_iter().map(view).collect()
    }

    /// Incidents, newest first.
    pub async fn incidents(
        &self,
        filter: &IncidentFilter,
        first: usize,
        after: Option<&str>,
    ) -> Result<Slice<IncidentView>, ReadError> {
        let walks = walks(filter, first as u64 + 1, place(after)?);
        let mut numbers = Vec::new();
        for rows in self.db().selects(walks).await? {
            for mut row in rows {
                numbers.push(row.take::<u64>()?);
            }
        }
        numbers.sort_unstable_by(|one, other| other.cmp(one));
        let has_next = numbers.len() > first;
        numbers.truncate(first);
        let query = Query::select()
            .column("document")
            .from(DOCUMENT.name)
            .and_where(Expr::col("number").is_in(numbers.iter().map(|number| number.cast_signed())))
            .order_by("number", Order::Desc)
            .take();
        let rows = if numbers.is_empty() { Vec::new() } else { self.db().select(query).await? };
        let views = rows.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
        let mut slice = Slice::cut(views.into_iter().map(|view| (view.number, view)), first);
        slice.has_next = has_next;
        Ok(slice)
    }

    /// The words of the alerts that these views lead to: one list for each view, in its order.
    pub async fn alerts(&self, views: &[IncidentView]) -> Result<Vec<Vec<Alert>>, ReadError> {
        let places = views.iter().flat_map(|view| &view.alerts);
        let positions: BTreeSet<Position> = places.map(|place| place.position).collect();
        let mut said = HashMap::new();
        for event in self.store().at(&positions.into_iter().collect::<Vec<_>>()).await? {
            let fact: IncidentEvent = domain::Fact::decode(&event.kind, &event.payload)
                .map_err(|error| ReadError::Damaged(error.to_string().into()))?;
            if let IncidentEvent::Triggered { alerts, .. } | IncidentEvent::AlertsJoined { alerts, .. } = fact
            {
                said.insert(event.position, alerts);
            }
        }
        let words = |view: &IncidentView| {
            let found =
                view.alerts.iter().filter_map(|place| said.get(&place.position)?.get(place.index as usize));
            found.cloned().collect()
        };
        Ok(views.iter().map(words).collect())
    }

    /// The latest episode of a key on a service.
    pub async fn latest_episode(&self, service: ServiceId, key: &str) -> Result<Option<u32>, ReadError> {
        let query = Query::select()
            .column("episode")
            .from(LIST.name)
            .and_where(Expr::col("thread").eq(thread(service, key).as_bytes().to_vec()))
            .order_by("episode", Order::Desc)
            .limit(1)
            .take();
        self.db().select(query).await?.pop().map(|mut row| row.take()).transpose()
    }
}

fn view(mut row: Row) -> Result<IncidentView, ReadError> {
    json::read(&row.take::<String>()?)
}

/// A text as it is searched in and for: in lower case, and without the character 0, which PostgreSQL's texts
/// cannot hold.
pub(super) fn words(text: &str) -> String {
    text.to_lowercase().replace('\0', " ")
}

/// The question for the numbers of one page, divided so that each part walks along one index from its newest entry and
/// stops when the page is full.
fn walks(filter: &IncidentFilter, limit: u64, before: Option<u64>) -> Vec<SelectStatement> {
    let statuses: Vec<Status> =
        if filter.status.is_empty() { Status::ALL.into() } else { distinct(&filter.status) };
    let services: Vec<_> = filter.service.iter().map(|service| bytes(service.uuid())).collect();
    let teams: Vec<_> = filter.team.iter().map(|team| bytes(team.uuid())).collect();
    let mut rest = everything_else(filter, limit, before);
    let walk = |owner: Option<(&'static str, &Vec<u8>)>, status: Status, rest: &SelectStatement| {
        let mut walk = rest.clone();
        if let Some((column, id)) = owner {
            walk.and_where(Expr::col(column).eq(id.clone()));
        }
        walk.and_where(Expr::col("status").eq(i64::from(status.number()))).take()
    };
    for (column, owners, others) in
        [("service", &services, ("team", &teams)), ("team", &teams, ("service", &services))]
    {
        let owners = distinct(owners);
        if !owners.is_empty() && owners.len() * statuses.len() <= MAX_WALKS {
            if !others.1.is_empty() {
                rest.and_where(Expr::col(others.0).is_in(others.1.clone()));
            }
            let pairs = owners.iter().flat_map(|owner| statuses.iter().map(move |status| (owner, *status)));
            return pairs.map(|(owner, status)| walk(Some((column, owner)), status, &rest)).collect();
        }
    }
    for (column, owners) in [("service", services), ("team", teams)] {
        if !owners.is_empty() {
            rest.and_where(Expr::col(column).is_in(owners));
        }
    }
    if statuses.len() == Status::ALL.len() {
        return vec![rest];
    }
    statuses.into_iter().map(|status| walk(None, status, &rest)).collect()
}

/// The conditions that no index serves.
fn everything_else(filter: &IncidentFilter, limit: u64, before: Option<u64>) -> SelectStatement {
    let mut query =
        Query::select().column("number").from(LIST.name).order_by("number", Order::Desc).limit(limit).take();
    if let Some(before) = before {
        query.and_where(Expr::col("number").lt(before.cast_signed()));
    }
    if !filter.severity.is_empty() {
        query.and_where(
            Expr::col("severity").is_in(filter.severity.iter().map(|one| i64::from(severity_number(*one)))),
        );
    }
    if let Some(after) = filter.opened_after {
        query.and_where(Expr::col("opened_at").gte(after.millis()));
    }
    if let Some(before) = filter.opened_before {
        query.and_where(Expr::col("opened_at").lt(before.millis()));
    }
    for word in words(filter.text.as_deref().unwrap_or_default()).split_whitespace().take(MAX_WORDS) {
        let escaped = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        query.and_where(Expr::col("words").like(LikeExpr::new(format!("%{escaped}%")).escape('\\')));
    }
    query
}

fn bytes(id: Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

fn distinct<T: Clone + PartialEq>(items: &[T]) -> Vec<T> {
    let mut distinct = Vec::new();
    for item in items {
        if !distinct.contains(item) {
            distinct.push(item.clone());
        }
    }
    distinct
}
