//! The schedule clock of a zone: its wall clock, made to never run backwards.
//!
//! Its reading at an instant is the highest wall-clock reading shown at that instant or before. In
//! autumn it stands still at the last minute before the clocks go back until the wall clock has
//! caught up; in spring it jumps. Two things written with the same local time therefore happen at
//! the same instant, so handoffs leave no hole and never overlap.

use chrono::{DateTime, NaiveDateTime};

use crate::Timestamp;

/// Gregorian dates, weekdays included, and with them the rules of zones repeat after 400 years.
const CYCLE: i64 = 146_097 * 86_400;
/// From here on, in seconds since 1970, instants are taken back by whole cycles: 2500-01-01.
const CYCLE_END: i64 = 16_725_225_600;

/// Minutes of a wall clock since 1970-01-01T00:00 on it.
pub(super) type Minute = i64;

/// After this minute of any wall clock, instants cannot be written any more.
pub(super) const LAST_MINUTE: Minute = 253_402_300_799 / 60 + 2 * 24 * 60;

/// What a zone's wall clock shows, as a table that is searched.
#[derive(Debug, PartialEq, Eq)]
pub struct Zone {
    /// Since when each offset holds, in seconds since 1970; the first holds since ever.
    since: Vec<i64>,
    /// Seconds that the wall clock is ahead of UTC.
    offsets: Vec<i32>,
    /// The wall clock's lowest reading, in seconds, that no earlier offset has reached.
    unseen: Vec<i64>,
}

/// How a local time that somebody wrote relates to the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The wall clock shows it once.
    Once(Timestamp),
    /// The wall clock skips it; it happens at the first instant after the gap.
    Skipped(Timestamp),
    /// The wall clock shows it twice; it happens the first time.
    Twice(Timestamp),
}

impl Written {
    /// The instant at which it happens.
    pub const fn at(self) -> Timestamp {
        match self {
            Self::Once(at) | Self::Skipped(at) | Self::Twice(at) => at,
        }
    }
}

impl Zone {
    /// The instant up to which a table must tell every change, in seconds since 1970.
    pub(super) const TOLD_UNTIL: i64 = CYCLE_END + 366 * 86_400;

    /// The zone that begins with an offset and changes to others, in seconds, in the order of time.
    pub(super) fn new(first: i32, changes: impl IntoIterator<Item = (i64, i32)>) -> Self {
        let mut zone = Self { since: vec![i64::MIN], offsets: vec![first], unseen: vec![i64::MIN] };
        for (at, offset) in changes {
            let last = zone.offsets.len() - 1;
            if zone.offsets[last] == offset || at <= zone.since[last] {
                continue;
            }
            let reached = at + i64::from(zone.offsets[last]);
            zone.unseen.push(reached.max(zone.unseen[last]));
            zone.since.push(at);
            zone.offsets.push(offset);
        }
        zone
    }

    /// How many seconds the wall clock is ahead of UTC.
    pub fn offset_at(&self, at: Timestamp) -> i32 {
        let (seconds, _) = folded(at.millis().div_euclid(1000));
        self.offsets[self.piece(seconds)]
    }

    /// What the wall clock shows.
    pub fn wall_clock(&self, at: Timestamp) -> NaiveDateTime {
        local(at.millis() + i64::from(self.offset_at(at)) * 1000)
    }

    /// What the schedule clock shows, with the seconds cut off while it stands still.
    pub fn reading(&self, at: Timestamp) -> NaiveDateTime {
        let wall_clock = self.wall_clock(at);
        let minute = self.minute(at);
        if minutes(wall_clock) == minute { wall_clock } else { local(minute * 60_000) }
    }

    /// The first instant at which the schedule clock shows a local time or a later one.
    pub fn resolve(&self, local: NaiveDateTime) -> Timestamp {
        self.instant_of(local.and_utc().timestamp())
    }

    /// Like [`Zone::resolve`], and whether the wall clock skips the local time or shows it twice.
    pub fn written(&self, local: NaiveDateTime) -> Written {
        let at = self.resolve(local);
        if self.wall_clock(at) != local {
            return Written::Skipped(at);
        }
        let (seconds, _) = folded(at.millis().div_euclid(1000));
        let next = self.piece(seconds) + 1;
        let again = self.since.get(next).is_some_and(|since| {
            let (shown, _) = folded(local.and_utc().timestamp());
            shown >= since + i64::from(self.offsets[next])
        });
        if again { Written::Twice(at) } else { Written::Once(at) }
    }

    /// The whole minute that the schedule clock shows.
    pub(super) fn minute(&self, at: Timestamp) -> Minute {
        let (seconds, cycles) = folded(at.millis().div_euclid(1000));
        let piece = self.piece(seconds);
        let shown = seconds + i64::from(self.offsets[piece]);
        let unseen = self.unseen[piece];
        let shown = if shown < unseen { unseen - 1 } else { shown };
        (shown + cycles).div_euclid(60)
    }

    /// The first instant at which the schedule clock shows a minute or a later one.
    pub(super) fn instant(&self, minute: Minute) -> Timestamp {
        self.instant_of(minute.saturating_mul(60))
    }

    /// The pieces of a range between changes of the offset, each with its offset in seconds.
    pub(super) fn pieces(&self, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Timestamp, i32)> {
        let mut pieces = vec![];
        let mut at = from;
        while at < to {
            let (seconds, cycles) = folded(at.millis().div_euclid(1000));
            let piece = self.piece(seconds);
            let end =
                self.since.get(piece + 1).map_or(to, |next| Timestamp::from_millis((next + cycles) * 1000));
            let end = end.min(to);
            pieces.push((at, end, self.offsets[piece]));
            at = end;
        }
        pieces
    }

    /// The offset at the beginning of a range, and each change inside it, in seconds.
    pub(super) fn offsets(&self, from: Timestamp, to: Timestamp) -> (i32, Vec<(i64, i32)>) {
        let pieces = self.pieces(from, to);
        let changes = pieces.iter().skip(1).map(|(at, _, offset)| (at.millis().div_euclid(1000), *offset));
        (self.offset_at(from), changes.collect())
    }

    fn instant_of(&self, local: i64) -> Timestamp {
        let (local, cycles) = folded(local);
        let piece = self.unseen.partition_point(|unseen| *unseen <= local) - 1;
        let seconds = (local - i64::from(self.offsets[piece])).max(self.since[piece]);
        Timestamp::from_millis((seconds + cycles).saturating_mul(1000))
    }

    fn piece(&self, seconds: i64) -> usize {
        self.since.partition_point(|since| *since <= seconds) - 1
    }
}

/// A number of seconds inside the table, and what was taken away.
const fn folded(seconds: i64) -> (i64, i64) {
    if seconds < CYCLE_END {
        return (seconds, 0);
    }
    let cycles = ((seconds - CYCLE_END) / CYCLE + 1) * CYCLE;
    (seconds - cycles, cycles)
}

fn local(millis: i64) -> NaiveDateTime {
    DateTime::from_timestamp_millis(millis).unwrap_or_default().naive_utc()
}

/// The whole minutes of a wall-clock reading.
pub(super) fn minutes(local: NaiveDateTime) -> Minute {
    local.and_utc().timestamp().div_euclid(60)
}
