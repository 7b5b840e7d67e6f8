//! The schedule clock: the wall clock of a zone, made to never run backwards.
//!
//! Its reading at an instant is the highest wall-clock reading shown at that instant or before. In
//! autumn it stands still at the last minute before the clocks go back until the wall clock has
//! caught up; in spring it jumps. Two things written with the same local time therefore happen at
//! the same instant, so handoffs leave no hole and never overlap.

use chrono::{DateTime, LocalResult, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};

use crate::Timestamp;

/// What the schedule clock of `zone` shows at `at`, with the seconds cut off while it stands still.
pub fn reading(zone: Tz, at: Timestamp) -> NaiveDateTime {
    let local = at.utc().with_timezone(&zone).naive_local();
    match zone.from_local_datetime(&local) {
        LocalResult::Ambiguous(first, second) if at.utc() >= second.with_timezone(&Utc) => {
            let change = clocks_go_back(zone, first.with_timezone(&Utc), at.utc());
            let before = change - TimeDelta::minutes(1);
            before.with_timezone(&zone).naive_local()
        }
        _ => local,
    }
}

/// The first instant at which the schedule clock of `zone` shows `local` or later.
pub fn resolve(zone: Tz, local: NaiveDateTime) -> Timestamp {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.with_timezone(&Utc).into(),
        LocalResult::None => match GapInfo::new(&local, &zone).and_then(|gap| gap.end) {
            Some(end) => end.with_timezone(&Utc).into(),
            // Unreachable for real zones: a time that does not exist lies in a gap.
            None => local.and_utc().into(),
        },
    }
}

/// The instant between two passes through one local time at which the clocks went back.
fn clocks_go_back(zone: Tz, first_pass: DateTime<Utc>, second_pass: DateTime<Utc>) -> DateTime<Utc> {
    use chrono::Offset;
    let offset = |at: DateTime<Utc>| at.with_timezone(&zone).offset().fix();
    let (mut before, mut after) = (first_pass, second_pass);
    let old = offset(before);
    while after - before > TimeDelta::seconds(1) {
        let middle = before + (after - before) / 2;
        if offset(middle) == old { before = middle } else { after = middle }
    }
    // Clocks change on whole minutes of UTC in every zone since 1970.
    let seconds = after.timestamp();
    DateTime::from_timestamp(seconds - seconds.rem_euclid(60), 0).unwrap_or(after)
}
