//! What became of each message, having messages decided again, and tests that can be followed the whole way.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Phone, Server, TOKEN, TestApp, World};

const DELIVERY: &str = "query($id: ID!) { delivery(id: $id) { id verdict reason proof latencyMs replayCount
    bodyText bodyHex bodyBytes truncated incident { id } alerts { title severity }
    decisions { verdict reason position at alert { title severity source } incident { id title status
        timeline(first: 20) { nodes { kind } } pages { status } } }
    timeline(first: 20) { nodes { kind message } } } }";

const LIST: &str = "query($id: ID!, $filter: DeliveryFilterInput) {
    deliveries(integrationId: $id, filter: $filter, first: 100) { nodes { id verdict reason } } }";

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}

/// A node, a world, and an entrance for scripts.
struct Stage {
    app: TestApp,
    world: World,
    integration: String,
    path: String,
}

impl Stage {
    async fn set() -> Self {
        let app = TestApp::start().await;
        let world = World::make(&app).await;
        let (integration, key) = app.create_integration("GENERIC", &world.service).await;
        Self { app, world, integration, path: format!("/hooks/generic/{key}") }
    }

    /// Sends a message, and waits until it is decided; its id.
    async fn send(&self, body: Value) -> String {
        let (status, answer) = self.app.post(&self.path, body.to_string()).await;
        assert_eq!(status, 202, "{answer}");
        self.app.settle().await;
        let answer: Value = serde_json::from_str(&answer).expect("it is JSON");
        text(&answer["delivery"])
    }

    async fn delivery(&self, id: &str) -> Value {
        self.app.query(DELIVERY, json!({ "id": id })).await["delivery"].take()
    }

    async fn list(&self, filter: Value) -> Vec<Value> {
        let mut data = self.app.query(LIST, json!({ "id": self.integration, "filter": filter })).await;
        data["deliveries"]["nodes"].as_array_mut().map(std::mem::take).expect("it is a list")
    }

    /// Has messages decided again, and waits until they are.
    async fn replay(&self, ids: &[&str], more: Value) -> Value {
        let mut input = json!({ "integrationId": self.integration, "deliveryIds": ids });
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let payload = self.app.administer("replayDeliveries", "replayed { id }", input).await;
        self.app.settle().await;
        payload
    }

    /// Points the entrance at another service, which pages the same people; its id.
    async fn mend(&self) -> String {
        let policies = "{ escalationPolicies { nodes { id } } }";
        let policies = self.app.query(policies, json!({})).await;
        let policy = text(&policies["escalationPolicies"]["nodes"][0]["id"]);
        let service = self.app.create_service("the right one", &policy).await;
        let input = json!({ "integrationId": self.integration, "serviceId": service });
        let changed = self.app.administer("updateIntegration", "integration { id }", input).await;
        assert_eq!(changed["rejection"], Value::Null);
        service
    }

    /// The incidents of a service, newest first.
    async fn incidents_on(&self, service: &str) -> Vec<Value> {
        let query = "query($ids: [ID!]) { incidents(filter: { serviceIds: $ids }) {
            nodes { id title status alertCount episode dedupKey } } }";
        let mut data = self.app.query(query, json!({ "ids": [service] })).await;
        data["incidents"]["nodes"].as_array_mut().map(std::mem::take).expect("it is a list")
    }
}

#[tokio::test]
async fn a_message_that_was_not_understood_is_shown_as_it_came_with_the_reason() {
    let stage = Stage::set().await;
    for (body, bytes, hex, truncated) in [
        (vec![0xff, 0x00, 0xfe], 3, json!("ff00fe"), false),
        (b"{\"title\":".to_vec(), 9, Value::Null, false),
        (vec![b' '; 600 * 1024], 600 * 1024, Value::Null, true),
    ] {
        let (status, answer) = stage.app.post(&stage.path, body).await;
        assert_eq!(status, if truncated { 413 } else { 400 }, "{answer}");
        let answer: Value = serde_json::from_str(&answer).expect("it is JSON");
        stage.app.settle().await;
        let delivery = stage.delivery(&text(&answer["delivery"])).await;
        assert_eq!((&delivery["verdict"], &delivery["proof"]), (&json!("REJECTED"), &json!("KEY")));
        assert!(!text(&delivery["reason"]).is_empty());
        assert_eq!(delivery["decisions"][0]["reason"], delivery["reason"]);
        assert_eq!((&delivery["bodyHex"], delivery["bodyText"].is_null()), (&hex, !hex.is_null()));
        assert_eq!((&delivery["bodyBytes"], &delivery["truncated"]), (&json!(bytes), &json!(truncated)));
        assert_eq!((&delivery["latencyMs"], &delivery["alerts"]), (&json!(0), &json!([])));
    }
    stage.app.stop().await;
}

#[tokio::test]
async fn everything_that_was_decided_about_a_message_is_listed_with_the_alert_and_the_incident() {
    let stage = Stage::set().await;
    let body = json!({ "title": "disk full", "dedup_key": "disk", "severity": "critical", "host": "db1" });
    let opened = stage.send(body).await;
    let joined = stage.send(json!({ "title": "disk still full", "dedup_key": "disk" })).await;
    let over = stage.send(json!({ "title": "disk", "dedup_key": "disk", "action": "resolve" })).await;
    let late = stage.send(json!({ "title": "disk", "dedup_key": "disk", "action": "resolve" })).await;
    let first = stage.delivery(&opened).await;
    let decision = &first["decisions"][0];
    assert_eq!(decision["verdict"], "OPENED");
    assert_eq!(decision["alert"], json!({ "title": "disk full", "severity": "CRITICAL", "source": "db1" }));
    assert_eq!(
        (&decision["incident"]["status"], &decision["incident"]["id"]),
        (&json!("RESOLVED"), &first["incident"]["id"])
    );
    assert_eq!(text(&first["bodyText"]).len() as u64, first["bodyBytes"].as_u64().expect("a number"));
    for (id, verdict) in [(joined, "JOINED"), (over, "RESOLVED"), (late, "IGNORED")] {
        let decisions = stage.delivery(&id).await["decisions"].take();
        assert_eq!((&decisions[0]["verdict"], &decisions[1]), (&json!(verdict), &Value::Null));
    }

    let ids = async |filter| -> Vec<String> {
        stage.list(filter).await.iter().map(|one| text(&one["id"])).collect()
    };
    assert_eq!(ids(json!({ "verdicts": ["OPENED"] })).await, [opened]);
    assert_eq!(ids(json!({ "verdicts": ["IGNORED", "JOINED", "RESOLVED"] })).await.len(), 3);
    assert_eq!(ids(json!({ "undecided": true })).await, Vec::<String>::new());
    assert_eq!(
        ids(json!({ "from": "2026-11-24T03:00:00Z", "until": "2026-11-24T03:00:01Z" })).await.len(),
        4
    );
    assert_eq!(ids(json!({ "until": "2026-11-24T03:00:00Z" })).await, Vec::<String>::new());
    stage.app.stop().await;
}

#[tokio::test]
async fn after_a_fix_a_message_is_decided_again_once_for_each_request() {
    let stage = Stage::set().await;
    let id = stage.send(json!({ "title": "disk full", "dedup_key": "disk" })).await;
    let right = stage.mend().await;
    assert_eq!(stage.incidents_on(&right).await, Vec::<Value>::new());

    let command = json!({ "commandId": "9b2f4a4e-6a5c-4d0e-8f57-000000000001" });
    let first = stage.replay(&[&id], command.clone()).await;
    assert_eq!((&first["rejection"], &first["replayed"]), (&Value::Null, &json!([{ "id": id }])));
    let after = stage.delivery(&id).await;
    let again = stage.replay(&[&id], command).await;
    assert_eq!(again["position"], first["position"], "it was recorded once");
    assert_eq!(stage.delivery(&id).await, after);

    assert_eq!((&after["verdict"], &after["replayCount"]), (&json!("OPENED"), &json!(1)));
    let verdicts: Vec<_> =
        after["decisions"].as_array().expect("a list").iter().map(|one| text(&one["verdict"])).collect();
    assert_eq!(verdicts, ["OPENED", "OPENED"], "there and here");
    let incidents = stage.incidents_on(&right).await;
    assert_eq!((incidents.len(), &incidents[0]["alertCount"]), (1, &json!(1)));
    assert_eq!(incidents[0]["id"], after["incident"]["id"]);
    assert_eq!(stage.app.outbox.sent_to("first@example.org").len(), 2, "the right incident pages, too");
    let told: Vec<_> = after["timeline"]["nodes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| text(&one["message"]))
        .collect();
    assert!(
        told.contains(&"The administrator asked for the message to be decided again".to_owned()),
        "{told:?}"
    );
    stage.app.stop().await;
}

#[tokio::test]
async fn a_message_that_an_incident_took_in_changes_nothing_when_it_is_replayed_even_long_after() {
    let stage = Stage::set().await;
    let id = stage.send(json!({ "title": "disk full", "dedup_key": "disk" })).await;
    let over = stage.send(json!({ "title": "disk", "dedup_key": "disk", "action": "resolve" })).await;
    let paged = stage.app.outbox.sent().len();
    let unchanged = async |episodes: usize| {
        for one in [&id, &over] {
            let delivery = stage.delivery(one).await;
            assert_eq!(delivery["verdict"], "IGNORED", "{delivery}");
            assert_eq!(delivery["reason"], "the incident knows this delivery already");
            assert!(delivery["incident"]["id"].is_string());
        }
        let incidents = stage.incidents_on(&stage.world.service).await;
        assert_eq!(incidents.len(), episodes);
        assert!(incidents.iter().all(|one| one["alertCount"] == 1), "{incidents:?}");
        incidents
    };
    stage.replay(&[&id, &over], json!({})).await;
    assert_eq!(unchanged(1).await[0]["status"], "RESOLVED", "yesterday's incident stays over");
    assert_eq!(stage.app.outbox.sent().len(), paged);

    stage.send(json!({ "title": "disk full again", "dedup_key": "disk" })).await;
    stage.replay(&[&over, &id], json!({})).await;
    assert_eq!(unchanged(2).await[0]["status"], "TRIGGERED", "and today's stays open");
    stage.app.stop().await;
}

#[tokio::test]
async fn an_old_message_does_not_end_a_problem_that_began_after_it() {
    let stage = Stage::set().await;
    let old = stage.send(json!({ "title": "disk", "dedup_key": "disk", "action": "resolve" })).await;
    stage.app.advance_minutes(1).await;
    stage.send(json!({ "title": "disk full", "dedup_key": "disk" })).await;
    let pair = [
        stage.send(json!({ "title": "cpu busy", "dedup_key": "cpu" })).await,
        stage.send(json!({ "title": "cpu", "dedup_key": "cpu", "action": "resolve" })).await,
    ];
    stage.replay(&[&old], json!({})).await;
    let delivery = stage.delivery(&old).await;
    assert_eq!(
        (&delivery["verdict"], &delivery["reason"]),
        (&json!("IGNORED"), &json!("the incident began after this message came"))
    );
    let open = stage.incidents_on(&stage.world.service).await;
    assert!(open.iter().any(|one| one["dedupKey"] == "disk" && one["status"] == "TRIGGERED"), "{open:?}");

    // Where both are replayed the one ends what the other began, in the order in which they came.
    let right = stage.mend().await;
    stage.replay(&[&pair[1], &pair[0]], json!({})).await;
    let moved = stage.incidents_on(&right).await;
    assert_eq!((moved.len(), &moved[0]["status"]), (1, &json!("RESOLVED")));
    stage.app.stop().await;
}

#[tokio::test]
async fn what_is_replayed_is_read_as_the_entrance_reads_today() {
    let stage = Stage::set().await;
    let (integration, key) = stage.app.create_integration("ALERTMANAGER", &stage.world.service).await;
    let alert =
        |name: &str| json!({ "status": "firing", "fingerprint": name, "labels": { "alertname": name } });
    let group = json!({ "version": "4", "groupKey": "g", "status": "firing",
        "alerts": [alert("disk"), alert("cpu"), alert("net")] });
    let (_, answer) = stage.app.post(&format!("/hooks/alertmanager/{key}"), group.to_string()).await;
    let id = text(&serde_json::from_str::<Value>(&answer).expect("it is JSON")["delivery"]);
    stage.app.settle().await;
    assert_eq!(stage.incidents_on(&stage.world.service).await.len(), 1, "one group");

    let input = json!({ "integrationId": integration, "reading": { "identity": "ALERT" } });
    stage.app.administer("updateIntegration", "integration { id }", input).await;
    let query = "query($id: ID!) { handlingPreview(integrationId: $id, handling: {}) {
        deliveries { alerts { title } } } }";
    let preview = stage.app.query(query, json!({ "id": integration })).await;
    let alerts = preview["handlingPreview"]["deliveries"][0]["alerts"].as_array().map(Vec::len);
    assert_eq!(alerts, Some(3), "a preview says what a replay does: {preview}");
    let input = json!({ "integrationId": integration, "deliveryIds": [id] });
    for (round, decisions) in [(1, 4), (2, 7)] {
        stage.app.administer("replayDeliveries", "replayed { id }", input.clone()).await;
        stage.app.settle().await;
        assert_eq!(stage.incidents_on(&stage.world.service).await.len(), 4, "the group and each alert of it");
        let seen = stage.delivery(&id).await;
        assert_eq!(
            (&seen["replayCount"], seen["decisions"].as_array().map(Vec::len)),
            (&json!(round), Some(decisions))
        );
    }
    stage.app.stop().await;
}

#[tokio::test]
async fn a_test_opens_nothing_unless_it_is_to_page_and_can_be_followed_either_way() {
    let stage = Stage::set().await;
    for kind in ["GENERIC", "PAGERDUTY"] {
        let (integration, _) = stage.app.create_integration(kind, &stage.world.service).await;
        let test = async |page: bool| {
            let input = json!({ "integrationId": integration, "page": page });
            let sent = stage.app.administer("sendTestAlert", "delivery { id }", input).await;
            assert_eq!(sent["rejection"], Value::Null);
            stage.app.settle().await;
            stage.delivery(&text(&sent["delivery"]["id"])).await
        };
        let before = stage.app.outbox.sent().len();
        let silent = test(false).await;
        assert_eq!((&silent["verdict"], &silent["proof"]), (&json!("RECORDED"), &json!("TEST")));
        let reason = text(&silent["reason"]);
        assert!(
            reason.starts_with("a test: would open an incident on checkout, key midwatch-test-"),
            "{reason}"
        );
        assert!(reason.ends_with("paging first on level 1"), "{reason}");
        assert_eq!(silent["alerts"][0]["title"], "[Test] Test alert from Midwatch");
        assert_eq!(stage.app.outbox.sent().len(), before, "nobody is woken");

        let paging = test(true).await;
        let decision = &paging["decisions"][0];
        assert_eq!(decision["verdict"], "OPENED");
        assert_eq!(decision["incident"]["title"], "[Test] Test alert from Midwatch");
        assert_eq!(decision["incident"]["pages"], json!([{ "status": "SENT" }]));
        let kinds: Vec<_> = decision["incident"]["timeline"]["nodes"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| text(&one["kind"]))
            .collect();
        let expected =
            ["incident.triggered.v1", "incident.escalated.v1", "page.requested.v1", "page.sent.v1"];
        assert_eq!(kinds, expected, "the whole road");
        assert_eq!(stage.app.outbox.sent().len(), before + 1);
    }
    assert_eq!(stage.app.incidents().await.len(), 2);
    stage.app.stop().await;
}

/// A replay is answered once it is recorded. A crash before it is decided must not lose it, nor decide it twice.
#[tokio::test]
async fn replays_survive_a_kill_before_they_are_decided() {
    const MESSAGES: usize = 60;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let phone = Phone::listen().await;
    let mut server = Server::start(&database, &[]).await;
    let furnished = server.furnish(&phone.url, 3600).await;
    for number in 0..MESSAGES {
        let body = json!({ "title": format!("problem {number}") }).to_string();
        assert_eq!(server.post(&format!("/hooks/generic/{}", furnished.generic), body).await, Some(202));
    }
    let all = || async { server.incidents().await.len() == MESSAGES };
    server.until("every message is decided", all).await;
    let entrances = "{ integrations { nodes { id kind deliveries(first: 200) { nodes { id } } } } }";
    let entrances = server.query(entrances, json!({})).await;
    let entrances = entrances["integrations"]["nodes"].as_array().expect("a list");
    let entrance = entrances.iter().find(|one| one["kind"] == "GENERIC").expect("it was made");
    let ids: Vec<_> = entrance["deliveries"]["nodes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["id"].clone())
        .collect();
    assert_eq!(ids.len(), MESSAGES);
    let service = server.create("createService", "service { id }", json!({ "name": "the right one" })).await;
    let mend = json!({ "integrationId": entrance["id"], "serviceId": service["service"]["id"] });
    server.create("updateIntegration", "integration { id }", mend).await;
    let replay = json!({ "integrationId": entrance["id"], "deliveryIds": ids });
    server.create("replayDeliveries", "replayed { id }", replay).await;
    // Answered and durable, and hardly begun to be decided.
    server.kill();
    server = Server::start(&database, &[]).await;
    let all = || async { server.incidents().await.len() >= 2 * MESSAGES };
    server.until("every replay is decided", all).await;
    let mut problems: HashMap<String, usize> = HashMap::new();
    for incident in server.incidents().await {
        assert_eq!(incident["alertCount"], 1, "{incident}");
        *problems.entry(text(&incident["title"])).or_default() += 1;
    }
    assert!(problems.len() == MESSAGES && problems.values().all(|count| *count == 2), "{problems:?}");
}

#[tokio::test]
async fn the_metrics_count_how_long_each_message_waited_whatever_became_of_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let phone = Phone::listen().await;
    let server = Server::start(&database, &[]).await;
    let furnished = server.furnish(&phone.url, 3600).await;
    let decided = || async {
        let metrics = server.request(Method::GET, "/metrics").bearer_auth(TOKEN).send().await;
        let metrics = metrics.expect("an answer").text().await.expect("it is text");
        let of = |name: &str| {
            let prefix = format!("midwatch_delivery_decided_seconds_{name} ");
            metrics.lines().find_map(|line| line.strip_prefix(&prefix)?.parse().ok()).unwrap_or(0.0)
        };
        (of("count"), of("sum"))
    };
    let path = format!("/hooks/generic/{}", furnished.generic);
    let over = json!({ "title": "over", "dedupKey": "nothing", "action": "resolve" });
    for body in [json!({ "title": "disk full" }), over] {
        assert_eq!(server.post(&path, body.to_string()).await, Some(202));
    }
    server.until("each is decided", || async { decided().await.0 >= 2.0 }).await;
    let (messages, seconds): (f64, f64) = decided().await;
    assert!(messages < 2.5 && (0.0..60.0).contains(&seconds), "{messages} messages, {seconds} s");
}
