//! Events as they come out of the `events` table.

use bytes::Bytes;
use tokio_postgres::Row as Columns;
use uuid::Uuid;

use super::{
    fault::Fault,
    types::{Instant, Json, join},
};
use crate::{Position, hash::Hash, row::Row};

/// What `decode` reads, in this order.
macro_rules! columns {
    () => {
        "position, aggregate_type, aggregate_id, sequence, event_id, event_type, recorded_at, metadata, subjects, \
         payload, hash"
    };
}
pub(super) use columns;

/// A statement for events that `decode` reads.
macro_rules! events {
    ($rest:literal) => {
        concat!("SELECT ", $crate::postgres::rows::columns!(), " FROM events ", $rest)
    };
}
pub(super) use events;

/// One row of a statement made with `columns!`.
pub(super) fn decode(row: &Columns) -> Result<Row, Fault> {
    let position = row.try_get::<_, i64>(0)?.cast_unsigned();
    let metadata: Json<'_> = row.try_get(7)?;
    let metadata = std::str::from_utf8(metadata.0)
        .map_err(|_| Fault::Damaged(format!("the metadata at position {position} is not UTF-8")))?;
    Ok(Row {
        position,
        stream: join(row.try_get(1)?, row.try_get(2)?).into(),
        version: row.try_get::<_, i64>(3)?.cast_unsigned(),
        id: row.try_get::<_, Uuid>(4)?,
        kind: row.try_get::<_, &str>(5)?.into(),
        recorded_at: row.try_get::<_, Instant>(6)?.0.millis(),
        metadata: metadata.to_owned(),
        subjects: row.try_get(8)?,
        payload: Bytes::copy_from_slice(row.try_get::<_, Json<'_>>(9)?.0),
        hash: read_hash(row.try_get(10)?, position)?,
    })
}

/// A stored hash, of the event at `position`.
pub(super) fn read_hash(stored: &[u8], position: Position) -> Result<Hash, Fault> {
    stored
        .try_into()
        .map_err(|_| Fault::Damaged(format!("the hash at position {position} has {} bytes", stored.len())))
}
