//! Datadog.

use super::*;

fn datadog(body: &Value) -> Translated {
    one(IntegrationKind::Datadog, body.to_string().as_bytes())
}

fn with(name: &str, value: Value) -> Value {
    let mut body = fixture_json("datadog_triggered");
    body[name] = value;
    body
}

#[test]
fn the_cycle_ties_a_trigger_to_its_recovery() {
    let opened = datadog(&fixture_json("datadog_triggered"));
    assert_eq!((opened.action, opened.severity), (AlertAction::Trigger, Severity::Critical));
    assert_eq!((&*opened.key, opened.source.as_deref()), ("8123456789012345678", Some("db1")));
    assert_eq!(opened.title, "[P1] [Triggered on {host:db1}] Disk is full");
    assert_eq!(opened.at.map(domain::Timestamp::millis), Some(1_795_489_201_000));
    let details = opened.details.expect("details");
    assert!(details.contains("tags: env:prod,host:db1,url:https://x:8080"), "{details}");
    assert_eq!((opened.links.len(), opened.images.len()), (1, 1));
    assert_eq!(opened.labels.get("env").map(String::as_str), Some("prod"));
    let over = datadog(&fixture_json("datadog_recovered"));
    assert_eq!((over.action, over.key), (AlertAction::Resolve, opened.key));
}

#[test]
fn a_variable_that_was_not_filled_in_is_absent() {
    let alert = datadog(&fixture_json("datadog_unfilled"));
    assert!(alert.key.starts_with("monitor:"), "{}", alert.key);
    assert_eq!((alert.severity, alert.unknown_severity), (Severity::High, None), "by its type");
    assert_eq!((alert.source.as_deref(), alert.links.len()), (Some("host:db1"), 1));
    let mut recovered = fixture_json("datadog_recovered");
    recovered["cycle"] = json!("$ALERT_CYCLE_KEY");
    assert_eq!(datadog(&recovered).key, alert.key);
    let all = json!({"alert_id": "$ALERT_ID", "cycle": "$ALERT_CYCLE_KEY", "title": "$EVENT_TITLE"});
    assert_eq!(refused(IntegrationKind::Datadog, &all).problems()[0].pointer, "/title");
    assert_eq!(datadog(&with("cycle", json!("$5 a day"))).key, "$5 a day", "no variable looks like that");
}

#[test]
fn a_time_that_was_not_filled_in_hides_none_that_was() {
    let at = |body: &Value| datadog(body).at.map(domain::Timestamp::millis);
    let mut body = with("updated_ms", json!("$LAST_UPDATED"));
    body["date_ms"] = json!("1795489207000");
    assert_eq!(at(&body), Some(1_795_489_207_000));
    body["date_ms"] = json!("$DATE");
    assert_eq!(at(&body), None);
    body["date"] = json!(1_795_489_208);
    assert_eq!(at(&body), Some(1_795_489_208_000));
}

#[test]
fn every_transition_means_what_it_says() {
    for word in
        ["Triggered", "Re-Triggered", "No Data", "Re-No Data", "Warn", "Re-Warn", "Renotify", "Whatever"]
    {
        let alert = datadog(&with("transition", json!(word)));
        assert_eq!(alert.action, AlertAction::Trigger, "{word}");
        assert!(alert.details.is_some_and(|details| details.contains(word)), "{word}");
    }
    assert_eq!(datadog(&with("transition", json!("Recovered"))).action, AlertAction::Resolve);
    let muted = with("transition", json!("Muted"));
    assert_eq!(
        recorded(meaning(IntegrationKind::Datadog, &Envelope::default(), &muted)),
        "the monitor is muted"
    );
    let mut silent = with("transition", json!("$ALERT_TRANSITION"));
    assert_eq!(datadog(&silent).action, AlertAction::Trigger);
    silent["type"] = json!("success");
    assert_eq!(datadog(&silent).action, AlertAction::Resolve);
}

#[test]
fn priorities_and_types_are_severities() {
    for (word, severity) in [
        ("P1", Severity::Critical),
        ("P2", Severity::High),
        ("p3", Severity::Medium),
        ("P4", Severity::Info),
        ("P5", Severity::Info),
        ("normal", Severity::High),
        ("dire", Severity::High),
    ] {
        let alert = datadog(&with("priority", json!(word)));
        assert_eq!((alert.severity, alert.unknown_severity), (severity, None), "{word}");
    }
    let mut body = with("priority", json!("dire"));
    body["type"] = json!("user_alert");
    assert_eq!(datadog(&body).unknown_severity.as_deref(), Some("dire"));
}

#[test]
fn templates_of_others_are_read() {
    let body = json!({"alert_id": 12345, "alert_title": "CPU high", "alert_status": "alert", "alert_priority": "P2",
        "event_msg": "CPU is high", "date": 1_795_489_200, "tags": ["service:web", "env:prod"]});
    let alert = datadog(&body);
    assert_eq!((&*alert.title, alert.severity), ("CPU high", Severity::High));
    assert!(alert.details.is_some_and(|details| details.contains("tags: service:web, env:prod")));
    let mut over = body.clone();
    over["alert_status"] = json!("ok");
    assert_eq!((datadog(&over).action, datadog(&over).key), (AlertAction::Resolve, alert.key));
    let by_title = |title: &str| datadog(&json!({"title": title, "transition": "Triggered"})).key;
    assert_eq!(by_title("[P1] [Triggered] Disk"), by_title("[Recovered] Disk"));
}

#[test]
fn the_groups_of_a_monitor_are_told_apart_by_their_scope_however_it_is_called() {
    let keep = |scope: &str, transition: &str| {
        datadog(
            &json!({"body": "CPU is high", "last_updated": "1795489200000", "event_type": "query_alert_monitor",
            "title": "[Triggered] CPU high", "severity": "P2", "alert_type": "error", "alert_query": "avg(last_5m):…",
            "alert_transition": transition, "date": "1795489200000", "scopes": scope, "org": {"id": "1", "name": "x"},
            "url": "https://app.datadoghq.com/event/1", "tags": "env:prod", "id": "7", "monitor_id": "12345"}),
        )
    };
    let one = keep("host:db1", "Triggered");
    assert_ne!(one.key, keep("host:db2", "Triggered").key);
    let over = keep("host:db1", "Recovered");
    assert_eq!((over.action, over.key), (AlertAction::Resolve, one.key));
    assert_eq!(one.source.as_deref(), Some("host:db1"));
    assert!(one.details.is_some_and(|details| details.contains("scope: host:db1")));
    for name in ["scope", "alert_scope", "alertScope", "scopes", "alert_scopes"] {
        let key = |scope: &str| {
            let mut body = json!({"alert_id": "12345", "title": "CPU high"});
            body[name] = json!(scope);
            datadog(&body).key
        };
        assert_ne!(key("host:db1"), key("host:db2"), "{name}");
    }
}

#[test]
fn a_message_is_known_by_event_transition_and_time() {
    let id =
        |body: &Value| super::super::sender_id(IntegrationKind::Datadog, false, body.to_string().as_bytes());
    let one = id(&fixture_json("datadog_triggered"));
    assert!(one.is_some());
    assert_ne!(one, id(&with("updated_ms", json!("1"))));
    assert_ne!(one, id(&with("transition", json!("Renotify"))));
    assert_eq!(id(&with("event_id", json!("$ID"))), None);
}

#[test]
fn a_form_is_read_as_the_same() {
    let fields = fixture_json("datadog_triggered");
    let pairs = fields.as_object().expect("an object").iter();
    let pairs =
        pairs.map(|(name, value)| (name, value.as_str().map_or_else(|| value.to_string(), Into::into)));
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let envelope = Envelope { form: true, ..Envelope::default() };
    let read = translate(IntegrationKind::Datadog, &envelope, form.as_bytes(), DELIVERY).expect("understood");
    assert_eq!(read.alerts()[0], datadog(&fields));
}
