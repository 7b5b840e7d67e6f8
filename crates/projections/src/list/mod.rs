//! Lists that are searched: the newest rows first, by filters that indexes answer and by words that memory answers.

mod search;
mod walks;
mod words;

use domain::{Severity, Timestamp};
use uuid::Uuid;

use crate::ReadError;

pub(crate) use search::Search;
pub(crate) use words::words;

/// A table whose rows have a `number` without gaps in the order in which they came, and `words`, `status` and `severity`
/// to search by.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) table: &'static str,
    /// The column with the time by which the newest are first; of equal ones the higher number is.
    pub(crate) at: &'static str,
    /// Every stored number for a status.
    pub(crate) statuses: &'static [u32],
}

/// Which rows of a list are wanted, their words aside. What is left out wants all of its kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// With one of these statuses.
    pub(crate) status: Vec<u32>,
    /// With one of these severities.
    pub(crate) severity: Vec<Severity>,
    /// With one of these ids in each of these columns, with which indexes begin.
    pub(crate) owners: Vec<(&'static str, Vec<Uuid>)>,
    /// With this number in this column, with which an index begins too.
    pub(crate) part_of: Option<(&'static str, u64)>,
    /// From this instant on.
    pub(crate) after: Option<Timestamp>,
    /// Before this instant.
    pub(crate) before: Option<Timestamp>,
}

/// A place in a list: the time of a row and its number. The newest are first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) at: Timestamp,
    pub(crate) number: u64,
}

impl Place {
    pub(crate) fn cursor(self) -> String {
        format!("c{:x}-{:x}", self.at.millis(), self.number)
    }

    pub(crate) fn parse(cursor: Option<&str>) -> Result<Option<Self>, ReadError> {
        let Some(text) = cursor else { return Ok(None) };
        let hexadecimal = |digits: &str| {
            let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            u64::from_str_radix(digits, 16).ok().filter(|_| plain)
        };
        let parts = text.strip_prefix('c').and_then(|parts| parts.split_once('-'));
        parts
            .and_then(|(at, number)| Some((hexadecimal(at)?, hexadecimal(number)?)))
            .filter(|(_, number)| i64::try_from(*number).is_ok())
            .map(|(millis, number)| Self { at: Timestamp::from_millis(millis.cast_signed()), number })
            .map(Some)
            .ok_or_else(|| ReadError::Cursor(text.chars().take(64).collect()))
    }
}

/// The stored number of a severity.
pub(crate) const fn severity_number(severity: Severity) -> u32 {
    match severity {
        Severity::Info => 0,
        Severity::Low => 1,
        Severity::Medium => 2,
        Severity::High => 3,
        Severity::Critical => 4,
    }
}

/// The severity of a stored number.
pub(crate) fn severity_of(number: u32) -> Result<Severity, ReadError> {
    let found = Severity::ALL.into_iter().find(|severity| severity_number(*severity) == number);
    found.ok_or_else(|| ReadError::Damaged(format!("there is no severity {number}").into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_also_from_before_1970() {
        for millis in [0, 1_764_000_000_123, -5] {
            let place = Place { at: Timestamp::from_millis(millis), number: 7 };
            assert_eq!(Place::parse(Some(&place.cursor())).expect("our own cursor"), Some(place));
        }
        assert_eq!(Place::parse(None).expect("no cursor"), None);
        for text in ["", "c", "c1", "c1-", "c-1", "c+1-1", "c1-ffffffffffffffff"] {
            assert!(matches!(Place::parse(Some(text)), Err(ReadError::Cursor(_))), "{text}");
        }
    }

    #[test]
    fn a_severity_reads_back() {
        for severity in Severity::ALL {
            assert_eq!(severity_of(severity_number(severity)).expect("a severity"), severity);
        }
        assert!(severity_of(5).is_err());
    }
}
