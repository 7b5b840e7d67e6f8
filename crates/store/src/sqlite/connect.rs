//! Opening the file: one process at a time, migrated, and with the settings that durability rests on.

use std::{
    ffi::OsString,
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use refinery::error::Kind;
use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};

use crate::StoreError;

mod migrations {
    refinery::embed_migrations!("../../migrations/sqlite/log");
}

/// How long to wait for SQLite's own locks, which are held for moments only: other processes are kept out.
const BUSY: Duration = Duration::from_secs(5);

/// How many statements a connection keeps prepared.
const STATEMENTS: usize = 32;

/// What SQLite calls `synchronous=FULL`: a commit waits until the disk has it.
const FULL: i64 = 2;

/// Keeps other processes (and other handles of this one) off the file while it lives.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the operating system's lock on `<db>.lock`, which ends with the process however it ends.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let lock = beside(path, ".lock");
        let shown = lock.display();
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock)
            .map_err(|error| StoreError::unavailable(format!("{shown} cannot be opened: {error}")))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => {
                let why = format!("another process has {} open (it holds {shown})", path.display());
                Err(StoreError::unavailable(why))
            }
            Err(TryLockError::Error(error)) => {
                Err(StoreError::unavailable(format!("{shown} cannot be locked: {error}")))
            }
        }
    }
}

/// The file that a path leads to. Its lock and its key lie beside it, whatever link it is opened by.
pub(super) fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The name of a file that belongs to the database.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Creates the file if there is none, and brings its tables up to date.
pub(super) fn migrate(path: &Path) -> Result<(), StoreError> {
    let mut connection = writing(path)?;
    migrations::migrations::runner().run(&mut connection).map_err(|error| match error.kind() {
        Kind::DivergentVersion(..) | Kind::MissingVersion(..) => {
            let why = format!("its tables belong to another version of Midwatch: {error}");
            StoreError::Damaged(why.into())
        }
        _ => StoreError::unavailable(format!("its tables cannot be migrated: {error}")),
    })?;
    Ok(())
}

/// A connection that commits durably.
pub(super) fn writing(path: &Path) -> Result<Connection, StoreError> {
    let connection = opened(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    let journal: String =
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(fault)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(fault)?;
    // Not in the middle of an append: see `folding`.
    connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(fault)?;
    connection.pragma_update(None, "cache_size", -4_000).map_err(fault)?;
    let synchronous: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).map_err(fault)?;
    if journal != "wal" || synchronous != FULL {
        let why = format!(
            "{} does not keep what it commits: journal_mode is {journal} and synchronous is {synchronous}, \
             not wal and {FULL}",
            path.display()
        );
        return Err(StoreError::unavailable(why));
    }
    Ok(connection)
}

/// A connection that cannot write.
pub(super) fn reading(path: &Path) -> Result<Connection, StoreError> {
    let connection = opened(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.pragma_update(None, "cache_size", -2_000).map_err(fault)?;
    Ok(connection)
}

fn opened(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    // Each connection is used by one thread at a time.
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| match fault(error) {
        StoreError::Unavailable(why) => {
            StoreError::unavailable(format!("{} cannot be opened: {why}", path.display()))
        }
        damaged => damaged,
    })?;
    connection.busy_timeout(BUSY).map_err(fault)?;
    // SQLite 3.51.1 takes two mutexes in one order where the last connection of a file folds its write-ahead log in, and
    // in the other where any is closed: two that were closed at one moment stood still, and every other file with them.
    // The writer folds it in by itself.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(fault)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// What an error of SQLite means for the caller.
pub(super) fn fault(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged(error.to_string().into())
        }
        _ => StoreError::unavailable(error),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Barrier},
        thread,
    };

    use super::*;

    #[test]
    fn connections_that_close_at_one_moment_do_not_wait_for_each_other_for_ever() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = Arc::new(folder.path().join("log.db"));
        drop(writing(&path).expect("a file"));
        let (threads, rounds) = (4, 500);
        let together = Arc::new(Barrier::new(threads));
        let closing = (0..threads).map(|_| {
            let (path, together) = (Arc::clone(&path), Arc::clone(&together));
            thread::spawn(move || {
                for _ in 0..rounds {
                    let connection = opened(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).expect("it opens");
                    connection
                        .query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
                        .expect("it reads");
                    together.wait();
                    drop(connection);
                }
            })
        });
        for thread in closing.collect::<Vec<_>>() {
            thread.join().expect("it ends");
        }
    }
}
