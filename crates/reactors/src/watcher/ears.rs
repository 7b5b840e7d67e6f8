//! When which integration was heard last.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use domain::{Actor, DeliveryId, IntegrationId, integration::Heard};
use store::Recorded;

/// The name of the event that keeps a message.
const RECEIVED: &str = "delivery.received.v1";

/// Remembers when each integration was heard last, as the log says: a clock that was set back makes no message older. The bytes of messages are not looked at: what an event is about and
/// when it was recorded stands beside them.
#[derive(Debug, Default)]
pub(super) struct Ears(HashMap<IntegrationId, Heard>);

impl Ears {
    /// When it was heard last, as far as is known.
    pub(super) fn heard(&self, integration: IntegrationId) -> Option<Heard> {
        self.0.get(&integration).copied()
    }

    /// Takes in when it was heard; what lies earlier in the log is no news.
    pub(super) fn remember(&mut self, integration: IntegrationId, heard: Option<Heard>) {
        if let Some(heard) = heard {
            let last = self.0.entry(integration).or_insert(heard);
            if heard.position > last.position {
                *last = heard;
            }
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
                let heard = Heard { at: event.recorded_at, position: event.position };
                self.remember(integration, Some(heard));
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
