//! What can be asked about problems.

use std::collections::HashMap;

use domain::{DeliveryId, IncidentId, IntegrationId, ServiceId, TeamId};
use sea_query::{Expr, ExprTrait, JoinType, Query, SelectStatement};
use uuid::Uuid;

use super::{
    record::{AlertFilter, AlertRecord, AlertRecordId, AlertStatus},
    rows::{LIST, SAID},
};
use crate::{
    ReadError, ReadModels, Slice,
    db::Row,
    incident_list,
    list::{Place, Wanted, severity_of},
};

impl ReadModels {
    /// Problems, newest first: by when they were first told of, then by number.
    pub async fn alert_records(
        &self,
        filter: &AlertFilter,
        first: usize,
        after: Option<&str>,
    ) -> Result<Slice<AlertRecord>, ReadError> {
        let before = Place::parse(after)?;
        let mut wanted = wanted(filter);
        if let Some(incident) = filter.incident {
            let Some(number) = self.incident_number(incident).await? else {
                return Ok(Slice { items: vec![], has_next: false });
            };
            wanted.part_of = Some(("incident", number));
        }
        let (search, text) = (self.alert_search(), filter.text.as_deref());
        let mut places = search.places(self.db(), &wanted, text, first + 1, before).await?;
        let has_next = places.len() > first;
        places.truncate(first);
        let records = self.records(places.iter().map(|place| place.number)).await?;
        let mut records: HashMap<_, _> =
            records.into_iter().map(|record| (record.id.number(), record)).collect();
        let items = places.iter().filter_map(|place| Some((place.cursor(), records.remove(&place.number)?)));
        Ok(Slice { items: items.collect(), has_next })
    }

    /// One problem.
    pub async fn alert_record(&self, id: AlertRecordId) -> Result<Option<AlertRecord>, ReadError> {
        Ok(self.records([id.number()].into_iter()).await?.pop())
    }

    async fn records(&self, numbers: impl Iterator<Item = u64>) -> Result<Vec<AlertRecord>, ReadError> {
        let numbers: Vec<_> = numbers.map(u64::cast_signed).collect();
        if numbers.is_empty() {
            return Ok(vec![]);
        }
        self.db().select(shown(numbers)).await?.into_iter().map(record).collect()
    }

    async fn incident_number(&self, id: IncidentId) -> Result<Option<u64>, ReadError> {
        let query = Query::select()
            .column("number")
            .from(incident_list::LIST.name)
            .and_where(Expr::col("id").eq(id.uuid().as_bytes().to_vec()))
            .take();
        self.db().select(query).await?.pop().map(|mut row| row.take()).transpose()
    }
}

fn wanted(filter: &AlertFilter) -> Wanted {
    Wanted {
        status: filter.status.iter().map(|status| status.number()).collect(),
        severity: filter.severity.clone(),
        owners: vec![
            ("integration", filter.integration.iter().map(|integration| integration.uuid()).collect()),
            ("service", filter.service.iter().map(|service| service.uuid()).collect()),
            ("team", filter.team.iter().map(|team| team.uuid()).collect()),
        ],
        part_of: None,
        after: filter.seen_after,
        before: filter.seen_before,
    }
}

/// The question for all that is shown of these problems.
fn shown(numbers: Vec<i64>) -> SelectStatement {
    let columns = [
        ("list", "number"),
        ("incidents", "id"),
        ("list", "status"),
        ("list", "severity"),
        ("list", "service"),
        ("list", "team"),
        ("list", "integration"),
        ("list", "first_seen_at"),
        ("list", "ended_at"),
        ("said", "key"),
        ("said", "own"),
        ("said", "first_delivery"),
        ("said", "last_delivery"),
        ("said", "last_seen_at"),
        ("said", "occurrences"),
        ("said", "title"),
        ("said", "details"),
        ("said", "source"),
        ("said", "component"),
        ("said", "severity"),
        ("said", "rule"),
    ];
    joined().columns(columns).and_where(Expr::col(("list", "number")).is_in(numbers)).take()
}

/// Problems with what was said of them and the incidents that they belong to.
pub(super) fn joined() -> SelectStatement {
    let same = |left, right| Expr::col(left).equals(right);
    Query::select()
        .from_as(LIST.name, "list")
        .join_as(JoinType::InnerJoin, SAID.name, "said", same(("said", "number"), ("list", "number")))
        .join_as(
            JoinType::InnerJoin,
            incident_list::LIST.name,
            "incidents",
            same(("incidents", "number"), ("list", "incident")),
        )
        .take()
}

fn record(mut row: Row) -> Result<AlertRecord, ReadError> {
    Ok(AlertRecord {
        id: AlertRecordId(row.take()?),
        incident: IncidentId::new(row.take()?),
        status: AlertStatus::of(row.take()?)?,
        severity: severity_of(row.take()?)?,
        service: ServiceId::new(row.take()?),
        team: row.take::<Option<Uuid>>()?.map(TeamId::new),
        integration: IntegrationId::new(row.take()?),
        first_seen_at: row.take()?,
        ended_at: row.take()?,
        key: row.take()?,
        grouped: row.take::<u32>()? == 1,
        first_delivery: DeliveryId::new(row.take()?),
        last_delivery: DeliveryId::new(row.take()?),
        last_seen_at: row.take()?,
        occurrences: row.take()?,
        title: row.take()?,
        details: row.take()?,
        source: row.take()?,
        component: row.take()?,
        last_severity: severity_of(row.take()?)?,
        rule: row.take()?,
    })
}
