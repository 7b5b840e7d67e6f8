//! Prometheus Alertmanager's webhook, version 4. One message speaks of one group of alerts, so one group is one problem.

use std::fmt::Write;

use domain::{Alert, AlertAction, Severity, Translated};

use super::{
    Malformed, generic,
    json::Json,
    text::{self, Links},
    words,
};

/// Alerts whose words and links are looked at; the details would be cut after fewer.
const MAX_SHOWN: usize = 50;

/// Translates one message. A body that a custom template made, which has no group, is read as the generic format.
pub(super) fn translate(message: &Json<'_>) -> Result<Translated, Malformed> {
    let Some(key) = key(message) else { return generic::translate(message) };
    let alerts = message.get("alerts").items();
    let firing: Vec<&Json<'_>> = alerts.iter().filter(|alert| is_firing(message, alert)).collect();
    let over = firing.is_empty() && says(message, AlertAction::Resolve).unwrap_or(!alerts.is_empty());
    let about: Vec<&Json<'_>> = if over { alerts.iter().collect() } else { firing };
    let (severity, unknown_severity) = severity(message, &about);
    Ok(Translated {
        action: if over { AlertAction::Resolve } else { AlertAction::Trigger },
        key,
        title: title(message, &about),
        details: details(message, &about),
        severity,
        unknown_severity,
        source: ["instance", "node", "pod", "service", "job"]
            .iter()
            .find_map(|name| message.get("commonLabels").get(name).text())
            .map(|source| text::word(&source)),
        links: links(message, &about),
        at: about.iter().filter_map(|alert| words::time(alert.get("startsAt"))).min(),
    })
}

/// What makes two messages speak of the same problem: Alertmanager's group, or else the labels that make a group.
fn key(message: &Json<'_>) -> Option<String> {
    if let Some(key) = message.get("groupKey").text() {
        return Some(text::key(&key));
    }
    let alerts = message.get("alerts").items();
    if !alerts.iter().any(|alert| matches!(alert, Json::Object(_))) {
        return None;
    }
    let labels = [message.get("groupLabels"), message.get("commonLabels"), alerts[0].get("labels")];
    let labels = labels.into_iter().find(|labels| !labels.is_blank()).unwrap_or(&Json::Null);
    let mut pairs: Vec<_> = labels.fields().iter().map(|(name, value)| (name, value.text())).collect();
    pairs.sort();
    let parts: Vec<&str> =
        pairs.iter().flat_map(|(name, value)| [&***name, value.as_deref().unwrap_or_default()]).collect();
    Some(text::digest("labels:", &parts))
}

/// Whether `message` or one of its alerts says `action`; `None` if it says nothing that is known.
fn says(message: &Json<'_>, action: AlertAction) -> Option<bool> {
    message.get("status").text().and_then(|word| words::action(&word)).map(|said| said == action)
}

/// An alert without a status of its own has that of its group. In doubt it fires.
fn is_firing(message: &Json<'_>, alert: &Json<'_>) -> bool {
    !says(alert, AlertAction::Resolve).or_else(|| says(message, AlertAction::Resolve)).unwrap_or(false)
}

/// The words of whoever wrote the rule, or else its name and the labels of the group.
fn title(message: &Json<'_>, about: &[&Json<'_>]) -> String {
    let written = |annotations: &Json<'_>| {
        annotations.any(&["summary", "title", "message"]).text().map(|text| text::title(&text))
    };
    let own = match about {
        [only] => written(only.get("annotations")),
        _ => None,
    };
    if let Some(title) = written(message.get("commonAnnotations")).or(own).filter(|title| !title.is_empty()) {
        return title;
    }
    let (group, common) = (message.get("groupLabels"), message.get("commonLabels"));
    let first = about.first().map_or(&Json::Null, |alert| alert.get("labels"));
    let name = [common, group, first].into_iter().find_map(|labels| labels.get("alertname").text());
    let name = name.map(|name| text::title(&name)).filter(|name| !name.is_empty());
    let mut title = name.unwrap_or_else(|| "Alertmanager alert".to_owned());
    for (label, value) in group.fields().iter().filter(|(label, _)| label != "alertname") {
        let _ = write!(title, " {label}={}", value.text().unwrap_or_default());
    }
    if about.len() > 1 {
        let _ = write!(title, " ({} alerts)", about.len());
    }
    text::title(&title)
}

/// The common words, then each alert with its labels and its own words.
fn details(message: &Json<'_>, about: &[&Json<'_>]) -> Option<String> {
    const COMMON: [&str; 3] = ["description", "message", "summary"];
    let common = message.get("commonAnnotations");
    let mut details = String::new();
    if let Some(words) = common.any(&COMMON).text() {
        let _ = writeln!(details, "{words}\n");
    }
    for alert in about.iter().take(MAX_SHOWN) {
        if details.len() > 4 * Alert::MAX_DETAILS {
            break;
        }
        details.push('•');
        for (name, value) in alert.get("labels").fields() {
            let _ = write!(details, " {name}={}", value.text().unwrap_or_default());
        }
        details.push('\n');
        for (name, value) in alert.get("annotations").fields() {
            if common.get(name) != value
                && let Some(words) = value.text()
            {
                let _ = writeln!(details, "  {name}: {words}");
            }
        }
    }
    let truncated = match message.get("truncatedAlerts") {
        Json::Integer(more) => *more,
        _ => 0,
    };
    if truncated > 0 {
        let _ = writeln!(details, "… and {truncated} more alerts that Alertmanager left out");
    }
    text::details(&details)
}

/// The severity that all alerts share, or else the worst one.
fn severity(message: &Json<'_>, about: &[&Json<'_>]) -> (Severity, Option<String>) {
    let common = message.get("commonLabels").any(&["severity", "priority"]);
    if !common.is_blank() {
        return words::severity(common);
    }
    let each = about.iter().map(|alert| alert.get("labels").any(&["severity", "priority"]));
    each.filter(|said| !said.is_blank())
        .map(words::severity)
        .max_by(|(one, one_word), (other, other_word)| one.cmp(other).then(other_word.cmp(one_word)))
        .unwrap_or_default()
}

fn links(message: &Json<'_>, about: &[&Json<'_>]) -> Vec<domain::Link> {
    let mut links = Links::default();
    let shown = || about.iter().take(MAX_SHOWN);
    let notes =
        || std::iter::once(message.get("commonAnnotations")).chain(shown().map(|one| one.get("annotations")));
    for annotations in notes() {
        links.add(annotations.any(&["runbook_url", "runbook"]), "Runbook");
        links.add(annotations.any(&["dashboard_url", "dashboard"]), "Dashboard");
    }
    links.add(message.get("externalURL"), "Alertmanager");
    for alert in shown() {
        links.add(alert.get("generatorURL"), "Source");
    }
    links.kept()
}
