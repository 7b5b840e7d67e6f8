//! Integrations: the entrances through which monitoring tools send alerts to a service.

mod decide;
mod handling;
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

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Actor, Aggregate, ConfigRejection, Fact, IncidentId, IntegrationId, SecretId, ServiceId, Subject,
    Timestamp, Unknown, incident::Merging,
};

pub use handling::{Handling, HandlingChange};
pub use kind::IntegrationKind;
pub use mapping::Mapping;
pub use rate::{Limited, RateLimit};
pub use reading::{Identity, InsufficientData, Reading};
pub use routing::{Grouping, Outcome, Routing, Rule, Ruling, Treatment};
pub use severities::Severities;
pub use verification::{Algorithm, Encoding, Preset, SignatureScheme, Verification};
pub use watch::{Mute, Silence, SilenceEnd, Vigil, Watch, WatchChange, WatchCommand};

/// What can be asked of an integration.
#[derive(Clone, Debug, PartialEq)]
pub enum IntegrationCommand {
    /// Open an entrance.
    CreateIntegration {
        /// Its name, one line.
        name: String,
        /// What it understands.
        kind: IntegrationKind,
        /// What its alerts are about.
        service: ServiceId,
        /// SHA-256 of its key, in lower-case hexadecimal: the key itself is shown once and not kept with the
        /// integration. Messages that carry it in their body, as PagerDuty's do, are kept as they came.
        key_hash: String,
        /// The secret in the vault with which messages prove themselves; none: the key alone opens.
        signing_secret: Option<SecretId>,
        /// How messages prove themselves; none: by our own signature if there is a secret, else by the key.
        verification: Option<Verification>,
        /// How messages are read.
        reading: Reading,
        /// How many messages it takes in a minute; none: the usual number.
        rate_limit: Option<u32>,
        /// How long it may be silent; none: what is usual for its kind.
        watch: Option<Watch>,
        /// References among these that do not exist.
        unknown: Vec<Unknown>,
        /// When.
        at: Timestamp,
    },
    /// Change what is given.
    UpdateIntegration {
        /// A new name.
        name: Option<String>,
        /// What its alerts are about from now on.
        service: Option<ServiceId>,
        /// Whether it takes messages from now on.
        enabled: Option<bool>,
        /// SHA-256 of a new key.
        key_hash: Option<String>,
        /// How messages prove themselves from now on.
        proof: ProofChange,
        /// How messages are read from now on.
        reading: Option<Reading>,
        /// How many messages it takes in a minute from now on; `Some(None)`: the usual number.
        rate_limit: Option<Option<u32>>,
        /// How long it may be silent from now on.
        watch: WatchChange,
        /// References among these that do not exist.
        unknown: Vec<Unknown>,
        /// When.
        at: Timestamp,
    },
    /// Make something else of what its messages say.
    HandleDifferently {
        /// What changes.
        change: Box<HandlingChange>,
        /// References among it that do not exist.
        unknown: Vec<Unknown>,
    },
    /// Note that a message used a word for a severity that nobody knows.
    NoteUnknownSeverity {
        /// The word.
        word: String,
        /// When.
        at: Timestamp,
    },
    /// Note that messages came which did not prove themselves.
    NoteRefusals {
        /// How many, since the last note.
        count: u32,
        /// Why the last one was refused.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// Note that more messages came than it takes.
    NoteLimited {
        /// How many, since the last note.
        count: u32,
        /// When.
        at: Timestamp,
    },
    /// Note that a topic sends to us from now on.
    NoteSubscription {
        /// The topic's name (ARN).
        topic: String,
        /// When.
        at: Timestamp,
    },
    /// Something about its silence.
    Watch(WatchCommand),
}

/// How messages prove themselves from now on; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProofChange {
    /// By what.
    pub verification: Option<Verification>,
    /// With which secret in the vault.
    pub secret: Option<SecretId>,
    /// Until when the key and the secret that are replaced still open; none: they stop at once.
    pub keep_until: Option<Timestamp>,
}

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
        /// When the last one came.
        at: Timestamp,
    },
    /// More messages came than it takes. Nothing of those was kept, and their senders were told to come again.
    #[serde(rename = "integration.messages_limited.v1")]
    MessagesLimited {
        /// How many, since this was noted last.
        count: u32,
        /// When the last one came.
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
    /// When the last one came and why it was refused, as far as that was noted.
    pub last: Option<(Timestamp, String)>,
}

impl Refusals {
    /// A stream of nonsense leaves a trace, not a flood.
    pub const NOTED_EVERY_SECONDS: u64 = 60;
}

/// What an integration understands and where its alerts go.
#[derive(Clone, Debug, PartialEq)]
pub struct Entrance {
    /// Its name.
    pub name: String,
    /// What it understands.
    pub kind: IntegrationKind,
    /// What its alerts are about.
    pub service: ServiceId,
    /// SHA-256 of its key.
    pub key_hash: String,
    /// SHA-256 of the key before, and until when that opens too.
    pub previous_key: Option<(String, Timestamp)>,
    /// The secret in the vault with which messages prove themselves.
    pub signing_secret: Option<SecretId>,
    /// The secret before, and until when that is good too.
    pub previous_secret: Option<(SecretId, Timestamp)>,
    /// How messages prove themselves.
    pub verification: Verification,
    /// How messages are read.
    pub reading: Reading,
    /// What is made of what they say.
    pub handling: Handling,
    /// How many messages it takes in a minute, if that was chosen.
    pub per_minute: Option<u32>,
}

impl Entrance {
    /// How many messages it takes.
    pub const fn rate_limit(&self) -> RateLimit {
        RateLimit::of(self.per_minute)
    }

    /// Whether a key with this SHA-256 opens it at that time.
    pub fn opens(&self, key_hash: &str, at: Timestamp) -> bool {
        let before = self.previous_key.as_ref();
        self.key_hash == key_hash || before.is_some_and(|(hash, until)| hash == key_hash && at < *until)
    }

    /// The secrets with which a message may prove itself at that time, the newest first.
    pub fn secrets(&self, at: Timestamp) -> impl Iterator<Item = SecretId> {
        let before = self.previous_secret.filter(|(_, until)| at < *until).map(|(secret, _)| secret);
        self.signing_secret.into_iter().chain(before)
    }
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
                self.refusals.last = Some((*at, reason.clone()));
            }
            IntegrationEvent::MessagesLimited { count, at } => {
                self.limited.count += u64::from(*count);
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

impl Entrance {
    fn created(event: &IntegrationEvent) -> Option<Self> {
        let IntegrationEvent::Created {
            name,
            kind,
            service,
            key_hash,
            signing_secret,
            verification,
            reading,
        } = event
        else {
            return None;
        };
        let usual = || match signing_secret {
            Some(_) => Verification::Signature(SignatureScheme::of(Preset::Midwatch)),
            None => Verification::Key,
        };
        Some(Self {
            name: name.clone(),
            kind: *kind,
            service: *service,
            key_hash: key_hash.clone(),
            previous_key: None,
            signing_secret: *signing_secret,
            previous_secret: None,
            verification: verification.clone().unwrap_or_else(usual),
            reading: *reading,
            handling: Handling::default(),
            per_minute: None,
        })
    }

    fn change(&mut self, event: &IntegrationEvent) {
        match event {
            IntegrationEvent::Renamed { name } => self.name.clone_from(name),
            IntegrationEvent::Rerouted { service } => self.service = *service,
            IntegrationEvent::KeyRotated { key_hash, previous_until } => {
                let old = std::mem::replace(&mut self.key_hash, key_hash.clone());
                self.previous_key = previous_until.map(|until| (old, until));
            }
            IntegrationEvent::VerificationChanged { verification } => {
                self.verification = verification.clone();
            }
            IntegrationEvent::SecretRotated { secret, previous_until } => {
                let old = self.signing_secret.replace(*secret);
                self.previous_secret = old.zip(*previous_until);
            }
            IntegrationEvent::ReadingChanged { reading } => self.reading = *reading,
            IntegrationEvent::MappingChanged { mapping } => self.handling.mapping = Arc::clone(mapping),
            IntegrationEvent::SeveritiesChanged { severities } => {
                self.handling.severities = Arc::clone(severities);
            }
            IntegrationEvent::RoutingChanged { routing } => self.handling.routing = Arc::clone(routing),
            IntegrationEvent::MergingChanged { merging } => self.handling.merging = *merging,
            IntegrationEvent::RateLimitSet { per_minute } => self.per_minute = *per_minute,
            IntegrationEvent::Created { .. }
            | IntegrationEvent::SeverityUnknown { .. }
            | IntegrationEvent::MessagesRefused { .. }
            | IntegrationEvent::MessagesLimited { .. }
            | IntegrationEvent::SubscriptionConfirmed { .. }
            | IntegrationEvent::Disabled { .. }
            | IntegrationEvent::Enabled { .. }
            | IntegrationEvent::WatchSet { .. }
            | IntegrationEvent::WatchMuted { .. }
            | IntegrationEvent::WatchUnmuted { .. }
            | IntegrationEvent::FellSilent { .. }
            | IntegrationEvent::SilenceReported { .. }
            | IntegrationEvent::SilenceEnded { .. } => {}
        }
    }
}
