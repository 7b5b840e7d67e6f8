//! A phone on loopback: an HTTP server that remembers the pages it got.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, extract::State, http::HeaderMap, routing::post};
use serde_json::Value;
use tokio::sync::watch;

/// Pages by their key, each with the bodies of every attempt.
type Pages = HashMap<String, Vec<Value>>;

/// A phone; it rings as long as the test runs.
pub(crate) struct Phone {
    /// Where pages go.
    pub(crate) url: String,
    line: Arc<Line>,
}

struct Line {
    pages: Mutex<Pages>,
    /// Whether it leaves those who ring it without an answer.
    hangs: watch::Sender<bool>,
}

impl Phone {
    /// Begins to listen.
    pub(crate) async fn listen() -> Self {
        let line = Arc::new(Line { pages: Mutex::default(), hangs: watch::Sender::new(false) });
        let router = Router::new().route("/ring", post(ring)).with_state(Arc::clone(&line));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has ports");
        let url = format!("http://{}/ring", listener.local_addr().expect("it is bound"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, line }
    }

    /// Every page it got, each attempt counted.
    pub(crate) fn pages(&self) -> Pages {
        self.line.pages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it leaves those who ring it without an answer from now on; their pages are counted all the same.
    pub(crate) fn hang(&self, hangs: bool) {
        self.line.hangs.send_replace(hangs);
    }
}

async fn ring(State(line): State<Arc<Line>>, headers: HeaderMap, body: String) {
    let key = headers.get("webhook-id").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
    let body = serde_json::from_str(&body).unwrap_or(Value::String(body));
    line.pages.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().push(body);
    // The phone is there as long as the test.
    let _ = line.hangs.subscribe().wait_for(|hangs| !hangs).await;
}
