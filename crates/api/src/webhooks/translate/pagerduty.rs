//! PagerDuty's Events API v2.

use std::fmt;

use domain::{AlertAction, DeliveryId, Meaning, Translated, delivery::Envelope};
use serde::{
    Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};

use super::{
    Malformed, Problem,
    json::Json,
    text::{self, Links},
    words,
};

/// Characters in a `dedup_key`.
const MAX_DEDUP_KEY: usize = 255;
/// What is called for a change.
const CHANGE: &str = "POST /v2/change/enqueue";

/// Translates one message: an event, or a change, which pages nobody.
pub(super) fn translate(
    message: &Json<'_>,
    envelope: &Envelope,
    delivery: DeliveryId,
) -> Result<Meaning, Malformed> {
    if !matches!(message, Json::Object(_)) {
        return Err(Malformed::not_json("the event is not a JSON object"));
    }
    match envelope.call.as_deref() {
        Some(CHANGE) => change(message),
        _ => event(message, delivery).map(Meaning::from),
    }
}

/// A change needs a summary, and leads to nothing.
fn change(message: &Json<'_>) -> Result<Meaning, Malformed> {
    let payload = message.get("payload");
    match (payload, payload.get("summary").text()) {
        (Json::Object(_), Some(summary)) => {
            Ok(Meaning::recorded(format!("recorded as a change: {}", text::word(&summary))))
        }
        (Json::Object(_), None) => Err(Malformed::at("/payload/summary", "is missing or blank")),
        (Json::Null, _) => Err(Malformed::at("/payload", "is missing or blank")),
        _ => Err(Malformed::at("/payload", "is not a JSON object")),
    }
}

/// Translates one event. An acknowledgement or a resolution is not asked for its payload, which senders leave half
/// empty; a trigger needs one with a summary, and everything else has a default.
fn event(message: &Json<'_>, delivery: DeliveryId) -> Result<Translated, Malformed> {
    let mut problems = vec![];
    let mut wrong = |pointer: &str, detail: &str| {
        problems.push(Problem { pointer: pointer.to_owned(), detail: detail.to_owned() });
    };
    let action = action(message).map_err(|detail| wrong("/event_action", detail)).ok();
    let key = match message.get("dedup_key").text() {
        Some(key) if key.chars().count() > MAX_DEDUP_KEY => {
            wrong("/dedup_key", "is too long (should be at most 255 characters)");
            String::new()
        }
        Some(key) => text::key(&key),
        None if matches!(action, Some(AlertAction::Acknowledge | AlertAction::Resolve)) => {
            wrong("/dedup_key", "is missing or blank");
            String::new()
        }
        None => delivery.uuid().simple().to_string(),
    };
    let payload = message.get("payload");
    if action == Some(AlertAction::Trigger) {
        match (payload, payload.get("summary")) {
            (Json::Object(_), Json::Null) => wrong("/payload/summary", "is missing or blank"),
            (Json::Object(_), _) => {}
            (Json::Null, _) => wrong("/payload", "is missing or blank"),
            _ => wrong("/payload", "is not a JSON object"),
        }
    }
    let (Some(action), true) = (action, problems.is_empty()) else {
        return Err(Malformed::Invalid { problems });
    };
    Ok(Translated {
        action,
        title: title(payload, &key),
        key,
        details: details(payload),
        source: payload.any(&["source", "component"]).text().map(|source| text::word(&source)),
        component: payload.get("component").text().map(|component| text::word(&component)),
        links: links(message),
        images: images(message),
        labels: labels(payload),
        at: words::time(payload.get("timestamp")),
        ..words::severity(payload.get("severity")).alert()
    })
}

fn action(message: &Json<'_>) -> Result<AlertAction, &'static str> {
    let word = message.get("event_action").text().ok_or("is missing or blank")?;
    match word.to_ascii_lowercase().as_str() {
        "trigger" => Ok(AlertAction::Trigger),
        "acknowledge" => Ok(AlertAction::Acknowledge),
        "resolve" => Ok(AlertAction::Resolve),
        _ => Err("is invalid (should be one of 'trigger', 'acknowledge' or 'resolve')"),
    }
}

/// The summary, or the next best word of a sender whose template came out empty.
fn title(payload: &Json<'_>, key: &str) -> String {
    let said = payload.any(&["summary", "class", "component", "source"]).prose();
    let title = said.map(|said| text::title(&said)).filter(|title| !title.is_empty());
    title.unwrap_or_else(|| text::title(&format!("Event {key}")))
}

fn details(payload: &Json<'_>) -> Option<String> {
    let mut details = String::new();
    for name in ["component", "group", "class"] {
        if let Some(word) = payload.get(name).text() {
            details.push_str(name);
            details.push_str(": ");
            details.push_str(&word);
            details.push('\n');
        }
    }
    match payload.get("custom_details") {
        // Texts keep their line breaks; inside JSON they would be escapes.
        Json::Object(fields)
            if fields.iter().all(|(_, value)| !matches!(value, Json::List(_) | Json::Object(_))) =>
        {
            for (name, value) in fields {
                details.push_str(name);
                details.push_str(": ");
                details.push_str(&value.text().unwrap_or_default());
                details.push('\n');
            }
        }
        other => details.push_str(&other.prose().unwrap_or_default()),
    }
    text::details(&details)
}

fn links(message: &Json<'_>) -> Vec<domain::Link> {
    let mut links = Links::default();
    links.add_list(message.get("links"));
    let client = message.get("client").text();
    links.add(message.get("client_url"), client.as_deref().unwrap_or("Source"));
    links.kept()
}

/// An image may lead somewhere else when it is clicked; it is shown from `src`.
fn images(message: &Json<'_>) -> Vec<domain::Link> {
    let mut images = Links::default();
    for image in message.get("images").items() {
        images.add(image.any(&["src", "href"]), &image.get("alt").text().unwrap_or("Image".into()));
    }
    images.kept()
}

fn labels(payload: &Json<'_>) -> domain::Labels {
    let mut labels = text::labels(payload.get("custom_details"));
    for name in ["group", "class"] {
        if let Some(word) = payload.get(name).text() {
            labels.entry(name.to_owned()).or_insert_with(|| text::word(&word));
        }
    }
    labels
}

/// The routing key of an event, found even where the rest of it cannot be understood, so that the event can be kept
/// with the integration that it belongs to.
pub fn routing_key(body: &[u8]) -> Option<String> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mut found = None;
    // Whether the rest is well-formed is for the translation to say.
    let _ = Finder(&mut found).deserialize(&mut serde_json::Deserializer::from_slice(body));
    found
}

struct Finder<'f>(&'f mut Option<String>);

impl<'de> DeserializeSeed<'de> for Finder<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Finder<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(IsRoutingKey(found)) = map.next_key()? {
            if found {
                *self.0 = map.next_value::<Json<'de>>()?.text().map(std::borrow::Cow::into_owned);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct IsRoutingKey(bool);

impl<'de> serde::Deserialize<'de> for IsRoutingKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = IsRoutingKey;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's name")
            }
            fn visit_str<E>(self, name: &str) -> Result<IsRoutingKey, E> {
                Ok(IsRoutingKey(name == "routing_key"))
            }
        }
        deserializer.deserialize_str(Name)
    }
}
