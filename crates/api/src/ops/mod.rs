//! What operators and load balancers ask: alive, ready, how it is going; and a page for whoever opens the address.

mod health;
mod landing;

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};

pub use health::Health;

use crate::App;

/// What the operational endpoints need beside [`App`].
#[derive(Clone)]
pub struct Ops {
    /// What the process knows about itself.
    pub health: Arc<Health>,
    /// Writes all metrics in Prometheus' text format.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Whether metrics are shown without a token.
    pub metrics_public: bool,
    /// Whether the demo phone is there.
    pub demo: bool,
}

/// Endpoints without a token.
pub(crate) fn open_routes(app: App, ops: &Ops) -> Router {
    let demo = ops.demo;
    let health = Arc::clone(&ops.health);
    let routes = Router::new()
        .route(
            "/",
            get(move |State(app): State<App>| async move { landing::page(&app.settings.public_url, demo) }),
        )
        .route("/healthz", get(|| async { "ok\n" }))
        .route(
            "/readyz",
            get(move |State(app): State<App>| async move { health::ready(&app, &health).await }),
        )
        .with_state(app);
    if ops.metrics_public { routes.merge(metrics(ops)) } else { routes }
}

/// Endpoints with a token.
pub(crate) fn closed_routes(ops: &Ops) -> Option<Router> {
    (!ops.metrics_public).then(|| metrics(ops))
}

fn metrics(ops: &Ops) -> Router {
    let render = Arc::clone(&ops.metrics);
    let answer = move || async move { text(render()) };
    Router::new().route("/metrics", get(answer))
}

fn text(metrics: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics).into_response()
}
