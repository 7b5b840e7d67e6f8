//! Sentry.

use super::*;

fn envelope(resource: Option<&str>) -> Envelope {
    Envelope { topic: resource.map(str::to_owned), ..Envelope::default() }
}

fn sentry(resource: Option<&str>, body: &Value) -> Translated {
    let meaning = meaning(IntegrationKind::Sentry, &envelope(resource), body);
    let [alert] = meaning.alerts() else { panic!("{meaning:?}") };
    alert.clone()
}

#[test]
fn a_rule_opens_the_incident_of_an_issue_and_the_issue_resolves_it() {
    let body = fixture_json("sentry_event_alert");
    let opened = sentry(Some("event_alert"), &body);
    assert_eq!((opened.action, opened.severity), (AlertAction::Trigger, Severity::High));
    assert_eq!((&*opened.key, &*opened.title), ("issue:1170820242", "ReferenceError: heck is not defined"));
    assert_eq!(sentry(None, &body), opened, "the body says what it is, too");
    let details = opened.details.expect("details");
    assert!(details.contains("tags: browser=Chrome 75.0.3770, level=error"), "{details}");
    let over = sentry(Some("issue"), &fixture_json("sentry_issue_resolved"));
    assert_eq!((over.action, over.key), (AlertAction::Resolve, opened.key.clone()));
    let mut linked = body;
    linked["data"]["event"]["issue_id"] = json!(null);
    assert_eq!(sentry(Some("event_alert"), &linked).key, opened.key, "the id is in the link");
}

#[test]
fn what_becomes_of_an_issue_is_followed() {
    let body = |action: &str| {
        let mut body = fixture_json("sentry_issue_resolved");
        body["action"] = json!(action);
        body
    };
    assert_eq!(sentry(Some("issue"), &body("unresolved")).action, AlertAction::Trigger);
    for action in ["created", "assigned", "ignored", "archived"] {
        let reason = recorded(meaning(IntegrationKind::Sentry, &envelope(Some("issue")), &body(action)));
        assert_eq!(reason, format!("the issue was {action}"));
    }
    let reading = Reading { archived_is_over: true, ..Reading::default() };
    let envelope = Envelope { reading, ..envelope(Some("issue")) };
    for action in ["ignored", "archived"] {
        let meaning = meaning(IntegrationKind::Sentry, &envelope, &body(action));
        assert_eq!(meaning.alerts()[0].action, AlertAction::Resolve, "{action}");
    }
}

#[test]
fn a_metric_alert_opens_worsens_and_resolves() {
    let mut body = fixture_json("sentry_metric_alert");
    let opened = sentry(Some("metric_alert"), &body);
    assert_eq!((&*opened.key, opened.severity), ("metric:4", Severity::Critical));
    assert_eq!((&*opened.title, opened.source.as_deref()), ("Critical: Too many errors", Some("backend")));
    body["action"] = json!("warning");
    assert_eq!(sentry(Some("metric_alert"), &body).severity, Severity::Medium);
    body["action"] = json!("resolved");
    let over = sentry(Some("metric_alert"), &body);
    assert_eq!((over.action, over.key), (AlertAction::Resolve, opened.key));
}

#[test]
fn a_comment_is_written_down_and_the_rest_is_recorded() {
    let body = json!({"action": "created", "data": {"issue_id": 7, "comment": "looking into it"}});
    let note = sentry(Some("comment"), &body);
    assert_eq!((note.action, &*note.key), (AlertAction::Note, "issue:7"));
    assert_eq!(note.details.as_deref(), Some("looking into it"));
    for resource in ["installation", "error", "something_new"] {
        let body = json!({"action": "created", "data": {"x": 1}});
        let reason = recorded(meaning(IntegrationKind::Sentry, &envelope(Some(resource)), &body));
        assert_eq!(reason, format!("{resource} created"));
    }
}

#[test]
fn a_message_without_its_subject_names_the_place() {
    for (resource, place) in [
        ("event_alert", "/data/event/issue_id"),
        ("issue", "/data/issue/id"),
        ("metric_alert", "/data/metric_alert/id"),
    ] {
        let body = json!({"action": "resolved", "data": {"x": 1}}).to_string();
        let envelope = envelope(Some(resource));
        let why =
            translate(IntegrationKind::Sentry, &envelope, body.as_bytes(), DELIVERY).expect_err("refused");
        assert_eq!(why.problems()[0].pointer, place);
    }
}
