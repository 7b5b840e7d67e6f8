//! What happened to somebody or something, in order?
//!
//! The table only says which events concern whom; the events are read from the log. In a storm nearly every event concerns
//! the same service, the same integration and the same person, so a row holds all positions of one subject in a stretch
//! of the log, and a batch adds to few rows.

use std::sync::Arc;

use domain::Subject;
use sea_query::{Expr, ExprTrait, Order, Query};
use store::{Position, Recorded};

use crate::{
    ReadError, ReadModels, Slice,
    db::{Cell, Change, Kind, Rows, Table},
    slice::place,
    subject::{self, Key},
};

/// How many positions a stretch of the log has. Stored: the number of a stretch means nothing under another length.
const STRETCH: u64 = 1024;
/// Rows that are read at a time; each has a position at least.
const ROWS: u64 = 16;

pub(crate) static TABLE: Table = Table {
    name: "read_timeline",
    columns: &[("subject", Kind::Bytes), ("stretch", Kind::Int), ("positions", Kind::Bytes)],
    key: 2,
    keyed: true,
};

/// What a batch adds.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    rows: Vec<(Key, Position)>,
}

impl Fold {
    pub(crate) fn take(&mut self, recorded: &Recorded) {
        let start = self.rows.len();
        let keys = subject::of_long_stream(recorded).into_iter();
        for key in keys.chain(recorded.subjects.iter().filter_map(subject::of_subject)) {
            let row = (key, recorded.position);
            // A subject may be named twice, such as a person who is on a level in two ways.
            if !self.rows[start..].contains(&row) {
                self.rows.push(row);
            }
        }
    }

    pub(crate) fn rows(mut self) -> [Rows; 1] {
        // In the order of the key, so that neighbours are written together.
        self.rows.sort_unstable();
        let mut rows = Rows::new(&TABLE, Change::Grow);
        let stretch = |(key, position): &(Key, Position)| (*key, position / STRETCH);
        for part in self.rows.chunk_by(|one, next| stretch(one) == stretch(next)) {
            let (key, number) = stretch(&part[0]);
            let positions = packed(part.iter().map(|(_, position)| *position));
            rows.push([key.into(), number.into(), Cell::Bytes(positions)]);
        }
        [rows]
    }
}

/// Positions of one stretch, two bytes for each: how far it is from the beginning of the stretch, the high byte first.
fn packed(positions: impl Iterator<Item = Position>) -> Vec<u8> {
    let packed = |position| u16::try_from(position % STRETCH).expect("a stretch is short").to_be_bytes();
    positions.flat_map(packed).collect()
}

/// What [`packed`] packed.
fn unpacked(stretch: u64, packed: &[u8]) -> impl Iterator<Item = Position> {
    let beginning = stretch * STRETCH;
    packed.as_chunks().0.iter().map(move |bytes| beginning + u64::from(u16::from_be_bytes(*bytes)))
}

impl ReadModels {
    /// Everything that concerns a subject, its own stream included, oldest first.
    pub async fn timeline(
        &self,
        subject: &Subject,
        first: usize,
        after: Option<&str>,
    ) -> Result<Slice<Arc<Recorded>>, ReadError> {
        let after = place(after)?.unwrap_or(0);
        let Some(key) = subject::of_subject(subject) else { return Ok(Slice::cut([], 0)) };
        let wanted = first + 1;
        if !subject::has_short_stream(&key) {
            let positions = self.positions(key, wanted, (after, Position::MAX)).await?;
            return Ok(slice(self.store().at(&positions).await?, first));
        }
        // Of what the log says, nothing is shown that the index might still put something before. The tables say how far
        // they are: what was written to them a moment ago is lost if PostgreSQL crashes, and is known here all the same.
        let reached = self.live().await?.position;
        let others = self.positions(key, wanted, (after, reached)).await?;
        let mut events = self.store().load(&subject.stream(), 0).await?;
        events.retain(|event| event.position > after && event.position <= reached);
        events.extend(self.store().at(&others).await?);
        events.sort_unstable_by_key(|event| event.position);
        Ok(slice(events, first))
    }

    /// The first positions after one and up to another that the index has of a subject.
    async fn positions(
        &self,
        key: Key,
        wanted: usize,
        (after, until): (Position, Position),
    ) -> Result<Vec<Position>, ReadError> {
        let (mut positions, mut from) = (vec![], after / STRETCH);
        loop {
            let query = Query::select()
                .columns(["stretch", "positions"])
                .from(TABLE.name)
                .and_where(Expr::col("subject").eq(key.to_vec()))
                .and_where(Expr::col("stretch").gte(from.cast_signed()))
                .order_by("stretch", Order::Asc)
                .limit(ROWS)
                .take();
            let rows = self.db().select(query).await?;
            let is_last = (rows.len() as u64) < ROWS;
            for mut row in rows {
                let (stretch, packed): (u64, Vec<u8>) = (row.take()?, row.take()?);
                positions.extend(unpacked(stretch, &packed).filter(|at| *at > after && *at <= until));
                from = stretch + 1;
            }
            if is_last || positions.len() >= wanted {
                positions.truncate(wanted);
                return Ok(positions);
            }
        }
    }
}

fn slice(events: Vec<Recorded>, first: usize) -> Slice<Arc<Recorded>> {
    Slice::cut(events.into_iter().map(|event| (event.position, Arc::new(event))), first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_packed_by_stretches_and_found_again() {
        for positions in [vec![1], vec![1023], vec![5 * 1024, 5 * 1024 + 255, 5 * 1024 + 256, 6 * 1024 - 1]] {
            let packed = packed(positions.iter().copied());
            assert_eq!(packed.len(), 2 * positions.len());
            assert_eq!(unpacked(positions[0] / STRETCH, &packed).collect::<Vec<_>>(), positions);
        }
    }
}
