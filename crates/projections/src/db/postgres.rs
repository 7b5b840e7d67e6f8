//! The read models in PostgreSQL, beside the log.

use std::time::Duration;

use deadpool_postgres::{
    GenericClient, Manager, ManagerConfig, Object, Pool, QueueMode, RecyclingMethod, Runtime,
};
use futures::{
    FutureExt, TryFutureExt, TryStreamExt,
    future::{join_all, try_join_all},
};
use sea_query::{PostgresQueryBuilder, SelectStatement, Value};
use sea_query_postgres::{PostgresBinder, PostgresValue};
use store::Position;
use tokio_postgres::{
    Statement,
    types::{ToSql, Type},
};
use uuid::Uuid;

use super::{ADVANCE, Cell, Kind, Lookup, Progress, Row, Rows, Side, Table, postgres_schema, table::Given};
use crate::ReadError;

/// How many connections there are at most.
const CONNECTIONS: usize = 8;
/// How long to wait for one.
const WAIT: Duration = Duration::from_secs(5);

/// What every session begins with. A commit need not wait for the disk: the checkpoint moves in the same
/// transaction, so what a crash takes away is folded again.
const SESSION: &str = "SET default_transaction_isolation = 'read committed'; SET TimeZone = 'UTC'; \
     SET synchronous_commit = off; SET statement_timeout = '20s'; SET lock_timeout = '10s'; \
     SET idle_in_transaction_session_timeout = '30s'";

/// Questions with more parameters than this hold lists, and have more forms than a server should remember.
const PREPARED: usize = 8;

/// How a batch begins. Statistics lag behind tables that grow fast; a batch must never walk over a whole table because of
/// that. Its statements name their rows by key, so that a plan for one batch is good for all: a statement that people ask
/// with a filter is planned for what they filter by.
const BEGIN: &str = "BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; \
     SET LOCAL enable_mergejoin = off; SET LOCAL plan_cache_mode = force_generic_plan";

/// A PostgreSQL database of read models.
#[derive(Clone, Debug)]
pub(crate) struct Postgres {
    pool: Pool,
}

impl Postgres {
    pub(super) async fn open(url: &str) -> Result<Self, ReadError> {
        let (config, tls) = store::postgres_config(url)?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(config, tls, recycling);
        let begin = deadpool_postgres::Hook::async_fn(|client: &mut deadpool_postgres::ClientWrapper, _| {
            Box::pin(async {
                client.batch_execute(SESSION).await.map_err(deadpool_postgres::HookError::Backend)?;
                let steadily = client.batch_execute(store::POSTGRES_WRITE_STEADILY).await;
                steadily.map_err(deadpool_postgres::HookError::Backend)
            })
        });
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            // The one that was used last has its plans and its memory at hand.
            .queue_mode(QueueMode::Lifo)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .recycle_timeout(Some(WAIT))
            .post_create(begin)
            .build()
            .map_err(|error| ReadError::Unavailable(error.to_string().into()))?;
        let postgres = Self { pool };
        postgres_schema::migrate(postgres.client().await?).await?;
        Ok(postgres)
    }

    pub(super) async fn client(&self) -> Result<Object, ReadError> {
        use deadpool_postgres::{HookError, PoolError};
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => fault(error),
            other => ReadError::Unavailable(other.to_string().into()),
        })
    }

    pub(super) async fn selects(&self, queries: Vec<SelectStatement>) -> Result<Vec<Vec<Row>>, ReadError> {
        let built: Vec<_> = queries.iter().map(|query| query.build_postgres(PostgresQueryBuilder)).collect();
        let asked =
            built.iter().map(|(sql, values)| Asked { sql, values: values.0.iter().map(typed).collect() });
        self.ask(&asked.collect::<Vec<_>>()).await
    }

    pub(super) async fn lookup(
        &self,
        side: Side,
        lookup: &'static Lookup,
        ids: Vec<Uuid>,
    ) -> Result<Vec<Row>, ReadError> {
        let ids: Vec<&[u8]> = ids.iter().map(|id| &id.as_bytes()[..]).collect();
        let asked =
            Asked { sql: &lookup.sql(side, "= ANY($1::bytea[])"), values: vec![(&ids, Type::BYTEA_ARRAY)] };
        Ok(self.ask(&[asked]).await?.pop().unwrap_or_default())
    }

    /// Asks several questions, once more if the connection turns out to be broken: one that broke while nobody used it
    /// says so only when it is used.
    async fn ask(&self, asked: &[Asked<'_>]) -> Result<Vec<Vec<Row>>, ReadError> {
        let client = self.client().await?;
        let answers = match answers(&client, asked).await {
            Err(error) if is_broken(&error) => {
                drop(Object::take(client));
                answers(&self.client().await?, asked).await
            }
            answers => answers,
        };
        answers.map_err(fault)?.iter().map(|rows| rows.iter().map(read).collect()).collect()
    }

    pub(super) async fn advance(
        &self,
        side: Side,
        rows: Vec<Rows>,
        from: &Progress,
        to: &Progress,
    ) -> Result<bool, ReadError> {
        let client = self.client().await?;
        // Prepared before any of them is sent: one that had to be prepared on the way would be overtaken.
        let (advance, statements) = match all_prepared(&client, side, &rows).await {
            Ok(prepared) => prepared,
            // Somebody else may have put the tables in their place.
            Err(_) if progress(&client, side).await?.as_ref() != Some(from) => return Ok(false),
            Err(error) => return Err(fault(error)),
        };
        let (position, expected, generation) =
            (to.position.cast_signed(), from.position.cast_signed(), from.generation.cast_signed());
        let step: [&(dyn ToSql + Sync); 5] = [&position, &to.hash, &side.word(), &generation, &expected];
        // All at once: everything is sent in this order, and nothing waits for the answer to what is before it. The row of
        // the progress comes first: its lock keeps a rival out.
        let mut steps =
            vec![client.batch_execute(BEGIN).map_ok(|()| 0).boxed(), client.execute(&advance, &step).boxed()];
        steps.extend(rows.iter().zip(&statements).map(|(rows, sql)| change(&client, sql, rows).boxed()));
        let outcomes: Result<Vec<_>, _> = join_all(steps).await.into_iter().collect();
        let won = match outcomes {
            Ok(changed) => changed.get(1).is_some_and(|moved| *moved > 0),
            Err(error) => return Err(given_up(client, error)),
        };
        let end = if won { "COMMIT" } else { "ROLLBACK" };
        client.batch_execute(end).await.map_err(|error| given_up(client, error))?;
        Ok(won)
    }

    pub(super) async fn progress(&self, side: Side) -> Result<Option<Progress>, ReadError> {
        progress(&self.client().await?, side).await
    }

    pub(super) async fn put(&self, rows: Rows) -> Result<(), ReadError> {
        let client = self.client().await?;
        let statement = prepared(&client, Side::Live, &rows).await.map_err(fault)?;
        change(&client, &statement, &rows).await.map_err(fault)?;
        Ok(())
    }

    pub(super) async fn begin_next(&self, tables: &'static [&'static Table]) -> Result<Progress, ReadError> {
        postgres_schema::begin_next(&mut self.client().await?, tables).await
    }

    pub(super) async fn index_next(&self, tables: &'static [&'static Table]) -> Result<(), ReadError> {
        postgres_schema::index_next(&mut self.client().await?, tables).await
    }

    pub(super) async fn swap(
        &self,
        tables: &'static [&'static Table],
        next: &Progress,
        at_most: Position,
    ) -> Result<bool, ReadError> {
        postgres_schema::swap(&mut self.client().await?, tables, next, at_most).await
    }

    pub(super) async fn drop_old(&self, tables: &'static [&'static Table]) -> Result<(), ReadError> {
        postgres_schema::drop_old(&mut self.client().await?, tables).await
    }

    pub(super) async fn scan(
        &self,
        table: &'static Table,
        mut see: impl FnMut(&Row) + Send + 'static,
    ) -> Result<(), ReadError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(fault)?;
        transaction.batch_execute("SET LOCAL statement_timeout = 0").await.map_err(fault)?;
        let rows = transaction.query_raw(&table.scan(), Vec::<i64>::new()).await.map_err(fault)?;
        let mut rows = std::pin::pin!(rows);
        while let Some(row) = rows.try_next().await.map_err(fault)? {
            see(&read(&row)?);
        }
        Ok(())
    }
}

/// The statements for a step and for what changes with it.
async fn all_prepared(
    client: &Object,
    side: Side,
    rows: &[Rows],
) -> Result<(Statement, Vec<Statement>), tokio_postgres::Error> {
    let advance = client.prepare_cached(ADVANCE).await?;
    let mut statements = Vec::with_capacity(rows.len());
    for rows in rows {
        statements.push(prepared(client, side, rows).await?);
    }
    Ok((advance, statements))
}

/// What an error in a transaction means for the caller. The connection ends, and the transaction with it.
fn given_up(client: Object, error: tokio_postgres::Error) -> ReadError {
    drop(Object::take(client));
    fault(error)
}

/// A question as it is sent.
struct Asked<'a> {
    sql: &'a str,
    values: Vec<(&'a (dyn ToSql + Sync), Type)>,
}

/// What the server answers to each.
async fn answers(
    client: &Object,
    asked: &[Asked<'_>],
) -> Result<Vec<Vec<tokio_postgres::Row>>, tokio_postgres::Error> {
    let answers = asked.iter().map(|Asked { sql, values }| async move {
        if values.len() > PREPARED {
            return client.query_typed(sql, values).await;
        }
        let statement = client.prepare_cached(sql).await?;
        let values: Vec<_> = values.iter().map(|(value, _)| *value).collect();
        client.query(&statement, &values).await
    });
    try_join_all(answers).await
}

/// Whether the connection is gone, or the server is about to end it; see PostgreSQL's appendix A, class 57P.
fn is_broken(error: &tokio_postgres::Error) -> bool {
    error.is_closed() || error.code().is_some_and(|code| code.code().starts_with("57P"))
}

/// What an error of PostgreSQL means for the caller.
#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub(super) fn fault(error: tokio_postgres::Error) -> ReadError {
    if let Some(said) = error.as_db_error() {
        let why = format!("{} ({})", said.message(), said.code().code());
        // Data corrupted, index corrupted; see PostgreSQL's appendix A.
        let damaged = said.code().code().starts_with("XX00") && said.code().code() != "XX000";
        return if damaged { ReadError::Damaged(why.into()) } else { ReadError::Unavailable(why.into()) };
    }
    let mut why = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        why = format!("{why}: {cause}");
        source = cause.source();
    }
    ReadError::Unavailable(why.into())
}

pub(super) async fn progress(client: &impl GenericClient, side: Side) -> Result<Option<Progress>, ReadError> {
    let sql = "SELECT generation, position, hash FROM read_progress WHERE side = $1";
    let statement = client.prepare_cached(sql).await.map_err(fault)?;
    let Some(row) = client.query_opt(&statement, &[&side.word()]).await.map_err(fault)? else {
        return Ok(None);
    };
    let mut row = read(&row)?;
    Ok(Some(Progress { generation: row.take()?, position: row.take()?, hash: row.take()? }))
}

/// A parameter with the type that its column has.
fn typed(value: &PostgresValue) -> (&(dyn ToSql + Sync), Type) {
    let kind = match value.0 {
        Value::String(_) => Type::TEXT,
        Value::Bytes(_) => Type::BYTEA,
        // Every number, the limit included, is sent in eight bytes.
        _ => Type::INT8,
    };
    (value, kind)
}

/// One column of many rows, as the array that `unnest` takes apart.
enum Array<'a> {
    Int(Vec<Option<i64>>),
    Bytes(Vec<Option<&'a [u8]>>),
    Text(Vec<Option<&'a str>>),
}

impl<'a> Array<'a> {
    fn of(kind: Kind, cells: impl Iterator<Item = &'a Cell>) -> Self {
        match kind {
            Kind::Int => Self::Int(
                cells.map(|cell| if let Cell::Int(number) = cell { Some(*number) } else { None }).collect(),
            ),
            Kind::Bytes => Self::Bytes(cells.map(Cell::bytes).collect()),
            Kind::Text => Self::Text(
                cells.map(|cell| if let Cell::Text(text) = cell { Some(&**text) } else { None }).collect(),
            ),
        }
    }

    fn parameter(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Int(numbers) => numbers,
            Self::Bytes(bytes) => bytes,
            Self::Text(texts) => texts,
        }
    }
}

/// One statement for all rows.
async fn prepared(
    client: &impl GenericClient,
    side: Side,
    rows: &Rows,
) -> Result<Statement, tokio_postgres::Error> {
    let (mut names, mut types) = (Vec::new(), Vec::new());
    for (index, (name, kind)) in rows.columns().iter().enumerate() {
        names.push(*name);
        let word = match kind {
            Kind::Int => "bigint",
            Kind::Bytes => "bytea",
            Kind::Text => "text",
        };
        types.push(format!("${}::{word}[]", index + 1));
    }
    let (names, types) = (names.join(", "), types.join(", "));
    let given = Given::AllAtOnce(format!("unnest({types}) AS given ({names})"));
    client.prepare_cached(&rows.sql(side, &given)).await
}

/// Runs it for these rows.
async fn change(
    client: &impl GenericClient,
    statement: &Statement,
    rows: &Rows,
) -> Result<u64, tokio_postgres::Error> {
    let columns = rows.columns().iter().enumerate();
    let arrays: Vec<_> = columns.map(|(index, (_, kind))| Array::of(*kind, rows.column(index))).collect();
    let parameters: Vec<_> = arrays.iter().map(Array::parameter).collect();
    client.execute(statement, &parameters).await
}

fn read(row: &tokio_postgres::Row) -> Result<Row, ReadError> {
    let cell = |(index, column): (usize, &tokio_postgres::Column)| {
        let kind = column.type_();
        Ok(if *kind == Type::INT8 {
            row.try_get::<_, Option<i64>>(index).map_err(fault)?.map_or(Cell::Null, Cell::Int)
        } else if *kind == Type::BYTEA {
            row.try_get::<_, Option<Vec<u8>>>(index).map_err(fault)?.map_or(Cell::Null, Cell::Bytes)
        } else {
            row.try_get::<_, Option<String>>(index).map_err(fault)?.map_or(Cell::Null, Cell::Text)
        })
    };
    row.columns().iter().enumerate().map(cell).collect::<Result<_, ReadError>>().map(Row::new)
}
