//! What became of each alert of a message, which rule decided, and why.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Phone, Server, TestApp, World, eventually, text, verify};

const DELIVERY: &str = "query($id: ID!) { delivery(id: $id) { verdict verdictCount reason
    decisions(first: 200) { verdict reason rule problems incident { title } alert { rule } }
    timeline(first: 200) { nodes { kind message } } } }";

/// Two rules that drop, and one that holds back.
fn rules() -> Value {
    json!({ "rules": [
        { "name": "tests", "condition": "has(alert.labels.env) && alert.labels.env == 'test'", "drop": true },
        { "name": "noise", "condition": "has(alert.labels.noisy)", "drop": true },
        { "name": "flapping", "condition": "has(alert.labels.flaps)", "take": { "suspendSeconds": 60 } },
    ] })
}

fn alert(name: &str, status: &str, labels: Value) -> Value {
    let mut alert = json!({ "status": status, "fingerprint": name });
    alert["labels"] = labels;
    alert["labels"]["alertname"] = name.into();
    alert
}

fn group(alerts: &[Value]) -> String {
    json!({ "version": "4", "groupKey": "g", "status": "firing", "alerts": alerts }).to_string()
}

/// An entrance for Alertmanager's groups, each alert of them a problem: its id, and where it takes them.
async fn entrance(app: &TestApp, world: &World) -> (String, String) {
    let (id, key) = app.create_integration("ALERTMANAGER", &world.service).await;
    let reading = json!({ "integrationId": id, "reading": { "identity": "ALERT" } });
    let changed = app.administer("updateIntegration", "integration { id }", reading).await;
    assert_eq!(changed["rejection"], Value::Null);
    let routing = json!({ "integrationId": id, "routing": rules() });
    let changed = app.administer("updateIntegrationHandling", "integration { id }", routing).await;
    assert_eq!(changed["rejection"], Value::Null);
    (id, format!("/hooks/alertmanager/{key}"))
}

/// Sends a group, and waits until it is decided; its delivery's id.
async fn send(app: &TestApp, path: &str, alerts: Vec<Value>) -> String {
    let (status, answer) = app.post(path, group(&alerts)).await;
    assert_eq!(status, 202, "{answer}");
    app.settle().await;
    text(&serde_json::from_str::<Value>(&answer).expect("it is JSON")["delivery"])
}

async fn delivery(app: &TestApp, id: &str) -> Value {
    app.query(DELIVERY, json!({ "id": id })).await["delivery"].take()
}

/// The verdict, the rule and the problems of each decision.
fn decided(delivery: &Value) -> Vec<Value> {
    let decisions = delivery["decisions"].as_array().expect("it is a list").iter();
    decisions.map(|one| json!([one["verdict"], one["rule"], one["problems"]])).collect()
}

#[tokio::test]
async fn each_alert_of_a_message_shows_what_became_of_it_and_by_which_rule() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (integration, path) = entrance(&app, &world).await;
    let alerts = vec![
        alert("disk", "firing", json!({})),
        alert("staging", "firing", json!({ "env": "test" })),
        alert("chatter", "firing", json!({ "noisy": "yes" })),
        alert("long gone", "resolved", json!({})),
    ];
    let id = send(&app, &path, alerts).await;
    let first = delivery(&app, &id).await;
    let mut seen = decided(&first);
    seen.sort_by_key(|decision| text(&decision[2][0]));
    let expected = [
        json!(["SUPPRESSED", "noise", ["chatter"]]),
        json!(["OPENED", "everything else", ["disk"]]),
        json!(["IGNORED", "everything else", ["long gone"]]),
        json!(["SUPPRESSED", "tests", ["staging"]]),
    ];
    assert_eq!((&seen[..], &first["verdictCount"]), (&expected[..], &json!(4)));
    let reason_of = |rule: &str| {
        let decisions = first["decisions"].as_array().expect("it is a list");
        let own = decisions.iter().find(|one| one["rule"] == rule && one["verdict"] == "SUPPRESSED");
        text(&own.expect("the rule decided")["reason"])
    };
    assert_eq!(reason_of("tests"), "the rule `tests` drops “staging env=test”");
    assert_eq!(reason_of("noise"), "the rule `noise` drops “chatter noisy=yes”");

    // Decided again it is an answer for each of them again, and nothing new happens.
    let again = json!({ "integrationId": integration, "deliveryIds": [id] });
    app.administer("replayDeliveries", "replayed { id }", again).await;
    app.settle().await;
    let second = delivery(&app, &id).await;
    let mut seen = decided(&second).split_off(4);
    seen.sort_by_key(|decision| text(&decision[2][0]));
    let expected = [
        json!(["SUPPRESSED", "noise", ["chatter"]]),
        json!(["IGNORED", "everything else", ["disk"]]),
        json!(["IGNORED", "everything else", ["long gone"]]),
        json!(["SUPPRESSED", "tests", ["staging"]]),
    ];
    assert_eq!((&seen[..], &second["verdictCount"]), (&expected[..], &json!(4)));
    assert_eq!(app.incidents().await.len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn what_a_rule_holds_back_and_what_a_message_contradicts_is_told() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (_, path) = entrance(&app, &world).await;
    let alerts = vec![
        alert("link", "firing", json!({ "flaps": "often" })),
        alert("disk", "resolved", json!({})),
        alert("disk", "firing", json!({})),
    ];
    let seen = delivery(&app, &send(&app, &path, alerts).await).await;
    let mut decisions = decided(&seen);
    decisions.sort_by_key(ToString::to_string);
    let expected = [
        json!(["IGNORED", "everything else", ["disk"]]),
        json!(["OPENED", "everything else", ["disk"]]),
        json!(["OPENED", "flapping", ["link"]]),
    ];
    assert_eq!(decisions, expected);
    assert_eq!(app.outbox.sent().len(), 1, "what is held back pages nobody yet");
    app.stop().await;
}

#[tokio::test]
async fn what_a_wrong_rule_dropped_is_brought_back_although_the_incident_knows_its_neighbour() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (integration, path) = entrance(&app, &world).await;
    let handle = async |rules: Value| {
        let routing = json!({ "rules": rules, "catchAll": { "groupBy": "alert.labels.cluster" } });
        let input = json!({ "integrationId": integration, "routing": routing });
        let changed = app.administer("updateIntegrationHandling", "integration { id }", input).await;
        assert_eq!(changed["rejection"], Value::Null);
    };
    handle(json!([{ "name": "wrong", "condition": "alert.labels.alertname == 'host2'", "drop": true }]))
        .await;
    let hosts = ["host1", "host2"].map(|host| alert(host, "firing", json!({ "cluster": "eu" })));
    let id = send(&app, &path, hosts.to_vec()).await;
    let verdicts = async || {
        let seen = delivery(&app, &id).await["decisions"].take();
        let seen = seen.as_array().expect("it is a list").iter();
        let mut verdicts: Vec<_> = seen.map(|one| text(&one["verdict"])).collect();
        verdicts.sort_unstable();
        verdicts
    };
    assert_eq!(verdicts().await, ["OPENED", "SUPPRESSED"]);

    handle(json!([])).await;
    let input = json!({ "integrationId": integration, "deliveryIds": [id] });
    let (first, second) = (
        &["IGNORED", "JOINED", "OPENED", "SUPPRESSED"][..],
        &["IGNORED", "IGNORED", "JOINED", "OPENED", "SUPPRESSED"][..],
    );
    for expected in [first, second] {
        app.administer("replayDeliveries", "replayed { id }", input.clone()).await;
        app.settle().await;
        assert_eq!(verdicts().await, expected);
        let incidents = app.incidents().await;
        assert_eq!((incidents.len(), &incidents[0]["alertCount"]), (1, &json!(2)));
    }
    app.stop().await;
}

#[tokio::test]
async fn what_is_said_of_a_large_group_takes_few_events() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (_, path) = entrance(&app, &world).await;
    let alerts = (0..200).map(|number| alert(&format!("host {number:03}"), "resolved", json!({})));
    let seen = delivery(&app, &send(&app, &path, alerts.collect()).await).await;
    assert_eq!((&seen["verdict"], &seen["verdictCount"]), (&json!("IGNORED"), &json!(200)));
    assert_eq!(seen["reason"], "nothing was ever opened for this key");
    let decisions = seen["decisions"].as_array().expect("it is a list");
    let sizes: Vec<_> = decisions.iter().map(|one| one["problems"].as_array().map(Vec::len)).collect();
    assert_eq!(sizes, [Some(64), Some(64), Some(64), Some(8)]);
    let mut keys: Vec<_> =
        decisions.iter().filter_map(|one| one["problems"].as_array().cloned()).flatten().collect();
    keys.sort_by_key(text);
    keys.dedup();
    assert_eq!((keys.len(), &keys[199]), (200, &json!("host 199")));
    let told = seen["timeline"]["nodes"].as_array().expect("it is a list");
    assert_eq!(told.len(), 5, "that it came, and four events about it: {told:?}");
    assert_eq!(
        told[4]["message"],
        "8 alerts of the message were ignored: nothing was ever opened for this key"
    );
    app.stop().await;
}

#[tokio::test]
async fn decisions_are_found_however_much_else_happened_to_a_message() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (_, path) = entrance(&app, &world).await;
    let alerts = (0..201).map(|number| alert(&format!("host {number}"), "firing", json!({})));
    let seen = delivery(&app, &send(&app, &path, alerts.collect()).await).await;
    // A page of its timeline begins with that it came, and so has one decision less.
    assert_eq!((decided(&seen).len(), &seen["verdictCount"]), (200, &json!(201)));
    app.stop().await;
}

/// A crash between an incident's event and what is said of the other alerts loses nothing and says nothing twice.
#[tokio::test]
async fn every_alert_of_a_message_has_one_answer_whenever_the_node_is_killed() {
    const EACH: usize = 20;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let phone = Phone::listen().await;
    let mut server = Server::start(&database, &[]).await;
    let service = server.furnish(&phone.url, 3600).await.service;
    let input = json!({ "name": "each", "kind": "ALERTMANAGER", "serviceId": service,
        "reading": { "identity": "ALERT" } });
    let made = server.create("createIntegration", "key integration { id }", input).await;
    let integration = text(&made["integration"]["id"]);
    let routing = json!({ "integrationId": integration, "routing": rules() });
    server.create("updateIntegrationHandling", "integration { id }", routing).await;
    let path = format!("/hooks/alertmanager/{}", text(&made["key"]));
    for round in 0..5 {
        let of_each = |number| {
            let name = |what: &str| format!("{what} {round} {number}");
            [
                alert(&name("opened"), "firing", json!({})),
                alert(&name("tests"), "firing", json!({ "env": "test" })),
                alert(&name("noise"), "firing", json!({ "noisy": "yes" })),
                alert(&name("unknown"), "resolved", json!({})),
            ]
        };
        let alerts: Vec<Value> = (0..EACH).flat_map(of_each).collect();
        assert_eq!(server.post(&path, group(&alerts)).await, Some(202), "round {round}");
        server.kill();
        server = Server::start(&database, &[]).await;
    }
    let query = "query($id: ID!) { deliveries(integrationId: $id, first: 50) {
        nodes { id verdictCount decisions(first: 200) { verdict rule problems } } } }";
    let all = async || {
        let mut data = server.query(query, json!({ "id": integration })).await;
        data["deliveries"]["nodes"].as_array_mut().map(std::mem::take).expect("it is a list")
    };
    let whole = || async {
        let deliveries = all().await;
        deliveries.len() == 5 && deliveries.iter().all(|one| one["verdictCount"] == json!(4 * EACH))
    };
    eventually("every alert has its answer", whole).await;
    for delivery in all().await {
        let mut answers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for decision in delivery["decisions"].as_array().expect("it is a list") {
            let answer = format!("{} by {}", text(&decision["verdict"]), text(&decision["rule"]));
            for problem in decision["problems"].as_array().expect("it is a list") {
                answers.entry(text(problem)).or_default().push(answer.clone());
            }
        }
        assert_eq!(answers.len(), 4 * EACH, "{delivery}");
        for (problem, answers) in answers {
            let expected = match problem.split(' ').next() {
                Some("opened") => "OPENED by everything else",
                Some("tests") => "SUPPRESSED by tests",
                Some("noise") => "SUPPRESSED by noise",
                _ => "IGNORED by everything else",
            };
            assert_eq!(answers, [expected], "{problem}");
        }
    }
    server.kill();
    verify(&database);
}
