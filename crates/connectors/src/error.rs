//! Why a page was not handed over.

use std::net::IpAddr;
use std::time::Duration;

/// Why a provider did not take a page, worded for the operator: a closed list, each with a stable [`code`].
///
/// Every text is one short line without control characters.
///
/// [`code`]: SendError::code
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The operator has not set this channel up.
    #[error("{channel} is not configured")]
    NotConfigured {
        /// The channel's name.
        channel: &'static str,
    },
    /// The address or link cannot be used.
    #[error("the destination is not usable: {why}")]
    Invalid {
        /// What is wrong with it.
        why: String,
    },
    /// The address is private and the configuration does not allow it.
    #[error("the address {address} is private or reserved and not allowed by the configuration")]
    Forbidden {
        /// The address that was given, or that the name resolved to.
        address: IpAddr,
    },
    /// The provider will not take this page, now or later.
    #[error("refused with {status}: {answer}")]
    Refused {
        /// The SMTP reply code or HTTP status.
        status: u16,
        /// What the provider said.
        answer: String,
    },
    /// The receiver asks for nothing more to be sent there, ever.
    #[error("the receiver is gone (410)")]
    Gone,
    /// Too much was sent; later is fine.
    #[error("the provider limits the rate")]
    RateLimited {
        /// The wait that the provider asked for.
        retry_after: Option<Duration>,
    },
    /// The provider answered that it cannot take the page now.
    #[error("not taken for now, with {status}: {answer}")]
    Unavailable {
        /// The SMTP reply code or HTTP status.
        status: u16,
        /// What the provider said.
        answer: String,
        /// The wait that the provider asked for.
        retry_after: Option<Duration>,
    },
    /// No connection, or it broke before an answer. The page may have arrived all the same.
    #[error("no answer: {why}")]
    Unreachable {
        /// What the network said.
        why: String,
    },
    /// No answer in time. The page may have arrived all the same.
    #[error("no answer within {} ms", after.as_millis())]
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// The conversation failed in a way that has no name here.
    #[error("failed: {why}")]
    Unknown {
        /// What is known.
        why: String,
    },
}

impl SendError {
    /// The reason in one stable word, for stored facts, metrics and interfaces.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotConfigured { .. } => "not_configured",
            Self::Invalid { .. } => "invalid_destination",
            Self::Forbidden { .. } => "forbidden_address",
            Self::Refused { .. } => "refused",
            Self::Gone => "gone",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable { .. } => "unavailable",
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut { .. } => "timed_out",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// Whether the same page to the same place would fail again.
    pub const fn is_permanent(&self) -> bool {
        match self {
            Self::NotConfigured { .. }
            | Self::Invalid { .. }
            | Self::Forbidden { .. }
            | Self::Refused { .. }
            | Self::Gone => true,
            Self::RateLimited { .. }
            | Self::Unavailable { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Unknown { .. } => false,
        }
    }

    /// The wait that the provider asked for before the next attempt.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } | Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// The innermost cause of an error: the outer ones say "error sending request", with the address in it.
pub(crate) fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    crate::text::one_line(&cause.to_string(), 200)
}
