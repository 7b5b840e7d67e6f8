//! One problem is one incident, however many alerts tell of it at once.

use futures::future::join_all;
use serde_json::json;

use crate::support::{TestApp, World};

#[tokio::test]
async fn identical_alerts_at_once_open_one_incident_and_distinct_ones_one_each() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (_, key) = app.create_integration("GENERIC", &world.service).await;
    let path = format!("/hooks/generic/{key}");
    let post = |dedup: String| {
        let body = json!({ "title": "storm", "dedup_key": dedup }).to_string();
        let (app, path) = (&app, path.as_str());
        async move { app.post(path, body).await.0 }
    };
    let same = join_all((0..100).map(|_| post("same".to_owned()))).await;
    let distinct = join_all((0..100).map(|number| post(format!("distinct {number}")))).await;
    assert!(same.iter().chain(&distinct).all(|status| *status == 202));
    app.settle().await;
    let incidents = app.incidents().await;
    assert_eq!(incidents.len(), 101);
    let counts: u64 = incidents.iter().map(|one| one["alertCount"].as_u64().expect("a count")).sum();
    assert_eq!(counts, 200);
    assert_eq!(app.outbox.sent().len(), 101, "one page for each problem");
    app.stop().await;
}

#[tokio::test]
async fn an_alert_after_a_resolve_opens_the_next_episode() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (_, key) = app.create_integration("GENERIC", &world.service).await;
    let path = format!("/hooks/generic/{key}");
    for action in ["trigger", "resolve", "trigger", "trigger"] {
        let body = json!({ "title": "disk", "dedup_key": "disk", "action": action });
        assert_eq!(app.post(&path, body.to_string()).await.0, 202);
    }
    app.settle().await;
    let incidents = app.incidents().await;
    let statuses: Vec<_> = incidents.iter().map(|one| one["status"].as_str().expect("a status")).collect();
    assert_eq!(statuses, ["TRIGGERED", "RESOLVED"]);
    let numbers: Vec<_> = incidents.iter().map(|one| one["number"].as_u64().expect("a number")).collect();
    assert_eq!(numbers, [2, 1]);
    app.stop().await;
}

#[tokio::test]
async fn every_delivery_ends_in_a_verdict() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (integration, key) = app.create_integration("GENERIC", &world.service).await;
    let path = format!("/hooks/generic/{key}");
    let bodies = [
        (r#"{"title":"disk","dedup_key":"disk"}"#, 202),
        (r#"{"title":"disk","dedup_key":"disk"}"#, 202),
        (r#"{"title":"disk","dedup_key":"disk","action":"resolve"}"#, 202),
        (r#"{"title":"disk","dedup_key":"disk","action":"resolve"}"#, 202),
        (r#"{"title":"#, 400),
    ];
    for (body, expected) in bodies {
        let (status, answer) = app.post(&path, body).await;
        assert_eq!(status, expected, "{body}: {answer}");
        app.settle().await;
    }
    let query = "query($id: ID!) { deliveries(integrationId: $id, first: 10) { nodes { verdict reason } } }";
    let data = app.query(query, json!({ "id": integration })).await;
    let mut verdicts: Vec<_> = data["deliveries"]["nodes"]
        .as_array()
        .expect("it is a list")
        .iter()
        .map(|one| one["verdict"].as_str().expect("each delivery has a verdict").to_owned())
        .collect();
    verdicts.sort();
    assert_eq!(verdicts, ["IGNORED", "JOINED", "OPENED", "REJECTED", "RESOLVED"]);
    app.stop().await;
}
