//! What an integration takes: senders that send more are told so in their own way, and its owner sees it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{TestApp, World, eventually, text};

/// An integration that takes so many messages in a minute: its id and its key.
async fn limited(app: &TestApp, world: &World, kind: &str, per_minute: u32) -> (String, String) {
    let input =
        json!({ "name": kind, "kind": kind, "serviceId": world.service, "rateLimitPerMinute": per_minute });
    let made = app.administer("createIntegration", "integration { id } key", input).await;
    assert_eq!(made["rejection"], Value::Null);
    (text(&made["integration"]["id"]), text(&made["key"]))
}

/// An answer: its status, some headers, and its body.
struct Told {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

impl Told {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }
}

async fn send(app: &TestApp, path: &str, body: Value) -> Told {
    let answer = app.request(reqwest::Method::POST, path).json(&body).send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Told { status, headers, body: answer.json().await.expect("it is JSON") }
}

/// What the owner sees.
async fn seen(app: &TestApp, id: &str) -> Value {
    let query =
        "query($id: ID!) { integration(id: $id) { rateLimit { perMinute limitedCount lastLimitedAt } } }";
    app.settle().await;
    app.query(query, json!({ "id": id })).await["integration"]["rateLimit"].take()
}

#[tokio::test]
async fn a_flood_is_refused_until_time_has_passed_and_its_owner_sees_it() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (id, key) = limited(&app, &world, "GENERIC", 3).await;
    let path = format!("/hooks/generic/{key}");
    let alert = |number: u32| json!({ "title": format!("alert {number}") });
    assert_eq!(seen(&app, &id).await, json!({ "perMinute": 3, "limitedCount": 0, "lastLimitedAt": null }));

    for (number, left) in [(1, "2"), (2, "1"), (3, "0")] {
        let taken = send(&app, &path, alert(number)).await;
        assert_eq!((taken.status, taken.header("ratelimit-remaining")), (202, Some(left)));
        assert_eq!((taken.header("ratelimit-limit"), taken.header("retry-after")), (Some("3"), None));
    }
    for number in 4..8 {
        let refused = send(&app, &path, alert(number)).await;
        assert_eq!((refused.status, &refused.body["retryable"]), (429, &json!(true)));
        assert_eq!(
            (refused.header("retry-after"), refused.header("ratelimit-reset")),
            (Some("20"), Some("60"))
        );
    }
    let at = "2026-11-24T03:00:00.000Z";
    assert_eq!(seen(&app, &id).await, json!({ "perMinute": 3, "limitedCount": 1, "lastLimitedAt": at }));
    assert_eq!(app.incidents().await.len(), 3, "what was refused led to nothing");

    app.clock.advance(Duration::from_secs(20));
    assert_eq!(send(&app, &path, alert(4)).await.status, 202);
    assert_eq!(send(&app, &path, alert(5)).await.status, 429);
    app.clock.advance(Duration::from_mins(1));
    let noted = async |count: u32| seen(&app, &id).await["limitedCount"] == count;
    eventually("those that came since the first are noted", async || noted(5).await).await;
    for (number, status) in [(5, 202), (6, 202), (7, 202), (8, 429)] {
        assert_eq!(send(&app, &path, alert(number)).await.status, status);
    }
    assert!(noted(5).await, "once a minute");
    app.clock.advance(Duration::from_mins(1));
    eventually("the last is noted although no more come", async || noted(6).await).await;
    assert_eq!(app.incidents().await.len(), 7);

    let input = json!({ "integrationId": id, "rateLimitPerMinute": null });
    let freed = app.administer("updateIntegration", "integration { rateLimit { perMinute } }", input).await;
    assert_eq!(freed["integration"]["rateLimit"]["perMinute"], 60_000);
    assert_eq!(send(&app, &path, alert(8)).await.status, 202);
    app.stop().await;
}

#[tokio::test]
async fn each_sender_is_told_in_its_own_way() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (_, key) = limited(&app, &world, "ALERTMANAGER", 1).await;
    let path = format!("/hooks/alertmanager/{key}");
    let group = json!({ "version": "4", "groupKey": "disk", "status": "firing",
        "alerts": [{ "status": "firing", "labels": { "alertname": "Disk" } }] });
    assert_eq!(send(&app, &path, group.clone()).await.status, 202);
    let refused = send(&app, &path, group.clone()).await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (503, Some("60")),
        "it never repeats after 429"
    );

    let (_, key) = limited(&app, &world, "PAGERDUTY", 1).await;
    let event = json!({ "routing_key": key, "event_action": "trigger", "dedup_key": "disk",
        "payload": { "summary": "The disk is full", "source": "db1", "severity": "critical" } });
    assert_eq!(send(&app, "/v2/enqueue", event.clone()).await.status, 202);
    let refused = send(&app, "/v2/enqueue", event.clone()).await;
    assert_eq!((refused.status, &refused.body["status"]), (429, &json!("throttle exceeded")));
    assert_eq!(refused.header("retry-after"), Some("60"));

    app.clock.advance(Duration::from_mins(1));
    assert_eq!(send(&app, &path, group).await.status, 202);
    assert_eq!(send(&app, "/v2/enqueue", event).await.status, 202);
    app.stop().await;
}

#[tokio::test]
async fn a_limit_that_is_none_is_refused() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (id, _) = limited(&app, &world, "GENERIC", 3).await;
    for wrong in [-1, 0, 60_000_001] {
        let input = json!({ "integrationId": id, "rateLimitPerMinute": wrong });
        let payload = app.administer("updateIntegration", "integration { id }", input).await;
        assert_eq!(payload["rejection"]["field"], "rateLimitPerMinute", "{wrong}");
    }
    assert_eq!(seen(&app, &id).await["perMinute"], 3);
    app.stop().await;
}
