//! Which pages are in our hands, so that the log and the read model together send each once.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{ContactId, PageId, UserId, page::PageStep};
use store::Position;

use super::later::Later;

/// The pages in our hands.
#[derive(Clone)]
pub(super) struct Hands {
    holding: Arc<Mutex<Holding>>,
    later: Arc<Later>,
}

/// So many pages that were dealt with are worth to be gone through.
const MANY: usize = 4096;
/// Of so many refused pages it is remembered to whom they go.
const REFUSED: usize = 16_384;

#[derive(Default)]
struct Holding {
    held: HashSet<PageId>,
    /// Dealt with, but still open in a read model that has not reached this position.
    done: HashMap<PageId, Position>,
    /// How many of them are many.
    many: usize,
    /// Those whose lane had no place, and to whom they go.
    refused: HashMap<PageId, (UserId, ContactId)>,
}

impl Hands {
    /// Empty hands, from which pages fall that are then looked for again.
    pub(super) fn new(later: Arc<Later>) -> Self {
        Self { holding: Arc::default(), later }
    }

    /// Takes a page, unless it is in our hands already or was dealt with a moment ago.
    pub(super) fn hold(&self, page: PageId) -> Option<Held> {
        let mut holding = self.lock();
        let free = !holding.done.contains_key(&page) && holding.held.insert(page);
        free.then(|| Held { page, hands: self.clone(), is_put_back: false })
    }

    /// Forgets pages that the read model knows to be dealt with.
    pub(super) fn forget(&self, position: Position) {
        self.lock().done.retain(|_, done_at| *done_at > position);
    }

    /// The same, but only once there are many: while nothing but new pages is sent, nobody looks into the read model.
    pub(super) fn forget_many(&self, position: Position) {
        let mut holding = self.lock();
        if holding.done.len() >= holding.many.max(MANY) {
            holding.done.retain(|_, done_at| *done_at > position);
            // So that a read model that stands still is not asked for each page.
            holding.many = 2 * holding.done.len();
        }
    }

    /// To whom a page goes whose lane had no place when it was last put there: while that is full, the page itself need
    /// not be read again.
    pub(super) fn refused(&self, page: PageId) -> Option<(UserId, ContactId)> {
        self.lock().refused.get(&page).copied()
    }

    /// A page found no place.
    pub(super) fn refuse(&self, step: &PageStep) {
        let mut holding = self.lock();
        if holding.refused.len() < REFUSED {
            holding.refused.insert(step.id(), (step.user, step.contact));
        }
    }

    /// A page found a place.
    pub(super) fn accept(&self, page: PageId) {
        self.lock().refused.remove(&page);
    }

    /// Every page has a place.
    pub(super) fn forget_refusals(&self) {
        self.lock().refused.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Holding> {
        self.holding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A page in our hands; let go when dropped, however that happens.
pub(super) struct Held {
    page: PageId,
    hands: Hands,
    /// Whoever holds it knows that it will be looked for when it is due.
    is_put_back: bool,
}

impl Held {
    /// It was dealt with by the event at this position.
    pub(super) fn done_at(&self, position: Position) {
        self.hands.lock().done.insert(self.page, position);
    }

    /// It is not due yet.
    pub(super) fn put_back(mut self) {
        self.is_put_back = true;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut holding = self.hands.lock();
        holding.held.remove(&self.page);
        let is_done = holding.done.contains_key(&self.page);
        drop(holding);
        if !is_done && !self.is_put_back {
            self.hands.later.let_fall();
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{IncidentId, Timestamp};

    use super::{super::later::Next, *};

    const NOW: Timestamp = Timestamp::from_millis(1_764_000_000_000);

    fn hands() -> (Hands, PageId) {
        (Hands::new(Arc::default()), PageId::new(uuid::Uuid::from_u128(1)))
    }

    #[test]
    fn a_page_is_in_one_hand_at_a_time_and_rests_until_the_read_model_knows() {
        let (hands, page) = hands();
        let held = hands.hold(page).expect("nobody holds it");
        assert!(hands.hold(page).is_none());
        held.done_at(7);
        drop(held);
        assert_eq!(hands.later.next(NOW, 0), Next::Nothing);
        hands.forget(6);
        assert!(hands.hold(page).is_none());
        hands.forget(7);
        assert!(hands.hold(page).is_some());
    }

    #[test]
    fn pages_that_were_dealt_with_do_not_pile_up() {
        let (hands, _) = hands();
        for number in 0..10_000_u64 {
            let page = PageId::new(uuid::Uuid::from_u128(number.into()));
            hands.hold(page).expect("nobody holds it").done_at(number);
            // The read model is always ten behind.
            hands.forget_many(number.saturating_sub(10));
            assert!(hands.lock().done.len() <= MANY);
        }
    }

    #[test]
    fn a_page_that_falls_from_our_hands_is_looked_for_again() {
        let (hands, page) = hands();
        drop(hands.hold(page).expect("nobody holds it"));
        assert_eq!(hands.later.next(NOW, 0), Next::Shown);
        assert!(hands.hold(page).is_some());
    }

    #[test]
    fn of_a_refused_page_it_is_known_to_whom_it_goes_until_it_finds_a_place() {
        let (hands, _) = hands();
        let id = uuid::Uuid::from_u128;
        let step = PageStep {
            incident: IncidentId::new(id(1)),
            cycle: 1,
            level: 1,
            user: UserId::new(id(2)),
            step: 0,
            contact: ContactId::new(id(3)),
            through: None,
        };
        hands.refuse(&step);
        assert_eq!(hands.refused(step.id()), Some((step.user, step.contact)));
        hands.accept(step.id());
        assert_eq!(hands.refused(step.id()), None);
        hands.refuse(&step);
        hands.forget_refusals();
        assert_eq!(hands.refused(step.id()), None);
    }
}
