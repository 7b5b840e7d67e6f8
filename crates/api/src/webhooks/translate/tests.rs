//! What real senders sent, and what broken ones might.

mod cloud_watch;
mod datadog;
mod email;
mod generic;
mod git_hub;
mod grafana;
mod handling;
mod new_relic;
mod opsgenie;
mod sentry;
mod speed;

use domain::{
    AlertAction, DeliveryId, Meaning, Severity, Translated,
    delivery::{Envelope, Verdict},
    integration::{Identity, IntegrationKind, Reading},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Malformed, routing_key, translate};

const DELIVERY: DeliveryId = DeliveryId::new(Uuid::from_u128(0xabc));
const KINDS: [IntegrationKind; IntegrationKind::ALL.len()] = IntegrationKind::ALL;

fn one(format: IntegrationKind, body: &[u8]) -> Translated {
    let meaning = translate(format, &Envelope::default(), body, DELIVERY).expect("understood");
    let Meaning::Alerts(mut all) = meaning else { panic!("it asks for nothing: {meaning:?}") };
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn generic(body: &Value) -> Translated {
    one(IntegrationKind::Generic, body.to_string().as_bytes())
}

fn alertmanager(body: &Value) -> Translated {
    one(IntegrationKind::Alertmanager, body.to_string().as_bytes())
}

fn pagerduty(body: &Value) -> Translated {
    one(IntegrationKind::PagerDuty, body.to_string().as_bytes())
}

fn refused(format: IntegrationKind, body: &Value) -> Malformed {
    translate(format, &Envelope::default(), body.to_string().as_bytes(), DELIVERY)
        .expect_err("not understood")
}

/// A message that a sender sent, or that was written after its documentation.
fn fixture(name: &str) -> Vec<u8> {
    fixture_file(&format!("{name}.json"))
}

fn fixture_file(name: &str) -> Vec<u8> {
    let path = format!("{}/src/webhooks/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn fixture_json(name: &str) -> Value {
    serde_json::from_slice(&fixture(name)).expect("a fixture is JSON")
}

fn meaning(format: IntegrationKind, envelope: &Envelope, body: &Value) -> Meaning {
    translate(format, envelope, body.to_string().as_bytes(), DELIVERY)
        .unwrap_or_else(|why| panic!("{body}: {why}"))
}

/// The reason for which a message is recorded and nothing else.
fn recorded(meaning: Meaning) -> String {
    let Meaning::Nothing { verdict: Verdict::Recorded, reason } = meaning else { panic!("{meaning:?}") };
    reason
}

#[test]
fn a_firing_group_of_alertmanager_is_one_problem() {
    let alert = one(IntegrationKind::Alertmanager, &fixture("alertmanager_firing"));
    assert_eq!(alert.action, AlertAction::Trigger);
    assert_eq!(alert.key, r#"{}:{alertname="DiskWarn", cluster="lab"}"#);
    assert_eq!(alert.title, "DiskWarn cluster=lab (2 alerts)");
    assert_eq!((alert.severity, alert.unknown_severity), (Severity::Medium, None));
    assert_eq!(alert.source.as_deref(), Some("127.0.0.1:9201"));
    assert_eq!(alert.at.map(|at| at.to_string()).as_deref(), Some("2026-11-23T07:08:58.520Z"));
    let links: Vec<_> = alert.links.iter().map(|link| (&*link.text, &*link.href)).collect();
    assert_eq!(
        links,
        [
            ("Alertmanager", "http://vm:9093"),
            ("Source", "http://vm:9090/graph?g0.expr=demo_disk+%3E+80&g0.tab=1")
        ]
    );
    let details = alert.details.expect("details");
    assert!(details.contains("mount=/srv") && details.contains("  summary: disk /var at 91%"), "{details}");
}

#[test]
fn a_group_fires_while_one_of_its_alerts_does() {
    let alert = one(IntegrationKind::Alertmanager, &fixture("alertmanager_mixed"));
    assert_eq!(alert.action, AlertAction::Trigger);
    assert_eq!(alert.title, "disk /var at 91%");
    assert!(!alert.details.expect("details").contains("/srv"));
}

#[test]
fn a_resolved_group_of_alertmanager_resolves() {
    let alert = one(IntegrationKind::Alertmanager, &fixture("alertmanager_resolved"));
    assert_eq!(alert.action, AlertAction::Resolve);
    assert_eq!(alert.key, r#"{}:{alertname="HighErrorRate", cluster="lab"}"#);
    assert_eq!(alert.title, "Error ratio of 127.0.0.1:9201 is 0.9");
    assert_eq!(alert.severity, Severity::Critical);
    assert_eq!(alert.links[0].href, "https://runbooks.example/high-error-rate");
    assert!(alert.details.expect("details").starts_with("5xx ratio above 50% — see runbook ünïcode ✓"));
}

#[test]
fn a_title_leaves_out_the_labels_that_all_alerts_share_and_keeps_those_that_differ() {
    let alert = json!({"labels": {"alertname": "Disk", "cluster": "lab", "env": "prod", "job": "node", "zone": null}});
    let body = json!({"groupKey": "g", "groupLabels": {"alertname": "Disk", "cluster": "lab"},
        "commonLabels": {"env": "prod", "job": "other"}, "alerts": [alert]});
    assert_eq!(alertmanager(&body).title, "Disk cluster=lab job=node");
    let twice = r#"{"groupKey": "g", "commonLabels": {"env": "a", "env": "b"}, "alerts": [{"labels": {"env": "b", "x": 1}}]}"#;
    assert_eq!(one(IntegrationKind::Alertmanager, twice.as_bytes()).title, "Alertmanager alert x=1");
}

#[test]
fn what_all_alerts_share_is_cut_as_if_it_were_written_out_for_each() {
    let long = |c: &str| c.repeat(20_000);
    let body = json!({"groupKey": "g", "groupLabels": {"x": long("é")},
        "commonAnnotations": {"description": long("ä\r\n")}, "alerts": [{"labels": {"y": "1"}}]});
    let alert = alertmanager(&body);
    assert!(alert.title.starts_with("Alertmanager alert x=éé") && alert.title.ends_with("é…"));
    assert_eq!(alert.title.chars().count(), domain::Alert::MAX_TITLE);
    let details = alert.details.expect("details");
    assert_eq!(details.chars().count(), domain::Alert::MAX_DETAILS);
    assert!(details.starts_with("ä\nä\n") && details.ends_with('…'));
}

#[test]
fn the_worst_alert_of_a_group_counts_when_they_differ() {
    let body = json!({"groupKey": "g", "status": "firing", "alerts": [
        {"status": "firing", "labels": {"severity": "info"}},
        {"status": "resolved", "labels": {"severity": "critical"}},
        {"status": "firing", "labels": {"severity": "error"}}]});
    assert_eq!(alertmanager(&body).severity, Severity::High);
    let body = json!({"groupKey": "g", "status": "firing", "alerts": [{"labels": {"severity": "dire"}}]});
    assert_eq!(alertmanager(&body).unknown_severity.as_deref(), Some("dire"));
}

#[test]
fn a_group_in_doubt_fires() {
    for (body, action) in [
        (json!({"groupKey": "g"}), AlertAction::Trigger),
        (json!({"groupKey": "g", "status": "resolved"}), AlertAction::Resolve),
        (
            json!({"groupKey": "g", "status": "resolved", "alerts": [{"status": "firing"}]}),
            AlertAction::Trigger,
        ),
        (
            json!({"groupKey": "g", "status": "firing", "alerts": [{"status": "resolved"}]}),
            AlertAction::Trigger,
        ),
        (json!({"groupKey": "g", "alerts": [{"status": "resolved"}]}), AlertAction::Resolve),
        (json!({"groupKey": "g", "status": "what", "alerts": [{"status": "what"}]}), AlertAction::Trigger),
        (json!({"groupKey": 7, "status": null, "alerts": "none", "commonLabels": []}), AlertAction::Trigger),
    ] {
        assert_eq!(alertmanager(&body).action, action, "{body}");
    }
}

#[test]
fn alerts_without_a_group_key_are_grouped_by_their_labels() {
    let body = |mount: &str| json!({"alerts": [{"status": "firing", "labels": {"b": mount, "a": "1"}}]});
    let swapped = json!({"alerts": [{"status": "resolved", "labels": {"a": "1", "b": "/srv"}}]});
    assert_eq!(alertmanager(&body("/srv")).key, alertmanager(&swapped).key);
    assert_ne!(alertmanager(&body("/srv")).key, alertmanager(&body("/var")).key);
}

fn by_alert(body: &[u8]) -> Vec<Translated> {
    let reading = Reading { identity: Identity::Alert, ..Reading::default() };
    let envelope = Envelope { reading, ..Envelope::default() };
    let meaning = translate(IntegrationKind::Alertmanager, &envelope, body, DELIVERY).expect("understood");
    meaning.alerts().to_vec()
}

#[test]
fn each_alert_of_a_group_may_be_a_problem_of_its_own() {
    let alerts = by_alert(&fixture("alertmanager_mixed"));
    let told: Vec<_> = alerts.iter().map(|alert| (alert.action, &*alert.key, &*alert.title)).collect();
    assert_eq!(
        told,
        [
            (AlertAction::Resolve, "ff8a31f0539b5415", "disk /srv at 95%"),
            (AlertAction::Trigger, "45424140ea0eafa9", "disk /var at 91%"),
        ]
    );
    assert_eq!(alerts[0].source.as_deref(), Some("127.0.0.1:9201"));
    assert!(!alerts[1].details.as_ref().expect("details").contains("/srv"));
    let bare = json!({"groupKey": "g", "groupLabels": {"alertname": "Disk"}, "commonLabels": {"alertname": "Disk"},
        "alerts": [{"labels": {"alertname": "Disk", "mount": "/var"}}, {"labels": {"alertname": "Disk"}}]});
    let bare = by_alert(bare.to_string().as_bytes());
    assert_eq!((&*bare[0].title, &*bare[1].title), ("Disk mount=/var", "Disk"));
    assert_ne!(bare[0].key, bare[1].key);
    let empty = by_alert(br#"{"groupKey":"g","status":"firing","alerts":[]}"#);
    assert_eq!((empty.len(), &*empty[0].key), (1, "g"));
    let odd = by_alert(br#"{"groupKey":"g","status":"firing","alerts":[7,{"fingerprint":"f"},null]}"#);
    assert_eq!((odd.len(), &*odd[0].key), (1, "f"));
    let many = format!(r#"{{"groupKey":"g","alerts":[{}{{}}]}}"#, "{},".repeat(2000));
    let many = by_alert(many.as_bytes());
    assert_eq!((many.len(), &*many[0].key), (1, "g"), "too many are one problem again");
}

#[test]
fn a_group_that_leaves_alerts_out_is_not_over() {
    let body = |truncated: Value, status: &str| {
        json!({"groupKey": "g", "status": status, "truncatedAlerts": truncated,
            "alerts": [{"status": status, "fingerprint": "f", "labels": {"alertname": "Disk"}}]})
        .to_string()
    };
    let meaning = |body: String| {
        translate(IntegrationKind::Alertmanager, &Envelope::default(), body.as_bytes(), DELIVERY)
            .expect("understood")
    };
    for truncated in [json!(3), json!("3")] {
        let Meaning::Nothing { verdict, reason } = meaning(body(truncated, "resolved")) else {
            panic!("it says nothing about the group")
        };
        assert_eq!(verdict, Verdict::Ignored);
        assert!(reason.contains("leaves out 3 more"), "{reason}");
    }
    assert_eq!(meaning(body(json!(0), "resolved")).alerts()[0].action, AlertAction::Resolve);
    let firing = meaning(body(json!(3), "firing"));
    assert_eq!(firing.alerts()[0].action, AlertAction::Trigger);
    assert!(firing.alerts()[0].details.as_ref().is_some_and(|details| details.contains("3 more alerts")));
    let alert = by_alert(body(json!(3), "resolved").as_bytes());
    assert_eq!((alert.len(), alert[0].action), (1, AlertAction::Resolve), "that alert itself is over");
}

#[test]
fn a_body_of_a_custom_template_is_read_as_the_generic_format() {
    let alert = alertmanager(&json!({"text": "Disk full", "alias": "disk", "state": "ok"}));
    assert_eq!((&*alert.title, &*alert.key, alert.action), ("Disk full", "disk", AlertAction::Resolve));
}

#[test]
fn what_alertmanager_sends_to_pagerduty_is_understood() {
    let alert = one(IntegrationKind::PagerDuty, &fixture("pagerduty_trigger"));
    assert_eq!(alert.action, AlertAction::Trigger);
    assert_eq!(alert.key, "af8d525641afa39aabaf3d33736aaf1160ead4a5d4004fdd07148b9643d6be3d");
    assert_eq!(alert.title, "[FIRING:2] DiskWarn lab (127.0.0.1:9201 demo warning infra)");
    assert_eq!((alert.severity, alert.source.as_deref()), (Severity::Medium, Some("Alertmanager")));
    let links: Vec<_> = alert.links.iter().map(|link| &*link.text).collect();
    assert_eq!(links, ["runbook", "Alertmanager"]);
    assert_eq!(alert.images[0].text, "graph");
    let details = alert.details.expect("details");
    assert!(
        details.contains("group: infra\n") && details.contains("Labels:\n - alertname = DiskWarn\n"),
        "{details}"
    );

    let over = one(IntegrationKind::PagerDuty, &fixture("pagerduty_resolve"));
    assert_eq!(over.action, AlertAction::Resolve);
    let taken = one(IntegrationKind::PagerDuty, &fixture("pagerduty_acknowledge"));
    assert_eq!((taken.action, &*taken.key), (AlertAction::Acknowledge, "pd-1"));
    assert_eq!(one(IntegrationKind::PagerDuty, &fixture("pagerduty_small")).severity, Severity::Critical);
}

#[test]
fn what_client_libraries_send_is_understood() {
    let opened = one(IntegrationKind::PagerDuty, &fixture("pagerduty_client_trigger"));
    assert_eq!((&*opened.key, &*opened.title, opened.severity), ("pd-1", "disk full", Severity::Critical));
    assert_eq!(opened.links[0].text, "y");
    let over = one(IntegrationKind::PagerDuty, &fixture("pagerduty_client_resolve"));
    assert_eq!((over.action, over.key), (AlertAction::Resolve, opened.key));
    assert_eq!(one(IntegrationKind::PagerDuty, &fixture("pdpyras_trigger")).key, "pdpyras-1");
    let change = Envelope { call: Some("POST /v2/change/enqueue".to_owned()), ..Envelope::default() };
    let meaning = meaning(IntegrationKind::PagerDuty, &change, &fixture_json("pdpyras_change"));
    assert_eq!(recorded(meaning), "recorded as a change: deploy");
}

#[test]
fn what_a_message_says_beside_its_title_is_kept() {
    for (body, details) in [
        (json!({"title": "disk", "message": "97% full"}), Some("97% full")),
        (json!({"subject": "disk", "text": "97% full"}), Some("97% full")),
        (json!({"message": "disk", "text": "97% full"}), Some("97% full")),
        (json!({"title": "disk", "message": "97% full", "details": "of db1"}), Some("of db1")),
        (json!({"title": "disk", "message": " disk "}), None),
        (json!({"message": "disk"}), None),
    ] {
        let alert = generic(&body);
        assert_eq!((&*alert.title, alert.details.as_deref()), ("disk", details), "{body}");
    }
}

#[test]
fn what_apprise_sends_is_understood_unless_it_is_xml() {
    let said = one(IntegrationKind::Generic, &fixture("apprise"));
    let form = Envelope { form: true, ..Envelope::default() };
    let read = translate(IntegrationKind::Generic, &form, &fixture_file("apprise.form"), DELIVERY);
    let posted = read.expect("understood").alerts()[0].clone();
    for alert in [&said, &posted] {
        assert_eq!((&*alert.title, alert.details.as_deref()), ("T ✓", Some("body")));
    }
    assert_eq!((said.action, said.severity), (posted.action, posted.severity));
    let xml = fixture_file("apprise.xml");
    let why = translate(IntegrationKind::Generic, &Envelope::default(), &xml, DELIVERY);
    assert!(why.expect_err("no JSON").to_string().starts_with("the body is not JSON"));
}

#[test]
fn a_resolution_is_never_asked_for_its_payload() {
    for payload in [json!(null), json!(""), json!([]), json!({"summary": "", "severity": "", "source": 5})] {
        let over = pagerduty(&json!({"event_action": "resolve", "dedup_key": "k", "payload": payload}));
        assert_eq!(over.action, AlertAction::Resolve);
    }
}

#[test]
fn an_event_with_empty_texts_still_pages() {
    let alert = pagerduty(&json!({"event_action": "Trigger", "dedup_key": "",
        "payload": {"summary": "", "source": "", "severity": "", "class": "DiskWarn", "custom_details": ""}}));
    assert_eq!(alert.action, AlertAction::Trigger);
    assert_eq!(
        (&*alert.title, alert.severity, alert.details.as_deref()),
        ("DiskWarn", Severity::Medium, Some("class: DiskWarn"))
    );
    assert_eq!(alert.key, "00000000000000000000000000000abc");
}

#[test]
fn an_event_that_says_too_little_is_told_everything_that_is_missing() {
    let why = refused(IntegrationKind::PagerDuty, &json!({"event_action": "trigger"}));
    assert_eq!(why.to_string(), "/payload is missing or blank");
    let why = refused(IntegrationKind::PagerDuty, &json!({"event_action": "trigger", "payload": {}}));
    assert_eq!(why.to_string(), "/payload/summary is missing or blank");
    let why = refused(IntegrationKind::PagerDuty, &json!({"event_action": "resolve"}));
    assert_eq!(why.to_string(), "/dedup_key is missing or blank");
    let why = refused(IntegrationKind::PagerDuty, &json!({"event_action": "explode", "dedup_key": 7}));
    assert!(why.to_string().starts_with("/event_action is invalid"));
}

#[test]
fn a_routing_key_is_found_in_an_event_that_is_otherwise_broken() {
    let deep = format!(r#"{{"payload":{},"routing_key":"K"}}"#, "[".repeat(300) + &"]".repeat(300));
    let text = |body: &[u8]| routing_key(body);
    assert_eq!(text(deep.as_bytes()).as_deref(), Some("K"));
    assert_eq!(text(b"\xef\xbb\xbf{\"routing_key\":\"K\",\"x\":\"\xff\"}").as_deref(), Some("K"));
    assert_eq!(text(br#"{"n":1e999,"routing_key":"K"}"#).as_deref(), Some("K"));
    assert_eq!(text(br#"{"routing_key":"K","payload":"#).as_deref(), Some("K"));
    for none in ["", "[]", "{}", r#"{"routing_key":null}"#, r#"{"routing_key":{}}"#, "nonsense"] {
        assert_eq!(text(none.as_bytes()), None, "{none}");
    }
}

#[test]
fn a_script_may_call_things_what_it_likes() {
    let alert = generic(
        &json!({"summary": " Disk\nfull ", "Severity": "HIGH", "externalId": 42, "host": "db1",
        "description": {"free": 0}, "url": "https://x", "links": ["https://y", {"url": "https://z", "title": "Z"}],
        "time": 1_764_000_000}),
    );
    assert_eq!((&*alert.title, &*alert.key, alert.severity), ("Disk full", "42", Severity::High));
    assert_eq!(alert.source.as_deref(), Some("db1"));
    assert_eq!(alert.details.as_deref(), Some("{\n  \"free\": 0\n}"));
    assert_eq!(alert.links.len(), 3);
    assert_eq!(alert.at.map(domain::Timestamp::millis), Some(1_764_000_000_000));
}

#[test]
fn a_problem_without_a_key_is_known_by_its_title_and_source() {
    let opened = generic(&json!({"title": "Disk full", "source": "db1"}));
    let over = generic(&json!({"message": "Disk full", "host": "db1", "status": "OK"}));
    let other = generic(&json!({"title": "Disk full", "source": "db2"}));
    assert_eq!((&opened.key, over.action), (&over.key, AlertAction::Resolve));
    assert_ne!(opened.key, other.key);
    assert_eq!(generic(&json!({"alias": "k", "action": "close"})).title, "k");
}

#[test]
fn an_action_that_is_not_known_pages() {
    assert_eq!(generic(&json!({"title": "x", "action": "whatever"})).action, AlertAction::Trigger);
    assert_eq!(
        generic(&json!({"title": "x", "action": "", "status": "resolved"})).action,
        AlertAction::Resolve
    );
    assert_eq!(generic(&json!({"title": "x", "state": "ack"})).action, AlertAction::Acknowledge);
}

#[test]
fn a_message_that_says_nothing_is_refused_with_the_place() {
    for body in [json!({}), json!({"title": " "}), json!({"title": {}}), json!({"dedup_key": "k"})] {
        let why = refused(IntegrationKind::Generic, &body);
        assert_eq!(why.problems()[0].pointer, "/title", "{body}");
    }
    for body in [json!([]), json!("x"), json!(7), json!(null)] {
        assert_eq!(refused(IntegrationKind::Generic, &body).to_string(), "the message must be a JSON object");
    }
    assert_eq!(refused(IntegrationKind::Generic, &json!({"title": "\u{0}"})).problems()[0].pointer, "/title");
}

/// JSON that a sender's template might have mangled: known names, any values.
fn mangled() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        prop::sample::select(vec!["trigger", "resolve", "firing", "0001-01-01T00:00:00Z"])
            .prop_map(Value::from),
    ];
    let name = prop::sample::select(vec![
        "groupKey",
        "alerts",
        "status",
        "labels",
        "annotations",
        "commonLabels",
        "commonAnnotations",
        "groupLabels",
        "startsAt",
        "severity",
        "summary",
        "title",
        "details",
        "links",
        "href",
        "event_action",
        "dedup_key",
        "payload",
        "custom_details",
        "timestamp",
        "source",
        "truncatedAlerts",
        "routing_key",
        "alertname",
        "data",
        "event",
        "issue",
        "metric_alert",
        "issue_id",
        "id",
        "action",
        "alert",
        "workflow_run",
        "conclusion",
        "deployment_status",
        "state",
        "ruleId",
        "evalMatches",
        "transition",
        "tags",
        "targets",
        "Message",
        "TopicArn",
        "Type",
        "AlarmName",
        "NewStateValue",
        "Trigger",
        "Dimensions",
        "alias",
        "message",
        "priority",
        "detail-type",
        "resources",
        "head_repository",
        "isAcknowledged",
    ]);
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..8).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

/// What an incident demands of every alert.
fn fits(alert: &Translated) {
    assert!(!alert.title.trim().is_empty() && alert.title.chars().count() <= domain::Alert::MAX_TITLE);
    assert!(!alert.title.chars().any(char::is_control));
    assert!(!alert.key.is_empty() && alert.key.chars().count() <= domain::Alert::MAX_KEY);
    assert!(alert.details.as_ref().is_none_or(|text| text.chars().count() <= domain::Alert::MAX_DETAILS));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = routing_key(&body);
        for kind in KINDS {
            let _ = translate(kind, &Envelope::default(), &body, DELIVERY);
        }
    }

    #[test]
    fn mangled_messages_become_fitting_alerts_or_reasons(
        body in mangled(),
        topic in prop::option::of(prop::sample::select(vec!["issue", "event_alert", "metric_alert", "comment",
            "workflow_run", "deployment_status", "dependabot_alert", ""])),
        identity in prop::sample::select(vec![Identity::Group, Identity::Alert]),
    ) {
        let reading = Reading { identity, ..Reading::default() };
        let envelope = Envelope { topic: topic.map(str::to_owned), reading, ..Envelope::default() };
        for kind in KINDS {
            match translate(kind, &envelope, body.to_string().as_bytes(), DELIVERY) {
                Ok(meaning) => meaning.alerts().iter().for_each(fits),
                Err(why) => prop_assert!(!why.problems().is_empty() && !why.to_string().is_empty()),
            }
        }
    }
}
