//! Incidents that are over by themselves because no alert came for long enough.

use commands::{CommandError, EngineError, MetadataExt, mint};
use domain::{
    Actor,
    incident::{Incident, IncidentCommand},
};
use projections::QuietDue;
use store::{Metadata, Position};

use crate::{Parts, retry::Backoff};

/// Returns the position from which on the read model knows.
pub(super) async fn resolve(parts: &Parts, row: &QuietDue) -> Position {
    let command = IncidentCommand::ResolveQuiet { resolve_at: row.due_at, at: parts.engine.now() };
    let command_id = mint::derived_at(row.due_at, row.incident.uuid(), "quiet");
    let metadata = Metadata::of(Actor::Reactor { name: "clock".to_owned() }, command_id);
    let mut backoff = Backoff::default();
    loop {
        match parts.engine.execute::<Incident>(row.incident, &command, &metadata).await {
            Ok(done) => return done.position,
            Err(CommandError::Rejected(_)) => return parts.engine.store().head(),
            Err(CommandError::Fault(fault @ EngineError::Fact(_))) => {
                tracing::error!(incident = %row.incident, %fault, "a silent incident cannot be read");
                metrics::counter!("midwatch_clock_unreadable_total").increment(1);
                return Position::MAX;
            }
            Err(CommandError::Fault(fault)) => backoff.wait("clock", &fault).await,
        }
    }
}
