//! Every endpoint, with the exact answers that senders read.

mod cloud_watch;
mod limits;
mod opsgenie;
mod overload;
mod proof;

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use commands::{DirectoryHandle, Engine, EpisodeIndex, Intake, MetadataExt, VirtualClock, key_hash};
use connectors::{NoDownloads, Sns};
use domain::{
    Actor, DeliveryId, IntegrationId, SecretId, ServiceId, Timestamp,
    integration::{Integration, IntegrationCommand, IntegrationKind, Reading, Verification},
};
use futures::{FutureExt, future::BoxFuture};
use hmac::{Hmac, Mac};
use projections::{ReadLocation, ReadModels};
use serde_json::{Value, json};
use sha2::Sha256;
use store::{Filter, Metadata, Options, Store, StoreError};
use tower::ServiceExt;
use uuid::Uuid;

use crate::{App, Settings, TokenDigest};

const NOW: i64 = 1_764_000_000_000;
const SECRET: SecretId = SecretId::new(Uuid::from_u128(99));
const PAGERDUTY_KEY: &str = "0123456789abcdef0123456789abcdef";

struct NoEpisodes;

impl EpisodeIndex for NoEpisodes {
    fn latest<'a>(&'a self, _: ServiceId, _: &'a str) -> BoxFuture<'a, Result<Option<u32>, StoreError>> {
        futures::future::ready(Ok(None)).boxed()
    }
}

/// The endpoints over a log in memory, with one integration of each kind and one that requires signatures.
struct Doors {
    store: Store,
    app: App,
    clock: VirtualClock,
    router: Router,
    /// Where what this test is about begins.
    after: u64,
}

impl Doors {
    async fn new() -> Self {
        Self::over(Store::memory()).await
    }

    async fn over(store: Store) -> Self {
        Self::with_sns(store, Sns::new(Arc::new(NoDownloads))).await
    }

    async fn with_sns(store: Store, sns: Sns) -> Self {
        let clock = VirtualClock::at(Timestamp::from_millis(NOW));
        let app = App { sns, ..app_at(&store, clock.clone()).await };
        let following = app.directory.clone();
        tokio::spawn(async move { following.follow().await });
        let router = super::routes(app.clone());
        Self { after: store.head(), store, app, clock, router }
    }

    /// Opens another entrance, and returns its key. Its secret is `a secret of the sender`.
    async fn open(&mut self, kind: IntegrationKind, verification: Verification, reading: Reading) -> String {
        let number = self.store.head() + 1;
        let key = format!("{number:032x}");
        let command = IntegrationCommand::CreateIntegration {
            name: kind.word().to_owned(),
            kind,
            service: ServiceId::new(Uuid::from_u128(7)),
            key_hash: key_hash(&key),
            signing_secret: verification.needs_secret().then_some(SECRET),
            verification: Some(verification),
            reading,
            rate_limit: None,
            watch: None,
            unknown: vec![],
            at: self.app.engine.now(),
        };
        self.change(IntegrationId::new(Uuid::from_u128(number.into())), &command).await;
        key
    }

    /// Changes an integration, and waits until the endpoints know.
    async fn change(&mut self, id: IntegrationId, command: &IntegrationCommand) {
        let metadata = Metadata::of(Actor::Administrator, commands::mint::uuid());
        let done = self.app.engine.execute::<Integration>(id, command, &metadata).await.expect("changed");
        assert!(self.app.directory.reach(done.position, std::time::Duration::from_secs(10)).await);
        self.after = done.position;
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn post(&self, path: &str, body: impl Into<Body>) -> (StatusCode, Value) {
        self.send(Request::post(path).body(body.into()).expect("a request")).await
    }

    /// The messages that were kept since the integrations were made.
    async fn kept(&self) -> Vec<Value> {
        self.recorded(&Filter::Categories(vec![DeliveryId::CATEGORY])).await
    }

    /// What was noted of integrations since they were made.
    async fn noted(&self) -> Vec<Value> {
        self.recorded(&Filter::Categories(vec![IntegrationId::CATEGORY])).await
    }

    /// The same, once there is so much of it.
    async fn noted_times(&self, times: usize) -> Vec<Value> {
        let mut head = self.store.watch_head();
        loop {
            head.mark_unchanged();
            let noted = self.noted().await;
            if noted.len() >= times {
                return noted;
            }
            head.changed().await.expect("the log is open");
        }
    }

    async fn recorded(&self, filter: &Filter) -> Vec<Value> {
        let events = self.store.read(self.after, usize::MAX, filter).await.expect("events");
        events.iter().map(|event| serde_json::from_slice(&event.payload).expect("json")).collect()
    }
}

/// What requests may use, over a log with an integration of each kind and one that requires signatures.
pub(crate) async fn app_over(store: &Store) -> App {
    app_at(store, VirtualClock::at(Timestamp::from_millis(NOW))).await
}

async fn app_at(store: &Store, clock: VirtualClock) -> App {
    let engine = Engine::new(store.clone(), Arc::new(clock));
    let secret = SECRET;
    store.vault().seal(secret, b"a secret of the sender").await.expect("sealed");
    for (number, key, kind, signing_secret) in [
        (1, "generic-key", IntegrationKind::Generic, None),
        (2, "alertmanager-key", IntegrationKind::Alertmanager, None),
        (3, PAGERDUTY_KEY, IntegrationKind::PagerDuty, None),
        (4, "signed-key", IntegrationKind::Generic, Some(secret)),
    ] {
        let command = IntegrationCommand::CreateIntegration {
            name: key.to_owned(),
            kind,
            service: ServiceId::new(Uuid::from_u128(7)),
            key_hash: key_hash(key),
            signing_secret,
            verification: None,
            reading: Reading::default(),
            rate_limit: None,
            watch: None,
            unknown: vec![],
            at: Timestamp::from_millis(NOW),
        };
        let metadata = Metadata::of(Actor::Administrator, Uuid::from_u128(number));
        let id = IntegrationId::new(Uuid::from_u128(number));
        engine.execute::<Integration>(id, &command, &metadata).await.expect("created");
    }
    let zones = Arc::new(domain::schedule::Tzdb::bundled());
    let directory = DirectoryHandle::start(store.clone(), zones).await.expect("a directory");
    let reads = ReadModels::open(store.clone(), &ReadLocation::Memory).await.expect("read models");
    App {
        pace: commands::Pace::default(),
        understood: crate::webhooks::Understood::default(),
        intake: Arc::new(Intake::new(engine.clone(), directory.clone(), Arc::new(NoEpisodes))),
        engine,
        directory,
        reads,
        sns: Sns::new(Arc::new(NoDownloads)),
        settings: Arc::new(Settings { admin_token: Some(TokenDigest::of("admin")), ..Settings::default() }),
        shutdown: tokio_util::sync::CancellationToken::new(),
    }
}

/// How CloudWatch's messages prove themselves where the secret address is enough.
fn raw_sns() -> Verification {
    Verification::Sns { topics: vec!["arn:aws:sns:eu-central-1:123456789012:alarms".to_owned()], raw: true }
}

/// Where messages of a kind are sent.
fn path_of(kind: IntegrationKind, key: &str) -> String {
    match kind {
        IntegrationKind::PagerDuty => "/v2/enqueue".to_owned(),
        IntegrationKind::Opsgenie => "/v2/alerts".to_owned(),
        kind => format!("/hooks/{}/{key}", kind.path().expect("it has a path")),
    }
}

fn event(fields: &Value) -> String {
    let mut event = json!({"routing_key": PAGERDUTY_KEY});
    event.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    event.to_string()
}

#[tokio::test]
async fn a_generic_message_is_kept_as_it_came_and_accepted() {
    let doors = Doors::new().await;
    let body = r#"{ "title" : "Disk full" }"#;
    let (status, answer) = doors.post("/hooks/generic/generic-key", body).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!((&answer["status"], &answer["position"]), (&json!("accepted"), &json!("5")));
    assert!(answer["delivery"].as_str().is_some_and(|id| id.starts_with("dlv_")));
    let kept = doors.kept().await;
    assert_eq!((kept.len(), &kept[0]["body"], &kept[0]["proof"]), (1, &json!({"text": body}), &json!("key")));
}

#[tokio::test]
async fn a_heartbeat_is_a_call_with_any_usual_method_and_any_body() {
    let mut doors = Doors::new().await;
    let key = doors.open(IntegrationKind::Heartbeat, Verification::Key, Reading::default()).await;
    for (method, expected) in [
        ("GET", StatusCode::OK),
        ("HEAD", StatusCode::OK),
        ("POST", StatusCode::ACCEPTED),
        ("PUT", StatusCode::ACCEPTED),
        ("DELETE", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let request = Request::builder().method(method).uri(format!("/hooks/heartbeat/{key}"));
        let (status, _) = doors.send(request.body(Body::from("\u{fffd}{")).expect("a request")).await;
        assert_eq!(status, expected, "{method}");
    }
    assert_eq!(doors.kept().await.len(), 4);
    let (status, _) = doors.post(&format!("/hooks/heartbeat/{key}"), vec![b'a'; 512 * 1024 + 1]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let get = Request::get("/hooks/generic/generic-key").body(Body::empty()).expect("a request");
    assert_eq!(doors.send(get).await.0, StatusCode::METHOD_NOT_ALLOWED, "other kinds are posted to");
}

#[tokio::test]
async fn alertmanager_gets_202() {
    let doors = Doors::new().await;
    let body = &include_bytes!("fixtures/alertmanager_firing.json")[..];
    let (status, _) = doors.post("/hooks/alertmanager/alertmanager-key", body).await;
    assert_eq!((status, doors.kept().await.len()), (StatusCode::ACCEPTED, 1));
}

#[tokio::test]
async fn clients_of_pagerduty_get_their_answer_with_the_key() {
    let doors = Doors::new().await;
    let payload = json!({"summary": "disk full", "source": "host1", "severity": "critical"});
    let body = event(&json!({"event_action": "trigger", "dedup_key": "pd-1", "payload": payload}));
    let success = |key: &str| json!({"status": "success", "message": "Event processed", "dedup_key": key});
    assert_eq!(doors.post("/v2/enqueue", body).await, (StatusCode::ACCEPTED, success("pd-1")));
    let (_, fresh) =
        doors.post("/v2/enqueue", event(&json!({"event_action": "trigger", "payload": payload}))).await;
    assert_eq!(fresh["dedup_key"].as_str().map(str::len), Some(32));
}

#[tokio::test]
async fn clients_of_pagerduty_are_refused_in_their_format() {
    let mut doors = Doors::new().await;
    let invalid =
        |why: &str| json!({"status": "invalid event", "message": "Event object is invalid", "errors": [why]});
    let bad = StatusCode::BAD_REQUEST;
    let stranger = event(&json!({"routing_key": "f".repeat(32), "event_action": "trigger"}));
    assert_eq!(doors.post("/v2/enqueue", stranger).await, (bad, invalid("Invalid routing key")));
    let other = doors.open(IntegrationKind::Generic, Verification::Key, Reading::default()).await;
    let other = event(&json!({"routing_key": other, "event_action": "trigger"}));
    assert_eq!(doors.post("/v2/enqueue", other).await, (bad, invalid("Invalid routing key")));
    let short = r#"{"routing_key":"generic-key","event_action":"trigger"}"#;
    let length = "Length of 'routing_key' is incorrect (should be 32 characters)";
    assert_eq!(doors.post("/v2/enqueue", short).await, (bad, invalid(length)));
    assert_eq!(doors.post("/v2/change/enqueue", short).await, (bad, invalid(length)));
    assert_eq!(doors.post("/v2/enqueue", "{}").await, (bad, invalid("'routing_key' is missing or blank")));
    let unrecognized = json!({"status": "Unrecognized object", "message": "Event object format is unrecognized",
        "errors": ["JSON parse error"]});
    for body in ["nonsense", "", "[]", "7"] {
        assert_eq!(doors.post("/v2/enqueue", body).await, (bad, unrecognized.clone()), "{body}");
    }
    assert_eq!(doors.kept().await.len(), 0);

    let broken = format!(r#"{{"routing_key":"{PAGERDUTY_KEY}","payload":"#);
    assert_eq!(doors.post("/v2/enqueue", broken).await, (bad, unrecognized));
    let long = event(&json!({"event_action": "resolve", "dedup_key": "k".repeat(256)}));
    let too_long = invalid("'dedup_key' is too long (should be at most 255 characters)");
    assert_eq!(doors.post("/v2/enqueue", long).await, (bad, too_long));
    assert_eq!(doors.kept().await.len(), 2, "what has a key that opens is kept");

    let empty = event(&json!({"event_action": "trigger", "payload": {}}));
    let missing = invalid("'payload.summary' is missing or blank");
    assert_eq!(doors.post("/v2/enqueue", empty).await, (bad, missing));
    assert_eq!(doors.kept().await.len(), 3);

    let (status, answer) = doors.post("/v2/enqueue", vec![b' '; 512 * 1024 + 1]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer, invalid("Event is larger than 524288 bytes"));
}

#[tokio::test]
async fn a_change_is_kept_and_answered_like_an_event() {
    let doors = Doors::new().await;
    let change = event(&json!({"payload": {"summary": "deploy", "source": "ci"}}));
    let (status, answer) = doors.post("/v2/change/enqueue", change.clone()).await;
    assert_eq!((status, &answer["status"]), (StatusCode::ACCEPTED, &json!("success")));
    assert_eq!(answer["dedup_key"].as_str().map(str::len), Some(32));
    let kept = doors.kept().await;
    assert_eq!(kept[0]["envelope"], json!({"call": "POST /v2/change/enqueue"}));
    let (status, answer) = doors.post("/v2/change/enqueue", event(&json!({"payload": {}}))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(answer["errors"], json!(["'payload.summary' is missing or blank"]));
    let (status, _) = doors.post("/v2/enqueue", change).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "it is no event");
}

#[tokio::test]
async fn an_unknown_key_and_one_of_another_kind_look_the_same() {
    let doors = Doors::new().await;
    let unknown = doors.post("/hooks/generic/nobody", "{}").await;
    let other = doors.post("/hooks/generic/alertmanager-key", "{}").await;
    assert_eq!(unknown.0, StatusCode::NOT_FOUND);
    assert_eq!(unknown, other);
    assert_eq!(unknown.1["type"], "urn:midwatch:problem:no-such-integration");
    assert!(doors.kept().await.is_empty());
}

#[tokio::test]
async fn what_is_not_understood_is_kept_and_refused_with_the_place() {
    let doors = Doors::new().await;
    let deep = format!(r#"{{"title":"x","details":{}}}"#, "[".repeat(1000) + &"]".repeat(1000));
    let bodies: [&[u8]; 6] =
        [b"", b"[]", b"{}", b"\xff\xfe", br#"{"title":"x","value":1e999}"#, deep.as_bytes()];
    for body in bodies {
        let (status, answer) = doors.post("/hooks/generic/generic-key", body.to_vec()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        assert_eq!(answer["type"], "urn:midwatch:problem:malformed");
        assert!(answer["delivery"].is_string() && answer["errors"][0]["detail"].is_string(), "{answer}");
    }
    let kept = doors.kept().await;
    assert_eq!(kept.len(), 6);
    assert_eq!(kept[3]["body"], json!({"base64": "//4="}));
    let (_, answer) = doors.post("/hooks/generic/generic-key", "{}").await;
    assert_eq!(answer["errors"][0]["pointer"], "/title");
}

#[tokio::test]
async fn of_a_message_over_the_limit_the_head_is_kept_and_rejected() {
    let doors = Doors::new().await;
    let fits = format!(r#"{{"title":"x","details":"{}"}}"#, "a".repeat(500 * 1024));
    assert_eq!(doors.post("/hooks/generic/generic-key", fits).await.0, StatusCode::ACCEPTED);
    let (status, answer) = doors.post("/hooks/generic/generic-key", vec![b'a'; 512 * 1024 + 1]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer["detail"], "a message has at most 524288 bytes");
    assert!(answer["delivery"].is_string(), "{answer}");
    let kept = doors.kept().await;
    assert_eq!(kept.len(), 2);
    assert_eq!(kept[1]["envelope"]["whole_bytes"], 512 * 1024 + 1);
    assert_eq!(kept[1]["body"]["text"].as_str().map(str::len), Some(512 * 1024));

    let (status, answer) = doors.post("/hooks/generic/nobodys-key", vec![b'a'; 512 * 1024 + 1]).await;
    assert_eq!((status, &answer["delivery"]), (StatusCode::PAYLOAD_TOO_LARGE, &Value::Null));
    assert_eq!(doors.kept().await.len(), 2, "what proves nothing is not kept");
}

#[tokio::test]
async fn a_signature_is_checked_where_it_is_required() {
    let doors = Doors::new().await;
    let body = r#"{"title":"signed"}"#;
    let mac = Hmac::<Sha256>::new_from_slice(b"a secret of the sender").expect("a key").chain_update(body);
    let hex =
        mac.finalize().into_bytes().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let signed = |signature: &str, body: &'static str| {
        let request = Request::post("/hooks/generic/signed-key").header("X-Midwatch-Signature", signature);
        request.body(Body::from(body)).expect("a request")
    };
    let right = format!("sha256={hex}");
    assert_eq!(doors.send(signed(&right, body)).await.0, StatusCode::ACCEPTED);
    for request in [
        signed(&right, r#"{"title":"other"}"#),
        signed("sha256=00", body),
        Request::post("/hooks/generic/signed-key").body(Body::from(body)).expect("a request"),
    ] {
        assert_eq!(doors.send(request).await.0, StatusCode::UNAUTHORIZED);
    }
    let kept = doors.kept().await;
    assert_eq!((kept.len(), &kept[0]["proof"]), (1, &json!("signature")));
}

#[tokio::test]
async fn a_full_queue_asks_to_come_back() {
    let store = Store::memory_with(&Options { queue_bytes: 16 * 1024, ..Options::default() });
    let doors = Doors::over(store).await;
    let large = format!(r#"{{"title":"x","details":"{}"}}"#, "a".repeat(10 * 1024));
    let event = event(&json!({"event_action": "trigger", "payload": {"summary": "a".repeat(10 * 1024)}}));
    // The committer empties the queue beside us, so a single burst may find it empty each time.
    let (mut accepted, mut busy) = (0, vec![]);
    while busy.is_empty() {
        let calls = (0..50).map(|_| doors.post("/hooks/generic/generic-key", large.clone()));
        let events = (0..50).map(|_| doors.post("/v2/enqueue", event.clone()));
        let (answers, event_answers) =
            futures::join!(futures::future::join_all(calls), futures::future::join_all(events));
        let taken = |(status, _): &&(StatusCode, Value)| *status == StatusCode::ACCEPTED;
        accepted += answers.iter().chain(&event_answers).filter(taken).count();
        busy.extend(answers.into_iter().filter(|(status, _)| *status == StatusCode::SERVICE_UNAVAILABLE));
        assert!(accepted < 20_000, "the queue never filled");
    }
    for (_, answer) in &busy {
        assert_eq!(answer["retryable"], true);
    }
    assert_eq!(doors.kept().await.len(), accepted, "what was accepted is kept, and nothing else");
}
