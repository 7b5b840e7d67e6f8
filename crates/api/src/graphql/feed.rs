//! The feed: what happened lately and can be seen, for all subscribers at once.
//!
//! One task follows the log as far as the read models have come, keeps the last events and wakes the
//! subscribers. Each subscriber has a cursor of its own; one that is further behind than the feed remembers
//! reads the log itself. So a slow one costs nothing to the others, and nothing is lost.

use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use domain::{IncidentId, PageId};
use lru::LruCache;
use projections::IncidentView;
use store::{Filter, Position, Recorded};
use tokio::sync::{OnceCell, watch};

use super::{Schema, fault::Fault, payloads::Payloads};
use crate::App;

/// Events that the feed remembers.
const REMEMBERED: usize = 4096;
/// Events taken from the log at a time.
const BATCH: usize = 512;
/// Events that a subscriber takes at a time.
pub(super) const PAGE: usize = 256;
/// Subscribers are not woken more often than this; after a pause they are woken at once.
const PACE: Duration = Duration::from_millis(5);
/// The wait before the log is asked again after a failure.
const RETRY: Duration = Duration::from_millis(250);
/// Views of incidents after a change that are shared among subscribers.
const VIEWS: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");

/// What happened lately and can be seen.
pub(super) struct Feed {
    pub(super) app: App,
    pub(super) schema: Schema,
    pub(super) payloads: Payloads,
    recent: Mutex<Recent>,
    /// How far everything can be seen.
    all: watch::Sender<Position>,
    /// The last of these events that concerns an incident.
    incidents: watch::Sender<Position>,
    views: Mutex<LruCache<Position, Arc<SharedView>>>,
}

/// An incident after a change, read by the first who asks.
type SharedView = OnceCell<Option<Arc<IncidentView>>>;

/// The last events, without a gap.
struct Recent {
    events: VecDeque<Arc<Recorded>>,
    /// Every event after this one and up to the last is here.
    after: Position,
}

/// A part of what happened.
pub(super) struct Part {
    pub(super) events: Vec<Arc<Recorded>>,
    /// Everything that was asked for up to here is in this part.
    pub(super) through: Position,
}

impl Feed {
    /// A feed from now on, followed until shutdown.
    pub(super) fn start(app: App, schema: Schema) -> Arc<Self> {
        let position = app.reads.position();
        let feed = Arc::new(Self {
            app,
            schema,
            payloads: Payloads::default(),
            recent: Mutex::new(Recent { events: VecDeque::new(), after: position }),
            all: watch::Sender::new(position),
            incidents: watch::Sender::new(position),
            views: Mutex::new(LruCache::new(VIEWS)),
        });
        let (following, shutdown) = (Arc::clone(&feed), feed.app.shutdown.clone());
        tokio::spawn(async move {
            shutdown.run_until_cancelled(following.follow(position)).await;
        });
        feed
    }

    /// How far everything can be seen.
    pub(super) fn position(&self) -> Position {
        *self.all.borrow()
    }

    /// Wakes whenever something that concerns an incident can be seen.
    pub(super) fn watch_incidents(&self) -> watch::Receiver<Position> {
        self.incidents.subscribe()
    }

    /// Wakes whenever anything can be seen.
    pub(super) fn watch_all(&self) -> watch::Receiver<Position> {
        self.all.subscribe()
    }

    async fn follow(&self, after: Position) {
        let mut visible = self.app.reads.watch_position();
        let mut tail = self.app.engine.store().tail(after, Filter::All);
        let mut last_woken = Instant::now();
        loop {
            let batch = match tail.next(BATCH).await {
                Ok(batch) => batch,
                Err(fault) => {
                    tracing::warn!(%fault, "the subscriptions wait for the log");
                    tokio::time::sleep(RETRY).await;
                    continue;
                }
            };
            let mut events = VecDeque::from(batch.events);
            loop {
                let position = *visible.borrow_and_update();
                let through = position.min(batch.through);
                if through > self.position() {
                    let ready = events.partition_point(|event| event.position <= through);
                    tokio::time::sleep(PACE.saturating_sub(last_woken.elapsed())).await;
                    last_woken = Instant::now();
                    self.publish(events.drain(..ready), through);
                }
                if through >= batch.through {
                    break;
                }
                if visible.changed().await.is_err() {
                    return;
                }
            }
        }
    }

    fn publish(&self, events: impl Iterator<Item = Arc<Recorded>>, through: Position) {
        let mut last_of_incidents = None;
        {
            let mut recent = self.recent();
            for event in events {
                if concerns_incidents(&event) {
                    last_of_incidents = Some(event.position);
                }
                recent.events.push_back(event);
            }
            while recent.events.len() > REMEMBERED {
                recent.after = recent.events.pop_front().map_or(recent.after, |event| event.position);
            }
        }
        // In this order: whoever sees how far everything can be seen also sees the last that concerns an incident.
        if let Some(position) = last_of_incidents {
            self.incidents.send_replace(position);
        }
        self.all.send_replace(through);
    }

    /// The events that `wanted` admits after one position and up to another, as many as a subscriber takes at a
    /// time.
    pub(super) async fn between(
        &self,
        after: Position,
        through: Position,
        only_incidents: bool,
    ) -> Result<Part, Fault> {
        if let Some(part) = self.remembered(after, through, only_incidents) {
            return Ok(part);
        }
        let filter = if only_incidents {
            Filter::Categories(vec![IncidentId::CATEGORY, PageId::CATEGORY])
        } else {
            Filter::All
        };
        let events = self.app.engine.store().read(after, PAGE, &filter).await?;
        let whole = events.len() < PAGE;
        let events: Vec<_> =
            events.into_iter().filter(|event| event.position <= through).map(Arc::new).collect();
        let last = events.last().map_or(after, |event| event.position);
        let whole = whole || events.len() < PAGE;
        let events =
            events.into_iter().filter(|event| !only_incidents || concerns_incidents(event)).collect();
        Ok(Part { events, through: if whole { through } else { last } })
    }

    fn remembered(&self, after: Position, through: Position, only_incidents: bool) -> Option<Part> {
        let recent = self.recent();
        if after < recent.after {
            return None;
        }
        let start = recent.events.partition_point(|event| event.position <= after);
        let mut part = Part { events: vec![], through };
        for event in recent.events.range(start..) {
            if event.position > through {
                break;
            }
            if only_incidents && !concerns_incidents(event) {
                continue;
            }
            if part.events.len() == PAGE {
                part.through = part.events.last().map_or(after, |last: &Arc<Recorded>| last.position);
                break;
            }
            part.events.push(Arc::clone(event));
        }
        Some(part)
    }

    /// The incident that an event concerns, as it was then or later; read once for all subscribers.
    pub(super) async fn view(&self, event: &Recorded) -> Result<Option<Arc<IncidentView>>, Fault> {
        let cell = {
            let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(views.get_or_insert(event.position, Arc::default))
        };
        let read = async || {
            let Some(id) = incident_of(event) else { return Ok(None) };
            Ok::<_, Fault>(self.app.reads.incident(id).await?.map(Arc::new))
        };
        cell.get_or_try_init(read).await.cloned()
    }

    fn recent(&self) -> std::sync::MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether subscribers to incidents are told of an event. Not of the first half of a decision that always has a
/// second one, recorded with it: the level that is reached, or the end of the ladder.
fn concerns_incidents(event: &Recorded) -> bool {
    match event.category() {
        IncidentId::CATEGORY => !matches!(
            &*event.kind,
            "incident.triggered.v1" | "incident.unacknowledged.v1" | "incident.reassigned.v1"
        ),
        PageId::CATEGORY => true,
        _ => false,
    }
}

fn incident_of(event: &Recorded) -> Option<IncidentId> {
    match event.category() {
        IncidentId::CATEGORY => event.stream_uuid().map(IncidentId::new),
        _ => event.subjects.iter().find_map(|subject| subject.as_str().parse().ok()),
    }
}
