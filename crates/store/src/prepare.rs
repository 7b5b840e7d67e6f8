//! An append made ready on its caller's thread, so that the committer only has to place it.

use std::sync::Arc;

use bytes::Bytes;
use domain::{Subject, Timestamp};
use serde::de::IgnoredAny;
use uuid::Uuid;

use crate::{
    Append, Committed, Metadata, Position, Recorded, StoreError,
    hash::{Content, Hash, link},
};

/// The largest payload of one event, in bytes.
pub const MAX_PAYLOAD: usize = 2 * 1024 * 1024;

/// The longest stream or event name, in bytes.
const MAX_NAME: usize = 200;

/// What an event costs in memory and in the database besides its payload, roughly.
const ENVELOPE: usize = 512;

/// A valid append with everything computed that does not depend on its place in the log.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) stream: Arc<str>,
    pub(crate) expected: u64,
    pub(crate) recorded_at: Timestamp,
    pub(crate) metadata: Metadata,
    /// The JSON text to store; the hash covers exactly these bytes.
    pub(crate) metadata_json: Arc<str>,
    /// Never empty.
    pub(crate) events: Vec<PreparedEvent>,
    /// What it weighs against the limits of queue and group.
    pub(crate) bytes: usize,
}

/// One event of a prepared append.
#[derive(Clone, Debug)]
pub(crate) struct PreparedEvent {
    /// The version it will have if the append wins.
    pub(crate) version: u64,
    pub(crate) id: Uuid,
    pub(crate) kind: Arc<str>,
    pub(crate) payload: Bytes,
    pub(crate) subjects: Vec<Subject>,
    /// The JSON array to store.
    pub(crate) subjects_json: String,
    pub(crate) content: Hash,
}

impl Prepared {
    /// Checks an append and computes ids, texts and digests.
    pub(crate) fn new(append: Append) -> Result<Self, StoreError> {
        let Append { stream, expected, events, metadata, recorded_at } = append;
        check_name("stream", &stream)?;
        if events.is_empty() {
            return Err(refused("it has no events"));
        }
        if expected > MAX_VERSION {
            return Err(refused("its expected version is out of range"));
        }
        let metadata_json: Arc<str> = json(&metadata)?.into();
        let mut bytes = 0;
        let mut prepared = Vec::with_capacity(events.len());
        for (index, event) in events.into_iter().enumerate() {
            check_name("event name", &event.kind)?;
            check_payload(&event.payload)?;
            let id = event_id(metadata.command_id, index);
            let version = expected + 1 + index as u64;
            let subjects_json = json(&event.subjects)?;
            let content = Content {
                stream: &stream,
                version,
                id,
                kind: &event.kind,
                recorded_at: recorded_at.millis(),
                metadata: &metadata_json,
                payload: &event.payload,
                subjects: &subjects_json,
            }
            .digest();
            bytes += event.payload.len() + metadata_json.len() + subjects_json.len() + ENVELOPE;
            prepared.push(PreparedEvent {
                version,
                id,
                kind: event.kind.into(),
                payload: event.payload,
                subjects: event.subjects,
                subjects_json,
                content,
            });
        }
        let stream = stream.into();
        Ok(Self { stream, expected, recorded_at, metadata, metadata_json, events: prepared, bytes })
    }

    /// The version of the stream if the append wins.
    pub(crate) fn version(&self) -> u64 {
        self.expected + self.events.len() as u64
    }

    /// The answer if the append wins and its first event stands at `first`.
    pub(crate) fn committed_at(&self, first: Position) -> Committed {
        Committed { position: first + self.events.len() as u64 - 1, version: self.version(), already: false }
    }

    /// The events as they stand in the log from `first` on, after an event with the hash `previous`.
    pub(crate) fn recorded(&self, first: Position, mut previous: Hash) -> Vec<Arc<Recorded>> {
        let place = |(position, event): (Position, &PreparedEvent)| {
            previous = link(&previous, position, &event.content);
            Arc::new(Recorded {
                position,
                stream: Arc::clone(&self.stream),
                version: event.version,
                id: event.id,
                kind: Arc::clone(&event.kind),
                recorded_at: self.recorded_at,
                metadata: self.metadata.clone(),
                subjects: event.subjects.clone(),
                payload: event.payload.clone(),
                hash: previous,
            })
        };
        (first..).zip(&self.events).map(place).collect()
    }
}

/// Positions and versions must fit the databases' signed integers with room to count on.
const MAX_VERSION: u64 = i64::MAX as u64 / 2;

/// The id of a command's event: the same for every retry.
fn event_id(command_id: Uuid, index: usize) -> Uuid {
    Uuid::new_v5(&command_id, index.to_string().as_bytes())
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| refused(&error.to_string()))
}

fn check_name(what: &str, name: &str) -> Result<(), StoreError> {
    if name.is_empty() || name.len() > MAX_NAME || name.contains(char::is_control) {
        return Err(refused(&format!("its {what} must have 1 to {MAX_NAME} bytes and no control character")));
    }
    Ok(())
}

/// PostgreSQL would refuse a payload that is not JSON together with the whole group.
fn check_payload(payload: &[u8]) -> Result<(), StoreError> {
    if payload.len() > MAX_PAYLOAD {
        return Err(refused(&format!("a payload has {} bytes, more than {MAX_PAYLOAD}", payload.len())));
    }
    if payload.first() != Some(&b'{') {
        return Err(refused("a payload is not a JSON object"));
    }
    // `IgnoredAny` passes over strings without looking whether they are UTF-8.
    let text = std::str::from_utf8(payload).map_err(|error| refused(&format!("a payload: {error}")))?;
    serde_json::from_str::<IgnoredAny>(text)
        .map_err(|error| refused(&format!("a payload is not JSON: {error}")))?;
    Ok(())
}

fn refused(why: &str) -> StoreError {
    StoreError::Refused(why.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::append,
        hash::{GENESIS, link},
        row::Row,
    };

    #[test]
    fn a_retry_makes_equal_ids() {
        let id = |command| Prepared::new(append(command, "team-1", 0)).expect("valid").events[0].id;
        assert_eq!(id(1), id(1));
        assert_ne!(id(1), id(2));
    }

    #[test]
    fn what_is_told_live_hashes_like_what_is_stored() {
        let prepared = Prepared::new(append(1, "team-1", 4)).expect("valid");
        let recorded = prepared.recorded(9, GENESIS);
        let row = Row::encode(&recorded[0]).expect("JSON");
        assert_eq!(row.metadata, *prepared.metadata_json);
        assert_eq!(row.content(), prepared.events[0].content);
        assert_eq!(row.hash, link(&GENESIS, 9, &row.content()));
        assert_eq!((row.position, row.version), (9, 5));
        assert_eq!(row.decode().expect("readable"), *recorded[0]);
    }
}
