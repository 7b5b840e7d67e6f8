//! How far reactors came in the log, kept a moment after they came there.
//!
//! Under a load each would keep its place some hundred times in a second, and whoever answers questions would write
//! places instead. So all of them are written together, and a place waits until the one before it is some time old. After
//! a crash a reactor does the last moment's work again, as it does with what it was about when the crash came.

use std::{collections::BTreeMap, time::Duration};

use projections::{ReadError, ReadModels};
use store::Position;
use tokio::sync::watch;

use crate::retry::Backoff;

/// The least time between two writes.
const PAUSE: Duration = Duration::from_millis(20);

type Map = BTreeMap<&'static str, Position>;

/// The places of a node's reactors, by the names under which they are kept.
#[derive(Clone)]
pub(crate) struct Places {
    reads: ReadModels,
    /// The end of the log when the reactors started.
    end: Position,
    reached: watch::Sender<Map>,
}

impl Places {
    /// Places that are kept there, in a log that ends here.
    pub(crate) fn new(reads: ReadModels, end: Position) -> Self {
        Self { reads, end, reached: watch::Sender::default() }
    }

    /// Where a reactor was when its place was last kept; zero if it never was. Never beyond the end of the log: places
    /// outlive a log that is put back as it was earlier.
    pub(crate) async fn of(&self, name: &'static str) -> Position {
        let mut backoff = Backoff::default();
        loop {
            match self.reads.checkpoint(name).await {
                Ok(position) => return position.min(self.end),
                Err(fault) => backoff.wait(name, &fault).await,
            }
        }
    }

    /// A reactor has done everything up to here.
    pub(crate) fn reached(&self, name: &'static str, position: Position) {
        self.reached.send_if_modified(|places| places.insert(name, position) != Some(position));
    }

    /// Keeps places for ever.
    pub(crate) async fn keep(self) {
        let (mut changes, mut kept, mut backoff) = (self.reached.subscribe(), Map::new(), Backoff::default());
        changes.mark_changed();
        while changes.changed().await.is_ok() {
            let places = changes.borrow_and_update().clone();
            while let Err(fault) = write(&self.reads, &places, &kept).await {
                backoff.wait("places", &fault).await;
            }
            backoff.reset();
            kept = places;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Keeps them once more, when no reactor runs any longer.
    pub(crate) async fn keep_last(&self) {
        let places = self.reached.borrow().clone();
        if let Err(fault) = write(&self.reads, &places, &Map::new()).await {
            // Doing a moment's work again is harmless.
            tracing::warn!(%fault, "the places of the reactors in the log could not be kept");
        }
    }
}

async fn write(reads: &ReadModels, places: &Map, kept: &Map) -> Result<(), ReadError> {
    let news: Vec<_> = places.iter().filter(|(name, position)| kept.get(*name) != Some(*position)).collect();
    if news.is_empty() {
        return Ok(());
    }
    reads.set_checkpoints(news.into_iter().map(|(name, position)| (*name, *position))).await
}

#[cfg(test)]
mod tests {
    use projections::ReadLocation;
    use store::Store;

    use super::*;

    #[tokio::test]
    async fn places_are_kept_a_moment_later_and_the_last_one_of_each_in_the_end() {
        let reads = ReadModels::open(Store::memory(), &ReadLocation::Memory).await.expect("read models");
        let places = Places::new(reads.clone(), 100);
        let kept = async |name| places.of(name).await;
        places.reached("pager", 1);
        let keeping = tokio::spawn(places.clone().keep());
        while kept("pager").await < 1 {
            tokio::task::yield_now().await;
        }
        places.reached("pager", 2);
        places.reached("intake", 7);
        places.reached("pager", 3);
        while (kept("pager").await, kept("intake").await) != (3, 7) {
            tokio::task::yield_now().await;
        }
        keeping.abort();
        places.reached("pager", 9);
        places.keep_last().await;
        assert_eq!((kept("pager").await, kept("intake").await), (9, 7));
        let put_back = Places::new(reads, 8);
        assert_eq!((put_back.of("pager").await, put_back.of("intake").await), (8, 7), "not beyond the end");
    }
}
