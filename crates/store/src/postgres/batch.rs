//! A group of appends as the arrays of `append_batch`, and its answer as outcomes.

use std::collections::HashMap;

use tokio_postgres::{Client, Row, Statement, types::ToSql};
use uuid::Uuid;

use super::{
    fault::Fault,
    rows::read_hash,
    types::{Instant, Json, split},
};
use crate::{Committed, Position, backend::Outcome, prepare::Prepared};

/// The one call that commits a group.
pub(super) const APPEND: &str = "SELECT outcomes, positions, versions, head_before, hash_before \
     FROM append_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

/// What the database said to a group.
#[derive(Debug)]
pub(super) struct Answered {
    /// One outcome per append.
    pub(super) outcomes: Vec<Outcome>,
    /// Where the log ended before the group.
    pub(super) head_before: Position,
    /// The last position that the group wrote or was told of; all up to it is durable.
    pub(super) durable: Position,
}

/// The columns of a group, each an array of the call.
#[derive(Default)]
struct Columns<'a> {
    categories: Vec<&'a str>,
    ids: Vec<&'a str>,
    expected: Vec<i64>,
    commands: Vec<Uuid>,
    recorded: Vec<Instant>,
    metadatas: Vec<Json<'a>>,
    sizes: Vec<i32>,
    same_stream: Vec<i32>,
    same_command: Vec<i32>,
    append_of: Vec<i32>,
    index_of: Vec<i32>,
    kinds: Vec<&'a str>,
    event_ids: Vec<Uuid>,
    subject_lists: Vec<&'a str>,
    payloads: Vec<Json<'a>>,
    digests: Vec<&'a [u8]>,
}

impl<'a> Columns<'a> {
    fn of(appends: &'a [Prepared]) -> Self {
        let mut columns = Self::default();
        let mut streams = HashMap::with_capacity(appends.len());
        let mut commands = HashMap::with_capacity(appends.len());
        for (append, place) in appends.iter().zip(1..) {
            let (category, id) = split(&append.stream);
            let command = append.metadata.command_id;
            columns.categories.push(category);
            columns.ids.push(id);
            columns.expected.push(append.expected.cast_signed());
            columns.commands.push(command);
            columns.recorded.push(Instant(append.recorded_at));
            columns.metadatas.push(Json(append.metadata_json.as_bytes()));
            columns.same_stream.push(streams.insert(&append.stream, place).unwrap_or(0));
            columns.same_command.push(commands.insert(command, place).unwrap_or(0));
            let mut size = 0;
            for event in &append.events {
                columns.append_of.push(place);
                columns.index_of.push(size);
                columns.kinds.push(&event.kind);
                columns.event_ids.push(event.id);
                columns.subject_lists.push(&event.subjects_json);
                columns.payloads.push(Json(&event.payload));
                columns.digests.push(&event.content);
                size += 1;
            }
            columns.sizes.push(size);
        }
        columns
    }

    fn parameters(&self) -> [&(dyn ToSql + Sync); 16] {
        [
            &self.categories,
            &self.ids,
            &self.expected,
            &self.commands,
            &self.recorded,
            &self.metadatas,
            &self.sizes,
            &self.same_stream,
            &self.same_command,
            &self.append_of,
            &self.index_of,
            &self.kinds,
            &self.event_ids,
            &self.subject_lists,
            &self.payloads,
            &self.digests,
        ]
    }
}

/// Commits a group in one call, durable when it returns.
pub(super) async fn append(
    client: &Client,
    statement: &Statement,
    appends: &[Prepared],
) -> Result<Answered, Fault> {
    let row = client.query_one(statement, &Columns::of(appends).parameters()).await?;
    answered(&row, appends)
}

fn answered(row: &Row, appends: &[Prepared]) -> Result<Answered, Fault> {
    let codes: Vec<i32> = row.try_get(0)?;
    let positions: Vec<i64> = row.try_get(1)?;
    let versions: Vec<i64> = row.try_get(2)?;
    let head_before = row.try_get::<_, i64>(3)?.cast_unsigned();
    let mut hash = read_hash(row.try_get(4)?, head_before)?;
    let mut durable = head_before;
    let mut outcomes = Vec::with_capacity(appends.len());
    for (((append, code), position), version) in appends.iter().zip(codes).zip(positions).zip(versions) {
        let (position, version) = (position.cast_unsigned(), version.cast_unsigned());
        durable = durable.max(position);
        outcomes.push(match code {
            0 => {
                let events = append.recorded(position + 1 - append.events.len() as u64, hash);
                hash = events.last().map_or(hash, |last| last.hash);
                Outcome::Written(events)
            }
            1 => Outcome::Conflict { actual: version },
            _ => Outcome::Already(Committed { position, version, already: true }),
        });
    }
    if outcomes.len() != appends.len() {
        return Err(Fault::Damaged("the server answered another number of appends".to_owned()));
    }
    Ok(Answered { outcomes, head_before, durable })
}
