//! Opsgenie's Alert API: its calls, and its answers, in which everything that is asked for happens later.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use commands::mint;
use domain::{
    DeliveryId, Fact, IntegrationId,
    delivery::{DeliveryEvent, Envelope, RawBody},
    integration::IntegrationKind,
};
use metrics::histogram;
use projections::{DeliveryVerdict, DeliveryView, ReadError};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    answers::closing,
    body,
    hooks::{target, told},
    road::{Accepted, Hooks, Incoming, Received, Refusal},
    translate::{self, Malformed},
};

/// Where Opsgenie's clients call.
pub(super) fn routes() -> Router<Arc<Hooks>> {
    Router::new()
        .route("/v2/alerts", any(call))
        .route("/v2/alerts/{*rest}", any(call))
        .route("/v2/alerts/requests/{request}", get(status))
}

/// The key in `Authorization: GenieKey …`.
fn key(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("GenieKey").then(|| key.trim())
}

async fn call(State(hooks): State<Arc<Hooks>>, request: Request) -> Response {
    let started = Instant::now();
    let (parts, message) = request.into_parts();
    let asked = format!("{} {}", parts.method, target(&parts));
    let response = if translate::is_opsgenie_call(&asked) {
        let format = IntegrationKind::Opsgenie;
        let (limit, key) = (format.body_limit(), key(&parts.headers).unwrap_or_default());
        if let Some(standing) = hooks.over_limit(format, key).await {
            let answer = standing.tell(answer(Err(Refusal::Limited), started.elapsed()));
            if body::skip(message, limit).await { answer } else { closing(answer) }
        } else if let Some((message, whole_bytes)) = body::read(message, limit).await.split() {
            let incoming = Incoming {
                format,
                key,
                headers: &parts.headers,
                target: target(&parts),
                call: Some(&asked),
                posted: None,
                message,
                whole_bytes,
            };
            let Received { outcome, standing } = hooks.receive(incoming).await;
            told(
                standing,
                match whole_bytes {
                    Some(_) => too_large(limit, started.elapsed()),
                    None => answer(outcome, started.elapsed()),
                },
            )
        } else {
            broken(started.elapsed())
        }
    } else {
        let why = "There is no such call; alerts are created, closed, acknowledged and changed here.";
        refused(StatusCode::NOT_FOUND, why, &Value::Null, None, started.elapsed())
    };
    histogram!("midwatch_webhook_seconds", "format" => IntegrationKind::Opsgenie.word())
        .record(started.elapsed());
    response
}

fn answer(outcome: Result<Accepted, Refusal>, took: Duration) -> Response {
    let refusal = match outcome {
        Ok(Accepted { delivery, .. }) => {
            let body = json!({
                "result": "Request will be processed", "took": took.as_secs_f64(),
                "requestId": delivery.uuid().hyphenated().to_string(),
            });
            return identified(delivery.uuid(), (StatusCode::ACCEPTED, Json(body)).into_response());
        }
        Err(refusal) => refusal,
    };
    let refused = |status, why: &str| refused(status, why, &Value::Null, None, took);
    match refusal {
        Refusal::NoEntrance => refused(StatusCode::UNAUTHORIZED, "Could not authenticate"),
        Refusal::Unproven(why) => {
            let why = format!("Could not authenticate: {}", why.why);
            refused(StatusCode::UNAUTHORIZED, &why)
        }
        Refusal::Malformed { delivery, why } => malformed(delivery, &why, took),
        Refusal::Busy | Refusal::Limited => {
            later(refused(StatusCode::TOO_MANY_REQUESTS, "You are making too many requests!"))
        }
        Refusal::Unavailable => {
            later(refused(StatusCode::SERVICE_UNAVAILABLE, "The request could not be stored; try again"))
        }
    }
}

fn malformed(delivery: DeliveryId, why: &Malformed, took: Duration) -> Response {
    const WORDS: &str = "Request body is not processable. Please check the errors.";
    let status = match why {
        Malformed::NotJson { .. } => StatusCode::BAD_REQUEST,
        Malformed::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let errors: serde_json::Map<_, _> = why
        .problems()
        .into_iter()
        .map(|problem| {
            let field = problem.pointer.trim_start_matches('/').replace('/', ".");
            let field = if field.is_empty() { "body".to_owned() } else { field };
            (field, Value::from(problem.detail))
        })
        .collect();
    refused(status, WORDS, &errors.into(), Some(delivery), took)
}

fn too_large(limit: usize, took: Duration) -> Response {
    let why = format!("Request body is larger than {limit} bytes");
    closing(refused(StatusCode::PAYLOAD_TOO_LARGE, &why, &Value::Null, None, took))
}

fn broken(took: Duration) -> Response {
    let why = "Request body broke off or took too long";
    closing(refused(StatusCode::REQUEST_TIMEOUT, why, &Value::Null, None, took))
}

fn refused(
    status: StatusCode,
    why: &str,
    errors: &Value,
    delivery: Option<DeliveryId>,
    took: Duration,
) -> Response {
    let request = delivery.map_or_else(mint::uuid, DeliveryId::uuid);
    let mut body = json!({
        "message": why, "took": took.as_secs_f64(), "requestId": request.hyphenated().to_string(),
    });
    if !errors.is_null() {
        body["errors"] = errors.clone();
    }
    identified(request, (status, Json(body)).into_response())
}

fn identified(request: Uuid, mut response: Response) -> Response {
    if let Ok(id) = HeaderValue::from_str(&request.hyphenated().to_string()) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

fn later(mut response: Response) -> Response {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// Opsgenie's clients ask again after this, and after no other 404. A request that is not known may have come to another
/// node a moment ago.
fn unprocessed(mut answer: Response) -> Response {
    answer.headers_mut().insert("x-opsgenie-errortype", HeaderValue::from_static("RequestNotProcessed"));
    answer
}

/// What became of a request.
async fn status(
    State(hooks): State<Arc<Hooks>>,
    request: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let started = Instant::now();
    let refused = |status, why: &str| refused(status, why, &Value::Null, None, started.elapsed());
    let directory = hooks.app.directory.now();
    let entrance = key(&headers)
        .and_then(|key| directory.integration_by_key(key, hooks.app.engine.now()))
        .filter(|(_, entrance)| entrance.kind == IntegrationKind::Opsgenie);
    let Some((integration, _)) = entrance else {
        return refused(StatusCode::UNAUTHORIZED, "Could not authenticate");
    };
    let id = request.ok().and_then(|Path(id)| Uuid::parse_str(&id).ok()).map(DeliveryId::new);
    let told = match id {
        Some(id) => fate(&hooks, integration, id).await,
        None => Ok(None),
    };
    match told {
        Ok(Some(data)) => {
            let request = id.map_or_else(Uuid::nil, DeliveryId::uuid);
            let body = json!({
                "data": data, "took": started.elapsed().as_secs_f64(),
                "requestId": request.hyphenated().to_string(),
            });
            identified(request, Json(body).into_response())
        }
        Ok(None) => {
            let answer = refused(StatusCode::NOT_FOUND, "Request not found. It might not be processed, yet.");
            // What is no id of a request will never be processed.
            if id.is_some() { unprocessed(answer) } else { answer }
        }
        Err(fault) => {
            tracing::error!(%fault, "the fate of a request cannot be read");
            later(refused(StatusCode::SERVICE_UNAVAILABLE, "The request could not be looked up; try again"))
        }
    }
}

/// What is told of a request of this integration; none while it has no verdict.
async fn fate(hooks: &Hooks, integration: IntegrationId, id: DeliveryId) -> Result<Option<Value>, ReadError> {
    let app = &hooks.app;
    let Some(view) = app.reads.delivery(id).await?.filter(|view| view.integration == integration) else {
        return Ok(None);
    };
    let (Some(verdict), Some(at)) = (view.verdict, view.decided_at) else { return Ok(None) };
    let kept = app.engine.store().at(&[view.position]).await.map_err(ReadError::from)?;
    let kept = kept.first().and_then(|event| DeliveryEvent::decode(&event.kind, &event.payload).ok());
    let (action, key) = match kept {
        Some(DeliveryEvent::Received { envelope, body, .. }) => asked(&envelope, body, id),
        Some(DeliveryEvent::Concluded { .. } | DeliveryEvent::ReplayRequested { .. }) | None => {
            ("", String::new())
        }
    };
    let incident = match view.incident {
        Some(id) => app.reads.incident(id).await?,
        None => None,
    };
    let success = !matches!(verdict, DeliveryVerdict::Ignored | DeliveryVerdict::Rejected);
    let mut data = json!({
        "success": success, "isSuccess": success, "action": action, "processedAt": at.to_string(),
        "integrationId": integration.to_string(), "status": words(&view, verdict, action),
    });
    if let Some(incident) = incident {
        data["alertId"] = incident.id.uuid().hyphenated().to_string().into();
        data["tinyId"] = incident.number.to_string().into();
        data["alias"] = incident.key.into();
    } else {
        data["alias"] = key.into();
    }
    Ok(Some(data))
}

fn asked(envelope: &Envelope, body: RawBody, id: DeliveryId) -> (&'static str, String) {
    let bytes = match body {
        RawBody::Text(text) => text.into_bytes(),
        RawBody::Base64(text) => STANDARD.decode(text).unwrap_or_default(),
    };
    translate::asked_of_opsgenie(envelope, &bytes, id).unwrap_or_default()
}

fn words(view: &DeliveryView, verdict: DeliveryVerdict, action: &str) -> String {
    match verdict {
        DeliveryVerdict::Opened => "Created alert".to_owned(),
        DeliveryVerdict::Joined if action == "Create" => "Increased the count of the alert".to_owned(),
        DeliveryVerdict::Joined => "Updated alert".to_owned(),
        DeliveryVerdict::Acknowledged => "Acknowledged alert".to_owned(),
        DeliveryVerdict::Snoozed => "Snoozed alert".to_owned(),
        DeliveryVerdict::Resolved | DeliveryVerdict::Ended => "Closed alert".to_owned(),
        DeliveryVerdict::Suppressed
        | DeliveryVerdict::Recorded
        | DeliveryVerdict::Ignored
        | DeliveryVerdict::Rejected => view.reason.clone().unwrap_or_default(),
    }
}
