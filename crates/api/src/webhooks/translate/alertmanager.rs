//! Prometheus Alertmanager's webhook, version 4. One message speaks of one group of alerts. One problem is a group, or
//! each alert of it, as the integration says.

use std::{borrow::Cow, fmt::Write};

use domain::{
    Alert, AlertAction, Meaning, Translated,
    integration::{Identity, Reading},
};

use super::{
    Malformed, generic,
    json::Json,
    text::{self, Links},
    words::{self, Grade},
};

/// Alerts whose words and links are looked at; the details would be cut after fewer.
const MAX_SHOWN: usize = 50;

/// Alerts of one message that are problems of their own; in larger groups nobody would look at each.
const MAX_APART: usize = 2000;

/// Where links are among the annotations.
const RUNBOOK: [&str; 2] = ["runbook_url", "runbook"];
const DASHBOARD: [&str; 2] = ["dashboard_url", "dashboard"];

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
    /// Where an alert has a picture, if it may have one.
    pub(super) image: Option<&'static str>,
}

const ALERTMANAGER: Flavour = Flavour {
    tool: "Alertmanager",
    title: None,
    values: None,
    links: &[("generatorURL", "Source")],
    image: None,
};

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
    let group = Group::new(flavour, message);
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

/// The fields of an object in the order of their names, for those that are asked for field by field. Most have a few, for
/// which this is faster than a table, and none can make it slow by its choice of names.
struct Named<'a, 'b>(Vec<(&'a str, &'a Json<'b>)>);

impl<'a, 'b> Named<'a, 'b> {
    fn new(object: &'a Json<'b>) -> Self {
        let mut fields: Vec<_> = object.fields().iter().map(|(name, value)| (&**name, value)).collect();
        fields.sort_by_key(|(name, _)| *name);
        Self(fields)
    }

    /// As in [`Json::get`], the last of equal names counts.
    fn has(&self, name: &str, value: &Json<'b>) -> bool {
        let after = self.0.partition_point(|(other, _)| *other <= name);
        let known = after.checked_sub(1).map(|last| self.0[last]).filter(|(other, _)| *other == name);
        known.map_or(*value == Json::Null, |(_, known)| known == value)
    }
}

/// One message, and what its alerts have in common. That is looked up once: a message may have thousands of alerts,
/// or of labels, and must not take thousands times thousands of steps.
struct Group<'a, 'b> {
    flavour: &'a Flavour,
    message: &'a Json<'b>,
    /// Whether it says that it is over.
    over: Option<bool>,
    labels: Named<'a, 'b>,
    common_labels: Named<'a, 'b>,
    common_notes: Named<'a, 'b>,
    /// The title that somebody wrote for all of it.
    written: Option<String>,
    /// Its name, where it has one for all of it; else its title.
    name: Option<Cow<'a, str>>,
    title: Option<Cow<'a, str>>,
    /// The labels that make the group, as a title ends in them.
    suffix: String,
    /// The words that somebody wrote for all of it.
    words: Option<String>,
    severity: Option<Grade>,
    runbook: &'a Json<'b>,
    dashboard: &'a Json<'b>,
    external: &'a Json<'b>,
    truncated: i64,
}

impl<'a, 'b> Group<'a, 'b> {
    fn new(flavour: &'a Flavour, message: &'a Json<'b>) -> Self {
        const WORDS: [&str; 3] = ["description", "message", "summary"];
        let [labels, common, notes] =
            ["groupLabels", "commonLabels", "commonAnnotations"].map(|name| message.get(name));
        let severity = common.any(&["severity", "priority"]);
        // More than is kept in the end, also where line breaks of two characters become one.
        let cut = |text: &str, kept: usize| text.chars().take(2 * kept + 1).collect::<String>();
        Self {
            flavour,
            message,
            over: says(message, AlertAction::Resolve),
            labels: Named::new(labels),
            common_labels: Named::new(common),
            common_notes: Named::new(notes),
            written: written(notes),
            name: common.get("alertname").text().or_else(|| labels.get("alertname").text()),
            title: flavour.title.and_then(|name| message.get(name).text()),
            suffix: cut(
                &suffix(labels.fields().iter().filter(|(label, _)| label != "alertname")),
                Alert::MAX_TITLE,
            ),
            words: notes.any(&WORDS).text().map(|words| cut(&words, Alert::MAX_DETAILS)),
            severity: (!severity.is_blank()).then(|| words::severity(severity)),
            runbook: notes.any(&RUNBOOK),
            dashboard: notes.any(&DASHBOARD),
            external: message.get("externalURL"),
            truncated: truncated(message),
        }
    }

    /// The group as one problem.
    fn whole(&self, key: String, alerts: &'a [Json<'b>]) -> Meaning {
        let firing: Vec<&Json<'_>> = alerts.iter().filter(|alert| self.is_firing(alert)).collect();
        let over = firing.is_empty() && self.over.unwrap_or(!alerts.is_empty());
        let truncated = self.truncated;
        if over && truncated > 0 {
            // The status of a group is made of the alerts that were not left out.
            return Meaning::ignored(format!(
                "the alerts in the message are over, but it leaves out {truncated} more, which may not be"
            ));
        }
        let about: Vec<&Json<'_>> = if over { alerts.iter().collect() } else { firing };
        let action = if over { AlertAction::Resolve } else { AlertAction::Trigger };
        let source = source(self.message.get("commonLabels"));
        self.translated(action, key, &about, source).into()
    }

    /// One alert as one problem.
    fn one(&self, alert: &Json<'b>) -> Translated {
        let action = if self.is_firing(alert) { AlertAction::Trigger } else { AlertAction::Resolve };
        let labels = alert.get("labels");
        let key = match alert.get("fingerprint").text() {
            Some(fingerprint) => text::key(&fingerprint),
            None => digest(labels),
        };
        self.translated(action, key, &[alert], source(labels))
    }

    /// An alert without a status of its own has that of its group. In doubt it fires.
    fn is_firing(&self, alert: &Json<'_>) -> bool {
        !says(alert, AlertAction::Resolve).or(self.over).unwrap_or(false)
    }

    fn translated(
        &self,
        action: AlertAction,
        key: String,
        about: &[&Json<'b>],
        source: Option<String>,
    ) -> Translated {
        let grade = self.severity.clone().unwrap_or_else(|| worst(about));
        Translated {
            action,
            key,
            title: self.title(about),
            details: self.details(about),
            source,
            component: component(about),
            links: self.links(about),
            images: self.images(about),
            labels: self.labels(about),
            at: about.iter().filter_map(|alert| words::time(alert.get("startsAt"))).min(),
            ..grade.alert()
        }
    }

    /// The words of whoever wrote the rule, or else its name and the labels that tell it from others.
    fn title(&self, about: &[&Json<'b>]) -> String {
        let own = match about {
            [only] => written(only.get("annotations")),
            _ => None,
        };
        if let Some(title) = own.or_else(|| self.written.clone()) {
            return title;
        }
        let name = self.name.clone();
        let name = name.or_else(|| about.first()?.get("labels").get("alertname").text());
        let name = name.or_else(|| self.title.clone());
        let name = name.map(|name| text::title(&name)).filter(|title| !title.is_empty());
        let mut title = name.unwrap_or_else(|| format!("{} alert", self.flavour.tool));
        title.push_str(&self.suffix);
        match about {
            [only] => {
                let own = only.get("labels").fields().iter().filter(|(label, value)| {
                    label != "alertname"
                        && !self.common_labels.has(label, value)
                        && !self.labels.has(label, value)
                });
                title.push_str(&suffix(own));
            }
            many => {
                let _ = write!(title, " ({} alerts)", many.len());
            }
        }
        text::title(&title)
    }

    /// The common words, then each alert with its labels and its own words.
    fn details(&self, about: &[&Json<'b>]) -> Option<String> {
        let mut details = String::new();
        if let Some(words) = &self.words {
            let _ = writeln!(details, "{words}\n");
        }
        for alert in about.iter().take(MAX_SHOWN) {
            if details.len() > 4 * Alert::MAX_DETAILS {
                break;
            }
            details.push('•');
            details.push_str(&suffix(alert.get("labels").fields().iter()));
            details.push('\n');
            let values = self.flavour.values.and_then(|name| alert.get(name).text());
            if let Some(values) = values {
                let _ = writeln!(details, "  values: {values}");
            }
            for (name, value) in alert.get("annotations").fields() {
                if !self.common_notes.has(name, value)
                    && let Some(words) = value.text()
                {
                    let _ = writeln!(details, "  {name}: {words}");
                }
            }
        }
        if self.truncated > 0 {
            let (truncated, tool) = (self.truncated, self.flavour.tool);
            let _ = writeln!(details, "… and {truncated} more alerts that {tool} left out");
        }
        text::details(&details)
    }

    /// What all of them have in common, or what the only one has.
    fn labels(&self, about: &[&Json<'b>]) -> domain::Labels {
        match about {
            [only] => text::labels(only.get("labels")),
            _ => text::labels(self.message.get("commonLabels")),
        }
    }

    fn images(&self, about: &[&Json<'b>]) -> Vec<domain::Link> {
        let mut images = Links::default();
        if let Some(name) = self.flavour.image {
            about.iter().take(MAX_SHOWN).for_each(|alert| images.add(alert.get(name), "Image"));
        }
        images.kept()
    }

    fn links(&self, about: &[&Json<'b>]) -> Vec<domain::Link> {
        let mut links = Links::default();
        let shown = || about.iter().take(MAX_SHOWN);
        links.add(self.runbook, "Runbook");
        links.add(self.dashboard, "Dashboard");
        for annotations in shown().map(|one| one.get("annotations")) {
            links.add(annotations.any(&RUNBOOK), "Runbook");
            links.add(annotations.any(&DASHBOARD), "Dashboard");
        }
        links.add(self.external, self.flavour.tool);
        for alert in shown() {
            for (name, words) in self.flavour.links {
                links.add(alert.get(name), words);
            }
        }
        links.kept()
    }
}

/// What is broken, where all alerts say the same.
fn component(about: &[&Json<'_>]) -> Option<String> {
    const NAMES: [&str; 4] = ["component", "device", "mountpoint", "container"];
    let mut said = about.iter().map(|alert| {
        let labels = alert.get("labels");
        NAMES.iter().find_map(|name| labels.get(name).text()).map(|word| text::word(&word))
    });
    let first = said.next()??;
    said.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

/// The title that somebody wrote.
fn written(annotations: &Json<'_>) -> Option<String> {
    let words = annotations.any(&["summary", "title", "message"]).text();
    words.map(|text| text::title(&text)).filter(|title| !title.is_empty())
}

/// Labels behind a name: ` cluster=lab mount=/srv`.
fn suffix<'a, 'b: 'a>(labels: impl Iterator<Item = &'a (Cow<'b, str>, Json<'b>)>) -> String {
    labels.fold(String::new(), |mut text, (label, value)| {
        let _ = write!(text, " {label}={}", value.text().unwrap_or_default());
        text
    })
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

/// The worst severity of alerts that do not share one.
fn worst(about: &[&Json<'_>]) -> Grade {
    let each = about.iter().map(|alert| alert.get("labels").any(&["severity", "priority"]));
    each.filter(|said| !said.is_blank())
        .map(words::severity)
        // Of equally bad ones the first word in the alphabet: one that was not understood comes last.
        .max_by(|one, other| one.severity.cmp(&other.severity).then(other.unknown.cmp(&one.unknown)))
        .unwrap_or_default()
}
