//! The trace that messages leave which were refused: a count and a short reason, not their bytes.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use commands::{Engine, MetadataExt, mint};
use domain::{
    Actor, IntegrationId, Timestamp,
    integration::{Integration, IntegrationCommand, Refusals as Known},
};
use store::Metadata;

/// Counts refusals of one sort between one note in the log and the next.
#[derive(Default)]
pub(super) struct Refusals {
    waiting: Mutex<HashMap<IntegrationId, u32>>,
}

impl Refusals {
    /// Counts one, and notes what was counted unless that was done within the last minute, as `noted` says.
    pub(super) async fn note(
        &self,
        engine: &Engine,
        id: IntegrationId,
        noted: Option<Timestamp>,
        command: impl FnOnce(u32, Timestamp) -> IntegrationCommand,
    ) {
        let at = engine.now();
        let count = self.add(id, 1);
        if noted.is_some_and(|last| at < last.plus_seconds(Known::NOTED_EVERY_SECONDS)) {
            return;
        }
        self.add(id, -i64::from(count));
        let command = command(count, at);
        let metadata = Metadata::of(Actor::Integration { id }, mint::uuid());
        match engine.execute::<Integration>(id, &command, &metadata).await {
            Ok(done) if !done.events.is_empty() => {}
            // Another node, or another message, was faster: these are noted the next time.
            Ok(_) => {
                self.add(id, i64::from(count));
            }
            Err(fault) => {
                self.add(id, i64::from(count));
                tracing::warn!(integration = %id, %fault, "refused messages could not be noted");
            }
        }
    }

    fn add(&self, id: IntegrationId, more: i64) -> u32 {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.entry(id).or_default();
        *count = u32::try_from(i64::from(*count) + more).unwrap_or(if more < 0 { 0 } else { u32::MAX });
        *count
    }
}
