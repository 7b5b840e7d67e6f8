//! What an entrance makes of messages that prove themselves late, twice, with an old secret, or not at all.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use commands::Clock;
use domain::integration::{Preset, ProofChange, SignatureScheme, WatchChange};
use ring::hmac;

use super::*;

const BODY: &str = r#"{"title":"signed"}"#;

fn hex(secret: &[u8], text: &str) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes());
    tag.as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// A request signed with a timestamp.
fn timed(key: &str, secret: &[u8], seconds: i64, body: &'static str) -> Request<Body> {
    Request::post(format!("/hooks/generic/{key}"))
        .header("X-Grafana-Alerting-Timestamp", seconds.to_string())
        .header("X-Grafana-Alerting-Signature", hex(secret, &format!("{seconds}:{body}")))
        .body(Body::from(body))
        .expect("a request")
}

fn signed_with_time() -> Verification {
    Verification::Signature(SignatureScheme::of(Preset::GrafanaWithTime))
}

impl Doors {
    /// The integration that a key opens.
    fn id_of(&self, key: &str) -> IntegrationId {
        self.app.directory.now().integration_by_key(key, self.clock.now()).expect("it opens").0
    }

    /// Another secret.
    async fn sealed(&self, number: u128, secret: &[u8]) -> SecretId {
        let id = SecretId::new(Uuid::from_u128(number));
        self.store.vault().seal(id, secret).await.expect("sealed");
        id
    }
}

/// Another proof and another key.
fn changed(key: Option<&str>, proof: ProofChange, at: Timestamp) -> IntegrationCommand {
    IntegrationCommand::UpdateIntegration {
        name: None,
        service: None,
        enabled: None,
        key_hash: key.map(key_hash),
        proof,
        reading: None,
        rate_limit: None,
        watch: WatchChange::Keep,
        unknown: vec![],
        at,
    }
}

#[tokio::test]
async fn a_late_or_early_message_is_taken_and_marked() {
    let mut doors = Doors::new().await;
    let key = doors.open(IntegrationKind::Generic, signed_with_time(), Reading::default()).await;
    let now = NOW / 1000;
    for (seconds, mark) in [
        (now, Value::Null),
        (now - 300, Value::Null),
        (now - 301, json!({"late_by_seconds": 301})),
        (now - 3600, json!({"late_by_seconds": 3600})),
        (now + 60, Value::Null),
        (now + 3600, json!({"early_by_seconds": 3600})),
    ] {
        let before = doors.kept().await.len();
        let (status, _) = doors.send(timed(&key, b"a secret of the sender", seconds, BODY)).await;
        assert_eq!(status, StatusCode::ACCEPTED);
        let kept = doors.kept().await;
        assert_eq!((kept.len(), &kept[before]["mistimed"]), (before + 1, &mark), "{seconds}");
    }
}

#[tokio::test]
async fn a_replayed_message_is_kept_once() {
    let mut doors = Doors::new().await;
    let key = doors.open(IntegrationKind::Generic, signed_with_time(), Reading::default()).await;
    let secret = b"a secret of the sender";
    let (_, first) = doors.send(timed(&key, secret, 1_764_000_000, BODY)).await;
    let (status, again) = doors.send(timed(&key, secret, 1_764_000_000, BODY)).await;
    assert_eq!((status, &again["deduplicated"]), (StatusCode::ACCEPTED, &json!(true)));
    assert_eq!((&first["delivery"], &first["deduplicated"]), (&again["delivery"], &Value::Null));
    assert_eq!(doors.kept().await.len(), 1);
    doors.send(timed(&key, secret, 1_764_000_001, BODY)).await;
    assert_eq!(doors.kept().await.len(), 2);
}

#[tokio::test]
async fn a_replay_is_known_however_its_signature_is_written() {
    let mut doors = Doors::new().await;
    let key = doors.open(IntegrationKind::Generic, signed_with_time(), Reading::default()).await;
    let (id, other) = (doors.id_of(&key), b"another secret");
    let rotated = doors.sealed(100, other).await;
    let at = doors.clock.now();
    let proof =
        ProofChange { secret: Some(rotated), keep_until: Some(at.plus_seconds(60)), ..Default::default() };
    doors.change(id, &changed(None, proof, at)).await;
    let text = format!("{}:{BODY}", NOW / 1000);
    let (old, new) = (hex(b"a secret of the sender", &text), hex(other, &text));
    let send = |signature: String| {
        let request = Request::post(format!("/hooks/generic/{key}"))
            .header("X-Grafana-Alerting-Timestamp", (NOW / 1000).to_string())
            .header("X-Grafana-Alerting-Signature", signature);
        doors.send(request.body(Body::from(BODY)).expect("a request"))
    };
    let (_, first) = send(format!("{old},{new}")).await;
    assert_eq!(first["deduplicated"], Value::Null);
    for written in [
        format!("{old},{new}"),
        old.clone(),
        new.clone(),
        format!("{new},{old}"),
        old.to_uppercase(),
        new.to_uppercase(),
        format!("{},{}", &old[..32].to_uppercase(), old),
        format!("{old},"),
        format!(" ,;{old} "),
        format!("{old},00"),
        format!("{},{old}", "00".repeat(32)),
        format!("{old} {old};{old}"),
    ] {
        let (status, again) = send(written.clone()).await;
        assert_eq!((status, &again["deduplicated"]), (StatusCode::ACCEPTED, &json!(true)), "{written}");
        assert_eq!(again["delivery"], first["delivery"], "{written}");
    }
    assert_eq!(doors.kept().await.len(), 1);
}

#[tokio::test]
async fn a_message_too_large_for_its_signature_leaves_the_trace_of_a_bad_one() {
    let mut doors = Doors::new().await;
    let signed = |preset| Verification::Signature(SignatureScheme::of(preset));
    for (kind, verification, limit) in [
        (IntegrationKind::Generic, signed_with_time(), 512 * 1024),
        (IntegrationKind::PagerDuty, signed(Preset::PagerDuty), 512 * 1024),
        (IntegrationKind::Opsgenie, signed(Preset::Midwatch), 512 * 1024),
        (IntegrationKind::GitHub, signed(Preset::GitHub), 512 * 1024),
        (IntegrationKind::CloudWatch, raw_sns(), 528 * 1024),
    ] {
        let key = doors.open(kind, verification, Reading::default()).await;
        let body = format!(r#"{{"routing_key":"{key}","title":"{}"}}"#, "a".repeat(limit));
        let (path, bytes) = (path_of(kind, &key), body.len());
        for _ in 0..3 {
            let request = Request::post(&path).header("Authorization", format!("GenieKey {key}"));
            let (status, answer) =
                doors.send(request.body(Body::from(body.clone())).expect("a request")).await;
            assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{kind:?}: {answer}");
            assert!(answer.to_string().contains(&limit.to_string()), "{kind:?}: {answer}");
        }
        let noted = doors.noted().await;
        assert_eq!((noted.len(), &noted[0]["count"]), (1, &json!(1)), "{kind:?}");
        let reason = noted[0]["reason"].as_str().expect("a reason");
        let told = reason.starts_with("too large") && reason.contains(&bytes.to_string());
        assert!(told && reason.contains(&limit.to_string()), "{kind:?}: {reason}");
        assert!(doors.kept().await.is_empty(), "{kind:?}: nothing of it is kept");
    }
}

#[tokio::test]
async fn what_is_signed_anew_for_each_attempt_is_kept_once_under_its_id() {
    let mut doors = Doors::new().await;
    let standard = Verification::Signature(SignatureScheme::of(Preset::StandardWebhooks));
    let key = doors.open(IntegrationKind::Generic, standard, Reading::default()).await;
    let attempt = |id: &'static str, seconds: i64, body: &'static str| {
        let signing = hmac::Key::new(hmac::HMAC_SHA256, b"a secret of the sender");
        let tag = hmac::sign(&signing, format!("{id}.{seconds}.{body}").as_bytes());
        let request = Request::post(format!("/hooks/generic/{key}"))
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", format!("v1,{}", STANDARD.encode(tag)));
        doors.send(request.body(Body::from(body)).expect("a request"))
    };
    let now = NOW / 1000;
    let (_, first) = attempt("msg_1", now, BODY).await;
    for later in [5, 300, 86_400] {
        let (status, again) = attempt("msg_1", now + later, BODY).await;
        assert_eq!((status, &again["deduplicated"]), (StatusCode::ACCEPTED, &json!(true)), "{later}");
        assert_eq!(again["delivery"], first["delivery"]);
    }
    assert_eq!(doors.kept().await.len(), 1);
    for (id, body) in [("msg_2", BODY), ("msg_1", r#"{"title":"another"}"#)] {
        let (_, other) = attempt(id, now, body).await;
        assert_eq!(other["deduplicated"], Value::Null, "{id} {body}");
    }
    assert_eq!(doors.kept().await.len(), 3);
}

#[tokio::test]
async fn fifty_equal_messages_with_one_id_are_kept_once_and_other_words_under_it_too() {
    let doors = Doors::new().await;
    let post = |body: &'static str| {
        let request = Request::post("/hooks/generic/generic-key").header("Idempotency-Key", "one");
        doors.send(request.body(Body::from(body)).expect("a request"))
    };
    let answers = futures::future::join_all((0..50).map(|_| post(BODY))).await;
    assert!(answers.iter().all(|(status, answer)| {
        *status == StatusCode::ACCEPTED && answer["delivery"] == answers[0].1["delivery"]
    }));
    assert_eq!(doors.kept().await.len(), 1);
    let (_, other) = post(r#"{"title":"another"}"#).await;
    assert_ne!(other["delivery"], answers[0].1["delivery"]);
    assert_eq!(doors.kept().await.len(), 2);
}

#[tokio::test]
async fn a_message_with_an_idempotency_key_counts_once_unless_its_kind_has_a_better_id() {
    let mut doors = Doors::new().await;
    let datadog = |transition: &str| json!({"event_id": "7", "transition": transition, "title": "Disk full"});
    let alert = json!({"title": "Disk full", "event_action": "trigger", "payload": {"summary": "Disk full"}});
    for (kind, body, headers, counts) in [
        (IntegrationKind::Generic, alert.clone(), ["one"; 2], 1),
        (IntegrationKind::Generic, alert.clone(), ["one", "two"], 2),
        (IntegrationKind::Alertmanager, alert.clone(), ["one"; 2], 1),
        (IntegrationKind::PagerDuty, alert.clone(), ["one"; 2], 1),
        (IntegrationKind::Grafana, alert.clone(), ["one"; 2], 1),
        (IntegrationKind::Opsgenie, json!({"message": "Disk full"}), ["one"; 2], 1),
        (IntegrationKind::NewRelic, json!({"id": "7"}), ["one"; 2], 1),
        (IntegrationKind::NewRelic, json!({"id": "7"}), ["one", "two"], 2),
        (IntegrationKind::Datadog, datadog("Triggered"), ["one", "two"], 1),
        (IntegrationKind::Heartbeat, json!({}), ["one"; 2], 2),
    ] {
        let key = doors.open(kind, Verification::Key, Reading::default()).await;
        let mut body = body;
        if kind == IntegrationKind::PagerDuty {
            body["routing_key"] = json!(key);
        }
        for id in headers {
            let request = Request::post(path_of(kind, &key)).header("Idempotency-Key", id);
            let request = request.header("Authorization", format!("GenieKey {key}"));
            let (status, answer) =
                doors.send(request.body(Body::from(body.to_string())).expect("a request")).await;
            assert_eq!(status, StatusCode::ACCEPTED, "{kind:?}: {answer}");
        }
        assert_eq!(doors.kept().await.len(), counts, "{kind:?} {headers:?}");
    }
}

#[tokio::test]
async fn both_secrets_and_keys_are_good_until_the_rotation_ends() {
    let mut doors = Doors::new().await;
    let key = doors.open(IntegrationKind::Generic, signed_with_time(), Reading::default()).await;
    let (id, secret) = (doors.id_of(&key), doors.sealed(100, b"another secret").await);
    let (at, new_key) = (doors.clock.now(), "f".repeat(32));
    let proof =
        ProofChange { secret: Some(secret), keep_until: Some(at.plus_seconds(3600)), ..Default::default() };
    doors.change(id, &changed(Some(&new_key), proof, at)).await;
    let mut seconds = NOW / 1000;
    for (later, old) in [(0, StatusCode::ACCEPTED), (3600, StatusCode::NOT_FOUND)] {
        doors.clock.advance(std::time::Duration::from_secs(later));
        for (key, secret, expected) in [
            (&new_key, &b"another secret"[..], StatusCode::ACCEPTED),
            (&key, b"another secret", old),
            (&key, b"a secret of the sender", old),
            (&key, b"a third secret", if later == 0 { StatusCode::UNAUTHORIZED } else { old }),
        ] {
            seconds += 1;
            assert_eq!(doors.send(timed(key, secret, seconds, BODY)).await.0, expected, "{later}");
        }
    }
    seconds += 1;
    let stale = timed(&new_key, b"a secret of the sender", seconds, BODY);
    assert_eq!(doors.send(stale).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_refused_message_leaves_a_trace_once_a_minute_and_nothing_of_itself() {
    let mut doors = Doors::new().await;
    let key = doors.open(IntegrationKind::Generic, signed_with_time(), Reading::default()).await;
    let wrong = |seconds| timed(&key, b"a guess", seconds, BODY);
    for seconds in 0..10 {
        assert_eq!(doors.send(wrong(NOW / 1000 + seconds)).await.0, StatusCode::UNAUTHORIZED);
    }
    let unsigned = Request::post(format!("/hooks/generic/{key}")).body(Body::from(BODY)).expect("a request");
    assert_eq!(doors.send(unsigned).await.0, StatusCode::UNAUTHORIZED);
    let kept = doors.noted().await;
    assert_eq!((kept.len(), &kept[0]["count"]), (1, &json!(1)));
    doors.clock.advance(std::time::Duration::from_mins(1));
    let kept = doors.noted_times(2).await;
    assert_eq!((kept.len(), &kept[1]["count"]), (2, &json!(10)), "although no more come");
    let [first, last] = [0, 1].map(|note| kept[note]["reason"].as_str().expect("a reason"));
    assert!(first.contains("x-grafana-alerting-signature"), "{first}");
    assert!(last.contains("requires the header"), "the last one's reason, not the first one's: {last}");
    assert!(doors.kept().await.is_empty());
    let all = serde_json::to_string(&kept).expect("json");
    assert!(!all.contains("signed\\\"") && !all.contains("a guess"), "{all}");
}

#[tokio::test]
async fn each_way_of_proving_oneself_says_what_it_wants() {
    let mut doors = Doors::new().await;
    for (verification, challenge, header, good) in [
        (Verification::Bearer, "Bearer", "authorization", "Bearer a secret of the sender"),
        (
            Verification::Basic { user: "tool".into() },
            "Basic realm=\"Midwatch\"",
            "authorization",
            "Basic dG9vbDphIHNlY3JldCBvZiB0aGUgc2VuZGVy",
        ),
        (Verification::Header { name: "x-own".into() }, "Header", "x-own", "a secret of the sender"),
    ] {
        let key = doors.open(IntegrationKind::Generic, verification, Reading::default()).await;
        let path = format!("/hooks/generic/{key}");
        let request = Request::post(&path).body(Body::from(BODY)).expect("a request");
        let refused = doors.router.clone().oneshot(request).await.expect("an answer");
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(refused.headers()["www-authenticate"], challenge);
        let request = Request::post(&path).header(header, good).body(Body::from(BODY)).expect("a request");
        assert_eq!(doors.send(request).await.0, StatusCode::ACCEPTED);
    }
}

#[tokio::test]
async fn a_form_is_read_and_json_that_curl_calls_a_form_too() {
    let doors = Doors::new().await;
    let post = |body: &'static str| {
        let form = "application/x-www-form-urlencoded";
        let request = Request::post("/hooks/generic/generic-key").header("content-type", form);
        doors.send(request.body(Body::from(body)).expect("a request"))
    };
    for (body, kept) in [
        (include_str!("../fixtures/apprise.form"), Some(true)),
        (r#"{"title":"from curl"}"#, None),
        ("payload=%7B%22title%22%3A%22inside%22%7D", Some(true)),
    ] {
        assert_eq!(post(body).await.0, StatusCode::ACCEPTED, "{body}");
        let last = doors.kept().await.pop().expect("it is kept");
        assert_eq!(last["envelope"]["form"].as_bool(), kept, "{body}");
    }
    assert_eq!(post("nonsense").await.0, StatusCode::BAD_REQUEST);
    let (status, answer) =
        doors.post("/hooks/generic/generic-key", include_str!("../fixtures/apprise.xml")).await;
    assert_eq!(
        (status, answer["delivery"].is_string()),
        (StatusCode::BAD_REQUEST, true),
        "XML is kept: {answer}"
    );
}
