//! How many messages an integration takes, and what is known of those beyond that.

use super::Hourly;
use crate::Timestamp;

/// How many messages an integration takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    per_minute: u32,
}

impl RateLimit {
    /// What an integration takes unless told otherwise: more than monitoring tools send in their worst hour, less
    /// than what would slow down the others.
    pub const USUAL_PER_MINUTE: u32 = 60_000;
    /// The most that can be chosen: no limit that anybody meets.
    pub const MOST_PER_MINUTE: u32 = 60_000_000;

    /// What was chosen, or else the usual.
    pub const fn of(chosen: Option<u32>) -> Self {
        let per_minute = match chosen {
            Some(0) => 1,
            Some(chosen) => chosen,
            None => Self::USUAL_PER_MINUTE,
        };
        Self { per_minute }
    }

    /// Messages in a minute, for as long as it lasts.
    pub const fn per_minute(self) -> u32 {
        self.per_minute
    }

    /// Messages that may come in one moment: what ten seconds allow, and of a small limit up to sixty, because tools
    /// send in bursts what they found in one round.
    pub const fn at_once(self) -> u32 {
        let (ten_seconds, small) =
            (self.per_minute / 6, if self.per_minute < 60 { self.per_minute } else { 60 });
        if ten_seconds > small { ten_seconds } else { small }
    }
}

/// Messages that were refused because too many came. Nothing of them was kept, and their senders were told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limited {
    /// How many, as far as that was noted.
    pub count: u64,
    /// When some were noted last.
    pub last_at: Option<Timestamp>,
    /// How many were noted in each of the last hours.
    pub hourly: Hourly,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_seconds_worth_may_come_at_once_and_of_small_limits_up_to_sixty() {
        let at_once = |chosen| RateLimit::of(chosen).at_once();
        assert_eq!(RateLimit::of(None).per_minute(), 60_000);
        assert_eq!(at_once(None), 10_000);
        for (chosen, expected) in [(1, 1), (3, 3), (60, 60), (120, 60), (600, 100), (30_000, 5000)] {
            assert_eq!(at_once(Some(chosen)), expected, "{chosen}");
        }
    }
}
