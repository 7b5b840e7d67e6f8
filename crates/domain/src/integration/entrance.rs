//! What an integration understands and where its alerts go.

use std::sync::Arc;

use super::{
    Handling, IntegrationEvent, IntegrationKind, Preset, RateLimit, Reading, SignatureScheme, Verification,
};
use crate::{SecretId, ServiceId, Timestamp};

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

impl Entrance {
    pub(super) fn created(event: &IntegrationEvent) -> Option<Self> {
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

    pub(super) fn change(&mut self, event: &IntegrationEvent) {
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
