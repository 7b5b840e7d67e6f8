//! What each provider sends, broken by hand: cut off, in another encoding, with fields that are missing or of another type. It
//! is refused in the provider's own words and kept with the reason, or it pages all the same.

use futures::{StreamExt, future::join_all, stream};
use serde_json::{Value, json};

use crate::support::{TestApp, World, text};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../crates/api/src/webhooks/fixtures/", $name, ".json"))
    };
}

/// A provider, and an alert as it sends it.
struct Provider {
    kind: &'static str,
    path: &'static str,
    header: Option<(&'static str, &'static str)>,
    alert: &'static str,
}

const fn provider(kind: &'static str, path: &'static str, alert: &'static str) -> Provider {
    Provider { kind, path, header: None, alert }
}

static PROVIDERS: [Provider; 10] = [
    provider(
        "GENERIC",
        "generic",
        r#"{"title":"disk full","dedup_key":"disk","severity":"high","status":"firing"}"#,
    ),
    provider("ALERTMANAGER", "alertmanager", fixture!("alertmanager_firing")),
    provider("PAGERDUTY", "", fixture!("pagerduty_trigger")),
    provider("GRAFANA", "grafana", fixture!("grafana_firing")),
    provider("OPSGENIE", "", fixture!("opsgenie_create")),
    provider("DATADOG", "datadog", fixture!("datadog_triggered")),
    provider("NEW_RELIC", "newrelic", fixture!("newrelic_activated")),
    provider(
        "CLOUDWATCH",
        "cloudwatch",
        r#"{"AlarmName":"disk","AlarmArn":"arn:1","NewStateValue":"ALARM","OldStateValue":"OK","NewStateReason":"full",
            "StateChangeTime":"2026-11-24T02:00:00.000+0000","Region":"EU","Trigger":{"MetricName":"disk","Dimensions":[]}}"#,
    ),
    Provider {
        header: Some(("sentry-hook-resource", "event_alert")),
        ..provider("SENTRY", "sentry", fixture!("sentry_event_alert"))
    },
    Provider {
        header: Some(("x-github-event", "dependabot_alert")),
        ..provider("GITHUB", "github", fixture!("github_dependabot_alert"))
    },
];

/// An entrance of a provider.
struct Door<'a> {
    app: &'a TestApp,
    provider: &'static Provider,
    header: Option<(&'static str, &'static str)>,
    id: String,
    key: String,
}

impl<'a> Door<'a> {
    async fn open(app: &'a TestApp, service: &str, provider: &'static Provider) -> Self {
        let mut input = json!({ "name": provider.kind, "kind": provider.kind, "serviceId": service });
        if provider.kind == "CLOUDWATCH" {
            let topics = ["arn:aws:sns:eu-central-1:123456789012:alarms"];
            input["verification"] = json!({ "sns": { "topics": topics, "rawDelivery": true } });
        }
        let made = app.administer("createIntegration", "integration { id } key", input).await;
        assert_eq!(made["rejection"], Value::Null);
        Self {
            app,
            provider,
            header: provider.header,
            id: text(&made["integration"]["id"]),
            key: text(&made["key"]),
        }
    }

    /// The alert that it sends when nothing is broken. PagerDuty's key comes first, so that it is in what is cut off.
    fn alert(&self) -> Value {
        let mut alert: Value = serde_json::from_str(self.provider.alert).expect("it is JSON");
        if self.provider.kind == "PAGERDUTY" {
            alert["routing_key"] = json!(self.key);
        }
        alert
    }

    /// The same as it is written.
    fn written(&self) -> String {
        let mut alert = self.alert();
        let key = alert.as_object_mut().and_then(|fields| fields.remove("routing_key"));
        let rest = alert.to_string();
        key.map_or(rest.clone(), |key| format!("{{\"routing_key\":{key},{}", &rest[1..]))
    }

    async fn send(&self, body: Vec<u8>) -> (u16, Value) {
        let path = match self.provider.kind {
            "PAGERDUTY" => "/v2/enqueue".to_owned(),
            "OPSGENIE" => "/v2/alerts".to_owned(),
            _ => format!("/hooks/{}/{}", self.provider.path, self.key),
        };
        let request = self.app.request(reqwest::Method::POST, &path).body(body);
        let request = request.header("authorization", format!("GenieKey {}", self.key));
        let request =
            self.header.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("every answer is JSON"))
    }

    /// What was kept, oldest first.
    async fn log(&self) -> Vec<Value> {
        let query = "query($id: ID!, $after: String) { deliveries(integrationId: $id, first: 200, after: $after) {
            nodes { id verdict reason incident { title alerts { remarks } } } pageInfo { hasNextPage endCursor } } }";
        let (mut all, mut after) = (vec![], Value::Null);
        loop {
            let mut page =
                self.app.query(query, json!({ "id": self.id, "after": after })).await["deliveries"].take();
            all.append(page["nodes"].as_array_mut().expect("a list"));
            if page["pageInfo"]["hasNextPage"] != json!(true) {
                break;
            }
            after = page["pageInfo"]["endCursor"].take();
        }
        all.reverse();
        all
    }

    /// That a refusal says why in the words of the provider's clients, and names what was kept where they have a place for it.
    fn says_why(&self, what: &str, status: u16, answer: &Value) -> Option<String> {
        let kind = self.provider.kind;
        match kind {
            "PAGERDUTY" => {
                let said = ["status", "message"].iter().all(|name| answer[name].is_string());
                assert!(
                    status == 400 && said && answer["errors"][0].is_string(),
                    "{what}: {status} {answer}"
                );
                None
            }
            "OPSGENIE" => {
                let said = answer["message"].is_string() && answer["errors"].is_object();
                assert!(matches!(status, 400 | 422) && said, "{what}: {status} {answer}");
                Some(format!("dlv_{}", text(&answer["requestId"]).replace('-', "")))
            }
            _ => {
                assert_eq!(
                    (status, &answer["type"]),
                    (400, &json!("urn:midwatch:problem:malformed")),
                    "{what}: {answer}"
                );
                let place = &answer["errors"][0];
                assert!(place["pointer"].is_string() && place["detail"].is_string(), "{what}: {answer}");
                assert!(
                    answer["detail"].as_str().is_some_and(|why| (10..500).contains(&why.len())),
                    "{what}: {answer}"
                );
                Some(text(&answer["delivery"]))
            }
        }
    }
}

async fn doors<'a>(app: &'a TestApp, service: &str) -> Vec<Door<'a>> {
    stream::iter(&PROVIDERS).then(|provider| Door::open(app, service, provider)).collect().await
}

/// Bodies that are no JSON, or not all of it, by name; the text of the alert is in the last ones.
fn no_json(door: &Door<'_>) -> Vec<(&'static str, Vec<u8>)> {
    let alert = door.written();
    let with = |field: &str| format!("{},{field}}}", &alert[..alert.len() - 1]);
    let mut latin = with("\"x\":\"m").into_bytes();
    latin.extend(b"\xfc\"}");
    vec![
        ("cut off in the middle", alert.as_bytes()[..alert.len() / 2].to_vec()),
        ("without its last brace", alert.as_bytes()[..alert.len() - 1].to_vec()),
        ("twice", [alert.as_bytes(), alert.as_bytes()].concat()),
        ("in Latin-1", latin),
        ("a number beyond everything", with("\"x\":1e999").into_bytes()),
        ("a number of 400 digits", with(&format!("\"x\":{}", "9".repeat(400))).into_bytes()),
        ("lists in lists", with(&format!("\"x\":{}{}", "[".repeat(1000), "]".repeat(1000))).into_bytes()),
        ("half a surrogate pair", with(r#""x":"\ud83d""#).into_bytes()),
        ("in UTF-16", alert.encode_utf16().flat_map(u16::to_le_bytes).collect()),
    ]
}

#[tokio::test]
async fn what_is_no_json_is_refused_in_the_words_of_its_sender_and_kept() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    for door in doors(&app, &world.service).await {
        let kind = door.provider.kind;
        let mut sent = vec![];
        for (name, body) in no_json(&door) {
            let what = format!("{kind}, {name}");
            // Nobody's key can be read there.
            if (kind, name) == ("PAGERDUTY", "in UTF-16") {
                let (status, answer) = door.send(body).await;
                door.says_why(&what, status, &answer);
                continue;
            }
            // What SNS delivers raw is whatever somebody published, as long as it is text.
            let pages = kind == "CLOUDWATCH" && name != "in Latin-1";
            let (status, answer) = door.send(body).await;
            let kept = if status == 202 {
                Some(text(&answer["delivery"]))
            } else {
                door.says_why(&what, status, &answer)
            };
            assert_eq!(status == 202, pages, "{what}: {answer}");
            sent.push((what, pages, kept));
        }
        app.settle().await;
        let log = door.log().await;
        assert_eq!(log.len(), sent.len(), "{kind}: everything is kept, once");
        for (delivery, (what, pages, kept)) in log.iter().zip(sent) {
            assert!(kept.is_none_or(|kept| delivery["id"] == *kept), "{what}: {delivery}");
            let verdict = text(&delivery["verdict"]);
            let refused =
                verdict == "REJECTED" && delivery["reason"].as_str().is_some_and(|why| why.len() > 5);
            assert!(
                if pages { matches!(&*verdict, "OPENED" | "JOINED") } else { refused },
                "{what}: {delivery}"
            );
        }
    }
    app.stop().await;
}

/// What stands where something else should.
fn wrong_values() -> Vec<Value> {
    let long = "x".repeat(20_000);
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(1e308),
        json!(""),
        json!("\u{0}\u{1b}[31m\r\n"),
        json!(long),
        json!([[null, {}], 7]),
        json!({ "": { "a": [1] } }),
    ]
}

/// The alert with each of its fields, and each field of those, gone or replaced; the key of PagerDuty's clients stays.
fn misshapen(alert: &Value) -> Vec<(String, Value)> {
    let mut all = vec![];
    let mut change = |pointer: String, parent: &str, name: &str| {
        let at =
            |alert: &mut Value| alert.pointer_mut(parent).and_then(Value::as_object_mut).map(std::mem::take);
        let with = |value: Option<Value>| {
            let mut changed = alert.clone();
            let mut fields = at(&mut changed).expect("an object");
            match value {
                Some(value) => fields.insert(name.to_owned(), value),
                None => fields.remove(name),
            };
            *changed.pointer_mut(parent).expect("an object") = Value::Object(fields);
            changed
        };
        all.push((format!("without {pointer}"), with(None)));
        for value in wrong_values() {
            let shown: String = value.to_string().chars().take(30).collect();
            all.push((format!("{pointer} is {shown}"), with(Some(value))));
        }
    };
    let fields = |value: &Value| value.as_object().map(|fields| fields.keys().cloned().collect::<Vec<_>>());
    for name in fields(alert).expect("an object").into_iter().filter(|name| name != "routing_key") {
        change(format!("/{name}"), "", &name);
        let parent = if alert[&name].is_array() { format!("/{name}/0") } else { format!("/{name}") };
        for inner in alert.pointer(&parent).and_then(fields).unwrap_or_default() {
            change(format!("{parent}/{inner}"), &parent, &inner);
        }
    }
    all
}

#[tokio::test]
async fn a_field_that_is_missing_or_of_another_type_is_refused_with_a_reason_or_read_past() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let doors = doors(&app, &world.service).await;
    let sent = join_all(doors.iter().map(send_misshapen)).await;
    app.settle().await;
    for (door, (bodies, mut taken, mut refused)) in doors.iter().zip(sent) {
        let kind = door.provider.kind;
        let log = door.log().await;
        let sent = i32::try_from(bodies.len()).expect("a few hundred");
        assert_eq!((log.len(), taken + refused), (bodies.len(), sent), "{kind}: everything is kept, once");
        for (delivery, (what, _)) in log.iter().zip(&bodies) {
            match &*text(&delivery["verdict"]) {
                "OPENED" | "JOINED" => taken -= 1,
                "REJECTED" => {
                    assert!(delivery["reason"].as_str().is_some_and(|why| why.len() > 5), "{kind}, {what}");
                    refused -= 1;
                }
                // What happened to the alert is not known any more.
                "RECORDED" if may_be_recorded(kind, what) => taken -= 1,
                // That is a value of it.
                "ACKNOWLEDGED" if (kind, &**what) == ("NEW_RELIC", "/isAcknowledged is true") => taken -= 1,
                other => panic!("{kind}, {what}: {other}, {}", delivery["reason"]),
            }
        }
        assert_eq!((taken, refused), (0, 0), "{kind}: the answers were those of the verdicts");
    }
    app.stop().await;
}

/// Sends them one after the other; returns them, and how many were taken and refused.
async fn send_misshapen(door: &Door<'_>) -> (Vec<(String, Value)>, i32, i32) {
    let bodies = misshapen(&door.alert());
    let (mut taken, mut refused) = (0, 0);
    for (what, body) in &bodies {
        let (status, answer) = door.send(body.to_string().into_bytes()).await;
        if status == 202 {
            taken += 1;
        } else {
            door.says_why(&format!("{}, {what}", door.provider.kind), status, &answer);
            refused += 1;
        }
    }
    (bodies, taken, refused)
}

/// Whether the word that says what a message is about is the one that was broken.
fn may_be_recorded(kind: &str, what: &str) -> bool {
    kind == "GITHUB" && (what.starts_with("/action ") || what == "without /action")
}

#[tokio::test]
async fn what_its_format_misses_pages_as_it_is_where_somebody_wrote_down_how_to_read_it() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    for door in doors(&app, &world.service).await {
        let kind = door.provider.kind;
        let title = format!("the disk of {kind} burns");
        let mapping = json!({ "integrationId": door.id, "mapping": { "title": "default(payload.what.happened, alert.title)" } });
        let changed = app.administer("updateIntegrationHandling", "integration { id }", mapping).await;
        assert_eq!(changed["rejection"], Value::Null);
        // A header that names the event would say that it is about something else.
        let door = Door { header: None, ..door };
        let body = json!({ "routing_key": door.key, "what": { "happened": title } });
        let (status, answer) = door.send(body.to_string().into_bytes()).await;
        assert_eq!(status, 202, "{kind}: {answer}");
        app.settle().await;
        let log = door.log().await;
        assert_eq!(
            (&log[0]["verdict"], &log[0]["incident"]["title"]),
            (&json!("OPENED"), &json!(title)),
            "{kind}"
        );
        let remarks = &log[0]["incident"]["alerts"][0]["remarks"];
        assert!(remarks[0].as_str().is_some_and(|why| why.starts_with('/')), "{kind}: {remarks}");
    }
    assert_eq!(app.outbox.sent().len(), PROVIDERS.len());
    app.stop().await;
}
