//! The log in PostgreSQL, which several nodes may share.
//!
//! Appends go through two [`lane`]s, each with a connection, to one server-side function that orders everybody by
//! the lock on the log's head. Reads come from a pool, and those of streams go
//! [together](loads). A [`follow`]er learns what other nodes wrote.

mod batch;
mod fault;
mod follow;
mod lane;
mod loads;
mod migrate;
mod reader;
mod rows;
mod settings;
mod trusting;
mod types;

use std::{sync::Arc, time::Duration};

use domain::{SecretId, Timestamp};
use futures::future::{BoxFuture, FutureExt};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use self::{
    fault::Fault, follow::Follower, lane::Lane, loads::Loads, reader::Reader, rows::events,
    settings::Settings, types::Instant,
};
use crate::{
    Filter, Lease, Options, Position, Recorded, StoreError,
    backend::{Answer, Backend, Page},
    growth::Growth,
    hash::Hash,
    leases::decide,
    queue::Queue,
    row::Row,
};
pub(crate) use lane::LANES;
pub use settings::WRITE_STEADILY as POSTGRES_WRITE_STEADILY;

/// Connects, migrates and starts the committers.
pub(crate) async fn open(
    url: &str,
    options: &Options,
    queue: Arc<Queue>,
    growth: Arc<Growth>,
) -> Result<Arc<dyn Backend>, StoreError> {
    let settings = Settings::parse(url)?;
    migrate::migrate(&settings).await?;
    let reader = Arc::new(Reader::new(&settings, options.readers)?);
    growth.advance(reader.head().await?.0);
    let follower = Arc::new(Follower::new(growth, Arc::clone(&reader)));
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    for _ in 0..LANES {
        let committer = Lane::new(settings.clone(), Arc::clone(&follower));
        tasks.spawn(committer.run(Arc::clone(&queue)));
    }
    tokio::spawn(follower.run(settings, stop.clone()));
    tasks.close();
    Ok(Arc::new(Postgres { loads: Loads::start(&reader), reader, tasks, stop }))
}

#[derive(Debug)]
struct Postgres {
    reader: Arc<Reader>,
    loads: Loads,
    /// The lanes, which end when the queue is closed and empty.
    tasks: TaskTracker,
    /// Ends the follower.
    stop: CancellationToken,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Postgres {
    async fn acquire(
        &self,
        name: &str,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<Lease>, Fault> {
        let mut session = self.reader.session().await?;
        let transaction = session.transaction().await?;
        // The row is there before it is locked, and it is compared only after the lock is won.
        let create = "INSERT INTO leases (name, owner, epoch, expires_at) VALUES ($1, $2, 0, to_timestamp(0)) \
             ON CONFLICT (name) DO NOTHING";
        let create = transaction.prepare_cached(create).await?;
        transaction.execute(&create, &[&name, &owner]).await?;
        let lock = "SELECT owner, epoch, expires_at FROM leases WHERE name = $1 FOR UPDATE";
        let lock = transaction.prepare_cached(lock).await?;
        let row = transaction.query_one(&lock, &[&name]).await?;
        let current = Lease {
            name: name.to_owned(),
            owner: row.try_get(0)?,
            epoch: row.try_get::<_, i64>(1)?.cast_unsigned(),
            until: row.try_get::<_, Instant>(2)?.0,
        };
        let decided = decide(Some(&current), name, owner, now, ttl);
        if let Some(lease) = &decided {
            let update = "UPDATE leases SET owner = $2, epoch = $3, expires_at = $4 WHERE name = $1";
            let update = transaction.prepare_cached(update).await?;
            let (epoch, until) = (lease.epoch.cast_signed(), Instant(lease.until));
            transaction.execute(&update, &[&name, &owner, &epoch, &until]).await?;
        }
        transaction.commit().await?;
        Ok(decided)
    }

    async fn release(&self, lease: &Lease) -> Result<(), Fault> {
        let sql =
            "UPDATE leases SET expires_at = to_timestamp(0) WHERE name = $1 AND owner = $2 AND epoch = $3";
        self.reader.query(sql, &[&lease.name, &lease.owner, &lease.epoch.cast_signed()]).await?;
        Ok(())
    }

    async fn vault_key(&self, candidate: [u8; 32]) -> Result<[u8; 32], Fault> {
        let sql = "INSERT INTO vault_key (id, key) VALUES (1, $1) ON CONFLICT (id) DO NOTHING";
        self.reader.query(sql, &[&candidate.as_slice()]).await?;
        let rows = self.reader.query("SELECT key FROM vault_key WHERE id = 1", &[]).await?;
        let key = rows.first().map(|row| row.try_get::<_, &[u8]>(0)).transpose()?;
        key.and_then(|key| key.try_into().ok())
            .ok_or_else(|| Fault::Damaged("the vault key does not have 32 bytes".to_owned()))
    }
}

impl Backend for Postgres {
    fn is_alone(&self) -> bool {
        false
    }

    fn load<'a>(&'a self, stream: &'a str, from_version: u64) -> Answer<'a, Vec<Recorded>> {
        self.loads.load(stream, from_version).boxed()
    }

    fn read<'a>(&'a self, after: Position, limit: usize, filter: &'a Filter) -> Answer<'a, Page> {
        async move {
            let found = self.reader.page(after, limit, filter).await?;
            Ok(Page { events: decoded(found.rows)?, through: found.through })
        }
        .boxed()
    }

    fn at<'a>(&'a self, positions: &'a [Position]) -> Answer<'a, Vec<Recorded>> {
        async move {
            let positions: Vec<i64> = positions.iter().map(|position| position.cast_signed()).collect();
            let sql = events!("WHERE position = ANY ($1) ORDER BY position");
            decoded(self.reader.events(sql, &[&positions]).await?)
        }
        .boxed()
    }

    fn rows(&self, after: Position, limit: usize) -> Answer<'_, Vec<Row>> {
        async move { Ok(self.reader.page(after, limit, &Filter::All).await?.rows) }.boxed()
    }

    fn head(&self) -> Answer<'_, (Position, Hash)> {
        async move { Ok(self.reader.head().await?) }.boxed()
    }

    fn put_secret(&self, id: SecretId, sealed: Vec<u8>) -> Answer<'_, ()> {
        async move {
            let sql = "INSERT INTO vault (id, sealed) VALUES ($1, $2) \
                 ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed";
            self.reader.query(sql, &[&id.uuid(), &sealed]).await?;
            Ok(())
        }
        .boxed()
    }

    fn secret(&self, id: SecretId) -> Answer<'_, Option<Vec<u8>>> {
        async move {
            let rows = self.reader.query("SELECT sealed FROM vault WHERE id = $1", &[&id.uuid()]).await?;
            Ok(rows.first().map(|row| row.try_get(0)).transpose().map_err(Fault::from)?)
        }
        .boxed()
    }

    fn vault_key(&self, candidate: [u8; 32]) -> Answer<'_, [u8; 32]> {
        async move { Ok(self.vault_key(candidate).await?) }.boxed()
    }

    fn acquire<'a>(
        &'a self,
        name: &'a str,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Answer<'a, Option<Lease>> {
        async move { Ok(reader::limited(self.acquire(name, owner, now, ttl)).await?) }.boxed()
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> Answer<'a, ()> {
        async move { Ok(self.release(lease).await?) }.boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            self.tasks.wait().await;
            self.stop.cancel();
            self.reader.close();
        }
        .boxed()
    }
}

fn decoded(rows: Vec<Row>) -> Result<Vec<Recorded>, StoreError> {
    rows.into_iter().map(Row::decode).collect()
}

/// How to reach the server of a URL, for others who keep tables beside the log: TLS and time limits as the log
/// has them.
pub fn postgres_config(
    url: &str,
) -> Result<(tokio_postgres::Config, tokio_postgres_rustls::MakeRustlsConnect), StoreError> {
    Ok(Settings::parse(url)?.parts())
}
