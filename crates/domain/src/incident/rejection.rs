//! Why an incident refuses commands.

use crate::{Actor, Invalid, Rejection, Timestamp};

/// Why an incident refused a command, worded for the responder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IncidentRejection {
    /// Nothing happened under this id.
    #[error("there is no such incident")]
    NotFound,
    /// It is over; the next alert opens another episode.
    #[error("the incident was resolved at {at}")]
    AlreadyResolved {
        /// When.
        at: Timestamp,
    },
    /// Somebody has it.
    #[error("the incident was acknowledged by somebody else at {at}")]
    AlreadyAcknowledged {
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// A message came after a later one of the same monitoring tool.
    #[error("the monitoring tool told what happened until {until} before this earlier message came")]
    Outdated {
        /// Until when.
        until: Timestamp,
    },
    /// The last alert came too long ago for another one to join; it opens another episode.
    #[error("the incident heard its last alert at {heard_at}, too long ago for another one to join")]
    WindowClosed {
        /// When the last alert came.
        heard_at: Timestamp,
    },
    /// The problem is none of those that are grouped in the incident.
    #[error("the problem is none of those that are open in the incident")]
    NotAMember,
    /// Nobody has it.
    #[error("the incident is not acknowledged")]
    NotAcknowledged,
    /// A value breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

impl Rejection for IncidentRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyResolved { .. } => "ALREADY_RESOLVED",
            Self::AlreadyAcknowledged { .. } => "ALREADY_ACKNOWLEDGED",
            Self::Outdated { .. } => "OUTDATED",
            Self::WindowClosed { .. } => "WINDOW_CLOSED",
            Self::NotAMember => "NOT_A_MEMBER",
            Self::NotAcknowledged => "NOT_ACKNOWLEDGED",
            Self::Invalid(_) => "INVALID",
        }
    }

    fn field(&self) -> Option<String> {
        match self {
            Self::Invalid(invalid) => Some(invalid.field.clone()),
            Self::NotFound
            | Self::AlreadyResolved { .. }
            | Self::AlreadyAcknowledged { .. }
            | Self::Outdated { .. }
            | Self::WindowClosed { .. }
            | Self::NotAMember
            | Self::NotAcknowledged => None,
        }
    }
}
