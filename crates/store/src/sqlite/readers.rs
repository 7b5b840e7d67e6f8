//! A few read-only connections, used on blocking threads.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rusqlite::Connection;
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::connect;
use crate::StoreError;

/// The connections that are not in use, and the right to use one.
#[derive(Debug)]
pub(super) struct Readers {
    pool: Arc<Pool>,
    permits: Arc<Semaphore>,
    count: usize,
}

#[derive(Debug)]
struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// At most `count` connections, opened when they are needed.
    pub(super) fn new(path: &Path, count: usize) -> Self {
        let count = count.max(1);
        let pool = Arc::new(Pool { path: path.to_owned(), idle: Mutex::default() });
        Self { pool, permits: Arc::new(Semaphore::new(count)), count }
    }

    /// Runs `work` with a connection of its own.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| StoreError::closed())?;
        let pool = Arc::clone(&self.pool);
        // The connection goes back on that thread, so that an abandoned call does not lose it.
        let worked = spawn_blocking(move || {
            let idle = pool.idle().pop();
            let mut connection = idle.map_or_else(|| connect::reading(&pool.path), Ok)?;
            let result = work(&mut connection);
            // After a fault a new connection is the safest.
            if result.is_ok() {
                pool.idle().push(connection);
            }
            drop(permit);
            result
        });
        worked.await.unwrap_or_else(|error| Err(StoreError::unavailable(error)))
    }

    /// Waits for the reads under way and closes all connections.
    pub(super) async fn close(&self) {
        let all = u32::try_from(self.count).unwrap_or(u32::MAX);
        if let Ok(_all) = self.permits.acquire_many(all).await {
            self.permits.close();
            self.pool.idle().clear();
        }
    }
}

impl Pool {
    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
