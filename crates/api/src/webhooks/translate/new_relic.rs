//! New Relic: workflow webhooks, whose body is a template, and the older incident webhooks.

use domain::{AlertAction, Meaning, Translated};

use super::{
    Malformed,
    json::Json,
    text::{self, Lines, Links},
    words,
};

/// Translates one message.
pub(super) fn translate(message: &Json<'_>) -> Result<Meaning, Malformed> {
    if !matches!(message, Json::Object(_)) {
        return Err(Malformed::at("", "must be a JSON object"));
    }
    let id = first(message.any(&["issue_id", "id", "incident_id"])).text();
    let Some(id) = id else {
        return Err(Malformed::at("/id", "is missing: it is what tells one issue from others"));
    };
    let title = first(message.any(&["issue_title", "title", "condition_name", "details"])).text();
    let title = title.or_else(|| first(message.any(&["alert_condition_names"])).text());
    let title = title.map(|title| text::title(&title)).filter(|title| !title.is_empty());
    let source = first(message.any(&["impacted_entities", "entity_name", "targets"]));
    let source = source.text().or_else(|| source.any(&["name"]).text());
    Ok(Translated {
        action: action(message),
        key: text::key(&id),
        title: title.unwrap_or_else(|| text::title(&format!("New Relic issue {id}"))),
        details: details(message),
        source: source.map(|source| text::word(&source)),
        links: links(message),
        images: images(message),
        component: first(message.any(&["alert_condition_names", "condition_name"]))
            .text()
            .map(|condition| text::word(&condition)),
        labels: text::any_labels(message.any(&["labels", "targets_labels"])),
        at: words::first_time(message, &["activated_at", "created_at", "timestamp", "updated_at"]),
        ..words::severity(message.any(&["priority", "severity"])).alert()
    }
    .into())
}

/// A value, or the first of several: templates render lists.
fn first<'a, 'b>(said: &'a Json<'b>) -> &'a Json<'b> {
    match said {
        Json::List(items) => items.iter().find(|item| !item.is_blank()).unwrap_or(&Json::Null),
        other => other,
    }
}

/// A state that is not known adds to the issue, or opens it: it does not talk us out of paging. That somebody took the issue
/// is no state of it in workflows.
fn action(message: &Json<'_>) -> AlertAction {
    let state = message.any(&["current_state", "state"]).text().map(|state| state.to_ascii_lowercase());
    match state.as_deref() {
        Some("closed" | "resolved") => AlertAction::Resolve,
        Some("acknowledged") => AlertAction::Acknowledge,
        _ if is_acknowledged(message) => AlertAction::Acknowledge,
        _ => AlertAction::Trigger,
    }
}

/// Whether somebody took the issue: it says so, or since when. One that is no longer acknowledged may still have a time.
fn is_acknowledged(message: &Json<'_>) -> bool {
    if let Some(said) = message.any(&["is_acknowledged"]).text() {
        return said.eq_ignore_ascii_case("true");
    }
    // New Relic promises a text for people, so any that has a number in it is a time.
    let since = message.any(&["issue_acknowledged_at", "acknowledged_at", "acknowledge_time"]).text();
    since.is_some_and(|since| since.bytes().any(|digit| matches!(digit, b'1'..=b'9')))
}

fn details(message: &Json<'_>) -> Option<String> {
    let mut details = Lines::default();
    for name in ["details", "message", "description", "condition_description"] {
        details.prose(first(message.any(&[name])));
    }
    for (label, name) in [
        ("state", "state"),
        ("trigger", "trigger"),
        ("entities", "impacted_entities"),
        ("conditions", "alert_condition_names"),
        ("condition", "condition_name"),
        ("policies", "alert_policy_names"),
        ("policy", "policy_name"),
        ("incidents", "total_incidents"),
        ("sources", "sources"),
        ("workflow", "workflow_name"),
        ("account", "account_name"),
        ("query", "nrql_query"),
        ("labels", "labels"),
    ] {
        details.field(label, message.any(&[name]));
    }
    details.kept()
}

fn links(message: &Json<'_>) -> Vec<domain::Link> {
    let mut links = Links::default();
    for (words, names) in [
        ("New Relic", &["issue_url", "issue_page_url", "incident_url", "url"][..]),
        ("Acknowledge in New Relic", &["issue_ack_url", "incident_acknowledge_url"]),
        ("Runbook", &["runbook_url"]),
        ("Condition", &["deep_link_url"]),
    ] {
        links.add(first(message.any(names)), words);
    }
    links.kept()
}

fn images(message: &Json<'_>) -> Vec<domain::Link> {
    let mut images = Links::default();
    images.add(first(message.any(&["violation_chart_url"])), "Chart");
    images.kept()
}
