//! The log in a SQLite file: one writer on its own thread, a few read-only connections beside it.

mod connect;
mod folding;
mod key;
mod readers;
mod rows;
mod session;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use domain::{SecretId, Timestamp};
use futures::future::{BoxFuture, FutureExt};
use rusqlite::{OptionalExtension, TransactionBehavior, params};
use uuid::Uuid;

use crate::{
    Filter, Lease, Options, Position, Recorded, StoreError,
    backend::{Answer, Backend, Page},
    growth::Growth,
    hash::Hash,
    leases::decide,
    queue::Queue,
    row::Row,
};
use connect::{Lock, fault};
use readers::Readers;
use session::Session;
use writer::Writer;

/// Opens or creates the file, refuses it if another process has it, and starts its writer.
pub(crate) async fn open(
    path: &Path,
    options: &Options,
    queue: Arc<Queue>,
    growth: Arc<Growth>,
) -> Result<Arc<dyn Backend>, StoreError> {
    let path = &connect::resolved(path);
    let file = path.clone();
    let first = tokio::task::spawn_blocking(move || {
        let lock = Lock::take(&file)?;
        connect::migrate(&file)?;
        Ok::<_, StoreError>((lock, Session::open(&file)?))
    });
    let (lock, session) = first.await.map_err(StoreError::unavailable)??;
    growth.advance(session.head().0);
    let writer = Writer::start(path, lock, session, queue, growth)?;
    let readers = Readers::new(path, options.readers);
    Ok(Arc::new(Sqlite { path: path.clone(), readers, writer }))
}

struct Sqlite {
    path: PathBuf,
    readers: Readers,
    writer: Writer,
}

impl Backend for Sqlite {
    /// The lock on the file keeps others out.
    fn is_alone(&self) -> bool {
        true
    }

    fn load<'a>(&'a self, stream: &'a str, from_version: u64) -> Answer<'a, Vec<Recorded>> {
        let stream = stream.to_owned();
        self.readers.run(move |connection| rows::load(connection, &stream, from_version)).boxed()
    }

    fn read<'a>(&'a self, after: Position, limit: usize, filter: &'a Filter) -> Answer<'a, Page> {
        let filter = filter.clone();
        self.readers.run(move |connection| rows::read(connection, after, limit, &filter)).boxed()
    }

    fn at<'a>(&'a self, positions: &'a [Position]) -> Answer<'a, Vec<Recorded>> {
        let positions = positions.to_vec();
        self.readers.run(move |connection| rows::at(connection, &positions)).boxed()
    }

    fn rows(&self, after: Position, limit: usize) -> Answer<'_, Vec<Row>> {
        self.readers.run(move |connection| rows::raw(connection, after, limit)).boxed()
    }

    fn head(&self) -> Answer<'_, (Position, Hash)> {
        self.readers.run(|connection| rows::head(connection)).boxed()
    }

    fn put_secret(&self, id: SecretId, sealed: Vec<u8>) -> Answer<'_, ()> {
        let put = move |connection: &mut rusqlite::Connection| {
            let sql =
                "INSERT INTO secrets VALUES (?1, ?2) ON CONFLICT DO UPDATE SET sealed = excluded.sealed";
            connection.execute(sql, params![id.uuid().as_bytes(), sealed]).map_err(fault)?;
            Ok(())
        };
        self.writer.write(put).boxed()
    }

    fn secret(&self, id: SecretId) -> Answer<'_, Option<Vec<u8>>> {
        let get = move |connection: &mut rusqlite::Connection| {
            connection
                .query_row("SELECT sealed FROM secrets WHERE id = ?1", [id.uuid().as_bytes()], |row| {
                    row.get(0)
                })
                .optional()
                .map_err(fault)
        };
        self.readers.run(get).boxed()
    }

    fn vault_key(&self, candidate: [u8; 32]) -> Answer<'_, [u8; 32]> {
        let path = key::beside(&self.path);
        // Files are read and written where blocking does no harm.
        self.readers
            .run(move |connection| {
                let sealed = connection
                    .query_row("SELECT EXISTS (SELECT 1 FROM secrets)", [], |row| row.get(0))
                    .map_err(fault)?;
                key::kept(&path, candidate, sealed)
            })
            .boxed()
    }

    fn acquire<'a>(
        &'a self,
        name: &'a str,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Answer<'a, Option<Lease>> {
        let name = name.to_owned();
        self.writer
            .write(move |connection| acquire(connection, &name, owner, now, ttl).map_err(fault))
            .boxed()
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> Answer<'a, ()> {
        let (name, owner, epoch) = (lease.name.clone(), lease.owner, lease.epoch.cast_signed());
        let release = move |connection: &mut rusqlite::Connection| {
            let sql = "UPDATE leases SET until = 0 WHERE name = ?1 AND owner = ?2 AND epoch = ?3";
            connection.execute(sql, params![name, owner.as_bytes(), epoch]).map_err(fault)?;
            Ok(())
        };
        self.writer.write(release).boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {
            // First the readers, so that the writer is the last to close and can fold the WAL into the file.
            self.readers.close().await;
            self.writer.ended().await;
        }
        .boxed()
    }
}

fn acquire(
    connection: &mut rusqlite::Connection,
    name: &str,
    owner: Uuid,
    now: Timestamp,
    ttl: Duration,
) -> rusqlite::Result<Option<Lease>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let current = transaction
        .query_row("SELECT owner, epoch, until FROM leases WHERE name = ?1", [name], |row| {
            Ok(Lease {
                name: name.to_owned(),
                owner: Uuid::from_bytes(row.get(0)?),
                epoch: row.get::<_, i64>(1)?.cast_unsigned(),
                until: Timestamp::from_millis(row.get(2)?),
            })
        })
        .optional()?;
    let lease = decide(current.as_ref(), name, owner, now, ttl);
    if let Some(Lease { owner, epoch, until, .. }) = &lease {
        let sql = "INSERT INTO leases VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE
            SET owner = excluded.owner, epoch = excluded.epoch, until = excluded.until";
        transaction.execute(sql, params![name, owner.as_bytes(), epoch.cast_signed(), until.millis()])?;
    }
    transaction.commit()?;
    Ok(lease)
}
