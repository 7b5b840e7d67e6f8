//! Schedules from outside: whom an escalation pages, many people at once, and people who leave.

use std::collections::HashSet;

use commands::Clock;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{Crew, Server, TestApp, crew_on, database, log_on, mutate, text};

#[tokio::test]
async fn an_escalation_pages_whom_the_final_schedule_names_when_the_level_is_due() {
    let app = TestApp::start().await;
    let crew = Crew::of(&app, 4).await;
    let paged = |person: usize| app.outbox.sent_to(&format!("p{person}@example.org")).len();
    let trigger = async |title: &str| {
        let input = json!({ "serviceId": crew.service, "title": title });
        app.create("createIncident", "incident", "CreateIncidentInput", input).await
    };

    // The override begins while the first level waits.
    let input = json!({ "kind": "REPLACE", "from": crew.people[0], "to": crew.people[2],
        "start": "2026-11-24T03:30:00Z", "end": "2026-11-24T05:00:00Z" });
    let made = crew.act(&app, 0, "createScheduleOverride", "scheduleOverride { id }", input).await;
    assert_eq!(made["rejection"], Value::Null, "{made}");
    trigger("one").await;
    app.advance_minutes(60).await;
    assert_eq!((paged(0), paged(2)), (0, 1), "an override counts at the moment the level is due");

    // A swap that is accepted while the first level waits.
    let give = json!({ "start": "2026-11-24T05:00:00Z", "end": "2026-11-24T12:00:00Z" });
    let asked = crew.act(&app, 0, "requestShiftSwap", "shiftSwap { id }", json!({ "give": give })).await;
    app.advance_minutes(30).await;
    trigger("two").await;
    let swap = json!({ "swapId": asked["shiftSwap"]["id"] });
    let taken = crew.act(&app, 3, "acceptShiftSwap", "shiftSwap { status }", swap).await;
    assert_eq!(taken["shiftSwap"]["status"], "ACCEPTED", "{taken}");
    app.advance_minutes(60).await;
    assert_eq!((paged(0), paged(3)), (0, 1), "a swap counts at the moment the level is due");

    // The answer for the service is whom it pages.
    let query = "query($id: ID!) { onCall(serviceId: $id) { level users { id } uncovered } }";
    let on_call = app.query(query, json!({ "id": crew.service })).await;
    assert_eq!(on_call["onCall"][1]["users"], json!([{ "id": crew.people[3] }]));
    app.stop().await;
}

#[tokio::test]
async fn of_ten_people_at_once_exactly_the_winners_are_recorded() {
    let app = TestApp::start().await;
    let crew = Crew::of(&app, 12).await;
    let race = |person: usize| {
        let (app, crew, key) = (&app, &crew, &crew.keys[person]);
        let send = async move |name: &'static str, selection: &'static str, input: Value| {
            app.mutate(key, name, selection, input).await
        };
        async move { all_at_once(send, crew, person).await }
    };
    let offer = offer(&app, &crew).await;
    check_winners(&join_all((2..12).map(race)).await);
    let swap = json!({ "scheduleId": crew.schedule, "swapId": offer });
    let takers = (2..12).map(|person| {
        app.mutate(&crew.keys[person], "acceptShiftSwap", "shiftSwap { takenBy { id } }", swap.clone())
    });
    check_taken(&join_all(takers).await);
    let query = "query($id: ID!) { schedule(id: $id) { overrides { id } swaps { takenBy { id } status } } }";
    let seen = app.query(query, json!({ "id": crew.schedule })).await;
    assert_eq!(seen["schedule"]["overrides"].as_array().expect("overrides").len(), 2, "{seen}");
    assert_eq!(seen["schedule"]["swaps"].as_array().expect("swaps").len(), 1, "{seen}");
    app.stop().await;
}

/// An open swap of the first person's shift.
async fn offer(app: &TestApp, crew: &Crew) -> String {
    let give = json!({ "start": "2026-11-25T12:00:00Z", "end": "2026-11-26T12:00:00Z" });
    let asked = crew.act(app, 0, "requestShiftSwap", "shiftSwap { id }", json!({ "give": give })).await;
    text(&asked["shiftSwap"]["id"])
}

/// One person tries to be alone on call for a day, and to relieve the first at another time; so do all others.
async fn all_at_once(
    send: impl AsyncFn(&'static str, &'static str, Value) -> Value,
    crew: &Crew,
    person: usize,
) -> [Value; 2] {
    let me = &crew.people[person];
    let alone = json!({ "scheduleId": crew.schedule, "kind": "SET", "users": [me],
        "start": "2026-11-27T00:00:00Z", "end": "2026-11-28T00:00:00Z" });
    let relief = json!({ "scheduleId": crew.schedule, "kind": "REPLACE", "from": crew.people[0], "to": me,
        "start": "2026-11-29T12:00:00Z", "end": "2026-11-30T00:00:00Z" });
    let selection = "scheduleOverride { id }";
    let (first, second) = tokio::join!(
        send("createScheduleOverride", selection, alone),
        send("createScheduleOverride", selection, relief)
    );
    [first, second]
}

fn check_winners(outcomes: &[[Value; 2]]) {
    for which in 0..2 {
        let won = outcomes.iter().filter(|one| one[which]["rejection"].is_null()).count();
        assert_eq!(won, 1, "{outcomes:?}");
        for lost in outcomes.iter().map(|one| &one[which]["rejection"]).filter(|why| !why.is_null()) {
            assert_eq!((&lost["code"], &lost["field"]), (&json!("CONFLICT"), &json!("start")), "{lost}");
            assert!(text(&lost["message"]).contains("overlaps ovr_"), "{lost}");
        }
    }
}

fn check_taken(outcomes: &[Value]) {
    let won = outcomes.iter().filter(|one| one["rejection"].is_null()).count();
    assert_eq!(won, 1, "{outcomes:?}");
    for lost in outcomes.iter().map(|one| &one["rejection"]).filter(|why| !why.is_null()) {
        assert_eq!((&lost["code"], &lost["field"]), (&json!("CONFLICT"), &json!("swapId")), "{lost}");
        assert!(text(&lost["message"]).contains("was accepted by"), "{lost}");
    }
}

#[tokio::test]
async fn who_leaves_is_taken_out_of_every_schedule_and_nobody_else_moves() {
    let app = TestApp::start().await;
    let crew = Crew::of(&app, 4).await;
    let second = json!({ "name": "Second", "rotation": "DAILY", "rotationStart": "2026-11-23T12:00",
        "participants": [crew.people[1], crew.people[2], crew.people[3]] });
    let second = app.create("createSchedule", "schedule", "CreateScheduleInput", second).await;
    let input = json!({ "kind": "ADD", "user": crew.people[1], "start": "2026-11-26T06:00:00Z", "end": "2026-11-26T07:00:00Z" });
    crew.act(&app, 1, "createScheduleOverride", "scheduleOverride { id }", input).await;
    let planned = json!({ "scheduleId": second, "participants": [crew.people[1], crew.people[0]], "effectiveFrom": "2026-12-24T00:00:00Z" });
    assert_eq!(app.administer("updateSchedule", "schedule { id }", planned).await["rejection"], Value::Null);
    let selection = "openedGaps { schedule { id } } warnings { message }";
    let gone = app.administer("deactivateUser", selection, json!({ "userId": crew.people[1] })).await;
    let warned: HashSet<_> =
        gone["openedGaps"].as_array().expect("gaps").iter().map(|one| text(&one["schedule"]["id"])).collect();
    assert_eq!(warned, HashSet::from([crew.schedule.clone(), second.clone()]));
    app.settle().await;
    let query = "query($id: ID!) { schedule(id: $id) { participants { id } overrides { id } versions { layers { participants { id } } }
        onCall(at: \"2026-11-25T13:00:00Z\") { users { id } } gaps(to: \"2026-11-27T00:00:00Z\") { start end } } }";
    let primary = app.query(query, json!({ "id": crew.schedule })).await["schedule"].take();
    assert_eq!(primary["participants"], json!([[{ "id": crew.people[0] }], []]));
    assert_eq!(primary["overrides"], json!([]));
    assert_eq!(primary["onCall"]["users"], json!([{ "id": crew.people[0] }]), "nobody else's turns move");
    assert_eq!(
        primary["gaps"][0],
        json!({ "start": "2026-11-24T12:00:00.000Z", "end": "2026-11-25T12:00:00.000Z" })
    );
    let other = app.query(query, json!({ "id": second })).await["schedule"].take();
    let versions = other["versions"].as_array().expect("versions");
    assert_eq!(versions.len(), 2, "the one that holds now and the planned one: {other}");
    assert!(versions.iter().all(|version| version["layers"][0]["participants"][0] == json!([])), "{other}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_people_on_two_nodes_exactly_the_winners_are_recorded() {
    let database = database().await;
    let nodes = [Server::start(&database, &[]).await, Server::start(&database, &[]).await];
    let crew = crew_on(&nodes[0], 12).await;
    let known = || async {
        let query = "query($id: ID!) { schedule(id: $id) { id } }";
        nodes[1].query(query, json!({ "id": crew.schedule })).await["schedule"].is_object()
    };
    nodes[1].until("the other node knows the schedule", known).await;
    let now = commands::SystemClock.now();
    let hours = |hours: u64| now.plus_seconds(hours * 3600).to_string();
    let send = async |person: usize, mutation: &'static str, selection: &'static str, input: Value| {
        mutate(&nodes[person % 2], &crew.keys[person], mutation, selection, input).await
    };
    let race = |person: usize| {
        let (crew, send) = (&crew, &send);
        let alone = json!({ "scheduleId": crew.schedule, "kind": "SET", "users": [crew.people[person]],
            "start": hours(72), "end": hours(80) });
        let relief = json!({ "scheduleId": crew.schedule, "kind": "REPLACE", "from": crew.people[0],
            "to": crew.people[person], "start": hours(90), "end": hours(120) });
        let selection = "scheduleOverride { id }";
        async move {
            let (first, second) = tokio::join!(
                send(person, "createScheduleOverride", selection, alone),
                send(person, "createScheduleOverride", selection, relief)
            );
            [first, second]
        }
    };
    check_winners(&join_all((2..12).map(race)).await);

    let give = json!({ "start": hours(1), "end": hours(60) });
    let ask = json!({ "scheduleId": crew.schedule, "give": give });
    let asked = send(0, "requestShiftSwap", "shiftSwap { id }", ask).await;
    let swap = json!({ "scheduleId": crew.schedule, "swapId": asked["shiftSwap"]["id"] });
    let takers =
        (2..12).map(|person| send(person, "acceptShiftSwap", "shiftSwap { takenBy { id } }", swap.clone()));
    check_taken(&join_all(takers).await);

    // Both nodes tell the same story, and each change was written down once.
    let cover =
        json!({ "scheduleId": crew.schedule, "kind": "SET", "users": [crew.people[5]], "end": hours(1) });
    let covered = send(5, "createScheduleOverride", "scheduleOverride { id }", cover).await;
    let id = &covered["scheduleOverride"]["id"];
    for node in &nodes {
        let told = || async { log_on(node, &crew).await.iter().any(|entry| entry["causeId"] == *id) };
        node.until("it is written down", told).await;
    }
    let logs = [log_on(&nodes[0], &crew).await, log_on(&nodes[1], &crew).await];
    assert_eq!(logs[0], logs[1]);
    let mut seen = HashSet::new();
    assert!(logs[0].iter().all(|entry| seen.insert(entry["start"].to_string())), "{logs:?}");
    let query = "query($id: ID!) { schedule(id: $id) { overrides { id } } }";
    let recorded = nodes[0].query(query, json!({ "id": crew.schedule })).await;
    assert_eq!(recorded["schedule"]["overrides"].as_array().expect("overrides").len(), 3, "{recorded}");
}
