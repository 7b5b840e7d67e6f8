//! Integrations: the entrances through which monitoring tools send alerts to a service.

mod commands;
mod decide;
mod entrance;
mod events;
mod handling;
mod hourly;
mod kind;
mod mapping;
mod rate;
mod reading;
mod routing;
mod severities;
#[cfg(test)]
mod tests;
mod verification;
mod watch;

use crate::{Aggregate, ConfigRejection, IntegrationId, Timestamp};

pub use commands::{IntegrationCommand, ProofChange};
pub use entrance::Entrance;
pub use events::IntegrationEvent;
pub use handling::{Handling, HandlingChange};
pub use hourly::Hourly;
pub use kind::IntegrationKind;
pub use mapping::Mapping;
pub use rate::{Limited, RateLimit};
pub use reading::{Identity, InsufficientData, Reading};
pub use routing::{Grouping, Outcome, Routing, Rule, Ruling, Treatment};
pub use severities::Severities;
pub use verification::{Algorithm, Encoding, Preset, SignatureScheme, Verification};
pub use watch::{Heard, Mute, Silence, SilenceEnd, Vigil, Watch, WatchChange, WatchCommand};

/// A monitoring tool's entrance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Integration {
    /// What it is; none before it was opened.
    pub entrance: Option<Entrance>,
    /// Since when it takes no messages.
    pub disabled_at: Option<Timestamp>,
    /// Messages that did not prove themselves.
    pub refusals: Refusals,
    /// Messages beyond what it takes.
    pub limited: Limited,
    /// The topics of Amazon's notification service that send to it.
    pub subscriptions: Vec<String>,
    /// Words for severities that nobody knows and that its messages used, and when each came first.
    pub unknown_severities: Vec<(String, Timestamp)>,
    /// How long it may be silent, and whether it is.
    pub vigil: Vigil,
}

/// Messages that did not prove themselves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Refusals {
    /// How many came.
    pub count: u64,
    /// When some were noted last, and why the last of them was refused.
    pub last: Option<(Timestamp, String)>,
    /// How many were noted in each of the last hours.
    pub hourly: Hourly,
}

impl Refusals {
    /// A stream of nonsense leaves a trace, not a flood.
    pub const NOTED_EVERY_SECONDS: u64 = 60;
}

impl Aggregate for Integration {
    const CATEGORY: &'static str = IntegrationId::CATEGORY;
    type Id = IntegrationId;
    type Command = IntegrationCommand;
    type Event = IntegrationEvent;
    type Rejection = ConfigRejection;

    fn evolve(&mut self, event: &IntegrationEvent) {
        match event {
            IntegrationEvent::Created { .. } => self.entrance = Entrance::created(event),
            IntegrationEvent::Disabled { at } => self.disabled_at = Some(*at),
            IntegrationEvent::Enabled { .. } => {
                self.disabled_at = None;
                self.vigil.evolve(event);
            }
            IntegrationEvent::WatchSet { .. }
            | IntegrationEvent::WatchMuted { .. }
            | IntegrationEvent::WatchUnmuted { .. }
            | IntegrationEvent::FellSilent { .. }
            | IntegrationEvent::SilenceReported { .. }
            | IntegrationEvent::SilenceEnded { .. } => self.vigil.evolve(event),
            IntegrationEvent::MessagesRefused { count, reason, at } => {
                self.refusals.count += u64::from(*count);
                self.refusals.hourly.note(*count, *at);
                self.refusals.last = Some((*at, reason.clone()));
            }
            IntegrationEvent::MessagesLimited { count, at } => {
                self.limited.count += u64::from(*count);
                self.limited.hourly.note(*count, *at);
                self.limited.last_at = Some(*at);
            }
            IntegrationEvent::SubscriptionConfirmed { topic, .. } => {
                if !self.subscriptions.contains(topic) {
                    self.subscriptions.push(topic.clone());
                }
            }
            IntegrationEvent::SeverityUnknown { word, at } => {
                self.unknown_severities.push((word.clone(), *at));
            }
            IntegrationEvent::Renamed { .. }
            | IntegrationEvent::Rerouted { .. }
            | IntegrationEvent::KeyRotated { .. }
            | IntegrationEvent::VerificationChanged { .. }
            | IntegrationEvent::SecretRotated { .. }
            | IntegrationEvent::ReadingChanged { .. }
            | IntegrationEvent::MappingChanged { .. }
            | IntegrationEvent::SeveritiesChanged { .. }
            | IntegrationEvent::RoutingChanged { .. }
            | IntegrationEvent::MergingChanged { .. }
            | IntegrationEvent::RateLimitSet { .. } => {
                if let Some(entrance) = &mut self.entrance {
                    entrance.change(event);
                    let severities = &entrance.handling.severities;
                    self.unknown_severities.retain(|(word, _)| severities.meaning(word).is_none());
                }
            }
        }
    }

    fn decide(&self, command: &IntegrationCommand) -> Result<Vec<IntegrationEvent>, ConfigRejection> {
        decide::decide(self, command)
    }
}
