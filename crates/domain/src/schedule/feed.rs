//! What calendars are told: each shift under an id that stays, and what became of shifts told before.
//!
//! A calendar that somebody subscribed to, and one that Midwatch writes into, need the same list: the shifts
//! from [`DAYS_BACK`] days ago to [`DAYS_AHEAD`] days ahead, each with an id, and for a shift that was told and
//! is no more, that it is cancelled. Nothing is remembered for this: [`ShiftFeed`] is a fold over the
//! [`History`] of the schedule, as if a calendar had looked after every single event. So it is the same after a
//! restart, after a rebuild and on every node.
//!
//! - **The id** follows from schedule, person and the instant at which the shift begins. A shift that ends at
//!   another time is the same shift; one that begins at another time is another one.
//! - **The sequence** is the number of the event of the schedule that last changed the shift, or, if none has
//!   since the shift came into sight ([`DAYS_AHEAD`] days before it begins), the number of the last event
//!   before that. It rises with every change and at no other time. A new name of the schedule changes all that
//!   is not cancelled, because every title shows it; names of people do not count.
//! - **Cancelled** is a shift that could be seen before an event and is not there after it. If a later event
//!   brings it back, it has the same id and a higher sequence.
//!
//! All editions are told in the zones of today. When a government moves its clocks and the zone data follows,
//! shifts that begin at another instant are new ones, and the old ones are gone without being cancelled:
//! calendars that are read whole drop what is not in them any more.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    events::ScheduleEvent,
    history::{History, Record},
    model::Span,
    runs::{LONG_DAYS, days, runs},
    state::Schedule,
    timeline::TooLong,
    timetable::Timetable,
    tzdb::Zones,
};
use crate::{Aggregate, ScheduleId, Timestamp, UserId, id::derived};

/// How many days that have passed a calendar shows.
pub const DAYS_BACK: i64 = 30;
/// How many days ahead a calendar shows.
pub const DAYS_AHEAD: i64 = 365;

/// One person's time on call without a break, as calendars show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    /// The only id that a shift of this person can have that begins at this instant in this schedule.
    pub id: Uuid,
    /// Who.
    pub user: UserId,
    /// From when to when; for one that is cancelled, what was told last.
    pub span: Span,
    /// Rises whenever the shift changes.
    pub sequence: u64,
    /// Since when it is told like this.
    pub changed_at: Timestamp,
    /// Whether it was told earlier and is no more.
    pub cancelled: bool,
}

/// What an event did to a shift that could be seen.
#[derive(Clone, Copy, Debug)]
struct Change {
    number: u64,
    at: Timestamp,
    end: Timestamp,
    cancelled: bool,
}

/// What became of the shifts of a schedule that calendars could see, as far as its history was followed.
#[derive(Clone, Debug, Default)]
pub struct ShiftFeed {
    followed: usize,
    schedule: Schedule,
    /// By the beginning of the shift and the person.
    changes: BTreeMap<(Timestamp, UserId), Change>,
    /// The number of the event that last gave the schedule a new name, and when.
    renamed: Option<(u64, Timestamp)>,
}

impl ShiftFeed {
    /// Follows the rest of a history of which this has followed the beginning.
    pub fn follow(&mut self, history: &History, zones: &dyn Zones) -> Result<(), TooLong> {
        let records = history.records();
        let Some(newest) = records.last() else { return Ok(()) };
        let mut before: Option<Timetable> = None;
        for record in records.get(self.followed..).unwrap_or_default() {
            let affected = affected(record, &self.schedule).filter(|_| !is_out_of_sight(record, newest.at));
            if affected.is_some() && before.is_none() {
                before = self.schedule.timetable(zones).ok();
            }
            self.schedule.evolve(&record.event);
            self.followed += 1;
            if let ScheduleEvent::Renamed { .. } = record.event {
                self.renamed = Some((record.number, record.at));
            }
            let Some(affected) = affected else {
                // What this event did to the schedule is in the next comparison's beginning.
                before = None;
                continue;
            };
            // An edition that this Midwatch cannot read, if there ever is one, is passed over.
            let Ok(after) = self.schedule.timetable(zones) else { continue };
            if let Some(before) = &before {
                self.compare(record, affected, before, &after)?;
            }
            before = Some(after);
        }
        let oldest = shown(newest.at).start;
        self.changes.retain(|_, change| change.end > oldest);
        Ok(())
    }

    /// How many events of the history it has followed.
    pub const fn followed(&self) -> usize {
        self.followed
    }

    /// What calendars show at an instant, by beginnings; `timetable` is that of the schedule as the history
    /// leaves it.
    pub fn shifts(
        &self,
        schedule: ScheduleId,
        history: &History,
        timetable: &Timetable,
        now: Timestamp,
    ) -> Result<Vec<Shift>, TooLong> {
        let shown = shown(now);
        let told = |user: UserId, span: Span, number: u64, at: Timestamp, cancelled: bool| {
            // What is gone is told as it was left.
            let (renamed, renamed_at) = self.renamed.filter(|_| !cancelled).unwrap_or_default();
            let (sequence, changed_at) = (number.max(renamed), at.max(renamed_at));
            Shift { id: id(schedule, user, span.start), user, span, sequence, changed_at, cancelled }
        };
        let live = runs(timetable, shown)?.into_iter().filter(|(_, span)| span.overlaps(shown));
        let live = live.filter_map(|(user, span)| {
            if let Some(change) = self.changes.get(&(span.start, user)) {
                return Some(told(user, span, change.number, change.at, false));
            }
            let seen_from = days(span.start, -DAYS_AHEAD);
            let record = history.last_by(seen_from)?;
            Some(told(user, span, record.number, record.at.max(seen_from), false))
        });
        let gone =
            self.changes.iter().filter(|(_, change)| change.cancelled).map(|((start, user), change)| {
                let span = Span { start: *start, end: change.end };
                told(*user, span, change.number, change.at, true)
            });
        let mut shifts: Vec<Shift> = live.chain(gone.filter(|shift| shift.span.overlaps(shown))).collect();
        shifts.sort_unstable_by_key(|shift| (shift.span.start, shift.user));
        Ok(shifts)
    }

    /// Notes what an event did to the shifts that could be seen when it was recorded.
    fn compare(
        &mut self,
        record: &Record,
        affected: Span,
        before: &Timetable,
        after: &Timetable,
    ) -> Result<(), TooLong> {
        let shown = shown(record.at);
        let seen = |timetable: &Timetable| {
            let runs = runs(timetable, affected)?.into_iter().filter(|(_, span)| span.overlaps(shown));
            Ok(runs.map(|(user, span)| ((span.start, user), span.end)).collect::<BTreeMap<_, _>>())
        };
        let (old, new) = (seen(before)?, seen(after)?);
        let Record { number, at, .. } = *record;
        for (shift, end) in &new {
            if old.get(shift) != Some(end) {
                self.changes.insert(*shift, Change { number, at, end: *end, cancelled: false });
            }
        }
        for (shift, end) in old.into_iter().filter(|(shift, _)| !new.contains_key(shift)) {
            self.changes.insert(shift, Change { number, at, end, cancelled: true });
        }
        Ok(())
    }
}

/// The id that calendars know a shift by.
fn id(schedule: ScheduleId, user: UserId, start: Timestamp) -> Uuid {
    let (schedule, user) = (schedule.uuid(), user.uuid());
    derived(&[b"shift", schedule.as_bytes(), user.as_bytes(), &start.millis().to_be_bytes()])
}

/// What calendars show at an instant.
fn shown(now: Timestamp) -> Span {
    Span { start: days(now, -DAYS_BACK), end: days(now, DAYS_AHEAD) }
}

/// Whether no shift that an event changed can be seen any more.
fn is_out_of_sight(record: &Record, now: Timestamp) -> bool {
    days(record.at, DAYS_AHEAD + LONG_DAYS) < shown(now).start
}

/// The time in which an event can have changed shifts that can be seen, and as much around it as a shift may
/// reach; `before` is the schedule without the event.
fn affected(record: &Record, before: &Schedule) -> Option<Span> {
    let from = |start| Some(Span { start, end: shown(record.at).end });
    let span = match &record.event {
        // What a new schedule says was never told otherwise.
        ScheduleEvent::Created { .. }
        | ScheduleEvent::Renamed { .. }
        | ScheduleEvent::SwapRequested { .. }
        | ScheduleEvent::SwapDeclined { .. }
        | ScheduleEvent::SwapWithdrawn { .. } => None,
        ScheduleEvent::VersionAdded { version } | ScheduleEvent::VersionReplaced { version } => {
            from(version.effective_from)
        }
        ScheduleEvent::VersionDropped { effective_from } => from(*effective_from),
        ScheduleEvent::Retired { at } => from(*at),
        ScheduleEvent::OverrideAdded { span, .. } => Some(*span),
        ScheduleEvent::OverrideCancelled { id, .. } => before.find_override(*id).map(|one| one.span),
        ScheduleEvent::SwapAccepted { id, .. } | ScheduleEvent::SwapUndone { id, .. } => {
            before.find_swap(*id).map(|swap| {
                let start = swap.take.map_or(swap.give.start, |take| take.start.min(swap.give.start));
                Span { start, end: swap.end() }
            })
        }
    }?;
    let shown = shown(record.at);
    let span = Span { start: span.start.max(shown.start), end: span.end.min(shown.end) };
    let around = Span { start: days(span.start, -LONG_DAYS), end: days(span.end, LONG_DAYS) };
    (span.start < span.end).then_some(around)
}
