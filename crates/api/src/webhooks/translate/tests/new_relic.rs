//! New Relic.

use super::*;

fn new_relic(body: &Value) -> Translated {
    one(IntegrationKind::NewRelic, body.to_string().as_bytes())
}

fn in_state(state: Value) -> Value {
    let mut body = fixture_json("newrelic_activated");
    body["state"] = state;
    body
}

#[test]
fn an_issue_opens_and_closes() {
    let opened = new_relic(&fixture_json("newrelic_activated"));
    assert_eq!((opened.action, opened.severity), (AlertAction::Trigger, Severity::Critical));
    assert_eq!(opened.key, "3f2a1b0c-0d9e-4f8a-8b7c-6d5e4f3a2b1c");
    assert_eq!(opened.source.as_deref(), Some("checkout"));
    assert_eq!(opened.at.map(domain::Timestamp::millis), Some(1_795_489_200_000));
    let details = opened.details.expect("details");
    assert!(details.contains("entities: checkout, payments"), "{details}");
    let over = new_relic(&fixture_json("newrelic_closed"));
    assert_eq!((over.action, over.key), (AlertAction::Resolve, opened.key));
}

#[test]
fn every_state_means_what_it_says() {
    for (state, action) in [
        (json!("CREATED"), AlertAction::Trigger),
        (json!("activated"), AlertAction::Trigger),
        (json!("ACKNOWLEDGED"), AlertAction::Acknowledge),
        (json!("CLOSED"), AlertAction::Resolve),
        (json!("RESOLVED"), AlertAction::Resolve),
        (json!("WHATEVER"), AlertAction::Trigger),
        (json!(null), AlertAction::Trigger),
    ] {
        assert_eq!(new_relic(&in_state(state.clone())).action, action, "{state}");
    }
}

#[test]
fn an_issue_is_taken_when_it_says_so_or_since_when() {
    let with = |state: &str, fields: Value| {
        let mut body = in_state(json!(state));
        body.as_object_mut().expect("an object").remove("isAcknowledged");
        body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        new_relic(&body).action
    };
    let (taken, open) = (AlertAction::Acknowledge, AlertAction::Trigger);
    for (fields, action) in [
        (json!({"isAcknowledged": true}), taken),
        (json!({"isAcknowledged": "true"}), taken),
        (json!({"is_acknowledged": "True"}), taken),
        (json!({"isAcknowledged": false}), open),
        (json!({"isAcknowledged": false, "acknowledgedAt": 1_795_489_300_000_i64}), open),
        (json!({"isAcknowledged": "", "issueAcknowledgedAt": "Nov 24, 2026, 3:01 AM UTC"}), taken),
        (json!({"issueAcknowledgedAt": "2026-11-24T03:01:00Z", "acknowledgedBy": "ada@example.org"}), taken),
        (json!({"issueAcknowledgedAt": "null"}), open),
        (json!({"issueAcknowledgedAt": " "}), open),
        (json!({"acknowledgedAt": 1_795_489_300_000_i64}), taken),
        (json!({"acknowledge_time": 0}), open),
        (json!({"acknowledgedAt": ""}), open),
        (json!({}), open),
    ] {
        for state in ["ACTIVATED", "CREATED", "", "WHATEVER"] {
            assert_eq!(with(state, fields.clone()), action, "{state} {fields}");
        }
        assert_eq!(with("CLOSED", fields.clone()), AlertAction::Resolve, "{fields}");
    }
}

#[test]
fn everything_but_the_id_may_be_missing() {
    let sparse = new_relic(&fixture_json("newrelic_sparse"));
    assert_eq!(sparse.title, "New Relic issue 3f2a1b0c-0d9e-4f8a-8b7c-6d5e4f3a2b1c");
    assert_eq!((sparse.severity, sparse.unknown_severity), (Severity::Medium, None));
    assert_eq!(new_relic(&json!({"issueId": 7})).key, "7");
    let why = refused(IntegrationKind::NewRelic, &json!({"title": "x"}));
    assert_eq!(why.problems()[0].pointer, "/id");
    assert_eq!(
        refused(IntegrationKind::NewRelic, &json!([])).to_string(),
        "the message must be a JSON object"
    );
}

#[test]
fn labels_come_as_an_object_as_pairs_or_as_tags() {
    for (labels, team) in [
        (json!({"team": "payments", "region": ["eu", "us"], "empty": [], "tier": 1}), "payments"),
        (
            json!([{"key": "team", "value": "payments"}, {"key": "region", "value": ["eu", "us"]},
            {"key": "tier", "value": 1}, {"value": "of nothing"}, null, 7.5]),
            "payments",
        ),
        (
            json!([{"name": "team", "values": ["payments", "shop"]}, {"label": "region", "value": "eu, us"},
            {"name": "tier", "value": "1"}]),
            "payments, shop",
        ),
        (json!(["team:payments", "region=eu, us", "tier:1", " "]), "payments"),
    ] {
        let mut body = fixture_json("newrelic_activated");
        body["labels"] = labels.clone();
        let read = new_relic(&body).labels;
        let expected = [("team", team), ("region", "eu, us"), ("tier", "1")];
        for (name, value) in expected {
            assert_eq!(read.get(name).map(String::as_str), Some(value), "{labels}: {name} in {read:?}");
        }
        assert!(
            read.values().filter(|value| !value.is_empty()).count() == expected.len(),
            "{labels}: {read:?}"
        );
    }
    let mut many = fixture_json("newrelic_activated");
    many["labels"] =
        json!((0..500).map(|number| json!({"key": format!("k{number}"), "value": "v"})).collect::<Vec<_>>());
    assert_eq!(new_relic(&many).labels.len(), domain::Alert::MAX_LABELS);
}

#[test]
fn the_older_webhooks_are_read_too() {
    let mut body = fixture_json("newrelic_legacy");
    let opened = new_relic(&body);
    assert_eq!((&*opened.key, &*opened.title), ("42", "Error percentage"));
    assert_eq!((opened.severity, opened.source.as_deref()), (Severity::Critical, Some("checkout")));
    assert_eq!(opened.links.len(), 3);
    body["current_state"] = json!("acknowledged");
    assert_eq!(new_relic(&body).action, AlertAction::Acknowledge);
    body["current_state"] = json!("closed");
    assert_eq!(new_relic(&body).action, AlertAction::Resolve);
}
