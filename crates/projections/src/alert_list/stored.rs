//! Problems as they are stored, for the fold to go on with.

use std::collections::HashMap;

use domain::IntegrationId;
use sea_query::{Expr, ExprTrait, Query, SelectStatement};

use super::{
    group::{Problem, Unwritten},
    record::AlertStatus,
    rows::{LIST, SAID},
};
use crate::{
    ReadError,
    db::{Database, Side},
    list::severity_of,
};

/// Up to so many of them are asked for at a time.
const TOGETHER: usize = 500;

/// A problem as it is stored, its incident's number, and its key if that is its own.
pub(super) type Stored = (u64, Option<Box<str>>, Problem);

/// The problems of incidents with these numbers.
pub(super) async fn stored(db: &Database, side: Side, incidents: &[u64]) -> Result<Vec<Stored>, ReadError> {
    let mut listed = HashMap::new();
    for part in incidents.chunks(TOGETHER) {
        let names = ["number", "incident", "status", "severity", "integration", "first_seen_at", "ended_at"];
        let query = Query::select().columns(names).from(LIST.on(side)).take();
        for mut row in db.select(among(query, "incident", part)).await? {
            listed.insert(row.take::<u64>()?, row);
        }
    }
    let mut stored = Vec::with_capacity(listed.len());
    let numbers: Vec<_> = listed.keys().copied().collect();
    for part in numbers.chunks(TOGETHER) {
        let names = ["number", "own", "key", "occurrences", "told_until"];
        let query = Query::select().columns(names).from(SAID.on(side)).take();
        for mut said in db.select(among(query, "number", part)).await? {
            let number = said.take()?;
            let Some(mut row) = listed.remove(&number) else { continue };
            let (own, key): (u32, String) = (said.take()?, said.take()?);
            let incident = row.take()?;
            let problem = Problem {
                number,
                status: AlertStatus::of(row.take()?)?,
                severity: severity_of(row.take()?)?,
                integration: IntegrationId::new(row.take()?),
                first_seen_at: row.take()?,
                ended_at: row.take()?,
                occurrences: said.take()?,
                told_until: said.take()?,
                unwritten: Unwritten::default(),
            };
            stored.push((incident, (own == 1).then(|| key.into()), problem));
        }
    }
    Ok(stored)
}

fn among(mut query: SelectStatement, column: &'static str, numbers: &[u64]) -> SelectStatement {
    query.and_where(Expr::col(column).is_in(numbers.iter().map(|number| number.cast_signed()))).take()
}
