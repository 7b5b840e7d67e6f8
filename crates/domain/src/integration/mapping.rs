//! Reading a message in the way that somebody wrote down, where a format says too little of its own.

use serde::{Deserialize, Serialize};

use super::Severities;
use crate::{
    Alert, AlertAction, Invalid, Labels, Link, Timestamp, Translated,
    expression::{Expression, Scope, Value},
    json::Json,
    text,
};

/// Expressions over a message, one for each part of an alert; what is left out stays as the format has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mapping {
    /// What the monitoring tool wants done: one of the words of [`AlertAction`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Expression>,
    /// What makes two alerts the same problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Expression>,
    /// What is wrong, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Expression>,
    /// Longer words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Expression>,
    /// How bad it is, as a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Expression>,
    /// The part of the world it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Expression>,
    /// What of that part is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<Expression>,
    /// The routing key of a service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_key: Option<Expression>,
    /// Names and values: a map.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Expression>,
    /// Addresses: a list of texts, or of maps with `href` and `text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<Expression>,
    /// Addresses of pictures, in the same ways.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<Expression>,
    /// When it happened: RFC 3339, or seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Expression>,
}

/// Why a part of an alert stays as the format has it.
type Unfit = String;

impl Mapping {
    /// Whether nothing is mapped.
    pub fn is_empty(&self) -> bool {
        self.parts().iter().all(|(_, part)| part.is_none())
    }

    /// Its expressions by the names of the parts.
    pub fn parts(&self) -> [(&'static str, Option<&Expression>); 12] {
        [
            ("action", self.action.as_ref()),
            ("dedupKey", self.key.as_ref()),
            ("title", self.title.as_ref()),
            ("details", self.details.as_ref()),
            ("severity", self.severity.as_ref()),
            ("source", self.source.as_ref()),
            ("component", self.component.as_ref()),
            ("routingKey", self.routing_key.as_ref()),
            ("labels", self.labels.as_ref()),
            ("links", self.links.as_ref()),
            ("images", self.images.as_ref()),
            ("at", self.at.as_ref()),
        ]
    }

    pub(super) fn check(&self) -> Result<(), Invalid> {
        for (name, part) in self.parts() {
            if let Some(error) = part.and_then(Expression::error) {
                return Err(Invalid::new(format!("mapping.{name}"), format!("cannot be used: {error}")));
            }
        }
        Ok(())
    }

    /// What its expressions say, or why they fail.
    pub(super) fn read(&self, scope: &Scope<'_>) -> Vec<Result<Part, Unfit>> {
        let said = self.parts().into_iter().filter_map(|(name, part)| Some((name, part?)));
        let read = said.map(|(name, part)| {
            let value = part.evaluate(scope).map_err(|error| error.to_string());
            value
                .and_then(|value| Part::read(name, &value))
                .map_err(|why| text::line(&format!("the mapping of {name} failed: {why}"), 300))
        });
        read.collect()
    }

    /// Reads what an alert says anew. A part whose expression fails stays as it is, with a remark.
    pub(super) fn apply(read: Vec<Result<Part, Unfit>>, severities: &Severities, alert: &mut Translated) {
        for part in read {
            match part {
                Ok(part) => part.put(severities, alert),
                Err(remark) => alert.ruling.remarks.push(remark),
            }
        }
    }
}

/// A part of an alert as it was read.
pub(super) enum Part {
    Action(AlertAction),
    Key(String),
    Title(String),
    Details(Option<String>),
    Severity(String),
    Source(Option<String>),
    Component(Option<String>),
    RoutingKey(Option<String>),
    Labels(Labels),
    Links(Vec<Link>),
    Images(Vec<Link>),
    At(Timestamp),
}

impl Part {
    fn read(name: &str, value: &Value<'_>) -> Result<Self, Unfit> {
        let word = |words: Option<String>| words.map(|words| text::word(&words));
        Ok(match name {
            "action" => Self::Action(action(&needed(value)?)?),
            "dedupKey" => Self::Key(text::key(&needed(value)?)),
            "title" => Self::Title(text::title(&needed(value)?)),
            "details" => Self::Details(optional(value)?.and_then(|words| text::details(&words))),
            "severity" => Self::Severity(text::word(&needed(value)?)),
            "source" => Self::Source(word(optional(value)?)),
            "component" => Self::Component(word(optional(value)?)),
            "routingKey" => Self::RoutingKey(word(optional(value)?)),
            "labels" => Self::Labels(labels(value)?),
            "links" => Self::Links(links(value, "Link")?),
            "images" => Self::Images(links(value, "Image")?),
            _ => Self::At(time(value)?),
        })
    }

    fn put(self, severities: &Severities, alert: &mut Translated) {
        match self {
            Self::Action(action) => alert.action = action,
            Self::Key(key) => alert.key = key,
            Self::Title(title) => alert.title = title,
            Self::Details(details) => alert.details = details,
            Self::Severity(word) => severity(word, severities, alert),
            Self::Source(source) => alert.source = source,
            Self::Component(component) => alert.component = component,
            Self::RoutingKey(key) => alert.routing_key = key,
            Self::Labels(labels) => alert.labels = labels,
            Self::Links(links) => alert.links = links,
            Self::Images(images) => alert.images = images,
            Self::At(at) => alert.at = Some(at),
        }
    }
}

fn needed(value: &Value<'_>) -> Result<String, Unfit> {
    optional(value)?.ok_or_else(|| "it says nothing".to_owned())
}

/// Null says nothing, and neither does a text without anything that can be seen.
fn optional(value: &Value<'_>) -> Result<Option<String>, Unfit> {
    match (value.as_text(), value) {
        (Some(words), _) => {
            let seen = |letter: char| !letter.is_control() && !letter.is_whitespace();
            Ok(words.contains(seen).then(|| words.into_owned()))
        }
        (None, Value::Null | Value::Text(_)) => Ok(None),
        (None, _) => Err(format!("it is a {} and not a text", value.kind())),
    }
}

fn action(word: &str) -> Result<AlertAction, Unfit> {
    let word = word.to_lowercase();
    let known = [AlertAction::Trigger, AlertAction::Acknowledge, AlertAction::Resolve];
    known
        .into_iter()
        .find(|action| action.word() == word)
        .ok_or_else(|| format!("`{word}` is none of trigger, acknowledge and resolve"))
}

/// A word that nobody knows is no failure: it counts as an unknown severity of the monitoring tool.
fn severity(word: String, severities: &Severities, alert: &mut Translated) {
    let known = severities.meaning(&word);
    alert.unknown_severity = known.is_none().then(|| word.clone());
    alert.severity_word = Some(word);
    alert.severity = known.unwrap_or_default();
}

fn labels(value: &Value<'_>) -> Result<Labels, Unfit> {
    let Json::Object(fields) = value.to_json() else {
        return Err(format!("it is a {} and not a map", value.kind()));
    };
    let said = fields.iter().filter_map(|(name, value)| Some((name, value.text()?)));
    let label = |name: &str, value: &str| {
        (text::line(name, 2 * Alert::MAX_LABEL), text::line(value, Alert::MAX_LABEL))
    };
    Ok(said.take(Alert::MAX_LABELS).map(|(name, value)| label(name, &value)).collect())
}

fn links(value: &Value<'_>, usual: &str) -> Result<Vec<Link>, Unfit> {
    let Json::List(items) = value.to_json() else {
        return Err(format!("it is a {} and not a list", value.kind()));
    };
    let link = |item: &Json<'_>| {
        let (href, words) = match item {
            Json::Object(_) => (item.get("href").text()?, item.get("text").text()),
            _ => (item.text()?, None),
        };
        let words = words.map_or_else(|| usual.to_owned(), |words| text::word(&words));
        text::is_link(&href).then(|| Link { href: href.into_owned(), text: words })
    };
    Ok(items.iter().filter_map(link).take(Alert::MAX_LINKS).collect())
}

fn time(value: &Value<'_>) -> Result<Timestamp, Unfit> {
    let words = needed(value)?;
    let seconds = || words.parse::<f64>().ok().filter(|seconds| (0.0..1e11).contains(seconds));
    #[expect(clippy::cast_possible_truncation, reason = "far below the limit of 64 bits")]
    let since_1970 = || seconds().map(|seconds| Timestamp::from_millis((seconds * 1000.0).round() as i64));
    let at = words.parse().ok().or_else(since_1970);
    at.ok_or_else(|| format!("`{}` is no time", text::word(&words)))
}
