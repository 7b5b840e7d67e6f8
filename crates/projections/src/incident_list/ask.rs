//! What can be asked about incidents.

use std::collections::{BTreeSet, HashMap};

use domain::{Alert, IncidentId, ServiceId, incident::IncidentEvent};
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use store::Position;
use tokio::task;
use uuid::Uuid;

use super::{
    document,
    rows::{BY_ID, DOCUMENT, LIST, thread},
    search::wanted,
    view::{IncidentFilter, IncidentView},
    walks::{Place, among, among_forgotten, known_or_has, walks_of, whole},
};
use crate::{
    ReadError, ReadModels, Slice,
    db::{Row, Side},
};

/// So many places are passed at a time when words are looked for.
const STRIDE: usize = if cfg!(test) { 2 } else { 256 };
/// After so many strides it is time to look for the words themselves.
const PATIENCE: usize = if cfg!(test) { 2 } else { 4 };
/// Up to so many incidents that have the words are looked up one by one.
const FEW: usize = if cfg!(test) { 3 } else { 2000 };
/// So many of them at a time.
const TOGETHER: usize = if cfg!(test) { 2 } else { 500 };

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
        let before = Place::parse(after)?;
        let wanted = wanted(filter.text.as_deref());
        let mut places = if wanted.is_empty() {
            self.places(walks_of(filter, first + 1, before)).await?
        } else {
            self.places_with(filter, wanted, first + 1, before).await?
        };
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

    /// What several walks find, the newest first.
    async fn places(&self, walks: Vec<SelectStatement>) -> Result<Vec<Place>, ReadError> {
        let mut places = Vec::new();
        for mut row in self.db().selects(walks).await?.into_iter().flatten() {
            places.push(Place { opened_at: row.take()?, number: row.take()? });
        }
        places.sort_unstable_by(|one, other| other.cmp(one));
        Ok(places)
    }

    /// The newest places whose incidents also have these words.
    async fn places_with(
        &self,
        filter: &IncidentFilter,
        wanted: Vec<String>,
        limit: usize,
        mut before: Option<Place>,
    ) -> Result<Vec<Place>, ReadError> {
        let mut known = self.search().known(self.db()).await?;
        let forgotten = known.forgotten();
        let mut places = Vec::new();
        // Frequent words are met soon by walking along everything that the filter admits.
        for stride in 1.. {
            let length = if stride > PATIENCE { STRIDE * 8 } else { STRIDE };
            let walks = walks_of(filter, length, before).into_iter();
            let walks = walks.map(|walk| known_or_has(walk, forgotten, &wanted)).collect();
            let mut passed = self.places(walks).await?;
            let ended = passed.len() < length;
            // Beyond that, a walk that stopped at its limit may have more.
            passed.truncate(length);
            before = passed.last().copied().or(before);
            places.extend(
                passed
                    .into_iter()
                    .filter(|place| place.number <= forgotten || known.has(place.number, &wanted)),
            );
            if ended || places.len() >= limit {
                break;
            }
            if stride != PATIENCE {
                continue;
            }
            // Rare ones are not: now look for the words first.
            let words = wanted.clone();
            let find = move || (known.find(&words), known);
            let found = task::spawn_blocking(find).await;
            let (numbers, again) =
                found.map_err(|_| ReadError::Unavailable("the search was abandoned".into()))?;
            known = again;
            if numbers.len() <= FEW {
                let old = if forgotten > 0 { walks_of(filter, limit, before) } else { Vec::new() };
                let old = old.into_iter().map(|walk| among_forgotten(walk, forgotten, &wanted));
                let few = numbers.chunks(TOGETHER).map(|part| among(whole(filter, limit, before), part));
                places.extend(self.places(old.chain(few).collect()).await?);
                break;
            }
        }
        Ok(places)
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
