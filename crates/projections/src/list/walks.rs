//! The questions for one page of a list: each walks along one index from its newest end and stops when the page is
//! full, whatever the filter.

use domain::Severity;
use sea_query::{Expr, ExprTrait, Func, LikeExpr, Order, Query, SelectStatement};
use uuid::Uuid;

use super::{List, Place, Wanted, severity_number};

/// How many walks one question may be divided into.
const MAX_WALKS: usize = 64;

/// The questions for the `limit` newest places before `before` that are wanted.
pub(super) fn walks_of(
    list: &List,
    wanted: &Wanted,
    limit: usize,
    before: Option<Place>,
) -> Vec<SelectStatement> {
    let statuses = distinct(if wanted.status.is_empty() { list.statuses } else { &wanted.status });
    let severities = distinct(if wanted.severity.is_empty() { &Severity::ALL } else { &wanted.severity });
    let stands: Vec<_> = statuses
        .iter()
        .flat_map(|status| severities.iter().map(|severity| (*status, severity_number(*severity))))
        .collect();
    let stand = |query: &SelectStatement, (status, severity): &(u32, u32)| {
        let mut query = query.clone();
        query.and_where(Expr::col("status").eq(i64::from(*status)));
        query.and_where(Expr::col("severity").eq(i64::from(*severity)));
        query
    };
    if wanted.part_of.is_some() {
        return vec![whole(list, wanted, limit, before)];
    }
    let base = newest(list, wanted, limit, before, Expr::col);
    for (index, (column, owners)) in wanted.owners.iter().enumerate() {
        let owners = distinct(owners);
        if owners.is_empty() || owners.len() * stands.len() > MAX_WALKS {
            continue;
        }
        let others = wanted.owners.iter().enumerate().filter(|(other, _)| *other != index);
        let base = others.fold(base.clone(), |query, (_, (column, owners))| one_of(query, column, owners));
        let of_owner = |owner: &Uuid| base.clone().and_where(Expr::col(*column).eq(bytes(*owner))).take();
        let of_owners = owners.iter().map(of_owner);
        return of_owners.flat_map(|base| stands.iter().map(move |which| stand(&base, which))).collect();
    }
    let base = wanted.owners.iter().fold(base, |query, (column, owners)| one_of(query, column, owners));
    if wanted.status.is_empty() && wanted.severity.is_empty() {
        return vec![base];
    }
    stands.iter().map(|which| stand(&base, which)).collect()
}

/// One question with everything that is wanted, for few rows: those of a whole, or those whose numbers are given. Whatever
/// else is wanted of them, no index is walked for it.
pub(super) fn whole(list: &List, wanted: &Wanted, limit: usize, before: Option<Place>) -> SelectStatement {
    let mut query = newest(list, wanted, limit, before, no_index);
    for (column, owners) in &wanted.owners {
        if !owners.is_empty() {
            query.and_where(no_index(column).is_in(owners.iter().map(|owner| bytes(*owner))));
        }
    }
    if !wanted.status.is_empty() {
        query.and_where(no_index("status").is_in(wanted.status.iter().map(|status| i64::from(*status))));
    }
    if !wanted.severity.is_empty() {
        let numbers = wanted.severity.iter().map(|severity| i64::from(severity_number(*severity)));
        query.and_where(no_index("severity").is_in(numbers));
    }
    if let Some((column, number)) = wanted.part_of {
        query.and_where(Expr::col(column).eq(number.cast_signed()));
    }
    query
}

/// A column in a form that no index has.
fn no_index(column: &'static str) -> Expr {
    Func::coalesce([Expr::col(column), Expr::col(column)]).into()
}

fn newest(
    list: &List,
    wanted: &Wanted,
    limit: usize,
    before: Option<Place>,
    column: fn(&'static str) -> Expr,
) -> SelectStatement {
    let mut query = Query::select()
        .columns([list.at, "number"])
        .from(list.table)
        .order_by(list.at, Order::Desc)
        .order_by("number", Order::Desc)
        .limit(limit as u64)
        .take();
    if let Some(Place { at, number }) = before {
        let place = [Expr::val(at.millis()), Expr::val(number.cast_signed())];
        query.and_where(Expr::tuple([column(list.at), Expr::col("number")]).lt(Expr::tuple(place)));
    }
    if let Some(after) = wanted.after {
        query.and_where(column(list.at).gte(after.millis()));
    }
    if let Some(before) = wanted.before {
        query.and_where(column(list.at).lt(before.millis()));
    }
    query
}

/// Restricts a question to these rows.
pub(super) fn among(mut query: SelectStatement, numbers: &[u64]) -> SelectStatement {
    query.and_where(Expr::col("number").is_in(numbers.iter().map(|number| number.cast_signed()))).take()
}

/// Restricts a question to rows with these numbers whose words were forgotten, and has the database look for them.
pub(super) fn between(
    mut query: SelectStatement,
    [first, last]: [u64; 2],
    wanted: &[String],
) -> SelectStatement {
    query.and_where(Expr::col("number").between(first.cast_signed(), last.cast_signed()));
    for word in wanted {
        query.and_where(has(word));
    }
    query
}

/// Restricts a question to rows whose words are known, or which the database finds to have them.
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
