//! Midwatch's own format, which is whatever a script with `curl` is likely to send.

use std::borrow::Cow;

use domain::{AlertAction, Translated};

use super::{
    Malformed,
    json::Json,
    text::{self, Links},
    words,
};

const TITLE: [&str; 8] =
    ["title", "summary", "message", "name", "alertname", "alert_name", "subject", "text"];
/// The last ones are also called so by tools that mean the message rather than the problem, so every other name counts first.
const KEY: [&str; 8] = [
    "dedup_key",
    "deduplication_key",
    "alias",
    "external_id",
    "incident_key",
    "fingerprint",
    "alert_id",
    "id",
];
const ACTION: [&str; 5] = ["event_action", "action", "status", "state", "alert_status"];
const DETAILS: [&str; 7] =
    ["details", "description", "body", "custom_details", "annotations", "long_message", "output"];
const SOURCE: [&str; 5] = ["source", "host", "hostname", "instance", "node"];
const SEVERITY: [&str; 4] = ["severity", "priority", "level", "urgency"];
const COMPONENT: [&str; 4] = ["component", "resource", "check", "class"];
const ROUTING_KEY: [&str; 2] = ["routing_key", "service"];
const TIME: [&str; 9] = [
    "timestamp",
    "time",
    "at",
    "starts_at",
    "occurred_at",
    "date",
    "created_at",
    "triggered_at",
    "event_time",
];

/// Translates one message.
pub(super) fn translate(message: &Json<'_>) -> Result<Translated, Malformed> {
    if !matches!(message, Json::Object(_)) {
        return Err(Malformed::at("", "must be a JSON object"));
    }
    // A word that is not known does not talk us out of paging.
    let action = ACTION
        .iter()
        .find_map(|name| words::action(&message.any(&[name]).text()?))
        .unwrap_or(AlertAction::Trigger);
    let source = message.any(&SOURCE).text();
    let said = message.any(&TITLE).text();
    let key = message.any(&KEY).text();
    let title = match (&said, &key) {
        (Some(title), _) => Cow::Borrowed(&**title),
        (None, Some(key)) if action != AlertAction::Trigger => Cow::Borrowed(&**key),
        (None, _) => first_line(message).ok_or_else(|| {
            Malformed::at("/title", "is missing: say what is wrong in `title`, `summary` or `message`")
        })?,
    };
    let title = text::title(&title);
    if title.is_empty() {
        return Err(Malformed::at("/title", "must have at least one visible character"));
    }
    let key = match key {
        Some(key) => text::key(&key),
        None => text::digest("title:", &[&title, source.as_deref().unwrap_or_default()]),
    };
    Ok(Translated {
        action,
        key,
        title,
        details: details(message, said.as_deref()),
        source: source.map(|source| text::word(&source)),
        component: message.any(&COMPONENT).text().map(|component| text::word(&component)),
        links: links(message),
        images: images(message),
        labels: labels(message),
        routing_key: message.any(&ROUTING_KEY).text().map(|key| text::word(&key)),
        at: words::first_time(message, &TIME),
        ..words::severity(message.any(&SEVERITY)).alert()
    })
}

/// Longer words. Where the title has a name of its own, they may be under those that serve as one elsewhere.
fn details(message: &Json<'_>, title: Option<&str>) -> Option<String> {
    let other = |name: &&str| message.any(&[name]).prose().filter(|words| Some(words.trim()) != title);
    let details = message.any(&DETAILS).prose().or_else(|| ["message", "text"].iter().find_map(other))?;
    text::details(&details)
}

/// What a message calls itself, if it does.
pub(super) fn title_of<'a>(message: &'a Json<'_>) -> Option<Cow<'a, str>> {
    message.any(&TITLE).text().or_else(|| first_line(message))
}

/// A title for a message that has only details.
fn first_line<'a>(message: &'a Json<'_>) -> Option<Cow<'a, str>> {
    let details = DETAILS.iter().find_map(|name| match message.any(&[name]) {
        Json::Text(details) => details.lines().map(str::trim).find(|line| !line.is_empty()),
        _ => None,
    });
    details.map(Cow::Borrowed)
}

fn links(message: &Json<'_>) -> Vec<domain::Link> {
    let mut links = Links::default();
    links.add_list(message.any(&["links"]));
    links.add(message.any(&["url", "link", "client_url", "href", "permalink"]), "Source");
    links.add(message.any(&["runbook_url", "runbook"]), "Runbook");
    links.add(message.any(&["dashboard_url"]), "Dashboard");
    links.kept()
}

fn images(message: &Json<'_>) -> Vec<domain::Link> {
    let mut images = Links::default();
    images.add_list(message.any(&["images"]));
    images.add(message.any(&["image_url", "image"]), "Image");
    images.kept()
}

fn labels(message: &Json<'_>) -> domain::Labels {
    match message.any(&["labels", "tags", "metadata"]) {
        Json::List(tags) => text::tags(tags.iter().filter_map(Json::text)),
        Json::Text(tags) => text::tags(tags.split(',').map(Cow::Borrowed)),
        labels => text::labels(labels),
    }
}
