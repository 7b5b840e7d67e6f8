//! Relay connections: pages of lists.

use async_graphql::{
    OutputType,
    connection::{Connection, Edge},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::fault::Fault;

/// Items of a page unless the caller says otherwise.
pub(super) const DEFAULT_FIRST: usize = 50;
/// Items that a page may have.
pub(super) const MAX_FIRST: i32 = 200;
/// The same as a length.
pub(super) const MAX_PAGE: usize = 200;

/// How many items are wanted.
pub(super) fn first(given: Option<i32>) -> Result<usize, Fault> {
    first_up_to(MAX_FIRST, given)
}

/// How many items are wanted of a list with larger pages.
pub(super) fn first_up_to(most: i32, given: Option<i32>) -> Result<usize, Fault> {
    match given {
        None => Ok(DEFAULT_FIRST),
        Some(first) if (0..=most).contains(&first) => Ok(usize::try_from(first).unwrap_or_default()),
        Some(first) => Err(Fault::BadInput(format!("first must be from 0 to {most}, not {first}"))),
    }
}

/// What a page costs: what its items cost, times how many there may be.
pub(super) fn cost(first: Option<i32>, child: usize) -> usize {
    cost_up_to(MAX_FIRST, first, child)
}

/// What a page of a list with larger pages costs.
pub(super) fn cost_up_to(most: i32, first: Option<i32>, child: usize) -> usize {
    let first = first.map_or(DEFAULT_FIRST, |first| usize::try_from(first.clamp(1, most)).unwrap_or(1));
    1 + first.saturating_mul(child)
}

/// A slice of a read model as a connection.
pub(super) fn connection<T, N: OutputType>(
    slice: projections::Slice<T>,
    paged: bool,
    mut show: impl FnMut(T) -> N,
) -> Connection<String, N> {
    let mut connection = Connection::new(paged, slice.has_next);
    connection.edges.extend(slice.items.into_iter().map(|(cursor, item)| Edge::new(cursor, show(item))));
    connection
}

/// Configuration in the order of names: the items after the cursor, one page of them.
pub(super) fn by_name<N: OutputType>(
    items: impl IntoIterator<Item = (String, String, N)>,
    given_first: Option<i32>,
    after: Option<&str>,
) -> Result<Connection<String, N>, Fault> {
    by_name_up_to(items, first(given_first)?, after)
}

/// The same with the length of the page.
pub(super) fn by_name_up_to<N: OutputType>(
    items: impl IntoIterator<Item = (String, String, N)>,
    first: usize,
    after: Option<&str>,
) -> Result<Connection<String, N>, Fault> {
    let after = after.map(place).transpose()?;
    let mut items: Vec<_> = items
        .into_iter()
        .map(|(name, id, item)| ((name.to_lowercase(), id), item))
        .filter(|(place, _)| after.as_ref().is_none_or(|after| place > after))
        .collect();
    items.sort_by(|(left, _), (right, _)| left.cmp(right));
    let mut connection = Connection::new(after.is_some(), items.len() > first);
    let edges = items
        .into_iter()
        .take(first)
        .map(|((name, id), item)| Edge::new(URL_SAFE_NO_PAD.encode(format!("{name}\n{id}")), item));
    connection.edges.extend(edges);
    Ok(connection)
}

/// The name and the id that a cursor stands for.
fn place(cursor: &str) -> Result<(String, String), Fault> {
    URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.rsplit_once('\n').map(|(name, id)| (name.to_owned(), id.to_owned())))
        .ok_or_else(|| Fault::BadInput("after is not a cursor of this list".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(first: i32, after: Option<&str>) -> Connection<String, i32> {
        let items = [("Zoe", "3", 3), ("ada", "1", 1), ("Bob", "2", 2)];
        let items = items.map(|(name, id, item)| (name.to_owned(), id.to_owned(), item));
        by_name(items, Some(first), after).expect("a good page")
    }

    fn nodes(connection: &Connection<String, i32>) -> Vec<i32> {
        connection.edges.iter().map(|edge| edge.node).collect()
    }

    #[test]
    fn pages_follow_each_other_in_the_order_of_names() {
        let one = page(2, None);
        assert_eq!((nodes(&one), one.has_next_page, one.has_previous_page), (vec![1, 2], true, false));
        let cursor = one.edges.last().map(|edge| edge.cursor.clone());
        let two = page(2, cursor.as_deref());
        assert_eq!((nodes(&two), two.has_next_page, two.has_previous_page), (vec![3], false, true));
    }

    #[test]
    fn a_page_too_large_or_a_foreign_cursor_is_refused() {
        assert!(first(Some(MAX_FIRST + 1)).is_err() && first(Some(-1)).is_err());
        assert!(place("!").is_err());
    }
}
