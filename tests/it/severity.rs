//! What a person says of how bad an incident is.

use serde_json::{Value, json};

use crate::support::{TestApp, World, text};

/// What the payload of a change selects.
const SHOWN: &str = "incident { severity status }";

/// A key of a person's own.
async fn key_of(app: &TestApp, person: &str) -> String {
    let input = json!({ "name": "own", "userId": person });
    text(&app.administer("createApiKey", "key", input).await["key"])
}

async fn say(app: &TestApp, path: &str, severity: &str) {
    let body = json!({ "title": "disk", "dedup_key": "disk", "severity": severity });
    assert_eq!(app.post(path, body.to_string()).await.0, 202);
    app.settle().await;
}

/// The sentences of a timeline.
fn sentences(of: &Value) -> Vec<String> {
    let entries = of["timeline"]["nodes"].as_array().expect("a timeline");
    entries.iter().map(|entry| text(&entry["message"])).collect()
}

#[tokio::test]
async fn a_responder_says_how_bad_it_is_and_that_stands() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let key = key_of(&app, &world.second).await;
    let (_, entrance) = app.create_integration("GENERIC", &world.service).await;
    let path = format!("/hooks/generic/{entrance}");
    say(&app, &path, "medium").await;
    let incident = text(&app.incidents().await[0]["id"]);
    let paged = || app.outbox.sent_to("first@example.org").len();

    let input = json!({ "incidentId": incident, "severity": "CRITICAL", "reason": "customers call" });
    let raised = app.mutate(&key, "changeIncidentSeverity", SHOWN, input.clone()).await;
    assert_eq!(raised["incident"], json!({ "severity": "CRITICAL", "status": "TRIGGERED" }), "{raised}");
    app.settle().await;
    assert_eq!(paged(), 2, "it is worse than it ever was");
    let story = app.story(&incident).await;
    let again = app.mutate(&key, "changeIncidentSeverity", SHOWN, input).await;
    assert_eq!((&again["incident"], &again["rejection"]), (&raised["incident"], &Value::Null));
    assert_eq!(app.story(&incident).await, story, "it is that bad already");

    let input = json!({ "incidentId": incident, "severity": "LOW" });
    app.mutate(&key, "changeIncidentSeverity", SHOWN, input).await;
    say(&app, &path, "high").await;
    let seen = app.incident(&incident).await;
    assert_eq!((&seen["severity"], &seen["alertCount"]), (&json!("LOW"), &json!(2)));
    assert_eq!(paged(), 2);

    let told = sentences(&seen);
    let expected = [
        "second raised the severity from medium to critical: customers call",
        "Level 1: first to be paged because it is worse than before",
        "second lowered the severity from critical to low",
    ];
    for line in expected.map(|line| line.replace("second ", "Second ")) {
        assert!(told.contains(&line), "{line}: {told:?}");
    }
    let query = "query($id: ID!) { events(subject: $id, first: 50) { nodes { type } } }";
    let concerned = app.query(query, json!({ "id": world.second })).await["events"]["nodes"].take();
    for kind in ["incident.severity_raised.v1", "incident.severity_lowered.v1"] {
        let is_there = concerned.as_array().expect("events").iter().any(|event| event["type"] == kind);
        assert!(is_there, "{kind}: {concerned}");
    }
    app.stop().await;
}

#[tokio::test]
async fn who_has_an_incident_is_not_paged_for_what_is_said_of_it() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let input = json!({ "serviceId": world.service, "title": "disk", "severity": "LOW" });
    let incident = app.create("createIncident", "incident", "CreateIncidentInput", input).await;
    app.settle().await;
    app.act("acknowledgeIncident", json!({}), &incident).await;
    let input = json!({ "severity": "CRITICAL" });
    assert_eq!(app.act("changeIncidentSeverity", input, &incident).await["rejection"], Value::Null);
    app.advance_minutes(60).await;
    assert_eq!(app.outbox.sent().len(), 1);

    let endless = json!({ "severity": "HIGH", "reason": "x".repeat(10_001) });
    let refused = app.act("changeIncidentSeverity", endless, &incident).await;
    assert_eq!(refused["rejection"]["field"], "reason", "{refused}");
    app.act("resolveIncident", json!({}), &incident).await;
    let late = app.act("changeIncidentSeverity", json!({ "severity": "LOW" }), &incident).await;
    assert_eq!(late["rejection"]["code"], "ALREADY_RESOLVED", "{late}");
    app.stop().await;
}
