//! Every event ever stored stays readable: each stored name has a fixture that decodes for ever.
//!
//! A fixture is a file `fixtures/<stored name>.json` with the object as the log keeps it. Fixtures
//! are added, never edited.

use std::{collections::BTreeSet, fs, path::Path};

use domain::{
    Fact, api_key::ApiKeyEvent, calendar_feed::CalendarFeedEvent, delivery::DeliveryEvent,
    incident::IncidentEvent, integration::IntegrationEvent, notice::NoticeEvent, on_call::OnCallEvent,
    organization::OrganizationEvent, page::PageEvent, policy::PolicyEvent, schedule::ScheduleEvent,
    service::ServiceEvent, team::TeamEvent, user::UserEvent,
};

/// Decodes and writes again: what is written today is what was stored, or the same under a later version.
fn read<E: Fact>(name: &str, stored: &[u8]) {
    let event = E::decode(name, stored).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    let (written_name, written) = event.encode();
    let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).expect("it is JSON");
    if written_name == name {
        assert_eq!(json(&written), json(stored), "{name}");
        return;
    }
    let version = |name: &str| {
        let (noun, version) = name.rsplit_once(".v").expect("a stored name has a version");
        (noun.to_owned(), version.parse::<u32>().expect("a number"))
    };
    let (before, after) = (version(name), version(&written_name));
    assert!(before.0 == after.0 && before.1 < after.1, "{name} became {written_name}");
    assert_eq!(E::decode(&written_name, &written).expect("it reads what it writes"), event, "{name}");
}

#[test]
fn every_fixture_decodes() {
    for name in fixtures() {
        let stored = fs::read(root().join("fixtures").join(format!("{name}.json"))).expect("it was listed");
        match name.split('.').next().expect("a name has parts") {
            "api_key" => read::<ApiKeyEvent>(&name, &stored),
            "calendar_feed" => read::<CalendarFeedEvent>(&name, &stored),
            "delivery" => read::<DeliveryEvent>(&name, &stored),
            "incident" => read::<IncidentEvent>(&name, &stored),
            "integration" => read::<IntegrationEvent>(&name, &stored),
            "notice" => read::<NoticeEvent>(&name, &stored),
            "oncall" => read::<OnCallEvent>(&name, &stored),
            "organization" => read::<OrganizationEvent>(&name, &stored),
            "page" => read::<PageEvent>(&name, &stored),
            "policy" => read::<PolicyEvent>(&name, &stored),
            "schedule" => read::<ScheduleEvent>(&name, &stored),
            "service" => read::<ServiceEvent>(&name, &stored),
            "team" => read::<TeamEvent>(&name, &stored),
            "user" => read::<UserEvent>(&name, &stored),
            noun => panic!("no event enum stores `{noun}`"),
        }
    }
}

#[test]
fn a_delivery_keeps_what_came_around_its_bytes() {
    let stored = br#"{
        "integration": "int_00000000000000000000000000000007", "format": "opsgenie",
        "service": "svc_00000000000000000000000000000004", "proof": "token", "body": {"text": "{}"},
        "envelope": {"call": "POST /v2/alerts/k/close?identifierType=alias", "topic": "issue", "sender_id": "7",
            "form": true, "reading": {"identity": "alert", "archived_is_over": true}},
        "mistimed": {"late_by_seconds": 301}, "at": "2026-11-24T03:00:00.000Z" }"#;
    read::<DeliveryEvent>("delivery.received.v1", stored);
}

#[test]
fn an_incident_keeps_what_rules_made_of_its_alerts() {
    let alert =
        std::str::from_utf8(include_bytes!("../fixtures/incident.alert_ended.v1.json")).expect("text");
    let alert = &alert
        [alert.find("{\n  \"delivery\"").expect("an alert")..alert.rfind(",\n \"remaining").expect("more")];
    let stored = format!(
        r#"{{"service": "svc_00000000000000000000000000000004", "alerts": [{alert}],
            "resolve_at": "2026-11-24T04:00:00.000Z", "at": "2026-11-24T03:00:00.000Z"}}"#
    );
    read::<IncidentEvent>("incident.alerts_joined.v1", stored.as_bytes());
}

#[test]
fn an_incident_keeps_what_alone_was_said_anew_and_that_its_last_problem_ended_while_it_waits() {
    let alert = |more: &str| {
        format!(
            r#"{{"delivery": "dlv_00000000000000000000000000000008", "severity": "info", "title": "disk",
                "integration": "int_00000000000000000000000000000007", {more}"at": "2026-11-24T03:00:00.000Z"}}"#
        )
    };
    for update in ["title", "details", "severity"] {
        let alert = alert(&format!(r#""update": "{update}", "#));
        let stored = format!(
            r#"{{"service": "svc_00000000000000000000000000000004", "alerts": [{alert}],
                "at": "2026-11-24T03:00:00.000Z"}}"#
        );
        read::<IncidentEvent>("incident.alerts_joined.v1", stored.as_bytes());
    }
    let stored = format!(r#"{{"alert": {}, "remaining": 0, "at": "2026-11-24T03:00:00.000Z"}}"#, alert(""));
    read::<IncidentEvent>("incident.alert_ended.v1", stored.as_bytes());
}

#[test]
fn a_level_is_reached_for_an_alert_that_is_not_held_back() {
    let stored = include_str!("../fixtures/incident.escalated.v1.json").replace("opened", "unheld");
    read::<IncidentEvent>("incident.escalated.v1", stored.as_bytes());
}

#[test]
fn an_incident_keeps_who_changed_its_severity_and_why() {
    for (name, from, to) in [
        ("incident.severity_raised.v1", "low", "critical"),
        ("incident.severity_lowered.v1", "critical", "low"),
    ] {
        let stored = format!(
            r#"{{"from": "{from}", "to": "{to}", "reason": "customers call",
                "by": {{"kind": "user", "id": "usr_00000000000000000000000000000001"}},
                "at": "2026-11-24T03:00:00.000Z"}}"#
        );
        read::<IncidentEvent>(name, stored.as_bytes());
    }
}

#[test]
fn a_delivery_says_that_somebody_asked_for_a_test() {
    let stored = br#"{
        "integration": "int_00000000000000000000000000000007", "format": "generic",
        "service": "svc_00000000000000000000000000000004", "proof": "test", "body": {"text": "{}"},
        "envelope": {"test": "silent"}, "at": "2026-11-24T03:00:00.000Z" }"#;
    read::<DeliveryEvent>("delivery.received.v1", stored);
}

#[test]
fn a_conclusion_names_the_rule_and_the_problems_that_it_is_about() {
    let stored = br#"{
        "integration": "int_00000000000000000000000000000007", "verdict": "suppressed",
        "reason": "the rule `tests` drops 2 alerts", "rule": "tests", "incident": null,
        "problems": ["disk", "cpu"], "at": "2026-11-24T03:00:00.000Z" }"#;
    read::<DeliveryEvent>("delivery.concluded.v1", stored);
}

#[test]
fn a_mail_keeps_its_envelope_and_its_entrance_who_may_send() {
    let stored = br#"{
        "integration": "int_00000000000000000000000000000007", "format": "email",
        "service": "svc_00000000000000000000000000000004", "proof": "key", "body": {"text": "Subject: disk\r\n\r\n"},
        "envelope": {"topic": "disk/web-1", "sender_id": "1@example.org", "mail_from": "nagios@example.org"},
        "at": "2026-11-24T03:00:00.000Z" }"#;
    read::<DeliveryEvent>("delivery.received.v1", stored);
    for senders in ["", r#", "senders": ["@example.org"]"#] {
        let stored = format!(r#"{{"verification": {{"method": "mail"{senders}}}}}"#);
        read::<IntegrationEvent>("integration.verification_changed.v1", stored.as_bytes());
    }
}

#[test]
fn a_silence_keeps_after_which_message_it_fell() {
    let stored = br#"{
        "since": "2026-11-24T02:50:00.000Z", "last": 4711, "at": "2026-11-24T03:00:00.000Z" }"#;
    read::<IntegrationEvent>("integration.fell_silent.v1", stored);
}

#[test]
fn a_notice_keeps_what_is_wrong_with_an_integration() {
    for trouble in ["severity_unknown", "messages_limited"] {
        let stored = format!(
            r#"{{"user": "usr_00000000000000000000000000000002", "schedule": null,
                "about": "integration_troubled", "integration": "int_00000000000000000000000000000007",
                "trouble": "{trouble}", "day": "2026-11-24", "due_at": "2026-11-24T09:00:00.000Z",
                "decided_at": 41, "at": "2026-11-24T09:00:00.012Z"}}"#
        );
        read::<NoticeEvent>("notice.requested.v1", stored.as_bytes());
    }
}

#[test]
fn every_stored_name_has_a_fixture() {
    let mut named = BTreeSet::new();
    collect(&root().join("src"), &mut named);
    let missing: Vec<_> = named.difference(&fixtures()).cloned().collect();
    assert!(named.len() > 30, "the names were not found in the sources");
    assert!(missing.is_empty(), "events without a fixture: {missing:?}");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn fixtures() -> BTreeSet<String> {
    let files = fs::read_dir(root().join("fixtures")).expect("there are fixtures");
    let names = files.map(|file| file.expect("it can be listed").file_name().to_string_lossy().into_owned());
    names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect()
}

/// The stored names that the sources declare, as in `#[serde(rename = "team.created.v1")]`.
fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("there are sources") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            collect(&path, names);
            continue;
        }
        let source = fs::read_to_string(&path).expect("a source is text");
        // Of an event that has several versions, the earlier ones are aliases of the latest.
        let named = |mark: &str| -> Vec<String> {
            source.split(mark).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
        };
        let versioned =
            |name: &String| name.rsplit_once(".v").is_some_and(|(_, version)| version.parse::<u32>().is_ok());
        let marks = ["#[serde(rename = \"", ", alias = \""];
        names.extend(marks.into_iter().flat_map(named).filter(versioned));
    }
}
