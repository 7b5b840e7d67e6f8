//! Whoever falls silent is an incident, until they are heard again.

use commands::{Clock, VirtualClock};
use domain::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

use crate::support::{Outbox, TestApp, World};

/// What stories look at.
const WATCH: &str =
    "{ id watch { silentAfterSeconds mutedReason mutedUntil mutedBy { name } silentSince incident { id } }
    lastHeardAt usualSilenceSeconds }";

/// A watched entrance, and what is known about it.
struct Watched {
    id: String,
    path: String,
}

impl Watched {
    async fn open(app: &TestApp, world: &World, kind: &str, silent_after: u32) -> Self {
        let input = json!({ "name": "Nightly backup", "kind": kind, "serviceId": world.service,
            "silentAfterSeconds": silent_after });
        let made = app.administer("createIntegration", "integration { id } key", input).await;
        assert_eq!(made["rejection"], Value::Null);
        let key = made["key"].as_str().expect("a key");
        let path = format!("/hooks/{}/{key}", kind.to_lowercase());
        app.settle().await;
        Self { id: made["integration"]["id"].as_str().expect("an id").to_owned(), path }
    }

    /// Sends a sign of life.
    async fn beat(&self, app: &TestApp) {
        let (status, answer) = app.call("POST", &self.path, &[], String::new()).await;
        assert_eq!(status, 202, "{answer}");
        app.settle().await;
    }

    async fn seen(&self, app: &TestApp) -> Value {
        let query = format!("query($id: ID!) {{ integration(id: $id) {WATCH} }}");
        app.query(&query, json!({ "id": self.id })).await["integration"].take()
    }

    /// Runs a mutation on it and returns its payload.
    async fn act(&self, app: &TestApp, mutation: &str, more: Value) -> Value {
        let mut input = json!({ "integrationId": self.id });
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let payload = app.administer(mutation, &format!("integration {WATCH}"), input).await;
        app.settle().await;
        payload
    }

    async fn mute(&self, app: &TestApp, until: Option<Timestamp>) -> Value {
        let until = until.map(|until| until.to_string());
        let reason = json!({ "reason": "the cluster moves", "until": until });
        self.act(app, "muteIntegration", reason).await
    }

    /// The stored names of what happened to it, oldest first.
    async fn story(&self, app: &TestApp) -> Vec<String> {
        let query = "query($id: ID!) { events(first: 100, subject: $id) { nodes { type } } }";
        let data = app.query(query, json!({ "id": self.id })).await;
        let events = data["events"]["nodes"].as_array().expect("a list").iter();
        let names = events.map(|event| event["type"].as_str().expect("a name").to_owned());
        names.filter(|name| name.starts_with("integration.")).collect()
    }
}

/// The titles of the incidents with a status, newest first.
async fn titles(app: &TestApp, status: &str) -> Vec<String> {
    let incidents = app.incidents().await.into_iter().filter(|incident| incident["status"] == status);
    incidents.map(|incident| incident["title"].as_str().expect("a title").to_owned()).collect()
}

#[tokio::test]
async fn a_missed_heartbeat_opens_one_incident_and_the_next_one_resolves_it() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let backup = Watched::open(&app, &world, "HEARTBEAT", 600).await;
    for _ in 0..4 {
        app.advance_minutes(9).await;
        backup.beat(&app).await;
    }
    assert!(app.incidents().await.is_empty());
    assert_eq!(backup.story(&app).await.len(), 2, "beats write nothing to the integration");
    let heard = app.clock.now();
    assert_eq!(backup.seen(&app).await["lastHeardAt"], heard.to_string());

    app.advance_minutes(10).await;
    assert_eq!(titles(&app, "TRIGGERED").await, ["Nightly backup has been silent for 10 minutes"]);
    assert_eq!(app.outbox.sent_to("first@example.org").len(), 1);
    let watch = backup.seen(&app).await["watch"].take();
    assert_eq!(watch["silentSince"], heard.to_string());
    let incident = watch["incident"]["id"].as_str().expect("an incident").to_owned();
    app.advance_minutes(4).await;
    assert_eq!(app.incidents().await.len(), 1, "one silence is one incident");
    let test =
        app.administer("sendTestAlert", "delivery { id }", json!({ "integrationId": backup.id })).await;
    assert_eq!(test["rejection"], Value::Null);
    app.settle().await;
    assert_eq!(titles(&app, "TRIGGERED").await.len(), 1, "a test says nothing about the backup");
    assert_eq!(backup.seen(&app).await["lastHeardAt"], heard.to_string());

    backup.beat(&app).await;
    assert_eq!(titles(&app, "RESOLVED").await.len(), 1);
    let story = app.story(&incident).await;
    assert_eq!((story[0].as_str(), story.len()), ("incident.triggered.v1", 6), "{story:?}");
    let watch = backup.seen(&app).await["watch"].take();
    assert_eq!((&watch["silentSince"], &watch["incident"]), (&Value::Null, &Value::Null));

    app.advance_minutes(10).await;
    assert_eq!(titles(&app, "TRIGGERED").await.len(), 1, "the next silence is another episode");
    let expected = [
        "integration.created.v1",
        "integration.watch_set.v1",
        "integration.fell_silent.v1",
        "integration.silence_reported.v1",
        "integration.silence_ended.v1",
        "integration.fell_silent.v1",
        "integration.silence_reported.v1",
    ];
    assert_eq!(backup.story(&app).await, expected);
    app.stop().await;
}

#[tokio::test]
async fn whatever_can_call_a_url_can_beat() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let backup = Watched::open(&app, &world, "HEARTBEAT", 600).await;
    for (method, expected) in [("GET", 200), ("HEAD", 200), ("PUT", 202), ("POST", 202)] {
        let (status, _) = app.call(method, &backup.path, &[], "ok \u{1f44d}".to_owned()).await;
        assert_eq!(status, expected, "{method}");
    }
    app.settle().await;
    let query = "query($id: ID!) { deliveries(integrationId: $id) { nodes { verdict reason } } }";
    let data = app.query(query, json!({ "id": backup.id })).await;
    let deliveries = data["deliveries"]["nodes"].as_array().expect("a list");
    assert_eq!(deliveries.len(), 4);
    for delivery in deliveries {
        assert_eq!(*delivery, json!({ "verdict": "RECORDED", "reason": "a sign of life" }));
    }
    assert_eq!(app.call("GET", "/hooks/heartbeat/nobodys", &[], String::new()).await.0, 404);
    assert!(app.incidents().await.is_empty());
    app.stop().await;
}

#[tokio::test]
async fn a_tool_that_is_watched_alarms_when_it_falls_quiet() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let tool = Watched::open(&app, &world, "GENERIC", 3600).await;
    let disk = |status: &str| json!({ "title": "disk full", "dedup_key": "disk", "status": status });
    for number in 0..20 {
        assert_eq!(tool.seen(&app).await["usualSilenceSeconds"], Value::Null, "after {number} messages");
        app.post(&tool.path, disk("resolved").to_string()).await;
        app.advance_minutes(10).await;
    }
    assert_eq!(tool.seen(&app).await["usualSilenceSeconds"], 1200);
    assert!(app.incidents().await.is_empty());
    app.advance_minutes(50).await;
    assert_eq!(titles(&app, "TRIGGERED").await, ["Nightly backup has been silent for 1 hour"]);
    app.post(&tool.path, "not understood").await;
    app.settle().await;
    assert_eq!(titles(&app, "TRIGGERED").await.len(), 0, "whatever it says, it is not silent");
    app.stop().await;
}

#[tokio::test]
async fn a_mute_prevents_the_alarm_and_unmuting_begins_the_wait_anew() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let backup = Watched::open(&app, &world, "HEARTBEAT", 600).await;
    let muted = backup.mute(&app, None).await;
    let watch = &muted["integration"]["watch"];
    assert_eq!(watch["mutedReason"], "the cluster moves");
    assert_eq!(
        (&watch["mutedUntil"], &watch["mutedBy"]["name"]),
        (&Value::Null, &json!("the administrator"))
    );
    app.advance_minutes(24 * 60).await;
    assert!(app.incidents().await.is_empty());

    backup.act(&app, "unmuteIntegration", json!({})).await;
    app.advance_minutes(9).await;
    assert!(app.incidents().await.is_empty());
    app.advance_minutes(1).await;
    assert_eq!(app.incidents().await.len(), 1);

    backup.mute(&app, Some(app.clock.now() + Duration::from_hours(1))).await;
    assert_eq!(titles(&app, "RESOLVED").await.len(), 1, "what is expected needs nobody");
    app.advance_minutes(69).await;
    assert_eq!(app.incidents().await.len(), 1);
    assert_eq!(backup.seen(&app).await["watch"]["mutedReason"], Value::Null, "it has ended by itself");
    app.advance_minutes(1).await;
    assert_eq!(titles(&app, "TRIGGERED").await.len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_silence_that_somebody_resolved_is_no_second_incident() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let backup = Watched::open(&app, &world, "HEARTBEAT", 600).await;
    app.advance_minutes(10).await;
    let incident = app.incidents().await[0]["id"].as_str().expect("an id").to_owned();
    app.act("resolveIncident", json!({ "note": "known" }), &incident).await;
    app.advance_minutes(60).await;
    assert_eq!(app.incidents().await.len(), 1);
    backup.beat(&app).await;
    assert_eq!(backup.story(&app).await.last().map(String::as_str), Some("integration.silence_ended.v1"));
    app.advance_minutes(10).await;
    assert_eq!(titles(&app, "TRIGGERED").await.len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn the_watch_is_set_and_ended_and_what_is_disabled_is_not_watched() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let tool = Watched::open(&app, &world, "GENERIC", 0).await;
    assert_eq!(tool.seen(&app).await["watch"], Value::Null);
    let update = async |change: Value| {
        let mut updated = tool.act(&app, "updateIntegration", change).await;
        (updated["integration"]["watch"].take(), updated["rejection"]["field"].take())
    };
    let (watch, _) = update(json!({ "silentAfterSeconds": 60 })).await;
    assert_eq!(watch["silentAfterSeconds"], 60);
    assert_eq!(update(json!({ "name": "Tool" })).await.0, watch, "what is left out stays");
    assert_eq!(update(json!({ "silentAfterSeconds": 29 })).await.1, "silentAfterSeconds");
    app.advance_minutes(1).await;
    assert_eq!(titles(&app, "TRIGGERED").await.len(), 1);

    update(json!({ "enabled": false })).await;
    assert_eq!(titles(&app, "TRIGGERED").await.len(), 0);
    app.advance_minutes(60).await;
    update(json!({ "enabled": true })).await;
    assert_eq!(titles(&app, "TRIGGERED").await.len(), 0);
    app.advance_minutes(1).await;
    assert_eq!(titles(&app, "TRIGGERED").await.len(), 1);
    assert_eq!(update(json!({ "silentAfterSeconds": 0 })).await.0, Value::Null);
    assert_eq!(titles(&app, "TRIGGERED").await.len(), 0);
    app.advance_minutes(60).await;
    assert_eq!(app.incidents().await.len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn a_restart_opens_no_second_incident_and_forgets_none() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("midwatch.db");
    let clock = VirtualClock::at("2026-11-24T03:00:00Z".parse::<Timestamp>().expect("a time"));
    let outbox = Outbox::default();
    let start = async || TestApp::start_on(&file, clock.clone(), outbox.clone()).await;

    let app = start().await;
    let world = World::make(&app).await;
    let backup = Watched::open(&app, &world, "HEARTBEAT", 600).await;
    let quiet = Watched::open(&app, &world, "HEARTBEAT", 7200).await;
    app.advance_minutes(10).await;
    assert_eq!(app.incidents().await.len(), 1);
    app.stop().await;

    // Nobody could be heard meanwhile, so nobody who was not silent before is silent now.
    clock.advance(Duration::from_hours(3));
    let app = start().await;
    app.advance_minutes(119).await;
    assert_eq!(app.incidents().await.len(), 1);
    backup.beat(&app).await;
    assert_eq!(titles(&app, "RESOLVED").await.len(), 1);
    app.stop().await;

    let app = start().await;
    backup.beat(&app).await;
    app.advance_minutes(9).await;
    assert_eq!(app.incidents().await.len(), 1);
    app.advance_minutes(111).await;
    assert_eq!(titles(&app, "TRIGGERED").await.len(), 2);
    let since = quiet.seen(&app).await["watch"]["silentSince"].take();
    assert_eq!(since, "2026-11-24T03:00:00.000Z", "the silence is as long as it is");
    app.stop().await;
}

/// A clock that ran ahead is set back: what comes by the right time comes after the silence all the same.
#[tokio::test]
async fn the_next_message_ends_a_silence_also_after_the_clock_was_set_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("midwatch.db");
    let clock = |at: &str| VirtualClock::at(at.parse::<Timestamp>().expect("a time"));
    let outbox = Outbox::default();

    let app = TestApp::start_on(&file, clock("2026-11-24T11:40:00Z"), outbox.clone()).await;
    let world = World::make(&app).await;
    let backup = Watched::open(&app, &world, "HEARTBEAT", 600).await;
    app.advance_minutes(9).await;
    backup.beat(&app).await;
    app.advance_minutes(10).await;
    assert_eq!(titles(&app, "TRIGGERED").await.len(), 1);
    app.stop().await;

    let app = TestApp::start_on(&file, clock("2026-11-24T11:10:00Z"), outbox.clone()).await;
    backup.beat(&app).await;
    assert_eq!(titles(&app, "RESOLVED").await.len(), 1);
    assert_eq!(backup.seen(&app).await["lastHeardAt"], "2026-11-24T11:10:00.000Z");
    app.stop().await;
}
