//! Refusals as data: a code for programs, words for people, and the field to correct.

use crate::{Invalid, Timestamp, Unknown};

/// Why rules refuse a command.
pub trait Rejection: std::error::Error + Clone + PartialEq + Send + Sync + 'static {
    /// A stable word for programs, such as `NOT_FOUND`.
    fn code(&self) -> &'static str;

    /// The input field to correct, as a path such as `levels[0].targets`, if one is at fault.
    fn field(&self) -> Option<String> {
        None
    }
}

/// Why an item of configuration refused a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigRejection {
    /// It was never created.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Its id is taken by another one.
    #[error("this {0} exists already with other contents")]
    AlreadyExists(&'static str),
    /// It was retired earlier.
    #[error("this {what} was retired at {at}")]
    Retired {
        /// The noun.
        what: &'static str,
        /// When.
        at: Timestamp,
    },
    /// A value breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A reference leads nowhere.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// It would contradict what was recorded earlier.
    #[error("{0}")]
    Conflict(Invalid),
    /// Somebody else has to decide this.
    #[error("{0}")]
    NotAllowed(&'static str),
}

impl ConfigRejection {
    /// Says with what earlier decision the value of `field` is in conflict.
    pub(crate) fn conflict(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::Conflict(Invalid::new(field, rule))
    }
}

impl Rejection for ConfigRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "NOT_FOUND",
            Self::AlreadyExists(_) => "ALREADY_EXISTS",
            Self::Retired { .. } => "RETIRED",
            Self::Invalid(_) => "INVALID",
            Self::Unknown(_) => "UNKNOWN_REFERENCE",
            Self::Conflict(_) => "CONFLICT",
            Self::NotAllowed(_) => "NOT_ALLOWED",
        }
    }

    fn field(&self) -> Option<String> {
        match self {
            Self::Invalid(invalid) | Self::Conflict(invalid) => Some(invalid.field.clone()),
            Self::Unknown(unknown) => Some(unknown.field.clone()),
            Self::NotFound(_) | Self::AlreadyExists(_) | Self::Retired { .. } | Self::NotAllowed(_) => None,
        }
    }
}
