//! GitHub's webhooks: what its builds, deployments and scanners find. Whatever else signs as GitHub does, without its
//! header for the kind of event, is read as the generic format.

use std::borrow::Cow;

use domain::{AlertAction, Meaning, Severity, Translated, delivery::Envelope};

use super::{
    Malformed, generic,
    json::Json,
    text::{self, Lines, Links},
    words::{self, Grade},
};

/// Translates one message.
pub(super) fn translate(message: &Json<'_>, envelope: &Envelope) -> Result<Meaning, Malformed> {
    let Some(event) = envelope.topic.as_deref() else {
        return generic::translate(message).map(Meaning::from);
    };
    let action = message.get("action").text().unwrap_or_default();
    let about = match event {
        "workflow_run" | "check_run" | "check_suite" => run(message, event),
        "deployment_status" => deployment(message),
        "dependabot_alert" | "code_scanning_alert" | "secret_scanning_alert" => {
            finding(message, event, &action)
        }
        _ => None,
    };
    let Some(about) = about else {
        return Ok(Meaning::recorded(text::word(&format!("{event} {action}").replace('_', " "))));
    };
    let repository = message.get("repository").get("full_name").text().unwrap_or_default();
    let mut links = Links::default();
    links.add(about.link, "GitHub");
    links.add(message.get("repository").get("html_url"), "Repository");
    let mut details = Lines::default();
    details.line("repository", &repository);
    for (name, said) in about.details {
        details.field(name, said);
    }
    let parts: Vec<&str> =
        std::iter::once(&*repository).chain(about.key.iter().map(String::as_str)).collect();
    Ok(Translated {
        action: about.action,
        key: text::digest(&format!("{event}:"), &parts),
        title: text::title(&format!("{repository}: {}", about.title)),
        details: details.kept(),
        source: Some(text::word(&repository)).filter(|source| !source.is_empty()),
        links: links.kept(),
        at: words::time(about.at),
        ..about.grade.alert()
    }
    .into())
}

/// What one event is about.
struct About<'a, 'b> {
    action: AlertAction,
    key: Vec<String>,
    title: String,
    grade: Grade,
    details: Vec<(&'static str, &'a Json<'b>)>,
    link: &'a Json<'b>,
    at: &'a Json<'b>,
}

fn word(said: &Json<'_>) -> String {
    said.text().unwrap_or_default().into_owned()
}

/// How a build ended. One that is under way, or was cancelled or skipped, says nothing.
fn run<'a, 'b>(message: &'a Json<'b>, event: &str) -> Option<About<'a, 'b>> {
    let run = message.get(event);
    let conclusion = word(run.get("conclusion"));
    let action = match &*conclusion {
        "failure" | "timed_out" | "startup_failure" | "action_required" => AlertAction::Trigger,
        "success" => AlertAction::Resolve,
        _ => return None,
    };
    let name = word(run.any(&["name", "workflow_id"]));
    let name = if name.is_empty() { event.replace('_', " ") } else { name };
    let suite = run.get("check_suite");
    let branch = [run.get("head_branch"), suite.get("head_branch")].into_iter().find(|said| !said.is_blank());
    let branch = branch.unwrap_or(&Json::Null);
    let fork = fork(message, run);
    let app = run.get("app");
    let mut key = vec![name.clone(), word(branch)];
    key.extend(fork.clone());
    key.extend(app.get("slug").text().map(Cow::into_owned));
    let place = fork.map_or_else(|| word(branch), |fork| format!("{fork}:{}", word(branch)));
    Some(About {
        action,
        key,
        title: format!("{name} on {place} ended in {}", conclusion.replace('_', " ")),
        grade: Grade::default(),
        details: vec![
            ("branch", branch),
            ("commit", run.get("head_sha")),
            ("event", run.get("event")),
            ("attempt", run.get("run_attempt")),
            ("app", app.any(&["name", "slug"])),
        ],
        link: run.get("html_url"),
        at: run.any(&["updated_at", "completed_at"]),
    })
}

/// The repository that a build's branch is in, if that is another one. Whoever forks a repository names the branches of the
/// fork, so they are none of the repository's own.
fn fork(message: &Json<'_>, run: &Json<'_>) -> Option<String> {
    let head = run.field("head_repository")?;
    let Some(name) = head.get("full_name").text() else {
        return Some("a repository that is gone".to_owned());
    };
    let own = message.get("repository").get("full_name").text().unwrap_or_default();
    (!name.eq_ignore_ascii_case(&own)).then(|| name.into_owned())
}

fn deployment<'a, 'b>(message: &'a Json<'b>) -> Option<About<'a, 'b>> {
    let status = message.get("deployment_status");
    let action = match &*word(status.get("state")) {
        "failure" | "error" => AlertAction::Trigger,
        "success" => AlertAction::Resolve,
        _ => return None,
    };
    let deployment = message.get("deployment");
    let environment = [status.get("environment"), deployment.get("environment")];
    let environment = environment.into_iter().find(|said| !said.is_blank()).unwrap_or(&Json::Null);
    Some(About {
        action,
        key: vec![word(environment)],
        title: format!("deployment to {} ended in {}", word(environment), word(status.get("state"))),
        grade: Grade::of(Severity::High),
        details: vec![
            ("description", status.get("description")),
            ("ref", deployment.get("ref")),
            ("commit", deployment.get("sha")),
        ],
        link: status.any(&["log_url", "target_url"]),
        at: status.any(&["updated_at", "created_at"]),
    })
}

/// What a scanner found.
fn finding<'a, 'b>(message: &'a Json<'b>, event: &str, word_said: &str) -> Option<About<'a, 'b>> {
    let action = match word_said {
        "created" | "reopened" | "reopened_by_user" | "auto_reopened" | "reintroduced"
        | "appeared_in_branch" | "publicly_leaked" => AlertAction::Trigger,
        "fixed" | "resolved" | "revoked" | "dismissed" | "auto_dismissed" | "closed_by_user" => {
            AlertAction::Resolve
        }
        _ => return None,
    };
    let alert = message.get("alert");
    let (advisory, rule) = (alert.get("security_advisory"), alert.get("rule"));
    let said = [
        advisory.get("summary"),
        rule.get("description"),
        alert.get("secret_type_display_name"),
        alert.get("secret_type"),
    ];
    let what = said.into_iter().find(|said| !said.is_blank()).map(word);
    let what = what.unwrap_or_else(|| event.replace('_', " "));
    let severity = [advisory.get("severity"), rule.get("security_severity_level"), rule.get("severity")];
    let severity = severity.into_iter().find(|said| !said.is_blank()).unwrap_or(&Json::Null);
    let grade = if severity.is_blank() && event == "secret_scanning_alert" {
        Grade::of(Severity::High)
    } else {
        words::severity(severity)
    };
    Some(About {
        action,
        key: vec![word(alert.get("number"))],
        title: what,
        grade,
        details: vec![
            ("state", alert.get("state")),
            ("package", alert.get("dependency").get("package").get("name")),
            ("file", alert.get("dependency").get("manifest_path")),
            ("advisory", advisory.any(&["cve_id", "ghsa_id"])),
            ("tool", alert.get("tool").get("name")),
        ],
        link: alert.get("html_url"),
        at: alert.any(&["updated_at", "created_at"]),
    })
}
