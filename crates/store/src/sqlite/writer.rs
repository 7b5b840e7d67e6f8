//! The only thread that writes, and the task that tells what it wrote.
//!
//! Telling wakes everybody who follows the log and everybody who waits for an answer. From a thread outside the runtime
//! each of these is a system call or two, more than the commit itself; a task of the runtime wakes them for nothing, and
//! the thread is at the next group meanwhile.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
};

use rusqlite::Connection;
use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    oneshot, watch,
};

use super::{
    connect::Lock,
    folding::{Flushed, Folding},
    session::Session,
};
use crate::{
    StoreError,
    backend::Outcome,
    growth::Growth,
    queue::{Group, Queue},
};

/// A group and what became of it. So many may be on their way as the queue has room for, which is made when they are told.
type Done = (Group, Result<Vec<Outcome>, StoreError>);

/// Work on the writer's connection besides appending; tells whether the connection is still good.
type Chore = Box<dyn FnOnce(Result<&mut Connection, StoreError>) -> bool + Send>;

/// The way to the writer's thread.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Arc<Queue>,
    chores: mpsc::Sender<Chore>,
    /// Its sender goes away when the thread has ended and everything is told.
    ended: watch::Receiver<()>,
}

impl Writer {
    /// Starts the thread, which ends when the queue is closed, and the task, which ends after it.
    pub(super) fn start(
        path: &Path,
        lock: Lock,
        session: Session,
        queue: Arc<Queue>,
        growth: Arc<Growth>,
    ) -> Result<Self, StoreError> {
        let (chores, asked) = mpsc::channel();
        let (running, ended) = watch::channel(());
        let (done, told) = unbounded_channel();
        let file = Flushed::open(path).map_err(StoreError::unavailable)?;
        let committer = Committer {
            path: path.to_owned(),
            session: Some(session),
            folding: Folding::start(path, file.clone(), Arc::clone(&queue))?,
            chores: asked,
            queue: Arc::clone(&queue),
            growth: Arc::clone(&growth),
            done: done.clone(),
        };
        thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || {
                let _ends = committer.queue.until_committer_ends();
                committer.run();
                // Now the file is closed: others may open it, and who waits for that is told.
                drop(file);
                drop(lock);
                drop(done);
            })
            .map_err(StoreError::unavailable)?;
        tokio::spawn(tell(told, growth, running));
        Ok(Self { queue, chores, ended })
    }

    /// Runs `work` between two groups of appends.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, outcome) = oneshot::channel();
        let chore: Chore = Box::new(move |connection| {
            let result = connection.and_then(work);
            let good = result.is_ok();
            // Nobody may wait any more; the work is done all the same.
            let _gone = answer.send(result);
            good
        });
        self.chores.send(chore).map_err(|_| StoreError::closed())?;
        self.queue.nudge();
        outcome.await.unwrap_or_else(|_| Err(StoreError::closed()))
    }

    /// Waits until the thread has let go of the file.
    pub(super) async fn ended(&self) {
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }
}

struct Committer {
    path: PathBuf,
    /// None after a fault, until it could be opened again.
    session: Option<Session>,
    folding: Folding,
    chores: mpsc::Receiver<Chore>,
    queue: Arc<Queue>,
    growth: Arc<Growth>,
    done: UnboundedSender<Done>,
}

/// Tells what became of each group, in order.
async fn tell(mut done: UnboundedReceiver<Done>, growth: Arc<Growth>, running: watch::Sender<()>) {
    while let Some((group, result)) = done.recv().await {
        group.settle(result, &growth);
    }
    drop(running);
}

impl Committer {
    fn run(mut self) {
        while let Some(group) = self.queue.take_blocking() {
            if !group.appends().is_empty() {
                let result = self.session().and_then(|session| session.commit(group.appends()));
                if let Err(fault) = &result {
                    tracing::error!(error = %fault, "a group of appends failed");
                    self.session = None;
                }
                if self.done.send((group, result)).is_err() {
                    // The runtime is gone, and everybody who waited: the command ids find the outcome.
                    self.queue.close();
                }
            }
            self.run_chores();
            self.fold();
        }
        self.run_chores();
        self.folding.stop();
        if let Some(session) = &mut self.session {
            // The write-ahead log is part of the log whether it is folded in or not; this only makes a tidy file.
            let folded = session.connection().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            if let Err(error) = folded {
                tracing::warn!(%error, "the write-ahead log could not be folded into the file");
            }
        }
    }

    fn fold(&mut self) {
        let Some(session) = &mut self.session else { return };
        if let Err(error) = self.folding.step(session.connection()) {
            tracing::warn!(%error, "the write-ahead log could not be folded into the file");
            self.session = None;
        }
    }

    fn run_chores(&mut self) {
        while let Ok(chore) = self.chores.try_recv() {
            let good = chore(self.session().map(Session::connection));
            if !good {
                self.session = None;
            }
        }
    }

    fn session(&mut self) -> Result<&mut Session, StoreError> {
        let session = if let Some(session) = self.session.take() {
            session
        } else {
            let session = Session::open(&self.path)?;
            // A commit that failed on its last step may be there all the same.
            self.growth.advance(session.head().0);
            session
        };
        Ok(self.session.insert(session))
    }
}
