//! What is in the log? Answered from the log itself.

use std::sync::Arc;

use store::{Position, Recorded};

/// A part of the log, as an auditor asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPage {
    /// Events of the wanted types, ascending.
    pub events: Vec<Arc<Recorded>>,
    /// Everything up to here was considered: where to go on. One call considers a bounded part of the log, so that a
    /// page may be short or empty although the log goes on.
    pub through: Position,
    /// Whether the log goes on after `through`.
    pub has_next: bool,
}
