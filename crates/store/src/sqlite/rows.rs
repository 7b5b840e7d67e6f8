//! Reading events.

use std::borrow::Cow;

use bytes::Bytes;
use rusqlite::{
    Connection, OptionalExtension, Row as SqlRow, Transaction, params, params_from_iter,
    types::{Value, ValueRef},
};
use uuid::Uuid;

use super::connect::fault;
use crate::{
    Filter, Position, Recorded, StoreError,
    backend::{PAGE_BYTES, Page},
    hash::{GENESIS, Hash},
    row::Row,
};

const COLUMNS: &str =
    "position, stream, version, event_id, kind, recorded_at, metadata, subjects, payload, hash";

/// Word for word what the index `events_configuration` says, or SQLite would not use it.
const CONFIGURATION: &str = "category NOT IN ('delivery', 'incident', 'oncall', 'page')";

/// How many events one page may pass over to find those in some categories.
const SCAN: u64 = 20_000;

/// The events of a stream after a version.
pub(super) fn load(
    connection: &mut Connection,
    stream: &str,
    from_version: u64,
) -> Result<Vec<Recorded>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM events WHERE stream = ?1 AND version > ?2 ORDER BY version");
    let mut statement = connection.prepare_cached(&sql).map_err(fault)?;
    let mut rows = statement.query(params![stream, signed(from_version)]).map_err(fault)?;
    let mut events = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        events.push(stored(row).map_err(fault)?.decode()?);
    }
    Ok(events)
}

/// The events at some positions.
pub(super) fn at(connection: &mut Connection, positions: &[Position]) -> Result<Vec<Recorded>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM events WHERE position = ?1");
    let mut statement = connection.prepare_cached(&sql).map_err(fault)?;
    let mut events = Vec::with_capacity(positions.len());
    for position in positions {
        let mut rows = statement.query([signed(*position)]).map_err(fault)?;
        if let Some(row) = rows.next().map_err(fault)? {
            events.push(stored(row).map_err(fault)?.decode()?);
        }
    }
    Ok(events)
}

/// Events after a position that a filter admits.
pub(super) fn read(
    connection: &mut Connection,
    after: Position,
    limit: usize,
    filter: &Filter,
) -> Result<Page, StoreError> {
    // One snapshot for head and events: what it does not show after the last one found does not exist.
    let transaction = connection.transaction().map_err(fault)?;
    let (head, _) = head(&transaction)?;
    let (sql, end) = match filter {
        Filter::All => (format!("SELECT {COLUMNS} FROM events WHERE position > ?1 AND position <= ?2"), head),
        Filter::Configuration => {
            let index = "INDEXED BY events_configuration";
            let notices = Filter::NOTICES;
            let only =
                format!("position > ?1 AND position <= ?2 AND {CONFIGURATION} AND category <> '{notices}'");
            (format!("SELECT {COLUMNS} FROM events {index} WHERE {only}"), head)
        }
        Filter::Categories(categories) => {
            let marks: Vec<_> = (0..categories.len()).map(|index| format!("?{}", index + 4)).collect();
            let only = format!("position > ?1 AND position <= ?2 AND category IN ({})", marks.join(", "));
            (format!("SELECT {COLUMNS} FROM events WHERE {only}"), head.min(after.saturating_add(SCAN)))
        }
    };
    let mut values = vec![
        Value::from(signed(after)),
        Value::from(signed(end)),
        Value::from(i64::try_from(limit).unwrap_or(i64::MAX)),
    ];
    if let Filter::Categories(categories) = filter {
        values.extend(categories.iter().map(|category| Value::from((*category).to_owned())));
    }
    page(&transaction, &format!("{sql} ORDER BY position LIMIT ?3"), values, after.max(end), limit)
}

fn page(
    transaction: &Transaction<'_>,
    sql: &str,
    values: Vec<Value>,
    end: Position,
    limit: usize,
) -> Result<Page, StoreError> {
    let mut statement = transaction.prepare_cached(sql).map_err(fault)?;
    let mut rows = statement.query(params_from_iter(values)).map_err(fault)?;
    let mut page = Page { events: Vec::new(), through: end };
    let mut bytes = 0;
    while bytes < PAGE_BYTES
        && let Some(row) = rows.next().map_err(fault)?
    {
        let event = stored(row).map_err(fault)?.decode()?;
        bytes += event.payload.len();
        page.events.push(event);
    }
    if let Some(last) = page.events.last()
        && (bytes >= PAGE_BYTES || page.events.len() >= limit)
    {
        page.through = last.position;
    }
    Ok(page)
}

/// The head as it is remembered apart from the events.
pub(super) fn head(connection: &Connection) -> Result<(Position, Hash), StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT position, hash FROM log_head WHERE one = 1").map_err(fault)?;
    statement
        .query_row([], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), fixed(row.get_ref(1)?))))
        .map_err(fault)
}

/// The last event's position and hash, or what stands before the first one.
pub(super) fn last(connection: &Connection) -> Result<(Position, Hash), StoreError> {
    connection
        .query_row("SELECT position, hash FROM events ORDER BY position DESC LIMIT 1", [], |row| {
            Ok((row.get::<_, i64>(0)?.cast_unsigned(), fixed(row.get_ref(1)?)))
        })
        .optional()
        .map(|last| last.unwrap_or((0, GENESIS)))
        .map_err(fault)
}

/// Events as they are stored. Whatever was put into a column comes out as something, if only something
/// with another hash: verification must be able to name its position.
pub(super) fn raw(
    connection: &mut Connection,
    after: Position,
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM events WHERE position > ?1 ORDER BY position LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql).map_err(fault)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query([signed(after), limit]).map_err(fault)?;
    let mut found = Vec::new();
    let mut bytes = 0;
    while bytes < PAGE_BYTES
        && let Some(row) = rows.next().map_err(fault)?
    {
        let row = stored(row).map_err(fault)?;
        bytes += row.payload.len();
        found.push(row);
    }
    Ok(found)
}

fn stored(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        position: row.get::<_, i64>(0)?.cast_unsigned(),
        stream: text(row.get_ref(1)?).into(),
        version: row.get::<_, i64>(2)?.cast_unsigned(),
        id: Uuid::from_bytes(fixed(row.get_ref(3)?)),
        kind: text(row.get_ref(4)?).into(),
        recorded_at: row.get(5)?,
        metadata: text(row.get_ref(6)?).into_owned(),
        subjects: text(row.get_ref(7)?).into_owned(),
        payload: Bytes::copy_from_slice(bytes(row.get_ref(8)?)),
        hash: fixed(row.get_ref(9)?),
    })
}

/// The table is strict, so a column has its type; bytes that are no text show up as such.
fn text(value: ValueRef<'_>) -> Cow<'_, str> {
    let bytes = bytes(value);
    // Several times faster than going straight for what may not be text.
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

fn bytes(value: ValueRef<'_>) -> &[u8] {
    value.as_bytes().unwrap_or_default()
}

/// Zeros if the length is wrong, which no id and no hash is.
fn fixed<const N: usize>(value: ValueRef<'_>) -> [u8; N] {
    bytes(value).try_into().unwrap_or([0; N])
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
