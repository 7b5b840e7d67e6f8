//! Documents as JSON text.

use serde::{Serialize, de::DeserializeOwned};

use crate::ReadError;

pub(crate) fn write(document: &impl Serialize) -> Result<String, ReadError> {
    serde_json::to_string(document).map_err(damaged)
}

pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, ReadError> {
    serde_json::from_str(text).map_err(damaged)
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn damaged(error: serde_json::Error) -> ReadError {
    ReadError::Damaged(format!("a document cannot be read: {error}").into())
}
