//! Are two sets of read tables the same, byte for byte?

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest, Sha256};

use crate::{ReadError, ReadModels, db::Row, projection::TABLES};

impl ReadModels {
    /// SHA-256 over all tables that are folded from the log, in the order of their keys, in hexadecimal. Equal contents
    /// have equal digests, also in different databases.
    pub async fn digest(&self) -> Result<String, ReadError> {
        let sum = Arc::new(Mutex::new(Sha256::new()));
        for table in TABLES {
            sum.lock().unwrap_or_else(PoisonError::into_inner).update(table.name);
            let sum = Arc::clone(&sum);
            let see = move |row: &Row| {
                let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
                row.cells().iter().for_each(|cell| cell.digest(&mut *sum));
            };
            self.db().scan(table, see).await?;
        }
        let sum = sum.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize();
        Ok(sum.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }
}
