//! Messages about one problem that rules send to different places: what is said of it finds it where it is open.

use commands::VirtualClock;
use domain::Timestamp;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{Outbox, TestApp, World, text};

/// An entrance, and where its messages go.
struct Entrance {
    id: String,
    key: String,
}

impl Entrance {
    async fn make(app: &TestApp, world: &World, kind: &str, routing: Value) -> Self {
        let (id, key) = app.create_integration(kind, &world.service).await;
        let input = json!({ "integrationId": id, "routing": routing });
        let changed = app.administer("updateIntegrationHandling", "integration { id }", input).await;
        assert_eq!(changed["rejection"], Value::Null);
        Self { id, key }
    }

    /// Sends a message, and waits until it is decided: its verdict, the reason, and how many there are.
    async fn say(&self, app: &TestApp, path: &str, message: Value) -> (String, Value, u64) {
        self.send(app, path, message).await;
        app.settle().await;
        let query = "query($id: ID!) { deliveries(integrationId: $id, first: 1) { nodes {
            verdict reason verdictCount } } }";
        let mut shown = app.query(query, json!({ "id": self.id })).await;
        let latest = shown["deliveries"]["nodes"][0].take();
        (
            text(&latest["verdict"]),
            latest["reason"].clone(),
            latest["verdictCount"].as_u64().expect("a number"),
        )
    }

    async fn send(&self, app: &TestApp, path: &str, message: Value) {
        let authorization = format!("GenieKey {}", self.key);
        let headers = [("content-type", "application/json"), ("authorization", &*authorization)];
        let (status, answer) = app.call("POST", path, &headers, message.to_string()).await;
        assert_eq!(status, 202, "{answer}");
    }
}

/// Another service, which pages the administrator.
async fn another_service(app: &TestApp, world: &World, routing_key: Value) -> String {
    let levels = json!([{ "targets": [{ "userId": world.boss }], "timeoutSeconds": 300 }]);
    let policy = app.create_policy("Other", levels, 0).await;
    let input = json!({ "name": "other", "escalationPolicyId": policy, "routingKey": routing_key });
    text(&app.administer("createService", "service { id }", input).await["service"]["id"])
}

/// How every incident stands, and of which service it is, newest first.
async fn stands(app: &TestApp) -> Vec<(String, String)> {
    let query = "{ incidents(first: 200) { nodes { status service { name } } } }";
    let shown = app.query(query, json!({})).await;
    let nodes = shown["incidents"]["nodes"].as_array().expect("a list").iter();
    nodes.map(|one| (text(&one["status"]), text(&one["service"]["name"]))).collect()
}

fn stand(status: &str, service: &str) -> (String, String) {
    (status.to_owned(), service.to_owned())
}

/// One of Alertmanager's groups with one alert.
fn alert(status: &str, severity: &str) -> Value {
    let labels = json!({ "alertname": "DiskFull", "severity": severity });
    json!({ "version": "4", "groupKey": "disk", "status": status, "groupLabels": {}, "commonLabels": labels,
        "alerts": [{ "status": status, "fingerprint": "f1", "labels": labels }] })
}

#[tokio::test]
async fn the_end_of_a_problem_ends_it_at_each_service_that_its_severities_brought_it_to() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let other = another_service(&app, &world, Value::Null).await;
    let rules = json!({ "rules": [
        { "name": "critical", "condition": "alert.severity == 'critical'", "take": { "serviceId": other } } ] });
    let made = Entrance::make(&app, &world, "ALERTMANAGER", rules).await;
    let path = format!("/hooks/alertmanager/{}", made.key);
    assert_eq!(made.say(&app, &path, alert("firing", "warning")).await.0, "OPENED");
    assert_eq!(made.say(&app, &path, alert("firing", "critical")).await.0, "OPENED");
    assert_eq!(stands(&app).await, [stand("TRIGGERED", "other"), stand("TRIGGERED", "checkout")]);
    assert_eq!(made.say(&app, &path, alert("resolved", "critical")).await.0, "RESOLVED");
    assert_eq!(stands(&app).await, [stand("RESOLVED", "other"), stand("RESOLVED", "checkout")]);
    app.advance_minutes(60).await;
    let again = made.say(&app, &path, alert("resolved", "critical")).await;
    assert_eq!((&*again.0, again.2), ("IGNORED", 1), "one answer, wherever it looked: {again:?}");
    assert_eq!(app.outbox.sent().len(), 2, "nobody was paged for what is over");
    app.stop().await;
}

#[tokio::test]
async fn what_pagerdutys_clients_say_without_a_payload_finds_the_group() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let rules = json!({ "catchAll": { "groupBy": "payload.payload.group" } });
    let made = Entrance::make(&app, &world, "PAGERDUTY", rules).await;
    let event = |key: &str, action: &str, payload: Value| {
        json!({ "routing_key": made.key, "dedup_key": key,
        "event_action": action, "payload": payload })
    };
    let down = |key: &str| {
        let said = json!({ "summary": format!("{key} is down"), "source": key, "severity": "critical", "group": "eu" });
        event(key, "trigger", said)
    };
    let bare = |key: &str, action: &str| {
        let mut event = event(key, action, Value::Null);
        event.as_object_mut().expect("an object").remove("payload");
        event
    };
    let say = async |message: Value| made.say(&app, "/v2/enqueue", message).await.0;
    assert_eq!([say(down("a")).await, say(down("b")).await], ["OPENED", "JOINED"]);
    assert_eq!(say(bare("a", "acknowledge")).await, "ACKNOWLEDGED");
    assert_eq!(say(bare("a", "resolve")).await, "ENDED");
    assert_eq!(say(bare("b", "resolve")).await, "RESOLVED");
    assert_eq!(stands(&app).await, [stand("RESOLVED", "checkout")]);
    assert_eq!(say(bare("c", "resolve")).await, "IGNORED", "it was never open anywhere");
    app.stop().await;
}

#[tokio::test]
async fn what_closes_an_alert_is_dropped_only_if_nothing_is_open() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let rules =
        json!({ "rules": [{ "name": "noise", "condition": "alert.severity == 'info'", "drop": true }] });
    let made = Entrance::make(&app, &world, "OPSGENIE", rules).await;
    let say = async |path: &str, message: Value| made.say(&app, &format!("/v2/alerts{path}"), message).await;
    let create =
        |alias: &str, priority: &str| json!({ "message": alias, "alias": alias, "priority": priority });
    assert_eq!(say("", create("hum", "P5")).await.0, "SUPPRESSED");
    let closed = say("/hum/close?identifierType=alias", json!({})).await;
    let reason = json!("the rule `noise` drops “Close hum”");
    assert_eq!(closed, ("SUPPRESSED".to_owned(), reason, 1));

    assert_eq!(say("", create("disk", "P1")).await.0, "OPENED");
    let until = json!({ "endTime": "2026-11-24T04:00:00Z" });
    for (verb, body, verdict) in [
        ("notes", json!({ "note": "looking" }), "RECORDED"),
        ("acknowledge", json!({}), "ACKNOWLEDGED"),
        ("snooze", until, "SNOOZED"),
        ("close", json!({}), "RESOLVED"),
    ] {
        let said = say(&format!("/disk/{verb}?identifierType=alias"), body).await;
        assert_eq!((&*said.0, said.2), (verdict, 1), "{verb}: {said:?}");
    }
    assert_eq!(stands(&app).await, [stand("RESOLVED", "checkout")]);
    app.stop().await;
}

#[tokio::test]
async fn what_a_rule_drops_of_one_message_is_told_of_together() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (id, key) =
        app.create_integration_with("ALERTMANAGER", &world.service, json!({ "identity": "ALERT" })).await;
    let made = Entrance { id, key };
    let rules =
        json!({ "rules": [{ "name": "tests", "condition": "alert.labels.env == 'test'", "drop": true }] });
    let input = json!({ "integrationId": made.id, "routing": rules });
    app.administer("updateIntegrationHandling", "integration { id }", input).await;
    let alert = |name: &str, status: &str| {
        json!({ "status": status, "fingerprint": name,
        "labels": { "alertname": name, "env": "test" }, "annotations": { "summary": name } })
    };
    let group = json!({ "version": "4", "groupKey": "g", "status": "firing",
        "alerts": [alert("one", "firing"), alert("two", "resolved"), alert("three", "resolved")] });
    let said = made.say(&app, &format!("/hooks/alertmanager/{}", made.key), group).await;
    assert_eq!((&*said.0, said.2), ("SUPPRESSED", 3), "{said:?}");
    let reason = text(&said.1);
    assert!(reason.starts_with("the rule `tests` drops 3 alerts: "), "{reason}");
    assert!(app.incidents().await.is_empty());
    app.stop().await;
}

#[tokio::test]
async fn a_restart_forgets_nothing_of_where_problems_are_open() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("midwatch.db");
    let at = "2026-11-24T03:00:00Z".parse::<Timestamp>().expect("a time");
    let app = TestApp::start_on(&file, VirtualClock::at(at), Outbox::default()).await;
    let world = World::make(&app).await;
    another_service(&app, &world, "storage".into()).await;
    let made = Entrance::make(&app, &world, "GENERIC", json!({ "rules": [
        { "name": "grouped", "condition": "has(alert.labels.cluster)", "take": { "groupBy": "alert.labels.cluster" } } ] })).await;
    let path = format!("/hooks/generic/{}", made.key);
    let elsewhere = json!({ "title": "disk full", "dedup_key": "disk", "service": "storage" });
    assert_eq!(made.say(&app, &path, elsewhere).await.0, "OPENED");
    for key in ["a", "b"] {
        let member = json!({ "title": key, "dedup_key": key, "labels": { "cluster": "eu" } });
        made.say(&app, &path, member).await;
    }
    let (clock, outbox) = (app.clock.clone(), app.outbox.clone());
    app.stop().await;

    let app = TestApp::start_on(&file, clock, outbox).await;
    let over = |key: &str| json!({ "title": "over", "dedup_key": key, "status": "resolved" });
    let (verdict, _, count) = made.say(&app, &path, over("disk")).await;
    assert_eq!((&*verdict, count), ("RESOLVED", 1));
    assert_eq!(made.say(&app, &path, over("a")).await.0, "ENDED");
    assert_eq!(made.say(&app, &path, over("b")).await.0, "RESOLVED");
    assert_eq!(stands(&app).await, [stand("RESOLVED", "checkout"), stand("RESOLVED", "other")]);
    app.stop().await;
}

#[tokio::test]
async fn what_comes_right_after_an_alert_finds_it() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let other = another_service(&app, &world, Value::Null).await;
    let rules = json!({ "rules": [
        { "name": "disks", "condition": "alert.title.contains('disk')", "take": { "serviceId": other } },
        { "name": "racks", "condition": "has(alert.labels.rack)", "take": { "groupBy": "alert.labels.rack" } } ] });
    let made = Entrance::make(&app, &world, "GENERIC", rules).await;
    let path = format!("/hooks/generic/{}", made.key);
    let story = async |number: u32| {
        let (disk, host) = (format!("disk {number}"), format!("host {number}"));
        let rack = json!({ "rack": format!("r{}", number % 4) });
        for message in [
            json!({ "title": disk, "dedup_key": disk }),
            json!({ "title": host, "dedup_key": host, "labels": rack }),
            json!({ "title": "over", "dedup_key": disk, "status": "resolved" }),
            json!({ "title": "over", "dedup_key": host, "status": "resolved" }),
        ] {
            made.send(&app, &path, message).await;
        }
    };
    join_all((0..60).map(story)).await;
    app.settle().await;
    let stands = stands(&app).await;
    assert!(stands.len() > 60, "{stands:?}");
    assert!(stands.iter().all(|(status, _)| status == "RESOLVED"), "{stands:?}");
    let query = "query($id: ID!) { deliveries(integrationId: $id, first: 200,
        filter: { verdicts: [IGNORED, REJECTED, SUPPRESSED] }) { nodes { reason } } }";
    let lost = app.query(query, json!({ "id": made.id })).await["deliveries"]["nodes"].take();
    assert_eq!(lost, json!([]));
    app.stop().await;
}
