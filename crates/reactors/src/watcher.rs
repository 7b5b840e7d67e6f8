//! The watcher: whoever has been silent for too long is an incident, until it is heard again.
//!
//! Hearing costs a look into a map and writes nothing: when a watched integration may have been silent for too long it
//! is looked at, and what was heard meanwhile moves that look on. A silence is first decided and recorded, then
//! reported, and ended after its incident is over. Each step begins from what is recorded and can be repeated, so a
//! crash between two of them costs nothing.
//!
//! After a start everybody has their full time again: nobody could be heard while no node worked, and that is our own
//! silence. One that was recorded before stays.

mod ears;
mod lookout;
mod steps;
#[cfg(test)]
mod tests;
mod words;

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use commands::EngineError;
use domain::{DeliveryId, IntegrationId, Timestamp};
use futures::{StreamExt, stream};
use store::{Batch, Filter, Position, StoreError, Tail};

pub use lookout::Lookout;

use self::{ears::Ears, steps::Outlook};
use crate::{Parts, retry::Backoff};

/// Events taken from the log at a time.
const BATCH: usize = 2048;
/// Integrations looked at side by side.
const AT_ONCE: usize = 64;
/// How long the directory and the read models may take to know what the log says.
const PATIENCE: Duration = Duration::from_secs(5);

/// Watches for ever.
pub(crate) async fn run(parts: Parts) {
    let start = parts.engine.store().head();
    // What was heard before is asked of the read models, what is heard from here on comes from the log.
    while !parts.reads.reach(start, PATIENCE).await {}
    while !parts.directory.reach(start, PATIENCE).await {}
    let heard = Filter::Categories(vec![DeliveryId::CATEGORY, IntegrationId::CATEGORY]);
    let tail = parts.engine.store().tail(start, heard).gathering();
    let mut watcher = Watcher {
        tail,
        through: start,
        started: parts.engine.now(),
        ears: Ears::default(),
        concerned: parts.directory.now().integrations.keys().copied().collect(),
        looks: BTreeSet::new(),
        silent: HashSet::new(),
        parts,
    };
    let mut backoff = Backoff::default();
    loop {
        watcher.look().await;
        watcher.parts.lookout.reached(watcher.through, watcher.next_at());
        match watcher.wait().await {
            Ok(()) => backoff.reset(),
            Err(fault) => backoff.wait("watcher", &fault).await,
        }
    }
}

struct Watcher {
    parts: Parts,
    tail: Tail,
    /// How far the log was heard.
    through: Position,
    /// From when on everybody has their full time.
    started: Timestamp,
    ears: Ears,
    /// Who is to be looked at now.
    concerned: HashSet<IntegrationId>,
    /// When which integration is looked at next.
    looks: BTreeSet<(Timestamp, IntegrationId)>,
    /// Whose silence is recorded.
    silent: HashSet<IntegrationId>,
}

impl Watcher {
    fn next_at(&self) -> Option<Timestamp> {
        self.looks.first().map(|(at, _)| *at)
    }

    /// Waits until something is heard or due.
    async fn wait(&mut self) -> Result<(), StoreError> {
        let due = self.next_at().map(|at| self.parts.engine.clock().sleep_until(at));
        let due = async move {
            match due {
                Some(due) => due.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => {}
            batch = self.tail.next(BATCH) => self.hear(&batch?),
        }
        let now = self.parts.engine.now();
        if self.next_at().is_none_or(|at| at > now) {
            return Ok(());
        }
        // What is in the log already was heard in time.
        let head = self.parts.engine.store().head();
        while self.through < head {
            let batch = self.tail.next(BATCH).await?;
            self.hear(&batch);
        }
        let due = self.looks.iter().take_while(|(at, _)| *at <= now);
        self.concerned.extend(due.map(|(_, integration)| *integration));
        Ok(())
    }

    fn hear(&mut self, batch: &Batch) {
        self.through = batch.through;
        self.concerned.extend(self.ears.hear(&batch.events, &self.silent));
    }

    /// Does what the silence of those who are concerned asks for, and notes when to look again.
    async fn look(&mut self) {
        let concerned = std::mem::take(&mut self.concerned);
        if concerned.is_empty() {
            return;
        }
        while !self.parts.directory.reach(self.through, PATIENCE).await {}
        let this = &*self;
        let looked: Vec<_> = stream::iter(concerned)
            .map(|integration| async move { (integration, this.look_at(integration).await) })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        for (integration, Outlook { heard, next, silent }) in looked {
            self.ears.remember(integration, heard);
            self.looks.retain(|(_, waiting)| *waiting != integration);
            self.looks.extend(next.map(|at| (at, integration)));
            if silent {
                self.silent.insert(integration);
            } else {
                self.silent.remove(&integration);
            }
        }
    }

    async fn look_at(&self, integration: IntegrationId) -> Outlook {
        let mut backoff = Backoff::default();
        let heard = self.ears.heard(integration);
        loop {
            let fault = match steps::take(&self.parts, integration, heard, self.started).await {
                Ok(outlook) => return outlook,
                Err(fault) => fault,
            };
            if let Some(EngineError::Fact(fault)) = fault.downcast_ref::<EngineError>() {
                tracing::error!(%integration, %fault, "the history of a silence cannot be read");
                metrics::counter!("midwatch_watcher_unreadable_total").increment(1);
                return Outlook { heard, ..Outlook::default() };
            }
            backoff.wait("watcher", &*fault).await;
        }
    }
}
