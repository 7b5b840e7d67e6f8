//! Datadog's webhooks, whose body is a template of the user's. Ours is in the documentation; templates of others are
//! read by the names that they have in common with it.

use std::borrow::Cow;

use domain::{AlertAction, Meaning, Severity, Translated};

use super::{
    Malformed,
    json::Json,
    text::{self, Lines, Links},
    words::{self, Grade},
};

/// What of the world a monitor speaks of. Keep's template has one of the plural names.
const SCOPE: [&str; 4] = ["scope", "alert_scope", "scopes", "alert_scopes"];

/// Translates one message.
pub(super) fn translate(message: &Json<'_>) -> Result<Meaning, Malformed> {
    if !matches!(message, Json::Object(_)) {
        return Err(Malformed::at("", "must be a JSON object"));
    }
    let transition = said(message, &["transition", "alert_transition", "alert_status", "status"]);
    let kind = said(message, &["type", "alert_type", "event_type"]);
    let Some(action) = action(transition.as_deref(), kind.as_deref()) else {
        let word = transition.unwrap_or_default();
        return Ok(Meaning::recorded(format!("the monitor is {}", word.to_lowercase())));
    };
    let title = said(message, &["title", "event_title", "alert_title"])
        .map(|title| text::title(&title))
        .filter(|title| !title.is_empty());
    let Some(key) = key(message, title.as_deref()) else {
        return Err(Malformed::at(
            "/title",
            "is missing, and so is everything that could tell which alert it is",
        ));
    };
    let title = title.unwrap_or_else(|| {
        let monitor = said(message, &["alert_id", "monitor_id", "id"]).unwrap_or_default();
        text::title(format!("Datadog monitor {monitor}").trim_end())
    });
    Ok(Translated {
        action,
        key,
        ordered: true,
        title,
        details: details(message, transition.as_deref()),
        source: said(message, &["host", "hostname"])
            .or_else(|| said(message, &SCOPE))
            .map(|host| text::word(&host)),
        component: said(message, &["metric", "alert_metric"]).map(|metric| text::word(&metric)),
        links: links(message),
        images: images(message),
        labels: labels(message),
        at: words::first_time(message, &["updated_ms", "last_updated", "date_ms", "date", "timestamp"]),
        ..severity(message, kind.as_deref()).alert()
    }
    .into())
}

/// What no other message says of itself: the event, what became of the alert, and when.
pub(super) fn sender_id(message: &Json<'_>) -> Option<String> {
    let event = said(message, &["event_id"])?;
    let transition = said(message, &["transition"]).unwrap_or_default();
    let updated = said(message, &["updated_ms"]).unwrap_or_default();
    Some(text::digest("event:", &[&event, &transition, &updated]))
}

/// The first of these fields that says something; a variable that Datadog did not fill in says nothing.
fn said<'a>(message: &'a Json<'_>, names: &[&str]) -> Option<Cow<'a, str>> {
    names.iter().find_map(|name| message.any(&[name]).text().filter(|text| !is_variable(text)))
}

/// `$ALERT_CYCLE_KEY`, as it was in the template.
fn is_variable(text: &str) -> bool {
    text.strip_prefix('$').is_some_and(|name| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_[]".contains(&byte))
    })
}

/// `None`: there is nothing to do. A word that is not known pages.
fn action(transition: Option<&str>, kind: Option<&str>) -> Option<AlertAction> {
    match transition.map(str::to_ascii_lowercase).as_deref() {
        Some("recovered" | "ok" | "resolved") => Some(AlertAction::Resolve),
        Some("muted") => None,
        None if kind.is_some_and(|kind| kind.eq_ignore_ascii_case("success")) => Some(AlertAction::Resolve),
        Some(_) | None => Some(AlertAction::Trigger),
    }
}

/// The key that ties an alert from its trigger to its recovery; else the monitor and its scope; else the title
/// without the words in brackets that Datadog puts in front of it.
fn key(message: &Json<'_>, title: Option<&str>) -> Option<String> {
    if let Some(cycle) = said(message, &["cycle", "alert_cycle_key"]) {
        return Some(text::key(&cycle));
    }
    let scope = said(message, &SCOPE).unwrap_or_default();
    if let Some(monitor) = said(message, &["alert_id", "monitor_id"]) {
        return Some(text::digest("monitor:", &[&monitor, &scope]));
    }
    if let Some(key) = said(message, &["aggreg", "aggreg_key"]) {
        return Some(text::digest("aggregate:", &[&key, &scope]));
    }
    let mut title = title?;
    while let Some((_, rest)) = title.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        title = rest.trim_start();
    }
    Some(text::digest("title:", &[title, &scope]))
}

fn severity(message: &Json<'_>, kind: Option<&str>) -> Grade {
    let priority = said(message, &["priority", "alert_priority", "severity"]);
    let by_kind = match kind.map(str::to_ascii_lowercase).as_deref() {
        Some("error") => Some(Severity::High),
        Some("warning") => Some(Severity::Medium),
        Some("success" | "info") => Some(Severity::Info),
        _ => None,
    };
    let by_priority = match priority.as_deref().map(str::to_ascii_uppercase).as_deref() {
        Some("P1") => Some(Severity::Critical),
        Some("P2") => Some(Severity::High),
        Some("P3") => Some(Severity::Medium),
        Some("P4" | "P5") => Some(Severity::Info),
        // `$PRIORITY` is one of two words, and says nothing about how bad it is.
        Some("NORMAL") | None => None,
        Some(word) => Severity::from_word(word),
    };
    let known = by_priority.or(by_kind);
    // `$PRIORITY` of events is `normal` or `low`.
    let word = priority.filter(|word| !word.eq_ignore_ascii_case("normal"));
    let word = word.or_else(|| kind.map(Cow::Borrowed)).map(|word| text::word(&word));
    Grade { severity: known.unwrap_or_default(), unknown: known.is_none() && word.is_some(), word }
}

fn details(message: &Json<'_>, transition: Option<&str>) -> Option<String> {
    let mut details = Lines::default();
    if let Some(words) = said(message, &["text", "text_only_msg", "event_msg", "body", "message"]) {
        details.prose(&Json::Text(words));
    }
    details.line("transition", transition.unwrap_or_default());
    for (label, names) in [
        ("monitor", &["alert_id", "monitor_id"][..]),
        ("query", &["query", "alert_query"]),
        ("metric", &["metric", "alert_metric"]),
        ("scope", &SCOPE),
        ("org", &["org_name", "org", "org_id"]),
    ] {
        details.line(label, &said(message, names).unwrap_or_default());
    }
    match message.get("tags") {
        list @ Json::List(_) => details.field("tags", list),
        _ => details.line("tags", &said(message, &["tags"]).unwrap_or_default()),
    }
    details.kept()
}

fn links(message: &Json<'_>) -> Vec<domain::Link> {
    let mut links = Links::default();
    links.add(message.any(&["link", "url", "alert_url"]), "Datadog");
    links.kept()
}

fn images(message: &Json<'_>) -> Vec<domain::Link> {
    let mut images = Links::default();
    images.add(message.any(&["snapshot", "snapshot_url"]), "Snapshot");
    images.kept()
}

fn labels(message: &Json<'_>) -> domain::Labels {
    match message.get("tags") {
        Json::List(tags) => text::tags(tags.iter().filter_map(Json::text)),
        _ => said(message, &["tags"])
            .map(|tags| text::tags(tags.split(',').map(Cow::Borrowed)))
            .unwrap_or_default(),
    }
}
