//! What can happen to an integration.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{IntegrationKind, Mapping, Reading, Routing, Severities, SilenceEnd, Verification, Watch};
use crate::{Actor, Fact, IncidentId, SecretId, ServiceId, Subject, Timestamp, incident::Merging};

/// What can happen to an integration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum IntegrationEvent {
    /// The entrance was opened.
    #[serde(rename = "integration.created.v1")]
    Created {
        /// Its name.
        name: String,
        /// What it understands.
        kind: IntegrationKind,
        /// What its alerts are about.
        service: ServiceId,
        /// SHA-256 of its key.
        key_hash: String,
        /// The secret in the vault with which messages prove themselves.
        signing_secret: Option<SecretId>,
        /// How messages prove themselves; none: by our own signature if there is a secret, else by the key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        verification: Option<Verification>,
        /// How messages are read.
        #[serde(default, skip_serializing_if = "Reading::is_usual")]
        reading: Reading,
    },
    /// It has a new name.
    #[serde(rename = "integration.renamed.v1")]
    Renamed {
        /// Its name from now on.
        name: String,
    },
    /// Its alerts are about another service.
    #[serde(rename = "integration.rerouted.v1")]
    Rerouted {
        /// What its alerts are about from now on.
        service: ServiceId,
    },
    /// It has a new key.
    #[serde(rename = "integration.key_rotated.v1")]
    KeyRotated {
        /// SHA-256 of the new key.
        key_hash: String,
        /// Until when the old one still opens; none: it stopped at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous_until: Option<Timestamp>,
    },
    /// Messages prove themselves in another way.
    #[serde(rename = "integration.verification_changed.v1")]
    VerificationChanged {
        /// By what from now on.
        verification: Verification,
    },
    /// It has a new secret.
    #[serde(rename = "integration.secret_rotated.v1")]
    SecretRotated {
        /// The secret in the vault.
        secret: SecretId,
        /// Until when the old one is still good; none: it stopped at once.
        previous_until: Option<Timestamp>,
    },
    /// Messages are read in another way.
    #[serde(rename = "integration.reading_changed.v1")]
    ReadingChanged {
        /// How from now on.
        reading: Reading,
    },
    /// Messages are mapped in another way.
    #[serde(rename = "integration.mapping_changed.v1")]
    MappingChanged {
        /// How from now on.
        mapping: Arc<Mapping>,
    },
    /// Words for severities have other meanings.
    #[serde(rename = "integration.severities_changed.v1")]
    SeveritiesChanged {
        /// Which from now on.
        severities: Arc<Severities>,
    },
    /// Other rules decide what becomes of alerts.
    #[serde(rename = "integration.routing_changed.v1")]
    RoutingChanged {
        /// Which from now on.
        routing: Arc<Routing>,
    },
    /// Incidents show something else of alerts that say different things.
    #[serde(rename = "integration.merging_changed.v1")]
    MergingChanged {
        /// What from now on.
        merging: Merging,
    },
    /// A message used a word for a severity that nobody knows, for the first time.
    #[serde(rename = "integration.severity_unknown.v1")]
    SeverityUnknown {
        /// The word.
        word: String,
        /// When.
        at: Timestamp,
    },
    /// It takes another number of messages.
    #[serde(rename = "integration.rate_limit_set.v1")]
    RateLimitSet {
        /// How many in a minute from now on; none: the usual number.
        per_minute: Option<u32>,
    },
    /// Messages came that did not prove themselves. Nothing of them was kept.
    #[serde(rename = "integration.messages_refused.v1")]
    MessagesRefused {
        /// How many, since this was noted last.
        count: u32,
        /// Why the last one was refused.
        reason: String,
        /// When this was noted: at once, or a minute after the last note.
        at: Timestamp,
    },
    /// More messages came than it takes. Nothing of those was kept, and their senders were told to come again.
    #[serde(rename = "integration.messages_limited.v1")]
    MessagesLimited {
        /// How many, since this was noted last.
        count: u32,
        /// When this was noted: at once, or a minute after the last note.
        at: Timestamp,
    },
    /// A topic of Amazon's notification service sends to it.
    #[serde(rename = "integration.subscription_confirmed.v1")]
    SubscriptionConfirmed {
        /// The topic's name (ARN).
        topic: String,
        /// When.
        at: Timestamp,
    },
    /// It takes no more messages.
    #[serde(rename = "integration.disabled.v1")]
    Disabled {
        /// When.
        at: Timestamp,
    },
    /// It takes messages again.
    #[serde(rename = "integration.enabled.v1")]
    Enabled {
        /// When.
        at: Timestamp,
    },
    /// It may be silent for another time.
    #[serde(rename = "integration.watch_set.v1")]
    WatchSet {
        /// How long from now on; none: as long as it likes.
        watch: Option<Watch>,
        /// When.
        at: Timestamp,
    },
    /// Its silence is no alarm for a while.
    #[serde(rename = "integration.watch_muted.v1")]
    WatchMuted {
        /// Why.
        reason: String,
        /// Until when; none: until somebody ends it.
        until: Option<Timestamp>,
        /// Who decided so.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// Its silence is an alarm again.
    #[serde(rename = "integration.watch_unmuted.v1")]
    WatchUnmuted {
        /// When.
        at: Timestamp,
    },
    /// It was not heard for too long.
    #[serde(rename = "integration.fell_silent.v1")]
    FellSilent {
        /// When the last message came; if none ever did, from when on one was waited for.
        since: Timestamp,
        /// Where in the log the last message lies, zero if none ever came; none: that was not kept yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<u64>,
        /// When.
        at: Timestamp,
    },
    /// People are told of its silence.
    #[serde(rename = "integration.silence_reported.v1")]
    SilenceReported {
        /// The incident that tells them.
        incident: IncidentId,
        /// When.
        at: Timestamp,
    },
    /// Its silence is over.
    #[serde(rename = "integration.silence_ended.v1")]
    SilenceEnded {
        /// Why.
        reason: SilenceEnd,
        /// When.
        at: Timestamp,
    },
}

impl Fact for IntegrationEvent {
    fn subjects(&self) -> Vec<Subject> {
        match self {
            Self::Created { service, .. } | Self::Rerouted { service } => vec![(*service).into()],
            Self::RoutingChanged { routing } => routing.services().map(Into::into).collect(),
            Self::SilenceReported { incident, .. } => vec![(*incident).into()],
            Self::Renamed { .. }
            | Self::KeyRotated { .. }
            | Self::VerificationChanged { .. }
            | Self::SecretRotated { .. }
            | Self::ReadingChanged { .. }
            | Self::MappingChanged { .. }
            | Self::SeveritiesChanged { .. }
            | Self::MergingChanged { .. }
            | Self::SeverityUnknown { .. }
            | Self::RateLimitSet { .. }
            | Self::MessagesRefused { .. }
            | Self::MessagesLimited { .. }
            | Self::SubscriptionConfirmed { .. }
            | Self::Disabled { .. }
            | Self::Enabled { .. }
            | Self::WatchSet { .. }
            | Self::WatchMuted { .. }
            | Self::WatchUnmuted { .. }
            | Self::FellSilent { .. }
            | Self::SilenceEnded { .. } => vec![],
        }
    }
}
