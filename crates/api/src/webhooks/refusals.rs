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

/// Counts refusals of one sort between one note in the log and the next. Clones share the counts.
#[derive(Clone, Default)]
pub(super) struct Refusals {
    /// How many are to be noted, of integrations to which somebody sees.
    counts: Arc<Mutex<HashMap<IntegrationId, u32>>>,
}

/// Refusals of one integration on their way into the log.
struct Note<C> {
    counts: Refusals,
    engine: Engine,
    id: IntegrationId,
    command: C,
}

impl Refusals {
    /// Counts one, and notes what was counted: at once, or a minute after the last note, which was at `noted`. Where that
    /// is at once, it is in the log when this returns, unless the log does not take it now.
    pub(super) async fn note<C>(
        &self,
        engine: &Engine,
        id: IntegrationId,
        noted: Option<Timestamp>,
        command: C,
    ) where
        C: Fn(u32, Timestamp) -> IntegrationCommand + Send + Sync + 'static,
    {
        if !self.count(id) {
            return;
        }
        let note = Note { counts: self.clone(), engine: engine.clone(), id, command };
        let due = noted.map(|last| last.plus_seconds(Known::NOTED_EVERY_SECONDS));
        let later = due.filter(|due| engine.now() < *due);
        // By itself: whoever sent the message may hang up, and others count on it.
        let (tried, at_once) = oneshot::channel();
        tokio::spawn(note.see_to(later, tried));
        if later.is_none() {
            let _tried = at_once.await;
        }
    }

    /// Counts one, and tells whether nobody saw to this integration.
    fn count(&self, id: IntegrationId) -> bool {
        match self.lock().entry(id) {
            Entry::Vacant(entry) => {
                entry.insert(1);
                true
            }
            Entry::Occupied(mut entry) => {
                *entry.get_mut() = entry.get().saturating_add(1);
                false
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IntegrationId, u32>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> Note<C>
where
    C: Fn(u32, Timestamp) -> IntegrationCommand,
{
    /// Notes what was counted, once a minute until nothing more is.
    async fn see_to(self, mut due: Option<Timestamp>, tried: oneshot::Sender<()>) {
        let mut tried = Some(tried);
        loop {
            if let Some(due) = due {
                self.engine.clock().sleep_until(due).await;
            }
            let count = self.counts.lock().get_mut(&self.id).map(std::mem::take).unwrap_or_default();
            let left = if self.is_noted(count).await { 0 } else { count };
            drop(tried.take());
            if self.is_done(left) {
                return;
            }
            due = Some(self.engine.now().plus_seconds(Known::NOTED_EVERY_SECONDS));
        }
    }

    /// Notes that many. False if that is to be tried again: another node was faster a moment ago, or the log is away.
    async fn is_noted(&self, count: u32) -> bool {
        let command = (self.command)(count, self.engine.now());
        let metadata = Metadata::of(Actor::Integration { id: self.id }, mint::uuid());
        match self.engine.execute::<Integration>(self.id, &command, &metadata).await {
            Ok(done) => !done.events.is_empty(),
            Err(CommandError::Rejected(rejection)) => {
                tracing::error!(integration = %self.id, %rejection, "refused messages could not be noted");
                true
            }
            Err(CommandError::Fault(fault)) => {
                tracing::warn!(integration = %self.id, %fault, "refused messages could not be noted yet");
                false
            }
        }
    }

    /// Puts back what was not noted, and lets go if there is nothing to be noted any more.
    fn is_done(&self, left: u32) -> bool {
        let mut counts = self.counts.lock();
        let count = counts.entry(self.id).or_default();
        *count = count.saturating_add(left);
        let is_done = *count == 0;
        if is_done {
            counts.remove(&self.id);
        }
        is_done
    }
}
