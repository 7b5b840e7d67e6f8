//! From pages to connectors: intent is durable before anything is sent, the result follows.
//!
//! Pages due now come straight from the log. Later ones, retries, and those a crash left open come
//! from the read model when their time has come. A page whose outcome is unknown is sent again with
//! the same key: at least once, and the receiver can tell.

mod hands;
mod send;

use std::{sync::Arc, time::Duration};

use domain::{
    Aggregate, Fact, PageId, Timestamp,
    page::{Page, PageEvent},
    user::ContactMethod,
};
use futures::{FutureExt, StreamExt, stream};
use store::{Filter, Recorded};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::{
    hands::Hands,
    send::{Job, Sending},
};
use crate::{Parts, lane::Lanes, retry::Backoff};

/// Events taken from the log, or rows from the read model, at a time.
const BATCH: usize = 512;
/// Pages looked up side by side.
const AT_ONCE: usize = 64;
/// The least time between two looks at the read model, which moves on some hundred times in a second under a load.
const REST: Duration = Duration::from_millis(10);
/// How long to leave pages alone that found no place in a full lane.
const FULL_LANE: Duration = Duration::from_millis(500);

/// Hands pages to connectors.
pub(crate) struct Dispatcher {
    parts: Parts,
    lanes: Lanes<Job>,
    hands: Hands,
    /// Ends the lanes when the dispatcher ends.
    _stop: DropGuard,
}

type Fault = Box<dyn std::error::Error + Send + Sync>;

impl Dispatcher {
    pub(crate) fn new(parts: Parts) -> Self {
        let (hands, stop) = (Hands::default(), CancellationToken::new());
        let sending = Arc::new(Sending::new(parts.clone(), stop.clone()));
        let lanes = Lanes::new(Arc::new(move |job, place| Arc::clone(&sending).send(job, place).boxed()));
        Self { parts, lanes, hands, _stop: stop.drop_guard() }
    }

    /// Sends for ever.
    pub(crate) async fn run(self) {
        tokio::join!(self.follow(), self.collect());
    }

    /// Pages that are due the moment they are asked for.
    async fn follow(&self) {
        let store = self.parts.engine.store();
        let mut tail = store.tail(store.head(), Filter::Categories(vec![PageId::CATEGORY]));
        let mut backoff = Backoff::default();
        loop {
            match tail.next(BATCH).await {
                Ok(batch) => {
                    backoff.reset();
                    let now = self.parts.engine.now();
                    for event in batch.events {
                        self.take_requested(event, now);
                    }
                }
                Err(fault) => backoff.wait("dispatcher", &fault).await,
            }
        }
    }

    fn take_requested(&self, event: Arc<Recorded>, now: Timestamp) {
        if &*event.kind != "page.requested.v1" {
            return;
        }
        // A page that cannot be read here is read again, and reported, when the read model shows it.
        let Ok(PageEvent::Requested { step, due_at, at, .. }) = Fact::decode(&event.kind, &event.payload)
        else {
            return;
        };
        if due_at > now {
            return;
        }
        if let Some(held) = self.hands.hold(step.id()) {
            self.enqueue(Job { step, attempt: 1, requested_at: at, cause: event, held });
        }
    }

    /// Pages whose time comes later.
    async fn collect(&self) {
        let mut positions = self.parts.reads.watch_position();
        let mut backoff = Backoff::default();
        loop {
            positions.mark_unchanged();
            let rested = tokio::time::Instant::now() + REST;
            match self.take_due(self.parts.engine.now()).await {
                Ok(Due { refused: true, .. }) => {
                    backoff.reset();
                    tokio::time::sleep(FULL_LANE).await;
                }
                Ok(Due { next, refused: false }) => {
                    backoff.reset();
                    let sleep = async {
                        match next {
                            Some(at) => self.parts.engine.clock().sleep_until(at).await,
                            None => std::future::pending().await,
                        }
                    };
                    tokio::select! {
                        () = sleep => {}
                        changed = positions.changed() => if changed.is_err() { return },
                    }
                }
                Err(fault) => backoff.wait("dispatcher", &*fault).await,
            }
            tokio::time::sleep_until(rested).await;
        }
    }

    /// Takes every page that is due and not in our hands.
    async fn take_due(&self, now: Timestamp) -> Result<Due, Fault> {
        let reads = &self.parts.reads;
        self.hands.forget(reads.position());
        let (mut after, mut refused) = (None, false);
        loop {
            let rows = reads.due_pages(now, after, BATCH).await?;
            let Some(last) = rows.last() else { break };
            after = Some((last.due_at, last.page));
            let is_last = rows.len() < BATCH;
            let taken: Vec<_> = stream::iter(rows)
                .map(|row| self.take(row.page, now))
                .buffer_unordered(AT_ONCE)
                .collect()
                .await;
            for outcome in taken {
                refused |= !outcome?;
            }
            if is_last {
                break;
            }
        }
        Ok(Due { next: reads.next_page(now).await?, refused })
    }

    /// Puts a page on its lane, unless it is in our hands or needs no sending now. Tells whether it
    /// found a place.
    async fn take(&self, page: PageId, now: Timestamp) -> Result<bool, Fault> {
        let Some(held) = self.hands.hold(page) else { return Ok(true) };
        let history = self.parts.engine.store().load(&page.stream(), 0).await?;
        let mut state = Page::default();
        for event in &history {
            state.evolve(&PageEvent::decode(&event.kind, &event.payload)?);
        }
        let (Page::Open { step, failed, due_at, requested_at }, Some(first)) =
            (state, history.into_iter().next())
        else {
            held.done_at(self.parts.engine.store().head());
            return Ok(true);
        };
        if due_at > now {
            return Ok(true);
        }
        Ok(self.enqueue(Job { step, attempt: failed + 1, requested_at, cause: Arc::new(first), held }))
    }

    fn enqueue(&self, job: Job) -> bool {
        let lane = self.lane_of(&job);
        self.lanes.put(lane, job)
    }

    fn lane_of(&self, job: &Job) -> String {
        let directory = self.parts.directory.now();
        let contacts =
            directory.users.get(&job.step.user).map(|user| user.contacts.as_slice()).unwrap_or_default();
        match contacts.iter().find(|contact| contact.id == job.step.contact).map(|contact| &contact.method) {
            Some(ContactMethod::Webhook { url, .. }) => {
                connectors::lane(&connectors::Destination::Webhook { url: url.clone(), secrets: vec![] })
            }
            Some(ContactMethod::Email { .. }) => "email".to_owned(),
            None => "gone".to_owned(),
        }
    }
}

/// What one look at the read model found.
struct Due {
    /// When the next page is due.
    next: Option<Timestamp>,
    /// Pages are due that found no place.
    refused: bool,
}
