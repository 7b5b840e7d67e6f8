//! The trace that messages leave which were refused: a count and a short reason, not their bytes.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use commands::{CommandError, Engine, MetadataExt, mint};
use domain::{
    Actor, IntegrationId, Timestamp,
    integration::{Integration, IntegrationCommand, Refusals as Known},
};
use store::Metadata;
use tokio::sync::oneshot;

/// Why messages are refused.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sort {
    /// They do not prove themselves.
    Unproven,
    /// There are too many.
    Limited,
}

impl Sort {
    fn command(self, Waiting { count, reason }: Waiting, at: Timestamp) -> IntegrationCommand {
        match self {
            Self::Unproven => IntegrationCommand::NoteRefusals { count, reason, at },
            Self::Limited => IntegrationCommand::NoteLimited { count, at },
        }
    }

    /// When they were last noted.
    fn noted_at(self, integration: &Integration) -> Option<Timestamp> {
        match self {
            Self::Unproven => integration.refusals.last.as_ref().map(|(at, _)| *at),
            Self::Limited => integration.limited.last_at,
        }
    }
}

/// Counts refusals of one sort between one note in the log and the next. Clones share the counts.
#[derive(Clone, Debug)]
pub(super) struct Refusals {
    sort: Sort,
    /// What is to be noted, of integrations to which somebody sees.
    waiting: Arc<Mutex<HashMap<IntegrationId, Waiting>>>,
}

/// Refusals that are to be noted.
#[derive(Clone, Debug, Default)]
struct Waiting {
    count: u32,
    /// Why the last of them was refused; empty where that goes without saying.
    reason: String,
}

impl Refusals {
    pub(super) fn of(sort: Sort) -> Self {
        Self { sort, waiting: Arc::default() }
    }

    /// Counts one, and notes what was counted: at once, or a minute after the last note that is `known`. Where that is at
    /// once, it is in the log when this returns, unless the log does not take it now.
    pub(super) async fn note(
        &self,
        engine: &Engine,
        id: IntegrationId,
        known: Option<&Integration>,
        reason: String,
    ) {
        if !self.count(id, reason) {
            return;
        }
        let later = known.and_then(|known| self.next(known)).filter(|due| engine.now() < *due);
        // By itself: whoever sent the message may hang up, and others count on it.
        let (tried, at_once) = oneshot::channel();
        tokio::spawn(self.clone().see_to(engine.clone(), id, later, tried));
        if later.is_none() {
            let _tried = at_once.await;
        }
    }

    /// Counts one, and tells whether nobody saw to this integration.
    fn count(&self, id: IntegrationId, reason: String) -> bool {
        match self.lock().entry(id) {
            Entry::Vacant(entry) => {
                entry.insert(Waiting { count: 1, reason });
                true
            }
            Entry::Occupied(mut entry) => {
                let count = entry.get().count.saturating_add(1);
                entry.insert(Waiting { count, reason });
                false
            }
        }
    }

    /// When the next note may be made.
    fn next(&self, integration: &Integration) -> Option<Timestamp> {
        let noted_at = self.sort.noted_at(integration);
        noted_at.map(|last| last.plus_seconds(Known::NOTED_EVERY_SECONDS))
    }

    /// Notes what was counted, once a minute until nothing more is.
    async fn see_to(
        self,
        engine: Engine,
        id: IntegrationId,
        mut due: Option<Timestamp>,
        tried: oneshot::Sender<()>,
    ) {
        let mut tried = Some(tried);
        loop {
            if let Some(due) = due {
                engine.clock().sleep_until(due).await;
            }
            let counted = self.lock().get_mut(&id).map(std::mem::take).unwrap_or_default();
            let outcome = self.write(&engine, id, counted.clone()).await;
            drop(tried.take());
            let (left, next) = match outcome {
                Ok(()) => (Waiting::default(), None),
                Err(next) => (counted, next),
            };
            if self.put_back(id, left) {
                return;
            }
            due = next.or_else(|| Some(engine.now().plus_seconds(Known::NOTED_EVERY_SECONDS)));
        }
    }

    /// Writes it down. An error is when to try again, if that is known: another node was faster, or the log is away.
    async fn write(
        &self,
        engine: &Engine,
        id: IntegrationId,
        counted: Waiting,
    ) -> Result<(), Option<Timestamp>> {
        let command = self.sort.command(counted, engine.now());
        let metadata = Metadata::of(Actor::Integration { id }, mint::uuid());
        match engine.execute::<Integration>(id, &command, &metadata).await {
            Ok(done) if done.events.is_empty() => Err(self.next(&done.state)),
            Ok(_) => Ok(()),
            Err(CommandError::Rejected(rejection)) => {
                tracing::error!(integration = %id, %rejection, "refused messages could not be noted");
                Ok(())
            }
            Err(CommandError::Fault(fault)) => {
                tracing::warn!(integration = %id, %fault, "refused messages could not be noted yet");
                Err(None)
            }
        }
    }

    /// Puts back what was not noted. True if nothing is to be noted any more, and nobody sees to it then.
    fn put_back(&self, id: IntegrationId, left: Waiting) -> bool {
        let mut all = self.lock();
        let waiting = all.entry(id).or_default();
        if waiting.count == 0 {
            waiting.reason = left.reason;
        }
        waiting.count = waiting.count.saturating_add(left.count);
        let is_done = waiting.count == 0;
        if is_done {
            all.remove(&id);
        }
        is_done
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IntegrationId, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
