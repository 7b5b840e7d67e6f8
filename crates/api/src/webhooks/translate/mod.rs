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

use domain::{DeliveryId, Meaning, Timestamp, delivery::Envelope, integration::IntegrationKind};

use json::Json;

pub(super) use email::authors as authors_of_mail;
pub use malformed::{Malformed, Problem};
pub(super) use opsgenie::asked as asked_of_opsgenie;
pub(crate) use pagerduty::routing_key;
pub(crate) use text::reason;

/// What a message means, in the vocabulary of incidents.
pub fn translate(
    format: IntegrationKind,
    envelope: &Envelope,
    body: &[u8],
    delivery: DeliveryId,
) -> Result<Meaning, Malformed> {
    if let Some(bytes) = envelope.whole_bytes {
        let why = format!("is too large: of its {bytes} bytes the first {} are kept", body.len());
        return Err(Malformed::at("", why));
    }
    if format == IntegrationKind::Email {
        return Ok(email::translate(body, envelope, delivery));
    }
    if envelope.form {
        return match json::from_form(body)? {
            json::Form::Fields(message) => read(format, envelope, &message, delivery),
            json::Form::Message(text) => read(format, envelope, &Json::parse(text.as_bytes())?, delivery),
        };
    }
    if format == IntegrationKind::Opsgenie && body.trim_ascii().is_empty() {
        return read(format, envelope, &Json::Object(vec![]), delivery);
    }
    match Json::parse(body) {
        // A raw delivery is whatever somebody published.
        Err(Malformed::NotJson { .. }) if format == IntegrationKind::CloudWatch => cloud_watch::text(body),
        message => read(format, envelope, &message?, delivery),
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
        IntegrationKind::Generic | IntegrationKind::Email => generic::translate(message).map(Meaning::from),
        IntegrationKind::Alertmanager => alertmanager::translate(message, envelope.reading),
        IntegrationKind::PagerDuty => pagerduty::translate(message, envelope, delivery),
        IntegrationKind::Grafana => grafana::translate(message, envelope.reading),
        IntegrationKind::Opsgenie => opsgenie::translate(message, envelope, delivery),
        IntegrationKind::Datadog => datadog::translate(message),
        IntegrationKind::NewRelic => new_relic::translate(message),
        IntegrationKind::CloudWatch => cloud_watch::translate(message, envelope.reading),
        IntegrationKind::Sentry => sentry::translate(message, envelope),
        IntegrationKind::GitHub => git_hub::translate(message, envelope),
    }
}

/// The sender's own id of a message, for formats that have it among the bytes.
pub(super) fn sender_id(format: IntegrationKind, form: bool, body: &[u8]) -> Option<String> {
    match format {
        IntegrationKind::Datadog if form => match json::from_form(body).ok()? {
            json::Form::Fields(message) => datadog::sender_id(&message),
            json::Form::Message(text) => datadog::sender_id(&Json::parse(text.as_bytes()).ok()?),
        },
        IntegrationKind::Datadog => datadog::sender_id(&Json::parse(body).ok()?),
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
