//! What can be asked of an incident.

use super::Terms;
use crate::{Actor, Alert, Channel, Ladder, NoteId, Roster, ServiceId, Severity, TeamId, Timestamp};

/// Open an incident, or add to it if it is open already.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenIncident {
    /// What is broken.
    pub service: ServiceId,
    /// Who looks after it.
    pub team: Option<TeamId>,
    /// What makes two alerts the same problem.
    pub key: String,
    /// How often this key has been a problem on this service, from 1.
    pub episode: u32,
    /// What is wrong, in one line.
    pub title: String,
    /// Longer words.
    pub details: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// What monitoring tools said, oldest first; none: a person opened it.
    pub alerts: Vec<Alert>,
    /// Whom to page.
    pub ladder: Ladder,
    /// Who that is now.
    pub roster: Roster,
    /// On which terms.
    pub terms: Terms,
    /// When.
    pub at: Timestamp,
}

/// What can be asked of an incident.
#[derive(Clone, Debug, PartialEq)]
pub enum IncidentCommand {
    /// Something is wrong.
    Open(Box<OpenIncident>),
    /// I take it.
    AcknowledgeIncident {
        /// Who.
        by: Actor,
        /// How they said so.
        via: Channel,
        /// The alert that said so, if a monitoring tool did.
        alert: Option<Alert>,
        /// When.
        at: Timestamp,
    },
    /// Page nobody until a time, and then from the beginning.
    SnoozeIncident {
        /// Who says so.
        by: Actor,
        /// Until when.
        until: Timestamp,
        /// Why.
        reason: Option<String>,
        /// How they said so.
        via: Channel,
        /// The alert that said so, if a monitoring tool did.
        alert: Option<Alert>,
        /// When.
        at: Timestamp,
    },
    /// I cannot keep it: page from the beginning.
    UnacknowledgeIncident {
        /// Who.
        by: Actor,
        /// Who is on the ladder now.
        roster: Roster,
        /// When.
        at: Timestamp,
    },
    /// It is over.
    ResolveIncident {
        /// Who says so.
        by: Actor,
        /// How they said so.
        via: Channel,
        /// What it was.
        note: Option<String>,
        /// The alert that said so, if a monitoring tool did.
        alert: Option<Alert>,
        /// When.
        at: Timestamp,
    },
    /// Page others instead.
    ReassignIncident {
        /// Who says so.
        by: Actor,
        /// Why.
        reason: Option<String>,
        /// Whom to page from now on.
        ladder: Ladder,
        /// Who that is now.
        roster: Roster,
        /// When.
        at: Timestamp,
    },
    /// Do not wait: page the next level.
    EscalateIncident {
        /// Who says so.
        by: Actor,
        /// Who is on the ladder now.
        roster: Roster,
        /// When.
        at: Timestamp,
    },
    /// It is worse or less bad than it seemed.
    ChangeIncidentSeverity {
        /// Who says so.
        by: Actor,
        /// How bad it is.
        severity: Severity,
        /// Why.
        reason: Option<String>,
        /// Who is on the ladder now.
        roster: Roster,
        /// When.
        at: Timestamp,
    },
    /// The wait for an acknowledgement, before the first page or for the end of a snooze is over.
    EscalateOverdue {
        /// The climb that the deadline was armed for; zero where it is the time alone that counts.
        cycle: u32,
        /// The pass that the deadline was armed for; zero as well.
        pass: u32,
        /// The level that the deadline was armed for; zero as well.
        level: u32,
        /// Who is on the ladder now.
        roster: Roster,
        /// When.
        at: Timestamp,
    },
    /// No alert came for as long as its terms allow.
    ResolveQuiet {
        /// Until when another alert was waited for.
        resolve_at: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// Write something down.
    AddIncidentNote {
        /// The note's id; adding the same one again changes nothing.
        note: NoteId,
        /// Who.
        by: Actor,
        /// What.
        text: String,
        /// When.
        at: Timestamp,
    },
}
