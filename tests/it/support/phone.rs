//! A phone on loopback: an HTTP server that remembers the pages it got.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, extract::State, http::HeaderMap, routing::post};
use serde_json::Value;

/// Pages by their key, each with the bodies of every attempt.
type Pages = Arc<Mutex<HashMap<String, Vec<Value>>>>;

/// A phone; it rings as long as the test runs.
pub(crate) struct Phone {
    /// Where pages go.
    pub(crate) url: String,
    pages: Pages,
}

impl Phone {
    /// Begins to listen.
    pub(crate) async fn listen() -> Self {
        let pages = Pages::default();
        let router = Router::new().route("/ring", post(ring)).with_state(Arc::clone(&pages));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has ports");
        let url = format!("http://{}/ring", listener.local_addr().expect("it is bound"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, pages }
    }

    /// Every page it got, each attempt counted.
    pub(crate) fn pages(&self) -> HashMap<String, Vec<Value>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn ring(State(pages): State<Pages>, headers: HeaderMap, body: String) {
    let key = headers.get("webhook-id").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
    let body = serde_json::from_str(&body).unwrap_or(Value::String(body));
    pages.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().push(body);
}
