//! What a failed statement means for those who asked.

use tokio_postgres::error::SqlState;

use crate::StoreError;

/// Why PostgreSQL did not do what was asked.
#[derive(Debug)]
pub(super) enum Fault {
    /// The connection broke: whether the statement was committed is unknown.
    Lost(String),
    /// The server rolled the statement back for a reason that passes, such as a full disk.
    Passing(String),
    /// The server refused the values; the same ones will be refused again.
    Values(String),
    /// What is stored contradicts itself.
    Damaged(String),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lost(why) | Self::Passing(why) | Self::Values(why) | Self::Damaged(why) => f.write_str(why),
        }
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        let why = described(&error);
        let Some(state) = error.code() else { return Self::Lost(why) };
        // By class; see PostgreSQL's appendix A.
        match state.code().get(..2) {
            // Connection exception; the server is shutting down, starting or has ended the session.
            Some("08" | "57") if *state != SqlState::QUERY_CANCELED => Self::Lost(why),
            // A server that became a standby, or a plan from before a migration: another session may do better.
            Some("25" | "0A") => Self::Lost(why),
            // Data exception; program limit exceeded, such as nesting.
            Some("22" | "54") => Self::Values(why),
            // Integrity violation: only possible if somebody else wrote to our tables.
            Some("23") | None => Self::Damaged(why),
            Some(_) => Self::Passing(why),
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Lost(why) | Fault::Passing(why) => Self::Unavailable(why.into()),
            Fault::Values(why) => Self::Refused(why.into()),
            Fault::Damaged(why) => Self::Damaged(why.into()),
        }
    }
}

/// The server's own words where it said any, and the cause of what happened on the way otherwise.
pub(super) fn described(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return format!("{} ({})", said.message(), said.code().code());
    }
    let mut why = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        why = format!("{why}: {cause}");
        source = cause.source();
    }
    why
}
