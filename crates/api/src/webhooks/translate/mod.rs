//! Translation of messages: bytes in, [`Meaning`] out, nothing else. The same function chooses the answer to the
//! sender and, later, the delivery's verdict, so the two agree.
//!
//! Leniency is on purpose: senders in the field leave fields empty, send numbers for texts and add fields. What can be
//! understood pages; only what cannot is refused, and then with the place and the reason.

mod alertmanager;
mod cloud_watch;
mod datadog;
mod email;
mod generic;
mod git_hub;
mod grafana;
mod heartbeat;
mod json;
mod malformed;
mod new_relic;
mod opsgenie;
mod pagerduty;
mod sentry;
#[cfg(test)]
mod tests;
mod text;
mod words;

use std::borrow::Cow;

use domain::{
    DeliveryId, Meaning, Timestamp, Translated,
    delivery::Envelope,
    integration::{Handling, IntegrationKind, Ruling},
};

use super::samples;
use json::Json;

pub(super) use email::authors as authors_of_mail;
pub use malformed::{Malformed, Problem};
pub(super) use opsgenie::asked as asked_of_opsgenie;
pub use pagerduty::routing_key;
pub(crate) use text::reason;

/// What a message means, in the vocabulary of incidents. A test says that it is one.
pub fn translate(
    format: IntegrationKind,
    envelope: &Envelope,
    body: &[u8],
    delivery: DeliveryId,
) -> Result<Meaning, Malformed> {
    let meaning = open(format, envelope, body, |payload| read(format, envelope, payload, delivery))?;
    Ok(marked(envelope, meaning))
}

/// A test says of itself that it is one.
fn marked(envelope: &Envelope, meaning: Meaning) -> Meaning {
    if envelope.test.is_some() { samples::marked(meaning) } else { meaning }
}

/// What a message means and what its integration makes of that. Where somebody wrote down how to read it, whatever is
/// JSON pages: what its format misses may be mapped, and if that fails too, the alert is the message itself.
pub fn understand(
    format: IntegrationKind,
    envelope: &Envelope,
    body: &[u8],
    delivery: DeliveryId,
    handling: &Handling,
) -> Result<Meaning, Malformed> {
    if !handling.reads_messages() {
        return translate(format, envelope, body, delivery);
    }
    open(format, envelope, body, |payload| {
        let mut alerts = match read(format, envelope, payload, delivery) {
            Ok(Meaning::Alerts(alerts)) => alerts,
            Err(why @ Malformed::Invalid { .. }) if !handling.mapping.is_empty() => vec![raw(payload, &why)],
            nothing => return nothing,
        };
        handling.apply(payload, &mut alerts);
        Ok(marked(envelope, Meaning::Alerts(alerts)))
    })
}

/// A message that its format cannot make an alert of.
fn raw(payload: &Json<'_>, why: &Malformed) -> Translated {
    let words = payload.prose().unwrap_or_default();
    let title = generic::title_of(payload).map(|title| text::title(&title)).filter(|title| !title.is_empty());
    Translated {
        key: text::digest("message:", &[&words]),
        title: title.unwrap_or_else(|| "An alert without a title".to_owned()),
        details: text::details(&words),
        ruling: Ruling { remarks: vec![text::line(&why.to_string(), 300)], ..Ruling::default() },
        ..Translated::default()
    }
}

/// Reads the bytes as the format has them.
fn open(
    format: IntegrationKind,
    envelope: &Envelope,
    body: &[u8],
    read: impl FnOnce(&Json<'_>) -> Result<Meaning, Malformed>,
) -> Result<Meaning, Malformed> {
    if let Some(bytes) = envelope.whole_bytes {
        let why = format!("is too large: of its {bytes} bytes the first {} are kept", body.len());
        return Err(Malformed::at("", why));
    }
    if format == IntegrationKind::Heartbeat {
        return Ok(heartbeat::translate());
    }
    if format == IntegrationKind::Email {
        return read(&email::as_json(body));
    }
    if envelope.form {
        return match json::from_form(body)? {
            json::Form::Fields(message) => read(&message),
            json::Form::Message(text) => read(&json::parse(text.as_bytes())?),
        };
    }
    if format == IntegrationKind::Opsgenie && body.trim_ascii().is_empty() {
        return read(&Json::Object(vec![]));
    }
    match json::parse(body) {
        // A raw delivery is whatever somebody published.
        Err(why @ Malformed::NotJson { .. }) if format == IntegrationKind::CloudWatch => {
            match std::str::from_utf8(body) {
                Ok(text) => read(&Json::Text(Cow::Borrowed(text))),
                Err(_) => Err(why),
            }
        }
        message => read(&message?),
    }
}

fn read(
    format: IntegrationKind,
    envelope: &Envelope,
    message: &Json<'_>,
    delivery: DeliveryId,
) -> Result<Meaning, Malformed> {
    match format {
        // A mail is no JSON, and was read before.
        IntegrationKind::Generic => generic::translate(message).map(Meaning::from),
        IntegrationKind::Alertmanager => alertmanager::translate(message, envelope.reading),
        IntegrationKind::PagerDuty => pagerduty::translate(message, envelope, delivery),
        IntegrationKind::Grafana => grafana::translate(message, envelope.reading),
        IntegrationKind::Opsgenie => opsgenie::translate(message, envelope, delivery),
        IntegrationKind::Datadog => datadog::translate(message),
        IntegrationKind::NewRelic => new_relic::translate(message),
        IntegrationKind::CloudWatch => cloud_watch::translate(message, envelope.reading),
        IntegrationKind::Sentry => sentry::translate(message, envelope),
        IntegrationKind::GitHub => git_hub::translate(message, envelope),
        IntegrationKind::Heartbeat => Ok(heartbeat::translate()),
        IntegrationKind::Email => Ok(email::translate(message, envelope, delivery)),
    }
}

/// The sender's own id of a message, for formats that have it among the bytes.
pub(super) fn sender_id(format: IntegrationKind, form: bool, body: &[u8]) -> Option<String> {
    match format {
        IntegrationKind::Datadog if form => match json::from_form(body).ok()? {
            json::Form::Fields(message) => datadog::sender_id(&message),
            json::Form::Message(text) => datadog::sender_id(&json::parse(text.as_bytes()).ok()?),
        },
        IntegrationKind::Datadog => datadog::sender_id(&json::parse(body).ok()?),
        IntegrationKind::Email => email::message_id(body),
        _ => None,
    }
}

/// Whether a method and a path are a call of Opsgenie's Alert API.
pub(super) fn is_opsgenie_call(call: &str) -> bool {
    opsgenie::Call::parse(call).is_some()
}

/// The instant that a header or a text names, in any of the usual ways.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    words::time(&Json::Text(Cow::Borrowed(text)))
}
