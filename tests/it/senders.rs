//! The tools of others, from their message to the page and the delivery log.

use serde_json::{Value, json};

use crate::support::{TestApp, World};

/// An entrance with everything that may be said of one.
async fn entrance(app: &TestApp, world: &World, kind: &str, more: Value) -> Value {
    let query = "mutation($input: CreateIntegrationInput!) { createIntegration(input: $input) {
        integration { id } key url signingSecret rejection { code message field } } }";
    let mut input = json!({ "name": kind, "kind": kind, "serviceId": world.service });
    input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let payload = app.query(query, json!({ "input": input })).await["createIntegration"].take();
    assert_eq!(payload["rejection"], Value::Null);
    payload
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// What came through an entrance, newest first.
async fn log(app: &TestApp, entrance: &Value) -> Vec<Value> {
    let query = "query($id: ID!) { deliveries(integrationId: $id, first: 50) { nodes {
        verdict reason proof lateBySeconds format incident { id status } } } }";
    let mut data = app.query(query, json!({ "id": entrance["integration"]["id"] })).await;
    data["deliveries"]["nodes"].as_array_mut().map(std::mem::take).expect("a list")
}

fn path(entrance: &Value) -> String {
    let url = text(&entrance["url"]);
    url[url.find("/hooks/").expect("a path")..].to_owned()
}

#[tokio::test]
async fn opsgenies_clients_create_take_note_and_close() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let made = entrance(&app, &world, "OPSGENIE", json!({})).await;
    let key = format!("GenieKey {}", text(&made["key"]));
    let call = |method: &'static str, path: String, body: Value| {
        let (app, key) = (&app, key.as_str());
        async move {
            let headers = [("authorization", key), ("content-type", "application/json")];
            let (status, answer) = app.call(method, &path, &headers, body.to_string()).await;
            let answer: Value = serde_json::from_str(&answer).expect("it is JSON");
            app.settle().await;
            (status, answer)
        }
    };
    let (status, created) = call(
        "POST",
        "/v2/alerts".into(),
        json!({ "message": "Disk full", "alias": "disk", "priority": "P2" }),
    )
    .await;
    assert_eq!((status, &created["result"]), (202, &json!("Request will be processed")));
    let request = format!("/v2/alerts/requests/{}", text(&created["requestId"]));
    let (status, fate) = call("GET", request, json!({})).await;
    assert_eq!(status, 200, "{fate}");
    let fate = &fate["data"];
    assert_eq!(
        (&fate["isSuccess"], &fate["action"], &fate["alias"]),
        (&json!(true), &json!("Create"), &json!("disk"))
    );
    let alert = text(&fate["alertId"]).to_owned();

    for (method, path, body) in [
        ("POST", format!("/v2/alerts/{alert}/notes"), json!({ "note": "looking" })),
        ("POST", format!("/v2/alerts/{alert}/acknowledge"), json!({})),
        ("PUT", "/v2/alerts/disk/priority?identifierType=alias".into(), json!({ "priority": "P1" })),
        ("POST", "/v2/alerts/disk/unacknowledge?identifierType=alias".into(), json!({})),
        (
            "POST",
            "/v2/alerts/disk/snooze?identifierType=alias".into(),
            json!({ "endTime": "2026-11-24T04:00:00Z" }),
        ),
        ("POST", "/v2/alerts/disk/tags?identifierType=alias".into(), json!({ "tags": ["a"] })),
        ("POST", format!("/v2/alerts/{alert}/close"), json!({ "note": "done" })),
    ] {
        assert_eq!(call(method, path.clone(), body).await.0, 202, "{path}");
    }
    let incidents = app.incidents().await;
    assert_eq!(incidents.len(), 1);
    assert_eq!(
        (&incidents[0]["status"], &incidents[0]["severity"]),
        (&json!("RESOLVED"), &json!("CRITICAL"))
    );
    let verdicts: Vec<_> =
        log(&app, &made).await.iter().map(|one| text(&one["verdict"]).to_owned()).collect();
    assert_eq!(
        verdicts,
        ["RESOLVED", "RECORDED", "SNOOZED", "RECORDED", "JOINED", "ACKNOWLEDGED", "RECORDED", "OPENED"]
    );
    let (_, late) = call("POST", "/v2/alerts/disk/close?identifierType=alias".into(), json!({})).await;
    let (_, fate) = call("GET", format!("/v2/alerts/requests/{}", text(&late["requestId"])), json!({})).await;
    assert_eq!(
        (&fate["data"]["isSuccess"], &fate["data"]["alias"]),
        (&json!(false), &json!("disk")),
        "{fate}"
    );
    app.stop().await;
}

#[tokio::test]
async fn opsgenies_clients_snooze_until_a_time_and_are_told_what_became_of_it() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let made = entrance(&app, &world, "OPSGENIE", json!({})).await;
    let key = format!("GenieKey {}", text(&made["key"]));
    let call = async |method: &str, path: &str, body: Value| -> Value {
        let (_, answer) = app.call(method, path, &[("authorization", &key)], body.to_string()).await;
        app.settle().await;
        serde_json::from_str(&answer).expect("it is JSON")
    };
    call("POST", "/v2/alerts", json!({ "message": "Disk full", "alias": "disk" })).await;
    for (end, success, status) in [
        (
            "2026-11-24T02:59:59Z",
            false,
            "until must be in the future, not 2026-11-24T02:59:59.000Z (INVALID)",
        ),
        (
            "2026-12-01T03:00:01Z",
            false,
            "until must be at most 7 days ahead, which is 2026-12-01T03:00:00.000Z (INVALID)",
        ),
        ("2026-11-24T04:00:00Z", true, "Snoozed alert"),
        ("2026-11-24T04:00:00Z", false, "the incident is in that state already"),
    ] {
        let body = json!({ "endTime": end, "user": "ada", "note": "the vendor looks" });
        let asked = call("POST", "/v2/alerts/disk/snooze?identifierType=alias", body).await;
        let path = format!("/v2/alerts/requests/{}", text(&asked["requestId"]));
        let fate = call("GET", &path, json!({})).await["data"].take();
        let told = (&fate["isSuccess"], &fate["status"], &fate["action"], &fate["alias"]);
        assert_eq!(told, (&json!(success), &json!(status), &json!("Snooze"), &json!("disk")), "{end}");
    }
    let query = "query($id: ID!) { incident(id: $id) { status snoozedUntil acknowledgedBy { kind } } }";
    let incident = text(&app.incidents().await[0]["id"]).to_owned();
    let seen = app.query(query, json!({ "id": incident })).await;
    let expected = json!({ "status": "ACKNOWLEDGED", "snoozedUntil": "2026-11-24T04:00:00.000Z",
        "acknowledgedBy": { "kind": "INTEGRATION" } });
    assert_eq!(seen["incident"], expected);
    let query =
        "query($id: ID!) { deliveries(integrationId: $id, filter: { verdicts: [SNOOZED] }, first: 5) {
        nodes { id decisions { verdict incident { id } alert { details } } } } }";
    let mut log = app.query(query, json!({ "id": made["integration"]["id"] })).await;
    let delivery = log["deliveries"]["nodes"][0]["id"].take();
    let decision = json!({ "verdict": "SNOOZED", "incident": { "id": incident },
        "alert": { "details": "note: the vendor looks\nuser: ada" } });
    assert_eq!(log["deliveries"]["nodes"], json!([{ "id": null, "decisions": [decision] }]));
    app.advance_minutes(59).await;
    assert_eq!(app.outbox.sent().len(), 1);
    app.advance_minutes(1).await;
    assert_eq!(app.outbox.sent_to("first@example.org").len(), 2);
    let again = json!({ "integrationId": made["integration"]["id"], "deliveryIds": [delivery] });
    app.administer("replayDeliveries", "position", again).await;
    app.settle().await;
    let query = "query($id: ID!) { delivery(id: $id) { verdict reason } }";
    let replayed = app.query(query, json!({ "id": delivery })).await;
    let known = json!({ "verdict": "IGNORED", "reason": "the incident knows this delivery already" });
    assert_eq!(replayed["delivery"], known);
    app.stop().await;
}

#[tokio::test]
async fn a_priority_of_opsgenies_that_is_worse_than_ever_pages_the_same_level_again() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let made = entrance(&app, &world, "OPSGENIE", json!({})).await;
    let key = format!("GenieKey {}", text(&made["key"]));
    let call = async |method: &str, path: &str, body: Value| {
        let (status, _) = app.call(method, path, &[("authorization", &key)], body.to_string()).await;
        app.settle().await;
        (status, app.outbox.sent_to("second@example.org").len())
    };
    let opening = json!({ "message": "Disk full", "alias": "disk", "priority": "P3" });
    assert_eq!(call("POST", "/v2/alerts", opening).await, (202, 0));
    app.advance_minutes(5).await;
    for (priority, pages) in [("P4", 1), ("P2", 2), ("P1", 3), ("P1", 3)] {
        let path = "/v2/alerts/disk/priority?identifierType=alias";
        assert_eq!(call("PUT", path, json!({ "priority": priority })).await, (202, pages), "{priority}");
    }
    let incident = text(&app.incidents().await[0]["id"]).to_owned();
    let seen = app.incident(&incident).await;
    let told = seen["timeline"]["nodes"].as_array().expect("a timeline");
    let again = "Level 2: second to be paged because it is worse than before";
    assert!(told.iter().any(|entry| entry["message"] == again), "{told:?}");
    app.stop().await;
}

#[tokio::test]
async fn a_worse_priority_ends_a_snooze_also_where_only_the_administrators_are_left_to_page() {
    let app = TestApp::start().await;
    app.create_user("boss", "ADMINISTRATOR").await;
    let orphan = json!({ "name": "orphan" });
    let service = app.create("createService", "service", "CreateServiceInput", orphan).await;
    let input = json!({ "name": "Opsgenie", "kind": "OPSGENIE", "serviceId": service });
    let key = format!("GenieKey {}", text(&app.administer("createIntegration", "key", input).await["key"]));
    let call = async |method: &str, path: &str, body: Value| {
        let (status, _) = app.call(method, path, &[("authorization", &key)], body.to_string()).await;
        app.settle().await;
        (status, app.outbox.sent_to("boss@example.org").len())
    };
    let opening = json!({ "message": "Disk full", "alias": "disk", "priority": "P3" });
    assert_eq!(call("POST", "/v2/alerts", opening).await, (202, 1));
    let incident = text(&app.incidents().await[0]["id"]).to_owned();
    app.act("snoozeIncident", json!({ "until": "2026-11-24T06:00:00Z" }), &incident).await;
    let path = "/v2/alerts/disk/priority?identifierType=alias";
    assert_eq!(call("PUT", path, json!({ "priority": "P1" })).await, (202, 2));
    app.stop().await;
}

#[tokio::test]
async fn a_key_reaches_the_incidents_of_its_own_service_only() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (_, generic) = app.create_integration("GENERIC", &world.service).await;
    app.post(&format!("/hooks/generic/{generic}"), r#"{"title":"mine","dedup_key":"mine"}"#).await;
    app.settle().await;
    let levels = json!([{ "targets": [{ "userId": world.boss }], "timeoutSeconds": 300 }]);
    let policy = app.create_policy("Other", levels, 0);
    let other = World { service: app.create_service("other", &policy.await).await, ..world };
    let made = entrance(&app, &other, "OPSGENIE", json!({})).await;
    let id = text(&app.incidents().await[0]["id"]).trim_start_matches("inc_").to_owned();
    let key = format!("GenieKey {}", text(&made["key"]));
    let close = format!("/v2/alerts/{id}/close");
    let (status, _) = app.call("POST", &close, &[("authorization", &key)], String::new()).await;
    assert_eq!(status, 202);
    app.settle().await;
    assert_eq!(app.incidents().await[0]["status"], "TRIGGERED");
    assert_eq!(log(&app, &made).await[0]["verdict"], "IGNORED");
    app.stop().await;
}

#[tokio::test]
async fn each_alert_of_a_group_is_an_incident_where_that_was_asked_for() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let made = entrance(&app, &world, "ALERTMANAGER", json!({ "reading": { "identity": "ALERT" } })).await;
    let group = |second: &str| {
        let alert = |fingerprint: &str, status: &str| json!({ "status": status, "fingerprint": fingerprint, "labels": { "alertname": fingerprint } });
        json!({ "version": "4", "groupKey": "g", "status": "firing",
            "alerts": [alert("one", "firing"), alert("two", second)] })
        .to_string()
    };
    for second in ["firing", "resolved", "resolved"] {
        assert_eq!(app.post(&path(&made), group(second)).await.0, 202);
        app.settle().await;
    }
    let mut told: Vec<_> = app
        .incidents()
        .await
        .iter()
        .map(|one| (text(&one["title"]).to_owned(), text(&one["status"]).to_owned()))
        .collect();
    told.sort();
    let pair = |title: &str, status: &str| (title.to_owned(), status.to_owned());
    assert_eq!(told, [pair("one", "TRIGGERED"), pair("two", "RESOLVED")]);
    app.stop().await;
}

#[tokio::test]
async fn a_change_is_recorded_and_pages_nobody() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let made = entrance(&app, &world, "PAGERDUTY", json!({})).await;
    let change =
        json!({ "routing_key": made["key"], "payload": { "summary": "deploy 4.2", "source": "ci" } });
    let (status, answer) = app.post("/v2/change/enqueue", change.to_string()).await;
    assert_eq!(status, 202, "{answer}");
    app.settle().await;
    let log = log(&app, &made).await;
    assert_eq!(
        (&log[0]["verdict"], &log[0]["reason"]),
        (&json!("RECORDED"), &json!("recorded as a change: deploy 4.2"))
    );
    assert!(app.incidents().await.is_empty() && app.outbox.sent().is_empty());
    app.stop().await;
}

#[tokio::test]
async fn a_monitor_of_datadog_opens_worsens_and_recovers() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let header = json!({ "verification": { "header": { "name": "X-Midwatch-Secret" } } });
    let made = entrance(&app, &world, "DATADOG", header).await;
    let secret = text(&made["signingSecret"]);
    let send = |transition: &'static str, priority: &'static str, secret: String| {
        let body = json!({ "v": 1, "alert_id": "1", "cycle": "c1", "transition": transition, "priority": priority,
            "type": "error", "title": "Disk", "event_id": transition, "updated_ms": priority });
        let (app, path) = (&app, path(&made));
        async move {
            let headers = [("x-midwatch-secret", secret.as_str())];
            let (status, _) = app.call("POST", &path, &headers, body.to_string()).await;
            app.settle().await;
            status
        }
    };
    for (transition, priority) in [
        ("Triggered", "P3"),
        ("Triggered", "P3"),
        ("Re-Triggered", "P1"),
        ("Muted", "P1"),
        ("Recovered", "P1"),
    ] {
        assert_eq!(send(transition, priority, secret.to_owned()).await, 202);
    }
    assert_eq!(send("Triggered", "P4", "a guess".to_owned()).await, 401);
    let incidents = app.incidents().await;
    assert_eq!(incidents.len(), 1);
    let told = (&incidents[0]["status"], &incidents[0]["severity"], &incidents[0]["alertCount"]);
    assert_eq!(told, (&json!("RESOLVED"), &json!("CRITICAL"), &json!(2)), "a repeated message counts once");
    let log = log(&app, &made).await;
    assert_eq!((log.len(), &log[0]["proof"], &log[1]["verdict"]), (4, &json!("TOKEN"), &json!("RECORDED")));
    let query = "query($id: ID!) { integration(id: $id) { refusals { count lastReason } } }";
    let refusals = app.query(query, json!({ "id": made["integration"]["id"] })).await;
    assert_eq!(refusals["integration"]["refusals"]["count"], 1, "{refusals}");
    app.stop().await;
}

#[tokio::test]
async fn an_earlier_word_that_comes_late_changes_nothing() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let made = entrance(&app, &world, "DATADOG", json!({})).await;
    for (transition, updated, status) in [
        ("Triggered", 1_795_489_200_000_i64, "TRIGGERED"),
        ("Triggered", 1_795_489_500_000, "TRIGGERED"),
        ("Recovered", 1_795_489_400_000, "TRIGGERED"),
        ("Recovered", 1_795_489_600_000, "RESOLVED"),
        ("Triggered", 1_795_489_300_000, "RESOLVED"),
    ] {
        let body = json!({ "cycle": "c1", "transition": transition, "title": "Disk", "updated_ms": updated });
        assert_eq!(app.post(&path(&made), body.to_string()).await.0, 202);
        app.settle().await;
        assert_eq!(app.incidents().await[0]["status"], status, "{transition} {updated}");
    }
    assert_eq!(app.incidents().await.len(), 1);
    let verdicts: Vec<_> =
        log(&app, &made).await.iter().map(|one| text(&one["verdict"]).to_owned()).collect();
    assert_eq!(verdicts, ["IGNORED", "RESOLVED", "IGNORED", "JOINED", "OPENED"]);
    app.stop().await;
}

#[tokio::test]
async fn a_late_message_pages_and_says_that_it_is_late() {
    use hmac::{Hmac, Mac};
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let signed = json!({ "verification": { "preset": "GRAFANA_WITH_TIME" }, "secret": "grafana-secret" });
    let made = entrance(&app, &world, "GRAFANA", signed).await;
    let body = r#"{"title":"Disk full"}"#;
    // The clock of the test stands at 2026-11-24T03:00:00Z.
    let at = (1_795_489_200 - 3600).to_string();
    let mac = Hmac::<sha2::Sha256>::new_from_slice(b"grafana-secret").expect("a key");
    let tag = mac.chain_update(format!("{at}:{body}")).finalize().into_bytes();
    let signature = tag.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let headers =
        [("x-grafana-alerting-signature", signature.as_str()), ("x-grafana-alerting-timestamp", at.as_str())];
    assert_eq!(app.call("POST", &path(&made), &headers, body.to_owned()).await.0, 202);
    app.settle().await;
    let log = log(&app, &made).await;
    assert_eq!((&log[0]["lateBySeconds"], &log[0]["verdict"]), (&json!(3600), &json!("OPENED")));
    assert_eq!(app.outbox.sent().len(), 1);
    app.stop().await;
}
