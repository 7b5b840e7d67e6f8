//! Folding the write-ahead log into the file while the writer goes on.
//!
//! Done by the writer alone, as SQLite does by default, everybody waits for it: at full load a tenth of a
//! second, every few thousand events. So a thread of its own does the bulk of it, again and again until
//! little is left; only that little is folded between two groups, because only when nothing at all is left
//! does the write-ahead log begin anew instead of growing.
//!
//! SQLite flushes the file only then, and would have the writer wait until the disk has the whole bulk. So the thread
//! flushes what it moved, by a handle of its own ([`Flushed`]).

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
};

use rusqlite::Connection;

use super::connect::{self, fault};
use crate::{StoreError, queue::Queue};

/// From how many pages of 4 KB on the write-ahead log is folded. While the disk flushes what was folded, appends wait
/// behind, so it is little and often: with five times as much, the slowest hundredth of some hundred messages in a second were
/// those that came at such a moment (`./dev bench noise`).
const FOLD: i64 = 400;

/// How many pages may be left for the writer after the thread's first round: what is written while the thread is at
/// it, at an ordinary load.
const LEFT: i64 = 16;

/// After each further round twice as many, so many times: then it is more than a full group of appends has, or there
/// would never be so few.
const DOUBLED: u32 = 6;

/// At how many pages the writer waits for the thread and then folds whatever is left, so that the log does not outgrow
/// the disk.
const WAIT: i64 = 64_000;

/// The writer's side.
#[derive(Debug)]
pub(super) struct Folding {
    ask: mpsc::SyncSender<()>,
    folded: mpsc::Receiver<()>,
    under_way: bool,
    /// How often the thread was through since the writer last folded what it left.
    rounds: u32,
    thread: thread::JoinHandle<()>,
}

/// A handle of the database's file, to flush it by.
///
/// It must be closed after the connection that writes: closing any handle of a file lets go of all the locks that the
/// process has on it by `fcntl`, among them those by which SQLite tells others that the file is in use. At the end readers may
/// outlive it for a moment, as they may outlive the writer.
#[derive(Clone, Debug)]
pub(super) struct Flushed(Arc<File>);

impl Flushed {
    /// Opens a file that is there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        File::open(path).map(|file| Self(Arc::new(file)))
    }

    fn flush(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

impl Folding {
    /// Starts the thread, which nudges the queue whenever it is through.
    pub(super) fn start(path: &Path, file: Flushed, queue: Arc<Queue>) -> Result<Self, StoreError> {
        let (ask, asked) = mpsc::sync_channel(1);
        let (through, folded) = mpsc::sync_channel(1);
        let thread_side = Folder { path: path.to_owned(), connection: None, file };
        let work = move || thread_side.run(&asked, &through, &queue);
        let thread = thread::Builder::new()
            .name("log-folder".to_owned())
            .spawn(work)
            .map_err(StoreError::unavailable)?;
        Ok(Self { ask, folded, under_way: false, rounds: 0, thread })
    }

    /// Between two groups: has folded what should be.
    pub(super) fn step(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut pages = unfolded(connection)?;
        if self.under_way {
            let through =
                if pages.all < WAIT { self.folded.try_recv().is_ok() } else { self.folded.recv().is_ok() };
            if !through {
                return Ok(());
            }
            self.under_way = false;
            self.rounds += 1;
            pages = unfolded(connection)?;
        }
        match pages.due(self.rounds) {
            Due::Nothing => {}
            Due::Round => self.under_way = self.ask.try_send(()).is_ok(),
            Due::Rest => {
                self.rounds = 0;
                fold(connection)?;
            }
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

#[derive(Clone, Copy)]
struct Pages {
    /// In the write-ahead log.
    all: i64,
    /// Of these, not in the file yet.
    left: i64,
}

/// What is to be done about the write-ahead log.
#[derive(Debug, PartialEq, Eq)]
enum Due {
    Nothing,
    /// The thread folds what is there.
    Round,
    /// The writer folds what the thread left.
    Rest,
}

impl Pages {
    /// What is to be done after so many rounds of the thread.
    const fn due(self, rounds: u32) -> Due {
        let Self { all, left } = self;
        let doubled = if rounds > DOUBLED { DOUBLED } else { rounds.saturating_sub(1) };
        match rounds {
            // As long as somebody reads what was folded already, the write-ahead log goes on growing, and the thread waits
            // until there is something to do.
            0 if left >= FOLD => Due::Round,
            0 => Due::Nothing,
            _ if left <= LEFT << doubled || all >= WAIT => Due::Rest,
            _ => Due::Round,
        }
    }
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
    /// Before the file, which is closed after it.
    connection: Option<Connection>,
    file: Flushed,
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
        fold(self.connection.insert(connection)).map_err(fault)?;
        self.file.flush().map_err(StoreError::unavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(all: i64, left: i64, rounds: u32) -> Due {
        Pages { all, left }.due(rounds)
    }

    #[test]
    fn the_thread_begins_when_there_is_enough_to_do() {
        assert_eq!(due(399, 399, 0), Due::Nothing);
        assert_eq!(due(400, 400, 0), Due::Round);
        assert_eq!(due(9000, 399, 0), Due::Nothing, "a reader keeps what was folded in the write-ahead log");
        assert_eq!(due(9000, 400, 0), Due::Round);
    }

    #[test]
    fn the_writer_takes_over_when_little_is_left_and_more_of_it_the_longer_it_takes() {
        let most = |rounds| (0..5000).rev().find(|left| due(5000, *left, rounds) == Due::Rest);
        let expected = [16, 32, 64, 128, 256, 512, 1024, 1024, 1024];
        assert_eq!([1, 2, 3, 4, 5, 6, 7, 8, 60].map(most), expected.map(Some));
        assert_eq!(due(5000, 17, 1), Due::Round);
    }

    #[test]
    fn a_write_ahead_log_that_outgrows_everything_is_folded_whatever_is_left() {
        assert_eq!(due(64_000, 2000, 1), Due::Rest);
    }
}
