//! Overrides and swaps: one log of what people agreed on, applied on top of the turns.

use serde::{Deserialize, Serialize};

use super::{model::Span, rota::sorted};
use crate::{OverrideId, SwapId, Timestamp, UserId};

/// What an override does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// Exactly these people are on call; nobody, if there are none.
    Set {
        /// Who.
        users: Vec<UserId>,
    },
    /// One person for another, while that one is on call.
    Replace {
        /// Who is relieved.
        from: UserId,
        /// Who takes over.
        to: UserId,
    },
    /// One more person.
    Add {
        /// Who.
        user: UserId,
    },
    /// One person less.
    Remove {
        /// Who.
        user: UserId,
    },
}

impl Change {
    /// Everybody whom it names.
    pub fn people(&self) -> Vec<UserId> {
        match self {
            Self::Set { users } => users.clone(),
            Self::Replace { from, to } => vec![*from, *to],
            Self::Add { user } | Self::Remove { user } => vec![*user],
        }
    }

    /// Whom it needs to find on call to do anything.
    pub(super) const fn relieves(&self) -> Option<UserId> {
        match self {
            Self::Replace { from, .. } => Some(*from),
            Self::Remove { user } => Some(*user),
            Self::Set { .. } | Self::Add { .. } => None,
        }
    }

    /// Changes who is on call; both in the order of ids.
    fn apply(&self, on_call: &mut Vec<UserId>) {
        match self {
            Self::Set { users } => on_call.clone_from(users),
            Self::Add { user } => insert(on_call, *user),
            Self::Remove { user } => on_call.retain(|one| one != user),
            Self::Replace { from, to } => {
                if let Ok(place) = on_call.binary_search(from) {
                    on_call.remove(place);
                    insert(on_call, *to);
                }
            }
        }
    }
}

fn insert(on_call: &mut Vec<UserId>, user: UserId) {
    if let Err(place) = on_call.binary_search(&user) {
        on_call.insert(place, user);
    }
}

/// What an adjustment was recorded as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// An override.
    Override(OverrideId),
    /// A swap.
    Swap(SwapId),
}

impl Source {
    /// Ties between what was recorded at one instant are broken by id.
    const fn order(self) -> uuid::Uuid {
        match self {
            Self::Override(id) => id.uuid(),
            Self::Swap(id) => id.uuid(),
        }
    }
}

/// An override, or one leg of an accepted swap, as it acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// What it was recorded as.
    pub source: Source,
    /// When it was made or accepted; later ones act on the result of earlier ones.
    pub applied_at: Timestamp,
    /// Whether it is the second leg of a swap.
    pub take: bool,
    /// While it acts.
    pub span: Span,
    /// What it does.
    pub change: Change,
}

impl Adjustment {
    /// One that acts in a window from when it was made until it was cancelled.
    pub fn new(
        source: Source,
        change: Change,
        window: Span,
        applied_at: Timestamp,
        cancelled_at: Option<Timestamp>,
    ) -> Self {
        let end = cancelled_at.map_or(window.end, |cancelled_at| window.end.min(cancelled_at));
        let change = match change {
            Change::Set { users } => Change::Set { users: sorted(&users) },
            change => change,
        };
        let span = Span { start: window.start.max(applied_at), end };
        Self { source, applied_at, take: false, span, change }
    }

    /// The same as the second leg of a swap.
    #[must_use]
    pub fn second(self) -> Self {
        Self { take: true, ..self }
    }
}

/// Adjustments made ready for questions.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// In the order in which they apply.
    entries: Vec<Adjustment>,
    /// Places in `entries`, by the beginning of the span.
    by_start: Vec<usize>,
    /// For each place in `by_start` the latest end of any span up to it.
    latest_end: Vec<Timestamp>,
}

impl Log {
    pub(super) fn new(adjustments: impl IntoIterator<Item = Adjustment>) -> Self {
        let acts = |one: &Adjustment| one.span.start < one.span.end;
        let mut entries: Vec<Adjustment> = adjustments.into_iter().filter(acts).collect();
        entries.sort_by_key(|one| (one.applied_at, one.source.order(), one.take));
        let mut by_start: Vec<usize> = (0..entries.len()).collect();
        by_start.sort_by_key(|place| entries[*place].span.start);
        let mut latest = Timestamp::default();
        let ends = by_start.iter().enumerate().map(|(index, place)| {
            let end = entries[*place].span.end;
            latest = if index == 0 { end } else { latest.max(end) };
            latest
        });
        let latest_end = ends.collect();
        Self { entries, by_start, latest_end }
    }

    /// Those that act at an instant, in the order in which they apply.
    pub(super) fn acting(&self, at: Timestamp) -> impl Iterator<Item = &Adjustment> {
        let begun = self.by_start.partition_point(|place| self.entries[*place].span.start <= at);
        let mut places: Vec<usize> = vec![];
        for index in (0..begun).rev() {
            if self.latest_end[index] <= at {
                break;
            }
            let place = self.by_start[index];
            if self.entries[place].span.end > at {
                places.push(place);
            }
        }
        places.sort_unstable();
        places.into_iter().map(|place| &self.entries[place])
    }

    /// Applies what acts at an instant to the people whose turn it is.
    pub(super) fn adjust(&self, at: Timestamp, on_call: &mut Vec<UserId>) {
        self.acting(at).for_each(|adjustment| adjustment.change.apply(on_call));
    }

    /// Like [`Log::adjust`], with only those that apply before the one at a place.
    pub(super) fn adjust_before(&self, place: usize, at: Timestamp, on_call: &mut Vec<UserId>) {
        let earlier = self.entries[..place].iter().filter(|one| one.span.contains(at));
        earlier.for_each(|adjustment| adjustment.change.apply(on_call));
    }

    pub(super) fn entries(&self) -> &[Adjustment] {
        &self.entries
    }

    /// Every instant inside a range at which one begins or ends to act.
    pub(super) fn bounds(&self, inside: Span) -> Vec<Timestamp> {
        let overlapping = self.entries.iter().filter(|one| one.span.overlaps(inside));
        let bounds = overlapping.flat_map(|one| [one.span.start, one.span.end]);
        bounds.filter(|at| inside.start < *at && *at < inside.end).collect()
    }

    /// The first instant after `at` at which one begins or ends to act.
    pub(super) fn next_bound(&self, at: Timestamp) -> Option<Timestamp> {
        let bounds = self.entries.iter().flat_map(|one| [one.span.start, one.span.end]);
        bounds.filter(|bound| *bound > at).min()
    }
}
