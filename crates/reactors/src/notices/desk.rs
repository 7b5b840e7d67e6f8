//! How far notices are: what was considered, and when something falls due next.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::Timestamp;
use store::Position;

/// How far the notices of the node are that works. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Desk(Arc<Mutex<Standing>>);

#[derive(Debug, Default)]
struct Standing {
    asked: Progress,
    sent: Progress,
    under_way: usize,
}

#[derive(Debug, Default)]
struct Progress {
    through: Position,
    next_at: Option<Timestamp>,
}

impl Desk {
    /// When something falls due next, or is tried again.
    pub fn next_at(&self) -> Option<Timestamp> {
        let standing = self.lock();
        standing.asked.next_at.into_iter().chain(standing.sent.next_at).min()
    }

    /// Whether everything was done that the log up to a position and an instant ask for.
    pub fn is_done(&self, position: Position, at: Timestamp) -> bool {
        let standing = self.lock();
        let done = |progress: &Progress| {
            progress.through >= position && progress.next_at.is_none_or(|next| next > at)
        };
        standing.under_way == 0 && done(&standing.asked) && done(&standing.sent)
    }

    pub(super) fn asked(&self, through: Position, next_at: Option<Timestamp>) {
        self.lock().asked = Progress { through, next_at };
    }

    pub(super) fn sending(&self, through: Position, next_at: Option<Timestamp>, under_way: usize) {
        let mut standing = self.lock();
        standing.sent = Progress { through, next_at };
        standing.under_way = under_way;
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
