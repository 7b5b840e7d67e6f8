//! What happened to somebody or something, in order?
//!
//! The table only says which events concern whom; the events are read from the log.

use std::sync::Arc;

use domain::Subject;
use sea_query::{Expr, ExprTrait, Order, Query};
use store::{Position, Recorded};

use crate::{
    ReadError, ReadModels, Slice,
    db::{Change, Kind, Rows, Table},
    slice::place,
    subject::{self, Key},
};

pub(crate) static TABLE: Table = Table {
    name: "read_timeline",
    columns: &[("subject", Kind::Bytes), ("position", Kind::Int)],
    key: 2,
    keyed: false,
};

/// The new rows of a batch.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    rows: Vec<(Key, Position)>,
}

impl Fold {
    pub(crate) fn take(&mut self, recorded: &Recorded) {
        let start = self.rows.len();
        let keys = subject::of_stream(recorded).into_iter();
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
        let mut rows = Rows::new(&TABLE, Change::Insert);
        for (key, position) in self.rows {
            rows.push([key.into(), position.into()]);
        }
        [rows]
    }
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
        let query = Query::select()
            .column("position")
            .from(TABLE.name)
            .and_where(Expr::col("subject").eq(key.to_vec()))
            .and_where(Expr::col("position").gt(after.cast_signed()))
            .order_by("position", Order::Asc)
            .limit(first as u64 + 1)
            .take();
        let rows = self.db().select(query).await?;
        let positions = rows.into_iter().map(|mut row| row.take()).collect::<Result<Vec<Position>, _>>()?;
        let events = self.store().at(&positions).await?;
        Ok(Slice::cut(events.into_iter().map(|event| (event.position, Arc::new(event))), first))
    }
}
