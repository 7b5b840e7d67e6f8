//! Keeping senders to the pace at which people are paged.
//!
//! A message that is stored and answered has reached nobody yet. When more come than can be acted on, those who follow
//! the log to act on it would fall behind by minutes, and reading the log instead of remembering it would make them
//! slower still. So the edge lets a message wait a moment while a follower on this node is far behind: whoever sends
//! as fast as it is answered is slowed down, and everybody else notices nothing: a message that is the only one of its
//! sender goes on while those of a storm wait.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use store::Position;
use tokio::sync::watch;

/// How many events a follower may be behind before a storm waits. Half of what the log remembers for its followers.
const WINDOW: Position = 4096;
/// How many before everybody waits: from here on the followers would have to read the log.
const WHOLE: Position = 2 * WINDOW;
/// How long a message waits at most; then it is stored all the same, and nobody waits for that follower until it moves.
const PATIENCE: Duration = Duration::from_secs(1);

/// How far the followers of this node are. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    places: Arc<Mutex<BTreeMap<&'static str, Position>>>,
    slowest: Arc<watch::Sender<Option<Position>>>,
}

impl Pace {
    /// Somebody follows the log from a position on, until what is returned goes away.
    pub fn follow(&self, name: &'static str, from: Position) -> Follower {
        let follower = Follower { pace: self.clone(), name };
        follower.reached(from);
        follower
    }

    /// Waits while somebody is far behind `head`, but not for long. A node on which nobody follows waits for nobody.
    pub async fn keep(&self, head: Position) {
        self.wait(head, WINDOW).await;
    }

    /// The same for a message of which nothing else of its sender is on its way: it waits later than the others.
    pub async fn keep_lone(&self, head: Position) {
        self.wait(head, WHOLE).await;
    }

    async fn wait(&self, head: Position, window: Position) {
        let near = |slowest: &Option<Position>| slowest.is_none_or(|slowest| slowest + window >= head);
        if near(&self.slowest.borrow()) {
            return;
        }
        metrics::counter!("midwatch_paced_messages_total").increment(1);
        let mut slowest = self.slowest.subscribe();
        if tokio::time::timeout(PATIENCE, slowest.wait_for(near)).await.is_err() {
            self.change(|places| places.retain(|_, place| *place + window >= head));
        }
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<&'static str, Position>)) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut places);
        self.slowest.send_replace(places.values().min().copied());
    }
}

/// One who follows the log.
#[derive(Debug)]
pub struct Follower {
    pace: Pace,
    name: &'static str,
}

impl Follower {
    /// Everything up to here is dealt with.
    pub fn reached(&self, position: Position) {
        self.pace.change(|places| {
            places.insert(self.name, position);
        });
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.pace.change(|places| {
            places.remove(self.name);
        });
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn the_slowest_sets_the_pace_until_it_catches_up_or_goes() {
        let pace = Pace::default();
        let near = |head| pace.keep(head).now_or_never().is_some();
        assert!(near(1_000_000), "nobody follows");
        let (slow, fast) = (pace.follow("slow", 0), pace.follow("fast", 9000));
        assert!(near(WINDOW));
        fast.reached(10_000);
        slow.reached(6000);
        assert!(near(10_000));
        drop(slow);
        assert!(near(14_000));
    }

    #[tokio::test]
    async fn a_lone_message_goes_on_while_a_storm_waits() {
        let pace = Pace::default();
        let _follower = pace.follow("slow", 0);
        let storm: Vec<_> = (0..1000).map(|_| pace.keep(WINDOW + 1)).collect();
        assert!(storm.into_iter().all(|message| message.now_or_never().is_none()));
        assert!(pace.keep_lone(WHOLE).now_or_never().is_some());
        assert!(pace.keep_lone(WHOLE + 1).now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_message_goes_on_when_the_follower_does() {
        let pace = Pace::default();
        let follower = pace.follow("slow", 0);
        let waiting = pace.keep(10_000);
        let catching_up = async { follower.reached(10_000) };
        tokio::join!(waiting, catching_up);
        assert!(pace.keep(10_000).now_or_never().is_some());
    }
}
