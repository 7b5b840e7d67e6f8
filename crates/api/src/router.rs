//! All routes, and which of them are open. Whatever is not listed as open asks for a token.

use std::any::Any;

use axum::{
    Router,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{App, Ops, Problem, auth, graphql, ops, webhooks};

/// The whole inbound edge. `open` holds further routes that ask for no token.
pub fn router(app: App, ops: &Ops, open: Router) -> Router {
    let closed = ops::closed_routes(ops)
        .merge(graphql::routes(app.clone()))
        .route_layer(middleware::from_fn_with_state(app.clone(), auth::require_viewer));
    Router::new()
        .merge(closed)
        .merge(webhooks::routes(app.clone()))
        .merge(ops::open_routes(app, ops))
        .merge(open)
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || {
            let why = "this path takes another method; see the `Allow` header";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", why)
        })
        .layer(CatchPanicLayer::custom(panicked))
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands the panic over")]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let why = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(why, "a request made the server panic");
    metrics::counter!("midwatch_http_panics_total").increment(1);
    let detail = "the server made a mistake, which it has logged";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response()
}
