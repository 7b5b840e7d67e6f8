//! When which integration was heard last.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use domain::{Actor, DeliveryId, IntegrationId, Timestamp};
use store::Recorded;

/// The name of the event that keeps a message.
const RECEIVED: &str = "delivery.received.v1";

/// Remembers when each integration was heard last. The bytes of messages are not looked at: what an event is about and
/// when it was recorded stands beside them.
#[derive(Debug, Default)]
pub(super) struct Ears(HashMap<IntegrationId, Timestamp>);

impl Ears {
    /// When it was heard last, as far as is known.
    pub(super) fn heard(&self, integration: IntegrationId) -> Option<Timestamp> {
        self.0.get(&integration).copied()
    }

    /// Takes in when it was heard; an earlier time is no news.
    pub(super) fn remember(&mut self, integration: IntegrationId, heard: Option<Timestamp>) {
        if let Some(heard) = heard {
            self.0.entry(integration).and_modify(|last| *last = heard.max(*last)).or_insert(heard);
        }
    }

    /// Takes in what the log says. Returns who must be looked at: integrations that were changed, and silent ones that
    /// were heard.
    pub(super) fn hear(
        &mut self,
        events: &[Arc<Recorded>],
        silent: &HashSet<IntegrationId>,
    ) -> HashSet<IntegrationId> {
        let mut concerned = HashSet::new();
        for event in events {
            if event.category() != DeliveryId::CATEGORY {
                concerned.extend(event.stream_uuid().map(IntegrationId::new));
            } else if &*event.kind == RECEIVED
                // A test speaks for whoever asked for it, not for the tool.
                && matches!(event.metadata.actor, Actor::Integration { .. })
                && let Some(integration) = speaker(event)
            {
                self.remember(integration, Some(event.recorded_at));
                if silent.contains(&integration) {
                    concerned.insert(integration);
                }
            }
        }
        concerned
    }
}

/// Through which entrance a message came.
fn speaker(event: &Recorded) -> Option<IntegrationId> {
    event.subjects.iter().find_map(|subject| subject.as_str().parse().ok())
}
