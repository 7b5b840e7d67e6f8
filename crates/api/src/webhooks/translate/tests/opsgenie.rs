//! Opsgenie's Alert API.

use super::{super::opsgenie::Call, *};

fn envelope(call: &str) -> Envelope {
    Envelope { call: Some(call.to_owned()), ..Envelope::default() }
}

fn opsgenie(call: &str, body: &Value) -> Translated {
    let meaning = meaning(IntegrationKind::Opsgenie, &envelope(call), body);
    let [alert] = meaning.alerts() else { panic!("{meaning:?}") };
    alert.clone()
}

fn at(text: &str) -> domain::Timestamp {
    text.parse().expect("a time")
}

fn place(call: &str, body: &str) -> String {
    let why = translate(IntegrationKind::Opsgenie, &envelope(call), body.as_bytes(), DELIVERY);
    why.expect_err("it is refused").problems().remove(0).pointer
}

const ALIAS: &str = "af8d525641afa39aabaf3d33736aaf1160ead4a5d4004fdd07148b9643d6be3d";

#[test]
fn what_alertmanager_asks_of_opsgenie_is_understood() {
    let opened = opsgenie("POST /v2/alerts", &fixture_json("opsgenie_create"));
    assert_eq!((opened.action, &*opened.key), (AlertAction::Trigger, ALIAS));
    assert_eq!(opened.title, "[FIRING:2] DiskWarn lab (127.0.0.1:9201 demo warning infra)");
    assert_eq!((opened.severity, opened.unknown_severity), (Severity::Critical, None));
    let details = opened.details.expect("details");
    assert!(details.contains("tags: a, b") && details.contains("responders: payments"), "{details}");
    let path = format!("/v2/alerts/{ALIAS}");
    let over = opsgenie(&format!("POST {path}/close?identifierType=alias"), &fixture_json("opsgenie_close"));
    assert_eq!((over.action, &*over.key), (AlertAction::Resolve, ALIAS));
    let message = opsgenie(
        &format!("PUT {path}/message?identifierType=alias"),
        &fixture_json("opsgenie_update_message"),
    );
    assert_eq!(
        (message.action, &*message.key, message.severity),
        (AlertAction::Update, ALIAS, Severity::Info)
    );
    let description = opsgenie(
        &format!("PUT {path}/description?identifierType=alias"),
        &fixture_json("opsgenie_update_description"),
    );
    assert!(description.details.is_some_and(|details| details.starts_with("Alerts Firing:")));
}

#[test]
fn every_call_says_what_is_to_be_done() {
    for (call, body, action) in [
        ("POST /v2/alerts/k/close?identifierType=alias", json!({"note": "done"}), AlertAction::Resolve),
        ("POST /v2/alerts/k/acknowledge?identifierType=alias", json!({}), AlertAction::Acknowledge),
        ("POST /v2/alerts/k/unacknowledge?identifierType=alias", json!({}), AlertAction::Unacknowledge),
        (
            "POST /v2/alerts/k/snooze?identifierType=alias",
            json!({"endTime": "2026-11-24T04:00:00Z"}),
            AlertAction::Snooze { until: at("2026-11-24T04:00:00Z") },
        ),
        ("POST /v2/alerts/k/notes?identifierType=alias", json!({"note": "looking"}), AlertAction::Note),
        ("POST /v2/alerts/k/tags?identifierType=alias", json!({"tags": ["a", "b"]}), AlertAction::Note),
        ("POST /v2/alerts/k/details?identifierType=alias", json!({"details": {"a": "b"}}), AlertAction::Note),
        ("DELETE /v2/alerts/k/tags?identifierType=alias&tags=a,b", json!({}), AlertAction::Note),
        (
            "POST /v2/alerts/k/assign?identifierType=alias",
            json!({"owner": {"username": "ada"}}),
            AlertAction::Note,
        ),
        (
            "POST /v2/alerts/k/escalate?identifierType=alias",
            json!({"escalation": {"name": "x"}}),
            AlertAction::Note,
        ),
        ("POST /v2/alerts/k/teams?identifierType=alias", json!({"team": {"name": "x"}}), AlertAction::Note),
        ("PUT /v2/alerts/k/priority?identifierType=alias", json!({"priority": "P1"}), AlertAction::Update),
        ("DELETE /v2/alerts/k?identifierType=alias", json!({}), AlertAction::Resolve),
    ] {
        let said = opsgenie(call, &body);
        assert_eq!((said.action, &*said.key), (action, "k"), "{call}");
        fits(&said);
    }
    let snooze = opsgenie(
        "POST /v2/alerts/k/snooze",
        &json!({"endTime": "2026-11-24T05:00:00+01:00", "user": "ada", "note": "the vendor looks"}),
    );
    assert_eq!(snooze.action, AlertAction::Snooze { until: at("2026-11-24T04:00:00Z") });
    assert_eq!(snooze.details.as_deref(), Some("note: the vendor looks\nuser: ada"));
    let worse = opsgenie("PUT /v2/alerts/k/priority", &json!({"priority": "P1"}));
    assert_eq!(worse.severity, Severity::Critical);
    let note = opsgenie("POST /v2/alerts/k/notes", &json!({"note": "looking"}));
    assert_eq!(note.details.as_deref(), Some("looking"));
}

#[test]
fn an_alert_is_named_by_its_alias_or_by_the_id_that_it_was_given() {
    let id = Uuid::from_u128(7);
    let named = opsgenie(&format!("POST /v2/alerts/{id}/close"), &json!({}));
    assert_eq!(named.incident.map(domain::IncidentId::uuid), Some(id));
    let alias = opsgenie(&format!("POST /v2/alerts/{id}/close?identifierType=alias"), &json!({}));
    assert_eq!(alias.incident, None);
    let forgot = opsgenie("POST /v2/alerts/disk/close", &json!({}));
    assert_eq!((&*forgot.key, forgot.incident), ("disk", None));
    let escaped = opsgenie("POST /v2/alerts/disk%2Fdb%201+%3D/close?identifierType=alias", &json!({}));
    assert_eq!(escaped.key, "disk/db 1+=");
    let custom = opsgenie("POST /v2/alerts/a&b/actions/Restart%20db1/now?identifierType=alias", &json!({}));
    assert_eq!(
        (&*custom.key, custom.details.as_deref()),
        ("a&b", Some("asked for the custom action Restart db1/now"))
    );
    let fresh = opsgenie("POST /v2/alerts", &json!({"message": "Disk full"}));
    assert_eq!((fresh.key.len(), fresh.severity), (32, Severity::Medium), "P3 unless it says otherwise");
}

#[test]
fn an_alias_is_the_same_in_a_body_and_in_a_path() {
    for (alias, path) in [
        ("disk&db", "disk&db"),
        ("disk&db", "disk%26db"),
        ("a=b&c=d+e;f", "a=b&c=d+e;f"),
        ("=", "="),
        (" disk ", "%20disk%20"),
        ("disk", "%20disk%09"),
        ("\u{a0}disk", "%C2%A0disk"),
        ("größe 100%", "gr%C3%B6%C3%9Fe%20100%25"),
        ("100%", "100%"),
    ] {
        let opened = opsgenie("POST /v2/alerts", &json!({"message": "Disk full", "alias": alias}));
        let over = opsgenie(&format!("POST /v2/alerts/{path}/close?identifierType=alias"), &json!({}));
        assert_eq!(over.key, opened.key, "{path}");
    }
}

#[test]
fn a_call_that_deletes_says_in_its_query_who_asked() {
    let asked = "identifierType=alias&user=ada&source=the%20console&note=moved+away";
    for (call, details) in [
        (format!("DELETE /v2/alerts/k?{asked}"), "the alert was deleted"),
        (format!("DELETE /v2/alerts/k/tags?tags=a,b&{asked}"), "tags removed: a,b"),
        (format!("DELETE /v2/alerts/k/details?keys=a&{asked}"), "details removed: a"),
    ] {
        let said = opsgenie(&call, &json!({}));
        let expected = format!("{details}\n\nuser: ada\nsource: the console\nnote: moved away");
        assert_eq!(said.details, Some(expected), "{call}");
    }
    let body = json!({"user": "grace"});
    let closed = opsgenie("POST /v2/alerts/k/close?identifierType=alias&user=ada", &body);
    assert_eq!(closed.details.as_deref(), Some("user: grace"), "what the body says counts");
    let nobody = opsgenie("DELETE /v2/alerts/k?identifierType=alias&user=", &json!({}));
    assert_eq!(nobody.details.as_deref(), Some("the alert was deleted"));
}

#[test]
fn an_empty_body_is_no_body() {
    let call = envelope("POST /v2/alerts/k/acknowledge?identifierType=alias");
    for body in ["", " \n"] {
        let meaning =
            translate(IntegrationKind::Opsgenie, &call, body.as_bytes(), DELIVERY).expect("understood");
        assert_eq!(meaning.alerts()[0].action, AlertAction::Acknowledge);
    }
}

#[test]
fn what_is_wrong_names_its_place() {
    assert_eq!(place("POST /v2/alerts", "{}"), "/message");
    assert_eq!(place("POST /v2/alerts", ""), "/message");
    assert_eq!(place("POST /v2/alerts", r#"{"message":" "}"#), "/message");
    assert_eq!(place("POST /v2/alerts", "[]"), "");
    assert_eq!(place("POST /v2/alerts", "nonsense"), "");
    assert_eq!(place("POST /v2/alerts/k/notes", "{}"), "/note");
    assert_eq!(place("POST /v2/alerts/k/snooze", "{}"), "/endTime");
    assert_eq!(place("POST /v2/alerts/k/snooze", r#"{"endTime":"soon"}"#), "/endTime");
    assert_eq!(place("POST /v2/alerts/k/close?identifierType=tiny", "{}"), "/identifierType");
    assert_eq!(place("POST /v2/alerts/k/close?identifierType=x", "{}"), "/identifierType");
    assert_eq!(place("POST /v2/alerts/%20/close?identifierType=alias", "{}"), "/identifier");
}

#[test]
fn there_are_no_other_calls() {
    for call in [
        "GET /v2/alerts",
        "GET /v2/alerts/k",
        "POST /v2/alerts/k",
        "POST /v2/alerts/k/dance",
        "PUT /v2/alerts/k/close",
        "POST /v2/alerts/k/close/now",
        "POST /v2/heartbeats",
        "",
    ] {
        assert_eq!(Call::parse(call), None, "{call}");
    }
}

proptest! {
    #[test]
    fn arbitrary_calls_never_panic(path in "\\PC{0,60}", method in "(GET|POST|PUT|DELETE)", body in mangled()) {
        let call = envelope(&format!("{method} /v2/alerts/{path}"));
        let _ = translate(IntegrationKind::Opsgenie, &call, body.to_string().as_bytes(), DELIVERY);
    }
}
