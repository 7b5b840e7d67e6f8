//! Pages by mail, as a real mail server takes them.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::support::{Peer, Server, python};

/// A title that would like to be a header, a tag and a line of its own.
const HOSTILE: &str = "disk\r\nBcc: everybody@example.org\r\n\r\n<script>alert('x')</script> \u{202e}\u{0} \"quoted\" =?utf-8?q?encoded?= Größe";

/// The mail server, and where it listens.
fn sink() -> (Peer, u64) {
    let sink = Peer::start(python("smtp_sink.py"));
    let port = sink.next().expect("it says where it listens")["port"].as_u64().expect("a port is a number");
    (sink, port)
}

/// A person who is reached at one mail address, alone on the policy of a new service.
async fn service_of(server: &Server, address: &str) -> String {
    let id = |payload: &Value, noun: &str| payload[noun]["id"].as_str().expect("it was made").to_owned();
    let person = json!({ "name": "Zoë \"<Z>\"", "email": format!("me-{address}"),
        "contacts": [{ "email": { "address": address } }] });
    let user = id(&server.create("createUser", "user { id }", person).await, "user");
    let levels = json!([{ "targets": [{ "userId": user }], "timeoutSeconds": 3600 }]);
    let policy = json!({ "name": address, "levels": levels });
    let policy = server.create("createEscalationPolicy", "escalationPolicy { id }", policy).await;
    let service = json!({ "name": "check<b>out", "escalationPolicyId": id(&policy, "escalationPolicy") });
    id(&server.create("createService", "service { id }", service).await, "service")
}

/// Opens an incident and returns its id.
async fn open(server: &Server, service: &str, title: &str) -> String {
    let input = json!({ "serviceId": service, "title": title, "severity": "CRITICAL" });
    let payload = server.create("createIncident", "incident { id }", input).await;
    payload["incident"]["id"].as_str().expect("it was opened").to_owned()
}

fn headers(mail: &Value) -> HashMap<&str, &str> {
    let pairs = mail["headers"].as_array().expect("it has headers").iter();
    let pairs: Vec<_> = pairs.map(|pair| (text(&pair[0]), text(&pair[1]))).collect();
    let headers: HashMap<_, _> = pairs.iter().copied().collect();
    assert_eq!(headers.len(), pairs.len(), "no header comes twice: {pairs:?}");
    headers
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The pages of an incident: how each stands, and why if it failed.
async fn pages(server: &Server, incident: &str) -> Vec<Value> {
    let query = "query($id: ID!) { incident(id: $id) { pages { status attempts failure reference } } }";
    let mut data = server.query(query, json!({ "id": incident })).await;
    data["incident"]["pages"].as_array_mut().map(std::mem::take).expect("it is a list")
}

#[tokio::test]
async fn a_page_arrives_as_one_mail_that_says_what_is_wrong_and_where_to_answer() {
    let (sink, port) = sink();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let relay = format!("smtp://127.0.0.1:{port}");
    let sender = ["--smtp-url", &relay, "--mail-from", "Midwatch <midwatch@example.org>"];
    let server = Server::start(&database, &sender).await;

    // An ordinary mail.
    let service = service_of(&server, "ada@example.org").await;
    let incident = open(&server, &service, "disk full on web-1").await;
    let mail = sink.next().expect("a mail arrives");
    assert_eq!(mail["to"], json!(["ada@example.org"]));
    assert_eq!(mail["sender"], "midwatch@example.org");
    assert_eq!(mail["parts"], json!(["multipart/alternative", "text/plain", "text/html"]));
    assert_eq!(mail["defects"], json!([]), "the mail is well-formed");
    let subject = headers(&mail)["subject"];
    assert!(subject.contains("CRITICAL") && subject.contains("disk full on web-1"), "{subject}");
    let link = format!("{}/incidents/{incident}", server.url);
    for part in ["text", "html"] {
        let said = text(&mail[part]);
        assert!(said.contains(&link), "the {part} says where to answer: {said}");
        assert!(said.contains("disk full on web-1"), "the {part} says what is wrong: {said}");
    }

    // The same mail again after the server put it off: one page, one id.
    let service = service_of(&server, "grey@example.org").await;
    let incident = open(&server, &service, "slow queries").await;
    let (first, second) = (sink.next().expect("a mail arrives"), sink.next().expect("it arrives again"));
    assert_eq!((&first["taken"], &second["taken"]), (&json!(false), &json!(true)));
    let id = |mail: &Value| headers(mail)["message-id"].to_owned();
    assert_eq!(id(&first), id(&second), "both attempts are the same mail");
    let sent = || async { pages(&server, &incident).await[0]["status"] == "SENT" };
    server.until("the page is sent", sent).await;
    let page = &pages(&server, &incident).await[0];
    assert_eq!(page["attempts"], 2, "{page}");
    let reference = text(&page["reference"]);
    assert!(reference.contains("250"), "the server's answer is kept: {page}");

    // An address that does not exist is not tried again, and the page says so.
    let service = service_of(&server, "bounce@example.org").await;
    let incident = open(&server, &service, "nobody").await;
    assert_eq!(sink.next().expect("an attempt")["refused"], "bounce@example.org");
    let failed = || async { pages(&server, &incident).await[0]["status"] == "FAILED" };
    server.until("the page has failed", failed).await;
    let page = &pages(&server, &incident).await[0];
    assert!(text(&page["failure"]).contains("nobody has this address"), "{page}");

    // What a stranger's message says stays words.
    let service = service_of(&server, "eve@example.org").await;
    let entrance = json!({ "name": "scripts", "kind": "GENERIC", "serviceId": service });
    let key = server.create("createIntegration", "key", entrance).await["key"].take();
    let message = json!({ "title": HOSTILE, "details": "<img src=x onerror=alert(1)>\r\n.\r\nQUIT\r\n" });
    let path = format!("/hooks/generic/{}", text(&key));
    assert_eq!(server.post(&path, message.to_string()).await, Some(202));
    let mail = sink.next().expect("a mail arrives");
    assert_eq!(mail["to"], json!(["eve@example.org"]), "nobody else is written to");
    assert_eq!(mail["defects"], json!([]), "the mail is well-formed");
    let headers = headers(&mail);
    assert!(!headers.contains_key("bcc"), "{headers:?}");
    assert!(headers["subject"].contains("Größe"), "{headers:?}");
    assert!(!headers["subject"].contains('\u{202e}') && !headers["subject"].contains('\u{0}'), "{headers:?}");
    let html = text(&mail["html"]).to_lowercase();
    assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("<b>"), "{html}");

    let said = sink.finish();
    assert_eq!(said, Vec::<Value>::new(), "there is no further mail");
}
