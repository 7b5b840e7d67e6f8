//! All routes, and which of them are open. Whatever is not listed as open asks for a token.

use std::any::Any;

use axum::{
    Router,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{App, Ops, Problem, auth, calendar, graphql, ops, webhooks};

/// The whole inbound edge. `open` holds further routes that ask for no token.
pub fn router(app: App, ops: &Ops, open: Router) -> Router {
    let with_token = middleware::from_fn_with_state(app.clone(), auth::require_viewer);
    let or_introduced = middleware::from_fn_with_state(app.clone(), auth::require_viewer_or_introduction);
    let closed = ops::closed_routes(ops).map(|routes| routes.route_layer(with_token));
    Router::new()
        .merge(closed.unwrap_or_default())
        .merge(graphql::routes(app.clone()).route_layer(or_introduced))
        .merge(webhooks::routes(app.clone()))
        .merge(calendar::routes(app.clone()))
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::{
        body::Body,
        http::{HeaderMap, Request, header},
        routing::get,
    };
    use store::Store;
    use tower::ServiceExt;

    use super::*;
    use crate::{Health, webhooks::tests::app_over};

    async fn whole(metrics_public: bool) -> Router {
        let app = app_over(&Store::memory()).await;
        let metrics = Arc::new(|| "midwatch_up 1\n".to_owned());
        let ops = Ops { health: Arc::new(Health::default()), metrics, metrics_public, demo: false };
        router(
            app,
            &ops,
            Router::new().route("/panic", get(async || -> StatusCode { panic!("at the disco") })),
        )
    }

    async fn ask(router: &Router, method: &str, path: &str, token: Option<&str>) -> (StatusCode, HeaderMap) {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let request = token
            .into_iter()
            .fold(request, |request, token| request.header(header::AUTHORIZATION, format!("Bearer {token}")));
        let request = request.body(Body::from("{}")).expect("a request");
        let response = router.clone().oneshot(request).await.expect("an answer");
        (response.status(), response.headers().clone())
    }

    #[tokio::test]
    async fn whatever_is_not_open_asks_for_a_token() {
        let router = whole(false).await;
        for (method, path) in [("POST", "/graphql"), ("GET", "/graphql"), ("GET", "/metrics")] {
            for token in [None, Some("wrong"), Some("")] {
                let (status, headers) = ask(&router, method, path, token).await;
                assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path} {token:?}");
                assert!(headers.contains_key(header::WWW_AUTHENTICATE), "{method} {path} {token:?}");
            }
            assert_ne!(ask(&router, method, path, Some("admin")).await.0, StatusCode::UNAUTHORIZED);
        }
        for path in ["/", "/healthz", "/readyz"] {
            assert_eq!(ask(&router, "GET", path, None).await.0, StatusCode::OK, "{path}");
        }
        assert_eq!(ask(&whole(true).await, "GET", "/metrics", None).await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn who_says_that_a_socket_follows_is_let_in_nowhere_without_a_token() {
        let router = whole(false).await;
        for (method, path) in
            [("GET", "/metrics"), ("POST", "/graphql"), ("GET", "/graphql?query=%7B__typename%7D")]
        {
            // A socket that is really opened introduces itself; here none can be, and so nobody did.
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header(header::CONNECTION, "upgrade")
                .header(header::UPGRADE, "WebSocket")
                .header(header::SEC_WEBSOCKET_VERSION, "13")
                .header(header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==")
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(r#"{"query":"{ __typename }"}"#))
                .expect("a request");
            let response = router.clone().oneshot(request).await.expect("an answer");
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
        }
    }

    #[tokio::test]
    async fn wrong_paths_and_methods_and_panics_are_answered_as_problems() {
        let router = whole(false).await;
        for (method, path, expected) in [
            ("GET", "/nothing", StatusCode::NOT_FOUND),
            ("POST", "/hooks/nothing/key", StatusCode::NOT_FOUND),
            ("GET", "/calendar/nothing.ics", StatusCode::NOT_FOUND),
            ("POST", "/calendar/nothing.ics", StatusCode::METHOD_NOT_ALLOWED),
            ("GET", "/hooks/generic/key", StatusCode::METHOD_NOT_ALLOWED),
            ("PUT", "/v2/enqueue", StatusCode::METHOD_NOT_ALLOWED),
            ("GET", "/v2/change/enqueue", StatusCode::METHOD_NOT_ALLOWED),
            ("GET", "/panic", StatusCode::INTERNAL_SERVER_ERROR),
        ] {
            let (status, headers) = ask(&router, method, path, None).await;
            assert_eq!(status, expected, "{method} {path}");
            assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json", "{method} {path}");
            assert_eq!(
                headers.contains_key(header::ALLOW),
                expected == StatusCode::METHOD_NOT_ALLOWED,
                "{path}"
            );
        }
    }
}
