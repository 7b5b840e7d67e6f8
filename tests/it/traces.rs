//! One trace from a monitoring tool's message to every page that follows from it, as a collector sees it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use opentelemetry_proto::tonic::{collector::trace::v1::ExportTraceServiceRequest, trace::v1::Span};
use prost::Message;
use reqwest::Method;

use crate::support::{Phone, Server};

/// A collector on loopback, which takes spans as OTLP over HTTP.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

impl Collector {
    /// Begins to listen; its address.
    async fn listen(&self) -> String {
        let router = Router::new().route("/v1/traces", post(take)).with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has ports");
        let address = listener.local_addr().expect("it is bound");
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    /// How many spans of each name a trace has.
    fn trace(&self, id: u128) -> HashMap<String, usize> {
        let spans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names = HashMap::new();
        for span in spans.iter().filter(|span| span.trace_id == id.to_be_bytes()) {
            *names.entry(span.name.clone()).or_default() += 1;
        }
        names
    }
}

async fn take(State(collector): State<Collector>, body: Bytes) {
    let export = ExportTraceServiceRequest::decode(body).expect("it is OTLP");
    let scopes = export.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    let spans = scopes.flat_map(|scope| scope.spans);
    collector.0.lock().unwrap_or_else(PoisonError::into_inner).extend(spans);
}

// The collector must answer while the test waits for the server to end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_leads_from_the_message_to_the_pages_of_each_level() {
    const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
    let collector = Collector::default();
    let endpoint = collector.listen().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let phone = Phone::listen().await;
    let server = Server::start(&database, &["--otlp-endpoint", &endpoint]).await;
    let path = format!("/hooks/generic/{}", server.furnish(&phone.url, 1).await.generic);
    let message = server
        .request(Method::POST, &path)
        .header("traceparent", format!("00-{TRACE:032x}-00f067aa0ba902b7-01"))
        .body(r#"{"title":"disk"}"#);
    assert_eq!(message.send().await.expect("an answer").status(), 202);
    // At once, and after the second that nobody has used to take it.
    let rung = || async { phone.pages().len() >= 2 };
    server.until("the phone rings for two levels", rung).await;
    server.stop();

    let spans = collector.trace(TRACE);
    let count = |name: &str| spans.get(name).copied().unwrap_or(0);
    assert_eq!(count("receive_webhook"), 1, "the sender's trace goes on: {spans:?}");
    assert_eq!(count("decide_alert"), 1, "{spans:?}");
    assert!(count("escalate_overdue") >= 1, "{spans:?}");
    for page in ["page", "send_page"] {
        assert!(count(page) >= 2, "the page of each level is a part of it: {spans:?}");
    }
}
