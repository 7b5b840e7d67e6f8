//! Who was on call, since when, and why?
//!
//! One row for each change that was written down. Rows are never changed again, so what they say about the past stays.

use domain::{ScheduleId, Timestamp, UserId, on_call::Cause};
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use serde::{Deserialize, Serialize};
use store::{Position, Recorded};

use crate::{
    ReadError, ReadModels,
    db::{Change, Kind, Row, Rows, Table},
    json,
    news::News,
};

/// From an instant on these people were on call, until the next row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnCallView {
    /// From when on.
    pub at: Timestamp,
    /// Who, in the order of ids; nobody in a gap.
    pub users: Vec<UserId>,
    /// What made it change.
    pub cause: Cause,
    /// The edition of the time zone data that this followed from.
    pub tzdb: String,
    /// The position of the event that says so.
    pub position: Position,
}

pub(crate) static TABLE: Table = Table {
    name: "read_who_is_on_call",
    columns: &[("schedule", Kind::Bytes), ("at", Kind::Int), ("entry", Kind::Text), ("position", Kind::Int)],
    key: 2,
    keyed: false,
};

/// What is kept of an event beside the key.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    users: Vec<UserId>,
    cause: Cause,
    tzdb: String,
}

/// The new rows of a batch.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    rows: Vec<(ScheduleId, Timestamp, Entry, Position)>,
}

impl Fold {
    pub(crate) fn take(&mut self, recorded: &Recorded, news: &News<'_>) {
        if let News::OnCallChanged(change) = news {
            let (users, cause, tzdb) = (change.users.clone(), change.cause, change.tzdb.clone());
            self.rows.push((change.schedule, change.at, Entry { users, cause, tzdb }, recorded.position));
        }
    }

    pub(crate) fn rows(mut self) -> Result<[Rows; 1], ReadError> {
        // In the order of the key, so that neighbours are written together.
        self.rows.sort_by_key(|(schedule, at, ..)| (*schedule, *at));
        let mut rows = Rows::new(&TABLE, Change::Insert);
        for (schedule, at, entry, position) in self.rows {
            rows.push([schedule.uuid().into(), at.into(), json::write(&entry)?.into(), position.into()]);
        }
        Ok([rows])
    }
}

impl ReadModels {
    /// What was written down of a schedule and holds at some time of a range, with the first entry after it, which says
    /// until when the last one held. At most `limit` entries that begin inside.
    pub async fn on_call(
        &self,
        schedule: ScheduleId,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Vec<OnCallView>, ReadError> {
        let at = || Expr::col("at");
        let before =
            of(schedule).and_where(at().lte(from.millis())).order_by("at", Order::Desc).limit(1).take();
        let inside = of(schedule)
            .and_where(at().gt(from.millis()))
            .and_where(at().lt(to.millis()))
            .order_by("at", Order::Asc)
            .limit(limit as u64)
            .take();
        let after = of(schedule)
            .and_where(at().gt(from.millis()))
            .and_where(at().gte(to.millis()))
            .order_by("at", Order::Asc)
            .limit(1)
            .take();
        let rows = self.db().selects(vec![before, inside, after]).await?;
        rows.into_iter().flatten().map(view).collect()
    }

    /// What was written down last of a schedule.
    pub async fn last_on_call(&self, schedule: ScheduleId) -> Result<Option<OnCallView>, ReadError> {
        let last = of(schedule).order_by("at", Order::Desc).limit(1).take();
        self.db().select(last).await?.pop().map(view).transpose()
    }
}

fn of(schedule: ScheduleId) -> SelectStatement {
    Query::select()
        .columns(["at", "entry", "position"])
        .from(TABLE.name)
        .and_where(Expr::col("schedule").eq(schedule.uuid().as_bytes().to_vec()))
        .take()
}

fn view(mut row: Row) -> Result<OnCallView, ReadError> {
    let at = row.take()?;
    let Entry { users, cause, tzdb } = json::read(&row.take::<String>()?)?;
    Ok(OnCallView { at, users, cause, tzdb, position: row.take()? })
}
