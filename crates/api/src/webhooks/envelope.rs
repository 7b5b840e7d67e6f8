//! What of a request, beside its bytes, a format has to know.

use axum::http::header;
use domain::{
    delivery::Envelope,
    integration::{Entrance, IntegrationKind, Verification},
};

use super::{translate, verify::Claim};

/// The header for an id in front of any sender that has none of its own.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Characters of a header's value that are kept.
const MAX_VALUE: usize = 200;

/// The envelope of a message through `entrance`.
pub(super) fn of(entrance: &Entrance, claim: Claim<'_>, call: Option<&str>) -> Envelope {
    Envelope {
        call: call.map(str::to_owned),
        topic: match claim.posted {
            Some(posted) => posted.part.map(str::to_owned),
            None => topic_header(entrance.kind).and_then(|name| kept(claim, name)),
        },
        sender_id: sender_id(entrance, claim),
        mail_from: claim.posted.map(|posted| posted.sender.to_owned()),
        form: is_form(claim),
        reading: entrance.reading,
        whole_bytes: None,
        test: None,
    }
}

/// The header in which senders of this kind say what kind of message it is.
const fn topic_header(kind: IntegrationKind) -> Option<&'static str> {
    match kind {
        IntegrationKind::Sentry => Some("sentry-hook-resource"),
        IntegrationKind::GitHub => Some("x-github-event"),
        IntegrationKind::Generic
        | IntegrationKind::Alertmanager
        | IntegrationKind::PagerDuty
        | IntegrationKind::Grafana
        | IntegrationKind::Opsgenie
        | IntegrationKind::Datadog
        | IntegrationKind::NewRelic
        | IntegrationKind::CloudWatch
        | IntegrationKind::Heartbeat
        | IntegrationKind::Email => None,
    }
}

/// The sender's own id of the message: where its signatures have it, or else where its kind has it, or else where whoever sends
/// may put one.
fn sender_id(entrance: &Entrance, claim: Claim<'_>) -> Option<String> {
    let signed = match &entrance.verification {
        Verification::Signature(scheme) => scheme.id_header.as_deref(),
        _ => None,
    };
    let usual: &[&str] = match entrance.kind {
        IntegrationKind::Generic => &[IDEMPOTENCY_KEY, "webhook-id", "x-webhook-id", "x-github-delivery"],
        IntegrationKind::Sentry => &["request-id"],
        IntegrationKind::GitHub => &["x-github-delivery"],
        IntegrationKind::CloudWatch => &["x-amz-sns-message-id"],
        IntegrationKind::Alertmanager
        | IntegrationKind::PagerDuty
        | IntegrationKind::Grafana
        | IntegrationKind::Opsgenie
        | IntegrationKind::NewRelic => &[IDEMPOTENCY_KEY],
        // Datadog's messages and mails have an id among their bytes. Every sign of life counts, and each is like the other.
        IntegrationKind::Datadog | IntegrationKind::Heartbeat | IntegrationKind::Email => &[],
    };
    let named = signed.into_iter().chain(usual.iter().copied()).find_map(|name| kept(claim, name));
    named.or_else(|| translate::sender_id(entrance.kind, is_form(claim), claim.body))
}

fn kept(claim: Claim<'_>, name: &str) -> Option<String> {
    let value = claim.header(name)?;
    Some(value.chars().filter(|c| !c.is_control()).take(MAX_VALUE).collect())
}

/// Whether the bytes are a form. `curl -d` says so of everything, so what looks like JSON is not.
fn is_form(claim: Claim<'_>) -> bool {
    let said = claim.header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let named = said.split(';').next().unwrap_or_default().trim();
    let first = claim.body.iter().find(|byte| !byte.is_ascii_whitespace());
    named.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        && first.is_some_and(|first| !b"{[\"\xef".contains(first))
}
