//! Folding the write-ahead log into the file while the writer goes on.
//!
//! Done by the writer alone, as SQLite does by default, everybody waits for it: at full load a tenth of a
//! second, every few thousand events. So a thread of its own does the bulk of it, again and again until
//! little is left; only that little is folded between two groups, because only when nothing at all is left
//! does the write-ahead log begin anew instead of growing.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
};

use rusqlite::Connection;

use super::connect::{self, fault};
use crate::{StoreError, queue::Queue};

/// From how many pages of 4 KB on the write-ahead log is folded. While the disk flushes what was folded, appends wait
/// behind, so it is little and often.
const FOLD: i64 = 2000;

/// How many pages may be left for the writer: more than a group of appends has, or there would never be so few.
const LEFT: i64 = 1000;

/// At how many pages the writer waits for the folding, so that the log does not outgrow the disk.
const WAIT: i64 = 64_000;

/// The writer's side.
#[derive(Debug)]
pub(super) struct Folding {
    ask: mpsc::SyncSender<()>,
    folded: mpsc::Receiver<()>,
    under_way: bool,
    thread: thread::JoinHandle<()>,
}

impl Folding {
    /// Starts the thread, which nudges the queue whenever it is through.
    pub(super) fn start(path: &Path, queue: Arc<Queue>) -> Result<Self, StoreError> {
        let (ask, asked) = mpsc::sync_channel(1);
        let (through, folded) = mpsc::sync_channel(1);
        let thread_side = Folder { path: path.to_owned(), connection: None };
        let work = move || thread_side.run(&asked, &through, &queue);
        let thread = thread::Builder::new()
            .name("log-folder".to_owned())
            .spawn(work)
            .map_err(StoreError::unavailable)?;
        Ok(Self { ask, folded, under_way: false, thread })
    }

    /// Between two groups: has folded what should be.
    pub(super) fn step(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut pages = unfolded(connection)?;
        let folded =
            || if pages.all < WAIT { self.folded.try_recv().is_ok() } else { self.folded.recv().is_ok() };
        if self.under_way && folded() {
            self.under_way = false;
            pages = unfolded(connection)?;
            if pages.left <= LEFT {
                return fold(connection);
            }
        }
        if !self.under_way && pages.all >= FOLD && pages.left > LEFT {
            self.under_way = self.ask.try_send(()).is_ok();
        }
        Ok(())
    }

    /// Ends the thread and closes its connection.
    pub(super) fn stop(self) {
        drop(self.ask);
        drop(self.folded);
        if self.thread.join().is_err() {
            tracing::error!("the thread that folds the write-ahead log panicked");
        }
    }
}

struct Pages {
    /// In the write-ahead log.
    all: i64,
    /// Of these, not in the file yet.
    left: i64,
}

fn unfolded(connection: &Connection) -> rusqlite::Result<Pages> {
    connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?.query_row([], |row| {
        let (all, folded): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(Pages { all, left: all - folded })
    })
}

fn fold(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?.query_row([], |_| Ok(()))
}

/// The thread's side.
struct Folder {
    path: PathBuf,
    connection: Option<Connection>,
}

impl Folder {
    fn run(mut self, asked: &mpsc::Receiver<()>, through: &mpsc::SyncSender<()>, queue: &Queue) {
        while asked.recv().is_ok() {
            if let Err(error) = self.fold() {
                // Nothing is lost: what is not folded stays in the write-ahead log.
                tracing::warn!(%error, "the write-ahead log could not be folded into the file");
                self.connection = None;
            }
            if through.send(()).is_err() {
                break;
            }
            queue.nudge();
        }
    }

    fn fold(&mut self) -> Result<(), StoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect::writing(&self.path)?,
        };
        fold(self.connection.insert(connection)).map_err(fault)
    }
}
