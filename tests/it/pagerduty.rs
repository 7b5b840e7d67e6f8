//! PagerDuty's own client for Python, told another address and nothing else.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Authority, Peer, TestApp, World, python, text};

/// The client, with TLS in front of us, on which it insists.
struct Client {
    peer: Peer,
    _front: Peer,
    _authority: Authority,
}

impl Client {
    fn start(app: &TestApp) -> Self {
        let authority = Authority::new();
        let vouched = authority.vouch("localhost");
        let mut front = python("tls_front.py");
        front.arg(&vouched.certificate).arg(&vouched.key).arg(app.address().port().to_string());
        let front = Peer::start(front);
        let port = front.next().expect("it says where it listens")["port"].clone();
        let mut client = python("pagerduty_client.py");
        client.arg(format!("https://localhost:{port}")).env("SSL_CERT_FILE", authority.pem());
        Self { peer: Peer::start(client), _front: front, _authority: authority }
    }

    fn ask(&mut self, key: &str, call: &str, arguments: &Value) {
        self.peer.tell(&json!({ "key": key, "call": call, "arguments": arguments }).to_string());
    }

    /// What it says next that is none of the lines it logs.
    fn outcome(&self) -> Value {
        let mut said = std::iter::from_fn(|| self.peer.next());
        said.find(|line| line["logged"].is_null()).expect("the client still runs")
    }

    /// Calls a method that returns, and lets everything follow from it; what it returned.
    async fn call(&mut self, app: &TestApp, key: &str, call: &str, arguments: Value) -> Value {
        self.ask(key, call, &arguments);
        let mut outcome = self.outcome();
        assert_eq!(outcome["raised"], Value::Null, "{call}: {outcome}");
        app.settle().await;
        outcome["returned"].take()
    }
}

async fn entrance(app: &TestApp, world: &World, more: Value) -> (String, String) {
    let mut input = json!({ "name": "events", "kind": "PAGERDUTY", "serviceId": world.service });
    input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let made = app.administer("createIntegration", "integration { id } key", input).await;
    assert_eq!(made["rejection"], Value::Null);
    (text(&made["integration"]["id"]), text(&made["key"]))
}

/// Every incident, newest first, with what the client said of it.
async fn incidents(app: &TestApp) -> Vec<Value> {
    let query = "{ incidents(first: 10) { nodes { dedupKey title status severity
        alerts { source details links { href } } } } }";
    let mut data = app.query(query, json!({})).await;
    data["incidents"]["nodes"].as_array_mut().map(std::mem::take).expect("it is a list")
}

async fn log(app: &TestApp, integration: &str) -> Vec<(String, String)> {
    let query = "query($id: ID!) { deliveries(integrationId: $id, first: 50) { nodes { verdict reason } } }";
    let data = app.query(query, json!({ "id": integration })).await;
    let nodes = data["deliveries"]["nodes"].as_array().expect("it is a list");
    let told = |one: &Value| (text(&one["verdict"]), one["reason"].as_str().unwrap_or_default().to_owned());
    nodes.iter().map(told).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_triggers_acknowledges_and_resolves_under_the_key_that_it_is_given() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (integration, key) = entrance(&app, &world, json!({})).await;
    let mut client = Client::start(&app);

    let arguments = json!({ "summary": "The disk of db1 is full", "source": "db1", "severity": "warning",
        "custom_details": { "mount": "/var" }, "links": [{ "href": "https://wiki.example.org/disk", "text": "Runbook" }] });
    let dedup_key = client.call(&app, &key, "trigger", arguments).await;
    let opened = incidents(&app).await.remove(0);
    assert_eq!(opened["dedupKey"], dedup_key, "the key in the answer is that of the incident");
    assert_eq!(
        (&opened["title"], &opened["status"], &opened["severity"]),
        (&json!("The disk of db1 is full"), &json!("TRIGGERED"), &json!("MEDIUM"))
    );
    let alert = &opened["alerts"][0];
    assert_eq!(
        (&alert["source"], &alert["links"]),
        (&json!("db1"), &json!([{ "href": "https://wiki.example.org/disk" }]))
    );
    assert!(text(&alert["details"]).contains("/var"), "{alert}");
    assert_eq!(app.outbox.sent().len(), 1);

    for (call, status) in [("acknowledge", "ACKNOWLEDGED"), ("resolve", "RESOLVED")] {
        let returned = client.call(&app, &key, call, json!({ "dedup_key": dedup_key })).await;
        assert_eq!(returned, dedup_key);
        assert_eq!(incidents(&app).await[0]["status"], status);
    }
    let own = json!({ "summary": "Queue", "source": "mq", "dedup_key": "queue/mq" });
    assert_eq!(client.call(&app, &key, "trigger", own).await, "queue/mq");
    assert_eq!(incidents(&app).await[0]["dedupKey"], "queue/mq");
    let verdicts: Vec<_> = log(&app, &integration).await.into_iter().map(|(verdict, _)| verdict).collect();
    assert_eq!(verdicts, ["OPENED", "RESOLVED", "ACKNOWLEDGED", "OPENED"]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_changes_are_recorded_and_page_nobody() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (integration, key) = entrance(&app, &world, json!({})).await;
    let mut client = Client::start(&app);
    // What this version would put into `timestamp` by itself ends in both an offset and a Z, but it fails to make it.
    let deployed = json!({ "summary": "Deployed 4.2", "source": "ci", "custom_details": { "build": 7 },
        "timestamp": "2026-11-24T02:58:00.123456+00:00Z" });
    client.call(&app, &key, "submit", deployed).await;
    let payload = json!({ "payload": { "summary": "Rolled back", "timestamp": "2026-11-24T02:59:00Z" } });
    client.call(&app, &key, "send_change_event", payload).await;
    let recorded = |words: &str| ("RECORDED".to_owned(), format!("recorded as a change: {words}"));
    assert_eq!(log(&app, &integration).await, [recorded("Rolled back"), recorded("Deployed 4.2")]);
    assert!(incidents(&app).await.is_empty() && app.outbox.sent().is_empty());
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_routing_key_raises_its_own_error() {
    let app = TestApp::start().await;
    World::make(&app).await;
    let mut client = Client::start(&app);
    for (call, arguments) in [
        ("trigger", json!({ "summary": "Disk", "source": "db1" })),
        ("acknowledge", json!({ "dedup_key": "disk" })),
        ("send_change_event", json!({ "payload": { "summary": "Deployed" } })),
    ] {
        client.ask(&"0".repeat(32), call, &arguments);
        let outcome = client.outcome();
        assert_eq!(
            (&outcome["raised"], &outcome["status"]),
            (&json!("HttpError"), &json!(400)),
            "{call}: {outcome}"
        );
        assert!(text(&outcome["said"]).contains("invalid event"), "{outcome}");
    }
    app.settle().await;
    assert!(incidents(&app).await.is_empty());
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_waits_and_repeats_what_was_too_much() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (integration, key) = entrance(&app, &world, json!({ "rateLimitPerMinute": 1 })).await;
    let mut client = Client::start(&app);
    client
        .call(&app, &key, "trigger", json!({ "summary": "one", "source": "db1", "dedup_key": "one" }))
        .await;
    client.ask(&key, "trigger", &json!({ "summary": "two", "source": "db1", "dedup_key": "two" }));
    let waits = std::iter::from_fn(|| client.peer.next()).find(|line| {
        assert!(!line["logged"].is_null(), "it returned at once: {line}");
        line["logged"].as_str().is_some_and(|words| words.contains("status 429"))
    });
    assert!(waits.is_some(), "it was told that this is too much");
    // It comes back after three seconds of its own.
    app.clock.advance(Duration::from_mins(1));
    assert_eq!(client.outcome()["returned"], "two");
    app.settle().await;
    let keys: Vec<_> = incidents(&app).await.iter().map(|one| text(&one["dedupKey"])).collect();
    assert_eq!(keys, ["two", "one"]);
    assert_eq!(log(&app, &integration).await.len(), 2, "what was refused is not in the log");
    app.stop().await;
}
