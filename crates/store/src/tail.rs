//! Following the log: first what is stored, then what comes, without a gap or a double.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{Filter, Position, Recorded, StoreError, store::Inner};

/// So many events at once mean that there is a load.
const LOAD: u64 = 64;
/// How long a tail that gathers lets events come together under a load that lasts. While the load is young it is half as
/// long as the load has lasted: what is over in a moment, such as a large group of alerts in one message, is not slowed down.
const GATHER: Duration = Duration::from_millis(20);
/// Whatever comes so long after the last of it is another load.
const OVER: Duration = Duration::from_millis(200);
/// The time that an unhurried tail has for a part, on average.
const EACH: Duration = Duration::from_millis(10);
/// How far ahead of that it may be: the parts to which one alert leads come at once, also while others do.
const AHEAD: Duration = Duration::from_millis(80);

/// One step of a [`Tail`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Events that the filter admits, ascending. Empty when only others came.
    pub events: Vec<Arc<Recorded>>,
    /// Everything up to here was considered, also what the filter left out: where to resume.
    pub through: Position,
}

/// A reader that follows the log from a position on.
#[derive(Debug)]
pub struct Tail {
    inner: Arc<Inner>,
    head: watch::Receiver<Position>,
    after: Position,
    filter: Filter,
    /// Of a tail that gathers.
    load: Option<Load>,
    /// Until when events are left to come together.
    resting: Option<Instant>,
}

/// What a tail that gathers knows of the load.
#[derive(Debug, Default)]
struct Load {
    /// Since when many events have come at once, and when they last did.
    since: Option<(Instant, Instant)>,
    /// Of an unhurried tail: when all parts so far have had their time.
    caught_up: Option<Instant>,
    unhurried: bool,
}

impl Load {
    /// Until when to rest after a part of so many events, if at all; not while there is a `backlog`.
    fn rest(&mut self, events: u64, backlog: bool, now: Instant) -> Option<Instant> {
        let lasted = if events < LOAD {
            self.since = None;
            Duration::ZERO
        } else {
            let lasting = self.since.filter(|(_, last)| now - *last < OVER);
            let first = lasting.map_or(now, |(first, _)| first);
            self.since = Some((first, now));
            now - first
        };
        let rest = GATHER.min(lasted / 2).max(self.ahead(now));
        (!backlog && !rest.is_zero()).then(|| now + rest)
    }

    /// By how much an unhurried tail is further ahead of its time than it may be.
    fn ahead(&mut self, now: Instant) -> Duration {
        if !self.unhurried {
            return Duration::ZERO;
        }
        let caught_up = self.caught_up.map_or(now, |at| at.max(now)) + EACH;
        self.caught_up = Some(caught_up);
        (caught_up - now).saturating_sub(AHEAD)
    }
}

impl Tail {
    pub(crate) fn new(inner: Arc<Inner>, after: Position, filter: Filter) -> Self {
        let head = inner.growth().watch();
        Self { inner, head, after, filter, load: None, resting: None }
    }

    /// Under a load, lets events come together for a moment before they are returned, so that whoever pays for each
    /// part pays less for each event. What comes now and then is still returned when it comes, and a backlog is not
    /// waited for.
    #[must_use]
    pub fn gathering(self) -> Self {
        Self { load: Some(Load::default()), ..self }
    }

    /// Gathers, and beyond a burst returns a part each hundredth of a second at most: for whoever pays much for a part, and
    /// whom nobody waits for that closely.
    #[must_use]
    pub fn unhurried(self) -> Self {
        Self { load: Some(Load { unhurried: true, ..Load::default() }), ..self }
    }

    /// Waits until the log goes beyond what this tail has seen, and returns the next part: at most
    /// `limit` events (at least one is considered). Cancel safe: an abandoned call loses nothing. After an
    /// error the next call tries the same part again.
    pub async fn next(&mut self, limit: usize) -> Result<Batch, StoreError> {
        if let Some(until) = self.resting {
            sleep_until(until).await;
            self.resting = None;
        }
        let head = loop {
            let head = *self.head.borrow_and_update();
            if head > self.after {
                break head;
            }
            self.head.changed().await.map_err(|_| StoreError::closed())?;
        };
        let limit = limit.max(1);
        let batch = match self.inner.growth().recent_after(self.after, limit) {
            Some(recent) => self.admitted(recent),
            None => self.stored(head, limit).await?,
        };
        if let Some(load) = &mut self.load {
            self.resting = load.rest(batch.through - self.after, batch.through < head, Instant::now());
        }
        self.after = batch.through;
        Ok(batch)
    }

    fn admitted(&self, mut events: Vec<Arc<Recorded>>) -> Batch {
        let through = events.last().map_or(self.after, |event| event.position);
        events.retain(|event| self.filter.admits(event.category()));
        Batch { events, through }
    }

    async fn stored(&self, head: Position, limit: usize) -> Result<Batch, StoreError> {
        let page = self.inner.backend().read(self.after, limit, &self.filter).await?;
        if page.through <= self.after {
            // Otherwise a log that was cut off behind our back would be read for ever.
            let why = format!("position {} is missing although the head is {head}", self.after + 1);
            return Err(StoreError::Damaged(why.into()));
        }
        Ok(Batch { events: page.events.into_iter().map(Arc::new).collect(), through: page.through })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rests(mut load: Load, parts: &[(u64, u64)]) -> Vec<Option<u128>> {
        let start = Instant::now();
        let mut rest = |(events, millis): &(u64, u64)| {
            let now = start + Duration::from_millis(*millis);
            load.rest(*events, *events == 1000, now).map(|until| until.duration_since(now).as_millis())
        };
        parts.iter().map(&mut rest).collect()
    }

    #[test]
    fn a_young_load_is_not_waited_for_and_a_lasting_one_is_gathered() {
        let parts =
            [(1, 0), (200, 10), (200, 14), (200, 30), (200, 100), (1000, 120), (200, 140), (200, 999)];
        let rested = [None, None, Some(2), Some(10), Some(20), None, Some(20), None];
        assert_eq!(
            rests(Load::default(), &parts),
            rested,
            "a lone event, a burst that goes on, a backlog in it, and much later another one"
        );
        let again = rests(Load::default(), &[(200, 0), (200, 100), (63, 120), (200, 140)]);
        assert_eq!(again, [None, Some(20), None, None]);
    }

    #[test]
    fn an_unhurried_tail_does_not_wait_for_what_comes_now_and_then_and_returns_a_trickle_in_parts() {
        let unhurried = || Load { unhurried: true, ..Load::default() };
        let now_and_then: Vec<_> = (0..100).map(|number| (1, 11 * number)).collect();
        assert!(rests(unhurried(), &now_and_then).iter().all(Option::is_none));
        let at_once: Vec<_> = (0..9).map(|_| (1, 0)).collect();
        assert_eq!(
            rests(unhurried(), &at_once)[7..],
            [None, Some(10)],
            "eight parts are ahead of their time"
        );
        let trickle: Vec<_> = (0..100).map(|number| (1, number)).collect();
        let waited = rests(unhurried(), &trickle);
        assert!(waited[..8].iter().all(Option::is_none) && waited[8..].iter().all(Option::is_some));
        assert!(rests(Load::default(), &trickle).iter().all(Option::is_none), "others are always at once");
    }
}
