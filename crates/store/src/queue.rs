//! Where appends wait for the committer, and how they are taken in groups.
//!
//! There is no timer: the flush under way is the wait, and whatever came meanwhile goes into the next
//! group. The queue is bounded by events and by bytes, counting those under way too. Where several committers
//! take from it, each has a lane of its own, and a stream's appends all go to the same lane, in order.

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use metrics::{counter, gauge, histogram};
use tokio::sync::{Notify, oneshot};

use crate::{Committed, StoreError, backend::Outcome, growth::Growth, prepare::Prepared};

/// A group has at most so many appends.
const GROUP_APPENDS: usize = 512;
/// A group has at most so many bytes, unless its only append has more.
const GROUP_BYTES: usize = 1024 * 1024;

/// Appends on their way to the committer.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// For a committer that is a thread.
    filled: Condvar,
    /// For committers that are tasks, one per lane.
    notify: Box<[Notify]>,
    max_events: usize,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    /// One per lane.
    waiting: Box<[VecDeque<Waiting>]>,
    /// Of the waiting and of the groups under way.
    events: usize,
    bytes: usize,
    closed: bool,
    nudged: bool,
}

#[derive(Debug)]
struct Waiting {
    append: Prepared,
    reply: Reply,
}

#[derive(Debug)]
struct Reply {
    to: oneshot::Sender<Result<Committed, StoreError>>,
    since: Instant,
}

impl Queue {
    /// An empty queue for `lanes` committers that holds at most so many events and bytes.
    pub(crate) fn new(lanes: usize, max_events: usize, max_bytes: usize) -> Arc<Self> {
        let waiting = (0..lanes).map(|_| VecDeque::new()).collect();
        Arc::new(Self {
            state: Mutex::new(State { waiting, ..State::default() }),
            filled: Condvar::new(),
            notify: (0..lanes).map(|_| Notify::new()).collect(),
            max_events,
            max_bytes,
        })
    }

    /// Adds an append and returns where its outcome will be told; `Busy` if there is no room now.
    pub(crate) fn push(
        &self,
        append: Prepared,
    ) -> Result<oneshot::Receiver<Result<Committed, StoreError>>, StoreError> {
        let (events, bytes) = (append.events.len(), append.bytes);
        if events > self.max_events || bytes > self.max_bytes {
            let why = format!("{events} events of {bytes} bytes never fit into the queue");
            return Err(StoreError::Refused(why.into()));
        }
        let lane = self.lane(&append.stream);
        let (to, outcome) = oneshot::channel();
        let reply = Reply { to, since: Instant::now() };
        {
            let mut state = self.state();
            if state.closed {
                return Err(StoreError::closed());
            }
            if state.events + events > self.max_events || state.bytes + bytes > self.max_bytes {
                counter!("midwatch_store_busy_total").increment(1);
                return Err(StoreError::Busy);
            }
            state.events += events;
            state.bytes += bytes;
            state.waiting[lane].push_back(Waiting { append, reply });
        }
        self.wake(lane);
        Ok(outcome)
    }

    /// Takes what waits, as soon as something does; `None` once the queue is closed and empty. For a
    /// committer that is a task. Cancel safe.
    pub(crate) async fn take(self: &Arc<Self>, lane: usize) -> Option<Group> {
        loop {
            // A wake-up that comes between the look and the wait leaves a permit behind.
            let woken = self.notify[lane].notified();
            if let Some(taken) = self.try_take(&mut self.state(), lane) {
                return taken;
            }
            woken.await;
        }
    }

    /// The same for the only committer, a thread. After a [`nudge`](Self::nudge) the group may be empty.
    pub(crate) fn take_blocking(self: &Arc<Self>) -> Option<Group> {
        let mut state = self.state();
        loop {
            if let Some(taken) = self.try_take(&mut state, 0) {
                return taken;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Makes the committer's next take return, if only with an empty group.
    pub(crate) fn nudge(&self) {
        self.state().nudged = true;
        self.wake(0);
    }

    /// Lets nothing more in. What waits is still taken.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        for lane in 0..self.notify.len() {
            self.wake(lane);
        }
    }

    /// Closes the queue when what is returned goes away, however the committer ends, and drops what still
    /// waits then: nobody is left to take it, and its callers must not wait for ever.
    pub(crate) fn until_committer_ends(self: &Arc<Self>) -> impl Drop + Send + use<> {
        CommitterEnds(Arc::clone(self))
    }

    /// `None` to wait, `Some(None)` at the end.
    fn try_take(self: &Arc<Self>, state: &mut State, lane: usize) -> Option<Option<Group>> {
        if state.waiting[lane].is_empty() {
            if std::mem::take(&mut state.nudged) {
                return Some(Some(Group::empty(self)));
            }
            return state.closed.then_some(None);
        }
        state.nudged = false;
        let mut group = Group::empty(self);
        while group.appends.len() < GROUP_APPENDS
            && state.waiting[lane].front().is_some_and(|next| {
                group.appends.is_empty() || group.bytes + next.append.bytes <= GROUP_BYTES
            })
        {
            let Some(Waiting { append, reply }) = state.waiting[lane].pop_front() else { break };
            group.events += append.events.len();
            group.bytes += append.bytes;
            group.appends.push(append);
            group.replies.push(reply);
        }
        gauge!("midwatch_store_queue_events").set(to_f64(state.events));
        Some(Some(group))
    }

    fn wake(&self, lane: usize) {
        self.filled.notify_one();
        self.notify[lane].notify_one();
    }

    fn lane(&self, stream: &str) -> usize {
        let lanes = self.notify.len() as u64;
        let mut hasher = DefaultHasher::new();
        stream.hash(&mut hasher);
        usize::try_from(hasher.finish() % lanes).unwrap_or(0)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct CommitterEnds(Arc<Queue>);

impl Drop for CommitterEnds {
    fn drop(&mut self) {
        self.0.close();
        let abandoned: Vec<_> = self.0.state().waiting.iter_mut().map(std::mem::take).collect();
        drop(abandoned);
    }
}

/// Appends that are committed together, each answered by itself.
#[derive(Debug)]
pub(crate) struct Group {
    queue: Arc<Queue>,
    appends: Vec<Prepared>,
    replies: Vec<Reply>,
    events: usize,
    bytes: usize,
    since: Instant,
}

impl Group {
    fn empty(queue: &Arc<Queue>) -> Self {
        Self {
            queue: Arc::clone(queue),
            appends: Vec::new(),
            replies: Vec::new(),
            events: 0,
            bytes: 0,
            since: Instant::now(),
        }
    }

    /// What to commit, in this order.
    pub(crate) fn appends(&self) -> &[Prepared] {
        &self.appends
    }

    /// Answers everybody: with their own outcome, of which there must be one per append in the same
    /// order, or all with the fault of the database. New events reach the tails before their callers
    /// are answered, so that a caller finds the head at least at its own position.
    pub(crate) fn settle(mut self, result: Result<Vec<Outcome>, StoreError>, growth: &Growth) {
        histogram!("midwatch_store_group_appends").record(to_f64(self.appends.len()));
        histogram!("midwatch_store_commit_seconds").record(self.since.elapsed());
        let appends = std::mem::take(&mut self.appends);
        let replies = std::mem::take(&mut self.replies);
        let answers: Vec<_> = match result {
            Ok(outcomes) => {
                let mut written = Vec::with_capacity(self.events);
                let answers = appends
                    .iter()
                    .zip(outcomes)
                    .map(|(append, outcome)| answer(append, outcome, &mut written));
                let answers = answers.collect();
                growth.committed(written);
                answers
            }
            Err(fault) => {
                growth.doubt();
                appends.iter().map(|_| Err(fault.clone())).collect()
            }
        };
        // Room is made before the answers go out: who was answered may append again at once.
        drop(self);
        let latency = histogram!("midwatch_store_append_seconds");
        for (reply, answer) in replies.into_iter().zip(answers) {
            latency.record(reply.since.elapsed());
            // A caller that has gone away loses nothing: its command id finds the outcome.
            let _gone = reply.to.send(answer);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        state.events -= self.events;
        state.bytes -= self.bytes;
    }
}

fn answer(
    append: &Prepared,
    outcome: Outcome,
    written: &mut Vec<Arc<crate::Recorded>>,
) -> Result<Committed, StoreError> {
    match outcome {
        Outcome::Written(events) => {
            let first = events.first().map_or(0, |event| event.position);
            written.extend(events);
            Ok(append.committed_at(first))
        }
        Outcome::Already(first) => Ok(Committed { already: true, ..first }),
        Outcome::Conflict { actual } => {
            counter!("midwatch_store_conflicts_total").increment(1);
            let (stream, expected) = (append.stream.to_string(), append.expected);
            Err(StoreError::Conflict { stream, expected, actual })
        }
        Outcome::Refused(why) => Err(StoreError::Refused(why)),
    }
}

/// Metrics are floating-point; what is counted here stays far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "the counts are bounded by the queue")]
fn to_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
