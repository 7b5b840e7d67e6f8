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
            ("key", self.key.as_ref()),
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

    /// Reads what an alert says anew. A part whose expression fails stays as it is, with a remark.
    pub(super) fn apply(&self, scope: &Scope<'_>, severities: &Severities, alert: &mut Translated) {
        let mut made = alert.clone();
        for (name, part) in self.parts() {
            let Some(part) = part else { continue };
            let outcome = match part.evaluate(scope) {
                Ok(value) => set(name, &value, severities, &mut made),
                Err(error) => Err(error.to_string()),
            };
            if let Err(why) = outcome {
                made.ruling.remarks.push(text::line(&format!("the mapping of {name} failed: {why}"), 300));
            }
        }
        *alert = made;
    }
}

fn set(name: &str, value: &Value<'_>, severities: &Severities, alert: &mut Translated) -> Result<(), Unfit> {
    match name {
        "action" => alert.action = action(&needed(value)?)?,
        "key" => alert.key = text::key(&needed(value)?),
        "title" => alert.title = text::title(&needed(value)?),
        "details" => alert.details = optional(value)?.and_then(|words| text::details(&words)),
        "severity" => severity(&needed(value)?, severities, alert),
        "source" => alert.source = optional(value)?.map(|words| text::word(&words)),
        "component" => alert.component = optional(value)?.map(|words| text::word(&words)),
        "routingKey" => alert.routing_key = optional(value)?.map(|words| text::word(&words)),
        "labels" => alert.labels = labels(value)?,
        "links" => alert.links = links(value, "Link")?,
        "images" => alert.images = links(value, "Image")?,
        _ => alert.at = Some(time(value)?),
    }
    Ok(())
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
fn severity(word: &str, severities: &Severities, alert: &mut Translated) {
    let known = severities.meaning(word);
    alert.severity_word = Some(text::word(word));
    alert.unknown_severity = known.is_none().then(|| text::word(word));
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
