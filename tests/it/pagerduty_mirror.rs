//! PagerDuty's own webhooks, read as `docs/integrations/pagerduty.md` says: its incidents are seen here, too.

use hmac::{Hmac, Mac};
use serde_json::{Value, json};

use crate::support::{TestApp, World, text};

const GUIDE: &str = include_str!("../../docs/integrations/pagerduty.md");
const TRIGGERED: &str =
    include_str!("../../crates/api/src/webhooks/fixtures/pagerduty_webhook_triggered.json");

/// The page's example of how the webhooks are read.
fn example() -> &'static str {
    let example = GUIDE.split("```graphql\n").nth(1).expect("the page has an example");
    example.split("```").next().expect("a fence ends")
}

/// A webhook of this type about the incident, which says this of it.
fn webhook(kind: &str, data: &Value) -> String {
    let mut message: Value = serde_json::from_str(TRIGGERED).expect("it is JSON");
    let event = message["event"].as_object_mut().expect("an event");
    event.insert("event_type".to_owned(), kind.into());
    let about = event["data"].as_object_mut().expect("an incident");
    about.extend(data.as_object().expect("an object").clone());
    message.to_string()
}

/// The integration of the page, with a secret that PagerDuty made.
struct Mirror<'a> {
    app: &'a TestApp,
    id: String,
    path: String,
}

impl<'a> Mirror<'a> {
    async fn open(app: &'a TestApp) -> Self {
        let service = World::make(app).await.service;
        let input = json!({ "name": "PagerDuty", "kind": "GENERIC", "serviceId": service,
            "verification": { "preset": "PAGERDUTY" } });
        let made = app.administer("createIntegration", "integration { id } key", input).await;
        assert_eq!(made["rejection"], Value::Null);
        let id = text(&made["integration"]["id"]);
        let input = json!({ "integrationId": id, "secret": "a secret of PagerDuty" });
        let changed = app.administer("updateIntegration", "integration { id }", input).await;
        assert_eq!(changed["rejection"], Value::Null);
        let read = app.query(&example().replace("int_…", &id), json!({})).await;
        assert_eq!(read["updateIntegrationHandling"]["rejection"], Value::Null);
        Self { app, id, path: format!("/hooks/generic/{}", text(&made["key"])) }
    }

    async fn send(&self, secret: &str, body: &str) -> u16 {
        let mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("a key").chain_update(body);
        let hex =
            mac.finalize().into_bytes().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        let signature = format!("v1={},v1={hex}", "0".repeat(64));
        let headers = [("x-pagerduty-signature", &*signature), ("content-type", "application/json")];
        let (status, _) = self.app.call("POST", &self.path, &headers, body.to_owned()).await;
        self.app.settle().await;
        status
    }

    /// What became of the last message: its verdict, and the state of its incident.
    async fn last(&self) -> (String, Value) {
        let query = "query($id: ID!) { deliveries(integrationId: $id, first: 1) { nodes { verdict
            incident { status severity title dedupKey alerts { source at links { href } } } } } }";
        let mut data = self.app.query(query, json!({ "id": self.id })).await;
        let mut last = data["deliveries"]["nodes"][0].take();
        (text(&last["verdict"]), last["incident"].take())
    }
}

#[tokio::test]
async fn incidents_of_pagerduty_are_mirrored_as_its_page_says() {
    let app = TestApp::start().await;
    let mirror = Mirror::open(&app).await;
    let note = json!({ "type": "incident_note", "content": "looking", "incident": { "id": "PGR0VU2" } });
    for (kind, data, verdict, told) in [
        ("pagey.ping", json!({ "type": "ping", "message": "Hello" }), "SUPPRESSED", None),
        ("incident.triggered", json!({}), "OPENED", Some(("TRIGGERED", "HIGH"))),
        ("incident.annotated", note, "SUPPRESSED", None),
        (
            "incident.priority_updated",
            json!({ "priority": { "summary": "P1", "type": "priority_reference" } }),
            "JOINED",
            Some(("TRIGGERED", "CRITICAL")),
        ),
        (
            "incident.acknowledged",
            json!({ "status": "acknowledged" }),
            "ACKNOWLEDGED",
            Some(("ACKNOWLEDGED", "CRITICAL")),
        ),
        ("incident.resolved", json!({ "status": "resolved" }), "RESOLVED", Some(("RESOLVED", "CRITICAL"))),
        ("incident.reopened", json!({}), "OPENED", Some(("TRIGGERED", "HIGH"))),
    ] {
        assert_eq!(mirror.send("a secret of PagerDuty", &webhook(kind, &data)).await, 202, "{kind}");
        let (said, incident) = mirror.last().await;
        assert_eq!(said, verdict, "{kind}: {incident}");
        let Some((status, severity)) = told else { continue };
        assert_eq!(
            (&incident["status"], &incident["severity"]),
            (&json!(status), &json!(severity)),
            "{kind}"
        );
        assert_eq!(
            (&incident["title"], &incident["dedupKey"]),
            (&json!("A little bump in the road"), &json!("PGR0VU2")),
            "{kind}"
        );
        let alert = &incident["alerts"][0];
        let href = json!([{ "href": "https://example.pagerduty.com/incidents/PGR0VU2" }]);
        assert_eq!((&alert["source"], &alert["links"]), (&json!("Shop"), &href), "{kind}");
    }
    assert_eq!(mirror.send("a guess", TRIGGERED).await, 401);
    assert_eq!(app.incidents().await.len(), 2);
    app.stop().await;
}
