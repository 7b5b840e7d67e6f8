//! All read models of one installation, and how they are opened.

use std::{path::PathBuf, sync::Arc, time::Duration};

use store::{Position, Store};
use tokio::{
    sync::{Mutex, MutexGuard, watch},
    time::timeout,
};

use crate::{ReadError, alert_list, db::Database, incident_list, list::Search};

/// Where the read models are kept.
#[derive(Clone, PartialEq, Eq)]
pub enum ReadLocation {
    /// Nowhere: for tests.
    Memory,
    /// A SQLite file of their own, which may be deleted and rebuilt.
    Sqlite(PathBuf),
    /// A PostgreSQL database, the log's own, as a libpq-style URL.
    Postgres(String),
}

impl std::fmt::Debug for ReadLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Memory => f.write_str("Memory"),
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            // The URL may hold a password.
            Self::Postgres(_) => f.write_str("Postgres(…)"),
        }
    }
}

/// Everything that can be read about incidents, deliveries, pages, timelines and deadlines. Clones share one
/// database.
#[derive(Clone, Debug)]
pub struct ReadModels {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    db: Database,
    position: watch::Sender<Position>,
    fault: watch::Sender<Option<Arc<str>>>,
    turn: Mutex<()>,
    incident_search: Search,
    alert_search: Search,
}

impl ReadModels {
    /// Opens the read models and creates or migrates their tables. The reactors' checkpoints live beside them.
    pub async fn open(store: Store, location: &ReadLocation) -> Result<Self, ReadError> {
        let db = Database::open(location).await?;
        let shared = Shared {
            store,
            db,
            position: watch::Sender::new(0),
            fault: watch::Sender::new(None),
            turn: Mutex::new(()),
            incident_search: Search::new(&incident_list::SEARCHED),
            alert_search: Search::new(&alert_list::SEARCHED),
        };
        let models = Self { shared: Arc::new(shared) };
        models.announce(models.live().await?.position);
        Ok(models)
    }

    /// The position up to which everything is folded, as far as this node knows.
    pub fn position(&self) -> Position {
        *self.shared.position.borrow()
    }

    /// Follows the position.
    pub fn watch_position(&self) -> watch::Receiver<Position> {
        self.shared.position.subscribe()
    }

    /// Waits until everything up to `position` is folded; false if that takes longer than `within`.
    pub async fn reach(&self, position: Position, within: Duration) -> bool {
        let mut watched = self.watch_position();
        let reached = watched.wait_for(|reached| *reached >= position);
        timeout(within, reached).await.is_ok_and(|outcome| outcome.is_ok())
    }

    /// Why the projector stopped for good, such as an event that cannot be understood: not ready to serve.
    pub fn fault(&self) -> Option<Arc<str>> {
        self.shared.fault.borrow().clone()
    }

    pub(crate) fn set_fault(&self, fault: Option<Arc<str>>) {
        self.shared.fault.send_replace(fault);
    }

    pub(crate) fn db(&self) -> &Database {
        &self.shared.db
    }

    pub(crate) fn incident_search(&self) -> &Search {
        &self.shared.incident_search
    }

    pub(crate) fn alert_search(&self) -> &Search {
        &self.shared.alert_search
    }

    pub(crate) fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Tells everybody how far other tables are that take the place of the live ones.
    pub(crate) fn restart_at(&self, position: Position) {
        self.shared.position.send_replace(position);
    }

    /// Tells everybody how far the live tables are; they never go back.
    pub(crate) fn announce(&self, position: Position) {
        self.shared.position.send_if_modified(|known| {
            let grown = position > *known;
            *known = position.max(*known);
            grown
        });
    }

    /// The right to advance the live tables, of which a rebuild makes use for the moment of the swap. Between nodes the
    /// checkpoint decides.
    pub(crate) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.shared.turn.lock().await
    }
}
