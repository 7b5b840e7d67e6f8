//! Alerts that join open incidents, held back for a moment under a load.
//!
//! An alert that joins pages nobody, unless it completes a number that a rule waits for, so in a storm it may wait until
//! others join with it: one event then takes them all in, instead of one each. (One whose rule waits for nothing ends the
//! wait that another rule began; that page is later by this moment.) Whatever opens, acknowledges or resolves is never held
//! back, and takes along what was held of its problem before it. What is held lies durable in the log: after a crash it is
//! found undecided.
//!
//! Under a load that begins at once, all of it is held for long enough at once. Decided at once it would be a wave of a
//! thousand appends, and the next message to be stored would wait behind: so it is decided a few problems at a time, and
//! more of them the more there are.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use domain::{AlertAction, ServiceId};
use store::Position;
use tokio::time::Instant;

use super::Problem;

/// So many deliveries within so long mean that there is a load.
const LOAD: (usize, Duration) = (64, Duration::from_millis(200));
/// How long an alert is held at most before its turn comes.
const HOLD: Duration = Duration::from_millis(400);
/// What comes within so long after another is held until the same moment, so that one flush is enough for both.
const TOGETHER: Duration = Duration::from_millis(50);
/// So many problems that were held for long enough are decided at once, or such a share of those that are held if that is
/// more.
const AT_ONCE: usize = 64;
const SHARE: usize = 8;
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
    /// When each problem will have been held for long enough, the oldest first.
    ripe: VecDeque<(Instant, Key)>,
    alerts: usize,
    /// How many deliveries came together, and when, as long as it counts for the load.
    came: VecDeque<(Instant, usize)>,
}

impl Joins {
    /// Takes the problems of so many deliveries, which came together, and returns those to be decided now. `is_open`:
    /// whether the problem has an incident that is known to be open.
    pub(super) fn admit(
        &mut self,
        problems: Vec<Problem>,
        deliveries: usize,
        at: Instant,
        is_open: impl Fn(&Key) -> bool,
    ) -> Vec<Problem> {
        let loaded = self.is_loaded(deliveries, at);
        let mut now = vec![];
        for problem in problems {
            let Some(key) = problem.first().map(|request| (request.service, request.key.clone())) else {
                continue;
            };
            // Where alerts are counted before anybody is paged, the one that completes the count must not wait.
            let joins = problem
                .iter()
                .all(|request| request.action == AlertAction::Trigger && request.terms.hold.is_none());
            let waiting = joins && loaded && is_open(&key);
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
                    let before = self.ripe.back().map(|(ripe, _)| *ripe);
                    let ripe = before.filter(|ripe| *ripe + TOGETHER > at + HOLD).unwrap_or(at + HOLD);
                    self.ripe.push_back((ripe, key.clone()));
                    self.held.insert(key, problem);
                }
                None => now.push(problem),
            }
        }
        if !loaded {
            self.ripe.iter_mut().for_each(|(ripe, _)| *ripe = at.min(*ripe));
        }
        // Only now: what was held goes together with what came after it.
        while self.alerts > ALL
            && let Some((_, key)) = self.ripe.pop_front()
        {
            now.extend(self.take(&key));
        }
        now
    }

    /// The position of the oldest message of which something is held.
    pub(super) fn oldest(&self) -> Option<Position> {
        self.held.values().filter_map(|problem| problem.first()).map(|request| request.cause.position).min()
    }

    /// When something will have been held for long enough; none while nothing is held.
    pub(super) fn ripe_at(&self) -> Option<Instant> {
        self.ripe.front().map(|(ripe, _)| *ripe)
    }

    /// Returns some of what has been held for long enough; there may be more.
    pub(super) fn ripe(&mut self, at: Instant) -> Vec<Problem> {
        let most = AT_ONCE.max(self.ripe.len() / SHARE);
        let mut some = vec![];
        while some.len() < most
            && let Some((_, key)) = self.ripe.pop_front_if(|(ripe, _)| *ripe <= at)
        {
            some.extend(self.take(&key));
        }
        some
    }

    fn is_loaded(&mut self, deliveries: usize, at: Instant) -> bool {
        while self.came.pop_front_if(|(came, _)| *came + LOAD.1 <= at).is_some() {}
        self.came.push_back((at, deliveries));
        self.came.iter().map(|(_, deliveries)| deliveries).sum::<usize>() >= LOAD.0
    }

    /// Its entry in `ripe` stays: should the problem be held again, it is returned a little early.
    fn take(&mut self, key: &Key) -> Option<Problem> {
        let problem = self.held.remove(key)?;
        self.alerts -= problem.len();
        Some(problem)
    }
}
