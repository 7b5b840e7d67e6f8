//! Notices: people are told about their time on call, once, in their own zone, and never instead of a page.

use std::{path::Path, sync::Arc, time::Duration};

use commands::{Clock, VirtualClock};
use connectors::{NoticeCard, SendError};
use domain::{
    Actor, OverrideId, SwapId, Timestamp, UserId,
    schedule::{Change, Schedule, ScheduleCommand, Span, Tzdb, Zones},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Outbox, TestApp, database};

const TIMED_OUT: SendError = SendError::TimedOut { after: Duration::from_secs(15) };

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn hours(count: u64) -> Duration {
    Duration::from_hours(count)
}

fn minutes(count: u64) -> Duration {
    Duration::from_mins(count)
}

/// A node at an instant, with its database in a folder.
async fn node(folder: &Path, at: &str) -> TestApp {
    TestApp::start_on(&folder.join("midwatch.db"), VirtualClock::at(time(at)), Outbox::default()).await
}

pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A person with one mail address who lives in a zone.
pub(crate) async fn person(app: &TestApp, name: &str, zone: &str) -> String {
    let address = format!("{name}@example.org");
    let input = json!({ "name": name, "email": address, "timeZone": zone,
        "contacts": [{ "email": { "address": address } }] });
    app.create("createUser", "user", "CreateUserInput", input).await
}

/// People by turns of a day.
pub(crate) async fn daily(app: &TestApp, zone: &str, start: &str, people: &[&str]) -> String {
    let input = json!({ "name": "Primary", "timeZone": zone, "rotation": "DAILY", "rotationStart": start,
        "participants": people });
    app.create("createSchedule", "schedule", "CreateScheduleInput", input).await
}

pub(crate) async fn set(app: &TestApp, mut input: Value, user: &str) -> Value {
    input["userId"] = user.into();
    let query = "mutation($input: SetShiftNoticesInput!) { setShiftNotices(input: $input) {
        user { shiftNotices { enabled startLeadMinutes endLeadMinutes handoffs changes gaps contactId } }
        rejection { code field } } }";
    app.query(query, json!({ "input": input })).await["setShiftNotices"].take()
}

pub(crate) fn cards(app: &TestApp, name: &str) -> Vec<NoticeCard> {
    app.outbox.told_to(&format!("{name}@example.org")).into_iter().map(|told| told.card).collect()
}

fn subjects(app: &TestApp, name: &str) -> Vec<String> {
    cards(app, name).into_iter().map(|card| card.subject).collect()
}

fn user(id: &str) -> UserId {
    id.parse().expect("it is the id of a person")
}

fn cover(from: &str, to: &str, span: Span, at: Timestamp) -> ScheduleCommand {
    ScheduleCommand::AddOverride {
        id: OverrideId::new(Uuid::from_u128(7)),
        change: Change::Replace { from: user(from), to: user(to) },
        span,
        reason: "dentist".to_owned(),
        by: Actor::Administrator,
        unknown: vec![],
        at,
    }
}

/// The kinds of what happened to somebody, and what it says.
pub(crate) async fn story(app: &TestApp, subject: &str) -> Vec<(String, String)> {
    let query = "query($id: ID!) { events(subject: $id, first: 100) { nodes { type message } } }";
    let nodes = app.query(query, json!({ "id": subject })).await["events"]["nodes"].take();
    let text = |value: &Value| value.as_str().expect("it is text").to_owned();
    let nodes = nodes.as_array().expect("a list").clone();
    nodes.iter().map(|node| (text(&node["type"]), text(&node["message"]))).collect()
}

/// Sends a command to a schedule, as the administrator.
async fn command(app: &TestApp, schedule: &str, command: ScheduleCommand) {
    app.decide::<Schedule>(schedule.parse().expect("it is the id of a schedule"), &command).await;
}

#[tokio::test]
async fn a_shift_is_announced_a_day_and_an_hour_before_in_the_readers_zone() {
    let folder = folder();
    let app = node(folder.path(), "2026-11-24T03:00:00Z").await;
    let (ada, bob) =
        (person(&app, "ada", "America/New_York").await, person(&app, "bob", "Asia/Kolkata").await);
    daily(&app, "Europe/Berlin", "2026-11-26T09:00", &[&ada, &bob, &bob]).await;
    app.advance(minutes(29 * 60 - 1)).await;
    assert!(app.outbox.told().is_empty(), "a day and a minute before, nobody is told anything");

    app.advance_minutes(1).await;
    let card = cards(&app, "ada").pop().expect("she is told");
    assert_eq!(card.subject, "You are on call in 24 hours: Primary, Thu 26 Nov 2026, 03:00");
    assert_eq!(card.times.0.as_deref(), Some("2026-11-26T08:00:00.000Z"));
    let facts: Vec<_> = card.facts.iter().map(|(label, value)| format!("{label}: {value}")).collect();
    assert_eq!(
        facts,
        [
            "Schedule: Primary",
            "From: Thu 26 Nov 2026, 03:00 (UTC-05:00)",
            "Until: Fri 27 Nov 2026, 03:00 (UTC-05:00)",
            "Takes over from: nobody",
            "Times in: America/New_York",
        ]
    );

    app.advance(hours(24)).await;
    let kinds = |name: &str| cards(&app, name).into_iter().map(|card| card.kind).collect::<Vec<_>>();
    assert_eq!(kinds("ada"), ["shift_starts", "shift_starts", "shift_began"]);
    assert_eq!(subjects(&app, "ada")[1], "You are on call in 1 hour: Primary, Thu 26 Nov 2026, 03:00");
    assert_eq!(subjects(&app, "bob"), ["You are on call in 24 hours: Primary, Fri 27 Nov 2026, 13:30"]);
    // Two turns in a row are one shift, which ends a day after it could be told.
    app.advance(minutes(72 * 60 - 1)).await;
    assert_eq!(kinds("bob"), ["shift_starts", "shift_starts", "shift_began", "shift_ends", "shift_ends"]);
    let last = cards(&app, "bob").pop().expect("he is told");
    assert_eq!(last.summary, "You are on call in Primary for another 1 hour; then ada is on call.");
    assert!(app.outbox.sent().is_empty(), "none of this is a page");
    app.stop().await;
}

#[tokio::test]
async fn a_day_before_is_24_hours_also_when_the_clocks_change() {
    let folder = folder();
    // Berlin's clocks go forward on 2027-03-28 and back on 2027-10-31.
    for (start, told_at) in [
        ("2027-03-28T07:00:00.000Z", "2027-03-27T07:00:00Z"),
        ("2027-10-31T08:00:00.000Z", "2027-10-30T08:00:00Z"),
    ] {
        let place = folder.path().join(&start[..7]);
        std::fs::create_dir(&place).expect("a folder");
        let begin = Timestamp::from_millis(time(told_at).millis() - 3 * 3_600_000);
        let app = node(&place, &begin.to_string()).await;
        let (ada, bob) = (person(&app, "ada", "Europe/Berlin").await, person(&app, "bob", "UTC").await);
        let today = &told_at[..10];
        daily(&app, "Europe/Berlin", &format!("{today}T09:00"), &[&bob, &ada]).await;
        app.advance(minutes(179)).await;
        assert_eq!(cards(&app, "ada"), []);
        app.advance(minutes(1)).await;
        let card = cards(&app, "ada").pop().expect("she is told");
        assert!(card.subject.starts_with("You are on call in 24 hours: Primary, "), "{}", card.subject);
        assert!(card.subject.ends_with(", 09:00"), "it is nine on her wall clock: {}", card.subject);
        assert_eq!(card.times.0.as_deref(), Some(start));
        app.advance(hours(23)).await;
        assert_eq!(cards(&app, "ada").len(), 2, "and an hour before");
        app.stop().await;
    }
}

#[tokio::test]
async fn a_shift_that_moves_while_its_notice_waits_is_not_announced_and_the_move_is() {
    let folder = folder();
    let app = node(folder.path(), "2026-11-24T03:00:00Z").await;
    let (ada, bob) = (person(&app, "ada", "UTC").await, person(&app, "bob", "UTC").await);
    let schedule = daily(&app, "UTC", "2026-11-24T09:00", &[&bob, &ada]).await;
    app.outbox.fail("ada@example.org", vec![TIMED_OUT; 4]);
    // The mail relay does not answer when it is to be told that she is on call in a day.
    app.advance(hours(6)).await;
    assert_eq!(cards(&app, "ada"), []);
    let (start, end) = (time("2026-11-25T09:00:00Z"), time("2026-11-26T09:00:00Z"));
    command(&app, &schedule, cover(&ada, &bob, Span { start, end }, app.clock.now())).await;
    app.advance_minutes(5).await;
    let told = cards(&app, "ada");
    assert_eq!(told.iter().map(|card| &*card.kind).collect::<Vec<_>>(), ["shifts_moved"]);
    assert!(told[0].facts.contains(&("Because".to_owned(), "dentist".to_owned())), "{:?}", told[0].facts);
    assert_eq!(told[0].lists[0].heading, "You are no longer on call");
    assert_eq!(
        told[0].lists[0].lines,
        ["Wed 25 Nov 2026, 09:00 to Thu 26 Nov 2026, 09:00 (UTC+00:00) (24 hours)"]
    );
    let gained = cards(&app, "bob").into_iter().find(|card| card.kind == "shifts_moved").expect("he is told");
    assert_eq!(gained.lists[0].heading, "You are on call now also");
    let story = story(&app, &ada).await;
    let withdrawn = story.iter().find(|(kind, _)| kind == "notice.withdrawn.v1").expect("it is withdrawn");
    assert_eq!(withdrawn.1, "ada is not told: the shift is at another time or somebody else's");
    app.advance(hours(30)).await;
    assert!(!subjects(&app, "ada").iter().any(|subject| subject.contains("25 Nov")), "nor an hour before");
    app.stop().await;
}

#[tokio::test]
async fn edits_of_one_minute_are_told_once_and_what_was_taken_back_is_not_told() {
    let folder = folder();
    let app = node(folder.path(), "2026-11-24T10:00:00Z").await;
    let (ada, bob) = (person(&app, "ada", "UTC").await, person(&app, "bob", "UTC").await);
    let schedule = daily(&app, "UTC", "2026-11-24T09:00", &[&bob, &ada]).await;
    app.settle().await;
    let before = cards(&app, "ada").len();
    let edit = async |people: &[&String]| {
        let input = json!({ "scheduleId": schedule, "participants": people });
        app.create("updateSchedule", "schedule", "UpdateScheduleInput", input).await;
    };
    for _ in 0..5 {
        edit(&[&ada, &bob]).await;
        edit(&[&bob, &bob, &ada]).await;
    }
    app.advance_minutes(1).await;
    let moved = |name: &str| cards(&app, name).iter().filter(|card| card.kind == "shifts_moved").count();
    assert_eq!((moved("ada"), moved("bob")), (1, 1));
    assert_eq!(cards(&app, "ada").len(), before + 1);
    edit(&[&ada, &bob, &bob]).await;
    edit(&[&bob, &bob, &ada]).await;
    app.advance_minutes(1).await;
    app.stop().await;
}

#[tokio::test]
async fn both_are_told_what_becomes_of_a_swap() {
    let folder = folder();
    let app = node(folder.path(), "2026-11-24T10:00:00Z").await;
    let (ada, bob) = (person(&app, "ada", "UTC").await, person(&app, "bob", "Europe/Berlin").await);
    let schedule = daily(&app, "UTC", "2026-11-24T09:00", &[&bob, &ada]).await;
    for name in [&ada, &bob] {
        set(&app, json!({ "startLeadMinutes": [], "endLeadMinutes": [], "handoffs": false }), name).await;
    }
    let zones: Arc<dyn Zones> = Arc::new(Tzdb::bundled());
    let give = Span { start: time("2026-11-25T09:00:00Z"), end: time("2026-11-26T09:00:00Z") };
    let request = |number, at| ScheduleCommand::RequestSwap {
        id: SwapId::new(Uuid::from_u128(number)),
        from: user(&ada),
        to: Some(user(&bob)),
        give,
        take: None,
        reason: "a wedding".to_owned(),
        unknown: vec![],
        at,
        zones: Arc::clone(&zones),
    };
    let id = SwapId::new(Uuid::from_u128(1));
    command(&app, &schedule, request(1, app.clock.now())).await;
    app.settle().await;
    let (by, unknown, at) = (user(&bob), vec![], app.clock.now());
    command(&app, &schedule, ScheduleCommand::AcceptSwap { id, by, unknown, at, zones: Arc::clone(&zones) })
        .await;
    app.settle().await;
    command(&app, &schedule, ScheduleCommand::UndoSwap { id, by: None, at: app.clock.now() }).await;
    app.advance_minutes(2).await;
    command(&app, &schedule, request(2, app.clock.now())).await;
    app.advance(hours(48)).await;
    let said = |name| cards(&app, name).into_iter().map(|card| card.summary).collect::<Vec<_>>();
    assert_eq!(
        said("ada"),
        [
            "You asked bob to take over a shift in Primary.",
            "Bob takes over a shift in Primary from you.",
            "The swap by which bob took over a shift in Primary from you was undone: \
         from now on it is as if there had been none.",
            "You asked bob to take over a shift in Primary.",
            "You have asked bob to take over a shift in Primary, and the time has passed without an answer.",
        ]
    );
    assert_eq!(
        said("bob"),
        [
            "ada asks you to take over a shift in Primary.",
            "You take over a shift in Primary from ada.",
            "The swap by which you took over a shift in Primary from ada was undone: \
         from now on it is as if there had been none.",
            "ada asks you to take over a shift in Primary.",
            "ada has asked you to take over a shift in Primary, and the time has passed without an answer.",
        ]
    );
    let asked = &cards(&app, "bob")[0];
    let when = "Wed 25 Nov 2026, 10:00 to Thu 26 Nov 2026, 10:00 (UTC+01:00) (24 hours)";
    assert!(asked.facts.contains(&("When".to_owned(), when.to_owned())), "{:?}", asked.facts);
    app.stop().await;
}

#[tokio::test]
async fn gaps_ahead_are_told_administrators_in_the_morning_and_not_again_the_next_day() {
    let folder = folder();
    let app = node(folder.path(), "2026-11-02T03:00:00Z").await;
    let ada = person(&app, "ada", "UTC").await;
    app.create_user("boss", "ADMINISTRATOR").await;
    let schedule = daily(&app, "UTC", "2026-11-01T09:00", &[&ada]).await;
    let hole = |at| ScheduleCommand::AddOverride {
        id: OverrideId::new(Uuid::from_u128(9)),
        change: Change::Set { users: vec![] },
        span: Span { start: time("2026-11-07T12:00:00Z"), end: time("2026-11-07T18:00:00Z") },
        reason: String::new(),
        by: Actor::Administrator,
        unknown: vec![],
        at,
    };
    command(&app, &schedule, hole(app.clock.now())).await;
    app.advance(hours(6)).await;
    let gaps =
        || cards(&app, "boss").into_iter().filter(|card| card.kind == "gaps_ahead").collect::<Vec<_>>();
    let told = gaps();
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0].lists[0].lines,
        ["Sat 7 Nov 2026, 12:00 to Sat 7 Nov 2026, 18:00 (UTC+00:00) (6 hours)"]
    );
    assert!(cards(&app, "ada").iter().all(|card| card.kind != "gaps_ahead"));
    app.advance(hours(24 * 10)).await;
    assert_eq!(gaps().len(), 1, "neither the same gap again, nor one that is past");
    app.stop().await;
}

#[tokio::test]
async fn who_takes_over_is_told_of_the_open_incidents_of_the_services_that_lead_here() {
    let folder = folder();
    let app = node(folder.path(), "2026-11-24T10:00:00Z").await;
    let (ada, bob) = (person(&app, "ada", "UTC").await, person(&app, "bob", "UTC").await);
    let schedule = daily(&app, "UTC", "2026-11-24T09:00", &[&bob, &ada]).await;
    let levels = json!([{ "targets": [{ "scheduleId": schedule }], "timeoutSeconds": 3600 }]);
    let policy = app.create_policy("Checkout", levels, 0).await;
    let service = app.create_service("checkout", &policy).await;
    let other = app
        .create_policy("Other", json!([{ "targets": [{ "userId": ada }], "timeoutSeconds": 3600 }]), 0)
        .await;
    let other = app.create_service("other", &other).await;
    let open = async |service: &str, title: &str| {
        let input = json!({ "serviceId": service, "title": title, "severity": "HIGH" });
        app.create("createIncident", "incident", "CreateIncidentInput", input).await
    };
    let kept = open(&service, "disk full").await;
    let done = open(&service, "slow").await;
    open(&other, "elsewhere").await;
    app.settle().await;
    app.act("acknowledgeIncident", json!({}), &kept).await;
    app.act("resolveIncident", json!({}), &done).await;
    app.advance(hours(23)).await;
    let card = cards(&app, "ada").into_iter().find(|card| card.kind == "shift_began").expect("she is told");
    assert_eq!(card.subject, "You are on call now: Primary");
    assert_eq!(card.lists.len(), 1);
    assert_eq!(card.lists[0].lines, ["#1 checkout: disk full (high, acknowledged)"]);
    assert!(card.summary.ends_with("1 incident of its services is open."), "{}", card.summary);
    assert!(card.facts.contains(&("Took over from".to_owned(), "bob".to_owned())), "{:?}", card.facts);
    app.stop().await;
}

#[tokio::test]
async fn a_page_never_waits_for_a_notice() {
    let folder = folder();
    let app = node(folder.path(), "2026-11-24T03:00:00Z").await;
    let boss = app.create_user("boss", "ADMINISTRATOR").await;
    let levels = json!([{ "targets": [{ "userId": boss }], "timeoutSeconds": 3600 }]);
    let policy = app.create_policy("Boss", levels, 0).await;
    let service = app.create_service("checkout", &policy).await;
    let mut hanging = vec![];
    for name in ["ada", "bob", "cy", "dan"] {
        let id = person(&app, name, "UTC").await;
        daily(&app, "UTC", "2026-11-25T09:00", &[&id]).await;
        hanging.push(app.outbox.hang(&format!("{name}@example.org")));
    }
    app.settle().await;
    // Four notices are due and fill what mail has room for.
    app.clock.advance(hours(6));
    let input = json!({ "serviceId": service, "title": "disk full" });
    app.create("createIncident", "incident", "CreateIncidentInput", input).await;
    while app.outbox.sent_to("boss@example.org").is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(app.outbox.told().iter().all(|told| told.to == "boss@example.org"), "they still hang");
    hanging.iter().for_each(|one| one.notify_one());
    app.settle().await;
    let told = |name: &str| cards(&app, name).iter().filter(|card| card.kind == "shift_starts").count();
    assert_eq!(["ada", "bob", "cy", "dan"].map(told), [1; 4]);
    app.stop().await;
}

#[tokio::test]
async fn people_choose_what_they_are_told_and_how() {
    let folder = folder();
    let app = node(folder.path(), "2026-11-24T03:00:00Z").await;
    let (ada, bob) = (person(&app, "ada", "UTC").await, person(&app, "bob", "UTC").await);
    let chosen =
        set(&app, json!({ "startLeadMinutes": [30, 120], "endLeadMinutes": [], "handoffs": false }), &ada)
            .await;
    let notices = &chosen["user"]["shiftNotices"];
    assert_eq!(notices["startLeadMinutes"], json!([120, 30]));
    assert_eq!((&notices["changes"], &notices["gaps"]), (&json!(true), &json!(true)));
    assert!(notices["contactId"].as_str().is_some_and(|id| id.starts_with("cnt_")), "{notices}");
    set(&app, json!({ "enabled": false }), &bob).await;
    daily(&app, "UTC", "2026-11-24T09:00", &[&ada, &bob]).await;
    app.advance(hours(72)).await;
    let times: Vec<_> = subjects(&app, "ada");
    assert_eq!(
        times[..2],
        [
            "You are on call in 2 hours: Primary, Tue 24 Nov 2026, 09:00",
            "You are on call in 30 minutes: Primary, Tue 24 Nov 2026, 09:00",
        ]
    );
    assert_eq!(times.len(), 4);
    assert_eq!(cards(&app, "bob"), []);
    // Ada may choose for herself, whatever her role, and for nobody else.
    let query = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { key } }";
    let key = json!({ "input": { "name": "ada", "role": "OBSERVER", "userId": ada } });
    let key = app.query(query, key).await["createApiKey"]["key"].take();
    let own = async |user: &str| {
        let query = "mutation($input: SetShiftNoticesInput!) { setShiftNotices(input: $input) { rejection { code } } }";
        let input = json!({ "input": { "userId": user, "gaps": false } });
        app.query_as(key.as_str().expect("a key"), query, input).await
    };
    assert_eq!(own(&ada).await["errors"], Value::Null);
    assert_eq!(own(&bob).await["errors"][0]["extensions"]["code"], "FORBIDDEN");
    for (input, field) in [
        (json!({ "startLeadMinutes": [0] }), "startLeadMinutes[0]"),
        (json!({ "endLeadMinutes": [60, 60] }), "endLeadMinutes[1]"),
        (json!({ "endLeadMinutes": [1, 2, 3, 4, 5, 6] }), "endLeadMinutes"),
        (json!({ "startLeadMinutes": [10_081] }), "startLeadMinutes[0]"),
        (json!({ "contactId": "cnt_00000000000000000000000000000001" }), "contactId"),
    ] {
        let refused = set(&app, input, &ada).await;
        assert_eq!(refused["rejection"]["field"], field, "{refused}");
    }
    app.stop().await;
}

#[tokio::test]
async fn what_fell_due_while_nothing_ran_is_told_late_if_it_still_makes_sense() {
    let folder = folder();
    let clock = VirtualClock::at(time("2026-11-24T03:00:00Z"));
    let (file, outbox) = (folder.path().join("midwatch.db"), Outbox::default());
    let app = TestApp::start_on(&file, clock.clone(), outbox.clone()).await;
    let (ada, bob) = (person(&app, "ada", "UTC").await, person(&app, "bob", "UTC").await);
    // Ada from the 25th at 09:00, Bob from the 26th.
    daily(&app, "UTC", "2026-11-25T09:00", &[&ada, &bob]).await;
    app.settle().await;
    app.stop().await;
    assert!(outbox.told().is_empty());
    clock.advance(hours(33));
    let app = TestApp::start_on(&file, clock.clone(), outbox.clone()).await;
    app.settle().await;
    // It is the 25th, 12:00. Her shift has begun: only the summary makes sense. His begins in 21 hours.
    assert_eq!(subjects(&app, "ada"), ["You are on call now: Primary"]);
    assert_eq!(subjects(&app, "bob"), ["You are on call in 21 hours: Primary, Thu 26 Nov 2026, 09:00"]);
    let skipped = story(&app, &ada).await;
    let skipped = skipped.iter().filter(|(kind, _)| kind == "notice.withdrawn.v1").map(|(_, said)| said);
    assert_eq!(
        skipped.collect::<Vec<_>>(),
        ["ada is not told: it has begun or is over", "ada is not told: it has begun or is over",]
    );
    app.stop().await;
    let app = TestApp::start_on(&file, clock, outbox.clone()).await;
    app.settle().await;
    assert_eq!(outbox.told().len(), 2, "another start tells nothing again");
    app.stop().await;
}

#[tokio::test]
async fn a_stop_between_intent_and_outcome_sends_the_same_notice_afterwards() {
    let folder = folder();
    let clock = VirtualClock::at(time("2026-11-24T03:00:00Z"));
    let (file, outbox) = (folder.path().join("midwatch.db"), Outbox::default());
    let app = TestApp::start_on(&file, clock.clone(), outbox.clone()).await;
    let (ada, bob) = (person(&app, "ada", "UTC").await, person(&app, "bob", "UTC").await);
    daily(&app, "UTC", "2026-11-25T09:00", &[&ada, &bob]).await;
    app.settle().await;
    outbox.hang("ada@example.org");
    clock.advance(hours(6));
    while !story(&app, &ada).await.iter().any(|(kind, _)| kind == "notice.requested.v1") {
        tokio::task::yield_now().await;
    }
    app.stop().await;
    // The next process reaches the relay.
    let after = Outbox::default();
    let app = TestApp::start_on(&file, clock, after.clone()).await;
    app.settle().await;
    let told = after.told_to("ada@example.org");
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].attempt, told[0].key.starts_with("ntc_")), (1, true));
    let kinds: Vec<_> = story(&app, &ada).await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "notice.requested.v1").count(), 1);
    assert_eq!(kinds.iter().filter(|kind| *kind == "notice.sent.v1").count(), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_node_that_takes_over_tells_nothing_twice_and_leaves_nothing_out() {
    let database = database().await;
    let clock = VirtualClock::at(time("2026-11-24T03:00:00Z"));
    let outbox = Outbox::default();
    let start = async || {
        let config = TestApp::config(&database);
        TestApp::start_with(config, clock.clone(), outbox.clone()).await
    };
    let first = start().await;
    while !first.leads() {
        tokio::task::yield_now().await;
    }
    let second = start().await;
    let (ada, bob) = (person(&first, "ada", "UTC").await, person(&first, "bob", "UTC").await);
    daily(&first, "UTC", "2026-11-25T09:00", &[&ada, &bob]).await;
    first.advance(hours(6)).await;
    assert_eq!(outbox.told().len(), 1);
    first.stop().await;
    while !second.leads() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    second.advance(hours(24)).await;
    let kinds: Vec<_> = cards(&second, "ada").into_iter().map(|card| card.kind).collect();
    assert_eq!(kinds, ["shift_starts", "shift_starts", "shift_began"]);
    let keys: std::collections::HashSet<_> = outbox.told().into_iter().map(|told| told.key).collect();
    assert_eq!(keys.len(), outbox.told().len(), "each has a key of its own");
    second.stop().await;
}

#[tokio::test]
async fn whoever_looks_after_an_integration_is_told_once_a_day_what_is_wrong_with_it() {
    let folder = folder();
    let app = node(folder.path(), "2026-11-24T03:00:00Z").await;
    let (ada, _) = (person(&app, "ada", "UTC").await, person(&app, "bob", "UTC").await);
    let team = json!({ "name": "Storage", "memberIds": [ada] });
    let team = app.create("createTeam", "team", "CreateTeamInput", team).await;
    let service = json!({ "name": "Disks", "teamId": team });
    let service = app.create("createService", "service", "CreateServiceInput", service).await;
    let (integration, key) = app.create_integration("GENERIC", &service).await;
    let path = format!("/hooks/generic/{key}");
    let say = async |severity: &str| {
        let body = json!({ "title": "disk full", "severity": severity });
        assert_eq!(app.post(&path, body.to_string()).await.0, 202);
        app.settle().await;
    };
    say("dire").await;
    say("grim").await;
    let told = cards(&app, "ada");
    let [card] = &told[..] else { panic!("one notice a day: {told:?}") };
    assert_eq!(card.kind, "integration_troubled");
    assert!(card.subject.ends_with(" names severities that nobody knows"), "{}", card.subject);
    assert!(card.facts.contains(&("Words".to_owned(), "dire".to_owned())), "{:?}", card.facts);
    assert!(cards(&app, "bob").is_empty(), "the team is told");

    app.advance(hours(24)).await;
    say("bleak").await;
    assert_eq!(cards(&app, "ada").len(), 2);
    let limit = json!({ "integrationId": integration, "rateLimitPerMinute": 1 });
    app.administer("updateIntegration", "integration { id }", limit).await;
    let body = json!({ "title": "disk full" }).to_string();
    let statuses = [app.post(&path, body.clone()).await.0, app.post(&path, body).await.0];
    assert_eq!(statuses[1], 429);
    app.settle().await;
    let last = subjects(&app, "ada").pop().expect("she is told");
    assert!(last.ends_with(" sends more than it may"), "{last}");
    app.stop().await;
}
