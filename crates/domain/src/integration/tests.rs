//! What an integration makes of what its messages say.

use std::sync::Arc;

use uuid::Uuid;

use super::*;
use crate::{
    AlertAction, DeliveryId, IntegrationId, Labels, Severity, Timestamp, Translated, Update,
    expression::Expression,
    incident::{Hold, Merge, Merging},
    json::Json,
};

fn expression(text: &str) -> Expression {
    Expression::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn rule(name: &str, condition: &str, outcome: Outcome) -> Rule {
    Rule { name: name.to_owned(), condition: expression(condition), outcome }
}

fn take(severity: Severity) -> Outcome {
    Outcome::Take(Treatment { severity: Some(severity), ..Treatment::default() })
}

fn routing(rules: Vec<Rule>) -> Handling {
    Handling { routing: Arc::new(Routing { rules, ..Routing::default() }), ..Handling::default() }
}

fn alert() -> Translated {
    Translated {
        key: "disk".to_owned(),
        title: "disk full".to_owned(),
        severity: Severity::High,
        severity_word: Some("Error".to_owned()),
        labels: Labels::from([("team".to_owned(), "db".to_owned())]),
        ..Translated::default()
    }
}

const PAYLOAD: &str = r#"{
    "disk": {"name": "/var", "id": 7, "used": 0.97}, "state": "ok", "hosts": ["db-1", "db-2"],
    "links": [{"href": "https://example.org/a", "text": "A"}, {"href": "javascript:alert(1)"}],
    "since": 1764000000
}"#;

fn handled(handling: &Handling, alert: Translated) -> Translated {
    let payload = Json::read(PAYLOAD.as_bytes()).expect("it is JSON");
    let mut alerts = [alert];
    handling.apply(&payload, &mut alerts);
    let [alert] = alerts;
    alert
}

#[test]
fn the_first_rule_that_holds_decides() {
    let rules = routing(vec![
        rule("web", r#"alert.labels.team == "web""#, take(Severity::Info)),
        rule("db", r#"alert.labels.team == "db""#, take(Severity::Critical)),
        rule("all", "true", take(Severity::Low)),
    ]);
    let alert = handled(&rules, alert());
    assert_eq!((alert.severity, alert.ruling.rule.as_deref()), (Severity::Critical, Some("db")));
}

#[test]
fn what_no_rule_is_about_is_taken_by_the_last_one() {
    let alert = handled(&routing(vec![rule("never", "false", Outcome::Drop)]), alert());
    assert_eq!((alert.ruling.rule.as_deref(), alert.ruling.dropped), (Some("everything else"), false));
}

#[test]
fn a_rule_that_asks_for_what_is_not_there_does_not_hold() {
    let missing =
        rule("missing", "payload.missing.field == 1 || alert.labels.cluster == 'eu'", Outcome::Drop);
    let alert = handled(&routing(vec![missing]), alert());
    assert_eq!((alert.ruling.dropped, alert.ruling.remarks.len()), (false, 0));
}

#[test]
fn a_rule_that_fails_is_passed_over_and_never_drops() {
    let alert = handled(&routing(vec![rule("broken", "payload.disk > 3", Outcome::Drop)]), alert());
    assert!(!alert.ruling.dropped);
    assert_eq!(alert.ruling.remarks.len(), 1, "{:?}", alert.ruling.remarks);
    assert!(alert.ruling.remarks[0].starts_with("the rule `broken` was passed over: "));
}

#[test]
fn a_rule_without_end_is_stopped_and_the_alert_pages() {
    let squares = "[1,2,3,4,5,6,7,8].all(a, [1,2,3,4,5,6,7,8].all(b, [1,2,3,4,5,6,7,8].all(c, \
                   [1,2,3,4,5,6,7,8].all(d, [1,2,3,4,5,6,7,8].all(e, [1,2,3,4,5,6,7,8].all(f, \
                   [1,2,3,4,5,6,7,8].all(g, a + b + c + d + e + f + g > 0)))))))";
    let alert = handled(&routing(vec![rule("long", squares, Outcome::Drop)]), alert());
    assert!(!alert.ruling.dropped);
    assert_eq!(alert.ruling.rule.as_deref(), Some("everything else"));
    assert_eq!(alert.ruling.remarks.len(), 1);
}

#[test]
fn a_dropped_alert_says_by_which_rule() {
    let alert = handled(&routing(vec![rule("tests", "payload.disk.id == 7", Outcome::Drop)]), alert());
    assert_eq!((alert.ruling.rule.as_deref(), alert.ruling.dropped), (Some("tests"), true));
}

#[test]
fn a_group_is_named_by_an_expression_and_keeps_the_alerts_own_key() {
    let grouping = Some(Grouping { by: expression("alert.labels.team"), window_seconds: Some(60) });
    let treatment = Treatment { grouping, hold: Some(Hold::Suspend { seconds: 30 }), ..Treatment::default() };
    let alert = handled(&routing(vec![rule("teams", "true", Outcome::Take(treatment))]), alert());
    assert_eq!((alert.key.as_str(), alert.own_key()), ("group:db", "disk"));
    assert_eq!(alert.ruling.window_seconds, Some(60));
    assert_eq!(alert.ruling.hold, Some(Hold::Suspend { seconds: 30 }));
}

#[test]
fn an_alert_that_cannot_be_grouped_keeps_its_key() {
    for by in ["payload.missing", "payload.hosts", "''"] {
        let grouping = Some(Grouping { by: expression(by), window_seconds: None });
        let outcome = Outcome::Take(Treatment { grouping, ..Treatment::default() });
        let alert = handled(&routing(vec![rule("teams", "true", outcome)]), alert());
        assert_eq!((alert.key.as_str(), alert.ruling.own_key), ("disk", None), "{by}");
        assert_eq!(alert.ruling.remarks.len(), 1, "{by}");
    }
}

#[test]
fn a_mapping_reads_each_part_in_its_own_way() {
    let part = |text: &str| Some(expression(text));
    let mapping = Mapping {
        action: part(r#"payload.state == "ok" ? "resolve" : "trigger""#),
        key: part("payload.disk.id"),
        title: part(r#"payload.disk.name + " of " + payload.hosts[0]"#),
        details: part(r#"payload.hosts.join(", ")"#),
        severity: part(r#"payload.disk.used > 0.95 ? "critical" : "low""#),
        source: part("payload.hosts[1]"),
        component: part("payload.disk.name"),
        routing_key: part(r#""storage""#),
        labels: part(r#"{"disk": payload.disk.name, "id": payload.disk.id}"#),
        links: part("payload.links"),
        images: part(r#"["https://example.org/chart.png"]"#),
        at: part("payload.since"),
    };
    let handling = Handling { mapping: Arc::new(mapping), ..Handling::default() };
    let alert = handled(&handling, alert());
    assert_eq!(alert.ruling.remarks, <[String; 0]>::default());
    assert_eq!((alert.action, alert.key.as_str()), (AlertAction::Resolve, "7"));
    assert_eq!((alert.title.as_str(), alert.details.as_deref()), ("/var of db-1", Some("db-1, db-2")));
    assert_eq!((alert.severity, alert.source.as_deref()), (Severity::Critical, Some("db-2")));
    assert_eq!((alert.component.as_deref(), alert.routing_key.as_deref()), (Some("/var"), Some("storage")));
    let labels: Vec<_> = alert.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(labels, [("disk", "/var"), ("id", "7")]);
    assert_eq!(alert.links.len(), 1, "what a browser should not follow is left out");
    assert_eq!(alert.images[0].href, "https://example.org/chart.png");
    assert_eq!(alert.at.map(crate::Timestamp::millis), Some(1_764_000_000_000));
}

#[test]
fn what_a_mapping_gets_wrong_stays_as_the_format_has_it() {
    let part = |text: &str| Some(expression(text));
    let mapping = Mapping {
        title: part("payload.missing"),
        key: part("''"),
        action: part(r#""explode""#),
        labels: part("payload.hosts"),
        links: part("payload.disk"),
        at: part(r#""yesterday""#),
        details: part("payload.hosts"),
        ..Mapping::default()
    };
    let handling = Handling { mapping: Arc::new(mapping), ..Handling::default() };
    let mut mapped = handled(&handling, alert());
    assert_eq!(mapped.ruling.remarks.len(), 7, "{:?}", mapped.ruling.remarks);
    mapped.ruling = Ruling::default();
    assert_eq!(mapped, alert());
    // An incident has a title: one of which nothing can be seen must not cost the page.
    for unseen in [r"'\u0000\n'", r"' \u0007\t'", "'\u{a0}'"] {
        let mapping = Mapping { title: part(unseen), key: part(unseen), ..Mapping::default() };
        let mapped = handled(&Handling { mapping: Arc::new(mapping), ..Handling::default() }, alert());
        assert_eq!((mapped.title, mapped.key, mapped.ruling.remarks.len()), (alert().title, alert().key, 2));
    }
}

#[test]
fn words_for_severities_can_be_given_other_meanings() {
    let severities =
        Severities::new([("ERROR".to_owned(), Severity::Critical), ("meh".to_owned(), Severity::Info)]);
    let handling = Handling { severities: Arc::new(severities), ..Handling::default() };
    assert_eq!(handled(&handling, alert()).severity, Severity::Critical);
    let unknown = Translated {
        severity: Severity::Medium,
        severity_word: Some("Meh".to_owned()),
        unknown_severity: Some("Meh".to_owned()),
        ..alert()
    };
    let known = handled(&handling, unknown);
    assert_eq!((known.severity, known.unknown_severity), (Severity::Info, None));
}

#[test]
fn a_call_says_one_thing_anew_whatever_mapping_and_rules_make_of_it() {
    let mapping = Mapping {
        title: Some(expression("'Opsgenie: ' + alert.title")),
        details: Some(expression("'see the runbook'")),
        severity: Some(expression("'critical'")),
        ..Mapping::default()
    };
    let rules = routing(vec![rule("all", "true", take(Severity::Low))]);
    let mapped = Handling { mapping: Arc::new(mapping), ..rules };
    let said = |details: Option<&str>, word: Option<&str>| Translated {
        action: AlertAction::Update,
        details: details.map(str::to_owned),
        severity_word: word.map(str::to_owned),
        ..alert()
    };
    let received = |alert: Translated| {
        let (delivery, integration) = (DeliveryId::new(Uuid::nil()), IntegrationId::new(Uuid::nil()));
        alert.received(delivery, integration, Timestamp::default()).update
    };
    for (call, update) in [
        (said(None, None), Update::Title),
        (said(Some("on db1"), None), Update::Details),
        (said(None, Some("P1")), Update::Severity),
    ] {
        assert_eq!(received(call.clone()), Some(update));
        assert_eq!(received(handled(&mapped, call)), Some(update));
    }
    assert_eq!(received(handled(&mapped, alert())), None, "it tells of a problem");
    let triggers = Mapping { action: Some(expression("'trigger'")), ..Mapping::default() };
    let triggers = Handling { mapping: Arc::new(triggers), ..Handling::default() };
    assert_eq!(received(handled(&triggers, said(None, None))), None, "it is mapped to one that does");
}

#[test]
fn rules_that_cannot_be_meant_are_refused_by_name() {
    let field = |change: HandlingChange| Handling::default().changed(&change).expect_err("refused").field;
    let rules = |rules: Vec<Rule>| HandlingChange {
        routing: Some(Routing { rules, ..Routing::default() }),
        ..HandlingChange::default()
    };
    let held = |hold| Outcome::Take(Treatment { hold: Some(hold), ..Treatment::default() });
    assert_eq!(field(rules(vec![rule(" ", "true", Outcome::Drop)])), "routing.rules[0].name");
    let twice = vec![rule("a", "true", Outcome::Drop), rule("a", "true", Outcome::Drop)];
    assert_eq!(field(rules(twice)), "routing.rules[1].name");
    let never = held(Hold::Suspend { seconds: 0 });
    assert_eq!(field(rules(vec![rule("a", "true", never)])), "routing.rules[0].take.suspendSeconds");
    let one = held(Hold::Threshold { alerts: 1, within_seconds: 60 });
    assert_eq!(field(rules(vec![rule("a", "true", one)])), "routing.rules[0].take.threshold.alerts");
    assert_eq!(field(rules(vec![rule("a", "true", Outcome::Drop); 101])), "routing.rules");
    let merging = Merging { links: Merge::Max, ..Merging::default() };
    assert_eq!(
        field(HandlingChange { merging: Some(merging), ..HandlingChange::default() }),
        "merging.links"
    );
    let severities = Severities::new([(String::new(), Severity::Low)]);
    assert_eq!(
        field(HandlingChange { severities: Some(severities), ..HandlingChange::default() }),
        "severities"
    );
}
