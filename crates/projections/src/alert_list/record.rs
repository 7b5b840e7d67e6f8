//! What is seen of one problem, and how problems are searched for.

use std::fmt;

use domain::{DeliveryId, IncidentId, IntegrationId, ServiceId, Severity, TeamId, Timestamp};

use crate::{ReadError, Status};

/// How a problem stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlertStatus {
    /// Nobody has it.
    Open,
    /// Somebody has its incident.
    Acknowledged,
    /// It is over, by itself or with its incident.
    Resolved,
}

impl AlertStatus {
    /// Every status, in the order of a problem's life.
    pub const ALL: [Self; 3] = [Self::Open, Self::Acknowledged, Self::Resolved];

    /// The stored number.
    pub(super) const fn number(self) -> u32 {
        match self {
            Self::Open => 0,
            Self::Acknowledged => 1,
            Self::Resolved => 2,
        }
    }

    /// The status of a stored number.
    pub(super) fn of(number: u32) -> Result<Self, ReadError> {
        let found = Self::ALL.into_iter().find(|status| status.number() == number);
        found.ok_or_else(|| ReadError::Damaged(format!("alerts have no status {number}").into()))
    }
}

impl From<Status> for AlertStatus {
    /// How a problem that is not over by itself stands in an incident.
    fn from(incident: Status) -> Self {
        match incident {
            Status::Triggered => Self::Open,
            Status::Acknowledged => Self::Acknowledged,
            Status::Resolved => Self::Resolved,
        }
    }
}

/// Which problem: its place among all in the order in which they were first told of, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlertRecordId(pub(super) u64);

impl AlertRecordId {
    /// What its text begins with.
    const PREFIX: &'static str = "alr_";

    /// The problem that a text names, such as `alr_…`, if it is such a text.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(Self::PREFIX)?;
        let plain = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u64::from_str_radix(digits, 16).ok().filter(|_| plain)?;
        i64::try_from(number).is_ok().then_some(Self(number))
    }

    /// Its place among all problems.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for AlertRecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:032x}", Self::PREFIX, self.0)
    }
}

/// One problem that monitoring tools told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRecord {
    /// Which problem.
    pub id: AlertRecordId,
    /// The incident that it belongs to.
    pub incident: IncidentId,
    /// Its own key, where several problems are grouped into one incident; otherwise the incident's.
    pub key: String,
    /// Whether the key is its own.
    pub grouped: bool,
    /// What is wrong, as was said last.
    pub title: String,
    /// The beginning of the longer words that were said last, at most [`AlertRecord::MAX_DETAILS`] characters.
    pub details: Option<String>,
    /// The part of the world it is about, as was said last.
    pub source: Option<String>,
    /// What of that part is broken, as was said last.
    pub component: Option<String>,
    /// How it stands.
    pub status: AlertStatus,
    /// How bad it was at its worst.
    pub severity: Severity,
    /// How bad it is, as was said last.
    pub last_severity: Severity,
    /// The rule that decided what became of what was said last; none: there were no rules.
    pub rule: Option<String>,
    /// What is broken.
    pub service: ServiceId,
    /// Who looks after it.
    pub team: Option<TeamId>,
    /// The entrance that it came through first.
    pub integration: IntegrationId,
    /// The message that told of it first.
    pub first_delivery: DeliveryId,
    /// The message that told of it last.
    pub last_delivery: DeliveryId,
    /// When it was told of first.
    pub first_seen_at: Timestamp,
    /// When it was told of last.
    pub last_seen_at: Timestamp,
    /// How often it was told of.
    pub occurrences: u64,
    /// When it ended, if it is over.
    pub ended_at: Option<Timestamp>,
}

impl AlertRecord {
    /// Characters of details that are kept here; all of them are in the message.
    pub const MAX_DETAILS: usize = 256;
}

/// Which problems are wanted. What is left out or empty wants all of its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// Standing in one of these ways.
    pub status: Vec<AlertStatus>,
    /// At their worst as bad as one of these.
    pub severity: Vec<Severity>,
    /// That came through one of these entrances first.
    pub integration: Vec<IntegrationId>,
    /// Of one of these services.
    pub service: Vec<ServiceId>,
    /// Looked after by one of these teams.
    pub team: Vec<TeamId>,
    /// That belong to this incident.
    pub incident: Option<IncidentId>,
    /// With each of these words, divided by white space, somewhere in the first title or the key, in any case.
    pub text: Option<String>,
    /// First told of at this instant or later.
    pub seen_after: Option<Timestamp>,
    /// First told of before this instant.
    pub seen_before: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_a_foreign_text_is_none() {
        let id = AlertRecordId(255);
        assert_eq!(id.to_string(), "alr_000000000000000000000000000000ff");
        assert_eq!(AlertRecordId::parse(&id.to_string()), Some(id));
        let long = format!("alr_{}", "f".repeat(32));
        for text in ["", "alr_", "alr_ff", "inc_000000000000000000000000000000ff", &long] {
            assert_eq!(AlertRecordId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_status_reads_back() {
        for status in AlertStatus::ALL {
            assert_eq!(AlertStatus::of(status.number()).expect("a status"), status);
        }
        assert!(AlertStatus::of(3).is_err());
    }
}
