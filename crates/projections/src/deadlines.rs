//! What is to be done, and when?

use domain::{IncidentId, PageId, Timestamp};

/// Something that becomes due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// When.
    pub due_at: Timestamp,
    /// What.
    pub what: Due,
}

/// What becomes due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nobody acknowledged in time: the next level.
    Escalation {
        /// Of which incident.
        incident: IncidentId,
        /// The climb that the deadline was armed for.
        cycle: u32,
        /// The pass that the deadline was armed for.
        pass: u32,
        /// The level that the deadline was armed for.
        level: u32,
    },
    /// A page is to be sent, for the first time or again.
    Page {
        /// Which page.
        page: PageId,
    },
}
