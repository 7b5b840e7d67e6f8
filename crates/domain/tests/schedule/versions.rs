//! Making schedules and changing what they say, from when on.

use domain::schedule::{Rotation, Schedule, ScheduleCommand, ScheduleEvent, Unit};
use domain::{LayerId, Unknown};
use uuid::Uuid;

use crate::world::*;

const NOW: &str = "2026-02-03T12:00:00Z";

#[test]
fn an_edit_keeps_who_is_on_call_and_everything_before_it() {
    let before = three();
    assert_eq!(on_call(&before, NOW), [BOB]);
    let state = after(&before, &update(edit(vec![weekly(&[DAN, ADA, BOB, EVE])], None), NOW));
    assert_eq!(on_call(&state, NOW), [BOB]);
    assert_eq!(on_call(&state, "2026-02-09T12:00:00Z"), [EVE]);
    assert_eq!(on_call(&state, "2026-02-16T12:00:00Z"), [DAN]);
    for day in 5..31 {
        let then = format!("2026-01-{day:02}T12:00:00Z");
        assert_eq!(on_call(&state, &then), on_call(&before, &then));
    }
}

#[test]
fn an_edit_may_begin_later_and_be_replaced_or_dropped_until_then() {
    let later = "2026-03-02T09:00:00Z";
    let planned = after(&three(), &update(edit(vec![weekly(&[DAN])], Some(later)), NOW));
    assert_eq!(on_call(&planned, "2026-03-02T08:59:59Z"), [BOB]);
    assert_eq!(on_call(&planned, later), [DAN]);

    let replace = update(edit(vec![weekly(&[ADA])], Some(later)), "2026-02-04T00:00:00Z");
    let replaced = after(&planned, &replace);
    assert!(matches!(accepted(&planned, &replace)[..], [ScheduleEvent::VersionReplaced { .. }]));
    assert_eq!(on_call(&replaced, later), [ADA]);
    assert_eq!(replaced.versions.len(), 2);

    let drop = ScheduleCommand::DropVersion { effective_from: at(later), at: at("2026-02-05T00:00:00Z") };
    let dropped = after(&replaced, &drop);
    assert_eq!(dropped.versions, three().versions);
    assert_eq!((planned.revision, replaced.revision, dropped.revision), (2, 3, 4));
}

#[test]
fn a_version_that_has_begun_cannot_be_dropped_or_replaced() {
    let state = after(&three(), &update(edit(vec![weekly(&[DAN])], None), NOW));
    for effective_from in ["2026-01-01T00:00:00Z", NOW] {
        let command = ScheduleCommand::DropVersion {
            effective_from: at(effective_from),
            at: at("2026-02-04T00:00:00Z"),
        };
        assert_eq!(refused(&state, &command).1, "effectiveFrom");
        let replace = update(edit(vec![weekly(&[EVE])], Some(effective_from)), "2026-02-04T00:00:00Z");
        assert_eq!(refused(&state, &replace).1, "effectiveFrom");
    }
    let begins = version("2026-05-01T00:00:00Z", vec![weekly(&[ADA])]);
    let mut only = create(begins);
    if let ScheduleCommand::CreateSchedule { at: now, .. } = &mut only {
        *now = at(NOW);
    }
    let planned = after(&Schedule::default(), &only);
    let drop = ScheduleCommand::DropVersion { effective_from: at("2026-05-01T00:00:00Z"), at: at(NOW) };
    assert!(refused(&planned, &drop).2.contains("only version"));
}

#[test]
fn of_two_edits_made_from_the_same_revision_one_wins() {
    let state = three();
    let mine = |people: &[_]| {
        let mut edit = edit(vec![weekly(people)], None);
        edit.revision = Some(state.revision);
        update(edit, NOW)
    };
    let won = after(&state, &mine(&[ADA, BOB]));
    let (code, field, why) = refused(&won, &mine(&[BOB, EVE]));
    assert_eq!((code, &*field), ("CONFLICT", "revision"));
    assert!(why.contains("edited in the meantime"), "{why}");
    // The same edit again is satisfied already, whatever it was made from.
    assert_eq!(accepted(&won, &mine(&[ADA, BOB])), []);
}

#[test]
fn a_new_name_needs_no_version() {
    let rename = ScheduleCommand::UpdateSchedule {
        name: Some("Nights".to_owned()),
        edit: None,
        unknown: vec![],
        at: at(NOW),
    };
    let state = after(&three(), &rename);
    assert_eq!((state.name.as_str(), state.versions.len()), ("Nights", 1));
}

#[test]
fn a_retired_schedule_has_nobody_on_call_and_takes_no_more_edits() {
    let state = after(&three(), &ScheduleCommand::RetireSchedule { at: at(NOW) });
    assert_eq!(on_call(&state, "2026-02-03T11:59:59Z"), [BOB]);
    assert!(on_call(&state, NOW).is_empty());
    assert_eq!(timetable(&state).next_boundary(at(NOW)), None);
    assert_eq!(refused(&state, &update(edit(vec![weekly(&[ADA])], None), NOW)).0, "RETIRED");
}

#[test]
fn what_has_begun_cannot_be_made_in_the_past() {
    let mut command = create(version("2026-01-01T00:00:00Z", vec![weekly(&[ADA])]));
    if let ScheduleCommand::CreateSchedule { at: now, .. } = &mut command {
        *now = at(NOW);
    }
    let (code, field, why) = refused(&Schedule::default(), &command);
    assert_eq!((code, &*field), ("INVALID", "effectiveFrom"));
    assert!(why.contains("past"), "{why}");
}

#[test]
fn an_unknown_person_is_refused() {
    let unknown = vec![Unknown { field: "layers[0].participants[1][0]".into(), id: "usr_0".into() }];
    let mut command = create(version("2026-01-01T00:00:00Z", vec![weekly(&[ADA])]));
    if let ScheduleCommand::CreateSchedule { unknown: facts, .. } = &mut command {
        *facts = unknown;
    }
    let (code, field, _) = refused(&Schedule::default(), &command);
    assert_eq!((code, &*field), ("UNKNOWN_REFERENCE", "layers[0].participants[1][0]"));
}

#[test]
fn layers_are_told_apart_by_their_ids() {
    let mut night = weekly(&[DAN]);
    night.id = LayerId::new(Uuid::from_u128(7));
    night.rotation = Rotation::Custom { every: 12, unit: Unit::Hours };
    night.priority = 5;
    night.participants = vec![vec![DAN], vec![]];
    let state = after(&three(), &update(edit(vec![night, weekly(&[ADA, BOB, EVE])], None), NOW));
    // From nine to nine Dan, in the other half whose week it is.
    assert_eq!(on_call(&state, "2026-02-03T13:00:00Z"), [DAN]);
    assert_eq!(on_call(&state, "2026-02-03T22:00:00Z"), [BOB]);
    assert_eq!(timetable(&state).layers(at(NOW), at("2026-02-10T12:00:00Z")).expect("short").len(), 2);
}
