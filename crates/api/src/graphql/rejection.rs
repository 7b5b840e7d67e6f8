//! Rejections: what rules refuse, as data that the caller must handle.

use async_graphql::SimpleObject;
use commands::{CommandError, EngineError};
use domain::IdError;
use projections::ReadError;
use store::StoreError;

use super::fault::Fault;

/// Why a request was refused. Nothing was recorded.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub(super) struct Rejection {
    /// A stable word for programs, such as `NOT_FOUND`, `INVALID` or `ALREADY_RESOLVED`.
    pub(super) code: String,
    /// The reason in words.
    pub(super) message: String,
    /// The input field to correct, as a path such as `levels[0].targets`.
    pub(super) field: Option<String>,
}

impl Rejection {
    /// A refusal by the rules of an aggregate.
    pub(super) fn of(why: &impl domain::Rejection) -> Self {
        Self { code: why.code().to_owned(), message: why.to_string(), field: why.field() }
    }

    /// A text that names nothing.
    pub(super) fn not_an_id(field: &str, error: &IdError) -> Self {
        Self { code: "NOT_FOUND".to_owned(), message: error.to_string(), field: Some(field.to_owned()) }
    }

    /// A value that breaks a rule; `rule` is worded to follow the field's name.
    pub(super) fn invalid(field: &str, rule: &str) -> Self {
        Self { code: "INVALID".to_owned(), message: format!("{field} {rule}"), field: Some(field.to_owned()) }
    }

    /// Something that somebody else has to decide.
    pub(super) fn not_allowed(message: &str) -> Self {
        Self { code: "NOT_ALLOWED".to_owned(), message: message.to_owned(), field: None }
    }
}

/// Why a mutation stops short.
#[derive(Debug)]
pub(super) enum Stop {
    /// Rules refuse it.
    Rejected(Rejection),
    /// A part failed, or the caller may not.
    Fault(Fault),
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Fault(error.into())
    }
}

impl<R: domain::Rejection> From<CommandError<R>> for Stop {
    fn from(error: CommandError<R>) -> Self {
        match error {
            CommandError::Rejected(why) => Self::Rejected(Rejection::of(&why)),
            CommandError::Fault(fault) => Self::Fault(fault.into()),
        }
    }
}

/// A payload of a mutation: the object, the position, or a rejection.
macro_rules! payloads {
    ($($(#[$doc:meta])* $name:ident { $field:ident: $object:ty })+) => {$(
        $(#[$doc])*
        #[derive(async_graphql::SimpleObject)]
        pub(super) struct $name {
            /// The object as it is now; null if the request was rejected, or if it cannot be shown yet.
            pub(super) $field: Option<$object>,
            /// The position in the log that the request led to; a query with `waitFor` sees it.
            pub(super) position: Option<$crate::graphql::scalar::Position>,
            /// Why the request was refused; null if it was not.
            pub(super) rejection: Option<$crate::graphql::rejection::Rejection>,
        }

        impl $name {
            fn answer(
                outcome: Result<$crate::graphql::rejection::Recorded<$object>, $crate::graphql::rejection::Stop>,
            ) -> Result<Self, $crate::graphql::fault::Fault> {
                let (object, position, rejection) = $crate::graphql::rejection::parts(outcome)?;
                Ok(Self { $field: object, position, rejection })
            }
        }
    )+};
}
pub(super) use payloads;

/// What a mutation recorded: the object afterwards, if it can be shown already, and where.
pub(super) type Recorded<T> = (Option<T>, store::Position);

/// The three fields of a payload.
pub(super) type Parts<T> = (Option<T>, Option<super::scalar::Position>, Option<Rejection>);

/// Tells data from errors.
pub(super) fn parts<T>(outcome: Result<Recorded<T>, Stop>) -> Result<Parts<T>, Fault> {
    match outcome {
        Ok((object, position)) => Ok((object, Some(super::scalar::Position(position)), None)),
        Err(Stop::Rejected(rejection)) => Ok((None, None, Some(rejection))),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}
