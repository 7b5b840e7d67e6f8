//! What an integration takes, and what remains of the rest.

use std::convert::Infallible;

use axum::http::HeaderMap;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use domain::integration::{ProofChange, WatchChange};
use futures::stream;
use store::{Append, NewEvent};

use super::{
    super::road::{Hooks, Incoming},
    *,
};

impl Doors {
    /// Opens another entrance that takes so many messages in a minute, and returns its id and its key.
    pub(super) async fn limited(
        &mut self,
        kind: IntegrationKind,
        verification: Verification,
        per_minute: u32,
    ) -> (IntegrationId, String) {
        let key = self.open(kind, verification, Reading::default()).await;
        let now = self.app.engine.now();
        let id = self.app.directory.now().integration_by_key(&key, now).expect("it opens").0;
        let change = IntegrationCommand::UpdateIntegration {
            name: None,
            service: None,
            enabled: None,
            key_hash: None,
            proof: ProofChange::default(),
            reading: None,
            rate_limit: Some(Some(per_minute)),
            watch: WatchChange::Keep,
            unknown: vec![],
            at: now,
        };
        self.change(id, &change).await;
        (id, key)
    }

    /// The same as `send`, with the headers of the answer.
    pub(super) async fn hear(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Value) {
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        (status, headers, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }
}

fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path).body(body.into()).expect("a request")
}

pub(super) fn told<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().expect("text"))
}

#[tokio::test]
async fn each_format_takes_as_many_bytes_as_is_documented() {
    let mut doors = Doors::new().await;
    for kind in IntegrationKind::ALL.into_iter().filter(|kind| *kind != IntegrationKind::Email) {
        let limit = 1024 * if kind == IntegrationKind::CloudWatch { 528 } else { 512 };
        let verification = match kind {
            IntegrationKind::CloudWatch => raw_sns(),
            _ => Verification::Key,
        };
        let key = doors.open(kind, verification, Reading::default()).await;
        for (more, too_large) in [(0, false), (1, true)] {
            let event = json!({"routing_key": key, "title": "x"}).to_string();
            let body = event.clone() + &" ".repeat(limit - event.len() + more);
            let request =
                Request::post(path_of(kind, &key)).header("Authorization", format!("GenieKey {key}"));
            let (status, answer) = doors.send(request.body(Body::from(body)).expect("a request")).await;
            assert_eq!(status == StatusCode::PAYLOAD_TOO_LARGE, too_large, "{kind:?}, {more}: {answer}");
            let said = answer.to_string().contains(&limit.to_string());
            assert_eq!(said, too_large, "{kind:?}, {more}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_message_of_almost_nothing_but_control_characters_has_its_place_in_an_event() {
    let mut doors = Doors::new().await;
    let key = doors.open(IntegrationKind::CloudWatch, raw_sns(), Reading::default()).await;
    for (path, bytes, expected) in [
        ("/hooks/generic/generic-key".to_owned(), 512 * 1024, StatusCode::BAD_REQUEST),
        (path_of(IntegrationKind::CloudWatch, &key), 528 * 1024, StatusCode::ACCEPTED),
    ] {
        let mut message = b"disk full\n".to_vec();
        message.resize(bytes, 1);
        let (status, answer) = doors.post(&path, message.clone()).await;
        assert_eq!(status, expected, "{answer}");
        let kept = doors.kept().await.pop().expect("it is kept");
        let text = kept["body"]["base64"].as_str().expect("as bytes");
        assert!(STANDARD.decode(text).expect("base64") == message);
    }
    let quotes = json!({"title": "x", "details": "\"\n".repeat(100 * 1024)}).to_string();
    assert_eq!(doors.post("/hooks/generic/generic-key", quotes.clone()).await.0, StatusCode::ACCEPTED);
    assert_eq!(doors.kept().await[2]["body"]["text"], quotes, "what has room stays a text");
}

#[tokio::test]
async fn who_guesses_keys_is_told_nothing() {
    let doors = Doors::new().await;
    for (path, body) in [
        ("/hooks/generic/nobody", "{}".to_owned()),
        ("/hooks/generic/alertmanager-key", "{}".to_owned()),
        ("/v2/enqueue", json!({"routing_key": "f".repeat(32)}).to_string()),
        ("/v2/alerts", "{}".to_owned()),
    ] {
        let (_, headers, _) = doors.hear(post(path, body)).await;
        assert!(!headers.keys().any(|name| name.as_str().starts_with("ratelimit")), "{path}");
    }
}

#[tokio::test]
async fn what_proves_nothing_takes_no_room_from_what_does() {
    let mut doors = Doors::new().await;
    let (_, key) = doors.limited(IntegrationKind::Generic, Verification::Bearer, 1).await;
    let call = |secret: &str| {
        let request = Request::post(format!("/hooks/generic/{key}"));
        let request = request.header("Authorization", format!("Bearer {secret}"));
        request.body(Body::from(r#"{"title":"x"}"#)).expect("a request")
    };
    for _ in 0..5 {
        let (status, headers, _) = doors.hear(call("a guess")).await;
        assert_eq!((status, told(&headers, "ratelimit-remaining")), (StatusCode::UNAUTHORIZED, Some("1")));
    }
    assert_eq!(doors.send(call("a secret of the sender")).await.0, StatusCode::ACCEPTED);
    assert_eq!(doors.send(call("a secret of the sender")).await.0, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn messages_beyond_the_limit_leave_a_trace_once_a_minute_and_are_taken_later() {
    let mut doors = Doors::new().await;
    let (id, key) = doors.limited(IntegrationKind::Generic, Verification::Key, 2).await;
    let (_, other) = doors.limited(IntegrationKind::Generic, Verification::Key, 2).await;
    let (path, body) = (format!("/hooks/generic/{key}"), r#"{"title":"x"}"#);
    for expected in [202, 202, 429, 429, 429] {
        assert_eq!(doors.post(&path, body).await.0, expected);
    }
    assert_eq!(doors.post(&format!("/hooks/generic/{other}"), body).await.0, 202, "the other has its own");
    assert_eq!(doors.kept().await.len(), 3);
    let noted = doors.noted().await;
    assert_eq!((noted.len(), &noted[0]["count"]), (1, &json!(1)));
    assert!(doors.app.directory.reach(doors.store.head(), std::time::Duration::from_secs(10)).await);

    // The others are noted although no more come.
    doors.clock.advance(std::time::Duration::from_mins(1));
    assert_eq!(doors.noted_times(2).await[1]["count"], 2);
    assert!(doors.app.directory.reach(doors.store.head(), std::time::Duration::from_secs(10)).await);
    for expected in [202, 202, 429] {
        assert_eq!(doors.post(&path, body).await.0, expected);
    }
    assert_eq!(doors.noted().await.len(), 2);
    doors.clock.advance(std::time::Duration::from_mins(1));
    assert_eq!(doors.noted_times(3).await[2]["count"], 1);
    assert!(doors.app.directory.reach(doors.store.head(), std::time::Duration::from_secs(10)).await);
    let limited = doors.app.directory.now().integrations[&id].limited.clone();
    assert_eq!((limited.count, limited.last_at), (4, Some(doors.app.engine.now())));
}

#[tokio::test]
async fn a_large_message_beyond_the_limit_is_not_read() {
    let mut doors = Doors::new().await;
    let (_, key) = doors.limited(IntegrationKind::Generic, Verification::Key, 1).await;
    let path = format!("/hooks/generic/{key}");
    assert_eq!(doors.post(&path, r#"{"title":"x"}"#).await.0, StatusCode::ACCEPTED);
    let endless = Body::from_stream(stream::repeat(Ok::<_, Infallible>(vec![b'a'; 64 * 1024])));
    let (status, headers, _) = doors.hear(post(&path, endless)).await;
    assert_eq!((status, told(&headers, "connection")), (StatusCode::TOO_MANY_REQUESTS, Some("close")));
    assert_eq!(doors.kept().await.len(), 1);
}

#[tokio::test]
async fn a_message_that_is_its_senders_only_one_does_not_wait_while_a_storm_does() {
    let doors = Doors::new().await;
    let events = (0..5000).map(|_| NewEvent {
        kind: "storm.raged.v1".into(),
        payload: Bytes::from_static(b"{}"),
        subjects: vec![],
    });
    let storm = Append {
        stream: format!("storm-{}", Uuid::from_u128(1).simple()),
        expected: 0,
        events: events.collect(),
        metadata: Metadata::of(Actor::Administrator, commands::mint::uuid()),
        recorded_at: doors.app.engine.now(),
    };
    doors.store.append(storm).await.expect("appended");
    let _slow = doors.app.pace.follow("slow", 0);
    // Whoever waits in vain gives the follower up, and then nobody waits for it any more.
    let is_waited_for = || doors.app.pace.keep(doors.store.head()).now_or_never().is_none();
    let (hooks, headers) = (Hooks::new(doors.app.clone()), HeaderMap::new());
    let message = || {
        hooks.receive(Incoming {
            format: IntegrationKind::Generic,
            key: "generic-key",
            headers: &headers,
            target: "/hooks/generic/generic-key",
            call: None,
            posted: None,
            message: br#"{"title":"x"}"#.to_vec(),
            whole_bytes: None,
        })
    };
    assert!(message().await.outcome.is_ok());
    assert!(is_waited_for());
    let _another = hooks.turns.arrive(IntegrationId::new(Uuid::from_u128(1)));
    assert!(message().await.outcome.is_ok());
    assert!(!is_waited_for());
}
