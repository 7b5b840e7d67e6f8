//! The read models in SQLite: one thread writes, a few connections read.

use std::{path::PathBuf, sync::Arc, sync::mpsc, thread, time::Duration};

use rusqlite::types::{Value, ValueRef};
use rusqlite::{
    Connection, ErrorCode, OptionalExtension, ToSql, TransactionBehavior, config::DbConfig,
    types::ToSqlOutput,
};
use sea_query::{SelectStatement, SqliteQueryBuilder};
use sea_query_rusqlite::RusqliteBinder;
use store::Position;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{
    ADVANCE, Cell, Lookup, Progress, Row, Rows, Side, Table, sqlite_readers::Readers, sqlite_schema,
    table::Given,
};
use crate::ReadError;

/// How many pages of 4 KB the WAL collects before they are moved into the file. Few, because whoever moves them flushes
/// them first, and while a disk flushes 80 MB of these for a twentieth of a second the log's own flush waits behind. Of 4 MB
/// a message in some hundred still noticed (`./dev bench noise`).
const CHECKPOINT_PAGES: i64 = 200;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A SQLite database of read models.
#[derive(Debug)]
pub(crate) struct Sqlite {
    jobs: mpsc::Sender<Job>,
    /// None: the database is in memory and everything is done by the one thread that has it.
    readers: Option<Arc<Readers>>,
}

impl Sqlite {
    /// Opens the file, or a database in memory.
    pub(super) async fn open(path: Option<PathBuf>) -> Result<Self, ReadError> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let (opened, ready) = oneshot::channel();
        let file = path.clone();
        let run = move || match connect(file.as_ref()) {
            Ok(mut connection) => {
                drop(opened.send(Ok(())));
                for job in queue {
                    job(&mut connection);
                }
            }
            Err(error) => drop(opened.send(Err(error))),
        };
        let spawned = thread::Builder::new().name("read-models".to_owned()).spawn(run);
        spawned.map_err(|error| ReadError::Unavailable(error.to_string().into()))?;
        ready.await.unwrap_or_else(|_| Err(ended()))?;
        Ok(Self { jobs, readers: path.map(Readers::new).map(Arc::new) })
    }

    /// Runs `work` on the writer's thread, to its end even if nobody waits any more.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| drop(answer.send(work(connection))));
        self.jobs.send(job).map_err(|_| ended())?;
        match answered.await {
            Ok(answer) => answer.map_err(fault),
            Err(_) => Err(ended()),
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        match &self.readers {
            Some(readers) => readers.read(work).await,
            None => self.write(work).await,
        }
    }

    pub(super) async fn selects(&self, queries: Vec<SelectStatement>) -> Result<Vec<Vec<Row>>, ReadError> {
        self.read(move |connection| {
            // One transaction, so that all questions see the same moment.
            let snapshot = connection.transaction()?;
            let answers = queries.iter().map(|query| {
                let (sql, values) = query.build_rusqlite(SqliteQueryBuilder);
                rows(&snapshot, &sql, &*values.as_params())
            });
            answers.collect()
        })
        .await
    }

    pub(super) async fn lookup(
        &self,
        side: Side,
        lookup: &'static Lookup,
        ids: Vec<Uuid>,
    ) -> Result<Vec<Row>, ReadError> {
        self.read(move |connection| {
            let snapshot = connection.transaction()?;
            let sql = lookup.sql(side, "= ?1");
            let mut found = Vec::new();
            for id in ids {
                found.extend(rows(&snapshot, &sql, [Cell::from(id)])?);
            }
            Ok(found)
        })
        .await
    }

    pub(super) async fn advance(
        &self,
        side: Side,
        rows: Vec<Rows>,
        from: &Progress,
        to: &Progress,
    ) -> Result<bool, ReadError> {
        let (from, to) = (from.clone(), to.clone());
        self.write(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let step = (to.position, to.hash, side.word(), from.generation, from.position);
            if transaction.prepare_cached(ADVANCE)?.execute(step)? == 0 {
                return Ok(false);
            }
            rows.iter().try_for_each(|rows| change(&transaction, side, rows))?;
            transaction.commit()?;
            Ok(true)
        })
        .await
    }

    pub(super) async fn progress(&self, side: Side) -> Result<Option<Progress>, ReadError> {
        self.read(move |connection| progress(connection, side)).await
    }

    pub(super) async fn put(&self, rows: Rows) -> Result<(), ReadError> {
        self.write(move |connection| change(connection, Side::Live, &rows)).await
    }

    pub(super) async fn begin_next(&self, tables: &'static [&'static Table]) -> Result<Progress, ReadError> {
        self.write(move |connection| sqlite_schema::begin_next(connection, tables)).await
    }

    pub(super) async fn index_next(&self, tables: &'static [&'static Table]) -> Result<(), ReadError> {
        for table in tables {
            self.write(move |connection| sqlite_schema::index_next(connection, table)).await?;
        }
        Ok(())
    }

    pub(super) async fn swap(
        &self,
        tables: &'static [&'static Table],
        next: &Progress,
        at_most: Position,
    ) -> Result<bool, ReadError> {
        let next = next.clone();
        self.write(move |connection| sqlite_schema::swap(connection, tables, &next, at_most)).await
    }

    pub(super) async fn drop_old(&self, tables: &'static [&'static Table]) -> Result<(), ReadError> {
        for table in tables {
            self.write(move |connection| sqlite_schema::drop_old(connection, table)).await?;
        }
        Ok(())
    }

    pub(super) async fn scan(
        &self,
        table: &'static Table,
        mut see: impl FnMut(&Row) + Send + 'static,
    ) -> Result<(), ReadError> {
        self.read(move |connection| {
            let mut statement = connection.prepare(&table.scan())?;
            let width = table.columns.len();
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                see(&read(row, width)?);
            }
            Ok(())
        })
        .await
    }
}

/// What an error of SQLite means for the caller.
#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub(super) fn fault(error: rusqlite::Error) -> ReadError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            ReadError::Damaged(format!("{error}; their file may be deleted and is folded anew then").into())
        }
        _ => ReadError::Unavailable(error.to_string().into()),
    }
}

fn ended() -> ReadError {
    ReadError::Unavailable("its thread ended".into())
}

fn connect(path: Option<&PathBuf>) -> Result<Connection, ReadError> {
    let mut connection = match path {
        Some(path) => Connection::open(path).map_err(|error| {
            ReadError::Unavailable(format!("{} cannot be opened: {error}", path.display()).into())
        })?,
        None => Connection::open_in_memory().map_err(fault)?,
    };
    settings(&connection).map_err(fault)?;
    sqlite_schema::migrate(&mut connection)?;
    Ok(connection)
}

/// Leaves the write-ahead log as it is when the connection is closed, to be folded in after the next start: in SQLite 3.51.1
/// two connections that are closed at one moment may otherwise wait for each other for ever.
pub(super) fn close_as_it_is(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map(drop)
}

fn settings(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    close_as_it_is(connection)?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    // After a power cut the last batches may be gone; they are folded again, since their checkpoint is gone too.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", CHECKPOINT_PAGES * 4096)?;
    connection.pragma_update(None, "cache_size", -4_000)?;
    connection.pragma_update(None, "temp_store", "FILE")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

pub(super) fn progress(connection: &Connection, side: Side) -> rusqlite::Result<Option<Progress>> {
    let sql = "SELECT generation, position, hash FROM read_progress WHERE side = ?1";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Progress { generation: row.get(0)?, position: row.get(1)?, hash: row.get(2)? })
    };
    connection.query_row(sql, [side.word()], read).optional()
}

/// One prepared statement, once for each row.
fn change(connection: &Connection, side: Side, rows: &Rows) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(&rows.sql(side, &Given::OneByOne))?;
    for row in rows.rows() {
        for (cell, index) in row.iter().zip(1..) {
            statement.raw_bind_parameter(index, cell)?;
        }
        statement.raw_execute()?;
    }
    Ok(())
}

fn rows(connection: &Connection, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(sql)?;
    let width = statement.column_count();
    let mut found = Vec::new();
    let mut rows = statement.query(values)?;
    while let Some(row) = rows.next()? {
        found.push(read(row, width)?);
    }
    Ok(found)
}

fn read(row: &rusqlite::Row<'_>, width: usize) -> rusqlite::Result<Row> {
    let cell = |index| {
        Ok(match Value::from(row.get_ref(index)?) {
            Value::Null => Cell::Null,
            Value::Integer(number) => Cell::Int(number),
            Value::Text(text) => Cell::Text(text),
            Value::Blob(bytes) => Cell::Bytes(bytes),
            Value::Real(_) => return Err(rusqlite::Error::InvalidQuery),
        })
    };
    (0..width).map(cell).collect::<rusqlite::Result<_>>().map(Row::new)
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Id(id) => ValueRef::Blob(id),
            Self::Key(key) => ValueRef::Blob(key),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}
