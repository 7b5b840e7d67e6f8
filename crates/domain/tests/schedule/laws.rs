//! What holds for every schedule, in every zone, whatever is written.

use chrono::TimeDelta;
use chrono_tz::TZ_VARIANTS;
use domain::{
    LayerId, Timestamp, UserId,
    schedule::{
        Change, Layer, Rotation, Schedule, ScheduleCommand, Segment, Span, Timetable, Unit, Version, Window,
    },
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::world::*;

fn zones() -> impl Strategy<Value = String> {
    prop::sample::select(TZ_VARIANTS.to_vec()).prop_map(|zone| zone.name().to_owned())
}

fn rotations() -> impl Strategy<Value = Rotation> {
    prop_oneof![
        (1_u32..4).prop_map(|every| Rotation::Daily { every }),
        (1_u32..3).prop_map(|every| Rotation::Weekly { every }),
        (1_u32..30).prop_map(|every| Rotation::Custom { every, unit: Unit::Hours }),
        prop::sample::select(vec!["FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", "FREQ=MONTHLY;BYMONTHDAY=1,15"])
            .prop_map(|rule| Rotation::Rrule { rule: rule.to_owned() }),
    ]
}

fn read(versions: &[Version]) -> Timetable {
    Timetable::new(versions, [], None, &*tzdb()).expect("it can be read")
}

fn alone(zone: &str, layers: Vec<Layer>) -> Timetable {
    read(&[Version { effective_from: Timestamp::default(), time_zone: zone.to_owned(), layers }])
}

fn seconds(span: Span) -> i64 {
    (span.end.millis() - span.start.millis()) / 1000
}

/// A segment follows on the other, neighbours differ, and all of the range is there.
fn tiles(timeline: &[Segment], from: Timestamp, to: Timestamp) -> bool {
    timeline.first().is_some_and(|first| first.start == from)
        && timeline.last().is_some_and(|last| last.end == to)
        && timeline.windows(2).all(|two| two[0].end == two[1].start && two[0].users != two[1].users)
        && timeline.iter().all(|segment| segment.start < segment.end)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// I4: no gap, no double cover, from the first handoff on, over every change.
    #[test]
    fn turns_tile_time_in_every_zone(
        zone in zones(),
        rotation in rotations(),
        minute in 0_i64..1440,
        day in 0_u64..2_000,
    ) {
        let mut layer = weekly(&[ADA, BOB, EVE]);
        layer.rotation = rotation;
        layer.rotation_start = local("2024-01-03T00:00:00") + TimeDelta::minutes(minute);
        let timetable = alone(&zone, vec![layer]);
        let from = at("2024-01-20T00:00:00Z").plus_seconds(day * 86_400);
        let to = from.plus_seconds(40 * 86_400);
        let timeline = timetable.timeline(from, to).expect("short");
        prop_assert!(tiles(&timeline, from, to));
        for segment in &timeline {
            prop_assert_eq!(segment.users.len(), 1);
            prop_assert_eq!(&timetable.on_call(segment.start), &segment.users);
            let last = Timestamp::from_millis(segment.end.millis() - 1);
            prop_assert_eq!(&timetable.on_call(last), &segment.users);
        }
    }

    /// I5: windows that complement each other leave nothing open and cover nothing twice.
    #[test]
    fn complementary_windows_tile_every_day(
        zone in zones(),
        from in 0_u32..1440,
        length in 1_u32..1440,
        day in 0_u64..2_000,
    ) {
        let time = |minute: u32| local("2024-01-01T00:00:00").time() + TimeDelta::minutes(minute.into());
        let windowed = |number: u128, user, from, to| {
            let mut layer = weekly(&[user]);
            layer.id = LayerId::new(Uuid::from_u128(number));
            layer.restrictions = vec![Window::Daily { from, to, days: vec![] }];
            layer.rotation_start = local("2024-01-01T00:00:00");
            layer
        };
        let (open, close) = (time(from), time((from + length) % 1440));
        let layers = vec![windowed(1, ADA, open, close), windowed(2, BOB, close, open)];
        let timetable = alone(&zone, layers);
        let from = at("2024-01-10T00:00:00Z").plus_seconds(day * 86_400);
        let timeline = timetable.timeline(from, from.plus_seconds(30 * 86_400)).expect("short");
        prop_assert!(timeline.iter().all(|segment| segment.users.len() == 1));
    }

    /// I7, and that everything else follows from the timeline.
    #[test]
    fn a_timeline_is_the_sum_of_its_parts(
        zone in zones(),
        rotation in rotations(),
        day in 0_u64..2_000,
        cut in 1_u64..20 * 86_400,
        shift in prop::option::of(1_u32..2_000),
    ) {
        let mut layer = weekly(&[ADA, BOB, EVE]);
        layer.rotation = rotation;
        layer.shift_minutes = shift;
        layer.participants.push(vec![ADA, EVE]);
        let timetable = alone(&zone, vec![layer]);
        let from = at("2026-01-01T00:00:00Z").plus_seconds(day * 86_400);
        let to = from.plus_seconds(20 * 86_400);
        let middle = from.plus_seconds(cut);
        let whole = timetable.timeline(from, to).expect("short");
        prop_assert!(tiles(&whole, from, to));
        let mut joined = timetable.timeline(from, middle).expect("short");
        for segment in timetable.timeline(middle, to).expect("short") {
            match joined.last_mut() {
                Some(last) if last.users == segment.users => last.end = segment.end,
                _ => joined.push(segment),
            }
        }
        prop_assert_eq!(&joined, &whole);

        let report = timetable.report(from, to).expect("short");
        let gaps = timetable.gaps(from, to).expect("short");
        let uncovered: i64 = gaps.iter().copied().map(seconds).sum();
        prop_assert_eq!(report.total_minutes - report.covered_minutes, (uncovered + 59) / 60);
        for user in [ADA, BOB, EVE] {
            let shifts = timetable.shifts(user, from, to).expect("short");
            let minutes: i64 = shifts.iter().copied().map(seconds).sum::<i64>() / 60;
            let share = report.users.get(&user).copied().unwrap_or_default();
            prop_assert_eq!(share.minutes, minutes);
            prop_assert!(share.weekend_minutes <= minutes && share.night_minutes <= minutes);
            let next = timetable.next_shift(user, from, to).expect("short");
            let begins = shifts.iter().find(|shift| shift.start > from
                || !timetable.on_call(Timestamp::from_millis(from.millis() - 1)).contains(&user));
            prop_assert_eq!(next, begins.copied());
        }
        let handoffs = timetable.handoffs(from, to).expect("short");
        prop_assert!(handoffs.iter().all(|one| !one.started.is_empty() || !one.ended.is_empty()));
        prop_assert_eq!(timetable.next_change(from, to), whole.get(1).map(|segment| segment.start));
    }

    /// I6: whatever is written at an instant changes no answer before it.
    #[test]
    fn no_write_changes_the_past(writes in prop::collection::vec((0_usize..9, 1_u64..200_000, 0_u128..4), 1..25)) {
        let people = [ADA, BOB, EVE, DAN];
        let mut state = three();
        let mut now = at("2026-02-01T10:00:00Z");
        let begin = at("2026-01-01T00:00:00Z");
        for (number, (kind, wait, who)) in writes.into_iter().enumerate() {
            now = now.plus_seconds(wait);
            let user = people[usize::try_from(who).expect("small")];
            let command = write(&state, kind, u128::try_from(number).expect("small"), user, now);
            let Ok(after) = state.tried(&command) else { continue };
            let (old, new) = (timetable(&state), timetable(&after));
            prop_assert_eq!(old.timeline(begin, now), new.timeline(begin, now), "{:?}", command);
            // I8, over adjustments too.
            for segment in new.timeline(begin, now.plus_seconds(30 * 86_400)).expect("short") {
                prop_assert_eq!(&new.on_call(segment.start), &segment.users);
            }
            state = after;
        }
    }
}

/// Any write, some of which will be refused.
pub(crate) fn write(
    state: &Schedule,
    kind: usize,
    number: u128,
    user: UserId,
    now: Timestamp,
) -> ScheduleCommand {
    let (reason, unknown, zones) = (String::new(), vec![], tzdb());
    let span = Span { start: now.plus_seconds(3_600), end: now.plus_seconds(100_000) };
    let (override_id, swap_id) = (override_id(number), swap_id(number));
    let on_call = timetable(state).on_call(now).first().copied().unwrap_or(ADA);
    let open = state.swaps.iter().find(|swap| swap.is_open(now) || swap.is_ahead(now));
    let open = open.map_or(swap_id, |swap| swap.id);
    match kind {
        0 => update(edit(vec![weekly(&[user, ADA, BOB])], None), &now.to_string()),
        1 => update(edit(vec![weekly(&[EVE, user])], Some(&span.end.to_string())), &now.to_string()),
        2 => {
            let change = Change::Set { users: vec![user] };
            ScheduleCommand::AddOverride {
                id: override_id,
                change,
                span,
                reason,
                by: by(user),
                unknown,
                at: now,
            }
        }
        3 => {
            let (id, from, by) = (override_id, on_call, by(user));
            ScheduleCommand::Cover { id, from, to: user, end: None, reason, by, unknown, at: now, zones }
        }
        4 => {
            let ahead = state.overrides.iter().find(|one| one.is_ahead(now));
            let id = ahead.map_or(override_id, |one| one.id);
            ScheduleCommand::CancelOverride { id, by: None, at: now }
        }
        5 => {
            let (from, give) = (on_call, Span { start: now, end: span.end });
            ScheduleCommand::RequestSwap {
                id: swap_id,
                from,
                to: None,
                give,
                take: None,
                reason,
                unknown,
                at: now,
                zones,
            }
        }
        6 => ScheduleCommand::AcceptSwap { id: open, by: user, unknown, at: now, zones },
        7 => ScheduleCommand::UndoSwap { id: open, by: None, at: now },
        _ => ScheduleCommand::RemovePerson { user, at: now },
    }
}
