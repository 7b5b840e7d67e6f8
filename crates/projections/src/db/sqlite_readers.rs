//! Reading a SQLite file on several threads.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use tokio::{sync::Semaphore, task};

use super::sqlite::{close_as_it_is, fault};
use crate::ReadError;

/// How many questions are answered at once.
const READERS: usize = 4;

/// Connections that only read. The thread of a question takes one for so long.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::default(), permits: Arc::new(Semaphore::new(READERS)) }
    }

    /// Runs `work` on a thread that may wait.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        let closed = |_| ReadError::Unavailable("it was closed".into());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(closed)?;
        let readers = Arc::clone(self);
        let answer = task::spawn_blocking(move || {
            // Held until the work is done, even if nobody waits for it any more.
            let _permit = permit;
            let idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = idle.map_or_else(|| readers.connect(), Ok)?;
            let answer = work(&mut connection)?;
            readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            Ok(answer)
        });
        match answer.await {
            Ok(answer) => answer.map_err(fault),
            Err(_) => Err(ReadError::Unavailable("the question was abandoned".into())),
        }
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        close_as_it_is(&connection)?;
        connection.pragma_update(None, "cache_size", -2_000)?;
        // Otherwise SQLite looks at what is bound as the limit, and plans each question anew for each value.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[tokio::test]
    async fn a_question_with_another_limit_is_not_planned_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("read.db");
        let numbers =
            "CREATE TABLE numbers (n INTEGER PRIMARY KEY); INSERT INTO numbers VALUES (1), (2), (3)";
        Connection::open(&path).and_then(|connection| connection.execute_batch(numbers)).expect("a file");
        let readers = Arc::new(Readers::new(path));
        let asking = readers.read(|connection| {
            let mut question = connection.prepare_cached("SELECT n FROM numbers ORDER BY n LIMIT ?1")?;
            for limit in 1..4 {
                let found: Vec<i64> =
                    question.query_map([limit], |row| row.get(0))?.collect::<Result<_, _>>()?;
                assert_eq!(found, (1..=limit).collect::<Vec<i64>>());
            }
            Ok(question.get_status(StatementStatus::RePrepare))
        });
        assert_eq!(asking.await.expect("an answer"), 0);
    }
}
