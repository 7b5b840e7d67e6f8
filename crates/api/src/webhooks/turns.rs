//! Whose message is kept next: so many at a time, and in turn among the integrations that wait.
//!
//! Without this, whoever sends most is served most: its messages stand in front of everybody's. Here each integration has
//! a line of its own, and a place that becomes free goes to the next line, not to the next message. However many of
//! its messages wait, the first of another waits for one round at most.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::IntegrationId;
use tokio::sync::oneshot;

/// Messages that are kept at a time. Enough that a commit, which takes in whatever came meanwhile, is never short of
/// messages: ten thousand in a second need some fifty while one takes 5 ms. Few enough that a message which gets its
/// turn finds at most these before it, which is some 25 ms at that speed.
const AT_ONCE: usize = 256;

/// The turns of one node.
#[derive(Debug)]
pub(super) struct Turns(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Places that nobody has. While there are any, nobody waits.
    free: usize,
    lines: HashMap<IntegrationId, Line>,
    /// The lines in which somebody waits, the next one first.
    round: VecDeque<IntegrationId>,
}

/// The messages of one integration.
#[derive(Debug, Default)]
struct Line {
    /// Those that arrived and have not left.
    here: usize,
    /// Those that wait for their turn, in order; some may have gone away.
    waiting: VecDeque<oneshot::Sender<()>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self::new(AT_ONCE)
    }
}

impl Turns {
    fn new(at_once: usize) -> Self {
        Self(Mutex::new(State { free: at_once, lines: HashMap::new(), round: VecDeque::new() }))
    }

    /// A message of an integration arrives; it leaves when what is returned goes away.
    pub(super) fn arrive(&self, integration: IntegrationId) -> Arrival<'_> {
        let mut state = self.lock();
        let line = state.lines.entry(integration).or_default();
        line.here += 1;
        Arrival { turns: self, integration, alone: line.here == 1 }
    }

    fn leave(&self, integration: IntegrationId) {
        let mut state = self.lock();
        let State { lines, round, .. } = &mut *state;
        let Some(line) = lines.get_mut(&integration) else { return };
        line.here -= 1;
        if line.here == 0 {
            // Whoever is still in the line has gone away without having had a turn.
            if !line.waiting.is_empty() {
                round.retain(|other| *other != integration);
            }
            lines.remove(&integration);
        }
    }

    /// Takes a place, or a place in the line.
    fn stand_in_line(&self, integration: IntegrationId) -> Option<oneshot::Receiver<()>> {
        let mut state = self.lock();
        let State { free, lines, round } = &mut *state;
        if *free > 0 {
            *free -= 1;
            return None;
        }
        let line = lines.entry(integration).or_default();
        if line.waiting.is_empty() {
            round.push_back(integration);
        }
        let (give, given) = oneshot::channel();
        line.waiting.push_back(give);
        Some(given)
    }

    /// Gives a place to the next line.
    fn pass_on(&self) {
        let mut state = self.lock();
        let State { free, lines, round } = &mut *state;
        while let Some(next) = round.pop_front() {
            let Some(line) = lines.get_mut(&next) else { continue };
            // Whoever went away is passed over.
            let taken = std::iter::from_fn(|| line.waiting.pop_front()).any(|give| give.send(()).is_ok());
            if !line.waiting.is_empty() {
                round.push_back(next);
            }
            if taken {
                return;
            }
        }
        *free += 1;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message that arrived.
#[derive(Debug)]
pub(super) struct Arrival<'a> {
    turns: &'a Turns,
    integration: IntegrationId,
    alone: bool,
}

impl Arrival<'_> {
    /// Whether no other message of its integration was there when it arrived.
    pub(super) const fn is_alone(&self) -> bool {
        self.alone
    }

    /// Waits for its turn, which lasts until what is returned goes away.
    pub(super) async fn turn(&self) -> Turn<'_> {
        if let Some(given) = self.turns.stand_in_line(self.integration) {
            let mut waiting = Waiting { turns: self.turns, given };
            if (&mut waiting.given).await.is_err() {
                // Lines lose nobody who is still there.
                std::future::pending::<()>().await;
            }
        }
        Turn(self.turns)
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        self.turns.leave(self.integration);
    }
}

/// One who waits, and may go away.
struct Waiting<'a> {
    turns: &'a Turns,
    given: oneshot::Receiver<()>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.given.close();
        // A turn that was given at the last moment, and that nobody will take.
        if self.given.try_recv().is_ok() {
            self.turns.pass_on();
        }
    }
}

/// A message's turn.
#[derive(Debug)]
pub(super) struct Turn<'a>(&'a Turns);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.pass_on();
    }
}

#[cfg(test)]
mod tests;
