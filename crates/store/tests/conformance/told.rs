//! What is told to the log: small appends with fixed ids.

use bytes::Bytes;
use domain::{Actor, IncidentId, Timestamp};
use store::{Append, Metadata, NewEvent, Recorded, Store, Tail};
use uuid::Uuid;

/// A moment like any other.
pub(crate) const AT: Timestamp = Timestamp::from_millis(1_764_000_000_000);

/// The `n`th stream of a category.
pub(crate) fn stream(category: &str, n: u128) -> String {
    format!("{category}-{}", Uuid::from_u128(n))
}

/// An event with a payload of its own.
pub(crate) fn event(payload: impl Into<Bytes>) -> NewEvent {
    NewEvent { kind: "incident.noted.v1".into(), payload: payload.into(), subjects: Vec::new() }
}

/// One event for a stream, by a command.
pub(crate) fn append(command: u128, stream: impl Into<String>, expected: u64) -> Append {
    append_all(command, stream, expected, vec![event(format!(r#"{{"command":{command}}}"#))])
}

/// Several events for a stream, by a command.
pub(crate) fn append_all(
    command: u128,
    stream: impl Into<String>,
    expected: u64,
    events: Vec<NewEvent>,
) -> Append {
    Append {
        stream: stream.into(),
        expected,
        events,
        metadata: Metadata {
            actor: Actor::Reactor { name: "clock".to_owned() },
            command_id: Uuid::from_u128(command),
            correlation_id: Uuid::from_u128(command + 1),
            causation_id: None,
            trace: None,
        },
        recorded_at: AT,
    }
}

/// Appends `count` events, each to an incident of its own, commands and streams numbered from `first`.
pub(crate) async fn fill(store: &Store, first: u128, count: u128) {
    let appends = (first..first + count).map(|n| {
        let about = IncidentId::new(Uuid::from_u128(n)).into();
        let mut append = append(n, stream("incident", n), 0);
        append.events[0].subjects = vec![about];
        store.append(append)
    });
    for outcome in futures::future::join_all(appends).await {
        outcome.expect("an append to a new stream");
    }
}

/// A number of a test as a version.
pub(crate) fn version(n: u128) -> u64 {
    u64::try_from(n).expect("the numbers of tests are small")
}

/// Positions of events.
pub(crate) fn positions<'a>(events: impl IntoIterator<Item = &'a Recorded>) -> Vec<u64> {
    events.into_iter().map(|event| event.position).collect()
}

/// Follows a tail, `limit` events at a time, until everything up to `head` was considered.
pub(crate) async fn follow(tail: &mut Tail, head: u64, limit: usize) -> Vec<u64> {
    let mut seen = Vec::new();
    loop {
        let batch = tail.next(limit).await.expect("the tail goes on");
        assert!(batch.events.len() <= limit);
        seen.extend(batch.events.iter().map(|event| event.position));
        if batch.through >= head {
            return seen;
        }
    }
}
