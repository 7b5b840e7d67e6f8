//! The two databases behind one small interface: write a batch, ask a question, build new tables and swap.
//!
//! Read models know tables, rows and queries, and nothing of dialects.

mod cell;
mod postgres;
mod postgres_schema;
mod sqlite;
mod sqlite_readers;
mod sqlite_schema;
mod table;

use std::sync::Arc;

use sea_query::SelectStatement;
use store::Position;
use uuid::Uuid;

pub(crate) use cell::{Cell, Row};
pub(crate) use table::{Change, Kind, Lookup, Merge, Progress, Rows, Side, Table};

use crate::{ReadError, ReadLocation};
use postgres::Postgres;
use sqlite::Sqlite;

/// Moves a side from one position to a later one, if it still stands where the projector believes. Both databases
/// understand the numbered parameters.
const ADVANCE: &str =
    "UPDATE read_progress SET position = $1, hash = $2 WHERE side = $3 AND generation = $4 AND position = $5";

/// The database that holds the read models. Clones share it.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    Sqlite(Arc<Sqlite>),
    Postgres(Arc<Postgres>),
}

/// Calls the same method on whichever database it is.
macro_rules! either {
    ($self:ident . $method:ident ( $($argument:expr),* )) => {
        match $self {
            Self::Sqlite(sqlite) => sqlite.$method($($argument),*).await,
            Self::Postgres(postgres) => postgres.$method($($argument),*).await,
        }
    };
}

impl Database {
    /// Opens the database and brings its tables up to date.
    pub(crate) async fn open(location: &ReadLocation) -> Result<Self, ReadError> {
        Ok(match location {
            ReadLocation::Memory => Self::Sqlite(Arc::new(Sqlite::open(None).await?)),
            ReadLocation::Sqlite(path) => Self::Sqlite(Arc::new(Sqlite::open(Some(path.clone())).await?)),
            ReadLocation::Postgres(url) => Self::Postgres(Arc::new(Postgres::open(url).await?)),
        })
    }

    /// Answers one question.
    pub(crate) async fn select(&self, query: SelectStatement) -> Result<Vec<Row>, ReadError> {
        Ok(self.selects(vec![query]).await?.pop().unwrap_or_default())
    }

    /// Answers several questions at the same time.
    pub(crate) async fn selects(&self, queries: Vec<SelectStatement>) -> Result<Vec<Vec<Row>>, ReadError> {
        either!(self.selects(queries))
    }

    /// Answers one question about some ids, in no particular order.
    pub(crate) async fn lookup(
        &self,
        side: Side,
        lookup: &'static Lookup,
        ids: Vec<Uuid>,
    ) -> Result<Vec<Row>, ReadError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        either!(self.lookup(side, lookup, ids))
    }

    /// Writes a batch and moves `from` to `to`, all or nothing. False if somebody else moved it first.
    pub(crate) async fn advance(
        &self,
        side: Side,
        rows: Vec<Rows>,
        from: &Progress,
        to: &Progress,
    ) -> Result<bool, ReadError> {
        either!(self.advance(side, rows, from, to))
    }

    /// How far a side is; `None` if no tables are being built.
    pub(crate) async fn progress(&self, side: Side) -> Result<Option<Progress>, ReadError> {
        either!(self.progress(side))
    }

    /// Rows outside the folds: the reactors' checkpoints.
    pub(crate) async fn put(&self, rows: Rows) -> Result<(), ReadError> {
        either!(self.put(rows))
    }

    /// Makes empty tables beside the live ones. Whoever was building some before finds out at the next batch.
    pub(crate) async fn begin_next(&self, tables: &'static [&'static Table]) -> Result<Progress, ReadError> {
        either!(self.begin_next(tables))
    }

    /// Gives the new tables the indexes that the live ones have.
    pub(crate) async fn index_next(&self, tables: &'static [&'static Table]) -> Result<(), ReadError> {
        either!(self.index_next(tables))
    }

    /// Puts the new tables in the place of the live ones, if those are not further than `at_most`. False if they are,
    /// or if somebody else builds new tables by now.
    pub(crate) async fn swap(
        &self,
        tables: &'static [&'static Table],
        next: &Progress,
        at_most: Position,
    ) -> Result<bool, ReadError> {
        either!(self.swap(tables, next, at_most))
    }

    /// Drops what a swap left behind.
    pub(crate) async fn drop_old(&self, tables: &'static [&'static Table]) -> Result<(), ReadError> {
        either!(self.drop_old(tables))
    }

    /// Shows every row of a table, in the order of its key.
    pub(crate) async fn scan(
        &self,
        table: &'static Table,
        see: impl FnMut(&Row) + Send + 'static,
    ) -> Result<(), ReadError> {
        either!(self.scan(table, see))
    }
}

/// Why the tables are not as this program needs them.
fn unmigrated(error: &refinery::Error) -> ReadError {
    use refinery::error::Kind;
    match error.kind() {
        Kind::DivergentVersion(..) | Kind::MissingVersion(..) => {
            ReadError::Damaged(format!("their tables belong to another version of Midwatch: {error}").into())
        }
        _ => ReadError::Unavailable(format!("its tables cannot be migrated: {error}").into()),
    }
}
