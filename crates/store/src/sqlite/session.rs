//! The writer's connection with what it knows about the log.

use std::{num::NonZeroUsize, path::Path, sync::Arc};

use lru::LruCache;
use rusqlite::{CachedStatement, Connection, OptionalExtension, TransactionBehavior, params};
use uuid::Uuid;

use super::{
    connect::{self, fault},
    rows,
};
use crate::{
    Committed, Position, Recorded, StoreError,
    backend::Outcome,
    hash::Hash,
    prepare::{Prepared, PreparedEvent},
};

/// How many versions of streams, and how many receipts, are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(16 * 1024).expect("more than zero");

/// A connection and what is known to be in the file. After a fault it is thrown away as a whole: only
/// what is read again can be trusted then.
pub(super) struct Session {
    connection: Connection,
    known: Known,
}

struct Known {
    head: Position,
    hash: Hash,
    versions: LruCache<Arc<str>, u64>,
    receipts: LruCache<Uuid, Committed>,
}

impl Session {
    /// Opens a connection and finds out where the log ends.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = connect::writing(path)?;
        let (head, hash) = end(&connection)?;
        let (versions, receipts) = (LruCache::new(REMEMBERED), LruCache::new(REMEMBERED));
        Ok(Self { connection, known: Known { head, hash, versions, receipts } })
    }

    /// The last event's position and hash.
    pub(super) fn head(&self) -> (Position, Hash) {
        (self.known.head, self.known.hash)
    }

    /// For what is not an event.
    pub(super) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Writes a group durably. After an error the session must be dropped: it may know of events that
    /// were rolled back.
    pub(super) fn commit(&mut self, appends: &[Prepared]) -> Result<Vec<Outcome>, StoreError> {
        let Self { connection, known } = self;
        let before = known.head;
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
        let outcomes = {
            let mut statements = Statements::prepare(&transaction).map_err(fault)?;
            let placed = appends.iter().map(|append| known.place(&mut statements, append));
            placed.collect::<rusqlite::Result<Vec<_>>>().map_err(fault)?
        };
        if known.head == before {
            // Nothing won: nothing to wait for the disk for.
            transaction.rollback().map_err(fault)?;
        } else {
            transaction
                .execute(
                    "UPDATE log_head SET position = ?1, hash = ?2 WHERE one = 1",
                    params![known.head.cast_signed(), known.hash],
                )
                .map_err(fault)?;
            transaction.commit().map_err(fault)?;
        }
        Ok(outcomes)
    }
}

/// The head, or the last event if that is beyond it. The two are always written together; if somebody came
/// between them, verification tells, and the log goes on behind both.
fn end(connection: &Connection) -> Result<(Position, Hash), StoreError> {
    let head = rows::head(connection)?;
    let last = rows::last(connection)?;
    if head != last {
        let (head, last) = (head.0, last.0);
        tracing::error!(head, last, "the log was changed from outside: its head is not its last event");
    }
    Ok(if last.0 > head.0 { last } else { head })
}

impl Known {
    fn place(&mut self, statements: &mut Statements<'_>, append: &Prepared) -> rusqlite::Result<Outcome> {
        let command_id = append.metadata.command_id;
        if let Some(first) = self.receipts.get(&command_id) {
            return Ok(Outcome::Already(*first));
        }
        let actual = self.version(statements, &append.stream)?;
        if actual != append.expected {
            let first = self.receipt(statements, command_id)?;
            return Ok(first.map_or(Outcome::Conflict { actual }, Outcome::Already));
        }
        let committed = append.committed_at(self.head + 1);
        if !statements.add_receipt(command_id, &committed)? {
            let first = self.receipt(statements, command_id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            return Ok(Outcome::Already(first));
        }
        let events = append.recorded(self.head + 1, self.hash);
        for (event, prepared) in events.iter().zip(&append.events) {
            statements.add_event(event, append, prepared)?;
            self.hash = event.hash;
        }
        self.head = committed.position;
        self.versions.put(Arc::clone(&append.stream), committed.version);
        self.receipts.put(command_id, committed);
        Ok(Outcome::Written(events))
    }

    fn version(&mut self, statements: &mut Statements<'_>, stream: &Arc<str>) -> rusqlite::Result<u64> {
        if let Some(version) = self.versions.get(stream) {
            return Ok(*version);
        }
        let version = statements.version(stream)?;
        self.versions.put(Arc::clone(stream), version);
        Ok(version)
    }

    fn receipt(
        &mut self,
        statements: &mut Statements<'_>,
        command_id: Uuid,
    ) -> rusqlite::Result<Option<Committed>> {
        let first = statements.receipt(command_id)?;
        if let Some(first) = first {
            self.receipts.put(command_id, first);
        }
        Ok(first)
    }
}

/// Prepared once per group.
struct Statements<'c> {
    version: CachedStatement<'c>,
    receipt: CachedStatement<'c>,
    add_receipt: CachedStatement<'c>,
    add_event: CachedStatement<'c>,
}

impl<'c> Statements<'c> {
    fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            version: connection.prepare_cached(
                "SELECT version FROM events WHERE stream = ?1 ORDER BY version DESC LIMIT 1",
            )?,
            receipt: connection.prepare_cached("SELECT position, version FROM receipts WHERE command_id = ?1")?,
            add_receipt: connection.prepare_cached("INSERT OR IGNORE INTO receipts VALUES (?1, ?2, ?3)")?,
            add_event: connection.prepare_cached(
                "INSERT INTO events (position, category, stream, version, event_id, kind, recorded_at, metadata,
                     subjects, hash, payload)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?,
        })
    }

    /// The number of a stream's events.
    fn version(&mut self, stream: &str) -> rusqlite::Result<u64> {
        let last = self.version.query_row([stream], |row| row.get::<_, i64>(0)).optional()?;
        Ok(last.map_or(0, i64::cast_unsigned))
    }

    fn receipt(&mut self, command_id: Uuid) -> rusqlite::Result<Option<Committed>> {
        self.receipt
            .query_row([command_id.as_bytes()], |row| {
                Ok(Committed {
                    position: row.get::<_, i64>(0)?.cast_unsigned(),
                    version: row.get::<_, i64>(1)?.cast_unsigned(),
                    already: false,
                })
            })
            .optional()
    }

    /// False if the command has a receipt.
    fn add_receipt(&mut self, command_id: Uuid, committed: &Committed) -> rusqlite::Result<bool> {
        let Committed { position, version, .. } = committed;
        let values = params![command_id.as_bytes(), position.cast_signed(), version.cast_signed()];
        Ok(self.add_receipt.execute(values)? == 1)
    }

    fn add_event(
        &mut self,
        event: &Recorded,
        append: &Prepared,
        prepared: &PreparedEvent,
    ) -> rusqlite::Result<()> {
        self.add_event.execute(params![
            event.position.cast_signed(),
            event.category(),
            &*event.stream,
            event.version.cast_signed(),
            event.id.as_bytes(),
            &*event.kind,
            event.recorded_at.millis(),
            &*append.metadata_json,
            prepared.subjects_json,
            event.hash,
            &*event.payload,
        ])?;
        Ok(())
    }
}
