//! New Relic, Sentry, GitHub and Grafana, each with the proof that it brings: from the request to the incident and the
//! delivery log.

use hmac::{Hmac, Mac};
use serde_json::{Value, json};

use crate::support::{TestApp, World, text};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../crates/api/src/webhooks/fixtures/", $name, ".json"))
    };
}

/// An entrance of one provider.
struct Door<'a> {
    app: &'a TestApp,
    id: String,
    path: String,
    secret: String,
}

/// What the delivery log shows of a message.
#[derive(Debug, PartialEq, Eq)]
struct Logged {
    verdict: String,
    proof: String,
    status: String,
    severity: String,
    title: String,
    key: String,
}

impl<'a> Door<'a> {
    async fn open(app: &'a TestApp, kind: &str, word: &str, proof: Value) -> Self {
        let service = World::make(app).await.service;
        let mut input = json!({ "name": kind, "kind": kind, "serviceId": service });
        input.as_object_mut().expect("an object").extend(proof.as_object().expect("an object").clone());
        let made = app.administer("createIntegration", "integration { id } key signingSecret", input).await;
        assert_eq!(made["rejection"], Value::Null);
        Self {
            app,
            id: text(&made["integration"]["id"]),
            path: format!("/hooks/{word}/{}", text(&made["key"])),
            secret: text(&made["signingSecret"]),
        }
    }

    /// The HMAC of a body under a secret, in hexadecimal.
    fn sign(secret: &str, body: &str) -> String {
        let mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("a key").chain_update(body);
        mac.finalize().into_bytes().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
    }

    /// Sends a message, and returns the answer.
    async fn send(&self, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
        let headers: Vec<_> = [("content-type", "application/json")].iter().chain(headers).copied().collect();
        let (status, answer) = self.app.call("POST", &self.path, &headers, body.to_owned()).await;
        self.app.settle().await;
        (status, serde_json::from_str(&answer).expect("it is JSON"))
    }

    /// What came through it, newest first.
    async fn log(&self) -> Vec<Value> {
        let query =
            "query($id: ID!) { deliveries(integrationId: $id, first: 50) { nodes { verdict reason proof
            incident { status severity title dedupKey alertCount } } } }";
        let mut data = self.app.query(query, json!({ "id": self.id })).await;
        data["deliveries"]["nodes"].as_array_mut().map(std::mem::take).expect("a list")
    }

    /// The newest of it.
    async fn last(&self) -> Logged {
        let last = self.log().await.remove(0);
        let incident = &last["incident"];
        let [verdict, proof] = ["verdict", "proof"].map(|name| text(&last[name]));
        let [status, severity, title, key] =
            ["status", "severity", "title", "dedupKey"].map(|name| text(&incident[name]));
        Logged { verdict, proof, status, severity, title, key }
    }

    /// That whoever does not prove to be the provider is refused, and seen.
    async fn refuses(&self, headers: &[(&str, &str)], body: &str) {
        let before = self.log().await.len();
        let (status, answer) = self.send(headers, body).await;
        assert_eq!((status, &answer["status"]), (401, &json!(401)), "{answer}");
        assert_eq!(self.log().await.len(), before, "nothing of it is kept");
        let query = "query($id: ID!) { integration(id: $id) { refusals { count lastReason } } }";
        let refused = self.app.query(query, json!({ "id": self.id })).await["integration"]["refusals"].take();
        assert_eq!((&refused["count"], refused["lastReason"].is_string()), (&json!(1), true), "{refused}");
    }
}

fn logged(verdict: &str, proof: &str, status: &str, severity: &str, title: &str, key: &str) -> Logged {
    let [verdict, proof, status, severity, title, key] =
        [verdict, proof, status, severity, title, key].map(str::to_owned);
    Logged { verdict, proof, status, severity, title, key }
}

#[tokio::test]
async fn an_issue_of_new_relic_opens_is_taken_and_closes() {
    let app = TestApp::start().await;
    let door = Door::open(&app, "NEW_RELIC", "newrelic", json!({ "verification": { "bearer": true } })).await;
    let bearer = format!("Bearer {}", door.secret);
    let told = |verdict: &str, status: &str| {
        let title = "checkout query result is > 5.0 for 5 minutes on 'Errors'";
        logged(verdict, "TOKEN", status, "CRITICAL", title, "3f2a1b0c-0d9e-4f8a-8b7c-6d5e4f3a2b1c")
    };
    let opened = fixture!("newrelic_activated");
    let taken = opened.replace("\"isAcknowledged\": false", "\"isAcknowledged\": true");
    for (body, verdict, status) in [
        (opened, "OPENED", "TRIGGERED"),
        (opened, "JOINED", "TRIGGERED"),
        (&*taken, "ACKNOWLEDGED", "ACKNOWLEDGED"),
        (fixture!("newrelic_closed"), "RESOLVED", "RESOLVED"),
    ] {
        let (answered, answer) = door.send(&[("authorization", &bearer)], body).await;
        assert_eq!(answered, 202, "{answer}");
        assert_eq!(door.last().await, told(verdict, status));
    }
    let (_, answer) = door.send(&[("authorization", &bearer)], fixture!("newrelic_closed")).await;
    assert_eq!(answer["status"], "accepted");
    assert_eq!(door.log().await[0]["verdict"], "IGNORED", "it is over already");
    door.refuses(&[("authorization", "Bearer a guess")], opened).await;
    assert_eq!((app.incidents().await.len(), app.outbox.sent().len()), (1, 1));
    app.stop().await;
}

#[tokio::test]
async fn issues_and_metric_alerts_of_sentry_open_and_are_resolved() {
    let app = TestApp::start().await;
    let door = Door::open(&app, "SENTRY", "sentry", json!({ "signed": true })).await;
    let send = async |resource: &str, request: &str, body: &str| {
        let signature = Door::sign(&door.secret, body);
        let headers = [
            ("sentry-hook-resource", resource),
            ("sentry-hook-signature", &*signature),
            ("request-id", request),
        ];
        let (status, answer) = door.send(&headers, body).await;
        assert_eq!(status, 202, "{answer}");
        answer
    };
    let issue = |verdict: &str, status: &str| {
        let title = "ReferenceError: heck is not defined";
        logged(verdict, "SIGNATURE", status, "HIGH", title, "issue:1170820242")
    };
    let (opened, over) = (fixture!("sentry_event_alert"), fixture!("sentry_issue_resolved"));
    send("event_alert", "1", opened).await;
    assert_eq!(door.last().await, issue("OPENED", "TRIGGERED"));
    assert_eq!(send("event_alert", "1", opened).await["deduplicated"], true);
    send("issue", "2", over).await;
    assert_eq!(door.last().await, issue("RESOLVED", "RESOLVED"));

    let metric = |verdict: &str, status: &str| {
        logged(verdict, "SIGNATURE", status, "CRITICAL", "Critical: Too many errors", "metric:4")
    };
    let critical = fixture!("sentry_metric_alert");
    send("metric_alert", "3", critical).await;
    assert_eq!(door.last().await, metric("OPENED", "TRIGGERED"));
    send("metric_alert", "4", &critical.replace("\"critical\"", "\"resolved\"")).await;
    assert_eq!(door.last().await, metric("RESOLVED", "RESOLVED"));

    send("installation", "5", r#"{"action":"created","data":{"installation":{"uuid":"x"}}}"#).await;
    let log = door.log().await;
    assert_eq!((log.len(), &log[0]["verdict"]), (5, &json!("RECORDED")), "{}", log[0]);
    let other = Door::sign("a guess", opened);
    door.refuses(&[("sentry-hook-resource", "event_alert"), ("sentry-hook-signature", &other)], opened).await;
    assert_eq!((app.incidents().await.len(), app.outbox.sent().len()), (2, 2));
    app.stop().await;
}

#[tokio::test]
async fn builds_and_findings_of_github_open_and_are_resolved() {
    let app = TestApp::start().await;
    let door = Door::open(&app, "GITHUB", "github", json!({ "signed": true })).await;
    let send = async |event: &str, delivery: &str, body: &str| {
        let signature = format!("sha256={}", Door::sign(&door.secret, body));
        let headers = [
            ("x-github-event", event),
            ("x-hub-signature-256", &*signature),
            ("x-github-delivery", delivery),
        ];
        let (status, answer) = door.send(&headers, body).await;
        assert_eq!(status, 202, "{answer}");
        answer
    };
    send("ping", "0", r#"{"zen":"Keep it logically awesome.","hook_id":7}"#).await;
    let log = door.log().await;
    assert_eq!((&log[0]["verdict"], &log[0]["reason"]), (&json!("RECORDED"), &json!("ping")));

    let told = async |verdict: &str, status: &str, severity: &str, title: &str, event: &str| {
        let last = door.last().await;
        assert!(last.key.starts_with(&format!("{event}:")), "{last:?}");
        assert_eq!(last, logged(verdict, "SIGNATURE", status, severity, title, &last.key.clone()));
    };
    let (failed, title) = (fixture!("github_workflow_run"), "example/shop: Build on main ended in failure");
    send("workflow_run", "1", failed).await;
    told("OPENED", "TRIGGERED", "MEDIUM", title, "workflow_run").await;
    assert_eq!(send("workflow_run", "1", failed).await["deduplicated"], true, "a redelivery counts once");
    send("workflow_run", "2", &failed.replace("\"failure\"", "\"success\"")).await;
    told("RESOLVED", "RESOLVED", "MEDIUM", title, "workflow_run").await;

    let (found, title) = (fixture!("github_dependabot_alert"), "example/shop: left-pad pads on the right");
    send("dependabot_alert", "3", found).await;
    told("OPENED", "TRIGGERED", "HIGH", title, "dependabot_alert").await;
    send("dependabot_alert", "4", &found.replace("\"created\"", "\"fixed\"")).await;
    told("RESOLVED", "RESOLVED", "HIGH", title, "dependabot_alert").await;

    let other = format!("sha256={}", Door::sign("a guess", failed));
    door.refuses(&[("x-github-event", "workflow_run"), ("x-hub-signature-256", &other)], failed).await;
    assert_eq!((door.log().await.len(), app.incidents().await.len(), app.outbox.sent().len()), (5, 2, 2));
    app.stop().await;
}

#[tokio::test]
async fn a_group_of_grafana_opens_and_is_resolved() {
    let app = TestApp::start().await;
    let door = Door::open(&app, "GRAFANA", "grafana", json!({ "signed": true })).await;
    let send = async |body: &str| {
        let signature = Door::sign(&door.secret, body);
        let (status, answer) = door.send(&[("x-grafana-alerting-signature", &signature)], body).await;
        assert_eq!(status, 202, "{answer}");
    };
    let told = |verdict: &str, status: &str| {
        let title = "DiskFull grafana_folder=Infra (2 alerts)";
        let key = r#"{}/{__grafana_autogenerated__="true"}:{alertname="DiskFull", grafana_folder="Infra"}"#;
        logged(verdict, "SIGNATURE", status, "CRITICAL", title, key)
    };
    let firing = fixture!("grafana_firing");
    for (body, verdict, status) in [
        (firing, "OPENED", "TRIGGERED"),
        (firing, "JOINED", "TRIGGERED"),
        (fixture!("grafana_resolved"), "RESOLVED", "RESOLVED"),
    ] {
        send(body).await;
        assert_eq!(door.last().await, told(verdict, status));
    }
    door.refuses(&[("x-grafana-alerting-signature", &Door::sign("a guess", firing))], firing).await;
    assert_eq!((door.log().await.len(), app.incidents().await.len(), app.outbox.sent().len()), (3, 1, 1));
    app.stop().await;
}
