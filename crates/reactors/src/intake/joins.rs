//! Alerts that join open incidents, held back for a moment under a load.
//!
//! An alert that joins pages nobody, unless it completes a number that a rule waits for, so in a storm it may wait until
//! others join with it: one event then takes them all in, instead of one each. Whatever opens, acknowledges or resolves is never held back, and takes along what
//! was held of its problem before it. What is held lies durable in the log: after a crash it is found undecided.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use domain::{AlertAction, ServiceId};
use store::Position;
use tokio::time::Instant;

use super::Problem;

/// How long an alert is held at most.
const HOLD: Duration = Duration::from_millis(400);
/// A problem with so many alerts waits no longer.
const PROBLEM: usize = 64;
/// So many alerts are held at most, of all problems: about 4 KB each.
const ALL: usize = 8192;

/// What makes alerts speak of one problem.
pub(super) type Key = (ServiceId, String);

/// What is held, by problem.
#[derive(Default)]
pub(super) struct Joins {
    held: HashMap<Key, Problem>,
    /// Since when each problem is held, oldest first.
    since: VecDeque<(Instant, Key)>,
    alerts: usize,
}

impl Joins {
    /// Takes problems as they come and returns those to be decided now. `hold`: there is a load; `is_open`: whether
    /// the problem has an incident that is known to be open.
    pub(super) fn admit(
        &mut self,
        problems: Vec<Problem>,
        hold: bool,
        at: Instant,
        is_open: impl Fn(&Key) -> bool,
    ) -> Vec<Problem> {
        let mut now = vec![];
        for problem in problems {
            let Some(key) = problem.first().map(|request| (request.service, request.key.clone())) else {
                continue;
            };
            // Where alerts are counted before anybody is paged, the one that completes the count must not wait.
            let joins = problem
                .iter()
                .all(|request| request.action == AlertAction::Trigger && request.terms.hold.is_none());
            let waiting = joins && hold && is_open(&key);
            match self.held.get_mut(&key) {
                Some(earlier) => {
                    self.alerts += problem.len();
                    earlier.extend(problem);
                    if !waiting || earlier.len() >= PROBLEM {
                        now.extend(self.take(&key));
                    }
                }
                None if waiting && problem.len() < PROBLEM => {
                    self.alerts += problem.len();
                    self.since.push_back((at, key.clone()));
                    self.held.insert(key, problem);
                }
                None => now.push(problem),
            }
        }
        // Only now: what was held goes together with what came after it.
        if !hold || self.alerts > ALL {
            now.extend(self.all());
        }
        now
    }

    /// The position of the oldest message of which something is held.
    pub(super) fn oldest(&self) -> Option<Position> {
        self.held.values().filter_map(|problem| problem.first()).map(|request| request.cause.position).min()
    }

    /// When something will have been held for long enough; none while nothing is held.
    pub(super) fn ripe_at(&self) -> Option<Instant> {
        self.since.front().map(|(since, _)| *since + HOLD)
    }

    /// Returns what has been held for long enough.
    pub(super) fn ripe(&mut self, at: Instant) -> Vec<Problem> {
        let mut ripe = vec![];
        while let Some((_, key)) = self.since.pop_front_if(|(since, _)| *since + HOLD <= at) {
            ripe.extend(self.take(&key));
        }
        ripe
    }

    /// Its entry in `since` stays: should the problem be held again, it is returned a little early.
    fn take(&mut self, key: &Key) -> Option<Problem> {
        let problem = self.held.remove(key)?;
        self.alerts -= problem.len();
        Some(problem)
    }

    fn all(&mut self) -> Vec<Problem> {
        self.since.clear();
        self.alerts = 0;
        self.held.drain().map(|(_, problem)| problem).collect()
    }
}
