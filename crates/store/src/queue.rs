//! Where appends wait for the committer, and how they are taken in groups.
//!
//! No timer makes groups: the flush under way is the wait, and whatever came meanwhile goes into the next
//! group. The queue is bounded by events and by bytes, counting those under way too.
//!
//! Several committers may take from it. Little is taken by one of them at a time: groups are durable one after
//! another anyway, and two small ones would only wait for each other. Under a load the next group is taken while
//! one is under way, as it is when that takes too long, because its connection may be gone. What belongs to a stream
//! under way is left until that is settled: a stream's appends are committed in the order in which they were asked for.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use metrics::{counter, gauge, histogram};
use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, timeout},
};

use crate::{Committed, StoreError, backend::Outcome, growth::Growth, prepare::Prepared};

/// A group has at most so many appends.
const GROUP_APPENDS: usize = 512;
/// A group has at most so many bytes, unless its only append has more.
const GROUP_BYTES: usize = 1024 * 1024;
/// So many waiting appends are a load, of which one committer takes a group while another's is under way.
const LOAD: usize = 64;
/// For a group that is under way for so long, what is little does not wait any more.
const PATIENCE: Duration = Duration::from_millis(100);

/// Appends on their way to the committer.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// For a committer that is a thread.
    filled: Condvar,
    /// For committers that are tasks.
    notify: Notify,
    committers: usize,
    max_events: usize,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    /// Since when each group is under way, where there are several committers.
    groups: Vec<Instant>,
    /// The streams of these groups.
    streams: HashSet<Arc<str>>,
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
    /// An empty queue for so many committers that holds at most so many events and bytes.
    pub(crate) fn new(committers: usize, max_events: usize, max_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            filled: Condvar::new(),
            notify: Notify::new(),
            committers,
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
        let (to, outcome) = oneshot::channel();
        let reply = Reply { to, since: Instant::now() };
        let due = {
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
            state.waiting.push_back(Waiting { append, reply });
            state.is_due()
        };
        if due {
            self.wake();
        }
        Ok(outcome)
    }

    /// Takes what waits, as soon as it is due; `None` once the queue is closed and empty. For a committer that is
    /// a task. Cancel safe.
    pub(crate) async fn take(self: &Arc<Self>) -> Option<Group> {
        loop {
            // A wake-up that comes between the look and the wait leaves a permit behind.
            let woken = self.notify.notified();
            if let Some(taken) = self.try_take(&mut self.state()) {
                return taken;
            }
            // Nobody wakes it when a group under way takes too long.
            let _woken = timeout(PATIENCE, woken).await;
        }
    }

    /// The same for the only committer, a thread. After a [`nudge`](Self::nudge) the group may be empty.
    pub(crate) fn take_blocking(self: &Arc<Self>) -> Option<Group> {
        let mut state = self.state();
        loop {
            if let Some(taken) = self.try_take(&mut state) {
                return taken;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Makes the committer's next take return, if only with an empty group.
    pub(crate) fn nudge(&self) {
        self.state().nudged = true;
        self.wake();
    }

    /// Lets nothing more in. What waits is still taken.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_all();
        self.notify.notify_waiters();
    }

    /// Closes the queue when what is returned goes away, however the committer ends, and drops what still
    /// waits then: nobody is left to take it, and its callers must not wait for ever.
    pub(crate) fn until_committer_ends(self: &Arc<Self>) -> impl Drop + Send + use<> {
        CommitterEnds(Arc::clone(self))
    }

    /// `None` to wait, `Some(None)` at the end.
    fn try_take(self: &Arc<Self>, state: &mut State) -> Option<Option<Group>> {
        if state.waiting.is_empty() {
            if std::mem::take(&mut state.nudged) {
                return Some(Some(Group::under_way(self, state, Vec::new())));
            }
            if state.closed {
                // The next committer learns it from this one.
                self.notify.notify_one();
                return Some(None);
            }
            return None;
        }
        if !state.is_due() {
            return None;
        }
        let taken = state.take_group();
        if taken.is_empty() {
            return None;
        }
        state.nudged = false;
        gauge!("midwatch_store_queue_events").set(to_f64(state.events));
        Some(Some(Group::under_way(self, state, taken)))
    }

    fn wake(&self) {
        self.filled.notify_one();
        self.notify.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether what waits is to be taken now.
    fn is_due(&self) -> bool {
        self.waiting.len() >= LOAD || self.groups.iter().all(|since| since.elapsed() >= PATIENCE)
    }

    /// The longest waiting appends that fit into one group, without those of streams under way. Nothing if
    /// those are all that is looked at.
    fn take_group(&mut self) -> Vec<Waiting> {
        let (mut taken, mut left) = (Vec::new(), Vec::new());
        let mut bytes = 0;
        while taken.len() < GROUP_APPENDS && left.len() < GROUP_APPENDS {
            let Some(next) = self.waiting.pop_front() else { break };
            if self.streams.contains(&next.append.stream) {
                left.push(next);
            } else if taken.is_empty() || bytes + next.append.bytes <= GROUP_BYTES {
                bytes += next.append.bytes;
                taken.push(next);
            } else {
                left.push(next);
                break;
            }
        }
        for waiting in left.into_iter().rev() {
            self.waiting.push_front(waiting);
        }
        taken
    }
}

struct CommitterEnds(Arc<Queue>);

impl Drop for CommitterEnds {
    fn drop(&mut self) {
        self.0.close();
        let abandoned = std::mem::take(&mut self.0.state().waiting);
        drop(abandoned);
    }
}

/// Appends that are committed together, each answered by itself.
#[derive(Debug)]
pub(crate) struct Group {
    queue: Arc<Queue>,
    appends: Vec<Prepared>,
    replies: Vec<Reply>,
    /// Those of its appends, where others take from the queue too.
    streams: Vec<Arc<str>>,
    events: usize,
    bytes: usize,
    since: Instant,
}

impl Group {
    /// What was taken, from now on under way.
    fn under_way(queue: &Arc<Queue>, state: &mut State, taken: Vec<Waiting>) -> Self {
        let events = taken.iter().map(|one| one.append.events.len()).sum();
        let bytes = taken.iter().map(|one| one.append.bytes).sum();
        let (appends, replies): (Vec<_>, Vec<_>) =
            taken.into_iter().map(|Waiting { append, reply }| (append, reply)).unzip();
        let (mut streams, since) = (Vec::new(), Instant::now());
        if queue.committers > 1 {
            streams.extend(appends.iter().map(|append| Arc::clone(&append.stream)));
            state.streams.extend(streams.iter().map(Arc::clone));
            state.groups.push(since);
        }
        Self { queue: Arc::clone(queue), appends, replies, streams, events, bytes, since }
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
        let due = {
            let mut state = self.queue.state();
            state.events -= self.events;
            state.bytes -= self.bytes;
            if let Some(index) = state.groups.iter().position(|since| *since == self.since) {
                state.groups.swap_remove(index);
            }
            for stream in &self.streams {
                state.streams.remove(stream);
            }
            !state.waiting.is_empty()
        };
        // What waited for this group is due now, to whichever committer is free.
        if due && self.queue.committers > 1 {
            self.queue.wake();
        }
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
