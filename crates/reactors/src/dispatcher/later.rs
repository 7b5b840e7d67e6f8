//! What the log said of pages that nobody holds: when to look for them in the read model.
//!
//! Looking costs as much as pages are due, in a storm thousands, and the read model moves on hundreds of times in a second.
//! So it is only looked into when a page is due that is not in our hands. However many pages wait, what is kept of
//! them here is when the first is due and where the last stands.

use domain::Timestamp;
use store::Position;
use tokio::sync::watch;

/// Pages that were left to the read model.
#[derive(Debug, Default)]
pub(super) struct Later(watch::Sender<State>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// Those left before the look that is under way or was the last. Nothing is added to them, so that the read model gets
    /// beyond the last of them also while others come.
    before: Option<Left>,
    /// Those left since.
    since: Option<Left>,
    /// One fell from our hands.
    fallen: bool,
}

/// What is known of the pages that the last look may have missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// There are none.
    Nothing,
    /// The first is due then.
    At(Timestamp),
    /// One is due, and the read model is behind it.
    ToBeShown,
    /// One is due, and the read model shows it.
    Shown,
}

#[derive(Clone, Copy, Debug)]
struct Left {
    /// When the first of them is due.
    due_at: Timestamp,
    /// The read model shows all of them when it is here.
    shown_at: Position,
}

impl Later {
    /// A page is due then, as the event at this position says.
    pub(super) fn leave(&self, due_at: Timestamp, position: Position) {
        self.0.send_modify(|state| {
            let since = state.since.get_or_insert(Left { due_at, shown_at: position });
            since.due_at = since.due_at.min(due_at);
            since.shown_at = since.shown_at.max(position);
        });
    }

    /// A page is due that was in our hands, and nothing became of it.
    pub(super) fn let_fall(&self) {
        self.0.send_modify(|state| state.fallen = true);
    }

    /// The read model is being looked into.
    pub(super) fn look(&self) {
        self.change(|state| {
            state.fallen = false;
            if state.before.is_none() {
                state.before = state.since.take();
            }
        });
    }

    /// It was looked into; it had reached this position before.
    pub(super) fn looked(&self, reached: Position) {
        self.change(|state| state.before = state.before.filter(|left| left.shown_at > reached));
    }

    /// Changes nothing that anybody waits for.
    fn change(&self, change: impl FnOnce(&mut State)) {
        self.0.send_if_modified(|state| {
            change(state);
            false
        });
    }

    /// When the next look is worth it, as far as the last one may have missed something; the read model is here.
    pub(super) fn next(&self, now: Timestamp, reached: Position) -> Next {
        let State { before, since, fallen } = *self.0.borrow();
        let left = || before.into_iter().chain(since);
        if fallen || left().any(|left| left.due_at <= now && left.shown_at <= reached) {
            return Next::Shown;
        }
        if left().any(|left| left.due_at <= now) {
            return Next::ToBeShown;
        }
        left().map(|left| left.due_at).min().map_or(Next::Nothing, Next::At)
    }

    /// Tells whenever a page is left.
    pub(super) fn watch(&self) -> watch::Receiver<impl Sized> {
        self.0.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_page_is_missed_until_a_look_at_a_read_model_that_shows_it() {
        let later = Later::default();
        assert_eq!(later.next(at(0), 9), Next::Nothing);
        later.leave(at(50), 7);
        later.look();
        later.looked(6);
        assert_eq!(later.next(at(49), 9), Next::At(at(50)));
        assert_eq!(later.next(at(50), 6), Next::ToBeShown);
        assert_eq!(later.next(at(50), 7), Next::Shown);
        later.look();
        later.looked(7);
        assert_eq!(later.next(at(50), 7), Next::Nothing);
    }

    #[test]
    fn one_left_during_a_look_is_not_taken_for_seen() {
        let later = Later::default();
        later.leave(at(50), 7);
        later.look();
        later.leave(at(40), 6);
        later.let_fall();
        later.looked(8);
        assert_eq!(later.next(at(0), 8), Next::Shown);
        later.look();
        assert_eq!(later.next(at(0), 8), Next::At(at(40)));
        later.looked(8);
        assert_eq!(later.next(at(0), 8), Next::Nothing);
    }

    #[test]
    fn those_that_keep_coming_do_not_keep_earlier_ones_missed() {
        let later = Later::default();
        for position in 1..100 {
            later.leave(at(position), position.cast_unsigned());
            later.look();
            // The read model is always ten behind.
            later.looked(position.cast_unsigned().saturating_sub(10));
        }
        assert!(matches!(later.next(at(0), 89), Next::At(due_at) if due_at > at(70)));
    }
}
