//! The problems that batches are about.

use std::collections::{HashMap, HashSet};

use domain::{IncidentId, Timestamp};
use lru::LruCache;
use sea_query::{Expr, Func, Query};
use store::Recorded;

use super::{
    counts::Counts,
    group::Group,
    rows::{self, LIST},
    stored::stored,
};
use crate::{
    IncidentView, ReadError, Status,
    db::{Database, Rows, Side},
    incident_list::{self, incident, opens},
    news::News,
};

/// How many problems and incidents are kept in memory between batches.
const REMEMBERED: usize = 16_384;

/// The problems that batches are about, incident by incident.
pub(crate) struct Fold {
    side: Side,
    /// The number of the latest problem; `None` until the table was asked.
    latest: Option<u64>,
    /// Groups as they are stored.
    remembered: LruCache<IncidentId, Group>,
    /// How many problems and groups are remembered.
    weight: usize,
    /// Groups that the present batch is about.
    touched: HashMap<IncidentId, Group>,
    /// Groups of a batch that is being written: they cannot be fetched yet.
    leaving: HashMap<IncidentId, Group>,
    counts: Counts,
}

impl Fold {
    pub(crate) fn new(side: Side) -> Self {
        Self {
            side,
            latest: None,
            remembered: LruCache::unbounded(),
            weight: 0,
            touched: HashMap::new(),
            leaving: HashMap::new(),
            counts: Counts::default(),
        }
    }

    /// Fetches what these events change. `incidents` has seen what came before them.
    pub(crate) async fn prepare<'a>(
        &mut self,
        db: &Database,
        events: impl Iterator<Item = (&'a Recorded, &'a News<'a>)>,
        incidents: &incident_list::Fold,
    ) -> Result<(), ReadError> {
        if self.latest.is_none() {
            self.latest = Some(latest(db, self.side).await?);
        }
        let (mut opened, mut missing) = (HashSet::new(), HashMap::new());
        for (recorded, news) in events {
            let Some(id) = incident(recorded) else { continue };
            if opens(recorded, news) {
                opened.insert(id);
            }
            if opened.contains(&id) || self.touched.contains_key(&id) {
                continue;
            }
            let Some(view) = incidents.view(id).filter(|view| concerns(news, view)) else { continue };
            let known = self.leaving.remove(&id).or_else(|| self.recall(id));
            if known.is_none() {
                missing.insert(view.number, id);
            }
            self.touched.insert(id, known.unwrap_or_else(|| Group::of(view)));
        }
        let numbers: Vec<_> = missing.keys().copied().collect();
        for (number, own, problem) in stored(db, self.side, &numbers).await? {
            if let Some(group) = missing.get(&number).and_then(|id| self.touched.get_mut(id)) {
                group.problems.insert(own, problem);
            }
        }
        Ok(())
    }

    /// Takes an event that `incidents` has taken.
    pub(crate) fn take(&mut self, recorded: &Recorded, news: &News<'_>, incidents: &incident_list::Fold) {
        let Some((id, view)) = incident(recorded).and_then(|id| Some((id, incidents.view(id)?))) else {
            return;
        };
        if opens(recorded, news) {
            self.touched.entry(id).or_insert_with(|| Group::of(view));
        }
        let (Some(group), Some(latest)) = (self.touched.get_mut(&id), &mut self.latest) else { return };
        let counts = &mut self.counts;
        match news {
            News::Triggered(triggered) if opens(recorded, news) => {
                let alerts = triggered.alerts.iter();
                alerts.for_each(|alert| group.hear(alert, triggered.at, latest, counts));
            }
            News::Joined(joined) => {
                joined.alerts.iter().for_each(|alert| group.hear(alert, joined.at, latest, counts));
            }
            News::Ended(ended) => group.end(&ended.alert, ended.at, counts),
            News::Triggered(_)
            | News::Acknowledged(_)
            | News::Snoozed(_)
            | News::Unacknowledged
            | News::Escalated(_)
            | News::Exhausted(_)
            | News::Resolved(_)
            | News::Held(_)
            | News::Merged(_)
            | News::Graded(_)
            | News::Reassigned(_)
            | News::Noted
            | News::Received(_)
            | News::Concluded(_)
            | News::Replayed(_)
            | News::Requested(_)
            | News::Sent(_)
            | News::Failed(_)
            | News::Withdrawn(_)
            | News::OnCallChanged(_)
            | News::Other => {}
        }
        let ended_at = view.resolved.as_ref().map_or(Timestamp::default(), |resolved| resolved.at);
        group.follow(view.status.into(), ended_at, counts);
    }

    pub(crate) fn rows(&mut self) -> impl Iterator<Item = Rows> + use<> {
        let counts = self.counts.rows();
        rows::rows(self.touched.values_mut()).into_iter().chain([counts])
    }

    /// The batch is about to be written, and another one begins.
    pub(crate) fn leave(&mut self) {
        self.leaving.extend(self.touched.drain());
    }

    /// Everything that left is written: it may be forgotten.
    pub(crate) fn written(&mut self) {
        for (id, group) in self.leaving.drain() {
            self.weight += weight(&group);
            if let Some(earlier) = self.remembered.put(id, group) {
                self.weight -= weight(&earlier);
            }
        }
        // The last one stays, however large: a storm in it would fetch it for each batch.
        while self.weight > REMEMBERED && self.remembered.len() > 1 {
            let Some((_, group)) = self.remembered.pop_lru() else { return };
            self.weight -= weight(&group);
        }
    }

    fn recall(&mut self, id: IncidentId) -> Option<Group> {
        let group = self.remembered.pop(&id)?;
        self.weight -= weight(&group);
        Some(group)
    }
}

fn weight(group: &Group) -> usize {
    1 + group.problems.len()
}

/// Whether an event may change a problem of an incident that is seen like this before it. Most events of a ladder come
/// while nobody has the incident, and change nothing.
fn concerns(news: &News<'_>, view: &IncidentView) -> bool {
    match news {
        News::Joined(_)
        | News::Ended(_)
        | News::Acknowledged(_)
        | News::Snoozed(_)
        | News::Unacknowledged
        | News::Resolved(_) => true,
        News::Escalated(_) | News::Exhausted(_) | News::Held(_) => view.status != Status::Triggered,
        News::Triggered(_)
        | News::Merged(_)
        | News::Graded(_)
        | News::Reassigned(_)
        | News::Noted
        | News::Received(_)
        | News::Concluded(_)
        | News::Replayed(_)
        | News::Requested(_)
        | News::Sent(_)
        | News::Failed(_)
        | News::Withdrawn(_)
        | News::OnCallChanged(_)
        | News::Other => false,
    }
}

async fn latest(db: &Database, side: Side) -> Result<u64, ReadError> {
    let query = Query::select().expr(Func::max(Expr::col("number"))).from(LIST.on(side)).take();
    let latest = db.select(query).await?.pop().map_or(Ok(None), |mut row| row.take::<Option<u64>>())?;
    Ok(latest.unwrap_or(0))
}
