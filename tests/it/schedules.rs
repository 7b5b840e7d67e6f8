//! Schedules from outside: whom an escalation pages, what is written down of who was on call, and many people at once.

use std::{collections::HashSet, time::Duration};

use commands::{Clock, VirtualClock};
use domain::Timestamp;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{Outbox, Server, TestApp, database, run};

/// People with keys of their own, and a schedule in which the first two take daily turns at noon UTC, on level 2 of a
/// service's policy after an hour. The clock shows 03:00 on 2026-11-24, in the first person's turn.
struct Crew {
    people: Vec<String>,
    keys: Vec<String>,
    schedule: String,
    service: String,
}

impl Crew {
    async fn of(app: &TestApp, size: usize) -> Self {
        let (mut people, mut keys) = (vec![], vec![]);
        for number in 0..size {
            let person = app.create_user(&format!("p{number}"), "RESPONDER").await;
            let key = json!({ "name": format!("p{number}"), "userId": person });
            keys.push(text(&app.administer("createApiKey", "key", key).await["key"]));
            people.push(person);
        }
        let input = json!({ "name": "Primary", "rotation": "DAILY", "rotationStart": "2026-11-23T12:00",
            "participants": people[..2] });
        let schedule = app.create("createSchedule", "schedule", "CreateScheduleInput", input).await;
        let watcher = app.create_user("watcher", "RESPONDER").await;
        let levels = json!([
            { "targets": [{ "userId": watcher }], "timeoutSeconds": 3600 },
            { "targets": [{ "scheduleId": schedule }], "timeoutSeconds": 3600 },
        ]);
        let policy = app.create_policy("Checkout", levels, 0).await;
        let service = app.create_service("checkout", &policy).await;
        Self { people, keys, schedule, service }
    }

    /// The payload of a mutation on the schedule by one of the people.
    async fn act(
        &self,
        app: &TestApp,
        person: usize,
        mutation: &str,
        selection: &str,
        mut input: Value,
    ) -> Value {
        input["scheduleId"] = json!(self.schedule);
        app.mutate(&self.keys[person], mutation, selection, input).await
    }

    /// What was written down: from when on, who by their places, and why.
    async fn log(&self, app: &TestApp) -> Vec<(String, Vec<usize>, String)> {
        let query = "query($id: ID!) { onCallLog(scheduleId: $id, from: \"2026-11-01T00:00:00Z\") {
            start end users { id } cause causeId timeZoneData } }";
        let mut data = app.query(query, json!({ "id": self.schedule })).await;
        let entries = data["onCallLog"].as_array_mut().map(std::mem::take).expect("entries");
        for pair in entries.windows(2) {
            assert_eq!(pair[0]["end"], pair[1]["start"], "each lasts until the next");
        }
        let shown =
            |entry: &Value| (text(&entry["start"]), self.places(&entry["users"]), text(&entry["cause"]));
        entries.iter().map(shown).collect()
    }

    fn places(&self, users: &Value) -> Vec<usize> {
        let ids = users.as_array().expect("users").iter().map(|user| text(&user["id"]));
        let mut places: Vec<_> =
            ids.map(|id| self.people.iter().position(|one| *one == id).expect("one of us")).collect();
        places.sort_unstable();
        places
    }

    /// Who was on call at some instants, by their places.
    async fn answers(&self, app: &TestApp, instants: &[Timestamp]) -> Vec<Vec<usize>> {
        let asked = instants
            .iter()
            .enumerate()
            .map(|(index, at)| format!("a{index}: onCall(at: \"{at}\") {{ users {{ id }} }} "));
        let query = format!("query($id: ID!) {{ schedule(id: $id) {{ {} }} }}", asked.collect::<String>());
        let data = app.query(&query, json!({ "id": self.schedule })).await;
        let of = |index| self.places(&data["schedule"][format!("a{index}")]["users"]);
        (0..instants.len()).map(of).collect()
    }

    /// The same instants as one timeline has them.
    async fn timeline(&self, app: &TestApp, from: Timestamp, to: Timestamp) -> Value {
        let query = "query($id: ID!, $from: DateTime, $to: DateTime) { schedule(id: $id) {
            finalTimeline(from: $from, to: $to) { entries { start end users { id } } } } }";
        let variables = json!({ "id": self.schedule, "from": from.to_string(), "to": to.to_string() });
        app.query(query, variables).await["schedule"]["finalTimeline"]["entries"].take()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

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
async fn each_change_is_written_down_with_its_cause_and_instant() {
    let app = TestApp::start().await;
    let crew = Crew::of(&app, 4).await;
    app.settle().await;
    let created = crew.log(&app).await;
    assert_eq!(created.len(), 1);
    assert_eq!((&created[0].1, created[0].2.as_str()), (&vec![0], "EDIT"));

    let input = json!({ "kind": "ADD", "user": crew.people[3], "start": "2026-11-24T06:00:00Z", "end": "2026-11-24T07:00:00Z" });
    crew.act(&app, 3, "createScheduleOverride", "scheduleOverride { id }", input).await;
    let give = json!({ "start": "2026-11-25T12:00:00Z", "end": "2026-11-25T18:00:00Z" });
    let asked = json!({ "to": crew.people[2], "give": give });
    let asked = crew.act(&app, 0, "requestShiftSwap", "shiftSwap { id }", asked).await;
    let swap = json!({ "swapId": asked["shiftSwap"]["id"] });
    crew.act(&app, 2, "acceptShiftSwap", "shiftSwap { id }", swap).await;
    app.advance(Duration::from_hours(4 * 24)).await;
    let log = crew.log(&app).await;
    let told: Vec<_> = log
        .iter()
        .skip(1)
        .map(|(start, users, why)| (start.as_str(), users.as_slice(), why.as_str()))
        .collect();
    let expected: [(&str, &[usize], &str); 8] = [
        ("2026-11-24T06:00:00.000Z", &[0, 3], "OVERRIDE"),
        ("2026-11-24T07:00:00.000Z", &[0], "OVERRIDE"),
        ("2026-11-24T12:00:00.000Z", &[1], "TURN"),
        ("2026-11-25T12:00:00.000Z", &[2], "SWAP"),
        ("2026-11-25T18:00:00.000Z", &[0], "SWAP"),
        ("2026-11-26T12:00:00.000Z", &[1], "TURN"),
        ("2026-11-27T12:00:00.000Z", &[0], "TURN"),
        ("2026-11-28T12:00:00.000Z", &[1], "TURN"),
    ];
    // The last one lies ahead.
    assert_eq!(told, expected[..7]);
    let query = "query($id: ID!) { events(subject: $id, types: [\"oncall.changed.v1\"], first: 1) { nodes { message } } }";
    let told = app.query(query, json!({ "id": crew.people[3] })).await;
    let message = "P0 and p3 are on call for Primary from 2026-11-24T06:00:00.000Z on because of an override";
    assert_eq!(told["events"]["nodes"][0]["message"], message);
    app.stop().await;
}

/// Numbers that only look random, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Some change of a schedule; a refusal is as good as a change.
async fn change_something(app: &TestApp, crew: &Crew, dice: &mut Dice) {
    let now = app.clock.now();
    let mut person = || usize::try_from(dice.roll(5)).expect("it is small");
    let (one, other) = (person(), person());
    let hours = |hours: u64| now.plus_seconds(hours * 3600).to_string();
    let (start, length) = (dice.roll(48), 1 + dice.roll(30));
    let span = json!({ "start": hours(start), "end": hours(start + length) });
    match dice.roll(6) {
        0 => {
            let input = json!({ "kind": "ADD", "user": crew.people[one], "start": span["start"], "end": span["end"] });
            crew.act(app, one, "createScheduleOverride", "scheduleOverride { id }", input).await;
        }
        1 => {
            let input = json!({ "kind": "REPLACE", "from": crew.people[one], "to": crew.people[other], "end": span["end"] });
            crew.act(app, one, "createScheduleOverride", "scheduleOverride { id }", input).await;
        }
        2 => {
            crew.act(
                app,
                other,
                "coverMeNow",
                "scheduleOverride { id }",
                json!({ "from": crew.people[one] }),
            )
            .await;
        }
        3 => {
            let asked =
                crew.act(app, one, "requestShiftSwap", "shiftSwap { id }", json!({ "give": span })).await;
            if asked["rejection"].is_null() {
                let swap = json!({ "swapId": asked["shiftSwap"]["id"] });
                crew.act(app, other, "acceptShiftSwap", "shiftSwap { id }", swap).await;
            }
        }
        4 => {
            let mut people: Vec<_> = crew.people[..5].to_vec();
            people.rotate_left(one);
            people.truncate(1 + other);
            let input =
                json!({ "scheduleId": crew.schedule, "participants": people, "keepCurrent": one % 2 == 0 });
            app.administer("updateSchedule", "schedule { id }", input).await;
        }
        _ => {
            let zone = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Asia/Tokyo"][one];
            let input = json!({ "scheduleId": crew.schedule, "timeZone": zone, "rotation": "DAILY" });
            app.administer("updateSchedule", "schedule { id }", input).await;
        }
    }
}

#[tokio::test]
async fn answers_about_the_past_are_the_same_before_and_after_random_edits() {
    let app = TestApp::start().await;
    let crew = Crew::of(&app, 6).await;
    let begin = app.clock.now();
    let mut dice = Dice(20_261_124);
    let (mut instants, mut answers): (Vec<Timestamp>, Vec<Vec<usize>>) = (vec![], vec![]);
    for round in 0..40 {
        app.advance(Duration::from_secs(600 + dice.roll(40_000))).await;
        let now = app.clock.now();
        // Instants of the time that has just passed, to the millisecond.
        let since = instants.last().copied().unwrap_or(begin);
        let passed = now.since(since).as_millis();
        for _ in 0..3 {
            let later = u128::from(dice.roll(1_000_000)) * passed / 1_000_000;
            instants.push(since + Duration::from_millis(u64::try_from(later).expect("it is short")));
        }
        instants.sort_unstable();
        answers = crew.answers(&app, &instants).await;
        let timeline = crew.timeline(&app, begin, now).await;
        for _ in 0..3 {
            // Two changes at one instant would be two facts about it.
            app.clock.advance(Duration::from_secs(1));
            change_something(&app, &crew, &mut dice).await;
        }
        app.settle().await;
        assert_eq!(crew.answers(&app, &instants).await, answers, "round {round}");
        assert_eq!(crew.timeline(&app, begin, now).await, timeline, "round {round}");
    }
    assert!(answers.iter().collect::<HashSet<_>>().len() > 5, "the answers differ: {answers:?}");
    // What was written down agrees with what follows from the log of edits alone.
    let query = "query($id: ID!, $head: Position) { schedule(id: $id, asOf: $head) {
        finalTimeline(from: \"2026-11-24T03:00:00Z\", to: \"2026-12-01T00:00:00Z\") { entries { start end users { id } } } } }";
    let (id, end) = (&crew.schedule, at("2026-12-01T00:00:00Z"));
    let computed = app.query(query, json!({ "id": id, "head": "999999999" })).await;
    let entries = &computed["schedule"]["finalTimeline"]["entries"];
    assert_eq!(*entries, crew.timeline(&app, at("2026-11-24T03:00:00Z"), end).await);
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
async fn what_changed_while_no_node_ran_is_written_down_with_the_instant_at_which_it_did() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("midwatch.db");
    let clock = VirtualClock::at(at("2026-11-24T03:00:00Z"));
    let app = TestApp::start_on(&file, clock.clone(), Outbox::default()).await;
    let crew = Crew::of(&app, 3).await;
    let input = json!({ "kind": "ADD", "user": crew.people[2], "start": "2026-11-25T06:00:00Z", "end": "2026-11-25T07:00:00Z" });
    crew.act(&app, 2, "createScheduleOverride", "scheduleOverride { id }", input).await;
    app.settle().await;
    app.stop().await;
    clock.advance(Duration::from_hours(30));
    let app = TestApp::start_on(&file, clock.clone(), Outbox::default()).await;
    app.settle().await;
    let log = crew.log(&app).await;
    let starts: Vec<_> = log.iter().skip(1).map(|(start, ..)| start.as_str()).collect();
    let expected = ["2026-11-24T12:00:00.000Z", "2026-11-25T06:00:00.000Z", "2026-11-25T07:00:00.000Z"];
    assert_eq!(starts, expected);
    // Another start finds nothing to write.
    app.stop().await;
    let app = TestApp::start_on(&file, clock, Outbox::default()).await;
    app.settle().await;
    assert_eq!(crew.log(&app).await, log);
    app.stop().await;
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

/// The payload of a mutation that a running process answers.
async fn mutate(server: &Server, key: &str, mutation: &str, selection: &str, input: Value) -> Value {
    let query = crate::support::mutation(mutation, selection);
    let (_, mut answer) = server.query_as(Some(key), &query, json!({ "input": input })).await;
    assert_eq!(answer["errors"], Value::Null, "{mutation}: {answer}");
    answer["data"][mutation].take()
}

/// A crew on a running process: daily turns of the first two that began long ago.
async fn crew_on(server: &Server, size: usize) -> Crew {
    let (mut people, mut keys) = (vec![], vec![]);
    for number in 0..size {
        let person = json!({ "name": format!("p{number}"), "email": format!("p{number}@example.org") });
        let person = text(&server.create("createUser", "user { id }", person).await["user"]["id"]);
        let key = json!({ "name": format!("p{number}"), "userId": person });
        keys.push(text(&server.create("createApiKey", "key", key).await["key"]));
        people.push(person);
    }
    let input = json!({ "name": "Primary", "rotation": "DAILY", "rotationStart": "2020-01-01T12:00",
        "participants": people[..2] });
    let made = server.create("createSchedule", "schedule { id }", input).await;
    Crew { people, keys, schedule: text(&made["schedule"]["id"]), service: String::new() }
}

/// What a process wrote down of a schedule in the last month.
async fn log_on(server: &Server, crew: &Crew) -> Vec<Value> {
    let query = "query($id: ID!) { onCallLog(scheduleId: $id) { start users { id } cause causeId } }";
    let mut data = server.query(query, json!({ "id": crew.schedule })).await;
    data["onCallLog"].as_array_mut().map(std::mem::take).expect("entries")
}

#[tokio::test]
async fn the_record_survives_a_kill_and_is_rebuilt_byte_for_byte() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let server = Server::start(&database, &[]).await;
    let crew = crew_on(&server, 3).await;
    let now = commands::SystemClock.now();
    let end = now.plus_seconds(2).to_string();
    let input = json!({ "scheduleId": crew.schedule, "kind": "SET", "users": [crew.people[2]], "end": end });
    let made =
        mutate(&server, &crew.keys[2], "createScheduleOverride", "scheduleOverride { id }", input).await;
    let id = &made["scheduleOverride"]["id"];
    let begun = || async { log_on(&server, &crew).await.iter().any(|entry| entry["causeId"] == *id) };
    server.until("it is written down that the override began", begun).await;
    server.kill();
    let server = Server::start(&database, &[]).await;
    let ended =
        || async { log_on(&server, &crew).await.last().is_some_and(|entry| entry["start"] == json!(end)) };
    server.until("it is written down when the override ended", ended).await;
    let entries = log_on(&server, &crew).await;
    assert_eq!(entries.iter().filter(|entry| entry["causeId"] == *id).count(), 2, "{entries:?}");
    server.stop();
    let rebuilt = run(&["rebuild", "--database", &database]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    let server = Server::start(&database, &[]).await;
    assert_eq!(log_on(&server, &crew).await, entries, "rebuilt, it is the same");
    server.kill();
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
