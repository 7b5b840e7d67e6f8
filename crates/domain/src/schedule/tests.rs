//! The schedule clock and rotations over clock changes.

use chrono::NaiveDateTime;
use chrono_tz::Tz;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn local(text: &str) -> NaiveDateTime {
    text.parse().expect("a local time")
}

fn person(number: u128) -> UserId {
    UserId::new(Uuid::from_u128(number))
}

fn schedule(time_zone: &str, rotation: Rotation, start: &str, people: u128) -> Schedule {
    let participants = (1..=people).map(|number| vec![person(number)]).collect();
    let layer = Layer { rotation, rotation_start: local(start), participants };
    let version = Version { effective_from: at("2024-01-01T00:00:00Z"), time_zone: time_zone.into(), layer };
    Schedule { versions: vec![version], ..Schedule::default() }
}

#[test]
fn a_weekly_handoff_stays_at_nine_over_both_clock_changes() {
    let schedule = schedule("America/New_York", Rotation::Weekly { every: 1 }, "2026-01-05T09:00:00", 4);
    let mut handoff = at("2026-01-05T14:00:00Z");
    for week in 0..60 {
        assert_eq!(schedule.on_call(handoff), [person(week % 4 + 1)]);
        let before = Timestamp::from_millis(handoff.millis() - 1);
        if week > 0 {
            assert_eq!(schedule.on_call(before), [person((week - 1) % 4 + 1)]);
        }
        let shown = handoff.utc().with_timezone(&Tz::America__New_York).time();
        assert_eq!(shown.to_string(), "09:00:00", "week {week}");
        handoff = schedule.until(handoff).expect("another turn follows");
    }
}

#[test]
fn what_is_written_inside_a_gap_happens_right_after_it() {
    let berlin = Tz::Europe__Berlin;
    assert_eq!(resolve(berlin, local("2026-03-29T02:30:00")), at("2026-03-29T01:00:00Z"));
    // Cairo skips the hour after midnight.
    assert_eq!(resolve(Tz::Africa__Cairo, local("2024-04-26T00:30:00")), at("2024-04-25T22:00:00Z"));
}

#[test]
fn what_is_written_inside_a_fold_happens_at_its_first_pass_and_not_again() {
    let berlin = Tz::Europe__Berlin;
    assert_eq!(resolve(berlin, local("2026-10-25T02:30:00")), at("2026-10-25T00:30:00Z"));
    // On the second pass the clock stands still at the last minute of the first.
    assert_eq!(reading(berlin, at("2026-10-25T01:15:00Z")), local("2026-10-25T02:59:00"));
    assert_eq!(reading(berlin, at("2026-10-25T02:00:00Z")), local("2026-10-25T03:00:00"));
}

#[test]
fn nobody_is_on_call_before_the_first_handoff_and_after_the_end() {
    let mut schedule = schedule("UTC", Rotation::Daily { every: 1 }, "2026-01-05T09:00:00", 2);
    assert!(schedule.on_call(at("2026-01-05T08:59:59Z")).is_empty());
    schedule.retired_at = Some(at("2026-02-01T00:00:00Z"));
    assert!(schedule.on_call(at("2026-02-01T00:00:00Z")).is_empty());
    assert!(!schedule.on_call(at("2026-01-31T23:59:59Z")).is_empty());
}

#[test]
fn an_edit_changes_nothing_before_it() {
    let mut schedule = schedule("UTC", Rotation::Daily { every: 1 }, "2026-01-05T09:00:00", 2);
    let past = at("2026-01-20T12:00:00Z");
    let before = schedule.on_call(past).to_vec();
    let mut version = schedule.versions[0].clone();
    version.effective_from = at("2026-02-01T00:00:00Z");
    version.layer.participants = vec![vec![person(9)]];
    let command = ScheduleCommand::UpdateSchedule { name: None, version: Some(version), unknown: vec![] };
    for event in schedule.decide(&command).expect("it is accepted") {
        schedule.evolve(&event);
    }
    assert_eq!(schedule.on_call(past), before);
    assert_eq!(schedule.on_call(at("2026-02-01T00:00:00Z")), [person(9)]);
}

#[test]
fn a_rule_that_is_broken_names_its_field() {
    let refused = |time_zone: &str, start: &str, people| {
        let made = schedule(time_zone, Rotation::Daily { every: 1 }, start, people);
        let command = ScheduleCommand::CreateSchedule {
            name: "Primary".into(),
            team: None,
            version: made.versions[0].clone(),
            unknown: vec![],
        };
        let refusal = Schedule::default().decide(&command).expect_err("it is refused");
        crate::Rejection::field(&refusal).expect("a field is at fault")
    };
    assert_eq!(refused("Mars/Olympus", "2026-01-05T09:00:00", 1), "timeZone");
    assert_eq!(refused("UTC", "2026-01-05T09:00:30", 1), "layer.rotationStart");
    assert_eq!(refused("UTC", "2026-01-05T09:00:00", 0), "layer.participants");
}

proptest! {
    #[test]
    fn turns_tile_time_in_every_zone(
        zone in prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
        days in 1_u32..9,
        hour in 0_u32..24,
        minute in prop::sample::select(vec![0_u32, 15, 30, 45]),
        begin in 0_i64..1_000,
    ) {
        let start = format!("2024-01-03T{hour:02}:{minute:02}:00");
        let schedule = schedule(zone.name(), Rotation::Daily { every: days }, &start, 3);
        let mut now = at("2024-01-05T00:00:00Z").plus_seconds(begin.unsigned_abs() * 86_400);
        for _ in 0..40 {
            let on_call = schedule.on_call(now).to_vec();
            prop_assert_eq!(on_call.len(), 1);
            let until = schedule.until(now).expect("another turn follows");
            prop_assert!(until > now);
            let last = Timestamp::from_millis(until.millis() - 1);
            prop_assert_eq!(schedule.on_call(last).to_vec(), on_call);
            now = until;
        }
    }

    #[test]
    fn the_schedule_clock_never_runs_backwards(
        zone in prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
        start in 1_704_067_200_i64..1_900_000_000,
        steps in prop::collection::vec(1_i64..7_200, 1..50),
    ) {
        let mut now = Timestamp::from_millis(start * 1000);
        let mut shown = reading(zone, now);
        for step in steps {
            now = now.plus_seconds(step.unsigned_abs());
            let next = reading(zone, now);
            // While it stands still its seconds are cut off, so compare whole minutes.
            let minutes = |local: NaiveDateTime| local.and_utc().timestamp().div_euclid(60);
            prop_assert!(minutes(next) >= minutes(shown), "{shown} then {next}");
            shown = next;
        }
    }
}
