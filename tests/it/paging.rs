//! Pages: retries, delays, lanes, and silence after an acknowledgement.

use std::collections::HashSet;

use connectors::SendError;
use serde_json::{Value, json};

use crate::support::{Relay, TestApp, World, eventually};

const TIMED_OUT: SendError = SendError::TimedOut { after: std::time::Duration::from_secs(15) };

async fn open(app: &TestApp, world: &World, title: &str) -> String {
    let input = json!({ "serviceId": world.service, "title": title });
    let id = app.create("createIncident", "incident", "CreateIncidentInput", input).await;
    app.settle().await;
    id
}

#[tokio::test]
async fn a_failed_page_is_tried_again_under_the_same_key() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    app.outbox.fail("first@example.org", vec![TIMED_OUT, TIMED_OUT]);
    let incident = open(&app, &world, "disk").await;
    assert!(app.outbox.sent().is_empty());
    app.advance_minutes(1).await;
    let sent = app.outbox.sent();
    assert_eq!((sent.len(), sent[0].attempt, sent[0].incident.as_str()), (1, 3, incident.as_str()));
    assert!(sent[0].key.starts_with("pag_"), "the key is the page's id: {}", sent[0].key);
    let story = app.story(&incident).await;
    assert_eq!(story.iter().filter(|kind| *kind == "page.failed.v1").count(), 2);
    assert_eq!(story.iter().filter(|kind| *kind == "page.requested.v1").count(), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_provider_that_hangs_delays_no_other() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let phone = json!({ "name": "phone", "email": "phone@example.org",
        "contacts": [{ "webhook": { "url": "https://phone.example.org/ring" } }] });
    let phone = app.create("createUser", "user", "CreateUserInput", phone).await;
    let levels =
        json!([{ "targets": [{ "userId": phone }, { "userId": world.first }], "timeoutSeconds": 300 }]);
    let policy = app.create_policy("Both", levels, 0).await;
    let service = app.create_service("both", &policy).await;
    let hanging = app.outbox.hang("https://phone.example.org/ring");
    let input = json!({ "serviceId": service, "title": "disk" });
    app.create("createIncident", "incident", "CreateIncidentInput", input).await;
    while app.outbox.sent_to("first@example.org").is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(app.outbox.sent_to("https://phone.example.org/ring").is_empty());
    hanging.notify_one();
    app.settle().await;
    assert_eq!(app.outbox.sent().len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn pages_for_which_a_lane_has_no_place_are_sent_when_it_has() {
    const MESSAGES: usize = 3;
    const ALERTS: usize = 800;
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let each = json!({ "identity": "ALERT" });
    let (_, key) = app.create_integration_with("ALERTMANAGER", &world.service, each).await;
    app.outbox.hang("first@example.org");
    for message in 0..MESSAGES {
        let alert = |number| {
            let name = format!("node {message} {number}");
            json!({ "status": "firing", "fingerprint": name, "labels": { "alertname": name } })
        };
        let alerts: Vec<_> = (0..ALERTS).map(alert).collect();
        let body = json!({ "version": "4", "groupKey": "g", "status": "firing", "alerts": alerts });
        assert_eq!(app.post(&format!("/hooks/alertmanager/{key}"), body.to_string()).await.0, 202);
    }
    // More than a lane holds: 2,048 that wait, and 64 at the provider.
    let all = MESSAGES * ALERTS;
    eventually("every page was asked for", async || app.due_pages(2 * all).await == all).await;
    app.outbox.release("first@example.org");
    eventually("every page was sent", async || app.outbox.sent().len() >= all).await;
    app.settle().await;
    let keys: HashSet<_> = app.outbox.sent().into_iter().map(|sent| sent.key).collect();
    assert_eq!((keys.len(), app.outbox.sent().len()), (all, all), "each page once");
    app.stop().await;
}

#[tokio::test]
async fn a_delayed_step_is_silenced_by_an_acknowledgement() {
    let app = TestApp::start().await;
    let person = json!({ "name": "patient", "email": "patient@example.org",
        "contacts": [{ "email": { "address": "now@example.org" } }, { "email": { "address": "later@example.org" } }],
        "notificationRules": [
            { "delaySeconds": 0, "contactIndex": 0 }, { "delaySeconds": 120, "contactIndex": 1 }] });
    let person = app.create("createUser", "user", "CreateUserInput", person).await;
    let levels = json!([{ "targets": [{ "userId": person }], "timeoutSeconds": 600 }]);
    let policy = app.create_policy("Patient", levels, 0).await;
    let service = app.create_service("patient", &policy).await;
    let create = |title: &str| json!({ "serviceId": service, "title": title });
    let taken = app.create("createIncident", "incident", "CreateIncidentInput", create("taken")).await;
    app.create("createIncident", "incident", "CreateIncidentInput", create("left")).await;
    app.settle().await;
    app.act("acknowledgeIncident", json!({}), &taken).await;
    app.advance_minutes(3).await;
    let later: Vec<_> = app.outbox.sent_to("later@example.org").into_iter().map(|sent| sent.title).collect();
    assert_eq!(later, ["left"]);
    assert!(app.story(&taken).await.contains(&"page.withdrawn.v1".to_owned()));
    app.stop().await;
}

#[tokio::test]
async fn a_page_that_cannot_be_delivered_says_so_and_the_next_level_is_still_paged() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let refused = SendError::Refused { status: 550, answer: "no such mailbox".to_owned() };
    app.outbox.fail("first@example.org", vec![refused]);
    let incident = open(&app, &world, "disk").await;
    let entries = app.incident(&incident).await["timeline"]["nodes"].clone();
    let failure = entries.as_array().expect("a list").iter().find(|entry| entry["kind"] == "page.failed.v1");
    let message = failure.map_or(Value::Null, |entry| entry["message"].clone());
    assert!(message.as_str().is_some_and(|message| message.contains("550")), "{message}");
    app.advance_minutes(5).await;
    assert_eq!(app.outbox.sent_to("second@example.org").len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn mails_that_wait_for_a_slow_relay_are_not_sent_after_an_acknowledgement() {
    // Of eight conversations with the relay, two are left to notices.
    const AT_ONCE: usize = 6;
    const INCIDENTS: usize = 20;
    let relay = Relay::listen().await;
    let app = TestApp::start_with_relay(&relay.url).await;
    let world = World::make(&app).await;
    let mut incidents = vec![];
    for number in 0..INCIDENTS {
        let input = json!({ "serviceId": world.service, "title": format!("disk {number}") });
        incidents.push(app.create("createIncident", "incident", "CreateIncidentInput", input).await);
    }
    let asked = async || app.due_pages(2 * INCIDENTS).await == INCIDENTS && relay.mails() >= AT_ONCE;
    eventually("every page was asked for, and the relay has all that it is given at once", asked).await;
    for incident in &incidents {
        let taken = app.act("acknowledgeIncident", json!({}), incident).await;
        assert_eq!(taken["rejection"], Value::Null, "{taken}");
    }
    relay.release();
    app.settle().await;
    assert_eq!(relay.mails(), AT_ONCE, "what had not begun when somebody took it never begins");
    let mut withdrawn = 0;
    for incident in &incidents {
        withdrawn += usize::from(app.story(incident).await.contains(&"page.withdrawn.v1".to_owned()));
    }
    assert_eq!(withdrawn, INCIDENTS - AT_ONCE);
    app.stop().await;
}
