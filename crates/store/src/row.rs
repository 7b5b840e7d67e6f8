//! An event exactly as it is stored.

use std::sync::Arc;

use bytes::Bytes;
use domain::Timestamp;
use uuid::Uuid;

use crate::{
    Position, Recorded, StoreError,
    hash::{Content, Hash},
};

/// One row of the `event` table, with its texts not yet understood.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) position: Position,
    pub(crate) stream: Arc<str>,
    pub(crate) version: u64,
    pub(crate) id: Uuid,
    pub(crate) kind: Arc<str>,
    /// Milliseconds since the epoch.
    pub(crate) recorded_at: i64,
    /// JSON.
    pub(crate) metadata: String,
    /// A JSON array.
    pub(crate) subjects: String,
    pub(crate) payload: Bytes,
    pub(crate) hash: Hash,
}

impl Row {
    /// How an event is stored; the same texts that were hashed when it was appended.
    pub(crate) fn encode(event: &Recorded) -> Result<Self, StoreError> {
        let json_error = |error: serde_json::Error| StoreError::Damaged(error.to_string().into());
        Ok(Self {
            position: event.position,
            stream: Arc::clone(&event.stream),
            version: event.version,
            id: event.id,
            kind: Arc::clone(&event.kind),
            recorded_at: event.recorded_at.millis(),
            metadata: serde_json::to_string(&event.metadata).map_err(json_error)?,
            subjects: serde_json::to_string(&event.subjects).map_err(json_error)?,
            payload: event.payload.clone(),
            hash: event.hash,
        })
    }

    /// What the hash of this row should cover, besides its place in the log.
    pub(crate) fn content(&self) -> Hash {
        Content {
            stream: &self.stream,
            version: self.version,
            id: self.id,
            kind: &self.kind,
            recorded_at: self.recorded_at,
            metadata: &self.metadata,
            payload: &self.payload,
            subjects: &self.subjects,
        }
        .digest()
    }

    /// Understands the row.
    pub(crate) fn decode(self) -> Result<Recorded, StoreError> {
        let position = self.position;
        let damaged = |error: serde_json::Error| {
            StoreError::Damaged(format!("the event at position {position} cannot be read: {error}").into())
        };
        let metadata = serde_json::from_str(&self.metadata).map_err(damaged)?;
        // Most events are about their own stream's subject only.
        let subjects = match self.subjects.as_str() {
            "[]" => Vec::new(),
            subjects => serde_json::from_str(subjects).map_err(damaged)?,
        };
        Ok(Recorded {
            position,
            stream: self.stream,
            version: self.version,
            id: self.id,
            kind: self.kind,
            recorded_at: Timestamp::from_millis(self.recorded_at),
            metadata,
            subjects,
            payload: self.payload,
            hash: self.hash,
        })
    }
}
