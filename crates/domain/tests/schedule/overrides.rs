//! Overrides, and covering somebody now.

use domain::{
    Actor, Unknown,
    schedule::{Change, Schedule, ScheduleCommand, Span},
};

use crate::world::*;

const NOW: &str = "2026-02-03T12:00:00Z";

fn add(number: u128, change: Change, span: Span) -> ScheduleCommand {
    ScheduleCommand::AddOverride {
        id: override_id(number),
        change,
        span,
        reason: "dentist".to_owned(),
        by: by(ADA),
        unknown: vec![],
        at: at(NOW),
    }
}

fn cover(end: Option<&str>) -> ScheduleCommand {
    ScheduleCommand::Cover {
        id: override_id(9),
        from: BOB,
        to: DAN,
        end: end.map(at),
        reason: String::new(),
        by: by(BOB),
        unknown: vec![],
        at: at(NOW),
        zones: tzdb(),
    }
}

fn afternoon() -> Span {
    span("2026-02-03T12:30:00Z", "2026-02-03T14:00:00Z")
}

#[test]
fn an_override_acts_to_the_second_at_both_ends() {
    for (change, expected) in [
        (Change::Set { users: vec![EVE, DAN] }, vec![EVE, DAN]),
        (Change::Set { users: vec![] }, vec![]),
        (Change::Replace { from: BOB, to: DAN }, vec![DAN]),
        (Change::Replace { from: EVE, to: DAN }, vec![BOB]),
        (Change::Add { user: DAN }, vec![BOB, DAN]),
        (Change::Remove { user: BOB }, vec![]),
    ] {
        let state = after(&three(), &add(1, change, afternoon()));
        assert_eq!(on_call(&state, "2026-02-03T12:29:59Z"), [BOB]);
        assert_eq!(on_call(&state, "2026-02-03T12:30:00Z"), expected);
        assert_eq!(on_call(&state, "2026-02-03T13:59:59Z"), expected);
        assert_eq!(on_call(&state, "2026-02-03T14:00:00Z"), [BOB]);
    }
}

#[test]
fn an_override_does_nothing_before_it_was_made_and_after_it_was_cancelled() {
    let late = span("2026-02-02T09:00:00Z", "2026-02-05T00:00:00Z");
    let state = after(&three(), &add(1, Change::Set { users: vec![DAN] }, late));
    assert_eq!(on_call(&state, "2026-02-03T11:59:59Z"), [BOB]);
    assert_eq!(on_call(&state, NOW), [DAN]);
    let cancel =
        ScheduleCommand::CancelOverride { id: override_id(1), by: Some(ADA), at: at("2026-02-04T00:00:00Z") };
    let state = after(&state, &cancel);
    assert_eq!(on_call(&state, "2026-02-03T23:59:59Z"), [DAN]);
    assert_eq!(on_call(&state, "2026-02-04T00:00:00Z"), [BOB]);
}

#[test]
fn two_overrides_that_decide_the_same_are_a_conflict_that_names_the_first() {
    let first = after(&three(), &add(1, Change::Replace { from: BOB, to: DAN }, afternoon()));
    let other = span("2026-02-03T13:59:00Z", "2026-02-03T16:00:00Z");
    let (code, field, why) = refused(&first, &add(2, Change::Replace { from: BOB, to: EVE }, other));
    assert_eq!((code, &*field), ("CONFLICT", "start"));
    assert!(why.contains(&override_id(1).to_string()), "{why}");
    // Right after it, of somebody else, or of another kind: no conflict, and the newest wins.
    let next = span("2026-02-03T14:00:00Z", "2026-02-03T16:00:00Z");
    after(&first, &add(2, Change::Replace { from: BOB, to: EVE }, next));
    let chained = after(&first, &add(2, Change::Replace { from: DAN, to: EVE }, other));
    assert_eq!(on_call(&chained, "2026-02-03T13:59:30Z"), [EVE]);
    assert_eq!(on_call(&chained, "2026-02-03T15:00:00Z"), [BOB]);
    let set = after(&first, &add(2, Change::Set { users: vec![EVE] }, other));
    assert_eq!(refused(&set, &add(3, Change::Set { users: vec![ADA] }, other)).0, "CONFLICT");
    for change in [Change::Add { user: EVE }, Change::Remove { user: BOB }] {
        let stacked = after(&first, &add(2, change.clone(), other));
        assert_eq!(refused(&stacked, &add(3, change, other)).0, "CONFLICT");
    }
    // A cancelled one is out of the way.
    let cancel = ScheduleCommand::CancelOverride { id: override_id(1), by: None, at: at(NOW) };
    after(&after(&first, &cancel), &add(2, Change::Replace { from: BOB, to: EVE }, other));
}

#[test]
fn an_override_that_makes_no_sense_is_refused() {
    let schedule = three();
    let field = |command: &ScheduleCommand| refused(&schedule, command).1;
    let set = || Change::Set { users: vec![ADA] };
    assert_eq!(field(&add(1, set(), span("2026-02-04T10:00:00Z", "2026-02-04T10:00:00Z"))), "end");
    assert_eq!(field(&add(1, set(), span("2026-02-04T10:00:00Z", "2026-02-04T09:00:00Z"))), "end");
    assert_eq!(field(&add(1, set(), span("2026-02-01T10:00:00Z", NOW))), "end");
    assert_eq!(field(&add(1, set(), span("2026-02-04T10:00:00Z", "2027-03-04T10:00:00Z"))), "end");
    assert_eq!(field(&add(1, Change::Replace { from: BOB, to: BOB }, afternoon())), "to");
    assert_eq!(field(&add(1, Change::Set { users: vec![BOB, BOB] }, afternoon())), "users[1]");
    let mut long = add(1, set(), afternoon());
    if let ScheduleCommand::AddOverride { reason, .. } = &mut long {
        *reason = "x".repeat(201);
    }
    assert_eq!(field(&long), "reason");
    let mut stranger = add(1, set(), afternoon());
    if let ScheduleCommand::AddOverride { unknown, .. } = &mut stranger {
        unknown.push(Unknown { field: "users[0]".into(), id: "usr_0".into() });
    }
    assert_eq!(refused(&schedule, &stranger).0, "UNKNOWN_REFERENCE");
    assert_eq!(refused(&Schedule::default(), &add(1, set(), afternoon())).0, "NOT_FOUND");
    let state = after(&schedule, &add(1, set(), afternoon()));
    assert_eq!(refused(&state, &add(1, Change::Add { user: ADA }, afternoon())).0, "ALREADY_EXISTS");
}

#[test]
fn only_so_many_adjustments_may_lie_ahead() {
    let mut state = three();
    for number in 0..500 {
        let start = at("2026-03-01T00:00:00Z").plus_seconds(u64::try_from(number).expect("small") * 3600);
        let command = add(number, Change::Set { users: vec![] }, Span { start, end: start.plus_seconds(60) });
        state = state.tried(&command).expect("there is room");
    }
    let one_more = add(900, Change::Set { users: vec![] }, afternoon());
    assert!(refused(&state, &one_more).2.contains("500"));
}

#[test]
fn only_those_concerned_cancel_an_override_and_only_until_it_ends() {
    let state = after(&three(), &add(1, Change::Replace { from: BOB, to: DAN }, afternoon()));
    let cancel = |number, by, when: &str| ScheduleCommand::CancelOverride {
        id: override_id(number),
        by,
        at: at(when),
    };
    assert_eq!(refused(&state, &cancel(1, Some(EVE), NOW)).0, "NOT_ALLOWED");
    for by in [Some(ADA), Some(BOB), Some(DAN), None] {
        after(&state, &cancel(1, by, NOW));
    }
    assert_eq!(refused(&state, &cancel(1, None, "2026-02-03T14:00:00Z")).0, "CONFLICT");
    assert_eq!(refused(&state, &cancel(2, None, NOW)).1, "overrideId");
}

#[test]
fn covering_lasts_until_the_end_of_the_shift_or_as_long_as_was_said() {
    let state = after(&three(), &cover(None));
    assert_eq!(on_call(&state, NOW), [DAN]);
    assert_eq!(on_call(&state, "2026-02-09T08:59:59Z"), [DAN]);
    assert_eq!(on_call(&state, "2026-02-09T09:00:00Z"), [EVE]);
    assert_eq!(state.overrides[0].span, span(NOW, "2026-02-09T09:00:00Z"));
    assert_eq!(state.overrides[0].by, Actor::User { id: BOB });
    let short = after(&three(), &cover(Some("2026-02-03T13:00:00Z")));
    assert_eq!(on_call(&short, "2026-02-03T13:00:00Z"), [BOB]);
}

#[test]
fn covering_needs_somebody_who_is_on_call_and_an_end() {
    let mut wrong = cover(None);
    if let ScheduleCommand::Cover { from, .. } = &mut wrong {
        *from = EVE;
    }
    assert_eq!(refused(&three(), &wrong).1, "from");
    assert_eq!(refused(&three(), &cover(Some("2026-02-03T11:00:00Z"))).1, "end");
    let alone = after(&Schedule::default(), &create(version("2026-01-01T00:00:00Z", vec![weekly(&[BOB])])));
    assert_eq!(refused(&alone, &cover(None)).1, "end");
    after(&alone, &cover(Some("2026-02-09T09:00:00Z")));
}
