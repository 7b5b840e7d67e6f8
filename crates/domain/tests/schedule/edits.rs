//! Keeping the turn, previews, and people who leave.

use domain::schedule::{
    Change, Layer, Preview, Rotation, ScheduleCommand, ScheduleEvent, Source, Span, SwapStatus,
};

use crate::world::*;

/// Bob's week is running, Eve's is next, then Ada's.
const NOW: &str = "2026-02-03T12:00:00Z";

#[test]
fn a_preview_names_whose_shifts_move_and_which_gaps_open() {
    let before = three();
    let mut layer = weekly(&[ADA, BOB]);
    layer.participants.push(vec![]);
    let command = update(edit(vec![layer], None), NOW);
    let planned = before.tried(&command).expect("it is accepted");
    let within = Span { start: at(NOW), end: at("2026-03-03T12:00:00Z") };
    let preview = Preview::of(&timetable(&before), &timetable(&planned), within).expect("short");
    let eves = span("2026-02-09T09:00:00Z", "2026-02-16T09:00:00Z");
    let later = span("2026-03-02T09:00:00Z", "2026-03-03T12:00:00Z");
    assert_eq!(preview.moved.len(), 1);
    assert_eq!((preview.moved[0].user, &preview.moved[0].lost), (EVE, &vec![eves, later]));
    assert_eq!((&preview.gaps, &preview.opened), (&vec![eves, later], &vec![eves, later]));
    assert_eq!(preview.before.gap_minutes(), 0);
    assert_eq!(preview.after.gap_minutes(), 7 * 1440 + 1440 + 180);
    assert!(preview.after.coverage_percent() < 75.0);
    assert_eq!(before, three(), "nothing is recorded");
}

#[test]
fn a_preview_of_new_gaps_leaves_out_the_old_ones() {
    let before = three();
    let mut layer = weekly(&[ADA, BOB, EVE]);
    layer.shift_minutes = Some(7 * 1440 - 60);
    let halfway = before.tried(&update(edit(vec![layer.clone()], None), NOW)).expect("accepted");
    layer.shift_minutes = Some(7 * 1440 - 90);
    let after = halfway.tried(&update(edit(vec![layer], None), "2026-02-04T00:00:00Z")).expect("accepted");
    let within = span("2026-02-05T00:00:00Z", "2026-02-12T00:00:00Z");
    let preview = Preview::of(&timetable(&halfway), &timetable(&after), within).expect("short");
    assert_eq!(preview.gaps, [span("2026-02-09T07:30:00Z", "2026-02-09T09:00:00Z")]);
    assert_eq!(preview.opened, [span("2026-02-09T07:30:00Z", "2026-02-09T08:00:00Z")]);
}

#[test]
fn who_leaves_leaves_an_empty_slot_and_moves_nobody() {
    let planned = "2026-03-02T09:00:00Z";
    let mut shared = weekly(&[EVE, ADA]);
    shared.participants[0].push(DAN);
    let state = after(&three(), &update(edit(vec![shared], Some(planned)), NOW));
    let before = state.clone();
    let left = after(&state, &ScheduleCommand::RemovePerson { user: EVE, at: at(NOW) });
    // Bob goes on, Eve's week is nobody's, Ada comes when she would have.
    assert_eq!(on_call(&left, "2026-02-03T13:00:00Z"), [BOB]);
    assert!(on_call(&left, "2026-02-10T12:00:00Z").is_empty());
    assert_eq!(on_call(&left, "2026-02-17T12:00:00Z"), [ADA]);
    for week in 0..8 {
        let then = at("2026-03-03T12:00:00Z").plus_seconds(week * 7 * 86_400);
        let expected: Vec<_> =
            timetable(&before).on_call(then).into_iter().filter(|one| *one != EVE).collect();
        assert_eq!(timetable(&left).on_call(then), expected);
    }
    // The past keeps her name.
    assert_eq!(on_call(&left, "2026-01-20T12:00:00Z"), [EVE]);
}

#[test]
fn what_was_agreed_with_somebody_who_leaves_is_cancelled() {
    let ahead = span("2026-02-05T09:00:00Z", "2026-02-06T09:00:00Z");
    let add = |number, change| ScheduleCommand::AddOverride {
        id: override_id(number),
        change,
        span: ahead,
        reason: String::new(),
        by: by(ADA),
        unknown: vec![],
        at: at(NOW),
    };
    let ask = |number, from, to, give| ScheduleCommand::RequestSwap {
        id: swap_id(number),
        from,
        to: Some(to),
        give,
        take: None,
        reason: String::new(),
        unknown: vec![],
        at: at(NOW),
        zones: tzdb(),
    };
    let bobs = span("2026-02-06T12:00:00Z", "2026-02-07T12:00:00Z");
    let bobs_later = span("2026-02-07T12:00:00Z", "2026-02-08T12:00:00Z");
    let eves = span("2026-02-10T12:00:00Z", "2026-02-11T12:00:00Z");
    let mut state = three();
    for command in [
        add(1, Change::Set { users: vec![EVE, DAN] }),
        add(2, Change::Add { user: ADA }),
        add(6, Change::Add { user: EVE }),
        add(7, Change::Replace { from: EVE, to: BOB }),
        ask(3, BOB, EVE, bobs),
        ask(4, EVE, BOB, eves),
        ask(5, BOB, EVE, bobs_later),
        ScheduleCommand::AcceptSwap { id: swap_id(5), by: EVE, unknown: vec![], at: at(NOW), zones: tzdb() },
    ] {
        state = after(&state, &command);
    }
    let left = after(&state, &ScheduleCommand::RemovePerson { user: EVE, at: at("2026-02-04T00:00:00Z") });
    assert_eq!(on_call(&left, "2026-02-05T12:00:00Z"), [ADA, DAN]);
    let cancelled =
        |number| left.find_override(override_id(number)).and_then(|one| one.cancelled_at).is_some();
    assert_eq!([1, 2, 6, 7].map(cancelled), [false, false, true, true]);
    let status = |number| left.find_swap(swap_id(number)).map(|swap| swap.status);
    assert!(matches!(status(3), Some(SwapStatus::Declined { .. })));
    assert!(matches!(status(4), Some(SwapStatus::Withdrawn { .. })));
    assert!(matches!(status(5), Some(SwapStatus::Undone { .. })));
    assert_eq!(on_call(&left, "2026-02-08T00:00:00Z"), [BOB]);
}

#[test]
fn what_an_edit_leaves_without_anybody_to_relieve_is_found() {
    let ahead = span("2026-02-10T09:00:00Z", "2026-02-11T09:00:00Z");
    let relieve = ScheduleCommand::AddOverride {
        id: override_id(1),
        change: Change::Replace { from: EVE, to: DAN },
        span: ahead,
        reason: String::new(),
        by: by(ADA),
        unknown: vec![],
        at: at(NOW),
    };
    let state = after(&three(), &relieve);
    assert_eq!(timetable(&state).idle(at(NOW)), []);
    let edited = after(&state, &update(edit(vec![weekly(&[ADA, BOB])], None), NOW));
    assert_eq!(timetable(&edited).idle(at(NOW)), [Source::Override(override_id(1))]);
    assert_eq!(timetable(&edited).idle(ahead.end), []);
}

#[test]
fn changing_only_the_zone_moves_handoffs_from_now_on() {
    let mut tokyo = edit(vec![weekly(&[ADA, BOB, EVE])], None);
    tokyo.time_zone = "Asia/Tokyo".to_owned();
    let state = after(&three(), &update(tokyo, NOW));
    assert_eq!(on_call(&state, NOW), [BOB]);
    assert_eq!(on_call(&state, "2026-02-09T00:00:00Z"), [EVE]);
    assert_eq!(on_call(&state, "2026-02-08T23:59:59Z"), [BOB]);
    assert_eq!(on_call(&state, "2026-02-02T08:59:59Z"), [ADA]);
}

#[test]
fn a_schedule_of_one_layer_from_earlier_days_reads_as_it_was_meant() {
    let stored = r#"{"name":"Primary","team":null,"version":{"effective_from":"2026-01-01T00:00:00.000Z",
        "time_zone":"Europe/London","layer":{"rotation":{"kind":"weekly","every":1},
        "rotation_start":"2026-01-05T09:00:00","participants":[["usr_00000000000000000000000000000001"],[]]}}}"#;
    let event: ScheduleEvent =
        domain::Fact::decode("schedule.created.v1", stored.as_bytes()).expect("it is read");
    let ScheduleEvent::Created { version, .. } = event else { panic!("not created") };
    let slots = vec![vec![ADA], vec![]];
    let layer = Layer { participants: slots, name: "On call".to_owned(), ..weekly(&[]) };
    assert_eq!(version, self::version("2026-01-01T00:00:00Z", vec![layer]));
    assert_eq!(version.layers[0].rotation, Rotation::Weekly { every: 1 });
}
