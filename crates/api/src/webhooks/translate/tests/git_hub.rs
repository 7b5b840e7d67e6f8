//! GitHub, and whatever signs as it does.

use super::*;

fn envelope(event: &str) -> Envelope {
    Envelope { topic: Some(event.to_owned()), ..Envelope::default() }
}

fn git_hub(event: &str, body: &Value) -> Translated {
    let meaning = meaning(IntegrationKind::GitHub, &envelope(event), body);
    let [alert] = meaning.alerts() else { panic!("{meaning:?}") };
    alert.clone()
}

#[test]
fn a_build_that_fails_opens_and_the_next_one_that_does_not_resolves() {
    let mut body = fixture_json("github_workflow_run");
    let failed = git_hub("workflow_run", &body);
    assert_eq!(
        (failed.action, &*failed.title),
        (AlertAction::Trigger, "example/shop: Build on main ended in failure")
    );
    assert_eq!(failed.source.as_deref(), Some("example/shop"));
    body["workflow_run"]["conclusion"] = json!("success");
    body["workflow_run"]["id"] = json!(2);
    let passed = git_hub("workflow_run", &body);
    assert_eq!((passed.action, &passed.key), (AlertAction::Resolve, &failed.key));
    body["workflow_run"]["head_branch"] = json!("feature");
    assert_ne!(git_hub("workflow_run", &body).key, failed.key);
    for conclusion in [json!("cancelled"), json!("skipped"), json!(null)] {
        body["workflow_run"]["conclusion"] = conclusion;
        recorded(meaning(IntegrationKind::GitHub, &envelope("workflow_run"), &body));
    }
}

#[test]
fn a_deployment_opens_and_resolves_for_its_environment() {
    let body = |state: &str, environment: &str| {
        json!({"deployment_status": {"state": state, "environment": environment}, "deployment": {"ref": "main"},
            "repository": {"full_name": "example/shop"}})
    };
    let failed = git_hub("deployment_status", &body("failure", "production"));
    assert_eq!((failed.action, failed.severity), (AlertAction::Trigger, Severity::High));
    let worked = git_hub("deployment_status", &body("success", "production"));
    assert_eq!((worked.action, &worked.key), (AlertAction::Resolve, &failed.key));
    assert_ne!(git_hub("deployment_status", &body("error", "staging")).key, failed.key);
}

#[test]
fn what_scanners_find_is_a_problem_until_it_is_fixed() {
    let mut body = fixture_json("github_dependabot_alert");
    let found = git_hub("dependabot_alert", &body);
    assert_eq!((&*found.title, found.severity), ("example/shop: left-pad pads on the right", Severity::High));
    body["action"] = json!("fixed");
    let fixed = git_hub("dependabot_alert", &body);
    assert_eq!((fixed.action, fixed.key), (AlertAction::Resolve, found.key));
    let secret = json!({"action": "created", "alert": {"number": 1, "secret_type": "token"}});
    assert_eq!(git_hub("secret_scanning_alert", &secret).severity, Severity::High);
}

#[test]
fn other_events_are_recorded_and_other_senders_say_what_they_like() {
    for (event, body) in
        [("ping", json!({"zen": "x"})), ("issues", json!({"action": "opened"})), ("push", json!([]))]
    {
        let reason = recorded(meaning(IntegrationKind::GitHub, &envelope(event), &body));
        assert!(reason.starts_with(event), "{reason}");
    }
    let alert = one(IntegrationKind::GitHub, br#"{"title":"Disk full","severity":"critical"}"#);
    assert_eq!((&*alert.title, alert.severity), ("Disk full", Severity::Critical));
}
