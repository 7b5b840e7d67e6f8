//! GraphQL over HTTP.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequestParts, Query, Request, State, ws::WebSocketUpgrade},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::{Map, Value};

use super::{Gateway, follower::Asked, negotiate::Media, socket};
use crate::{Viewer, bearer};

/// The longest that one request may take.
const LONGEST: Duration = Duration::from_secs(30);

/// A query in the address, or the opening of a socket.
pub(super) async fn get(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    if parts.headers.contains_key(header::UPGRADE)
        && let Ok(upgrade) = WebSocketUpgrade::from_request_parts(&mut parts, &gateway).await
    {
        return socket::open(gateway, &parts.headers, upgrade);
    }
    let (media, viewer) = match admitted(&gateway, &parts.headers) {
        Ok(admitted) => admitted,
        Err(refusal) => return *refusal,
    };
    let bad = |why: &str| media.refuse(StatusCode::BAD_REQUEST, "BAD_REQUEST", why);
    let Ok(Query(parameters)) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri) else {
        return bad("the query string cannot be read");
    };
    let mut given = Map::new();
    for (name, text) in parameters {
        let value = match name.as_str() {
            "variables" | "extensions" => match serde_json::from_str(&text) {
                Ok(value) => value,
                Err(_) => return bad(&format!("{name} must be JSON")),
            },
            _ => Value::String(text),
        };
        given.insert(name, value);
    }
    let asked = match read(given) {
        Ok(asked) => asked,
        Err(why) => return bad(&why),
    };
    if asked.is_mutation() {
        let why = "a mutation needs POST";
        let mut response = media.refuse(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", why);
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    execute(&gateway, media, viewer, &asked).await
}

/// Anything but a subscription, in a JSON body.
pub(super) async fn post(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (media, viewer) = match admitted(&gateway, &parts.headers) {
        Ok(admitted) => admitted,
        Err(refusal) => return *refusal,
    };
    if !is_json(&parts.headers) {
        let why = "the body must be application/json in UTF-8";
        return media.refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", why);
    }
    let asked = match read_body(&gateway, body).await {
        Ok(asked) => asked,
        Err((status, why)) => return media.refuse(status, "BAD_REQUEST", &why),
    };
    execute(&gateway, media, viewer, &asked).await
}

/// Who asks, and the media type of the answer.
fn admitted(gateway: &Gateway, headers: &HeaderMap) -> Result<(Media, Viewer), Box<Response>> {
    let Some(media) = Media::accepted(headers) else {
        let why = "the answer is application/graphql-response+json or application/json";
        return Err(Media::Json.refuse(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", why).into());
    };
    let viewer = bearer(headers).and_then(|token| Viewer::of_token(&gateway.app, token));
    viewer.map(|viewer| (media, viewer)).ok_or_else(|| {
        let fault = super::fault::Fault::Unauthenticated;
        let mut response = media.refuse(StatusCode::UNAUTHORIZED, fault.code(), &fault.message());
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        response.into()
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let mut parts = value.split(';').map(|part| part.trim().to_ascii_lowercase());
    parts.next().is_some_and(|media| media == "application/json")
        && parts.all(|part| {
            part.strip_prefix("charset=").is_none_or(|charset| charset.trim_matches('"') == "utf-8")
        })
}

async fn read_body(gateway: &Gateway, body: Body) -> Result<Asked, (StatusCode, String)> {
    let limit = gateway.app.settings.limits.body_bytes;
    let bytes = to_bytes(body, limit)
        .await
        .map_err(|_| (StatusCode::PAYLOAD_TOO_LARGE, format!("the body must have at most {limit} bytes")))?;
    let bad = |why: String| (StatusCode::BAD_REQUEST, why);
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(given)) => read(given).map_err(bad),
        Ok(Value::Array(_)) => Err(bad("send one request at a time, not a list".to_owned())),
        Ok(_) => Err(bad("the body must be a JSON object".to_owned())),
        Err(error) => Err(bad(format!("the body is not JSON: {error}"))),
    }
}

/// The parameters of a request, each of its type.
fn read(mut given: Map<String, Value>) -> Result<Asked, String> {
    let query = match given.remove("query") {
        Some(Value::String(query)) => query,
        Some(_) => return Err("query must be a string".to_owned()),
        None => return Err("query is missing".to_owned()),
    };
    let operation_name = match given.remove("operationName") {
        Some(Value::String(name)) => Some(name),
        Some(Value::Null) | None => None,
        Some(_) => return Err("operationName must be a string".to_owned()),
    };
    let mut object = |name: &str| match given.remove(name) {
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(Value::Null) | None => Ok(None),
        Some(_) => Err(format!("{name} must be an object")),
    };
    let variables = object("variables")?;
    object("extensions")?;
    Ok(Asked::new(query, operation_name, variables))
}

async fn execute(gateway: &Gateway, media: Media, viewer: Viewer, asked: &Asked) -> Response {
    if let Some(missing) = asked.missing_variable() {
        return media.answer(&async_graphql::Response::from_errors(vec![missing]));
    }
    let executed = gateway.schema.execute(asked.request(viewer));
    let Ok(answer) = tokio::time::timeout(LONGEST, executed).await else {
        let why = "the request took too long; repeat it with the same commandId";
        return media.refuse(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", why);
    };
    let failed = if answer.errors.is_empty() { "no" } else { "yes" };
    metrics::counter!("midwatch_graphql_requests_total", "failed" => failed).increment(1);
    media.answer(&answer)
}
