//! What can be asked of an integration.

use super::{HandlingChange, IntegrationKind, Reading, Verification, Watch, WatchChange, WatchCommand};
use crate::{SecretId, ServiceId, Timestamp, Unknown};

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
