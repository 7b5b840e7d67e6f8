//! Several problems in one incident: what is said of one of them is said of no other.

use serde_json::{Value, json};

use crate::support::{TestApp, World};

/// A generic entrance with these rules: its id, and where its messages go.
async fn entrance(app: &TestApp, world: &World, routing: Value) -> (String, String) {
    let (id, key) = app.create_integration("GENERIC", &world.service).await;
    let input = json!({ "integrationId": id, "routing": routing });
    let changed = app.administer("updateIntegrationHandling", "integration { id }", input).await;
    assert_eq!(changed["rejection"], Value::Null);
    (id, format!("/hooks/generic/{key}"))
}

/// Says something of a problem in the cluster `eu`, and returns what became of it.
async fn say(app: &TestApp, (id, path): &(String, String), key: &str, status: &str, env: &str) -> Value {
    let message = json!({ "title": format!("{key} is down"), "dedup_key": key, "status": status,
        "labels": { "cluster": "eu", "env": env } });
    let (answer, _) = app.post(path, message.to_string()).await;
    assert_eq!(answer, 202);
    app.settle().await;
    let query = "query($id: ID!) { deliveries(integrationId: $id, first: 1) { nodes { verdict reason } } }";
    app.query(query, json!({ "id": id })).await["deliveries"]["nodes"][0].take()
}

async fn statuses(app: &TestApp) -> Vec<Value> {
    app.incidents().await.iter().map(|one| one["status"].clone()).collect()
}

#[tokio::test]
async fn nobody_takes_a_group_by_a_problem_that_is_not_open_in_it() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let made = entrance(&app, &world, json!({ "catchAll": { "groupBy": "alert.labels.cluster" } })).await;
    say(&app, &made, "a", "firing", "prod").await;
    say(&app, &made, "b", "firing", "prod").await;
    assert_eq!(say(&app, &made, "b", "resolved", "prod").await["verdict"], "ENDED");
    for stranger in ["z", "b"] {
        let said = say(&app, &made, stranger, "acknowledged", "prod").await;
        let reason = "the problem is none of those that are open in the group";
        assert_eq!(said, json!({ "verdict": "IGNORED", "reason": reason }), "{stranger}");
        assert_eq!(statuses(&app).await, ["TRIGGERED"], "{stranger}");
    }
    app.advance_minutes(6).await;
    assert_eq!(app.outbox.sent_to("second@example.org").len(), 1, "the ladder is climbed on");
    assert_eq!(say(&app, &made, "a", "acknowledged", "prod").await["verdict"], "ACKNOWLEDGED");
    assert_eq!(statuses(&app).await, ["ACKNOWLEDGED"]);
    app.stop().await;
}

#[tokio::test]
async fn a_problem_of_a_group_is_open_in_one_incident_whichever_rule_brings_it() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let routing = json!({
        "rules": [{ "name": "tests", "condition": "alert.labels.env == 'test'",
            "take": { "groupBy": "alert.labels.cluster", "windowSeconds": 300 } }],
        "catchAll": { "groupBy": "alert.labels.cluster" },
    });
    let made = entrance(&app, &world, routing).await;
    say(&app, &made, "p", "firing", "test").await;
    app.advance_minutes(6).await;
    assert_eq!(say(&app, &made, "q", "firing", "test").await["verdict"], "OPENED", "the window is over");
    assert_eq!(say(&app, &made, "p", "firing", "prod").await["verdict"], "JOINED");
    let counts: Vec<_> = app.incidents().await.iter().map(|one| one["alertCount"].clone()).collect();
    assert_eq!(counts, [1, 2], "it joins where it is open");
    assert_eq!(say(&app, &made, "p", "resolved", "prod").await["verdict"], "RESOLVED");
    assert_eq!(statuses(&app).await, ["TRIGGERED", "RESOLVED"]);
    assert_eq!(say(&app, &made, "q", "resolved", "prod").await["verdict"], "RESOLVED");
    assert_eq!(statuses(&app).await, ["RESOLVED", "RESOLVED"]);
    app.stop().await;
}
