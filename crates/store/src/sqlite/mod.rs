//! The log in a SQLite file.

use std::{path::Path, sync::Arc};

use crate::{Options, StoreError, backend::Backend, growth::Growth, queue::Queue};

/// Opens or creates the file and starts its writer.
pub(crate) async fn open(
    path: &Path,
    _options: &Options,
    _queue: Arc<Queue>,
    _growth: Arc<Growth>,
) -> Result<Arc<dyn Backend>, StoreError> {
    Err(StoreError::unavailable(format!("{} cannot be opened yet", path.display())))
}
