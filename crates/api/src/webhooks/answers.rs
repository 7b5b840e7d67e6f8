//! Answers, in the format that the caller reads.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::integration::IntegrationKind;
use serde_json::json;

use super::{
    road::{Accepted, Refusal},
    translate::Malformed,
};
use crate::Problem;

/// What every caller but PagerDuty's clients reads: our own JSON, and problem details.
pub(super) fn plain(format: IntegrationKind, outcome: Result<Accepted, Refusal>) -> Response {
    let refusal = match outcome {
        Ok(Accepted { delivery, position, repeated, .. }) => {
            let mut body = json!({
                "status": "accepted", "delivery": delivery.to_string(), "position": position.to_string()
            });
            if repeated {
                body["deduplicated"] = true.into();
            }
            return (StatusCode::ACCEPTED, Json(body)).into_response();
        }
        Err(refusal) => refusal,
    };
    match refusal {
        Refusal::NoEntrance => {
            let why = "no enabled integration of this kind has this key";
            Problem::new(StatusCode::NOT_FOUND, "no-such-integration", why).into_response()
        }
        Refusal::Unproven(why) => {
            let problem = Problem::new(StatusCode::UNAUTHORIZED, why.slug, why.why);
            unauthorized(problem.into_response(), why.challenge)
        }
        Refusal::Malformed { delivery, why } => {
            let problem = Problem::new(StatusCode::BAD_REQUEST, "malformed", why.to_string());
            problem.with_errors(why.problems()).kept_as(delivery).into_response()
        }
        Refusal::Limited => {
            let why = "more messages than this integration takes; send this one again later";
            Problem::new(too_many(format), "rate-limited", why).into_response()
        }
        Refusal::Busy => {
            Problem::unavailable("too many messages at once; send this one again").into_response()
        }
        Refusal::Unavailable => {
            Problem::unavailable("the message could not be stored; send it again").into_response()
        }
    }
}

/// How callers of this format are told to send less, so that they send the same again: Alertmanager, Grafana and Datadog
/// never repeat what was answered 429, the others repeat whatever is the server's fault.
const fn too_many(format: IntegrationKind) -> StatusCode {
    match format {
        IntegrationKind::Generic | IntegrationKind::PagerDuty | IntegrationKind::Opsgenie => {
            StatusCode::TOO_MANY_REQUESTS
        }
        IntegrationKind::Alertmanager
        | IntegrationKind::Grafana
        | IntegrationKind::Datadog
        | IntegrationKind::NewRelic
        | IntegrationKind::CloudWatch
        | IntegrationKind::Sentry
        | IntegrationKind::GitHub
        | IntegrationKind::Heartbeat
        | IntegrationKind::Email => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// A message with more bytes than `limit`, whose first ones may have been kept.
pub(super) fn plain_too_large(limit: usize, outcome: &Result<Accepted, Refusal>) -> Response {
    let why = format!("a message has at most {limit} bytes");
    let mut problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", why);
    if let Err(Refusal::Malformed { delivery, .. }) = outcome {
        problem = problem.kept_as(*delivery);
    }
    closing(problem.into_response())
}

/// A message that was not read to its end.
pub(super) fn plain_broken() -> Response {
    let why = "the message broke off or took too long";
    closing(Problem::new(StatusCode::REQUEST_TIMEOUT, "broken-off", why).into_response())
}

/// What clients of PagerDuty's Events API read.
pub(super) fn pagerduty(outcome: Result<Accepted, Refusal>) -> Response {
    let refusal = match outcome {
        Ok(Accepted { meaning, delivery, .. }) => {
            let said = meaning.alerts().first().map(|alert| alert.own_key().to_owned());
            let key = said.unwrap_or_else(|| delivery.uuid().simple().to_string());
            let body = json!({"status": "success", "message": "Event processed", "dedup_key": key});
            return (StatusCode::ACCEPTED, Json(body)).into_response();
        }
        Err(refusal) => refusal,
    };
    match refusal {
        Refusal::NoEntrance => invalid_event(StatusCode::BAD_REQUEST, &["Invalid routing key".to_owned()]),
        Refusal::Unproven(why) => {
            unauthorized(invalid_event(StatusCode::UNAUTHORIZED, &[why.why]), why.challenge)
        }
        // What exactly is wrong with it is in the delivery log; clients look for these words.
        Refusal::Malformed { why: Malformed::NotJson { .. }, .. } => unrecognized("JSON parse error"),
        Refusal::Malformed { why: Malformed::Invalid { problems }, .. } => {
            let errors: Vec<_> = problems
                .iter()
                .map(|problem| {
                    let field = problem.pointer.trim_start_matches('/').replace('/', ".");
                    format!("'{field}' {}", problem.detail)
                })
                .collect();
            invalid_event(StatusCode::BAD_REQUEST, &errors)
        }
        Refusal::Limited => throttled(),
        Refusal::Busy => later(StatusCode::TOO_MANY_REQUESTS, "Too many events at once"),
        Refusal::Unavailable => later(StatusCode::SERVICE_UNAVAILABLE, "The event could not be stored"),
    }
}

/// The answer to an event whose routing key cannot be one.
pub(super) fn pagerduty_wrong_key() -> Response {
    let why = "Length of 'routing_key' is incorrect (should be 32 characters)";
    invalid_event(StatusCode::BAD_REQUEST, &[why.to_owned()])
}

/// The answer to an event from which no routing key could be read.
pub(super) fn pagerduty_without_key(message: &[u8]) -> Response {
    match serde_json::from_slice::<serde_json::Value>(
        message.strip_prefix(b"\xef\xbb\xbf").unwrap_or(message),
    ) {
        Ok(serde_json::Value::Object(_)) => {
            invalid_event(StatusCode::BAD_REQUEST, &["'routing_key' is missing or blank".to_owned()])
        }
        Ok(_) | Err(_) => unrecognized("JSON parse error"),
    }
}

/// An event with more bytes than `limit`.
pub(super) fn pagerduty_too_large(limit: usize) -> Response {
    let why = format!("Event is larger than {limit} bytes");
    closing(invalid_event(StatusCode::PAYLOAD_TOO_LARGE, &[why]))
}

/// An event that was not read to its end.
pub(super) fn pagerduty_broken() -> Response {
    let why = "Event broke off or took too long";
    closing(invalid_event(StatusCode::REQUEST_TIMEOUT, &[why.to_owned()]))
}

fn invalid_event(status: StatusCode, errors: &[String]) -> Response {
    let body = json!({"status": "invalid event", "message": "Event object is invalid", "errors": errors});
    (status, Json(body)).into_response()
}

fn unrecognized(why: &str) -> Response {
    let body = json!({
        "status": "Unrecognized object", "message": "Event object format is unrecognized", "errors": [why]
    });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

fn later(status: StatusCode, why: &str) -> Response {
    let body = json!({"status": "unavailable", "message": "Try again later", "errors": [why]});
    let retry_after = [(header::RETRY_AFTER, HeaderValue::from_static("1"))];
    (status, retry_after, Json(body)).into_response()
}

/// As PagerDuty says it.
fn throttled() -> Response {
    let body = json!({
        "status": "throttle exceeded",
        "message": "Requests for this service are arriving too quickly. Please retry later.",
        "errors": ["More events than this integration takes"],
    });
    (StatusCode::TOO_MANY_REQUESTS, Json(body)).into_response()
}

fn unauthorized(mut response: Response, challenge: &'static str) -> Response {
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

/// The rest of the message may still be on its way, so the connection is of no further use.
pub(super) fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
