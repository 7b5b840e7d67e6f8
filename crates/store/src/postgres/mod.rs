//! The log in PostgreSQL.

use std::sync::Arc;

use crate::{Options, StoreError, backend::Backend, growth::Growth, queue::Queue};

/// Connects, migrates and starts the committer.
pub(crate) async fn open(
    _url: &str,
    _options: &Options,
    _queue: Arc<Queue>,
    _growth: Arc<Growth>,
) -> Result<Arc<dyn Backend>, StoreError> {
    Err(StoreError::unavailable("not connected yet"))
}
