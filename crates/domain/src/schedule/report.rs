//! How on-call time is shared: hours, nights and weekends of each person, and what nobody covers.

use std::collections::BTreeMap;

use super::{
    model::Span,
    timeline::{Segment, TooLong, shifts},
    timetable::Timetable,
    zone::Zone,
};
use crate::{Timestamp, UserId};

const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60 * MINUTE;
const WEEK: i64 = 7 * DAY;
/// 1970-01-01 was a Thursday; weeks begin on Monday.
const EPOCH: i64 = 3 * DAY;
/// From when on the balance is as good as perfect, in percent.
const BALANCED: f64 = 95.0;

/// How on-call time was or will be shared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Minutes of the range.
    pub total_minutes: i64,
    /// Minutes in which somebody is on call.
    pub covered_minutes: i64,
    /// Everybody who is on call at least a minute.
    pub users: BTreeMap<UserId, Share>,
}

/// One person's share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Minutes on call.
    pub minutes: i64,
    /// Of them on Saturdays and Sundays, on the wall clock.
    pub weekend_minutes: i64,
    /// Of them between 22:00 and 06:00, on the wall clock.
    pub night_minutes: i64,
    /// How many times on call began or went on.
    pub shifts: usize,
}

impl Report {
    /// Minutes in which nobody is on call.
    pub const fn gap_minutes(&self) -> i64 {
        self.total_minutes - self.covered_minutes
    }

    /// How much of the range is covered, in percent; all of an empty one.
    pub fn coverage_percent(&self) -> f64 {
        if self.total_minutes == 0 { 100.0 } else { percent(self.covered_minutes, self.total_minutes) }
    }

    /// How evenly time is shared, in percent: for every two people the smaller share in percent of the
    /// larger one, and the mean of that.
    pub fn balance_percent(&self) -> f64 {
        let minutes: Vec<i64> = self.users.values().map(|share| share.minutes).collect();
        let mut pairs = 0_u32;
        let mut sum = 0.0;
        for (index, one) in minutes.iter().enumerate() {
            for other in &minutes[index + 1..] {
                pairs += 1;
                sum += percent(*one.min(other), *one.max(other));
            }
        }
        let mean = if pairs == 0 { 100.0 } else { sum / f64::from(pairs) };
        if mean >= BALANCED { 100.0 } else { mean }
    }
}

#[expect(clippy::cast_precision_loss, reason = "minutes of any range of ours are far below 2^52")]
fn percent(part: i64, whole: i64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

impl Timetable {
    /// How on-call time is shared in a range.
    pub fn report(&self, from: Timestamp, to: Timestamp) -> Result<Report, TooLong> {
        Ok(self.report_on(&self.timeline(from, to)?))
    }

    /// How on-call time is shared in a timeline.
    pub fn report_on(&self, timeline: &[Segment]) -> Report {
        let (mut total, mut covered) = (0, 0);
        let mut sums: BTreeMap<UserId, Share> = BTreeMap::new();
        for segment in timeline {
            let seconds = seconds(segment.span());
            total += seconds;
            covered += if segment.users.is_empty() { 0 } else { seconds };
            let (weekend, night) = self.unsocial(segment.span());
            for user in &segment.users {
                let share = sums.entry(*user).or_default();
                share.minutes += seconds;
                share.weekend_minutes += weekend;
                share.night_minutes += night;
            }
        }
        let mut users = BTreeMap::new();
        for (user, sum) in sums {
            let share = Share {
                minutes: sum.minutes / MINUTE,
                weekend_minutes: sum.weekend_minutes / MINUTE,
                night_minutes: sum.night_minutes / MINUTE,
                shifts: shifts(timeline, user).len(),
            };
            if share.minutes > 0 {
                users.insert(user, share);
            }
        }
        Report { total_minutes: total / MINUTE, covered_minutes: covered / MINUTE, users }
    }

    /// Seconds of a span on weekends and at night, on the wall clock of the version that holds.
    fn unsocial(&self, span: Span) -> (i64, i64) {
        let (mut weekend, mut night) = (0, 0);
        for (part, era) in self.parts(span.start, span.end) {
            let Some(era) = era else { continue };
            let (in_weekend, at_night) = unsocial(&era.zone, part);
            weekend += in_weekend;
            night += at_night;
        }
        (weekend, night)
    }
}

fn unsocial(zone: &Zone, span: Span) -> (i64, i64) {
    let (mut weekend, mut night) = (0, 0);
    for (start, end, offset) in zone.pieces(span.start, span.end) {
        let local = |at: Timestamp| at.millis().div_euclid(1000) + i64::from(offset) + EPOCH;
        weekend += weekend_until(local(end)) - weekend_until(local(start));
        night += night_until(local(end)) - night_until(local(start));
    }
    (weekend, night)
}

/// Seconds of weekends from a Monday long ago until a local time.
fn weekend_until(local: i64) -> i64 {
    local.div_euclid(WEEK) * 2 * DAY + (local.rem_euclid(WEEK) - 5 * DAY).max(0)
}

/// Seconds of nights from a midnight long ago until a local time.
fn night_until(local: i64) -> i64 {
    let (morning, evening) = (6 * 60 * MINUTE, 22 * 60 * MINUTE);
    let today = local.rem_euclid(DAY);
    local.div_euclid(DAY) * (morning + DAY - evening) + today.min(morning) + (today - evening).max(0)
}

fn seconds(span: Span) -> i64 {
    (span.end.millis() - span.start.millis()) / 1000
}
