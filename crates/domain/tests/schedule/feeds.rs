//! What calendars are told: ids that stay, sequences that rise with every change, and what is cancelled.

use std::collections::BTreeMap;

use domain::{
    Aggregate, ScheduleId, Timestamp, UserId,
    schedule::{
        Change, DAYS_AHEAD, DAYS_BACK, History, Rotation, Schedule, ScheduleCommand, ScheduleEvent, Shift,
        ShiftFeed, Span, Unit,
    },
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::{laws::write, world::*};

const PRIMARY: ScheduleId = ScheduleId::new(Uuid::from_u128(9));
const DAY: i64 = 86_400_000;

/// A schedule, everything that happened to it, and a calendar that looks now and then.
#[derive(Default)]
struct Story {
    schedule: Schedule,
    history: History,
    feed: ShiftFeed,
}

impl Story {
    /// Ada, Bob and Eve, a week each from Monday at nine in London; made on New Year's Day.
    fn three() -> Self {
        let mut story = Self::default();
        let first = create(version("2026-01-01T00:00:00Z", vec![weekly(&[ADA, BOB, EVE])]));
        story.then(&first, "2026-01-01T00:00:00Z");
        story
    }

    fn then(&mut self, command: &ScheduleCommand, now: &str) {
        for event in accepted(&self.schedule, command) {
            self.happen(event, at(now));
        }
    }

    fn happen(&mut self, event: ScheduleEvent, now: Timestamp) {
        self.schedule.evolve(&event);
        let number = u64::try_from(self.history.events()).expect("few") + 1;
        self.history.record(number, now, event);
    }

    /// What a calendar that has looked before is told.
    fn look(&mut self, now: Timestamp) -> Vec<Shift> {
        self.feed.follow(&self.history, &*tzdb()).expect("little happens");
        told(&self.feed, &self.schedule, &self.history, now)
    }

    /// What a calendar is told by a node that has just started.
    fn look_afresh(&self, now: Timestamp) -> Vec<Shift> {
        let mut feed = ShiftFeed::default();
        feed.follow(&self.history, &*tzdb()).expect("little happens");
        told(&feed, &self.schedule, &self.history, now)
    }

    fn shift(&mut self, user: UserId, start: &str, now: &str) -> Shift {
        let shifts = self.look(at(now));
        let found = shifts.iter().find(|shift| shift.user == user && shift.span.start == at(start));
        found.unwrap_or_else(|| panic!("{user} has no shift from {start}: {shifts:#?}")).clone()
    }
}

fn told(feed: &ShiftFeed, schedule: &Schedule, history: &History, now: Timestamp) -> Vec<Shift> {
    feed.shifts(PRIMARY, history, &timetable(schedule), now).expect("little happens")
}

fn shown(now: Timestamp) -> Span {
    let days = |days: i64| Timestamp::from_millis(now.millis() + days * DAY);
    Span { start: days(-DAYS_BACK), end: days(DAYS_AHEAD) }
}

fn set(number: u128, user: UserId, window: Span, now: &str) -> ScheduleCommand {
    ScheduleCommand::AddOverride {
        id: override_id(number),
        change: Change::Set { users: vec![user] },
        span: window,
        reason: String::new(),
        by: by(user),
        unknown: vec![],
        at: at(now),
    }
}

#[test]
fn a_calendar_shows_whole_shifts_from_thirty_days_ago_to_a_year_ahead() {
    let mut story = Story::three();
    let now = at("2026-03-04T12:00:00Z");
    let shifts = story.look(now);
    let (first, last) = (&shifts[0], &shifts[shifts.len() - 1]);
    assert_eq!((first.user, first.span), (BOB, span("2026-02-02T09:00:00Z", "2026-02-09T09:00:00Z")));
    assert_eq!(last.span, span("2027-03-01T09:00:00Z", "2027-03-08T09:00:00Z"));
    // Nine o'clock in London is eight in UTC from the end of March to the end of October.
    let crossing = story.shift(EVE, "2026-03-23T09:00:00Z", "2026-03-04T12:00:00Z");
    assert_eq!(crossing.span.end, at("2026-03-30T08:00:00Z"));
    let crossing = story.shift(EVE, "2026-10-19T08:00:00Z", "2026-03-04T12:00:00Z");
    assert_eq!(crossing.span.end, at("2026-10-26T09:00:00Z"));
}

#[test]
fn a_shift_that_nothing_changes_is_told_alike_for_as_long_as_it_is_told() {
    let mut story = Story::three();
    let early = story.shift(ADA, "2026-12-28T09:00:00Z", "2026-01-01T00:00:01Z");
    assert_eq!((early.sequence, early.changed_at), (1, at("2026-01-01T00:00:00Z")));
    let week = span("2026-05-04T09:00:00Z", "2026-05-05T09:00:00Z");
    story.then(&set(1, DAN, week, "2026-05-01T00:00:00Z"), "2026-05-01T00:00:00Z");
    assert_eq!(story.shift(ADA, "2026-12-28T09:00:00Z", "2026-05-02T00:00:00Z"), early);
    assert_eq!(story.shift(ADA, "2026-12-28T09:00:00Z", "2027-01-30T00:00:00Z"), early);
    // One that comes into sight later begins with what the schedule says by then.
    let late = story.shift(EVE, "2027-05-17T08:00:00Z", "2026-06-01T00:00:00Z");
    assert_eq!((late.sequence, late.changed_at), (2, at("2026-05-17T08:00:00Z")));
    assert_eq!(story.shift(EVE, "2027-05-17T08:00:00Z", "2027-05-18T00:00:00Z"), late);
}

#[test]
fn an_override_shortens_one_shift_adds_another_and_cancelling_it_puts_things_back() {
    let mut story = Story::three();
    let (now, later) = ("2026-01-20T00:00:00Z", "2026-01-21T00:00:00Z");
    // Ada has the week from 2026-01-26; Dan takes its end.
    let before = story.shift(ADA, "2026-01-26T09:00:00Z", now);
    story.then(&set(1, DAN, span("2026-01-30T09:00:00Z", "2026-02-02T09:00:00Z"), now), now);
    let cut = story.shift(ADA, "2026-01-26T09:00:00Z", now);
    assert_eq!((cut.id, cut.sequence, cut.cancelled), (before.id, 2, false));
    assert_eq!((cut.span.end, cut.changed_at), (at("2026-01-30T09:00:00Z"), at(now)));
    let dan = story.shift(DAN, "2026-01-30T09:00:00Z", now);
    assert_eq!((dan.sequence, dan.cancelled), (2, false));
    let untouched = story.shift(BOB, "2026-02-02T09:00:00Z", now);
    assert_eq!(untouched.sequence, 1);

    story.then(&ScheduleCommand::CancelOverride { id: override_id(1), by: None, at: at(later) }, later);
    let whole = story.shift(ADA, "2026-01-26T09:00:00Z", later);
    assert_eq!((whole.id, whole.span, whole.sequence), (before.id, before.span, 3));
    let gone = story.shift(DAN, "2026-01-30T09:00:00Z", later);
    assert_eq!(gone, Shift { sequence: 3, changed_at: at(later), cancelled: true, ..dan });

    // And once more: the same shift is there again, newer than its cancellation.
    story.then(&set(2, DAN, span("2026-01-30T09:00:00Z", "2026-02-02T09:00:00Z"), later), later);
    let again = story.shift(DAN, "2026-01-30T09:00:00Z", later);
    assert_eq!((again.id, again.sequence, again.cancelled), (gone.id, 4, false));
}

#[test]
fn a_swap_cancels_two_shifts_and_adds_two() {
    let mut story = Story::three();
    let (now, zones) = ("2026-01-20T00:00:00Z", tzdb());
    let (give, take) = (
        span("2026-01-26T09:00:00Z", "2026-02-02T09:00:00Z"),
        span("2026-02-02T09:00:00Z", "2026-02-09T09:00:00Z"),
    );
    let request = ScheduleCommand::RequestSwap {
        id: swap_id(1),
        from: ADA,
        to: Some(BOB),
        give,
        take: Some(take),
        reason: String::new(),
        unknown: vec![],
        at: at(now),
        zones,
    };
    story.then(&request, now);
    assert_eq!(story.shift(ADA, "2026-01-26T09:00:00Z", now).sequence, 1, "asking changes nothing");
    let accept =
        ScheduleCommand::AcceptSwap { id: swap_id(1), by: BOB, unknown: vec![], at: at(now), zones: tzdb() };
    story.then(&accept, now);
    for (user, start, cancelled) in
        [(ADA, give.start, true), (BOB, give.start, false), (BOB, take.start, true), (ADA, take.start, false)]
    {
        let shift = story.shift(user, &start.to_string(), now);
        assert_eq!((shift.cancelled, shift.sequence), (cancelled, 3), "{user} {start}");
    }
    story.then(&ScheduleCommand::UndoSwap { id: swap_id(1), by: None, at: at(now) }, now);
    let back = story.shift(ADA, "2026-01-26T09:00:00Z", now);
    assert_eq!((back.span, back.sequence, back.cancelled), (give, 4, false));
}

#[test]
fn an_edit_cancels_what_was_told_and_retiring_cancels_all_that_is_ahead() {
    let mut story = Story::three();
    let now = "2026-01-20T00:00:00Z";
    let before = story.look(at(now));
    let mut layer = weekly(&[ADA, BOB, EVE]);
    layer.rotation_start = local("2026-01-05T10:00:00");
    story.then(&update(edit(vec![layer], Some("2026-03-01T00:00:00Z")), now), now);
    let after = story.look(at(now));
    let by_id: BTreeMap<Uuid, &Shift> = after.iter().map(|shift| (shift.id, shift)).collect();
    for old in &before {
        let new = by_id[&old.id];
        let ahead = old.span.start > at("2026-03-01T00:00:00Z");
        let running = old.span.contains(at("2026-03-01T00:00:00Z"));
        assert_eq!((new.cancelled, new.sequence), (ahead, if ahead || running { 2 } else { 1 }), "{new:?}");
    }
    story.then(&ScheduleCommand::RetireSchedule { at: at("2026-02-01T12:00:00Z") }, "2026-02-01T12:00:00Z");
    let left = story.look(at("2026-02-01T12:00:00Z"));
    let live: Vec<_> = left.iter().filter(|shift| !shift.cancelled).collect();
    assert!(live.iter().all(|shift| shift.span.end <= at("2026-02-01T12:00:00Z")), "{live:#?}");
    assert_eq!(live.len(), 4, "{live:#?}");
}

#[test]
fn a_new_name_changes_every_title_and_so_every_shift() {
    let mut story = Story::three();
    let before = story.look(at("2026-02-10T00:00:00Z"));
    let rename = ScheduleCommand::UpdateSchedule {
        name: Some("Secondary".to_owned()),
        edit: None,
        unknown: vec![],
        at: at("2026-02-10T00:00:00Z"),
    };
    story.then(&rename, "2026-02-10T00:00:00Z");
    let after = story.look(at("2026-02-10T00:00:00Z"));
    assert_eq!(before.len(), after.len());
    for (old, new) in before.into_iter().zip(after) {
        assert_eq!(new, Shift { sequence: 2, changed_at: at("2026-02-10T00:00:00Z"), ..old });
    }
}

#[test]
fn somebody_who_is_always_on_call_has_months_that_do_not_move() {
    let mut story = Story::default();
    let first = create(version("2025-01-10T00:00:00Z", vec![weekly(&[ADA])]));
    story.then(&first, "2025-01-10T00:00:00Z");
    let ids = |shifts: &[Shift]| shifts.iter().map(|shift| (shift.id, shift.span, shift.sequence)).collect();
    let early: Vec<_> = ids(&story.look(at("2026-08-10T12:34:56Z")));
    let late: Vec<_> = ids(&story.look(at("2026-08-31T23:59:59Z")));
    assert_eq!(early[0].1, span("2026-07-01T00:00:00Z", "2026-08-01T00:00:00Z"));
    let whole: BTreeMap<Uuid, _> = early.iter().map(|one| (one.0, one)).collect();
    let both: Vec<_> = late.iter().filter_map(|one| whole.get(&one.0).map(|known| (*known, one))).collect();
    assert_eq!(both.len(), 13);
    assert!(both.iter().all(|(known, one)| known == one));
    // Her first month begins when she did.
    let first = story.look(at("2026-01-20T00:00:00Z"));
    assert_eq!(first[0].span, span("2026-01-05T09:00:00Z", "2026-02-01T00:00:00Z"));
}

#[test]
fn a_busy_schedule_is_told_whole() {
    let mut layer = weekly(&[ADA, BOB, EVE]);
    layer.rotation = Rotation::Custom { every: 1, unit: Unit::Hours };
    let mut story = Story::default();
    story.then(&create(version("2026-01-05T09:00:00Z", vec![layer])), "2026-01-05T09:00:00Z");
    let shifts = story.look(at("2026-02-05T09:00:00Z"));
    // One for each hour of 395 days; the hour after the clocks go back is nobody's own.
    assert!((9_478..=9_482).contains(&shifts.len()), "{}", shifts.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// A calendar that looks after every event sees nothing vanish or change unsaid; and it does not matter
    /// whether the node remembers.
    #[test]
    fn nothing_changes_without_a_higher_sequence(
        writes in prop::collection::vec((0_usize..9, 1_u64..1_500_000, 0_u128..4), 1..14),
    ) {
        let people = [ADA, BOB, EVE, DAN];
        let mut story = Story::three();
        let mut now = at("2026-02-01T10:00:00Z");
        let mut seen = story.look(now);
        for (number, (kind, wait, who)) in writes.into_iter().enumerate() {
            now = now.plus_seconds(wait);
            let user = people[usize::try_from(who).expect("small")];
            let command = write(&story.schedule, kind, u128::try_from(number).expect("small"), user, now);
            let Ok(events) = story.schedule.decide(&command) else { continue };
            for event in events {
                story.happen(event.clone(), now);
                let looked = story.look(now);
                let by_id: BTreeMap<Uuid, &Shift> = looked.iter().map(|shift| (shift.id, shift)).collect();
                prop_assert_eq!(by_id.len(), looked.len(), "an id is told once");
                for old in seen.iter().filter(|old| old.span.overlaps(shown(now))) {
                    let Some(new) = by_id.get(&old.id) else {
                        return Err(TestCaseError::fail(format!("{old:?} vanished with {event:?}")));
                    };
                    let same = (old.span, old.cancelled) == (new.span, new.cancelled);
                    prop_assert_eq!(same, old.sequence == new.sequence, "{:?} {:?} {:?}", old, new, event);
                    prop_assert!(old.sequence <= new.sequence && old.changed_at <= new.changed_at);
                }
                // What is not cancelled is what the pager goes by.
                let (window, table) = (shown(now), timetable(&story.schedule));
                for user in people {
                    let live = looked.iter().filter(|shift| shift.user == user && !shift.cancelled);
                    let mut joined: Vec<Span> = vec![];
                    for span in live.map(|shift| shift.span) {
                        let (start, end) = (span.start.max(window.start), span.end.min(window.end));
                        match joined.last_mut() {
                            Some(last) if last.end == start => last.end = end,
                            _ => joined.push(Span { start, end }),
                        }
                    }
                    prop_assert_eq!(joined, table.shifts(user, window.start, window.end).expect("short"));
                }
                seen = looked;
            }
        }
        prop_assert_eq!(story.look_afresh(now), story.look(now));
        let later = now.plus_seconds(40 * 86_400);
        prop_assert_eq!(story.look_afresh(later), story.look(later));
    }
}
