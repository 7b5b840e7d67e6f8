//! Messages of one problem in every order in which they may come: what is documented in
//! `docs/guides/order-of-messages.md`, for formats that say when something happened and for those that do not.

use std::collections::{BTreeMap, HashMap};

use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{TestApp, World, text};

/// What a message says, in the order in which it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    /// It began.
    Trigger,
    /// The same message, byte by byte.
    Repeated,
    /// It is still there, under another title.
    Update,
    /// It is over.
    Over,
}

use Word::{Over, Repeated, Trigger, Update};

impl Word {
    /// Minutes of the sender's clock.
    const fn minute(self) -> u32 {
        match self {
            Trigger | Repeated => 10,
            Update => 20,
            Over => 30,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Trigger | Repeated => "began",
            Update => "goes on",
            Over => "over",
        }
    }
}

/// Every order of four messages.
fn orders() -> Vec<Vec<Word>> {
    fn of(words: &[Word]) -> Vec<Vec<Word>> {
        let Some((first, rest)) = words.split_first() else { return vec![vec![]] };
        let with = |order: Vec<Word>| {
            (0..=order.len()).map(move |place| [&order[..place], &[*first], &order[place..]].concat())
        };
        of(rest).into_iter().flat_map(with).collect()
    }
    of(&[Trigger, Repeated, Update, Over])
}

/// What the messages of a format say beside what happened.
struct Format {
    /// What it is called here.
    name: &'static str,
    /// What it is called in the API.
    kind: &'static str,
    /// Whether they say when it happened, in a way that orders.
    timed: bool,
    /// Whether they carry an id by which a repetition is known.
    known: bool,
}

const fn format(name: &'static str, kind: &'static str, timed: bool, known: bool) -> Format {
    Format { name, kind, timed, known }
}

static FORMATS: [Format; 11] = [
    format("GENERIC", "GENERIC", false, false),
    format("ALERTMANAGER", "ALERTMANAGER", false, false),
    format("APART", "ALERTMANAGER", false, false),
    format("PAGERDUTY", "PAGERDUTY", false, false),
    format("GRAFANA", "GRAFANA", false, false),
    format("OPSGENIE", "OPSGENIE", false, false),
    format("NEWRELIC", "NEW_RELIC", false, false),
    format("SENTRY", "SENTRY", false, true),
    format("GITHUB", "GITHUB", false, true),
    format("DATADOG", "DATADOG", true, true),
    format("CLOUDWATCH", "CLOUDWATCH", true, true),
];

/// A message in its sender's format.
fn message(format: &str, key: &str, routing_key: &str, word: Word) -> Value {
    let (title, over) = (format!("{key} {}", word.title()), word == Over);
    let minute = word.minute();
    match format {
        "GENERIC" => {
            json!({ "title": title, "dedup_key": key, "status": if over { "resolved" } else { "firing" } })
        }
        "ALERTMANAGER" => {
            let status = if over { "resolved" } else { "firing" };
            json!({ "version": "4", "groupKey": key, "status": status, "commonAnnotations": { "summary": title },
                "alerts": [{ "status": status, "fingerprint": key, "labels": { "alertname": key } }] })
        }
        // In one group beside one that is long over: each alert is a problem of its own.
        "APART" => {
            let alert = |fingerprint: &str, title: &str, over: bool| {
                json!({ "status": if over { "resolved" } else { "firing" }, "fingerprint": fingerprint,
                    "labels": { "alertname": fingerprint }, "annotations": { "summary": title } })
            };
            json!({ "version": "4", "groupKey": "apart", "status": "firing",
                "alerts": [alert("another", "another", true), alert(key, &title, over)] })
        }
        "GRAFANA" => {
            let status = if over { "resolved" } else { "firing" };
            json!({ "version": "1", "groupKey": key, "status": status, "commonAnnotations": { "summary": title },
                "alerts": [{ "status": status, "fingerprint": key, "labels": { "alertname": key } }] })
        }
        "OPSGENIE" if over => json!({ "note": title }),
        "OPSGENIE" => json!({ "message": title, "alias": key }),
        "NEWRELIC" => {
            json!({ "id": key, "title": title, "state": if over { "CLOSED" } else { "ACTIVATED" },
                "updatedAt": 1_795_485_600_000_u64 + u64::from(minute) * 60_000 })
        }
        "SENTRY" if over => {
            json!({ "action": "resolved", "data": { "issue": { "id": key, "title": title } } })
        }
        "SENTRY" => {
            json!({ "action": "triggered", "data": { "event": { "issue_id": key, "title": title } } })
        }
        "GITHUB" => {
            json!({ "action": if over { "fixed" } else { "created" }, "repository": { "full_name": key },
            "alert": { "number": 1, "security_advisory": { "summary": word.title() } } })
        }
        "PAGERDUTY" => json!({ "routing_key": routing_key, "dedup_key": key,
            "event_action": if over { "resolve" } else { "trigger" },
            "payload": { "summary": title, "source": "test", "severity": "error" } }),
        "DATADOG" => {
            let transition = match word {
                Trigger | Repeated => "Triggered",
                Update => "Re-Triggered",
                Over => "Recovered",
            };
            // Milliseconds of 2026-11-24T02:00:00Z.
            let updated = 1_795_485_600_000_u64 + u64::from(minute) * 60_000;
            json!({ "cycle": key, "transition": transition, "title": title, "event_id": key, "updated_ms": updated })
        }
        "CLOUDWATCH" => {
            json!({ "AlarmName": title, "AlarmArn": key, "NewStateValue": if over { "OK" } else { "ALARM" },
            "StateChangeTime": format!("2026-11-24T02:{minute}:00.000+0000") })
        }
        other => panic!("nobody sends {other}"),
    }
}

/// An entrance of each format, which shows the last word on each problem.
struct Entrance {
    format: &'static Format,
    path: String,
    key: String,
}

impl Entrance {
    async fn make(app: &TestApp, world: &World, format: &'static Format) -> Self {
        let Format { name, kind, .. } = *format;
        let mut input = json!({ "name": name, "kind": kind, "serviceId": world.service });
        if kind == "CLOUDWATCH" {
            let topics = ["arn:aws:sns:eu-central-1:123456789012:alarms"];
            input["verification"] = json!({ "sns": { "topics": topics, "rawDelivery": true } });
        }
        if name == "APART" {
            input["reading"] = json!({ "identity": "ALERT" });
        }
        let made = app.administer("createIntegration", "integration { id } key", input).await;
        assert_eq!(made["rejection"], Value::Null);
        let handling = json!({ "integrationId": made["integration"]["id"], "merging": { "title": "LAST" } });
        let changed = app.administer("updateIntegrationHandling", "integration { id }", handling).await;
        assert_eq!(changed["rejection"], Value::Null);
        let key = text(&made["key"]);
        let path = match kind {
            "PAGERDUTY" => "/v2/enqueue".to_owned(),
            "OPSGENIE" => "/v2/alerts".to_owned(),
            kind => format!("/hooks/{}/{key}", kind.to_lowercase().replace('_', "")),
        };
        Self { format, path, key }
    }

    async fn send(&self, app: &TestApp, key: &str, word: Word) {
        let id = format!("{key} {}", word.title());
        let authorization = format!("GenieKey {}", self.key);
        let headers = match self.format.name {
            "CLOUDWATCH" => vec![("x-amz-sns-rawdelivery", "true"), ("x-amz-sns-message-id", &*id)],
            "OPSGENIE" => vec![("authorization", &*authorization)],
            "SENTRY" => vec![("request-id", &*id)],
            "GITHUB" => vec![("x-github-event", "dependabot_alert"), ("x-github-delivery", &*id)],
            _ => vec![("content-type", "application/json")],
        };
        let path = match (self.format.name, word) {
            ("OPSGENIE", Over) => {
                format!("{}/{}/close?identifierType=alias", self.path, key.replace(' ', "%20"))
            }
            _ => self.path.clone(),
        };
        let body = message(self.format.name, key, &self.key, word).to_string();
        let (status, answer) = app.call("POST", &path, &headers, body).await;
        assert_eq!(status, 202, "{key} {word:?}: {answer}");
    }
}

/// What an incident came to: whether it is over, what it shows, and how many alerts it has.
type Outcome = (bool, &'static str, u64);

/// What is documented, oldest incident first.
fn documented(format: &Format, order: &[Word]) -> Vec<Outcome> {
    let mut incidents: Vec<Outcome> = vec![];
    let (mut seen, mut last_word) = (Vec::<&str>::new(), 0);
    for word in order {
        let known = format.known && seen.contains(&word.title());
        seen.push(word.title());
        let earlier = format.timed && word.minute() < last_word;
        match (word, incidents.last_mut()) {
            // A repetition counts once, where it can be known.
            _ if known => continue,
            // Over before it began: ignored.
            (Over, None | Some((true, ..))) => continue,
            (Over, Some((over, ..))) => *over = true,
            // An alert that comes late is counted, and does not replace the last word.
            (_, Some((false, shown, count))) => {
                *count += 1;
                *shown = if earlier { shown } else { word.title() };
            }
            // An earlier word opens nothing that is over.
            (_, Some((true, ..))) if earlier => continue,
            (_, None | Some((true, ..))) => incidents.push((false, word.title(), 1)),
        }
        last_word = last_word.max(word.minute());
    }
    incidents
}

/// What became of every problem, by its key, oldest incident first.
async fn outcomes(app: &TestApp) -> HashMap<String, Vec<Outcome>> {
    let query = "query($after: String) { incidents(first: 200, after: $after) {
        nodes { number title status alertCount } pageInfo { hasNextPage endCursor } } }";
    let (mut all, mut after) = (BTreeMap::new(), Value::Null);
    loop {
        let mut page = app.query(query, json!({ "after": after })).await["incidents"].take();
        for one in page["nodes"].as_array().expect("it is a list") {
            let title = text(&one["title"]);
            let shown = [Trigger, Update].into_iter().map(Word::title).find(|shown| title.ends_with(shown));
            let shown = shown.unwrap_or_else(|| panic!("`{title}` is no title of an alert"));
            let over = one["status"] == "RESOLVED";
            assert!(over || one["status"] == "TRIGGERED", "{one}");
            let outcome = (over, shown, one["alertCount"].as_u64().expect("a count"));
            let key = title.trim_end_matches(shown).trim_end().trim_end_matches(':').to_owned();
            all.insert(one["number"].as_u64().expect("a number"), (key, outcome));
        }
        if page["pageInfo"]["hasNextPage"] != json!(true) {
            break;
        }
        after = page["pageInfo"]["endCursor"].take();
    }
    let mut outcomes: HashMap<String, Vec<Outcome>> = HashMap::new();
    all.into_values().for_each(|(key, outcome)| outcomes.entry(key).or_default().push(outcome));
    outcomes
}

#[tokio::test]
async fn messages_in_every_order_lead_to_what_is_documented() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let mut entrances = vec![];
    for format in &FORMATS {
        entrances.push(Entrance::make(&app, &world, format).await);
    }
    let orders = orders();
    assert_eq!(orders.len(), 24);
    let of_all = || {
        let orders = orders.iter().enumerate();
        orders.flat_map(|(number, order)| entrances.iter().map(move |entrance| (entrance, number, order)))
    };
    let key =
        |entrance: &Entrance, pace: &str, number: usize| format!("{} {pace} {number}", entrance.format.name);

    // Each message is decided before the next one comes.
    for step in 0..4 {
        join_all(of_all().map(|(entrance, number, order)| {
            let (app, key) = (&app, key(entrance, "calm", number));
            async move { entrance.send(app, &key, order[step]).await }
        }))
        .await;
        app.settle().await;
    }
    // They come one upon the other, and are decided together.
    join_all(of_all().map(|(entrance, number, order)| {
        let (app, key) = (&app, key(entrance, "storm", number));
        async move {
            for word in order {
                entrance.send(app, &key, *word).await;
            }
        }
    }))
    .await;
    app.settle().await;

    let outcomes = outcomes(&app).await;
    for (entrance, number, order) in of_all() {
        let format = entrance.format;
        let expected = documented(format, order);
        for pace in ["calm", "storm"] {
            let key = key(entrance, pace, number);
            assert_eq!(outcomes.get(&key), Some(&expected), "{key}: {order:?}");
        }
        // Said again in words: the end holds, unless it came before everything, or before a word that is neither ordered nor
        // known to be a repetition.
        let open = expected.last().is_some_and(|(over, ..)| !over);
        let end = order.iter().position(|word| *word == Over).expect("it ends");
        let (before, after) = (&order[..end], &order[end + 1..]);
        let said = |later: &Word| before.iter().any(|word| word.title() == later.title());
        let reopens = after.iter().any(|later| !format.known || !said(later));
        assert_eq!(open, if format.timed { end == 0 } else { reopens }, "{order:?}");
    }
    assert_eq!(outcomes.len(), 24 * FORMATS.len() * 2);
    app.stop().await;
}
