//! Swaps, from the request to what becomes of it.

use domain::{
    UserId,
    schedule::{Schedule, ScheduleCommand, Span, SwapStatus},
};

use crate::world::*;

/// Bob's week is running, Eve's is next, then Ada's.
const NOW: &str = "2026-02-03T12:00:00Z";

fn give() -> Span {
    span("2026-02-05T09:00:00Z", "2026-02-06T09:00:00Z")
}

fn take() -> Span {
    span("2026-02-10T09:00:00Z", "2026-02-11T09:00:00Z")
}

fn request(to: Option<UserId>, give: Span, take: Option<Span>) -> ScheduleCommand {
    ScheduleCommand::RequestSwap {
        id: swap_id(1),
        from: BOB,
        to,
        give,
        take,
        reason: String::new(),
        unknown: vec![],
        at: at(NOW),
        zones: tzdb(),
    }
}

fn accept(by: UserId, when: &str) -> ScheduleCommand {
    ScheduleCommand::AcceptSwap { id: swap_id(1), by, unknown: vec![], at: at(when), zones: tzdb() }
}

fn decline(by: UserId) -> ScheduleCommand {
    ScheduleCommand::DeclineSwap { id: swap_id(1), by, at: at(NOW) }
}

fn withdraw(by: Option<UserId>) -> ScheduleCommand {
    ScheduleCommand::WithdrawSwap { id: swap_id(1), by, at: at(NOW) }
}

fn undo(by: Option<UserId>, when: &str) -> ScheduleCommand {
    ScheduleCommand::UndoSwap { id: swap_id(1), by, at: at(when) }
}

#[test]
fn both_legs_follow_the_acceptance_and_nothing_happens_before() {
    let asked = after(&three(), &request(Some(EVE), give(), Some(take())));
    assert_eq!(on_call(&asked, "2026-02-05T12:00:00Z"), [BOB]);
    let state = after(&asked, &accept(EVE, NOW));
    assert_eq!(on_call(&state, "2026-02-05T08:59:59Z"), [BOB]);
    assert_eq!(on_call(&state, "2026-02-05T09:00:00Z"), [EVE]);
    assert_eq!(on_call(&state, "2026-02-06T09:00:00Z"), [BOB]);
    assert_eq!(on_call(&state, "2026-02-10T12:00:00Z"), [BOB]);
    assert_eq!(on_call(&state, "2026-02-11T09:00:00Z"), [EVE]);
}

#[test]
fn a_swap_can_be_accepted_until_its_time_ends_and_acts_from_then_on() {
    let asked = after(&three(), &request(None, give(), None));
    let late = after(&asked, &accept(DAN, "2026-02-06T08:00:00Z"));
    assert_eq!(on_call(&late, "2026-02-06T07:59:59Z"), [BOB]);
    assert_eq!(on_call(&late, "2026-02-06T08:00:00Z"), [DAN]);
    let (code, field, why) = refused(&asked, &accept(DAN, "2026-02-06T09:00:00Z"));
    assert_eq!((code, &*field), ("CONFLICT", "swapId"));
    assert!(why.contains("expired"), "{why}");
    let swap = &asked.swaps[0];
    assert!(swap.is_open(at("2026-02-06T08:59:59Z")) && swap.is_expired(at("2026-02-06T09:00:00Z")));
}

#[test]
fn of_two_who_accept_one_gets_the_shift() {
    let asked = after(&three(), &request(None, give(), None));
    let taken = after(&asked, &accept(DAN, NOW));
    let (code, _, why) = refused(&taken, &accept(EVE, NOW));
    assert_eq!(code, "CONFLICT");
    assert!(why.contains(&DAN.to_string()), "{why}");
}

#[test]
fn only_who_was_asked_accepts_or_declines() {
    let asked = after(&three(), &request(Some(EVE), give(), None));
    assert_eq!(refused(&asked, &accept(DAN, NOW)).0, "NOT_ALLOWED");
    assert_eq!(refused(&asked, &accept(BOB, NOW)).0, "NOT_ALLOWED");
    assert_eq!(refused(&asked, &decline(DAN)).0, "NOT_ALLOWED");
    let declined = after(&asked, &decline(EVE));
    assert!(matches!(declined.swaps[0].status, SwapStatus::Declined { .. }));
    assert!(refused(&declined, &accept(EVE, NOW)).2.contains("declined"));
    let open = after(&three(), &request(None, give(), None));
    assert_eq!(refused(&open, &accept(BOB, NOW)).0, "NOT_ALLOWED");
    assert_eq!(refused(&open, &decline(EVE)).0, "NOT_ALLOWED");
}

#[test]
fn a_request_can_be_withdrawn_until_it_is_accepted() {
    let asked = after(&three(), &request(Some(EVE), give(), None));
    assert_eq!(refused(&asked, &withdraw(Some(EVE))).0, "NOT_ALLOWED");
    let withdrawn = after(&asked, &withdraw(Some(BOB)));
    assert!(refused(&withdrawn, &accept(EVE, NOW)).2.contains("withdrawn"));
    let accepted = after(&asked, &accept(EVE, NOW));
    assert!(refused(&accepted, &withdraw(None)).2.contains("accepted"));
    // Once it is withdrawn, the same time can be asked for again.
    let mut again = request(None, give(), None);
    if let ScheduleCommand::RequestSwap { id, .. } = &mut again {
        *id = swap_id(2);
    }
    assert_eq!(refused(&asked, &again).0, "CONFLICT");
    after(&withdrawn, &again);
}

#[test]
fn an_accepted_swap_can_be_undone_and_what_happened_stays() {
    let asked = after(&three(), &request(Some(EVE), give(), Some(take())));
    assert!(refused(&asked, &undo(None, NOW)).2.contains("nothing to undo"));
    let accepted = after(&asked, &accept(EVE, NOW));
    assert_eq!(refused(&accepted, &undo(Some(DAN), NOW)).0, "NOT_ALLOWED");
    for by in [Some(BOB), Some(EVE), None] {
        let undone = after(&accepted, &undo(by, "2026-02-05T15:00:00Z"));
        assert_eq!(on_call(&undone, "2026-02-05T14:59:59Z"), [EVE]);
        assert_eq!(on_call(&undone, "2026-02-05T15:00:00Z"), [BOB]);
        assert_eq!(on_call(&undone, "2026-02-10T12:00:00Z"), [EVE]);
    }
    assert_eq!(refused(&accepted, &undo(None, "2026-02-11T09:00:00Z")).0, "CONFLICT");
}

#[test]
fn nobody_swaps_what_they_do_not_hold() {
    let eves = span("2026-02-10T09:00:00Z", "2026-02-11T09:00:00Z");
    let (code, field, why) = refused(&three(), &request(Some(EVE), eves, None));
    assert_eq!((code, &*field), ("INVALID", "give"));
    assert!(why.contains("on call"), "{why}");
    let nobodys = span("2026-02-07T09:00:00Z", "2026-02-08T09:00:00Z");
    assert_eq!(refused(&three(), &request(Some(EVE), give(), Some(nobodys))).1, "take");
    // In an open swap it shows when somebody accepts.
    let open = after(&three(), &request(None, give(), Some(take())));
    assert_eq!(refused(&open, &accept(DAN, NOW)).0, "CONFLICT");
    after(&open, &accept(EVE, NOW));
}

#[test]
fn a_swap_whose_shift_was_edited_away_cannot_be_accepted() {
    let asked = after(&three(), &request(Some(EVE), give(), None));
    let state = after(&asked, &update(edit(vec![weekly(&[DAN])], None), "2026-02-04T00:00:00Z"));
    assert!(refused(&state, &accept(EVE, "2026-02-04T01:00:00Z")).2.contains("not on call"));
}

#[test]
fn a_swap_that_makes_no_sense_is_refused() {
    let field = |command: &ScheduleCommand| refused(&three(), command).1;
    assert_eq!(field(&request(Some(BOB), give(), None)), "to");
    let overlapping = span("2026-02-06T08:59:00Z", "2026-02-12T09:00:00Z");
    assert_eq!(field(&request(Some(EVE), give(), Some(overlapping))), "take");
    assert_eq!(
        field(&request(Some(EVE), span("2026-02-06T09:00:00Z", "2026-02-06T08:00:00Z"), None)),
        "give.end"
    );
    assert_eq!(field(&request(Some(EVE), span("2026-02-02T09:00:00Z", NOW), None)), "give.end");
    let past = span("2026-01-20T09:00:00Z", "2026-01-21T09:00:00Z");
    assert_eq!(field(&request(Some(EVE), give(), Some(past))), "take.end");
    assert_eq!(refused(&three(), &accept(EVE, NOW)).1, "swapId");
    assert_eq!(refused(&Schedule::default(), &accept(EVE, NOW)).0, "NOT_FOUND");
}
