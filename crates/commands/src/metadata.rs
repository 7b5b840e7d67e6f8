//! Who is behind a command, and what led to it.

use domain::Actor;
use store::{Metadata, Recorded};
use uuid::Uuid;

/// Ways to make the metadata of a command.
pub trait MetadataExt {
    /// A command from outside: it begins a correlation of its own.
    fn of(actor: Actor, command_id: Uuid) -> Self;

    /// A reaction to a recorded event: it belongs to that event's correlation and trace.
    fn reacting(name: &str, command_id: Uuid, cause: &Recorded) -> Self;
}

impl MetadataExt for Metadata {
    fn of(actor: Actor, command_id: Uuid) -> Self {
        Self { actor, command_id, correlation_id: command_id, causation_id: None, trace: None }
    }

    fn reacting(name: &str, command_id: Uuid, cause: &Recorded) -> Self {
        Self {
            actor: Actor::Reactor { name: name.to_owned() },
            command_id,
            correlation_id: cause.metadata.correlation_id,
            causation_id: Some(cause.id),
            trace: cause.metadata.trace.clone(),
        }
    }
}
