//! What people change about a schedule as callers see it: overrides, swaps, and leaving.

use std::time::Duration;

use domain::{Actor, user::Role};
use serde_json::{Value, json};

use super::{
    schedules::{Crew, refusal},
    stand::{administrator, text},
};
use crate::Viewer;

#[tokio::test]
async fn an_override_replaces_exactly_within_its_time_and_stays_in_the_history() {
    let crew = Crew::new().await;
    let input = json!({ "kind": "REPLACE", "from": crew.people[0], "to": crew.people[2], "reason": "dentist",
        "start": "2026-09-22T12:00:00Z", "end": "2026-09-22T14:00:00Z" });
    let selection = "scheduleOverride { id kind start end reason users { name } relieved { name }
        createdBy { name } schedule { id } cancelledAt }";
    let made = crew.act(0, "createScheduleOverride", selection, input).await;
    let made = &made["scheduleOverride"];
    assert_eq!((&made["kind"], &made["reason"]), (&json!("REPLACE"), &json!("dentist")));
    assert_eq!(made["createdBy"]["name"], "Ada");
    for (at, name) in [
        ("2026-09-22T11:59:59.999Z", "Ada"),
        ("2026-09-22T12:00:00Z", "Cy"),
        ("2026-09-22T13:59:59.999Z", "Cy"),
        ("2026-09-22T14:00:00Z", "Ada"),
    ] {
        assert_eq!(crew.on_call(at).await, json!([name]), "{at}");
    }
    let query = "finalTimeline { entries { start adjustedBy users { name } } }";
    let seen = crew.see(query).await;
    assert_eq!(seen["finalTimeline"]["entries"][1]["adjustedBy"], json!([made["id"]]));

    let cancel = json!({ "overrideId": made["id"] });
    let stranger = crew.act(3, "cancelScheduleOverride", "scheduleOverride { id }", cancel.clone()).await;
    assert_eq!(refusal(&stranger).0, "NOT_ALLOWED");
    let gone = crew.act(2, "cancelScheduleOverride", "scheduleOverride { cancelledAt }", cancel).await;
    assert!(gone["scheduleOverride"]["cancelledAt"].is_string(), "{gone}");
    assert_eq!(crew.on_call("2026-09-22T12:00:00Z").await, json!(["Ada"]));
    let seen = crew.see("overrides { id } all: overrides(cancelled: true) { id }").await;
    assert_eq!((&seen["overrides"], &seen["all"]), (&json!([]), &json!([{ "id": made["id"] }])));
}

#[tokio::test]
async fn responders_decide_what_concerns_themselves_and_no_more() {
    let crew = Crew::new().await;
    let end = "2026-09-23T00:00:00Z";
    let for_others = json!({ "kind": "ADD", "user": crew.people[3], "end": end });
    let refused = crew.act(2, "createScheduleOverride", "scheduleOverride { id }", for_others.clone()).await;
    assert_eq!(refusal(&refused), ("NOT_ALLOWED".to_owned(), None));
    let own = crew.act(3, "createScheduleOverride", "scheduleOverride { id }", for_others).await;
    assert_eq!(own["rejection"], Value::Null);
    let cover = json!({ "from": crew.people[0], "to": crew.people[1] });
    let refused = crew.act(2, "coverMeNow", "scheduleOverride { id }", cover).await;
    assert_eq!(refusal(&refused).0, "NOT_ALLOWED");
    let give = json!({ "start": "2026-09-22T00:00:00Z", "end": "2026-09-23T00:00:00Z" });
    let ask = json!({ "from": crew.people[0], "give": give });
    let refused = crew.act(2, "requestShiftSwap", "shiftSwap { id }", ask).await;
    assert_eq!(refusal(&refused).0, "NOT_ALLOWED");
    // A token that stands for nobody has no shifts to give.
    let nobody = Viewer { actor: Actor::Administrator, role: Role::Responder, user: None };
    let input = json!({ "scheduleId": crew.schedule, "give": give });
    let refused = crew.stand.mutate(nobody, "requestShiftSwap", "shiftSwap { id }", input).await;
    assert_eq!(refusal(&refused), ("INVALID".to_owned(), Some("from".to_owned())));
}

#[tokio::test]
async fn cover_me_now_hands_the_rest_of_the_shift_over_in_one_step() {
    let crew = Crew::new().await;
    let selection = "scheduleOverride { start end users { name } relieved { name } }";
    let covered = crew.act(0, "coverMeNow", selection, json!({ "to": crew.people[2] })).await;
    let made = &covered["scheduleOverride"];
    assert_eq!((&made["users"], &made["relieved"]), (&json!([{ "name": "Cy" }]), &json!({ "name": "Ada" })));
    assert_eq!(made["end"], "2026-09-28T07:00:00.000Z", "the handoff on Monday, in Berlin");
    assert_eq!(crew.see("onCallNow { name }").await["onCallNow"], json!([{ "name": "Cy" }]));
    // Who is in trouble need not be able to press anything.
    crew.stand.clock.advance(Duration::from_mins(1));
    let taken = crew.act(3, "coverMeNow", selection, json!({ "from": crew.people[2] })).await;
    assert_eq!(taken["rejection"], Value::Null);
    assert_eq!(crew.see("onCallNow { name }").await["onCallNow"], json!([{ "name": "Di" }]));
    let idle = crew.act(1, "coverMeNow", selection, json!({ "to": crew.people[2] })).await;
    assert_eq!(refusal(&idle), ("INVALID".to_owned(), Some("from".to_owned())));
}

#[tokio::test]
async fn a_swap_changes_nothing_until_it_is_accepted_and_then_both_shifts() {
    let crew = Crew::new().await;
    let give = json!({ "start": "2026-09-23T00:00:00Z", "end": "2026-09-24T00:00:00Z" });
    let take = json!({ "start": "2026-09-30T00:00:00Z", "end": "2026-10-01T00:00:00Z" });
    let ask = json!({ "to": crew.people[1], "give": give, "take": take, "reason": "concert" });
    let asked = crew.act(0, "requestShiftSwap", "shiftSwap { id status to { name } }", ask.clone()).await;
    assert_eq!(asked["shiftSwap"]["status"], "OPEN");
    let again = crew.act(0, "requestShiftSwap", "shiftSwap { id }", ask).await;
    assert_eq!(refusal(&again), ("CONFLICT".to_owned(), Some("give".to_owned())));
    let swap = json!({ "swapId": asked["shiftSwap"]["id"] });
    assert_eq!(crew.on_call("2026-09-23T12:00:00Z").await, json!(["Ada"]));
    let other = crew.act(2, "acceptShiftSwap", "shiftSwap { id }", swap.clone()).await;
    assert_eq!(refusal(&other).0, "NOT_ALLOWED");
    let accepted =
        crew.act(1, "acceptShiftSwap", "shiftSwap { status takenBy { name } }", swap.clone()).await;
    assert_eq!(accepted["shiftSwap"], json!({ "status": "ACCEPTED", "takenBy": { "name": "Bob" } }));
    assert_eq!(crew.on_call("2026-09-23T12:00:00Z").await, json!(["Bob"]));
    assert_eq!(crew.on_call("2026-09-30T12:00:00Z").await, json!(["Ada"]));
    let withdrawn = crew.act(0, "withdrawShiftSwap", "shiftSwap { id }", swap.clone()).await;
    assert_eq!(refusal(&withdrawn), ("CONFLICT".to_owned(), Some("swapId".to_owned())));
    let undone = crew.act(1, "undoShiftSwap", "shiftSwap { status }", swap).await;
    assert_eq!(undone["shiftSwap"]["status"], "UNDONE");
    assert_eq!(crew.on_call("2026-09-30T12:00:00Z").await, json!(["Bob"]));

    // An open one is for anybody but who asks.
    let open = crew.act(0, "requestShiftSwap", "shiftSwap { id }", json!({ "give": give })).await;
    let swap = json!({ "swapId": open["shiftSwap"]["id"] });
    assert_eq!(
        refusal(&crew.act(0, "acceptShiftSwap", "shiftSwap { id }", swap.clone()).await).0,
        "NOT_ALLOWED"
    );
    assert_eq!(
        refusal(&crew.act(2, "declineShiftSwap", "shiftSwap { id }", swap.clone()).await).0,
        "NOT_ALLOWED"
    );
    let taken = crew.act(2, "acceptShiftSwap", "shiftSwap { status }", swap.clone()).await;
    assert_eq!(taken["shiftSwap"]["status"], "ACCEPTED");
    assert_eq!(refusal(&crew.act(3, "acceptShiftSwap", "shiftSwap { id }", swap).await).0, "CONFLICT");
    // One that nobody takes expires.
    let later = json!({ "start": "2026-09-24T00:00:00Z", "end": "2026-09-25T00:00:00Z" });
    let asked = json!({ "to": crew.people[3], "give": later });
    let asked = crew.act(0, "requestShiftSwap", "shiftSwap { id }", asked).await;
    crew.stand.clock.advance(Duration::from_hours(24 * 5));
    let swap = json!({ "swapId": asked["shiftSwap"]["id"] });
    let late = crew.act(3, "acceptShiftSwap", "shiftSwap { id }", swap).await;
    assert_eq!(refusal(&late), ("CONFLICT".to_owned(), Some("swapId".to_owned())));
    let seen =
        crew.see("swaps(from: \"2026-09-24T00:00:00Z\", to: \"2026-09-25T00:00:00Z\") { status }").await;
    assert_eq!(seen["swaps"], json!([{ "status": "EXPIRED" }]));
}

#[tokio::test]
async fn every_refusal_of_an_override_or_a_swap_names_the_field_and_the_rule() {
    let crew = Crew::new().await;
    let stranger = format!("usr_{:032x}", 7);
    let day = json!({ "start": "2026-09-22T00:00:00Z", "end": "2026-09-23T00:00:00Z" });
    let over = json!({ "start": "2026-09-22T12:00:00Z", "end": "2026-09-23T12:00:00Z" });
    for (mutation, selection, input, code, field) in [
        (
            "createScheduleOverride",
            "scheduleOverride { id }",
            json!({ "kind": "ADD", "user": crew.people[0], "start": "2026-09-23T00:00:00Z", "end": "2026-09-22T00:00:00Z" }),
            "INVALID",
            "end",
        ),
        (
            "createScheduleOverride",
            "scheduleOverride { id }",
            json!({ "kind": "ADD", "user": crew.people[0], "start": "2026-09-01T00:00:00Z", "end": "2026-09-02T00:00:00Z" }),
            "INVALID",
            "end",
        ),
        (
            "createScheduleOverride",
            "scheduleOverride { id }",
            json!({ "kind": "ADD", "users": [], "end": "2026-09-25T00:00:00Z" }),
            "INVALID",
            "users",
        ),
        (
            "createScheduleOverride",
            "scheduleOverride { id }",
            json!({ "kind": "REPLACE", "from": crew.people[0], "end": "2026-09-25T00:00:00Z" }),
            "INVALID",
            "to",
        ),
        (
            "createScheduleOverride",
            "scheduleOverride { id }",
            json!({ "kind": "ADD", "user": stranger, "end": "2026-09-25T00:00:00Z" }),
            "UNKNOWN_REFERENCE",
            "user",
        ),
        (
            "requestShiftSwap",
            "shiftSwap { id }",
            json!({ "from": crew.people[0], "to": crew.people[1], "give": day, "take": over }),
            "INVALID",
            "take",
        ),
        (
            "requestShiftSwap",
            "shiftSwap { id }",
            json!({ "from": crew.people[0], "to": crew.people[0], "give": day }),
            "INVALID",
            "to",
        ),
        (
            "requestShiftSwap",
            "shiftSwap { id }",
            json!({ "from": crew.people[1], "to": crew.people[0], "give": day }),
            "INVALID",
            "give",
        ),
        (
            "acceptShiftSwap",
            "shiftSwap { id }",
            json!({ "swapId": format!("swp_{:032x}", 7), "onBehalfOf": crew.people[0] }),
            "UNKNOWN_REFERENCE",
            "swapId",
        ),
    ] {
        let mut asked = input.clone();
        asked["scheduleId"] = json!(crew.schedule);
        let payload = crew.stand.mutate(administrator(), mutation, selection, asked).await;
        assert_eq!(refusal(&payload), (code.to_owned(), Some(field.to_owned())), "{mutation} {input}");
    }
}

#[tokio::test]
async fn who_leaves_is_told_with_the_gaps_and_cannot_come_back() {
    let crew = Crew::new().await;
    let selection = "user { deactivatedAt } openedGaps { schedule { name } gaps { start end } } warnings { field message resolvedAt }";
    let gone = crew.stand.done("deactivateUser", selection, json!({ "userId": crew.people[1] })).await;
    assert_eq!(gone["openedGaps"][0]["schedule"]["name"], "Primary");
    assert_eq!(gone["openedGaps"][0]["gaps"][0]["start"], "2026-09-28T07:00:00.000Z");
    assert_eq!(gone["warnings"][0]["resolvedAt"], "2026-09-28T07:00:00.000Z");
    assert!(text(&gone["warnings"][0]["message"]).starts_with("Primary has nobody on call from"), "{gone}");
    let back =
        json!({ "scheduleId": crew.schedule, "participants": [crew.people[0], crew.people[1]], "every": 2 });
    let back = crew.stand.mutate(administrator(), "updateSchedule", "schedule { id }", back).await;
    assert_eq!(refusal(&back), ("INVALID".to_owned(), Some("participants[1]".to_owned())));
}
