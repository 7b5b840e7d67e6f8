//! Alerts by mail, as a real mail client sends them.

use commands::VirtualClock;
use domain::Timestamp;
use serde_json::{Value, json};

use crate::support::{Outbox, Peer, Server, TestApp, World, eventually, free_port, python};

/// A node that takes mail, somebody who sends it, and a service with an entrance for it.
struct Stand {
    app: TestApp,
    client: Peer,
    integration: String,
    /// `<key>@alerts.example.org`
    address: String,
    _folder: tempfile::TempDir,
}

impl Stand {
    async fn start(verification: Value) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
        let config = midwatch::Config {
            smtp_listen: Some("127.0.0.1:0".to_owned()),
            smtp_domain: Some("alerts.example.org".to_owned()),
            ..TestApp::config(&database)
        };
        let clock = VirtualClock::at("2026-11-24T03:00:00Z".parse::<Timestamp>().expect("a time"));
        let app = TestApp::start_with(config, clock, Outbox::default()).await;
        let world = World::make(&app).await;
        let input = json!({ "name": "Mail", "kind": "EMAIL", "serviceId": world.service,
            "verification": verification });
        let made = app.administer("createIntegration", "integration { id } key url", input).await;
        assert_eq!(made["rejection"], Value::Null);
        let address = text(&made["url"]).strip_prefix("mailto:").expect("a mail address").to_owned();
        assert_eq!(address, format!("{}@alerts.example.org", text(&made["key"])));
        let client = Peer::start(python("send_mail.py"));
        Self {
            app,
            client,
            integration: text(&made["integration"]["id"]).to_owned(),
            address,
            _folder: folder,
        }
    }

    /// The address with a grouping key in it.
    fn about(&self, part: &str) -> String {
        self.address.replace('@', &format!("+{part}@"))
    }

    /// Sends a mail; what became of it.
    async fn send(&mut self, to: &[&str], subject: &str, more: Value) -> Value {
        let mut told = json!({ "port": self.app.mail_port(), "sender": "nagios@example.org", "to": to, "subject": subject });
        told.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        self.client.tell(&told.to_string());
        let outcome = self.client.next().expect("it says what became of it");
        self.app.settle().await;
        outcome
    }

    /// How each incident stands, by its title.
    async fn incidents(&self) -> Vec<(String, String)> {
        let all = self.app.incidents().await;
        let mut all: Vec<_> =
            all.iter().map(|one| (text(&one["title"]).to_owned(), text(&one["status"]).to_owned())).collect();
        all.sort();
        all
    }

    /// What came through the entrance, newest first.
    async fn log(&self) -> Vec<Value> {
        let query = "query($id: ID!) { deliveries(integrationId: $id, first: 50) { nodes {
            verdict reason proof format } } }";
        let mut data = self.app.query(query, json!({ "id": self.integration })).await;
        data["deliveries"]["nodes"].as_array_mut().map(std::mem::take).expect("a list")
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn taken() -> Value {
    json!({ "taken": true, "refused": {} })
}

fn pair(title: &str, status: &str) -> (String, String) {
    (title.to_owned(), status.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_opens_an_incident_and_pages_and_another_resolves_it() {
    let mut stand = Stand::start(json!({ "key": true })).await;
    let address = stand.address.clone();
    let more = json!({ "text": "Größe: 91 %\n.\nend\n", "html": "<p>no</p>", "attach": "panel.png" });
    assert_eq!(stand.send(&[&address], "[CRITICAL] Platte voll: /größe", more).await, taken());
    assert_eq!(stand.app.outbox.sent().len(), 1);
    let again = json!({ "headers": { "X-Priority": "1" } });
    assert_eq!(stand.send(&[&address], "Re: Platte voll: /größe", again).await, taken());
    assert_eq!(stand.incidents().await, [pair("[CRITICAL] Platte voll: /größe", "TRIGGERED")]);
    let incident = &stand.app.incidents().await[0];
    assert_eq!((&incident["severity"], &incident["alertCount"]), (&json!("CRITICAL"), &json!(2)));
    assert_eq!(stand.send(&[&address], "[RESOLVED] Platte voll: /größe", json!({})).await, taken());
    assert_eq!(stand.incidents().await, [pair("[CRITICAL] Platte voll: /größe", "RESOLVED")]);
    let log = stand.log().await;
    let verdicts: Vec<_> = log.iter().map(|one| text(&one["verdict"])).collect();
    assert_eq!(verdicts, ["RESOLVED", "JOINED", "OPENED"]);
    assert_eq!((&log[0]["format"], &log[0]["proof"]), (&json!("EMAIL"), &json!("KEY")));
    stand.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_address_says_which_problem_it_is() {
    let mut stand = Stand::start(json!({ "key": true })).await;
    let (disk, net) = (stand.about("web-1/disk"), stand.about("web-1/net"));
    assert_eq!(stand.send(&[&disk], "91 % of /var", json!({})).await, taken());
    assert_eq!(stand.send(&[&disk, &net], "trouble on web-1", json!({})).await, taken());
    let open = [pair("91 % of /var", "TRIGGERED"), pair("trouble on web-1", "TRIGGERED")];
    assert_eq!(stand.incidents().await, open);
    assert_eq!(stand.send(&[&disk], "OK: 40 % of /var", json!({})).await, taken());
    assert_eq!(stand.incidents().await[0], pair("91 % of /var", "RESOLVED"));
    assert_eq!(stand.incidents().await[1], pair("trouble on web-1", "TRIGGERED"));
    // A relay that heard no answer sends the very same mail again, after all is over.
    let id = json!({ "headers": { "Message-ID": "<1@example.org>" } });
    for _ in 0..2 {
        assert_eq!(stand.send(&[&net], "RESOLVED", id.clone()).await, taken());
    }
    assert_eq!(stand.log().await.len(), 5, "once for each address and mail");
    stand.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_may_not_send_is_refused_and_seen_and_bounces_page_nobody() {
    let mut stand = Stand::start(json!({ "mail": { "senders": ["@Example.ORG"] } })).await;
    let address = stand.address.clone();
    for more in [
        json!({ "sender": "mallory@example.net" }),
        json!({ "author": "Mallory <mallory@example.net>" }),
        json!({ "sender": "", "author": "nagios@example.org" }),
    ] {
        let refused = stand.send(&[&address], "disk full", more.clone()).await;
        assert_eq!((&refused["taken"], &refused["code"]), (&json!(false), &json!(550)), "{more} {refused}");
        assert!(text(&refused["words"]).starts_with("5.7.1 "), "{refused}");
    }
    let nobody = format!("{}@alerts.example.org", "0".repeat(32));
    let refused = stand.send(&[&nobody], "disk full", json!({})).await;
    assert_eq!(refused["refused"][&nobody], 550, "{refused}");
    let query = "query($id: ID!) { integration(id: $id) { verification { method senders } refusals { count lastReason } } }";
    let seen = stand.app.query(query, json!({ "id": stand.integration })).await["integration"].take();
    assert_eq!(seen["verification"], json!({ "method": "MAIL", "senders": ["@example.org"] }));
    assert_eq!(seen["refusals"]["count"], 1, "at most one a minute is noted: {seen}");
    stand.app.advance_minutes(1).await;
    eventually("the others are noted, although no more come", async || {
        let seen = stand.app.query(query, json!({ "id": stand.integration })).await;
        seen["integration"]["refusals"]["count"] == 3
    })
    .await;
    assert!(stand.incidents().await.is_empty() && stand.log().await.is_empty());

    let away = json!({ "headers": { "Auto-Submitted": "auto-replied" } });
    assert_eq!(stand.send(&[&address], "I am away", away).await, taken());
    assert_eq!(stand.log().await[0]["verdict"], "IGNORED");
    assert_eq!(stand.send(&[&address], "disk full", json!({})).await, taken());
    assert_eq!(stand.incidents().await, [pair("disk full", "TRIGGERED")]);
    stand.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_is_too_large_is_refused_and_its_head_is_in_the_log() {
    let mut stand = Stand::start(json!({ "key": true })).await;
    let address = stand.address.clone();
    let long = json!({ "text": "0123456789\n".repeat(60_000) });
    let refused = stand.send(&[&address], "a long story", long).await;
    assert_eq!(refused["refused"][&address], 552, "{refused}");
    let log = stand.log().await;
    assert_eq!((log.len(), &log[0]["verdict"]), (1, &json!("REJECTED")));
    assert!(text(&log[0]["reason"]).contains("is too large"), "{}", log[0]);
    stand.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_takes_mail_where_it_is_told_to_and_stops_while_a_client_is_there() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let address = format!("127.0.0.1:{}", free_port());
    let server = Server::start(&database, &["--smtp-listen", &address]).await;
    let mut client = Peer::start(python("send_mail.py"));
    let port: u16 = address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let told = json!({ "port": port, "sender": "a@example.org", "to": ["nobody@localhost"], "subject": "x" });
    client.tell(&told.to_string());
    let refused = client.next().expect("it says what became of it");
    assert_eq!(refused["refused"]["nobody@localhost"], 550, "{refused}");

    let idle = std::net::TcpStream::connect(&address).expect("it listens");
    let mut heard = std::io::BufReader::new(idle);
    let mut line = String::new();
    std::io::BufRead::read_line(&mut heard, &mut line).expect("it greets");
    assert!(line.starts_with("220 localhost "), "{line}");
    server.stop();
    line.clear();
    std::io::BufRead::read_line(&mut heard, &mut line).expect("it says goodbye");
    assert!(line.starts_with("421 4.3.2 "), "{line}");
}
