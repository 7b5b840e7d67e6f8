//! What goes into the log and what comes out of it.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use domain::{Actor, Subject, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A place in the log: global, gapless, from 1. Zero stands before the first event.
pub type Position = u64;

/// Who caused an append, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Who.
    pub actor: Actor,
    /// The command; a command recorded before answers with its first outcome.
    #[serde(rename = "command")]
    pub command_id: Uuid,
    /// Ties together everything that one outside request led to.
    #[serde(rename = "correlation")]
    pub correlation_id: Uuid,
    /// The event that led to this command, if one did.
    #[serde(rename = "causation", default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<Uuid>,
    /// The W3C `traceparent` under which the command ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// One event to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// The stored name, such as `incident.acknowledged.v1`.
    pub kind: Cow<'static, str>,
    /// A JSON object, kept as these exact bytes.
    pub payload: Bytes,
    /// Everything whose timeline shows it.
    pub subjects: Vec<Subject>,
}

/// The version a stream must have for an append to win: the number of its events.
pub type Expected = u64;

/// One command's outcome: some events for one stream, all or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// The stream, as `category-uuid`.
    pub stream: String,
    /// How many events the decision was made from.
    pub expected: Expected,
    /// At least one event.
    pub events: Vec<NewEvent>,
    /// Who and why.
    pub metadata: Metadata,
    /// When, by the clock of the node that decided.
    pub recorded_at: Timestamp,
}

/// Where an append ended up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The position of its last event.
    pub position: Position,
    /// The version of the stream after it.
    pub version: u64,
    /// The command had been recorded before; nothing was written now.
    pub already: bool,
}

/// One event of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the log.
    pub position: Position,
    /// Its stream.
    pub stream: Arc<str>,
    /// Its place in the stream, from 1.
    pub version: u64,
    /// `UUIDv5(command id, index in the command)`, so that a retry makes equal ids.
    pub id: Uuid,
    /// The stored name.
    pub kind: Arc<str>,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Who and why.
    pub metadata: Metadata,
    /// Everything whose timeline shows it, its own stream's subject excluded.
    pub subjects: Vec<Subject>,
    /// The JSON object, as the exact bytes that were appended.
    pub payload: Bytes,
    /// SHA-256 over the previous event's hash and this event.
    pub hash: [u8; 32],
}

impl Recorded {
    /// The first part of the stream's name.
    pub fn category(&self) -> &str {
        self.stream.split_once('-').map_or(&*self.stream, |(category, _)| category)
    }

    /// The UUID in the stream's name.
    pub fn stream_uuid(&self) -> Option<Uuid> {
        self.stream.split_once('-').and_then(|(_, uuid)| Uuid::try_parse(uuid).ok())
    }
}

/// Which events a reader wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// Every event.
    #[default]
    All,
    /// Only events of the streams that hold configuration, such as teams, users and policies:
    /// everything except [`Filter::TRAFFIC`] and [`Filter::NOTICES`]. Backends keep a small index for this.
    Configuration,
    /// Only events of streams in these categories.
    Categories(Vec<&'static str>),
}

impl Filter {
    /// The categories that grow with alerts and with time rather than with the organisation.
    pub const TRAFFIC: [&'static str; 4] = ["delivery", "incident", "oncall", "page"];

    /// The category that grows with schedules: neither configuration, nor anything that read models are folded from.
    /// The index of configuration holds it, because it is small, and readers pass over it.
    pub const NOTICES: &'static str = "notice";

    /// Whether the reader wants events of this category.
    pub fn admits(&self, category: &str) -> bool {
        match self {
            Self::All => true,
            Self::Configuration => !Self::TRAFFIC.contains(&category) && category != Self::NOTICES,
            Self::Categories(wanted) => wanted.contains(&category),
        }
    }
}

/// Why the log could not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else appended to the stream first: load again and decide again.
    #[error("`{stream}` has version {actual}, not {expected}")]
    Conflict {
        /// Which stream.
        stream: String,
        /// What the append expected.
        expected: u64,
        /// What it found.
        actual: u64,
    },
    /// The queue is full; nothing was written. Try again later.
    #[error("the log takes no more appends now: its queue is full")]
    Busy,
    /// The database did not answer; whether the append was written is unknown, and repeating it
    /// with the same command id is safe.
    #[error("the log's database is unavailable: {0}")]
    Unavailable(Arc<str>),
    /// The append can never succeed, such as one without events or over the size limit.
    #[error("the append is not acceptable: {0}")]
    Refused(Arc<str>),
    /// What is stored is not what was written, or belongs to a newer Midwatch.
    #[error("the log is damaged: {0}")]
    Damaged(Arc<str>),
}

impl StoreError {
    /// A fault of the database.
    pub(crate) fn unavailable(why: impl std::fmt::Display) -> Self {
        Self::Unavailable(why.to_string().into())
    }

    /// The log was closed by its own process.
    pub(crate) fn closed() -> Self {
        Self::Unavailable("it was closed".into())
    }
}
