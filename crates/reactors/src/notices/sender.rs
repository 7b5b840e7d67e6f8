//! From notices to connectors: intent is durable before anything is sent, the result follows.
//!
//! What is to be sent is folded from the log alone, from the first notice on that was not done with when this was
//! last noted. A notice whose outcome is unknown is sent again with the same key.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use commands::{CommandError, MetadataExt, mint};
use domain::{
    Fact, NoticeId, Timestamp,
    notice::{Matter, Notice, NoticeCommand, NoticeEvent},
};
use futures::FutureExt;
use store::{Filter, Metadata, Position, Recorded};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::compose::{Letter, compose};
use crate::{
    Parts,
    lane::{Breadth, Lanes, NOTICES, Place, lane_to},
    places::Places,
    retry::Backoff,
};

/// Events taken from the log at a time.
const BATCH: usize = 512;
/// Few at once; the rest wait here.
const BREADTH: Breadth = Breadth { width: NOTICES, mails: NOTICES, length: 64 };
/// How long to leave notices alone that found no place in a full lane.
const FULL_LANE: Duration = Duration::from_millis(200);
/// Under which name the sender's place in the log is kept.
const CHECKPOINT: &str = "notice sender";

/// Hands notices to connectors.
pub(super) struct Sender {
    parts: Parts,
    places: Places,
    lanes: Lanes<Job>,
    open: HashMap<NoticeId, Open>,
    /// Those that are not on a lane, by when they are due.
    queue: BTreeSet<(Timestamp, NoticeId)>,
    through: Position,
    /// Ends the lanes when the sender ends.
    _stop: DropGuard,
}

/// A notice that is to be sent.
struct Open {
    matter: Matter,
    failed: u32,
    due_at: Timestamp,
    requested_at: Timestamp,
    cause: Arc<Recorded>,
}

/// A notice on its lane.
struct Job {
    matter: Matter,
    attempt: u32,
    requested_at: Timestamp,
    cause: Arc<Recorded>,
}

impl Sender {
    pub(super) fn new(parts: Parts, places: Places) -> Self {
        let stop = CancellationToken::new();
        let (sending, stopped) = (parts.clone(), stop.clone());
        let work = move |job: Job, place: Place| {
            let (parts, stop) = (sending.clone(), stopped.clone());
            async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = see_through(&parts, &job, place) => {}
                }
            }
            .boxed()
        };
        Self {
            parts,
            places,
            lanes: Lanes::of_breadth(BREADTH, Arc::new(work)),
            open: HashMap::new(),
            queue: BTreeSet::new(),
            through: 0,
            _stop: stop.drop_guard(),
        }
    }

    /// Sends for ever.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::default();
        self.through = self.places.of(CHECKPOINT).await;
        // What was recorded before the start is read first: it may tell that a notice is done with.
        let start = self.parts.engine.store().head();
        let notices = Filter::Categories(vec![NoticeId::CATEGORY]);
        let mut tail = self.parts.engine.store().tail(self.through, notices);
        loop {
            let caught_up = self.through >= start;
            let refused = caught_up && self.send_due(self.parts.engine.now());
            self.report(caught_up);
            let next = self.queue.first().map(|(at, _)| *at);
            let wake = async {
                match next {
                    _ if !caught_up => std::future::pending().await,
                    Some(_) if refused => tokio::time::sleep(FULL_LANE).await,
                    Some(at) => self.parts.engine.clock().sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let batch = tokio::select! {
                batch = tail.next(BATCH) => batch,
                () = wake => continue,
            };
            match batch {
                Ok(batch) => {
                    backoff.reset();
                    let news = !batch.events.is_empty();
                    batch.events.iter().for_each(|event| self.take(event));
                    self.through = batch.through;
                    if news {
                        // Reading the same notices again is harmless.
                        self.places.reached(CHECKPOINT, self.place());
                    }
                }
                Err(fault) => backoff.wait("notices", &fault).await,
            }
        }
    }

    fn report(&self, caught_up: bool) {
        let next = self.queue.first().map(|(at, _)| *at);
        let through = if caught_up { self.through } else { 0 };
        self.parts.desk.sending(through, next, self.open.len() - self.queue.len());
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!("midwatch_notices_open").set(self.open.len() as f64);
    }

    /// Where to read on after a restart: before the first notice that is not done with.
    fn place(&self) -> Position {
        self.open.values().map(|open| open.cause.position - 1).min().unwrap_or(self.through)
    }

    /// Folds what happened to a notice.
    fn take(&mut self, event: &Arc<Recorded>) {
        let Some(id) = event.stream_uuid().map(NoticeId::new) else { return };
        let fact = match NoticeEvent::decode(&event.kind, &event.payload) {
            Ok(fact) => fact,
            Err(fault) => {
                metrics::counter!("midwatch_notices_unreadable_total").increment(1);
                return tracing::error!(notice = %id, %fault, "a notice cannot be read and is not sent");
            }
        };
        match fact {
            NoticeEvent::Requested { matter, due_at, at, .. } => {
                let cause = Arc::clone(event);
                self.open.insert(id, Open { matter, failed: 0, due_at, requested_at: at, cause });
                self.queue.insert((due_at, id));
            }
            NoticeEvent::Failed { attempt, retry_at: Some(retry_at), .. } => {
                if let Some(open) = self.open.get_mut(&id) {
                    self.queue.remove(&(open.due_at, id));
                    (open.failed, open.due_at) = (attempt, retry_at);
                    self.queue.insert((retry_at, id));
                }
            }
            NoticeEvent::Failed { retry_at: None, .. }
            | NoticeEvent::Sent { .. }
            | NoticeEvent::Withdrawn { .. } => {
                if let Some(open) = self.open.remove(&id) {
                    self.queue.remove(&(open.due_at, id));
                }
            }
        }
    }

    /// Puts what is due on lanes; tells whether something found no place.
    fn send_due(&mut self, now: Timestamp) -> bool {
        let due: Vec<_> = self.queue.iter().take_while(|(at, _)| *at <= now).copied().collect();
        let mut refused = false;
        for (at, id) in due {
            let Some(open) = self.open.get(&id) else { continue };
            let job = Job {
                matter: open.matter.clone(),
                attempt: open.failed + 1,
                requested_at: open.requested_at,
                cause: Arc::clone(&open.cause),
            };
            if self.lanes.put(&self.lane_of(&job.matter), job) {
                self.queue.remove(&(at, id));
            } else {
                refused = true;
            }
        }
        refused
    }

    fn lane_of(&self, matter: &Matter) -> Arc<str> {
        let directory = self.parts.directory.now();
        let contact = directory.users.get(&matter.user).and_then(|user| user.notice_contact());
        lane_to(contact.map(|contact| &contact.method))
    }
}

/// Sends a notice unless it is not to be sent any more, and records what came of it.
async fn see_through(parts: &Parts, job: &Job, place: Place) {
    let mut backoff = Backoff::default();
    let letter = loop {
        match compose(parts, &job.matter, job.attempt, job.requested_at).await {
            Ok(letter) => break letter,
            Err(fault) => backoff.wait("notices", &fault).await,
        }
    };
    let attempt = job.attempt;
    let command = match letter {
        Letter::Withdraw(reason) => NoticeCommand::WithdrawNotice { reason, at: parts.engine.now() },
        Letter::Send(outgoing) => match parts.connectors.notify(&outgoing).await {
            Ok(receipt) => NoticeCommand::RecordSent {
                attempt,
                provider: receipt.provider.to_owned(),
                reference: receipt.reference,
                at: parts.engine.now(),
            },
            Err(error) => NoticeCommand::RecordFailed {
                attempt,
                code: error.code().to_owned(),
                detail: error.to_string(),
                permanent: error.is_permanent(),
                retry_after: error.retry_after(),
                at: parts.engine.now(),
            },
        },
    };
    drop(place);
    record(parts, job, &command).await;
}

async fn record(parts: &Parts, job: &Job, command: &NoticeCommand) {
    let id = job.matter.id();
    let purpose = format!("attempt {}", job.attempt);
    let command_id = mint::derived_at(job.cause.recorded_at, id.uuid(), &purpose);
    let metadata = Metadata::reacting("notices", command_id, &job.cause);
    let mut backoff = Backoff::default();
    loop {
        match parts.engine.execute::<Notice>(id, command, &metadata).await {
            Ok(done) => {
                if let Some(event) = done.events.first() {
                    let (about, outcome) = (job.matter.about.word(), outcome(event));
                    metrics::counter!("midwatch_notices_total", "about" => about, "outcome" => outcome)
                        .increment(1);
                }
                return;
            }
            Err(CommandError::Rejected(rejection)) => {
                return tracing::error!(notice = %id, %rejection, "the outcome of a notice could not be recorded");
            }
            Err(CommandError::Fault(fault)) => backoff.wait("notices", &fault).await,
        }
    }
}

const fn outcome(event: &NoticeEvent) -> &'static str {
    match event {
        NoticeEvent::Requested { .. } => "requested",
        NoticeEvent::Sent { .. } => "sent",
        NoticeEvent::Failed { retry_at: Some(_), .. } => "failed",
        NoticeEvent::Failed { retry_at: None, .. } => "given_up",
        NoticeEvent::Withdrawn { .. } => "withdrawn",
    }
}
