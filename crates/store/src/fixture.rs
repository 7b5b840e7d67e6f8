//! Small events for unit tests.

use bytes::Bytes;
use domain::{Actor, Timestamp};
use uuid::Uuid;

use crate::{Append, Metadata, NewEvent, Position, Recorded};

/// Metadata of a command.
pub(crate) fn metadata(command: u128) -> Metadata {
    Metadata {
        actor: Actor::Administrator,
        command_id: Uuid::from_u128(command),
        correlation_id: Uuid::from_u128(command),
        causation_id: None,
        trace: None,
    }
}

/// An append of one event to a stream.
pub(crate) fn append(command: u128, stream: &str, expected: u64) -> Append {
    Append {
        stream: stream.to_owned(),
        expected,
        events: vec![NewEvent {
            kind: "team.renamed.v1".into(),
            payload: Bytes::from_static(b"{}"),
            subjects: Vec::new(),
        }],
        metadata: metadata(command),
        recorded_at: Timestamp::from_millis(1_764_000_000_000),
    }
}

/// An event that stands at a position, its hash left out.
pub(crate) fn recorded(position: Position) -> Recorded {
    Recorded {
        position,
        stream: "team-1".into(),
        version: position,
        id: Uuid::from_u128(position.into()),
        kind: "team.renamed.v1".into(),
        recorded_at: Timestamp::from_millis(1_764_000_000_000),
        metadata: metadata(position.into()),
        subjects: Vec::new(),
        payload: Bytes::from_static(b"{}"),
        hash: [0; 32],
    }
}
