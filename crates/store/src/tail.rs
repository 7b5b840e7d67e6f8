//! Following the log: first what is stored, then what comes, without a gap or a double.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{Filter, Position, Recorded, StoreError, store::Inner};

/// So many events at once mean that there is a load.
const LOAD: u64 = 64;
/// How long a tail that gathers lets events come together under a load.
const GATHER: Duration = Duration::from_millis(20);

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
    gathers: bool,
    /// Until when events are left to come together.
    resting: Option<Instant>,
}

impl Tail {
    pub(crate) fn new(inner: Arc<Inner>, after: Position, filter: Filter) -> Self {
        let head = inner.growth().watch();
        Self { inner, head, after, filter, gathers: false, resting: None }
    }

    /// Under a load, lets events come together for a moment before they are returned, so that whoever pays for each
    /// part pays less for each event. A lone event is still returned when it comes, and a backlog is not waited for.
    #[must_use]
    pub fn gathering(self) -> Self {
        Self { gathers: true, ..self }
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
        let considered = batch.through - self.after;
        if self.gathers && (LOAD..limit as u64).contains(&considered) {
            self.resting = Some(Instant::now() + GATHER);
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
