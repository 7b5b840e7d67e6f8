//! What can go wrong when reading.

use std::sync::Arc;

use store::StoreError;

/// Why a read model could not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    /// The database did not answer; trying again later may help.
    #[error("the read models' database is unavailable: {0}")]
    Unavailable(Arc<str>),
    /// The text is not a cursor that an earlier page gave out.
    #[error("`{0}` is not a cursor of this list")]
    Cursor(String),
    /// What is stored cannot be understood, or the log holds an event that cannot: trying again does not help.
    #[error("the read models are damaged: {0}")]
    Damaged(Arc<str>),
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] StoreError),
}
