//! Which pages are in our hands, so that the log and the read model together send each once.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::PageId;
use store::Position;

/// The pages in our hands.
#[derive(Clone, Default)]
pub(super) struct Hands(Arc<Mutex<Holding>>);

#[derive(Default)]
struct Holding {
    held: HashSet<PageId>,
    /// Dealt with, but still open in a read model that has not reached this position.
    done: HashMap<PageId, Position>,
}

impl Hands {
    /// Takes a page, unless it is in our hands already or was dealt with a moment ago.
    pub(super) fn hold(&self, page: PageId) -> Option<Held> {
        let mut holding = self.lock();
        let free = !holding.done.contains_key(&page) && holding.held.insert(page);
        free.then(|| Held { page, hands: self.clone() })
    }

    /// Forgets pages that the read model knows to be dealt with.
    pub(super) fn forget(&self, position: Position) {
        self.lock().done.retain(|_, done_at| *done_at > position);
    }

    fn lock(&self) -> MutexGuard<'_, Holding> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A page in our hands; let go when dropped, however that happens.
pub(super) struct Held {
    page: PageId,
    hands: Hands,
}

impl Held {
    /// It was dealt with by the event at this position.
    pub(super) fn done_at(&self, position: Position) {
        self.hands.lock().done.insert(self.page, position);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.hands.lock().held.remove(&self.page);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_in_one_hand_at_a_time_and_rests_until_the_read_model_knows() {
        let (hands, page) = (Hands::default(), PageId::new(uuid::Uuid::from_u128(1)));
        let held = hands.hold(page).expect("nobody holds it");
        assert!(hands.hold(page).is_none());
        held.done_at(7);
        drop(held);
        hands.forget(6);
        assert!(hands.hold(page).is_none());
        hands.forget(7);
        assert!(hands.hold(page).is_some());
    }
}
