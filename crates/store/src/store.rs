//! The log as everybody else sees it.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{
    Append, Committed, DatabaseUrl, Filter, Leases, Options, Position, Recorded, StoreError, Tail, Vault,
    Verified, backend::Backend, growth::Growth, memory, postgres, prepare::Prepared, queue::Queue, sqlite,
    verify,
};

/// The event log. Clones share one database.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
    vault: Vault,
    leases: Leases,
}

/// What all clones and tails of one log share.
pub(crate) struct Inner {
    backend: Arc<dyn Backend>,
    queue: Arc<Queue>,
    growth: Arc<Growth>,
}

impl Inner {
    pub(crate) fn backend(&self) -> &dyn Backend {
        &*self.backend
    }

    pub(crate) fn growth(&self) -> &Growth {
        &self.growth
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("growth", &self.growth).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    /// Ends the committer.
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Store {
    /// Opens the log and creates or migrates its tables. Fails if the database cannot be trusted to keep
    /// what it commits, or if another process has the SQLite file open.
    pub async fn open(url: &DatabaseUrl, options: Options) -> Result<Self, StoreError> {
        let committers = match url {
            DatabaseUrl::Sqlite(_) => 1,
            DatabaseUrl::Postgres(_) => postgres::LANES,
        };
        let (queue, growth) = shared(&options, committers);
        let (intake, grown) = (Arc::clone(&queue), Arc::clone(&growth));
        let backend = match url {
            DatabaseUrl::Sqlite(path) => sqlite::open(path, &options, intake, grown).await?,
            DatabaseUrl::Postgres(url) => postgres::open(url, &options, intake, grown).await?,
        };
        match Vault::new(Arc::clone(&backend), options.vault_key).await {
            Ok(vault) => Ok(Self::new(Inner { backend, queue, growth }, vault)),
            Err(error) => {
                // Or the next attempt would find the file still open.
                queue.close();
                backend.close().await;
                Err(error)
            }
        }
    }

    /// A log in memory, for tests: it means the same and forgets everything at the end.
    pub fn memory() -> Self {
        Self::memory_with(&Options::default())
    }

    /// A log in memory with other limits.
    pub fn memory_with(options: &Options) -> Self {
        let (queue, growth) = shared(options, 1);
        let backend = memory::open(Arc::clone(&queue), Arc::clone(&growth));
        let vault = Vault::with_key(Arc::clone(&backend), &options.vault_key.unwrap_or_default());
        Self::new(Inner { backend, queue, growth }, vault)
    }

    fn new(inner: Inner, vault: Vault) -> Self {
        let leases = Leases::new(Arc::clone(&inner.backend));
        Self { inner: Arc::new(inner), vault, leases }
    }

    /// Records one command's events, all or none, and returns once they are durable.
    ///
    /// A command that was recorded before is answered with its first outcome, whatever the stream's version
    /// is now. Abandoning the call does not take the append back.
    pub async fn append(&self, append: Append) -> Result<Committed, StoreError> {
        let outcome = self.inner.queue.push(Prepared::new(append)?)?;
        outcome.await.unwrap_or_else(|_| Err(StoreError::unavailable("the committer stopped")))
    }

    /// The events of a stream with a version above `from_version`.
    pub async fn load(&self, stream: &str, from_version: u64) -> Result<Vec<Recorded>, StoreError> {
        let Inner { backend, growth, .. } = &*self.inner;
        if backend.is_alone() && growth.version(stream) == Some(from_version) {
            return Ok(vec![]);
        }
        backend.load(stream, from_version).await
    }

    /// The next `limit` events after `after` that the filter admits; fewer only at the head.
    pub async fn read(
        &self,
        after: Position,
        limit: usize,
        filter: &Filter,
    ) -> Result<Vec<Recorded>, StoreError> {
        let mut events = Vec::new();
        let mut after = after;
        while events.len() < limit {
            let page = self.inner.backend.read(after, limit - events.len(), filter).await?;
            if page.through <= after {
                break;
            }
            after = page.through;
            events.extend(page.events);
        }
        Ok(events)
    }

    /// The events at these positions, ascending; missing ones are skipped.
    pub async fn at(&self, positions: &[Position]) -> Result<Vec<Recorded>, StoreError> {
        let mut wanted = positions.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        self.inner.backend.at(&wanted).await
    }

    /// Follows the log from `after` on.
    pub fn tail(&self, after: Position, filter: Filter) -> Tail {
        Tail::new(Arc::clone(&self.inner), after, filter)
    }

    /// The last position that this node knows to be durable.
    pub fn head(&self) -> Position {
        self.inner.growth.head()
    }

    /// Follows the head. What it shows can be read.
    pub fn watch_head(&self) -> watch::Receiver<Position> {
        self.inner.growth.watch()
    }

    /// Walks the hash chain over the whole log, telling how far it is.
    pub async fn verify(&self, progress: &mut (dyn FnMut(Position) + Send)) -> Result<Verified, StoreError> {
        verify::walk(&*self.inner.backend, progress).await
    }

    /// The secrets.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// The leases.
    pub fn leases(&self) -> &Leases {
        &self.leases
    }

    /// Lets no more appends in, waits until the waiting ones are settled and lets go of the database, for
    /// all clones.
    pub async fn close(self) {
        self.inner.queue.close();
        self.inner.backend.close().await;
    }
}

fn shared(options: &Options, committers: usize) -> (Arc<Queue>, Arc<Growth>) {
    (
        Queue::new(committers, options.queue_events, options.queue_bytes),
        Growth::new(options.recent_events, options.recent_bytes),
    )
}
