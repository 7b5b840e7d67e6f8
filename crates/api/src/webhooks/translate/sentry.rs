//! Sentry's integrations. An alert rule opens an issue's incident; only the issue itself says when it is over.

use std::borrow::Cow;

use domain::{AlertAction, Meaning, Translated, delivery::Envelope};

use super::{
    Malformed, generic,
    json::Json,
    text::{self, Lines, Links},
    words,
};

/// Translates one message.
pub(super) fn translate(message: &Json<'_>, envelope: &Envelope) -> Result<Meaning, Malformed> {
    let data = message.get("data");
    let Json::Object(_) = data else { return generic::translate(message).map(Meaning::from) };
    let action = message.get("action").text().unwrap_or_default();
    match resource(envelope, data) {
        "event_alert" => issue_of_event(data).map(Meaning::from),
        "metric_alert" => metric_alert(data, &action).map(Meaning::from),
        "issue" => issue(data, &action, envelope.reading.archived_is_over),
        "comment" => Ok(comment(data, &action)),
        other => Ok(Meaning::recorded(text::word(&format!("{other} {action}")))),
    }
}

/// What the message is about: its header says so, or else what it brings.
fn resource<'a>(envelope: &'a Envelope, data: &Json<'_>) -> &'a str {
    if let Some(topic) = &envelope.topic {
        return topic;
    }
    let known = [("event", "event_alert"), ("metric_alert", "metric_alert"), ("issue", "issue")];
    let found = known.iter().find(|(field, _)| !data.get(field).is_blank());
    found.map_or("message", |(_, resource)| resource)
}

fn issue_key(id: &str) -> String {
    text::key(&format!("issue:{id}"))
}

fn issue_of_event(data: &Json<'_>) -> Result<Translated, Malformed> {
    let event = data.get("event");
    let from_link =
        || event.get("issue_url").text()?.trim_end_matches('/').rsplit('/').next().map(str::to_owned);
    let id = event.get("issue_id").text().map(Cow::into_owned).or_else(from_link);
    let id = id.or_else(|| event.get("event_id").text().map(Cow::into_owned));
    let Some(id) = id else {
        return Err(Malformed::at(
            "/data/event/issue_id",
            "is missing: it is what tells one issue from others",
        ));
    };
    let mut details = Lines::default();
    details.field("rule", data.get("triggered_rule"));
    for name in ["culprit", "environment", "platform", "release", "message"] {
        details.field(name, event.get(name));
    }
    let tags: Vec<_> = event.get("tags").items().iter().filter_map(tag).collect();
    details.line("tags", &tags.join(", "));
    let mut links = Links::default();
    links.add(event.get("web_url"), "Sentry");
    Ok(Translated {
        action: AlertAction::Trigger,
        key: issue_key(&id),
        title: title(event, &["title", "message"], &id),
        details: details.kept(),
        source: event.any(&["server_name", "environment", "culprit"]).text().map(|name| text::word(&name)),
        links: links.kept(),
        labels: text::tags(tags.into_iter().map(Cow::Owned)),
        at: words::time(event.any(&["datetime", "timestamp"])),
        ..words::severity(event.get("level")).alert()
    })
}

fn tag(pair: &Json<'_>) -> Option<String> {
    let [name, value] = pair.items() else { return None };
    Some(format!("{}={}", name.text()?, value.text()?))
}

fn title(of: &Json<'_>, names: &[&str], id: &str) -> String {
    let said = of.any(names).text().map(|title| text::title(&title)).filter(|title| !title.is_empty());
    said.unwrap_or_else(|| text::title(&format!("Sentry issue {id}")))
}

fn issue(data: &Json<'_>, word: &str, archived_is_over: bool) -> Result<Meaning, Malformed> {
    let issue = data.get("issue");
    let Some(id) = issue.get("id").text() else {
        return Err(Malformed::at("/data/issue/id", "is missing: it is what tells one issue from others"));
    };
    let action = match word {
        "resolved" => AlertAction::Resolve,
        "ignored" | "archived" if archived_is_over => AlertAction::Resolve,
        "unresolved" => AlertAction::Trigger,
        other => return Ok(Meaning::recorded(text::word(&format!("the issue was {other}")))),
    };
    let mut details = Lines::default();
    for name in ["shortId", "culprit", "status", "substatus", "platform"] {
        details.field(name, issue.get(name));
    }
    details.field("project", issue.get("project").any(&["name", "slug"]));
    let mut links = Links::default();
    links.add(issue.any(&["web_url", "permalink", "url"]), "Sentry");
    Ok(Translated {
        action,
        key: issue_key(&id),
        title: title(issue, &["title"], &id),
        details: details.kept(),
        source: issue.get("project").any(&["slug", "name"]).text().map(|name| text::word(&name)),
        links: links.kept(),
        at: words::time(issue.get("lastSeen")),
        ..words::severity(issue.get("level")).alert()
    }
    .into())
}

fn metric_alert(data: &Json<'_>, word: &str) -> Result<Translated, Malformed> {
    let alert = data.get("metric_alert");
    let Some(id) = alert.get("id").text() else {
        let detail = "is missing: it is what tells one alert from others";
        return Err(Malformed::at("/data/metric_alert/id", detail));
    };
    let rule = alert.get("alert_rule");
    let resolved = Json::Text("info".into());
    let said = Json::Text(word.into());
    let grade = words::severity(if word == "resolved" { &resolved } else { &said });
    let mut details = Lines::default();
    details.prose(data.get("description_text"));
    details.field("rule", rule.get("name"));
    details.field("query", rule.get("query"));
    details.field("aggregate", rule.get("aggregate"));
    details.field("environment", rule.get("environment"));
    details.field("projects", alert.get("projects"));
    let mut links = Links::default();
    links.add(data.get("web_url"), "Sentry");
    let title = data.any(&["description_title"]).text().or_else(|| alert.get("title").text());
    let title = title.map(|title| text::title(&title)).filter(|title| !title.is_empty());
    Ok(Translated {
        action: if word == "resolved" { AlertAction::Resolve } else { AlertAction::Trigger },
        key: text::key(&format!("metric:{id}")),
        title: title.unwrap_or_else(|| text::title(&format!("Sentry metric alert {id}"))),
        details: details.kept(),
        source: alert.get("projects").items().first().and_then(Json::text).map(|name| text::word(&name)),
        links: links.kept(),
        at: words::time(alert.any(&["date_detected", "date_started", "date_created"])),
        ..grade.alert()
    })
}

/// What somebody wrote under an issue is written down with its incident.
fn comment(data: &Json<'_>, word: &str) -> Meaning {
    let (id, words) = (data.get("issue_id").text(), data.get("comment").text());
    let (Some(id), Some(words), "created") = (id, words, word) else {
        return Meaning::recorded(text::word(&format!("a comment was {word}")));
    };
    Translated {
        action: AlertAction::Note,
        key: issue_key(&id),
        title: text::title(&format!("Comment on Sentry issue {id}")),
        details: text::details(&words),
        severity: domain::Severity::Info,
        at: words::time(data.get("timestamp")),
        ..Translated::default()
    }
    .into()
}
