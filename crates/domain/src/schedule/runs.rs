//! Times on call as calendars show them: whole, wherever one looks from, and none of them endless.

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};

use super::{
    model::Span,
    timeline::{Segment, TooLong, shifts},
    timetable::Timetable,
};
use crate::{Timestamp, UserId};

/// From so many days on, a time on call is shown month by month: somebody who is on call for ever must not
/// have one entry whose beginning and end nobody can see.
pub(super) const LONG_DAYS: i64 = 62;
/// The range of one question about a timeline, in days; busy schedules may not be asked for more at once.
const STEP_DAYS: i64 = 60;
const DAY: i64 = 86_400_000;

/// The instant so many days of 24 hours later.
pub(super) const fn days(at: Timestamp, days: i64) -> Timestamp {
    Timestamp::from_millis(at.millis().saturating_add(days * DAY))
}

/// Every time on call that overlaps a range or touches it, with its true beginning and end, of each person in
/// order. The range that is looked at never shows in them.
pub(super) fn runs(timetable: &Timetable, range: Span) -> Result<Vec<(UserId, Span)>, TooLong> {
    // What is cut off at the edges of this is long, whatever lies beyond.
    let wide = Span { start: days(range.start, -LONG_DAYS), end: days(range.end, LONG_DAYS) };
    let timeline = timeline(timetable, wide)?;
    let mut people: Vec<UserId> = timeline.iter().flat_map(|segment| &segment.users).copied().collect();
    people.sort_unstable();
    people.dedup();
    let touches = |span: &Span| span.start <= range.end && range.start <= span.end;
    let of_person = |user: UserId| {
        let runs = shifts(&timeline, user).into_iter().filter(touches);
        runs.flat_map(by_month).filter(touches).map(move |span| (user, span)).collect::<Vec<_>>()
    };
    Ok(people.into_iter().flat_map(of_person).collect())
}

/// A timeline of any length, piece by piece.
fn timeline(timetable: &Timetable, range: Span) -> Result<Vec<Segment>, TooLong> {
    let mut whole = vec![];
    let mut start = range.start;
    while start < range.end {
        let end = days(start, STEP_DAYS).min(range.end);
        // Neighbours with the same people are joined when shifts are made of them.
        whole.extend(timetable.timeline(start, end)?);
        start = end;
    }
    Ok(whole)
}

/// Cuts a long time where months begin in UTC.
fn by_month(run: Span) -> Vec<Span> {
    if run.end < days(run.start, LONG_DAYS) {
        return vec![run];
    }
    let mut pieces = vec![];
    let mut start = run.start;
    while start < run.end {
        let end = next_month(start).map_or(run.end, |next| next.min(run.end));
        pieces.push(Span { start, end });
        start = end;
    }
    pieces
}

/// When the month after that of an instant begins in UTC.
fn next_month(at: Timestamp) -> Option<Timestamp> {
    let day = at.utc().date_naive();
    let first = NaiveDate::from_ymd_opt(day.year(), day.month(), 1)?.checked_add_months(Months::new(1))?;
    let next: DateTime<Utc> = first.and_time(NaiveTime::MIN).and_utc();
    let next = Timestamp::from(next);
    // The last representable year ends, and with it every month.
    (next > at).then_some(next)
}
