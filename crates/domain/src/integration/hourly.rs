//! How many messages of one sort came in each of the last hours.

use std::collections::VecDeque;

use crate::Timestamp;

/// Milliseconds of an hour.
const HOUR: i64 = 3_600_000;

/// How many messages of one sort came in each of the last hours in which any came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hourly(VecDeque<(i64, u64)>);

impl Hourly {
    /// So many hours are remembered: a week's.
    pub const HOURS: u32 = 168;

    pub(super) fn note(&mut self, count: u32, at: Timestamp) {
        let hour = at.millis().div_euclid(HOUR);
        match self.0.back_mut() {
            // A clock that was set back counts for the hour that was reached.
            Some((last, counted)) if *last >= hour => *counted += u64::from(count),
            _ => self.0.push_back((hour, count.into())),
        }
        let last = self.0.back().map_or(hour, |(last, _)| *last);
        while self.0.front().is_some_and(|(first, _)| *first < last - i64::from(Self::HOURS)) {
            self.0.pop_front();
        }
    }

    /// How many came since an instant, from the beginning of its hour on.
    pub fn since(&self, at: Timestamp) -> u64 {
        let from = at.millis().div_euclid(HOUR);
        self.0.iter().filter(|(hour, _)| *hour >= from).map(|(_, counted)| counted).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_counted_apart_and_forgotten_after_a_week() {
        let mut hourly = Hourly::default();
        let at = |hour: i64, minute: i64| {
            Timestamp::from_millis(1_764_000_000_000 + hour * HOUR + minute * 60_000)
        };
        for (hour, count) in [(0, 1), (0, 2), (1, 10), (23, 100), (22, 1000)] {
            hourly.note(count, at(hour, 5));
        }
        assert_eq!([0, 1, 2, 23, 24].map(|hour| hourly.since(at(hour, 30))), [1113, 1110, 1100, 1100, 0]);
        hourly.note(1, at(168, 5));
        assert_eq!(hourly.since(at(0, 0)), 1114);
        hourly.note(1, at(169, 5));
        assert_eq!(hourly.since(at(0, 0)), 1112);
        for hour in 0..10_000 {
            hourly.note(1, at(hour, 0));
        }
        assert!(hourly.0.len() <= Hourly::HOURS as usize + 1);
    }
}
