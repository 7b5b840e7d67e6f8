//! The shape of everything that decides.

use std::fmt::Debug;

use uuid::Uuid;

use crate::{Fact, Rejection};

/// What names one aggregate and its stream.
pub trait AggregateId: Copy + Debug + Send + Sync + 'static {
    /// The bare UUID.
    fn uuid(self) -> Uuid;

    /// The stream that holds its history, as `category-uuid`.
    fn stream(self) -> String;
}

/// A state, how facts change it, and how it judges commands; all of it pure.
pub trait Aggregate: Clone + Debug + Default + Send + Sync + 'static {
    /// The first part of the stream names, as in `incident-<uuid>`.
    const CATEGORY: &'static str;

    /// What names it.
    type Id: AggregateId;
    /// What can be asked of it.
    type Command: Send + Sync;
    /// What can happen to it.
    type Event: Fact;
    /// Why it refuses.
    type Rejection: Rejection;

    /// Replays one fact. Cannot fail: what happened, happened.
    fn evolve(&mut self, event: &Self::Event);

    /// Judges one command. A request already satisfied yields no events, not an error.
    fn decide(&self, command: &Self::Command) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// The state after `events`, from the beginning.
    fn replay<'a>(events: impl IntoIterator<Item = &'a Self::Event>) -> Self {
        let mut state = Self::default();
        for event in events {
            state.evolve(event);
        }
        state
    }
}
