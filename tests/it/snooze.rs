//! Snoozing an incident, and what ends that.

use serde_json::{Value, json};

use crate::support::{TestApp, World, text};

/// What the payload of a snooze selects.
const SHOWN: &str = "incident { status snoozedUntil acknowledgedBy { name } escalation { level nextAt } }";

/// An hour after the test's clock begins.
const AN_HOUR_LATER: &str = "2026-11-24T04:00:00.000Z";

async fn open(app: &TestApp, service: &str) -> String {
    let input = json!({ "serviceId": service, "title": "disk", "severity": "MEDIUM", "dedupKey": "disk" });
    let incident = app.create("createIncident", "incident", "CreateIncidentInput", input).await;
    app.settle().await;
    incident
}

async fn snooze(app: &TestApp, incident: &str, until: &str) -> Value {
    app.administer("snoozeIncident", SHOWN, json!({ "incidentId": incident, "until": until })).await
}

/// How an incident stands, and until when it is snoozed.
async fn stand(app: &TestApp, incident: &str) -> (String, Value) {
    let query = "query($id: ID!) { incident(id: $id) { status snoozedUntil } }";
    let seen = app.query(query, json!({ "id": incident })).await;
    (text(&seen["incident"]["status"]), seen["incident"]["snoozedUntil"].clone())
}

fn paged(app: &TestApp) -> Vec<(String, u32)> {
    app.outbox.sent().into_iter().map(|page| (page.to, page.level)).collect()
}

#[tokio::test]
async fn a_snoozed_incident_is_quiet_until_the_time_and_then_pages_from_the_beginning() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let input = json!({ "name": "own", "userId": world.second });
    let key = text(&app.administer("createApiKey", "key", input).await["key"]);
    let incident = open(&app, &world.service).await;
    app.advance_minutes(5).await;
    let input =
        json!({ "incidentId": incident, "until": "2026-11-24T05:00:00+01:00", "reason": "the vendor looks" });
    let snoozed = app.mutate(&key, "snoozeIncident", SHOWN, input).await;
    let expected = json!({ "status": "ACKNOWLEDGED", "snoozedUntil": AN_HOUR_LATER,
        "acknowledgedBy": { "name": "second" }, "escalation": { "level": 2, "nextAt": AN_HOUR_LATER } });
    assert_eq!(snoozed["incident"], expected, "{snoozed}");

    app.advance_minutes(54).await;
    assert_eq!(paged(&app).len(), 2);
    app.advance_minutes(1).await;
    let first = |level| ("first@example.org".to_owned(), level);
    assert_eq!(paged(&app)[2..], [first(1)]);
    assert_eq!(stand(&app, &incident).await, ("TRIGGERED".to_owned(), Value::Null));
    app.advance_minutes(5).await;
    assert_eq!(paged(&app)[3..], [("second@example.org".to_owned(), 2)], "the ladder goes on");

    let seen = app.incident(&incident).await;
    let entries = seen["timeline"]["nodes"].as_array().expect("a timeline");
    let told: Vec<_> = entries.iter().map(|entry| text(&entry["message"])).collect();
    for line in [
        "Second snoozed until 2026-11-24T04:00:00.000Z: the vendor looks",
        "Level 1: first to be paged because the snooze is over",
    ] {
        assert!(told.contains(&line.to_owned()), "{line}: {told:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn pages_that_have_not_begun_when_an_incident_is_snoozed_are_withdrawn() {
    let app = TestApp::start().await;
    let person = json!({ "name": "patient", "email": "patient@example.org",
        "contacts": [{ "email": { "address": "later@example.org" } }],
        "notificationRules": [{ "delaySeconds": 120, "contactIndex": 0 }] });
    let person = app.create("createUser", "user", "CreateUserInput", person).await;
    let levels = json!([{ "targets": [{ "userId": person }], "timeoutSeconds": 600 }]);
    let service = app.create_service("patient", &app.create_policy("Patient", levels, 0).await).await;
    let incident = open(&app, &service).await;
    assert_eq!(snooze(&app, &incident, AN_HOUR_LATER).await["rejection"], Value::Null);
    app.advance_minutes(61).await;
    assert_eq!(paged(&app).len(), 0);
    assert!(app.story(&incident).await.contains(&"page.withdrawn.v1".to_owned()));
    app.advance_minutes(1).await;
    assert_eq!(paged(&app).len(), 1, "the page of the new climb is another one");
    app.stop().await;
}

#[tokio::test]
async fn acknowledging_is_for_good_and_giving_back_pages_at_once() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let incident = open(&app, &world.service).await;
    snooze(&app, &incident, AN_HOUR_LATER).await;
    app.act("unacknowledgeIncident", json!({}), &incident).await;
    app.settle().await;
    assert_eq!(paged(&app).len(), 2);
    snooze(&app, &incident, AN_HOUR_LATER).await;
    app.act("acknowledgeIncident", json!({ "onBehalfOf": world.second }), &incident).await;
    assert_eq!(stand(&app, &incident).await, ("ACKNOWLEDGED".to_owned(), Value::Null));
    app.advance_minutes(24 * 60).await;
    assert_eq!(paged(&app).len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn an_alert_that_is_worse_than_ever_ends_the_snooze() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (_, key) = app.create_integration("GENERIC", &world.service).await;
    let incident = open(&app, &world.service).await;
    snooze(&app, &incident, AN_HOUR_LATER).await;
    for (severity, pages) in [("medium", 1), ("critical", 2)] {
        let body = json!({ "title": "disk", "dedup_key": "disk", "severity": severity });
        assert_eq!(app.post(&format!("/hooks/generic/{key}"), body.to_string()).await.0, 202);
        app.settle().await;
        assert_eq!(paged(&app).len(), pages, "{severity}");
    }
    assert_eq!(stand(&app, &incident).await, ("TRIGGERED".to_owned(), Value::Null));
    app.act("acknowledgeIncident", json!({}), &incident).await;
    app.advance_minutes(120).await;
    assert_eq!(paged(&app).len(), 2, "the time of the snooze has no meaning any more");
    app.stop().await;
}

#[tokio::test]
async fn a_snoozed_incident_of_which_nothing_is_heard_ends_by_itself() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (integration, key) = app.create_integration("GENERIC", &world.service).await;
    let input =
        json!({ "integrationId": integration, "routing": { "catchAll": { "resolveAfterSeconds": 1800 } } });
    app.administer("updateIntegrationHandling", "integration { id }", input).await;
    app.post(&format!("/hooks/generic/{key}"), r#"{"title":"disk"}"#).await;
    app.settle().await;
    let incident = text(&app.incidents().await[0]["id"]);
    snooze(&app, &incident, AN_HOUR_LATER).await;
    app.advance_minutes(120).await;
    assert_eq!(stand(&app, &incident).await.0, "RESOLVED");
    assert_eq!(paged(&app).len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_snooze_that_cannot_be_is_refused_by_name() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let incident = open(&app, &world.service).await;
    for (until, rule) in [
        ("2026-11-24T03:00:00Z", "until must be in the future, not 2026-11-24T03:00:00.000Z"),
        ("2026-12-01T03:00:01Z", "until must be at most 7 days ahead, which is 2026-12-01T03:00:00.000Z"),
    ] {
        let refused = snooze(&app, &incident, until).await["rejection"].take();
        assert_eq!(refused, json!({ "code": "INVALID", "message": rule, "field": "until" }));
    }
    app.act("resolveIncident", json!({}), &incident).await;
    assert_eq!(snooze(&app, &incident, AN_HOUR_LATER).await["rejection"]["code"], "ALREADY_RESOLVED");
    app.stop().await;
}
