//! What can be asked about incidents.

use std::collections::{BTreeSet, HashMap};

use domain::{Alert, IncidentId, ServiceId, incident::IncidentEvent};
use sea_query::{Expr, ExprTrait, Order, Query};
use store::Position;
use uuid::Uuid;

use super::{
    document,
    rows::{BY_ID, DOCUMENT, LIST, thread},
    view::{IncidentFilter, IncidentView},
};
use crate::{
    ReadError, ReadModels, Slice,
    db::{Row, Side},
    list::{Place, Wanted},
};

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

    /// Incidents, newest first: by when they opened, then by number.
    pub async fn incidents(
        &self,
        filter: &IncidentFilter,
        first: usize,
        after: Option<&str>,
    ) -> Result<Slice<IncidentView>, ReadError> {
        let (before, text) = (Place::parse(after)?, filter.text.as_deref());
        let search = self.incident_search();
        let mut places = search.places(self.db(), &wanted(filter), text, first + 1, before).await?;
        let has_next = places.len() > first;
        places.truncate(first);
        let query = Query::select()
            .columns(["facts", "stand"])
            .from(DOCUMENT.name)
            .and_where(Expr::col("number").is_in(places.iter().map(|place| place.number.cast_signed())))
            .take();
        let rows = if places.is_empty() { Vec::new() } else { self.db().select(query).await? };
        let views = rows.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
        let mut views: HashMap<u64, _> = views.into_iter().map(|view| (view.number, view)).collect();
        let items = places.iter().filter_map(|place| Some((place.cursor(), views.remove(&place.number)?)));
        Ok(Slice { items: items.collect(), has_next })
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
    document::view(&row.take::<String>()?, &row.take::<String>()?)
}

fn wanted(filter: &IncidentFilter) -> Wanted {
    Wanted {
        status: filter.status.iter().map(|status| status.number()).collect(),
        severity: filter.severity.clone(),
        owners: vec![
            ("service", filter.service.iter().map(|service| service.uuid()).collect()),
            ("team", filter.team.iter().map(|team| team.uuid()).collect()),
        ],
        part_of: None,
        after: filter.opened_after,
        before: filter.opened_before,
    }
}
