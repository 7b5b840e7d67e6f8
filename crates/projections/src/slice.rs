//! One page of a list.

use crate::ReadError;

/// A part of a list, with what is needed to ask for the next part.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice<T> {
    /// Each item with its cursor: an opaque text that stays valid while the list grows.
    pub items: Vec<(String, T)>,
    /// Whether the list goes on after the last item.
    pub has_next: bool,
}

impl<T> Slice<T> {
    /// Keeps `first` of the rows, of which one more was fetched in order to know whether the list goes on.
    pub(crate) fn cut(rows: impl IntoIterator<Item = (u64, T)>, first: usize) -> Self {
        let mut rows = rows.into_iter();
        let items = rows.by_ref().take(first).map(|(place, item)| (cursor(place), item)).collect();
        Self { items, has_next: rows.next().is_some() }
    }
}

/// The cursor of a place in a list.
pub(crate) fn cursor(place: u64) -> String {
    format!("c{place:x}")
}

/// The place that a cursor stands for.
pub(crate) fn place(cursor: Option<&str>) -> Result<Option<u64>, ReadError> {
    let Some(text) = cursor else { return Ok(None) };
    let digits = text.strip_prefix('c').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    digits
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .filter(|place| i64::try_from(*place).is_ok())
        .map(Some)
        .ok_or_else(|| ReadError::Cursor(text.chars().take(64).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back() {
        assert_eq!(place(Some(&cursor(255))).expect("our own cursor"), Some(255));
        assert_eq!(place(None).expect("no cursor"), None);
    }

    #[test]
    fn a_foreign_text_is_no_cursor() {
        for text in ["", "c", "255", "c+1", "cffffffffffffffff", "cfffffffffffffffff", "c1 "] {
            assert!(matches!(place(Some(text)), Err(ReadError::Cursor(_))), "{text}");
        }
    }

    #[test]
    fn one_row_too_many_means_that_the_list_goes_on() {
        let rows = [(1, 'a'), (2, 'b'), (3, 'c')];
        assert!(Slice::cut(rows, 2).has_next);
        assert!(!Slice::cut(rows, 3).has_next);
        assert_eq!(Slice::cut(rows, 0).items, []);
    }
}
