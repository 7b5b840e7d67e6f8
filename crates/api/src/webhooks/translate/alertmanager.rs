//! Prometheus Alertmanager's webhook, version 4. One message speaks of one group of alerts. One problem is a group, or
//! each alert of it, as the integration says.

use std::{borrow::Cow, fmt::Write};

use domain::{
    Alert, AlertAction, Meaning, Severity, Translated,
    integration::{Identity, Reading},
};

use super::{
    Malformed, generic,
    json::Json,
    text::{self, Links},
    words,
};

/// Alerts whose words and links are looked at; the details would be cut after fewer.
const MAX_SHOWN: usize = 50;

/// Alerts of one message that are problems of their own; in larger groups nobody would look at each.
const MAX_APART: usize = 2000;

/// What tells the members of the family apart.
pub(super) struct Flavour {
    /// The tool's name.
    pub(super) tool: &'static str,
    /// The name under which the message has a title of its own, if it has one.
    pub(super) title: Option<&'static str>,
    /// Where an alert has values that are not among its labels.
    pub(super) values: Option<&'static str>,
    /// Where an alert has links.
    pub(super) links: &'static [(&'static str, &'static str)],
}

const ALERTMANAGER: Flavour =
    Flavour { tool: "Alertmanager", title: None, values: None, links: &[("generatorURL", "Source")] };

/// Translates one message. A body that a custom template made, which has no group, is read as the generic format.
pub(super) fn translate(message: &Json<'_>, reading: Reading) -> Result<Meaning, Malformed> {
    translate_as(&ALERTMANAGER, message, reading)
}

/// Translates one message of a member of the family.
pub(super) fn translate_as(
    flavour: &Flavour,
    message: &Json<'_>,
    reading: Reading,
) -> Result<Meaning, Malformed> {
    let Some(key) = key(message) else { return generic::translate(message).map(Meaning::from) };
    let group = Group { flavour, message };
    let alerts = message.get("alerts").items();
    if reading.identity == Identity::Alert && alerts.len() <= MAX_APART {
        let told = alerts.iter().filter(|alert| matches!(alert, Json::Object(_)));
        let told: Vec<_> = told.map(|alert| group.one(alert)).collect();
        if !told.is_empty() {
            return Ok(Meaning::Alerts(told));
        }
    }
    Ok(group.whole(key, alerts))
}

/// One message.
struct Group<'a, 'b> {
    flavour: &'a Flavour,
    message: &'a Json<'b>,
}

impl<'a, 'b> Group<'a, 'b> {
    /// The group as one problem.
    fn whole(&self, key: String, alerts: &'a [Json<'b>]) -> Meaning {
        let message = self.message;
        let firing: Vec<&Json<'_>> = alerts.iter().filter(|alert| is_firing(message, alert)).collect();
        let over = firing.is_empty() && says(message, AlertAction::Resolve).unwrap_or(!alerts.is_empty());
        let truncated = truncated(message);
        if over && truncated > 0 {
            // The status of a group is made of the alerts that were not left out.
            return Meaning::ignored(format!(
                "the alerts in the message are over, but it leaves out {truncated} more, which may not be"
            ));
        }
        let about: Vec<&Json<'_>> = if over { alerts.iter().collect() } else { firing };
        let action = if over { AlertAction::Resolve } else { AlertAction::Trigger };
        let source = source(message.get("commonLabels"));
        self.translated(action, key, &about, source).into()
    }

    /// One alert as one problem.
    fn one(&self, alert: &Json<'_>) -> Translated {
        let fires = is_firing(self.message, alert);
        let action = if fires { AlertAction::Trigger } else { AlertAction::Resolve };
        let labels = alert.get("labels");
        let key = match alert.get("fingerprint").text() {
            Some(fingerprint) => text::key(&fingerprint),
            None => digest(labels),
        };
        self.translated(action, key, &[alert], source(labels))
    }

    fn translated(
        &self,
        action: AlertAction,
        key: String,
        about: &[&Json<'_>],
        source: Option<String>,
    ) -> Translated {
        let (severity, unknown_severity) = severity(self.message, about);
        Translated {
            action,
            key,
            incident: None,
            ordered: false,
            title: self.title(about),
            details: self.details(about),
            severity,
            unknown_severity,
            source,
            links: self.links(about),
            at: about.iter().filter_map(|alert| words::time(alert.get("startsAt"))).min(),
        }
    }

    /// The words of whoever wrote the rule, or else its name and the labels that tell it from others.
    fn title(&self, about: &[&Json<'_>]) -> String {
        let message = self.message;
        let written = |annotations: &Json<'_>| {
            let words = annotations.any(&["summary", "title", "message"]).text();
            words.map(|text| text::title(&text)).filter(|title| !title.is_empty())
        };
        let own = match about {
            [only] => written(only.get("annotations")),
            _ => None,
        };
        if let Some(title) = own.or_else(|| written(message.get("commonAnnotations"))) {
            return title;
        }
        let (group, common) = (message.get("groupLabels"), message.get("commonLabels"));
        let first = about.first().map_or(&Json::Null, |alert| alert.get("labels"));
        let name = [common, group, first].into_iter().find_map(|labels| labels.get("alertname").text());
        let name = name.or_else(|| message.get(self.flavour.title?).text());
        let name = name.map(|name| text::title(&name)).filter(|name| !name.is_empty());
        let mut title = name.unwrap_or_else(|| format!("{} alert", self.flavour.tool));
        for (label, value) in group.fields().iter().filter(|(label, _)| label != "alertname") {
            let _ = write!(title, " {label}={}", value.text().unwrap_or_default());
        }
        match about {
            [only] => {
                let own = only.get("labels").fields().iter().filter(|(label, value)| {
                    label != "alertname" && common.get(label) != value && group.get(label) != value
                });
                for (label, value) in own {
                    let _ = write!(title, " {label}={}", value.text().unwrap_or_default());
                }
            }
            many => {
                let _ = write!(title, " ({} alerts)", many.len());
            }
        }
        text::title(&title)
    }

    /// The common words, then each alert with its labels and its own words.
    fn details(&self, about: &[&Json<'_>]) -> Option<String> {
        const COMMON: [&str; 3] = ["description", "message", "summary"];
        let common = self.message.get("commonAnnotations");
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
            let values = self.flavour.values.and_then(|name| alert.get(name).text());
            if let Some(values) = values {
                let _ = writeln!(details, "  values: {values}");
            }
            for (name, value) in alert.get("annotations").fields() {
                if common.get(name) != value
                    && let Some(words) = value.text()
                {
                    let _ = writeln!(details, "  {name}: {words}");
                }
            }
        }
        let truncated = truncated(self.message);
        if truncated > 0 {
            let tool = self.flavour.tool;
            let _ = writeln!(details, "… and {truncated} more alerts that {tool} left out");
        }
        text::details(&details)
    }

    fn links(&self, about: &[&Json<'_>]) -> Vec<domain::Link> {
        let message = self.message;
        let mut links = Links::default();
        let shown = || about.iter().take(MAX_SHOWN);
        let notes = || {
            std::iter::once(message.get("commonAnnotations")).chain(shown().map(|one| one.get("annotations")))
        };
        for annotations in notes() {
            links.add(annotations.any(&["runbook_url", "runbook"]), "Runbook");
            links.add(annotations.any(&["dashboard_url", "dashboard"]), "Dashboard");
        }
        links.add(message.get("externalURL"), self.flavour.tool);
        for alert in shown() {
            for (name, words) in self.flavour.links {
                links.add(alert.get(name), words);
            }
        }
        links.kept()
    }
}

fn source(labels: &Json<'_>) -> Option<String> {
    let names = ["instance", "node", "pod", "service", "job"];
    names.iter().find_map(|name| labels.get(name).text()).map(|source| text::word(&source))
}

/// How many alerts of the group the message leaves out.
fn truncated(message: &Json<'_>) -> i64 {
    match message.get("truncatedAlerts") {
        Json::Integer(more) => *more,
        other => other.text().and_then(|more| more.parse().ok()).unwrap_or(0),
    }
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
    Some(digest(labels.into_iter().find(|labels| !labels.is_blank()).unwrap_or(&Json::Null)))
}

/// A key made of labels, in whatever order they come.
fn digest(labels: &Json<'_>) -> String {
    let mut pairs: Vec<_> = labels.fields().iter().map(|(name, value)| (name, value.text())).collect();
    pairs.sort();
    let value = |value: &'_ Option<Cow<'_, str>>| value.as_deref().unwrap_or_default().to_owned();
    let parts: Vec<String> = pairs.iter().flat_map(|(name, text)| [name.to_string(), value(text)]).collect();
    text::digest("labels:", &parts.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Whether `message` or one of its alerts says `action`; `None` if it says nothing that is known.
fn says(message: &Json<'_>, action: AlertAction) -> Option<bool> {
    message.get("status").text().and_then(|word| words::action(&word)).map(|said| said == action)
}

/// An alert without a status of its own has that of its group. In doubt it fires.
fn is_firing(message: &Json<'_>, alert: &Json<'_>) -> bool {
    !says(alert, AlertAction::Resolve).or_else(|| says(message, AlertAction::Resolve)).unwrap_or(false)
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
