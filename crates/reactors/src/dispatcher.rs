//! From pages to connectors: intent is durable before anything is sent, the result follows.
//!
//! Pages due now come straight from the log. Later ones, retries, those for which a lane had no place, and those a crash
//! left open come from the read model when their time has come. A page whose outcome is unknown is sent again with
//! the same key: at least once, and the receiver can tell.

mod hands;
mod later;
mod send;

use std::{sync::Arc, time::Duration};

use domain::{
    Aggregate, ContactId, Fact, PageId, Timestamp, UserId,
    page::{Page, PageEvent},
};
use futures::{FutureExt, StreamExt, stream};
use store::{Filter, Position, Recorded};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::{
    hands::Hands,
    later::{Later, Next},
    send::{Job, Sending},
};
use crate::{
    Parts,
    lane::{Lanes, lane_to},
    looks::next_look,
    retry::Backoff,
};

/// Events taken from the log, or rows from the read model, at a time.
const BATCH: usize = 512;
/// Pages looked up side by side.
const AT_ONCE: usize = 64;
/// How long to leave pages alone that found no place in a full lane.
const FULL_LANE: Duration = Duration::from_millis(200);
/// How long after a look that found pages in our hands there is another one, for those of which nothing came.
const HELD: Duration = Duration::from_secs(1);

/// Hands pages to connectors.
pub(crate) struct Dispatcher {
    parts: Parts,
    lanes: Lanes<Job>,
    hands: Hands,
    later: Arc<Later>,
    /// Ends the lanes when the dispatcher ends.
    _stop: DropGuard,
}

type Fault = Box<dyn std::error::Error + Send + Sync>;

impl Dispatcher {
    pub(crate) fn new(parts: Parts) -> Self {
        let stop = CancellationToken::new();
        let sending = Arc::new(Sending::new(parts.clone(), stop.clone()));
        let lanes = Lanes::new(Arc::new(move |job, place| Arc::clone(&sending).send(job, place).boxed()));
        let later = Arc::new(Later::default());
        Self { parts, lanes, hands: Hands::new(Arc::clone(&later)), later, _stop: stop.drop_guard() }
    }

    /// Sends for ever.
    pub(crate) async fn run(self) {
        let head = self.parts.engine.store().head();
        // What was asked for before is in the read model, or will be.
        self.later.leave(self.parts.engine.now(), head);
        tokio::join!(self.follow(head), self.collect());
    }

    /// Pages that are due the moment they are asked for.
    async fn follow(&self, after: Position) {
        let pages = Filter::Categories(vec![PageId::CATEGORY]);
        let mut tail = self.parts.engine.store().tail(after, pages);
        let mut backoff = Backoff::default();
        loop {
            match tail.next(BATCH).await {
                Ok(batch) => {
                    backoff.reset();
                    self.hands.forget_many(self.parts.reads.position());
                    let now = self.parts.engine.now();
                    for event in batch.events {
                        let position = event.position;
                        if let Some(due_at) = self.take_requested(event, now) {
                            self.later.leave(due_at, position);
                        }
                    }
                }
                Err(fault) => backoff.wait("dispatcher", &fault).await,
            }
        }
    }

    /// Puts a page on its lane that was asked for by this event. Returns when one is due that the read model must show.
    fn take_requested(&self, event: Arc<Recorded>, now: Timestamp) -> Option<Timestamp> {
        let Ok(said) = PageEvent::decode(&event.kind, &event.payload) else {
            // It is read again, and reported, when the read model shows it.
            return Some(now);
        };
        let (step, due_at, at) = match said {
            PageEvent::Requested { step, due_at, at, .. } => (step, due_at, at),
            PageEvent::Failed { retry_at, .. } => return retry_at,
            PageEvent::Sent { .. } | PageEvent::Withdrawn { .. } => return None,
        };
        if due_at > now {
            return Some(due_at);
        }
        let held = self.hands.hold(step.id())?;
        let seen = (Page::replay([&said]), event.version);
        let job = Job { step, attempt: 1, requested_at: at, seen, cause: event, held };
        (!self.enqueue(job)).then_some(due_at)
    }

    /// Pages whose time comes later.
    async fn collect(&self) {
        let mut positions = self.parts.reads.watch_position();
        let mut backoff = Backoff::default();
        loop {
            self.later.look();
            let (began, reached) = (Instant::now(), *positions.borrow_and_update());
            let due = match self.take_due(self.parts.engine.now()).await {
                Ok(due) => due,
                Err(fault) => {
                    backoff.wait("dispatcher", &*fault).await;
                    continue;
                }
            };
            backoff.reset();
            self.later.looked(reached);
            let again = next_look(began);
            if due.refused {
                tokio::time::sleep(FULL_LANE).await;
            } else {
                self.hands.forget_refusals();
                let long = async {
                    if due.held {
                        tokio::time::sleep(HELD).await;
                    } else {
                        std::future::pending::<()>().await;
                    }
                };
                tokio::select! {
                    () = long => {}
                    () = self.wait(due.next, reached, &mut positions) => {}
                }
            }
            tokio::time::sleep_until(again).await;
        }
    }

    /// Waits until a page is due: the next one that the read model showed when it was at `reached`, or one that it has
    /// yet to show.
    async fn wait(
        &self,
        next: Option<Timestamp>,
        reached: Position,
        positions: &mut watch::Receiver<Position>,
    ) {
        let mut left = self.later.watch();
        loop {
            left.mark_unchanged();
            let position = *positions.borrow_and_update();
            let missed = self.later.next(self.parts.engine.now(), position);
            if position < reached {
                // The read model is being made anew, of this log or of one that was put back: it may show others.
                self.later.leave(self.parts.engine.now(), self.parts.engine.store().head());
                return;
            }
            let first = match missed {
                Next::Shown => return,
                Next::At(at) => Some(next.map_or(at, |next| next.min(at))),
                Next::Nothing | Next::ToBeShown => next,
            };
            let due = async {
                match first {
                    Some(at) => self.parts.engine.clock().sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => return,
                _ = positions.changed() => if missed == Next::ToBeShown { return },
                _ = left.changed() => {}
            }
        }
    }

    /// Takes every page that is due and not in our hands.
    async fn take_due(&self, now: Timestamp) -> Result<Due, Fault> {
        let reads = &self.parts.reads;
        self.hands.forget(reads.position());
        let (mut after, mut refused, mut held, mut failed) = (None, false, false, None);
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
                match outcome {
                    Ok(Taken::Refused) => refused = true,
                    Ok(Taken::Held) => held = true,
                    Ok(Taken::Settled) => {}
                    // One page that cannot be read keeps none that is due after it.
                    Err(fault) => failed = Some(fault),
                }
            }
            if is_last {
                break;
            }
        }
        match failed {
            Some(fault) => Err(fault),
            None => Ok(Due { next: reads.next_page(now).await?, refused, held }),
        }
    }

    /// Puts a page on its lane, unless it is in our hands or needs no sending now.
    async fn take(&self, page: PageId, now: Timestamp) -> Result<Taken, Fault> {
        let whose = self.hands.refused(page);
        if whose.is_some_and(|(user, contact)| self.lanes.is_full(&self.lane_of(user, contact))) {
            return Ok(Taken::Refused);
        }
        let Some(held) = self.hands.hold(page) else { return Ok(Taken::Held) };
        let history = self.parts.engine.store().load(&page.stream(), 0).await?;
        let mut state = Page::default();
        for event in &history {
            state.evolve(&PageEvent::decode(&event.kind, &event.payload)?);
        }
        let seen = (state, history.len() as u64);
        let (Page::Open { step, failed, due_at, requested_at }, Some(first)) =
            (state, history.into_iter().next())
        else {
            held.done_at(self.parts.engine.store().head());
            return Ok(Taken::Settled);
        };
        if due_at > now {
            // It failed, and the event that says so is told to us or will be.
            held.put_back();
            return Ok(Taken::Settled);
        }
        let (attempt, cause) = (failed + 1, Arc::new(first));
        let placed = self.enqueue(Job { step, attempt, requested_at, seen, cause, held });
        Ok(if placed { Taken::Settled } else { Taken::Refused })
    }

    /// Tells whether there was a place.
    fn enqueue(&self, job: Job) -> bool {
        let step = job.step;
        let placed = self.lanes.put(&self.lane_of(step.user, step.contact), job);
        if placed {
            self.hands.accept(step.id());
        } else {
            self.hands.refuse(&step);
        }
        placed
    }

    fn lane_of(&self, user: UserId, contact: ContactId) -> Arc<str> {
        let directory = self.parts.directory.now();
        let contacts = directory.users.get(&user).map(|user| user.contacts.as_slice()).unwrap_or_default();
        lane_to(contacts.iter().find(|known| known.id == contact).map(|contact| &contact.method))
    }
}

/// What became of a page that is due.
enum Taken {
    /// It is on its lane, or needs no sending now.
    Settled,
    /// Its lane had no place.
    Refused,
    /// It is in our hands.
    Held,
}

/// What one look at the read model found.
struct Due {
    /// When the next page is due.
    next: Option<Timestamp>,
    /// Pages are due that found no place.
    refused: bool,
    /// Pages are due that are in our hands.
    held: bool,
}
