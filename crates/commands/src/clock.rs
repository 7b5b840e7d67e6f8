//! The clock: the only place where time enters.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::Timestamp;
use futures::{FutureExt, future::BoxFuture};
use tokio::sync::oneshot;

/// What tells the time and wakes up.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Returns once `at` has come.
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()>;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        /// A machine's clock may be set while we sleep, so look at it again from time to time.
        const LONGEST: Duration = Duration::from_mins(1);
        let clock = *self;
        async move {
            loop {
                let wait = at.since(clock.now());
                if wait.is_zero() {
                    return;
                }
                tokio::time::sleep(wait.min(LONGEST)).await;
            }
        }
        .boxed()
    }
}

/// A clock that moves only when told to: an hour takes no time.
#[derive(Clone, Debug)]
pub struct VirtualClock(Arc<Mutex<Moment>>);

#[derive(Debug)]
struct Moment {
    now: Timestamp,
    sleepers: BTreeMap<Timestamp, Vec<oneshot::Sender<()>>>,
}

impl VirtualClock {
    /// A clock that shows `at`.
    pub fn at(at: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Moment { now: at, sleepers: BTreeMap::new() })))
    }

    /// Moves the clock on and wakes those whose time has come.
    pub fn advance(&self, by: Duration) {
        let mut moment = self.lock();
        moment.now = moment.now + by;
        let past = moment.now + Duration::from_millis(1);
        let later = moment.sleepers.split_off(&past);
        for sleeper in std::mem::replace(&mut moment.sleepers, later).into_values().flatten() {
            // A sleeper that was dropped needs no waking.
            let _ = sleeper.send(());
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Moment> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let mut moment = self.lock();
        if at <= moment.now {
            return futures::future::ready(()).boxed();
        }
        let (wake, woken) = oneshot::channel();
        moment.sleepers.entry(at).or_default().push(wake);
        drop(moment);
        async move {
            // A clock that is gone never shows the hour.
            if woken.await.is_err() {
                futures::future::pending::<()>().await;
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_virtual_hour_wakes_those_whose_time_has_come() {
        let clock = VirtualClock::at(Timestamp::from_millis(0));
        let mut soon = clock.sleep_until(Timestamp::from_millis(1_000));
        let mut late = clock.sleep_until(Timestamp::from_millis(1_001));
        assert!((&mut soon).now_or_never().is_none());
        clock.advance(Duration::from_secs(1));
        assert!((&mut soon).now_or_never().is_some());
        assert!((&mut late).now_or_never().is_none());
    }
}
