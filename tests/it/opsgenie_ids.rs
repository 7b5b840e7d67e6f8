//! Calls of Opsgenie's clients that name an alert by its id: they mean that incident, whatever became of it.

use serde_json::{Value, json};

use crate::support::{TestApp, World};

/// An entrance that Opsgenie's clients use.
struct Client<'a> {
    app: &'a TestApp,
    integration: String,
    key: String,
}

impl<'a> Client<'a> {
    async fn of(app: &'a TestApp, service: &str) -> Self {
        let (integration, key) = app.create_integration("OPSGENIE", service).await;
        Self { app, integration, key }
    }

    async fn route(&self, routing: Value) {
        let input = json!({ "integrationId": self.integration, "routing": routing });
        let changed = self.app.administer("updateIntegrationHandling", "integration { id }", input).await;
        assert_eq!(changed["rejection"], Value::Null);
    }

    async fn call(&self, method: &str, path: &str, body: Value) {
        let key = format!("GenieKey {}", self.key);
        let headers = [("authorization", key.as_str()), ("content-type", "application/json")];
        let (status, answer) = self.app.call(method, path, &headers, body.to_string()).await;
        assert_eq!(status, 202, "{answer}");
        self.app.settle().await;
    }

    async fn create(&self, alias: &str, entity: &str) -> String {
        self.call("POST", "/v2/alerts", json!({ "message": alias, "alias": alias, "entity": entity })).await;
        self.latest().await["incident"]["id"].as_str().expect("it led to an incident").to_owned()
    }

    /// Asks something of the alert with the id of this incident.
    async fn ask(&self, incident: &str, verb: &str, body: Value) -> Value {
        let id = incident.trim_start_matches("inc_");
        self.call("POST", &format!("/v2/alerts/{id}/{verb}"), body).await;
        self.latest().await
    }

    /// What became of the latest call.
    async fn latest(&self) -> Value {
        let query = "query($id: ID!) { deliveries(integrationId: $id, first: 1) { nodes {
            verdict verdictCount reason incident { id } } } }";
        self.app.query(query, json!({ "id": self.integration })).await["deliveries"]["nodes"][0].take()
    }

    async fn status(&self, incident: &str) -> Value {
        self.app.incident(incident).await["status"].take()
    }
}

#[tokio::test]
async fn an_id_means_its_own_incident_and_none_that_came_after_it() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let client = Client::of(&app, &world.service).await;
    let first = client.create("disk", "db1").await;
    assert_eq!(client.ask(&first, "close", json!({})).await["verdict"], "RESOLVED");
    let second = client.create("disk", "db1").await;
    assert_ne!(first, second);

    let until = json!({ "endTime": "2026-11-24T04:00:00Z" });
    for (verb, body, why) in [
        ("close", json!({}), "the incident is in that state already"),
        ("acknowledge", json!({}), "the incident was resolved at"),
        ("unacknowledge", json!({}), "the incident was resolved at"),
        ("snooze", until, "the incident was resolved at"),
    ] {
        let said = client.ask(&first, verb, body).await;
        assert_eq!((&said["verdict"], &said["incident"]["id"]), (&json!("IGNORED"), &json!(first)), "{verb}");
        assert!(said["reason"].as_str().is_some_and(|reason| reason.starts_with(why)), "{verb}: {said}");
        assert_eq!(client.status(&second).await, "TRIGGERED", "{verb}");
    }
    let said = client.ask(&first, "notes", json!({ "note": "it was the backup" })).await;
    assert_eq!((&said["verdict"], &said["incident"]["id"]), (&json!("RECORDED"), &json!(first)));
    let noted = |story: Vec<String>| story.iter().any(|kind| kind.starts_with("incident.note_added"));
    assert!(noted(app.story(&first).await) && !noted(app.story(&second).await));

    assert_eq!(client.ask(&second, "close", json!({})).await["verdict"], "RESOLVED");
    app.stop().await;
}

#[tokio::test]
async fn an_id_of_another_service_means_nothing_here_and_one_that_nothing_has_is_an_alias() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let levels = json!([{ "targets": [{ "userId": world.boss }], "timeoutSeconds": 300 }]);
    let policy = app.create_policy("Other", levels, 0).await;
    let other = app.create_service("other", &policy).await;
    let (ours, theirs) = (Client::of(&app, &world.service).await, Client::of(&app, &other).await);
    let (own, foreign) = (ours.create("disk", "db1").await, theirs.create("disk", "db1").await);
    for verb in ["close", "acknowledge", "notes"] {
        let said = ours.ask(&foreign, verb, json!({ "note": "hello" })).await;
        assert_eq!(
            (&said["verdict"], &said["reason"]),
            (&json!("IGNORED"), &json!("the id is that of an incident of another service")),
            "{verb}"
        );
    }
    assert_eq!([ours.status(&own).await, theirs.status(&foreign).await], ["TRIGGERED", "TRIGGERED"]);

    let alias = "0193f1c2-7d4e-7aaa-8bbb-0123456789ab";
    let named = ours.create(alias, "db1").await;
    let said = ours.ask(alias, "close", json!({})).await;
    assert_eq!((&said["verdict"], &said["incident"]["id"]), (&json!("RESOLVED"), &json!(named)));
    app.stop().await;
}

#[tokio::test]
async fn an_id_reaches_what_its_own_rules_opened_at_another_service() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let levels = json!([{ "targets": [{ "userId": world.boss }], "timeoutSeconds": 300 }]);
    let policy = app.create_policy("Other", levels, 0).await;
    let other = app.create_service("other", &policy).await;
    let client = Client::of(&app, &world.service).await;
    client
        .route(json!({ "rules": [{ "name": "databases", "condition": "alert.source == 'db1'",
            "take": { "serviceId": other } }] }))
        .await;
    let opened = client.create("disk", "db1").await;
    assert_eq!(client.ask(&opened, "acknowledge", json!({})).await["verdict"], "ACKNOWLEDGED");
    assert_eq!(client.ask(&opened, "close", json!({})).await["verdict"], "RESOLVED");
    assert_eq!(client.status(&opened).await, "RESOLVED");
    app.stop().await;
}

#[tokio::test]
async fn closing_a_group_by_its_id_ends_all_of_it() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    for group_by in ["'all'", "payload.entity"] {
        let client = Client::of(&app, &world.service).await;
        client.route(json!({ "catchAll": { "groupBy": group_by } })).await;
        let group = client.create(&format!("disk {group_by}"), "db1").await;
        assert_eq!(client.create(&format!("load {group_by}"), "db1").await, group, "{group_by}");
        let taken = client.ask(&group, "acknowledge", json!({})).await;
        assert_eq!(taken["verdict"], "ACKNOWLEDGED", "{group_by}: {taken}");
        let closed = client.ask(&group, "close", json!({})).await;
        let expected =
            json!({ "verdict": "RESOLVED", "verdictCount": 1, "reason": null, "incident": { "id": group } });
        assert_eq!(closed, expected, "{group_by}");
        assert_eq!(client.status(&group).await, "RESOLVED", "{group_by}");
    }
    app.stop().await;
}
