//! How the log's growth reaches everybody who follows it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::gauge;
use tokio::sync::watch;

use crate::{Position, Recorded, recent::Recent};

/// The head as known on this node, and the events right before it.
#[derive(Debug)]
pub(crate) struct Growth {
    head: watch::Sender<Position>,
    recent: Mutex<Recent>,
}

impl Growth {
    /// An empty log, remembering at most so many recent events and bytes of them.
    pub(crate) fn new(max_events: usize, max_bytes: usize) -> Arc<Self> {
        let recent = Mutex::new(Recent::new(max_events, max_bytes));
        Arc::new(Self { head: watch::Sender::new(0), recent })
    }

    /// Tells of events that are durable, ascending and without a gap between them. Called for this
    /// node's own groups, and may be called with events that other nodes wrote. Events that are already
    /// known are skipped; after a gap the memory of recent events begins anew.
    pub(crate) fn committed(&self, events: Vec<Arc<Recorded>>) {
        let Some(last) = events.last().map(|event| event.position) else { return };
        self.recent().extend(events);
        self.advance(last);
    }

    /// Tells that everything up to `head` is durable and readable, such as what the log held when it was
    /// opened or what another node wrote. Tails read what is not remembered from the database. Going
    /// back is ignored.
    pub(crate) fn advance(&self, head: Position) {
        let moved = self.head.send_if_modified(|known| {
            let ahead = head > *known;
            *known = head.max(*known);
            ahead
        });
        if moved {
            #[expect(clippy::cast_precision_loss, reason = "exact up to 2^52 events")]
            gauge!("midwatch_store_head").set(head as f64);
        }
    }

    /// The last position known to be durable.
    pub(crate) fn head(&self) -> Position {
        *self.head.borrow()
    }

    /// Follows the head.
    pub(crate) fn watch(&self) -> watch::Receiver<Position> {
        self.head.subscribe()
    }

    /// Up to `limit` events after `after` from memory; `None` if the next one is not remembered.
    pub(crate) fn recent_after(&self, after: Position, limit: usize) -> Option<Vec<Arc<Recorded>>> {
        self.recent().after(after, limit)
    }

    /// The version of a stream as far as this node has been told of it, if that is remembered.
    pub(crate) fn version(&self, stream: &str) -> Option<u64> {
        self.recent().version(stream)
    }

    /// A group failed, and what it wrote may be durable without anybody having been told.
    pub(crate) fn doubt(&self) {
        self.recent().doubt_versions();
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
