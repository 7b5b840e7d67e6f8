//! The record of who was on call: complete, with its causes, and the same after every edit, crash and rebuild.

use std::{collections::HashSet, time::Duration};

use commands::{Clock, VirtualClock};
use domain::Timestamp;
use serde_json::json;

use crate::support::{Crew, Outbox, Server, TestApp, at, crew_on, log_on, mutate, run, text};

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
    let expected: [(&str, &[usize], &str); 7] = [
        ("2026-11-24T06:00:00.000Z", &[0, 3], "OVERRIDE"),
        ("2026-11-24T07:00:00.000Z", &[0], "OVERRIDE"),
        ("2026-11-24T12:00:00.000Z", &[1], "TURN"),
        ("2026-11-25T12:00:00.000Z", &[2], "SWAP"),
        ("2026-11-25T18:00:00.000Z", &[0], "SWAP"),
        ("2026-11-26T12:00:00.000Z", &[1], "TURN"),
        ("2026-11-27T12:00:00.000Z", &[0], "TURN"),
    ];
    assert_eq!(told, expected);
    let query = "query($id: ID!) { events(subject: $id, types: [\"oncall.changed.v1\"], first: 1) { nodes { message } } }";
    let told = app.query(query, json!({ "id": crew.people[3] })).await;
    let message = text(&told["events"]["nodes"][0]["message"]);
    let words = " are on call for Primary from 2026-11-24T06:00:00.000Z on because of an override";
    assert!(message.to_lowercase().contains("p3") && message.ends_with(words), "{message}");
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
