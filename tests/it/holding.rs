//! Pages that wait for time or for more alerts, and what ends the wait: from a message to the page, or to none.

use std::time::Duration;

use serde_json::{Value, json};

use super::rules::{entrance, log, paged, send};
use crate::support::{TestApp, World, text};

fn link(status: &str) -> Value {
    json!({ "title": "link", "dedup_key": "link", "status": status })
}

/// How the problem and its incident stand, the latest first.
async fn stands(app: &TestApp) -> Value {
    let query = "{ alerts(first: 9) { nodes { status occurrences incident { status } } } }";
    app.query(query, json!({})).await["alerts"]["nodes"].take()
}

#[tokio::test]
async fn what_comes_and_goes_pages_when_it_came_often_enough() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let rules = json!({ "routing": { "rules": [{ "name": "flapping", "condition": "alert.title == 'link'",
        "take": { "threshold": { "alerts": 3, "withinSeconds": 600 } } }] } });
    let (id, path) = entrance(&app, &world, rules).await;
    for times in 1..=2 {
        send(&app, &path, link("firing")).await;
        app.advance_minutes(1).await;
        send(&app, &path, link("resolved")).await;
        let gone =
            json!([{ "status": "RESOLVED", "occurrences": times, "incident": { "status": "TRIGGERED" } }]);
        assert_eq!((stands(&app).await, paged(&app)), (gone, 0));
        app.advance_minutes(1).await;
    }
    send(&app, &path, link("resolved")).await;
    send(&app, &path, link("firing")).await;
    let there = json!([{ "status": "OPEN", "occurrences": 3, "incident": { "status": "TRIGGERED" } }]);
    assert_eq!((stands(&app).await, paged(&app)), (there, 1));
    send(&app, &path, link("resolved")).await;
    let over = json!([{ "status": "RESOLVED", "occurrences": 3, "incident": { "status": "RESOLVED" } }]);
    assert_eq!(stands(&app).await, over, "once it pages, its end is the incident's");
    let verdicts: Vec<_> = log(&app, &id).await.iter().rev().map(|one| one["verdict"].clone()).collect();
    assert_eq!(verdicts, ["OPENED", "ENDED", "JOINED", "ENDED", "IGNORED", "JOINED", "RESOLVED"]);
    app.stop().await;
}

#[tokio::test]
async fn what_comes_and_goes_too_seldom_ends_by_itself_and_pages_nobody() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let threshold = json!({ "threshold": { "alerts": 3, "withinSeconds": 600 } });
    let (_, path) = entrance(&app, &world, json!({ "routing": { "catchAll": threshold } })).await;
    for _ in 0..4 {
        send(&app, &path, link("firing")).await;
        send(&app, &path, link("resolved")).await;
        app.advance_minutes(6).await;
    }
    let incident = text(&app.incidents().await[0]["id"]);
    assert_eq!((stands(&app).await[0]["incident"]["status"].clone(), paged(&app)), (json!("TRIGGERED"), 0));
    app.advance_minutes(3).await;
    assert_eq!(app.incidents().await[0]["status"], "TRIGGERED");
    app.advance_minutes(1).await;
    assert_eq!((app.incidents().await.len(), paged(&app)), (1, 0), "it was one incident all the time");
    let seen = app.incident(&incident).await;
    let told = seen["timeline"]["nodes"].as_array().expect("a timeline");
    let why = "there were never 3 alerts within 600 seconds";
    assert!(told.iter().any(|entry| text(&entry["message"]).ends_with(why)), "{told:?}");
    assert!(told.iter().any(|entry| entry["message"] == "“link” is over; its alerts are still counted"));
    app.stop().await;
}

#[tokio::test]
async fn an_alert_that_its_rule_does_not_hold_back_pages_for_an_incident_that_is_held() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let critical = json!({ "name": "critical", "condition": "alert.severity == 'critical'", "take": {} });
    for (held, key) in [
        (json!({ "threshold": { "alerts": 5, "withinSeconds": 600 } }), "counted"),
        (json!({ "suspendSeconds": 600 }), "suspended"),
    ] {
        let rules = json!({ "routing": { "rules": [critical], "catchAll": held } });
        let (id, path) = entrance(&app, &world, rules).await;
        let before = paged(&app);
        let say = |severity: &str| json!({ "title": "disk", "dedup_key": key, "severity": severity });
        send(&app, &path, say("low")).await;
        send(&app, &path, say("high")).await;
        assert_eq!(paged(&app), before, "{key}: its own rule holds it back, however bad it is");
        send(&app, &path, say("critical")).await;
        assert_eq!(paged(&app), before + 1, "{key}");
        let log = log(&app, &id).await;
        assert_eq!(
            (&log[0]["verdict"], &log[0]["incident"]["severity"]),
            (&json!("JOINED"), &json!("CRITICAL"))
        );
        let seen = app.incident(&text(&log[0]["incident"]["id"])).await;
        let told = seen["timeline"]["nodes"].as_array().expect("a timeline");
        let why = "because an alert came that its rule does not hold back";
        assert!(told.iter().any(|entry| text(&entry["message"]).ends_with(why)), "{told:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn silence_counts_from_the_last_alert_whichever_rule_it_has() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let rules = json!({ "routing": {
        "rules": [{ "name": "critical", "condition": "alert.severity == 'critical'", "take": {} }],
        "catchAll": { "resolveAfterSeconds": 600 } } });
    let (_, path) = entrance(&app, &world, rules).await;
    let say = |severity: &str| json!({ "title": "disk", "dedup_key": "disk", "severity": severity });
    send(&app, &path, say("low")).await;
    app.advance(Duration::from_secs(599)).await;
    send(&app, &path, say("critical")).await;
    for _ in 0..2 {
        app.advance(Duration::from_secs(299)).await;
        assert_eq!(app.incidents().await[0]["status"], "TRIGGERED");
    }
    app.advance(Duration::from_secs(2)).await;
    assert_eq!(app.incidents().await[0]["status"], "RESOLVED");
    app.stop().await;
}

#[tokio::test]
async fn what_opsgenies_put_says_changes_that_and_nothing_else() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (id, key) = app.create_integration("OPSGENIE", &world.service).await;
    let handling = json!({ "integrationId": id, "merging": { "title": "LAST", "severity": "LAST", "details": "LAST" },
        "routing": { "rules": [{ "name": "created", "condition": "has(payload.message)",
            "take": { "threshold": { "alerts": 3, "withinSeconds": 600 } } }] } });
    let changed = app.administer("updateIntegrationHandling", "rejection { message }", handling).await;
    assert_eq!(changed["rejection"], Value::Null);
    let key = format!("GenieKey {key}");
    let call = async |method: &str, path: &str, body: Value| {
        let (status, answer) = app.call(method, path, &[("authorization", &key)], body.to_string()).await;
        assert_eq!(status, 202, "{answer}");
        app.settle().await;
    };
    let created = json!({ "message": "Disk full", "alias": "disk", "priority": "P2" });
    call("POST", "/v2/alerts", created.clone()).await;
    let query = "{ incidents { nodes { title severity details } }
        alerts { nodes { title details severity lastSeverity } } }";
    let (mut title, mut details, mut severity) = ("Disk full", Value::Null, "HIGH");
    for (part, said) in [
        ("description", json!({ "description": "the vendor knows" })),
        ("priority", json!({ "priority": "P5" })),
        ("message", json!({ "message": "Disk of db1 full" })),
        ("description", json!({ "description": "the vendor comes" })),
    ] {
        match part {
            "description" => details = said["description"].clone(),
            "priority" => severity = "INFO",
            _ => title = "Disk of db1 full",
        }
        call("PUT", &format!("/v2/alerts/disk/{part}?identifierType=alias"), said).await;
        let shown = app.query(query, json!({})).await;
        let expected = json!({
            "incidents": { "nodes": [{ "title": title, "severity": severity, "details": details }] },
            "alerts": { "nodes": [{ "title": title, "details": details, "severity": "HIGH", "lastSeverity": severity }] },
        });
        assert_eq!(shown, expected, "{part}");
    }
    assert_eq!(paged(&app), 0, "they are no alerts: nothing is counted, and no rule pages for them");
    call("POST", "/v2/alerts", created.clone()).await;
    call("POST", "/v2/alerts", created).await;
    assert_eq!(paged(&app), 1);
    app.stop().await;
}
