//! Faults: what is an error of GraphQL, because a part failed or the caller may not ask. What rules
//! refuse is data instead, see [`super::rejection`].

use async_graphql::{Error, ErrorExtensions as _};
use commands::EngineError;
use projections::ReadError;
use store::StoreError;

/// Why a request got no answer. It is deliberately no `std::error::Error`: that would let it become an error
/// of GraphQL without its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// No token, or one that opens nothing.
    Unauthenticated,
    /// The token does not open this.
    Forbidden(&'static str),
    /// The request itself is at fault.
    BadInput(String),
    /// The log takes no more now; come back soon.
    Busy,
    /// A database does not answer; whether a change was recorded is unknown, and repeating it with the same
    /// `commandId` is safe.
    Unavailable,
    /// The read models have not come as far as the caller asked for.
    NotReached(store::Position),
    /// Something is broken that the caller cannot mend.
    Internal,
}

impl Fault {
    /// The stable word for programs.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden(_) => "FORBIDDEN",
            Self::BadInput(_) => "BAD_INPUT",
            Self::Busy => "BUSY",
            Self::Unavailable => "UNAVAILABLE",
            Self::NotReached(_) => "NOT_REACHED",
            Self::Internal => "INTERNAL",
        }
    }

    /// The words for people.
    pub(super) fn message(&self) -> String {
        match self {
            Self::Unauthenticated => "a token is needed: send `Authorization: Bearer <token>`".to_owned(),
            Self::Forbidden(role) => format!("this needs the role {role}"),
            Self::BadInput(why) => why.clone(),
            Self::Busy => "too much is waiting to be recorded; try again in a moment".to_owned(),
            Self::Unavailable => {
                "the database does not answer; repeat the request with the same commandId".to_owned()
            }
            Self::NotReached(position) => format!("position {position} is not visible yet; try again"),
            Self::Internal => "an internal fault; the log of this installation says more".to_owned(),
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::new(fault.message()).extend_with(|_, extensions| extensions.set("code", fault.code()))
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::Busy,
            StoreError::Unavailable(_) => {
                tracing::warn!(%error, "a request waits for the database in vain");
                Self::Unavailable
            }
            StoreError::Refused(why) => Self::BadInput(why.to_string()),
            StoreError::Conflict { .. } | StoreError::Damaged(_) => {
                tracing::error!(%error, "a request cannot be answered");
                Self::Internal
            }
        }
    }
}

impl From<EngineError> for Fault {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error.into(),
            EngineError::Contended { .. } => Self::Busy,
            EngineError::Fact(_) => {
                tracing::error!(%error, "a history cannot be read");
                Self::Internal
            }
        }
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Log(error) => error.into(),
            ReadError::Cursor(_) => Self::BadInput(error.to_string()),
            ReadError::Unavailable(_) => {
                tracing::warn!(%error, "a request waits for the read models in vain");
                Self::Unavailable
            }
            ReadError::Damaged(_) => {
                tracing::error!(%error, "a request cannot be answered");
                Self::Internal
            }
        }
    }
}
