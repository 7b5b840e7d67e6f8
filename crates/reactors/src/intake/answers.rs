//! What became of one word that went to several places, as one answer.

use std::sync::{Arc, Mutex, PoisonError};

use domain::delivery::Verdict;

use super::Conclusion;

/// What became of one word in each of the places that it went to.
#[derive(Debug, Default)]
pub(super) struct Answers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Whether it led to something in one of them.
    taken: bool,
    /// By the number of the place.
    said: Vec<(usize, Conclusion)>,
}

/// The part of an answer that one place gives.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// Which of the places.
    pub(super) number: usize,
    pub(super) of: Arc<Answers>,
}

impl Answer {
    /// What is to be said of this place; nothing where the incident's own event is the answer.
    pub(super) fn give(&self, conclusion: Option<Conclusion>) {
        let mut state = self.of.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.taken |= conclusion.as_ref().is_none_or(|said| said.finding.verdict != Verdict::Ignored);
        state.said.extend(conclusion.map(|said| (self.number, said)));
    }
}

impl Answers {
    /// What is to be said of all of them, the first time that it is asked for: where it led to something, and if it led to
    /// nothing anywhere, why, as the first of them has it.
    pub(super) fn take(&self) -> Vec<Conclusion> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut said = std::mem::take(&mut state.said);
        said.sort_by_key(|(number, _)| *number);
        if state.taken {
            said.retain(|(_, conclusion)| conclusion.finding.verdict != Verdict::Ignored);
        } else {
            said.truncate(1);
        }
        said.into_iter().map(|(_, conclusion)| conclusion).collect()
    }
}
