//! Bodies that nobody should send, and what becomes of them: an answer that helps, a trace where the sender is known,
//! and nothing else.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Furnished, Phone, Server};

/// The largest body that is read.
const LIMIT: usize = 512 * 1024;

/// A running server that nobody has told anything yet.
struct Stage {
    server: Server,
    furnished: Furnished,
    phone: Phone,
    _folder: tempfile::TempDir,
}

impl Stage {
    async fn set() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
        let phone = Phone::listen().await;
        let server = Server::start(&database, &[]).await;
        let furnished = server.furnish(&phone.url, 3600).await;
        Self { server, furnished, phone, _folder: folder }
    }

    /// Posts bytes and returns the status, the content type and the answer.
    async fn post(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> (StatusCode, String, Value) {
        let request = self.server.request(Method::POST, path).body(body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = request.send().await.expect("an answer");
        let kind =
            answer.headers().get("content-type").map(|kind| kind.to_str().expect("it is text").to_owned());
        let (status, text) = (answer.status(), answer.text().await.expect("a body"));
        let body = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status}: no JSON: {text}"));
        (status, kind.unwrap_or_default(), body)
    }

    /// What is kept of what came through the entrances of one kind, oldest first.
    async fn deliveries(&self, kind: &str) -> Vec<Value> {
        let query = "query { integrations { nodes { kind deliveries(first: 200) {
            nodes { id verdict reason body proof } } } } }";
        let mut data = self.server.query(query, json!({})).await;
        let all = data["integrations"]["nodes"].as_array_mut().expect("it is a list");
        let mut found = vec![];
        for integration in all.iter_mut().filter(|one| one["kind"] == kind) {
            found.append(integration["deliveries"]["nodes"].as_array_mut().expect("it is a list"));
        }
        found.reverse();
        found
    }

    /// That an ordinary alert is still taken, opens its incident and rings the phone.
    async fn works(&self, title: &str) {
        let path = format!("/hooks/generic/{}", self.furnished.generic);
        let (status, _, answer) = self.post(&path, &[], json!({ "title": title }).to_string().into()).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        let rung = || async {
            let titles = |body: &Value| body["data"]["incident"]["title"] == title;
            self.phone.pages().values().flatten().any(titles)
        };
        self.server.until("an ordinary alert rings the phone", rung).await;
    }

    /// Opens an entrance for signed messages: its path and its secret.
    async fn signed(&self) -> (String, Vec<u8>) {
        let input = json!({ "name": "signed", "kind": "GENERIC", "serviceId": self.furnished.service, "signed": true });
        let made = self.server.create("createIntegration", "key signingSecret", input).await;
        let text = |name: &str| made[name].as_str().expect("it was made").to_owned();
        (format!("/hooks/generic/{}", text("key")), text("signingSecret").into_bytes())
    }
}

/// What cannot be understood, by name, with `key` where PagerDuty's clients put it.
fn malformed(key: &str) -> Vec<(&'static str, Vec<u8>)> {
    let within = |value: &str| format!(r#"{{"routing_key":"{key}","x":{value}}}"#).into_bytes();
    let mut not_text = within("\"");
    not_text.extend(b"\xff\xfe");
    vec![
        ("cut off", format!(r#"{{"routing_key":"{key}","title":"#).into_bytes()),
        ("more than one value", [within("1"), within("2")].concat()),
        ("not UTF-8", not_text),
        ("100,000 lists in each other", within(&("[".repeat(100_000) + &"]".repeat(100_000)))),
        ("100,000 objects in each other", within(&(r#"{"a":"#.repeat(50_000) + "1" + &"}".repeat(50_000)))),
        ("a number beyond everything", within("1e999999")),
        ("a number of 400 digits", within(&"9".repeat(400))),
        ("half a surrogate pair", within(r#""\ud800""#)),
        ("a control character in a text", within("\"\u{1}\"")),
        ("an object that says nothing", within("null")),
    ]
}

/// What is kept of a body.
fn kept(body: &[u8]) -> String {
    String::from_utf8(body.to_vec()).unwrap_or_else(|_| STANDARD.encode(body))
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused_with_a_reason_and_kept() {
    let stage = Stage::set().await;
    let (generic, alertmanager) = (&stage.furnished.generic, &stage.furnished.alertmanager);
    let mut expected = vec![];
    for (kind, path) in [
        ("GENERIC", format!("/hooks/generic/{generic}")),
        ("ALERTMANAGER", format!("/hooks/alertmanager/{alertmanager}")),
    ] {
        let empty = ["", " ", "[]", "null", "\"text\"", "{}"].map(|body| ("empty", body.as_bytes().to_vec()));
        for (name, body) in malformed("none").into_iter().chain(empty) {
            let (status, content, answer) = stage.post(&path, &[], body.clone()).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{kind}, {name}: {answer}");
            assert_eq!(content, "application/problem+json", "{kind}, {name}");
            assert_eq!(
                (&answer["status"], &answer["retryable"]),
                (&json!(400), &json!(false)),
                "{kind}, {name}"
            );
            let why = answer["detail"].as_str().expect("it says why");
            assert!((10..500).contains(&why.len()), "{kind}, {name}: a sentence: {why}");
            expected.push((kind, name, answer["delivery"].clone(), kept(&body)));
        }
    }
    for (name, body) in malformed(&stage.furnished.pagerduty) {
        let (status, content, answer) = stage.post("/v2/enqueue", &[], body.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "PagerDuty, {name}: {answer}");
        assert!(content.starts_with("application/json"), "PagerDuty, {name}: {content}");
        let said = (&answer["status"], &answer["message"], &answer["errors"][0]);
        assert!(
            said.0.is_string() && said.1.is_string() && said.2.is_string(),
            "PagerDuty, {name}: {answer}"
        );
        expected.push(("PAGERDUTY", name, Value::Null, kept(&body)));
    }

    let decided = || async {
        let mut all = vec![];
        for kind in ["GENERIC", "ALERTMANAGER", "PAGERDUTY"] {
            all.extend(stage.deliveries(kind).await);
        }
        all.len() == expected.len() && all.iter().all(|one| !one["verdict"].is_null())
    };
    stage.server.until("every one of them has a verdict", decided).await;
    for kind in ["GENERIC", "ALERTMANAGER", "PAGERDUTY"] {
        let deliveries = stage.deliveries(kind).await;
        let expected: Vec<_> = expected.iter().filter(|one| one.0 == kind).collect();
        assert_eq!(deliveries.len(), expected.len(), "{kind}: everything is kept, once");
        for (delivery, (_, name, id, body)) in deliveries.iter().zip(expected) {
            assert_eq!(delivery["verdict"], "REJECTED", "{kind}, {name}: {}", delivery["reason"]);
            assert!(delivery["reason"].as_str().is_some_and(|why| !why.is_empty()), "{kind}, {name}");
            assert_eq!(
                delivery["body"].as_str(),
                Some(&**body),
                "{kind}, {name}: the body is kept as it came"
            );
            assert!(id.is_null() || *id == delivery["id"], "{kind}, {name}: the answer names what was kept");
        }
    }
    assert_eq!(stage.server.incidents().await, Vec::<Value>::new(), "nothing was opened");
    stage.works("still there").await;
}

#[tokio::test]
async fn what_is_odd_but_clear_is_taken() {
    let stage = Stage::set().await;
    let path = format!("/hooks/generic/{}", stage.furnished.generic);
    let filling = LIMIT - r#"{"title":"full","x":""}"#.len();
    let odd: Vec<(&str, &str, Vec<u8>)> = vec![
        ("twice", "the last of two equal keys counts", br#"{"title":"once","title":"twice"}"#.to_vec()),
        ("marked", "a byte order mark", b"\xef\xbb\xbf{\"title\":\"marked\"}".to_vec()),
        ("full", "as large as may be", format!(r#"{{"title":"full","x":"{}"}}"#, "x".repeat(filling)).into()),
        (
            "nothing",
            "NUL in a title and a key",
            br#"{"title":"no\u0000thing","dedup_key":"a\u0000b"}"#.to_vec(),
        ),
        (
            "large",
            "a large number",
            br#"{"title":"large","timestamp":1e300,"x":123456789012345678901234567890}"#.to_vec(),
        ),
    ];
    for (title, name, body) in odd {
        let types = [("content-type", "image/png"), ("content-encoding", "identity")];
        let (status, _, answer) = stage.post(&path, &types, body).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{name}: {answer}");
        let opened = || async {
            let title_of =
                |one: &Value| one["title"].as_str().unwrap_or_default().replace([' ', '\u{fffd}'], "");
            stage.server.incidents().await.iter().any(|one| title_of(one) == title)
        };
        stage.server.until(name, opened).await;
    }
    stage.works("still there").await;
}

#[tokio::test]
async fn too_much_is_refused_in_the_words_of_the_caller_and_the_connection_closed() {
    let stage = Stage::set().await;
    let (generic, pagerduty) = (&stage.furnished.generic, &stage.furnished.pagerduty);
    for size in [LIMIT + 1, 3 * LIMIT] {
        let body = format!(r#"{{"routing_key":"{pagerduty}","title":"{}"}}"#, "x".repeat(size));
        let (status, content, answer) =
            stage.post(&format!("/hooks/generic/{generic}"), &[], body.clone().into()).await;
        assert_eq!((status.as_u16(), &*content), (413, "application/problem+json"), "{answer}");
        assert!(answer["detail"].as_str().is_some_and(|why| why.contains("524288")), "{answer}");
        let (status, _, answer) = stage.post("/v2/enqueue", &[], body.into()).await;
        assert_eq!((status.as_u16(), &answer["status"]), (413, &json!("invalid event")), "{answer}");
    }
    // In pieces, so that nobody can know beforehand how much it will be.
    let answer = chunked(&stage.server, generic, &vec!["x".repeat(64 * 1024); 9]).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    assert_eq!(stage.server.incidents().await, Vec::<Value>::new(), "nothing was opened");
    stage.works("still there").await;
}

#[tokio::test]
async fn nothing_is_kept_of_a_stranger() {
    let stage = Stage::set().await;
    let (path, secret) = stage.signed().await;
    let sign = |body: &[u8]| {
        let mac = Hmac::<Sha256>::new_from_slice(&secret).expect("keys have any length").chain_update(body);
        mac.finalize()
            .into_bytes()
            .iter()
            .fold("sha256=".to_owned(), |text, byte| format!("{text}{byte:02x}"))
    };
    let body = br#"{"title":"signed"}"#;
    let (right, other) = (sign(body), sign(b"something else"));
    for wrong in
        [None, Some("sha256="), Some("nonsense"), Some(&*other), Some(&right[..70]), Some(&right[7..])]
    {
        let headers: Vec<_> = wrong.iter().map(|value| ("x-midwatch-signature", *value)).collect();
        let (status, content, answer) = stage.post(&path, &headers, body.to_vec()).await;
        assert_eq!((status.as_u16(), &*content), (401, "application/problem+json"), "{wrong:?}: {answer}");
        assert!(
            answer["detail"]
                .as_str()
                .is_some_and(|why| why.contains("signature") || why.contains("Signature"))
        );
    }
    for path in
        ["/hooks/generic/00000000000000000000000000000000", "/hooks/alertmanager/x", "/hooks/generic/%00%ff"]
    {
        let (status, content, answer) = stage.post(path, &[], body.to_vec()).await;
        assert_eq!((status.as_u16(), &*content), (404, "application/problem+json"), "{path}: {answer}");
    }
    // The key of one format opens no other.
    let (status, ..) =
        stage.post(&format!("/hooks/alertmanager/{}", stage.furnished.generic), &[], body.to_vec()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    for key in ["", "\"routing_key\":\"unknown\",", "\"routing_key\":7,"] {
        let event = format!(
            r#"{{{key}"event_action":"trigger","payload":{{"summary":"x","source":"y","severity":"info"}}}}"#
        );
        let (status, _, answer) = stage.post("/v2/enqueue", &[], event.into()).await;
        assert_eq!((status.as_u16(), &answer["status"]), (400, &json!("invalid event")), "{key}: {answer}");
    }
    for kind in ["GENERIC", "ALERTMANAGER", "PAGERDUTY"] {
        assert_eq!(stage.deliveries(kind).await, Vec::<Value>::new(), "{kind}: nothing is kept");
    }

    // The right signature opens, also over bytes that mean nothing; then they are kept.
    let (status, _, answer) = stage.post(&path, &[("x-midwatch-signature", &right)], body.to_vec()).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    let (status, ..) = stage.post(&path, &[("x-midwatch-signature", &sign(b"\xff"))], b"\xff".to_vec()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let decided = || async {
        let deliveries = stage.deliveries("GENERIC").await;
        let proven = deliveries.iter().all(|one| one["proof"] == "SIGNATURE");
        let verdicts: Vec<_> = deliveries.iter().map(|one| one["verdict"].clone()).collect();
        proven && verdicts == ["OPENED", "REJECTED"]
    };
    stage.server.until("both are kept, with their proof", decided).await;
    stage.works("still there").await;
}

/// Sends a body in chunks by hand, and returns the answer as it came.
async fn chunked(server: &Server, key: &str, chunks: &[String]) -> String {
    let mut connection = connect(server).await;
    let head = format!("POST /hooks/generic/{key} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
    connection.write_all(head.as_bytes()).await.expect("it is read");
    for chunk in chunks {
        let framed = format!("{:x}\r\n{chunk}\r\n", chunk.len());
        connection.write_all(framed.as_bytes()).await.expect("it is read");
    }
    connection.write_all(b"0\r\n\r\n").await.expect("it is read");
    answer(connection).await
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(("127.0.0.1", server.port)).await.expect("the server accepts")
}

/// The beginning of what comes back.
async fn answer(mut connection: TcpStream) -> String {
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(10), connection.read(&mut answer)).await;
    let length = read.expect("an answer in time").expect("an answer");
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[tokio::test]
async fn a_body_may_come_in_pieces_and_one_that_breaks_off_is_nothing() {
    let stage = Stage::set().await;
    let key = &stage.furnished.generic;
    let taken = chunked(&stage.server, key, &[r#"{"title":"#.to_owned(), r#""in pieces"}"#.to_owned()]).await;
    assert!(taken.starts_with("HTTP/1.1 202"), "{taken}");

    let body = r#"{"title":"drop by drop"}"#;
    let head =
        format!("POST /hooks/generic/{key} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    let mut slow = connect(&stage.server).await;
    slow.write_all(head.as_bytes()).await.expect("it is read");
    for byte in body.bytes() {
        slow.write_all(&[byte]).await.expect("it is read");
        slow.flush().await.expect("it is read");
        tokio::task::yield_now().await;
    }
    let taken = answer(slow).await;
    assert!(taken.starts_with("HTTP/1.1 202"), "{taken}");

    // Half a body, then nobody; with and without a length, and often.
    for _ in 0..50 {
        let mut aborted = connect(&stage.server).await;
        aborted.write_all(head.as_bytes()).await.expect("it is read");
        aborted.write_all(&body.as_bytes()[..10]).await.expect("it is read");
        let mut aborted = connect(&stage.server).await;
        let head =
            format!("POST /hooks/generic/{key} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
        aborted.write_all(head.as_bytes()).await.expect("it is read");
        aborted.write_all(b"18\r\n{\"title\":").await.expect("it is read");
    }
    // What is no HTTP at all.
    let mut nonsense = connect(&stage.server).await;
    nonsense.write_all(b"\x16\x03\x01\x02\x00 hello\r\n\r\n").await.expect("it is read");
    assert!(answer(nonsense).await.starts_with("HTTP/1.1 400"));

    stage.works("still there").await;
    let titles: Vec<_> = stage.server.incidents().await.iter().map(|one| one["title"].clone()).collect();
    assert_eq!(titles, ["still there", "drop by drop", "in pieces"], "only whole bodies count");
}
