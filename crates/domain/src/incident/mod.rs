//! Incidents: problems that somebody must take.
//!
//! An incident is one episode of one grouping key on one service. It climbs its ladder until
//! somebody acknowledges it, it is resolved, or the ladder ends; an open one always has exactly one
//! armed next step or a recorded reason to wait.

mod commands;
mod decide;
mod events;
mod state;
#[cfg(test)]
mod tests;

pub use commands::{IncidentCommand, OpenIncident};
pub use decide::IncidentRejection;
pub use events::{Cause, IncidentEvent};
pub use state::{Climb, Incident, OpenState, Situation};
