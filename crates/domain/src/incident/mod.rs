//! Incidents: problems that somebody must take.
//!
//! An incident is one episode of one grouping key on one service. It climbs its ladder until
//! somebody acknowledges it, it is resolved, or the ladder ends; an open one always has exactly one
//! armed next step or a recorded reason to wait. Rules of its integration may hold back the first page, have it end by
//! itself, or gather several problems in it.

mod commands;
mod decide;
mod events;
mod grading;
mod holding;
mod members;
mod merging;
mod rejection;
mod snoozing;
mod state;
mod taking;
mod terms;
#[cfg(test)]
mod tests;
mod told;

pub use commands::{IncidentCommand, OpenIncident};
pub use events::{Cause, IncidentEvent};
pub use members::Members;
pub use merging::{Attributes, Merge, Merging};
pub use rejection::IncidentRejection;
pub use state::{Climb, Incident, OpenState, Situation};
pub use terms::{Hold, Terms};
pub use told::Told;
