//! Connections for everything that is not an append, and the statements that read events.

use std::{
    future::Future,
    sync::atomic::{AtomicUsize, Ordering},
};

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, QueueMode, RecyclingMethod, Runtime,
    TimeoutType, Timeouts,
};
use futures::{TryStreamExt, pin_mut};
use tokio::time::{Instant, timeout};
use tokio_postgres::{Row as Columns, types::ToSql};

use super::{
    fault::Fault,
    rows::{decode, events, read_hash},
    settings::{self, ANSWER, CONNECT, Settings},
};
use crate::{
    Filter, Position, StoreError,
    backend::PAGE_BYTES,
    hash::{GENESIS, Hash},
    row::Row,
};

/// A page has at most so many events.
const PAGE: usize = 1024;
/// A page for some categories looks at most at so many events to find them.
const WINDOW: u64 = 20_000;

/// The categories are written as in the condition of the index that serves this.
const CONFIGURATION: &str = events!(
    "WHERE position > $1 AND aggregate_type NOT IN ('delivery', 'incident', 'oncall', 'page') AND aggregate_type <> 'notice' ORDER BY position LIMIT $2"
);

/// Values for a statement.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A pool of connections.
#[derive(Debug)]
pub(super) struct Reader {
    pool: Pool,
    /// How many events a page may ask for without reading much more than `PAGE_BYTES`, as the last one showed.
    page: AtomicUsize,
}

/// Some rows, and how far the log was considered for them.
pub(super) struct Found {
    pub(super) rows: Vec<Row>,
    pub(super) through: Position,
}

impl Reader {
    pub(super) fn new(settings: &Settings, connections: usize) -> Result<Self, StoreError> {
        let (config, tls) = settings.parts();
        let manager =
            Manager::from_config(config, tls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let prepared = Hook::async_fn(|client, _| {
            Box::pin(async move { settings::prepare(client).await.map_err(HookError::Backend) })
        });
        let pool = Pool::builder(manager)
            .max_size(connections.max(1))
            .runtime(Runtime::Tokio1)
            // The one that was used last has its plans and its memory at hand.
            .queue_mode(QueueMode::Lifo)
            .timeouts(Timeouts { wait: Some(CONNECT), create: Some(CONNECT), recycle: Some(CONNECT) })
            .post_create(prepared)
            .build()
            .map_err(StoreError::unavailable)?;
        Ok(Self { pool, page: AtomicUsize::new(PAGE) })
    }

    /// Lets go of all connections.
    pub(super) fn close(&self) {
        self.pool.close();
    }

    /// A connection for one piece of work.
    pub(super) async fn session(&self) -> Result<Object, Fault> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => error.into(),
            PoolError::Timeout(TimeoutType::Wait) => Fault::Passing("all connections are busy".to_owned()),
            error => Fault::Lost(error.to_string()),
        })
    }

    /// All rows that a statement gives, which may be run twice.
    pub(super) async fn query(&self, sql: &str, values: Values<'_>) -> Result<Vec<Columns>, Fault> {
        let begun = Instant::now();
        match self.query_once(sql, values).await {
            Err(fault) if is_idle_break(&fault, begun) => self.query_once(sql, values).await,
            answer => answer,
        }
    }

    async fn query_once(&self, sql: &str, values: Values<'_>) -> Result<Vec<Columns>, Fault> {
        let session = self.session().await?;
        let answer = limited(async {
            let statement = session.prepare_cached(sql).await?;
            session.query(&statement, values).await
        });
        kept_if_whole(answer.await, session)
    }

    /// The last position and its hash.
    pub(super) async fn head(&self) -> Result<(Position, Hash), Fault> {
        let rows = self.query("SELECT position, hash FROM log_head WHERE id = 1", &[]).await?;
        let row = rows.first().ok_or_else(|| Fault::Damaged("the log has no head".to_owned()))?;
        let position = row.try_get::<_, i64>(0)?.cast_unsigned();
        Ok((position, read_hash(row.try_get(1)?, position)?))
    }

    /// All events that a statement made with `events!` gives.
    pub(super) async fn events(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Fault> {
        self.query(sql, values).await?.iter().map(decode).collect()
    }

    /// The next events after `after` that the filter admits: at most `limit`, fewer where they are large.
    pub(super) async fn page(&self, after: Position, limit: usize, filter: &Filter) -> Result<Found, Fault> {
        let limit = limit.min(self.page.load(Ordering::Relaxed)).max(1);
        let (from, most) = (after.cast_signed(), i64::try_from(limit).unwrap_or(i64::MAX));
        // What the head was before the events were looked for has been looked at.
        let (head, _) = match filter {
            Filter::All => (after, GENESIS),
            _ => self.head().await?,
        };
        let until = after.saturating_add(WINDOW).min(head);
        let (rows, until) = match filter {
            Filter::All => {
                let sql = events!("WHERE position > $1 ORDER BY position LIMIT $2");
                (self.some(sql, &[&from, &most]).await?, after)
            }
            Filter::Configuration => (self.some(CONFIGURATION, &[&from, &most]).await?, head),
            Filter::Categories(wanted) => {
                // Written out, because one plan is made for all values, and an index is for some categories only. They are
                // words of this program.
                let wanted = wanted.join("', '");
                let sql = format!(
                    "{} AND aggregate_type IN ('{wanted}') ORDER BY position LIMIT $2",
                    events!("WHERE position > $1 AND position <= $3")
                );
                (self.some(&sql, &[&from, &most, &until.cast_signed()]).await?, until)
            }
        };
        let last = rows.last().map_or(after, |row| row.position);
        // A page that was cut off was only looked at as far as it goes.
        let cut = rows.len() == limit || self.learn(&rows);
        Ok(Found { through: if cut { last } else { last.max(until) }, rows })
    }

    /// Chooses how many events the next page may ask for, and says whether this one was cut off by its bytes: what
    /// lies beyond the cut was sent in vain.
    fn learn(&self, rows: &[Row]) -> bool {
        let bytes: usize = rows.iter().map(|row| row.payload.len()).sum();
        let average = bytes / rows.len().max(1);
        self.page.store((PAGE_BYTES / average.max(1)).clamp(1, PAGE), Ordering::Relaxed);
        bytes >= PAGE_BYTES
    }

    /// Events of a statement up to about `PAGE_BYTES`.
    pub(super) async fn some(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Fault> {
        let begun = Instant::now();
        match self.some_once(sql, values).await {
            Err(fault) if is_idle_break(&fault, begun) => self.some_once(sql, values).await,
            answer => answer,
        }
    }

    async fn some_once(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Fault> {
        let session = self.session().await?;
        let answer = limited(async {
            let statement = session.prepare_cached(sql).await?;
            let stream = session.query_raw(&statement, values.iter().copied()).await?;
            pin_mut!(stream);
            let (mut rows, mut bytes) = (Vec::new(), 0);
            while let Some(row) = stream.try_next().await? {
                let row = decode(&row)?;
                bytes += row.payload.len();
                rows.push(row);
                if bytes >= PAGE_BYTES {
                    break;
                }
            }
            Ok::<_, Fault>(rows)
        });
        kept_if_whole(answer.await, session)
    }
}

/// Takes a session that is lost out of the pool, so that nobody gets it again.
fn kept_if_whole<T>(answer: Result<T, Fault>, session: Object) -> Result<T, Fault> {
    if matches!(answer, Err(Fault::Lost(_))) {
        drop(Object::take(session));
    }
    answer
}

/// Whether a connection may have broken while nobody used it, which it says only when it is used: worth another one.
fn is_idle_break(fault: &Fault, begun: Instant) -> bool {
    matches!(fault, Fault::Lost(_)) && begun.elapsed() < CONNECT
}

/// Lets nobody wait for longer than the server allows itself.
pub(super) async fn limited<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<T, Fault>
where
    Fault: From<E>,
{
    match timeout(ANSWER, work).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Fault::Lost(format!("no answer in {} seconds", ANSWER.as_secs()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_is_everything_but_traffic() {
        let traffic = Filter::TRAFFIC.map(|category| format!("'{category}'")).join(", ");
        assert!(CONFIGURATION.contains(&format!("NOT IN ({traffic})")));
        assert!(CONFIGURATION.contains(&format!("<> '{}'", Filter::NOTICES)));
        let index = include_str!("../../../../migrations/postgres/log/V3__on_call.sql");
        assert!(index.contains(&format!("WHERE aggregate_type NOT IN ({traffic})")));
    }
}
