//! How far the watcher is: what was heard, and when somebody is looked at next.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::Timestamp;
use store::Position;

/// How far the watcher is on the node that works. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Lookout(Arc<Mutex<Standing>>);

#[derive(Debug, Default)]
struct Standing {
    through: Position,
    next_at: Option<Timestamp>,
}

impl Lookout {
    /// When somebody is looked at next.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.lock().next_at
    }

    /// Whether everything was done that the log up to a position and an instant ask for.
    pub fn is_done(&self, position: Position, at: Timestamp) -> bool {
        let standing = self.lock();
        standing.through >= position && standing.next_at.is_none_or(|next| next > at)
    }

    pub(super) fn reached(&self, through: Position, next_at: Option<Timestamp>) {
        *self.lock() = Standing { through, next_at };
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
