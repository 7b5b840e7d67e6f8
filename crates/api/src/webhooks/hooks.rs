//! The endpoints that monitoring tools call.

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{Method, StatusCode, request::Parts, uri::PathAndQuery},
    response::Response,
    routing::post,
};
use domain::integration::IntegrationKind;
use metrics::histogram;

use super::{
    answers, body, opsgenie,
    rates::Standing,
    road::{Hooks, Incoming, Received, Refusal},
    translate::routing_key,
};
use crate::App;

/// Every webhook endpoint. None asks for a token: the key in the path or in the message is the proof.
pub(crate) fn routes(app: App) -> Router {
    let hooks = IntegrationKind::ALL.into_iter().filter_map(|kind| Some((kind, kind.path()?)));
    let hooks = hooks.fold(Router::new(), |router, (kind, word)| {
        let take = move |State(hooks): State<Arc<Hooks>>, key: Key, request: Request| async move {
            plain(&hooks, kind, key, request).await
        };
        let methods = match kind {
            // Whatever can call a URL can beat. A route for GET is one for HEAD, too.
            IntegrationKind::Heartbeat => post(beat).put(beat).get(beat),
            _ => post(take),
        };
        router.route(&format!("/hooks/{word}/{{key}}"), methods)
    });
    hooks
        .route("/v2/enqueue", post(enqueue))
        .route("/v2/change/enqueue", post(change))
        .merge(opsgenie::routes())
        .with_state(Arc::new(Hooks::new(app)))
}

/// A key in a path; one that is not even text opens nothing, and is refused like any other that opens nothing.
type Key = Result<Path<String>, PathRejection>;

async fn plain(hooks: &Hooks, format: IntegrationKind, key: Key, request: Request) -> Response {
    let started = Instant::now();
    let key = key.map(|Path(key)| key).unwrap_or_default();
    let (parts, message) = request.into_parts();
    let limit = format.body_limit();
    let response = if let Some(standing) = hooks.over_limit(format, &key).await {
        let answer = standing.tell(answers::plain(format, Err(Refusal::Limited)));
        if body::skip(message, limit).await { answer } else { answers::closing(answer) }
    } else if let Some((message, whole_bytes)) = body::read(message, limit).await.split() {
        let incoming = Incoming {
            format,
            key: &key,
            headers: &parts.headers,
            target: target(&parts),
            call: None,
            posted: None,
            message,
            whole_bytes,
        };
        let Received { outcome, standing } = hooks.receive(incoming).await;
        told(
            standing,
            match whole_bytes {
                Some(_) => answers::plain_too_large(limit, &outcome),
                None => answers::plain(format, outcome),
            },
        )
    } else {
        answers::plain_broken()
    };
    histogram!("midwatch_webhook_seconds", "format" => format.word()).record(started.elapsed());
    response
}

/// An answer that says how its integration stands, where its key opens one.
pub(super) fn told(standing: Option<Standing>, answer: Response) -> Response {
    match standing {
        Some(standing) => standing.tell(answer),
        None => answer,
    }
}

/// Takes a sign of life. Whoever only fetches a page expects it to be there.
async fn beat(State(hooks): State<Arc<Hooks>>, key: Key, request: Request) -> Response {
    let fetches = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = plain(&hooks, IntegrationKind::Heartbeat, key, request).await;
    if fetches && response.status() == StatusCode::ACCEPTED {
        *response.status_mut() = StatusCode::OK;
    }
    response
}

/// The path and the query that were called.
pub(super) fn target(parts: &Parts) -> &str {
    parts.uri.path_and_query().map_or("/", PathAndQuery::as_str)
}

/// Characters in a routing key.
const ROUTING_KEY: usize = 32;

async fn enqueue(State(hooks): State<Arc<Hooks>>, request: Request) -> Response {
    event(&hooks, request, None).await
}

/// Changes are kept, and page nobody.
async fn change(State(hooks): State<Arc<Hooks>>, request: Request) -> Response {
    event(&hooks, request, Some("POST /v2/change/enqueue")).await
}

async fn event(hooks: &Hooks, request: Request, call: Option<&str>) -> Response {
    let started = Instant::now();
    let (parts, message) = request.into_parts();
    let format = IntegrationKind::PagerDuty;
    let limit = format.body_limit();
    let response = match body::read(message, limit).await.split() {
        Some((message, whole_bytes)) => match routing_key(&message) {
            Some(key) if key.chars().count() != ROUTING_KEY => answers::pagerduty_wrong_key(),
            Some(key) => {
                let incoming = Incoming {
                    format,
                    key: &key,
                    headers: &parts.headers,
                    target: target(&parts),
                    call,
                    posted: None,
                    message,
                    whole_bytes,
                };
                let Received { outcome, standing } = hooks.receive(incoming).await;
                told(
                    standing,
                    match whole_bytes {
                        Some(_) => answers::pagerduty_too_large(limit),
                        None => answers::pagerduty(outcome),
                    },
                )
            }
            None if whole_bytes.is_some() => answers::pagerduty_too_large(limit),
            None => answers::pagerduty_without_key(&message),
        },
        None => answers::pagerduty_broken(),
    };
    histogram!("midwatch_webhook_seconds", "format" => format.word()).record(started.elapsed());
    response
}
