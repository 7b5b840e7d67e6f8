//! A node that stops in the middle goes on where it was.

use commands::{Clock, VirtualClock};
use domain::Timestamp;
use serde_json::{Value, json};
use std::{fs, ops::Range, path::PathBuf, time::Duration};

use crate::support::{Outbox, TestApp, World};

/// What outlives a node.
struct Place {
    folder: tempfile::TempDir,
    clock: VirtualClock,
    outbox: Outbox,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            clock: VirtualClock::at("2026-11-24T03:00:00Z".parse::<Timestamp>().expect("a time")),
            outbox: Outbox::default(),
        }
    }

    /// Starts a node where the one before it stopped.
    async fn start(&self) -> TestApp {
        let file = self.folder.path().join("midwatch.db");
        TestApp::start_on(&file, self.clock.clone(), self.outbox.clone()).await
    }

    /// What the read models know, and how far the intake has come.
    fn remember(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let files = self.read_models().map(|path| (path.clone(), fs::read(path).expect("a file")));
        let files: Vec<_> = files.collect();
        assert!(!files.is_empty());
        files
    }

    /// Puts back what was known, as a crash would leave it.
    fn forget_all_but(&self, before: &[(PathBuf, Vec<u8>)]) {
        self.read_models().for_each(|path| fs::remove_file(path).expect("it can be deleted"));
        before.iter().for_each(|(path, bytes)| fs::write(path, bytes).expect("it can be written"));
    }

    /// The files of the read models.
    fn read_models(&self) -> impl Iterator<Item = PathBuf> {
        let paths = fs::read_dir(self.folder.path()).expect("the folder is there");
        let paths = paths.map(|entry| entry.expect("it can be listed").path());
        paths.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains("-read")))
    }
}

#[tokio::test]
async fn an_escalation_goes_on_after_a_restart_and_pages_nobody_twice() {
    let place = Place::new();
    let app = place.start().await;
    let world = World::make(&app).await;
    let (_, key) = app.create_integration("GENERIC", &world.service).await;
    app.post(&format!("/hooks/generic/{key}"), r#"{"title":"disk full"}"#).await;
    app.settle().await;
    app.stop().await;

    // The level became overdue while nobody was looking.
    place.clock.advance(Duration::from_mins(7));
    let app = place.start().await;
    app.settle().await;
    assert_eq!(place.outbox.sent_to("first@example.org").len(), 1);
    assert_eq!(place.outbox.sent_to("second@example.org").len(), 1);
    let incident = app.incidents().await[0]["id"].as_str().expect("an id").to_owned();
    let escalation = app.incident(&incident).await["escalation"].clone();
    // The second level's ten minutes begin when it was reached, not when the first one ended.
    let next_at: Timestamp = escalation["nextAt"].as_str().expect("a step is armed").parse().expect("a time");
    assert_eq!(next_at, place.clock.now() + Duration::from_mins(10));
    app.stop().await;
}

#[tokio::test]
async fn read_models_that_were_deleted_come_back_and_nobody_is_paged_again() {
    let place = Place::new();
    let app = place.start().await;
    let world = World::make(&app).await;
    let (_, key) = app.create_integration("GENERIC", &world.service).await;
    for title in ["one", "two", "three"] {
        app.post(&format!("/hooks/generic/{key}"), json!({ "title": title }).to_string()).await;
    }
    app.settle().await;
    let before = app.incidents().await;
    app.stop().await;

    place.read_models().for_each(|path| fs::remove_file(path).expect("it can be deleted"));
    let app = place.start().await;
    app.settle().await;
    assert_eq!(app.incidents().await, before);
    assert_eq!(place.outbox.sent().len(), 3);
    app.stop().await;
}

/// An entrance for Alertmanager's groups, of which each alert is a problem: its id and its key.
async fn alertmanager(app: &TestApp, world: &World) -> Value {
    let input = json!({ "name": "Alertmanager", "kind": "ALERTMANAGER", "serviceId": world.service,
        "reading": { "identity": "ALERT" } });
    app.administer("createIntegration", "integration { id } key", input).await
}

/// What Alertmanager says of hosts of one cluster.
fn hosts(numbers: Range<u32>, status: &str) -> String {
    let alerts: Vec<_> = numbers
        .map(|number| {
            json!({ "status": status, "fingerprint": format!("{number:016x}"),
                "startsAt": "2026-11-24T03:00:00Z", "annotations": {},
                "labels": { "alertname": "HostDown", "cluster": "eu", "instance": format!("host {number}") } })
        })
        .collect();
    let group = json!({ "version": "4", "groupKey": "{}:{cluster=\"eu\"}", "status": status, "receiver": "midwatch",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://example.org",
        "truncatedAlerts": 0, "alerts": alerts });
    group.to_string()
}

/// A place where Alertmanager's hosts are grouped by their cluster, where their messages go, and what is there before any.
async fn grouped_by_cluster() -> (Place, String, Vec<(PathBuf, Vec<u8>)>) {
    let place = Place::new();
    let app = place.start().await;
    let world = World::make(&app).await;
    let made = alertmanager(&app, &world).await;
    let handling = json!({ "integrationId": made["integration"]["id"],
        "routing": { "catchAll": { "groupBy": "alert.labels.cluster" } } });
    app.administer("updateIntegrationHandling", "integration { id }", handling).await;
    app.settle().await;
    app.stop().await;
    let before = place.remember();
    let path = format!("/hooks/alertmanager/{}", made["key"].as_str().expect("a key"));
    (place, path, before)
}

#[tokio::test]
async fn a_group_that_is_decided_again_after_a_crash_takes_each_of_its_alerts_once() {
    let (place, path, before) = grouped_by_cluster().await;
    let app = place.start().await;
    assert_eq!(app.post(&path, hosts(0..200, "firing")).await.0, 202);
    app.settle().await;
    let decided = app.incidents().await;
    assert_eq!((decided.len(), &decided[0]["alertCount"]), (1, &json!(200)));
    let id = decided[0]["id"].as_str().expect("an id").to_owned();
    let story = app.story(&id).await;
    app.stop().await;

    place.forget_all_but(&before);
    let app = place.start().await;
    app.settle().await;
    assert_eq!(app.story(&id).await, story);
    assert_eq!(app.incidents().await[0]["alertCount"], 200);
    assert_eq!(place.outbox.sent().len(), 1);
    app.stop().await;
}

/// Decided again, alerts of several messages are decided together, and what was over stays over.
#[tokio::test]
async fn messages_of_one_group_that_are_decided_again_together_change_nothing() {
    let (place, path, before) = grouped_by_cluster().await;
    let app = place.start().await;
    for group in [hosts(0..10, "firing"), hosts(10..210, "firing"), hosts(0..60, "resolved")] {
        assert_eq!(app.post(&path, group).await.0, 202);
        app.settle().await;
    }
    let decided = app.incidents().await;
    assert_eq!((decided.len(), &decided[0]["alertCount"]), (1, &json!(210)));
    let id = decided[0]["id"].as_str().expect("an id").to_owned();
    let story = app.story(&id).await;
    app.stop().await;

    place.forget_all_but(&before);
    let app = place.start().await;
    app.settle().await;
    assert_eq!(app.story(&id).await, story, "nobody joins twice, and nobody who is over joins again");
    assert_eq!(app.post(&path, hosts(60..210, "resolved")).await.0, 202);
    app.settle().await;
    let over = app.incidents().await;
    assert_eq!(
        (&over[0]["status"], &over[0]["alertCount"], place.outbox.sent().len()),
        (&json!("RESOLVED"), &json!(210), 1)
    );
    app.stop().await;

    place.forget_all_but(&before);
    let app = place.start().await;
    app.settle().await;
    assert_eq!((app.incidents().await, place.outbox.sent().len()), (over, 1), "it does not open again");
    app.stop().await;
}

/// That something is over was of no use when nothing had begun. Said again after a crash it must not end what began since.
#[tokio::test]
async fn what_a_message_said_in_vain_stays_in_vain_when_it_is_decided_again_after_a_crash() {
    let place = Place::new();
    let app = place.start().await;
    let world = World::make(&app).await;
    let made = alertmanager(&app, &world).await;
    app.settle().await;
    app.stop().await;
    let before = place.remember();

    let app = place.start().await;
    let path = format!("/hooks/alertmanager/{}", made["key"].as_str().expect("a key"));
    let group = |said: &[(&str, &str)]| {
        let alert = |(name, status): &(&str, &str)| json!({ "status": status, "fingerprint": name, "labels": { "alertname": name } });
        let alerts: Vec<_> = said.iter().map(alert).collect();
        json!({ "version": "4", "groupKey": "g", "status": "firing", "alerts": alerts }).to_string()
    };
    for said in [&[("disk", "resolved"), ("cpu", "firing")][..], &[("disk", "firing")]] {
        assert_eq!(app.post(&path, group(said)).await.0, 202);
        app.settle().await;
    }
    let log = async |app: &TestApp| {
        let query = "query($id: ID!) { deliveries(integrationId: $id) { nodes {
            decisions { position verdict problems } } } }";
        app.query(query, json!({ "id": made["integration"]["id"] })).await["deliveries"]["nodes"].take()
    };
    let (incidents, decisions) = (app.incidents().await, log(&app).await);
    assert_eq!(incidents.len(), 2);
    assert_eq!(decisions[1]["decisions"].as_array().map(Vec::len), Some(2), "{decisions}");
    app.stop().await;

    place.forget_all_but(&before);
    let app = place.start().await;
    app.settle().await;
    assert_eq!(app.incidents().await, incidents, "both are open still");
    assert_eq!(log(&app).await, decisions, "and nothing is said twice");
    app.stop().await;
}

#[tokio::test]
async fn a_snooze_that_ends_while_no_node_runs_pages_after_the_start() {
    let place = Place::new();
    let app = place.start().await;
    let world = World::make(&app).await;
    let input = json!({ "serviceId": world.service, "title": "disk full" });
    let incident = app.create("createIncident", "incident", "CreateIncidentInput", input).await;
    app.settle().await;
    app.act("snoozeIncident", json!({ "until": "2026-11-24T04:00:00Z" }), &incident).await;
    app.stop().await;
    place.clock.advance(Duration::from_mins(59));
    let app = place.start().await;
    app.settle().await;
    assert_eq!(place.outbox.sent().len(), 1);
    app.stop().await;

    for file in place.read_models() {
        fs::remove_file(file).expect("it can be removed");
    }
    place.clock.advance(Duration::from_mins(2));
    let app = place.start().await;
    app.settle().await;
    let sent = place.outbox.sent();
    assert_eq!((sent.len(), sent[1].to.as_str(), sent[1].level), (2, "first@example.org", 1));
    app.stop().await;
}
