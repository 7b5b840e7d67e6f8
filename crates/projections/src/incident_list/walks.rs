//! The questions for one page of incidents: each walks along one index from its newest end and stops when the page is
//! full, whatever the filter.

use domain::Timestamp;
use sea_query::{Expr, ExprTrait, LikeExpr, Order, Query, SelectStatement};
use uuid::Uuid;

use super::{
    rows::LIST,
    view::{IncidentFilter, Status, severity_number},
};
use crate::ReadError;

/// How many walks one question may be divided into.
const MAX_WALKS: usize = 64;

/// A place in the list: when an incident opened and its number. The newest are first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) opened_at: Timestamp,
    pub(super) number: u64,
}

impl Place {
    pub(super) fn cursor(self) -> String {
        format!("c{:x}-{:x}", self.opened_at.millis(), self.number)
    }

    pub(super) fn parse(cursor: Option<&str>) -> Result<Option<Self>, ReadError> {
        let Some(text) = cursor else { return Ok(None) };
        let hexadecimal = |digits: &str| {
            let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            u64::from_str_radix(digits, 16).ok().filter(|_| plain)
        };
        let parts = text.strip_prefix('c').and_then(|parts| parts.split_once('-'));
        parts
            .and_then(|(opened_at, number)| Some((hexadecimal(opened_at)?, hexadecimal(number)?)))
            .filter(|(_, number)| i64::try_from(*number).is_ok())
            .map(|(millis, number)| Self { opened_at: Timestamp::from_millis(millis.cast_signed()), number })
            .map(Some)
            .ok_or_else(|| ReadError::Cursor(text.chars().take(64).collect()))
    }
}

/// The questions for the `limit` newest places before `before` that the filter admits, its text aside.
pub(super) fn walks_of(filter: &IncidentFilter, limit: usize, before: Option<Place>) -> Vec<SelectStatement> {
    let statuses = distinct(if filter.status.is_empty() { &Status::ALL } else { &filter.status });
    let severities =
        distinct(if filter.severity.is_empty() { &domain::Severity::ALL } else { &filter.severity });
    let stands: Vec<_> = statuses
        .iter()
        .flat_map(|status| severities.iter().map(|severity| (status.number(), severity_number(*severity))))
        .collect();
    let stand = |query: &SelectStatement, (status, severity): &(u32, u32)| {
        let mut query = query.clone();
        query.and_where(Expr::col("status").eq(i64::from(*status)));
        query.and_where(Expr::col("severity").eq(i64::from(*severity)));
        query
    };
    let base = newest(filter, limit, before);
    let services: Vec<Uuid> = distinct(&filter.service).iter().map(|service| service.uuid()).collect();
    let teams: Vec<Uuid> = distinct(&filter.team).iter().map(|team| team.uuid()).collect();
    let owners = [("service", &services, ("team", &teams)), ("team", &teams, ("service", &services))];
    for (column, owners, (other, others)) in owners {
        if owners.is_empty() || owners.len() * stands.len() > MAX_WALKS {
            continue;
        }
        let base = one_of(base.clone(), other, others);
        let of_owner = |owner: &Uuid| base.clone().and_where(Expr::col(column).eq(bytes(*owner))).take();
        let of_owners = owners.iter().map(of_owner);
        return of_owners.flat_map(|base| stands.iter().map(move |which| stand(&base, which))).collect();
    }
    let base = one_of(one_of(base, "service", &services), "team", &teams);
    if filter.status.is_empty() && filter.severity.is_empty() {
        return vec![base];
    }
    stands.iter().map(|which| stand(&base, which)).collect()
}

/// One question with every condition of the filter, its text aside, that is not divided into walks.
pub(super) fn whole(filter: &IncidentFilter, limit: usize, before: Option<Place>) -> SelectStatement {
    let services: Vec<Uuid> = filter.service.iter().map(|service| service.uuid()).collect();
    let teams: Vec<Uuid> = filter.team.iter().map(|team| team.uuid()).collect();
    let mut query = one_of(one_of(newest(filter, limit, before), "service", &services), "team", &teams);
    if !filter.status.is_empty() {
        let numbers = filter.status.iter().map(|status| i64::from(status.number()));
        query.and_where(Expr::col("status").is_in(numbers));
    }
    if !filter.severity.is_empty() {
        let numbers = filter.severity.iter().map(|severity| i64::from(severity_number(*severity)));
        query.and_where(Expr::col("severity").is_in(numbers));
    }
    query
}

fn newest(filter: &IncidentFilter, limit: usize, before: Option<Place>) -> SelectStatement {
    let mut query = Query::select()
        .columns(["opened_at", "number"])
        .from(LIST.name)
        .order_by("opened_at", Order::Desc)
        .order_by("number", Order::Desc)
        .limit(limit as u64)
        .take();
    if let Some(Place { opened_at, number }) = before {
        let place = [Expr::val(opened_at.millis()), Expr::val(number.cast_signed())];
        query.and_where(Expr::tuple([Expr::col("opened_at"), Expr::col("number")]).lt(Expr::tuple(place)));
    }
    if let Some(after) = filter.opened_after {
        query.and_where(Expr::col("opened_at").gte(after.millis()));
    }
    if let Some(before) = filter.opened_before {
        query.and_where(Expr::col("opened_at").lt(before.millis()));
    }
    query
}

/// Restricts a question to these incidents.
pub(super) fn among(mut query: SelectStatement, numbers: &[u64]) -> SelectStatement {
    query.and_where(Expr::col("number").is_in(numbers.iter().map(|number| number.cast_signed()))).take()
}

/// Restricts a question to incidents whose words were forgotten, and has the database look for them.
pub(super) fn among_forgotten(
    mut query: SelectStatement,
    forgotten: u64,
    wanted: &[String],
) -> SelectStatement {
    query.and_where(Expr::col("number").lte(forgotten.cast_signed()));
    for word in wanted {
        query.and_where(has(word));
    }
    query
}

/// Restricts a question to incidents whose words are known, or which the database finds to have them.
pub(super) fn known_or_has(mut query: SelectStatement, forgotten: u64, wanted: &[String]) -> SelectStatement {
    if forgotten > 0 {
        for word in wanted {
            let known = Expr::col("number").gt(forgotten.cast_signed());
            query.and_where(known.or(has(word)));
        }
    }
    query
}

fn has(word: &str) -> Expr {
    let escaped = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    Expr::col("words").like(LikeExpr::new(format!("%{escaped}%")).escape('\\'))
}

fn one_of(mut query: SelectStatement, column: &'static str, owners: &[Uuid]) -> SelectStatement {
    if !owners.is_empty() {
        query.and_where(Expr::col(column).is_in(owners.iter().map(|owner| bytes(*owner))));
    }
    query
}

fn bytes(id: Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

fn distinct<T: Copy + PartialEq>(items: &[T]) -> Vec<T> {
    let mut distinct = Vec::new();
    for item in items {
        if !distinct.contains(item) {
            distinct.push(*item);
        }
    }
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_also_from_before_1970() {
        for millis in [0, 1_764_000_000_123, -5] {
            let place = Place { opened_at: Timestamp::from_millis(millis), number: 7 };
            assert_eq!(Place::parse(Some(&place.cursor())).expect("our own cursor"), Some(place));
        }
        for text in ["", "c", "c1", "c1-", "c-1", "c+1-1", "c1-ffffffffffffffff"] {
            assert!(matches!(Place::parse(Some(text)), Err(ReadError::Cursor(_))), "{text}");
        }
    }
}
