//! What a responder sees of an incident, and how incidents are searched for.

use domain::{
    Actor, Channel, IncidentId, PolicyId, ServiceId, Severity, TeamId, Timestamp, incident::Attributes,
};
use serde::{Deserialize, Serialize};
use store::Position;

/// How an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has it.
    Triggered,
    /// Somebody has it.
    Acknowledged,
    /// It is over.
    Resolved,
}

impl Status {
    /// Every status, in the order of an incident's life.
    pub const ALL: [Self; 3] = [Self::Triggered, Self::Acknowledged, Self::Resolved];

    /// The stored number.
    pub(super) const fn number(self) -> u32 {
        match self {
            Self::Triggered => 0,
            Self::Acknowledged => 1,
            Self::Resolved => 2,
        }
    }
}

/// What a responder sees of one incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentView {
    /// Which incident.
    pub id: IncidentId,
    /// Its place among all incidents in the order in which they opened, from 1.
    pub number: u64,
    /// What is broken.
    pub service: ServiceId,
    /// Who looks after it.
    pub team: Option<TeamId>,
    /// The escalation policy whose ladder it climbs now; none if none could be found.
    pub policy: Option<PolicyId>,
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
    /// How it stands.
    pub status: Status,
    /// How many alerts opened or joined it.
    pub alert_count: u64,
    /// Where the last of these alerts are kept, oldest first, at most [`IncidentView::MAX_ALERTS`].
    pub alerts: Vec<AlertPlace>,
    /// Where it stands on the ladder.
    pub escalation: EscalationView,
    /// Who has it, if somebody does.
    pub acknowledged: Option<Acknowledgement>,
    /// How it ended, if it did.
    pub resolved: Option<Resolution>,
    /// When it opened.
    pub opened_at: Timestamp,
    /// The position of the event that opened it.
    pub opened: Position,
    /// What it shows instead of what it showed when it opened, if alerts that joined changed that. It is still searched
    /// for by its first title.
    pub merged: Option<Attributes>,
    /// The position of the last event that changed it.
    pub position: Position,
}

impl IncidentView {
    /// How many alerts a view leads to; earlier ones are found in the timeline.
    pub const MAX_ALERTS: usize = 20;
}

/// Where an alert's words are kept: in an event of the log, so that a view stays small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(Position, u32)", into = "(Position, u32)")]
pub struct AlertPlace {
    /// Which event.
    pub position: Position,
    /// Which alert of that event, from 0.
    pub index: u32,
}

impl From<(Position, u32)> for AlertPlace {
    fn from((position, index): (Position, u32)) -> Self {
        Self { position, index }
    }
}

impl From<AlertPlace> for (Position, u32) {
    fn from(place: AlertPlace) -> Self {
        (place.position, place.index)
    }
}

/// Where an incident stands on its ladder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationView {
    /// Which pass over the levels in the incident's life, from 1.
    pub cycle: u32,
    /// Which pass over the levels, from 1; zero when the ladder has ended.
    pub pass: u32,
    /// Which level, from 1; zero when the ladder has ended.
    pub level: u32,
    /// When the next level is paged, while nobody has it or only until then.
    pub next_at: Option<Timestamp>,
    /// When the ladder of this climb ended and administrators were paged, if it did.
    pub exhausted_at: Option<Timestamp>,
}

/// Who has an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Who.
    pub by: Actor,
    /// How they said so.
    pub via: Channel,
    /// Since when.
    pub at: Timestamp,
    /// Until when, if it is snoozed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// How an incident ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// Who said so.
    pub by: Actor,
    /// How they said so.
    pub via: Channel,
    /// What it was.
    pub note: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Which incidents are wanted. An empty list wants all of its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncidentFilter {
    /// Standing in one of these ways.
    pub status: Vec<Status>,
    /// As bad as one of these.
    pub severity: Vec<Severity>,
    /// Of one of these services.
    pub service: Vec<ServiceId>,
    /// Looked after by one of these teams.
    pub team: Vec<TeamId>,
    /// With each of these words, divided by white space, somewhere in the title or the key, in any case.
    pub text: Option<String>,
    /// Opened at this instant or later.
    pub opened_after: Option<Timestamp>,
    /// Opened before this instant.
    pub opened_before: Option<Timestamp>,
}
