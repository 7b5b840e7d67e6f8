//! All read models of one installation, and how they are opened.

use std::{path::PathBuf, sync::Arc, time::Duration};

use domain::{Alert, DeliveryId, IncidentId, IntegrationId, ServiceId, Subject, Timestamp};
use store::{Position, Recorded, Store};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{Deadline, DeliveryView, EventPage, IncidentFilter, IncidentView, PageView, ReadError, Slice};

/// Where the read models are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadLocation {
    /// Nowhere: for tests.
    Memory,
    /// A SQLite file of their own, which may be deleted and rebuilt.
    Sqlite(PathBuf),
    /// A PostgreSQL database, the log's own, as a libpq-style URL.
    Postgres(String),
}

/// What a rebuild did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// The position up to which the new tables were folded when they went live.
    pub position: Position,
}

/// Everything that can be read about incidents, deliveries, pages, timelines and deadlines. Clones share one
/// database.
#[derive(Clone, Debug)]
pub struct ReadModels {
    position: watch::Sender<Position>,
}

fn early<T>() -> Result<T, ReadError> {
    Err(ReadError::Unavailable("it is not connected yet".into()))
}

#[expect(unused_variables, clippy::unused_async, reason = "the signatures come first")]
impl ReadModels {
    /// Opens the read models and creates or migrates their tables. The reactors' checkpoints live beside them.
    pub async fn open(store: Store, location: &ReadLocation) -> Result<Self, ReadError> {
        early()
    }

    /// The position up to which everything is folded, as far as this node knows.
    pub fn position(&self) -> Position {
        *self.position.borrow()
    }

    /// Follows the position.
    pub fn watch_position(&self) -> watch::Receiver<Position> {
        self.position.subscribe()
    }

    /// Waits until everything up to `position` is folded; false if that takes longer than `within`.
    pub async fn reach(&self, position: Position, within: Duration) -> bool {
        false
    }

    /// Why the projector stopped for good, such as an event that cannot be understood: not ready to serve.
    pub fn fault(&self) -> Option<Arc<str>> {
        None
    }

    /// The projector: folds what the log holds and what comes, until shutdown. Survives database faults by trying
    /// again. One node at a time should run it (hold a lease); if two do, one wins each batch and the other follows.
    pub async fn follow(&self, shutdown: CancellationToken) -> Result<(), ReadError> {
        early()
    }

    /// For the nodes that do not run the projector: keeps `position` fresh until shutdown.
    pub async fn observe(&self, shutdown: CancellationToken) {}

    /// Folds the whole log into new tables beside the live ones, then swaps them in one transaction.
    pub async fn rebuild(&self, progress: &mut (dyn FnMut(Position) + Send)) -> Result<Rebuilt, ReadError> {
        early()
    }

    /// SHA-256 over all read tables in key order, in hexadecimal: equal for equal contents.
    pub async fn digest(&self) -> Result<String, ReadError> {
        early()
    }

    /// One incident.
    pub async fn incident(&self, id: IncidentId) -> Result<Option<IncidentView>, ReadError> {
        early()
    }

    /// Those of these incidents that exist, in no particular order.
    pub async fn incidents_by_ids(&self, ids: &[IncidentId]) -> Result<Vec<IncidentView>, ReadError> {
        early()
    }

    /// Incidents, newest first.
    pub async fn incidents(
        &self,
        filter: &IncidentFilter,
        first: usize,
        after: Option<&str>,
    ) -> Result<Slice<IncidentView>, ReadError> {
        early()
    }

    /// The words of the alerts that these views lead to: one list for each view, in its order.
    pub async fn alerts(&self, views: &[IncidentView]) -> Result<Vec<Vec<Alert>>, ReadError> {
        early()
    }

    /// The latest episode of a key on a service.
    pub async fn latest_episode(&self, service: ServiceId, key: &str) -> Result<Option<u32>, ReadError> {
        early()
    }

    /// Everything that concerns a subject, its own stream included, oldest first.
    pub async fn timeline(
        &self,
        subject: &Subject,
        first: usize,
        after: Option<&str>,
    ) -> Result<Slice<Arc<Recorded>>, ReadError> {
        early()
    }

    /// Events in log order, of the wanted types (such as `incident.resolved.v1`) or, if `types` is empty, of all.
    pub async fn events(
        &self,
        types: &[String],
        after: Position,
        first: usize,
    ) -> Result<EventPage, ReadError> {
        early()
    }

    /// What came through an entrance, newest first.
    pub async fn deliveries(
        &self,
        integration: IntegrationId,
        first: usize,
        after: Option<&str>,
    ) -> Result<Slice<DeliveryView>, ReadError> {
        early()
    }

    /// One delivery.
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryView>, ReadError> {
        early()
    }

    /// Deliveries after `after` that have no verdict yet, in log order.
    pub async fn undecided(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<(Position, DeliveryId)>, ReadError> {
        early()
    }

    /// Everybody who was or will be paged for an incident, in the order of asking.
    pub async fn pages(&self, incident: IncidentId) -> Result<Vec<PageView>, ReadError> {
        early()
    }

    /// What is due at `until` or was before, the longest due first.
    pub async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Deadline>, ReadError> {
        early()
    }

    /// When something becomes due next (or became due, if it is not done yet).
    pub async fn next_due(&self) -> Result<Option<Timestamp>, ReadError> {
        early()
    }

    /// How far the reactor of this name came; zero if it never said so. Not touched by a rebuild.
    pub async fn checkpoint(&self, name: &str) -> Result<Position, ReadError> {
        early()
    }

    /// Remembers how far a reactor came.
    pub async fn set_checkpoint(&self, name: &str, position: Position) -> Result<(), ReadError> {
        early()
    }
}
