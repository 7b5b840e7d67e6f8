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
fn a_build_of_a_fork_is_none_of_the_repository() {
    let with = |head: Option<Value>, conclusion: &str| {
        let mut body = fixture_json("github_workflow_run");
        body["workflow_run"]["conclusion"] = json!(conclusion);
        if let Some(head) = head {
            body["workflow_run"]["head_repository"] = head;
        }
        git_hub("workflow_run", &body)
    };
    let named = |name: &str| Some(json!({"full_name": name}));
    let failed = with(None, "failure");
    assert_eq!(with(named("Example/shop"), "failure"), failed, "that is its own name");
    for stranger in [named("stranger/shop"), Some(Value::Null), Some(json!({}))] {
        let passed = with(stranger.clone(), "success");
        assert_eq!(passed.action, AlertAction::Resolve);
        assert_ne!(passed.key, failed.key, "{stranger:?}");
        assert_eq!(with(stranger.clone(), "failure").key, passed.key, "{stranger:?}");
    }
    let stranger = with(named("stranger/shop"), "failure");
    assert_eq!(stranger.title, "example/shop: Build on stranger/shop:main ended in failure");
}

#[test]
fn checks_of_two_apps_are_two_problems() {
    for event in ["check_suite", "check_run"] {
        let by = |app: Value, conclusion: &str| {
            let run = json!({"head_branch": "main", "conclusion": conclusion, "app": app});
            git_hub(
                event,
                &json!({"action": "completed", event: run, "repository": {"full_name": "example/shop"}}),
            )
        };
        let actions = json!({"slug": "github-actions", "name": "GitHub Actions"});
        let failed = by(actions.clone(), "failure");
        assert_eq!(by(actions, "success").key, failed.key);
        assert_ne!(by(json!({"slug": "dependabot"}), "success").key, failed.key, "{event}");
        assert_ne!(by(Value::Null, "success").key, failed.key, "{event}");
        assert!(failed.details.is_some_and(|details| details.contains("app: GitHub Actions")));
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
    for (event, word, action) in [
        ("code_scanning_alert", "reopened_by_user", AlertAction::Trigger),
        ("code_scanning_alert", "appeared_in_branch", AlertAction::Trigger),
        ("code_scanning_alert", "closed_by_user", AlertAction::Resolve),
        ("secret_scanning_alert", "publicly_leaked", AlertAction::Trigger),
        ("secret_scanning_alert", "revoked", AlertAction::Resolve),
        ("dependabot_alert", "auto_reopened", AlertAction::Trigger),
        ("dependabot_alert", "auto_dismissed", AlertAction::Resolve),
    ] {
        let said = git_hub(event, &json!({"action": word, "alert": {"number": 1}}));
        assert_eq!(said.action, action, "{event} {word}");
    }
    let validated = json!({"action": "validated", "alert": {"number": 1}});
    recorded(meaning(IntegrationKind::GitHub, &envelope("secret_scanning_alert"), &validated));
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
