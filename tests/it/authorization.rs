//! Who may do what: nothing without a token, and with one only what its role may. What there is to ask comes from
//! the schema itself, so that a new field cannot be forgotten.

use std::collections::{BTreeSet, HashMap};

use futures::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest, http::HeaderValue};

use crate::support::{Phone, Server, TOKEN, run};

/// The roles, from the one that may least.
const ROLES: [&str; 3] = ["OBSERVER", "RESPONDER", "ADMINISTRATOR"];
/// Mutations for everybody who may act on incidents and messages, decide about their own shifts, has a calendar, or knows
/// why a silence is none; all others configure, and that is for administrators.
const ACTS: [&str; 22] = [
    "createIncident",
    "acknowledgeIncident",
    "snoozeIncident",
    "unacknowledgeIncident",
    "resolveIncident",
    "reassignIncident",
    "escalateIncident",
    "changeIncidentSeverity",
    "addIncidentNote",
    "replayDeliveries",
    "createCalendarFeed",
    "revokeCalendarFeed",
    "createScheduleOverride",
    "cancelScheduleOverride",
    "coverMeNow",
    "requestShiftSwap",
    "acceptShiftSwap",
    "declineShiftSwap",
    "withdrawShiftSwap",
    "undoShiftSwap",
    "muteIntegration",
    "unmuteIntegration",
];
/// Queries and subscriptions for administrators; all others are for everybody with a token.
const CONFIDENTIAL: [&str; 3] = ["events", "apiKeys", "handlingPreview"];

const INTROSPECTION: &str = "{ __schema { types { kind name
    fields { name args { name defaultValue type { ...T } } type { ...T } }
    inputFields { name defaultValue type { ...T } } enumValues { name } }
    queryType { name } mutationType { name } subscriptionType { name } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// The schema, as it says itself.
struct Schema {
    types: HashMap<String, Value>,
    roots: HashMap<&'static str, String>,
}

impl Schema {
    async fn ask(server: &Server) -> Self {
        let data = server.query(INTROSPECTION, json!({})).await;
        let schema = &data["__schema"];
        let name = |value: &Value| value["name"].as_str().expect("it has a name").to_owned();
        let types = schema["types"].as_array().expect("it is a list").iter();
        let roots =
            [("query", "queryType"), ("mutation", "mutationType"), ("subscription", "subscriptionType")];
        Self {
            types: types.map(|one| (name(one), one.clone())).collect(),
            roots: roots.map(|(word, root)| (word, name(&schema[root]))).into(),
        }
    }

    /// The fields of a root.
    fn fields(&self, root: &str) -> Vec<Value> {
        list(&self.types[&self.roots[root]]["fields"])
    }

    /// An operation that asks for one field as briefly as the schema permits.
    fn operation(&self, root: &str, field: &Value) -> String {
        let needed = list(&field["args"]).into_iter().filter(is_needed);
        let given: Vec<_> =
            needed.map(|one| format!("{}: {}", text(&one["name"]), self.example(&one["type"]))).collect();
        let arguments = if given.is_empty() { String::new() } else { format!("({})", given.join(", ")) };
        let composite = list(&self.types[named(&field["type"])]["fields"]);
        let selection = if composite.is_empty() { "" } else { "{ __typename }" };
        format!("{root} {{ {}{arguments} {selection} }}", text(&field["name"]))
    }

    /// A value of a type: the type is right, the content is nothing in particular.
    fn example(&self, of: &Value) -> String {
        match text(&of["kind"]) {
            "NON_NULL" => self.example(&of["ofType"]),
            "LIST" => "[]".to_owned(),
            "ENUM" => text(&self.types[named(of)]["enumValues"][0]["name"]).to_owned(),
            "INPUT_OBJECT" => {
                let needed = list(&self.types[named(of)]["inputFields"]).into_iter().filter(is_needed);
                let fields: Vec<_> = needed
                    .map(|one| format!("{}: {}", text(&one["name"]), self.example(&one["type"])))
                    .collect();
                format!("{{ {} }}", fields.join(", "))
            }
            _ => match named(of) {
                "Int" | "Float" => "1".to_owned(),
                "Boolean" => "false".to_owned(),
                "LocalDateTime" => "\"2026-11-24T09:00\"".to_owned(),
                "DateTime" => "\"2026-11-24T03:00:00Z\"".to_owned(),
                "Position" => "\"1\"".to_owned(),
                _ => "\"nothing\"".to_owned(),
            },
        }
    }
}

fn is_needed(input: &Value) -> bool {
    input["type"]["kind"] == "NON_NULL" && input["defaultValue"].is_null()
}

fn named(of: &Value) -> &str {
    if of["ofType"].is_null() { text(&of["name"]) } else { named(&of["ofType"]) }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn needed(root: &str, field: &str) -> &'static str {
    match root {
        "mutation" if ACTS.contains(&field) => "RESPONDER",
        "mutation" => "ADMINISTRATOR",
        _ if CONFIDENTIAL.contains(&field) => "ADMINISTRATOR",
        _ => "OBSERVER",
    }
}

fn rank(role: &str) -> usize {
    ROLES.iter().position(|one| *one == role).expect("it is a role")
}

/// An API key with a role: its id and itself.
async fn key(server: &Server, role: &str) -> (String, String) {
    let made =
        server.create("createApiKey", "apiKey { id } key", json!({ "name": role, "role": role })).await;
    (text(&made["apiKey"]["id"]).to_owned(), text(&made["key"]).to_owned())
}

async fn server() -> (tempfile::TempDir, String, Server) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let server = Server::start(&database, &[]).await;
    (folder, database, server)
}

/// The codes of the errors in an answer.
fn codes(answer: &Value) -> Vec<&str> {
    answer["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| text(&error["extensions"]["code"]))
        .collect()
}

#[tokio::test]
async fn every_query_and_mutation_asks_for_its_role() {
    let (_folder, _, server) = server().await;
    let schema = Schema::ask(&server).await;
    let mut keys = vec![];
    for role in ROLES {
        keys.push((role, key(&server, role).await.1));
    }
    let mut seen = BTreeSet::new();
    for root in ["query", "mutation"] {
        for field in schema.fields(root) {
            let (name, operation) = (text(&field["name"]), schema.operation(root, &field));
            let needed = needed(root, name);
            seen.insert(name.to_owned());
            for (role, key) in &keys {
                let (status, answer) = server.query_as(Some(key), &operation, json!({})).await;
                let codes = codes(&answer);
                assert!(
                    status == 200 && !codes.contains(&"UNAUTHENTICATED"),
                    "{role} {operation}: {status} {answer}"
                );
                assert!(!answer.to_string().contains("arse"), "the test asks rightly: {operation}: {answer}");
                let refused = codes.contains(&"FORBIDDEN");
                assert_eq!(refused, rank(role) < rank(needed), "{role} {operation}: {answer}");
                assert!(!refused || answer["data"].is_null(), "a refusal has no data: {operation}: {answer}");
            }
            for token in [None, Some("wrong"), Some("")] {
                let (status, answer) = server.query_as(token, &operation, json!({})).await;
                assert_eq!(status, 401, "nobody {operation}: {answer}");
                assert_eq!(answer["data"], Value::Null, "nobody {operation}: {answer}");
            }
        }
    }
    for name in ACTS.iter().chain(&CONFIDENTIAL) {
        assert!(seen.contains(*name), "`{name}` is in this test, but not in the schema");
    }
}

/// Opens a socket, introduces itself with a token, subscribes, and returns the first answer to that, or the code with
/// which the socket was closed.
async fn subscribe(server: &Server, token: Option<&str>, operation: &str) -> Result<Value, u16> {
    let mut request =
        format!("{}/graphql", server.url.replace("http", "ws")).into_client_request().expect("a URL");
    let protocol = HeaderValue::from_static("graphql-transport-ws");
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.expect("a socket opens");
    let introduction = match token {
        Some(token) => {
            json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {token}") } })
        }
        None => json!({ "type": "connection_init" }),
    };
    let subscribe = json!({ "id": "1", "type": "subscribe", "payload": { "query": operation } });
    for message in [introduction, subscribe] {
        // A socket that is being closed may refuse the second message.
        let _ = socket.send(Message::text(message.to_string())).await;
    }
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Text(text) => {
                let said: Value = serde_json::from_str(&text).expect("it is JSON");
                if said["type"] != "connection_ack" {
                    return Ok(said);
                }
            }
            Message::Close(Some(frame)) => return Err(frame.code.into()),
            _ => {}
        }
    }
    Err(0)
}

#[tokio::test]
async fn every_subscription_asks_for_its_role() {
    let (_folder, _, server) = server().await;
    let schema = Schema::ask(&server).await;
    let fields = schema.fields("subscription");
    assert_eq!(fields.len(), 2, "a new subscription belongs into this test");
    for field in fields {
        let name = text(&field["name"]);
        // From the beginning, so that whoever may follow gets something at once.
        let operation = format!("subscription {{ {name}(after: \"0\") {{ position }} }}");
        assert_eq!(subscribe(&server, None, &operation).await, Err(4403), "nobody {name}");
        assert_eq!(subscribe(&server, Some("wrong"), &operation).await, Err(4403), "a stranger {name}");
        for role in ROLES {
            let (_, key) = key(&server, role).await;
            if rank(role) < rank(needed("subscription", name)) {
                let answer = subscribe(&server, Some(&key), &operation).await.expect("an answer");
                assert_eq!(answer["type"], "error", "{role} {name}: {answer}");
                assert_eq!(
                    answer["payload"][0]["extensions"]["code"], "FORBIDDEN",
                    "{role} {name}: {answer}"
                );
            } else if name == "events" {
                let answer = subscribe(&server, Some(&key), &operation).await.expect("an answer");
                assert_eq!(answer["type"], "next", "{role} {name}: {answer}");
            }
        }
    }
}

#[tokio::test]
async fn every_path_without_a_token_is_closed_except_those_that_are_open() {
    let (_folder, _, server) = server().await;
    let status = async |method: Method, path: &str| {
        let answer = server.request(method, path).send().await.expect("an answer");
        (answer.status().as_u16(), answer.headers().contains_key("www-authenticate"))
    };
    for path in ["/", "/healthz", "/readyz"] {
        assert_eq!(status(Method::GET, path).await, (200, false), "{path} is open");
    }
    for path in ["/metrics", "/graphql", "/graphql?query=%7B__typename%7D"] {
        assert_eq!(status(Method::GET, path).await, (401, true), "{path} is closed");
    }
    assert_eq!(status(Method::POST, "/graphql").await, (401, true));
    // The demo's phone, profiles, files: what is not there is not there.
    for path in [
        "/demo/phone",
        "/debug",
        "/.env",
        "/../midwatch.db",
        "/hooks",
        "/hooks/generic",
        "/v2",
        "/admin",
        "//",
    ] {
        assert_eq!(status(Method::GET, path).await.0, 404, "{path} is nothing");
    }
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::TRACE, Method::OPTIONS] {
        for path in ["/", "/graphql", "/metrics", "/v2/enqueue", "/hooks/generic/key"] {
            let (code, _) = status(method.clone(), path).await;
            assert!(matches!(code, 401 | 405), "{method} {path}: {code}");
        }
    }
    let answer = server.request(Method::GET, "/metrics").bearer_auth(TOKEN).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_at_once() {
    let (_folder, _, server) = server().await;
    let (id, key) = key(&server, "ADMINISTRATOR").await;
    let person = json!({ "name": "Ada", "email": "ada@example.org", "role": "RESPONDER" });
    let person = text(&server.create("createUser", "user { id }", person).await["user"]["id"]).to_owned();
    let theirs = json!({ "name": "Ada's", "role": "RESPONDER", "userId": person });
    let theirs = text(&server.create("createApiKey", "key", theirs).await["key"]).to_owned();
    let asked = async |key: &str| server.query_as(Some(key), "{ me { name } }", json!({})).await;
    assert_eq!(asked(&key).await, (200, json!({ "data": { "me": null } })));
    assert_eq!(asked(&theirs).await, (200, json!({ "data": { "me": { "name": "Ada" } } })));
    server.create("revokeApiKey", "apiKey { revokedAt }", json!({ "apiKeyId": id })).await;
    server.create("deactivateUser", "user { deactivatedAt }", json!({ "userId": person })).await;
    assert_eq!(asked(&key).await.0, 401, "a revoked key");
    assert_eq!(asked(&theirs).await.0, 401, "a key of somebody who was deactivated");
    assert_eq!(asked(&key[..key.len() - 1]).await.0, 401, "a part of a key");
}

#[tokio::test]
async fn secrets_are_shown_once_and_never_again() {
    let (folder, database, server) = server().await;
    let schema = Schema::ask(&server).await;
    for (name, of) in &schema.types {
        for field in list(&of["fields"]) {
            let field = text(&field["name"]).to_lowercase();
            let secret = field == "key"
                || ["secret", "token", "hash", "routingkey"].iter().any(|word| field.contains(word));
            // The routing key of a service is a name that alerts choose it by, and opens nothing.
            let chosen = ["Service", "Mapping"].contains(&&**name) && field == "routingkey";
            let known = name.ends_with("Payload")
                || name == "ContactSecret"
                || (name == "Event" && field == "hash")
                || chosen;
            assert!(
                !secret || known || name.starts_with("__"),
                "{name}.{field} may be a secret, and can be asked for"
            );
        }
    }

    let phone = Phone::listen().await;
    let furnished = server.furnish(&phone.url, 3600).await;
    let signed = json!({ "name": "signed", "serviceId": furnished.service, "signed": true });
    let signed = server.create("createIntegration", "key signingSecret", signed).await;
    let person = json!({ "name": "Eve", "email": "eve@example.org", "contacts": [{ "webhook": { "url": phone.url } }] });
    let person = server.create("createUser", "user { id } contactSecrets { secret }", person).await;
    let feed = json!({ "userId": person["user"]["id"] });
    let feed = server.create("createCalendarFeed", "url", feed).await;
    let path = text(&feed["url"]).replace(&server.url, "");
    let calendar = server.request(Method::GET, &path).send().await.expect("an answer");
    assert_eq!(calendar.status(), 200, "{path}");
    let feed = path.trim_start_matches("/calendar/").trim_end_matches(".ics");
    let rotated = server.query("{ integrations { nodes { id kind } } }", json!({})).await;
    let generic =
        list(&rotated["integrations"]["nodes"]).into_iter().find(|one| one["kind"] == "ALERTMANAGER");
    let rotate = json!({ "integrationId": generic.expect("it was made")["id"], "rotateKey": true });
    let rotated = server.create("updateIntegration", "key", rotate).await;
    let (_, api_key) = key(&server, "OBSERVER").await;
    let secrets = [
        TOKEN,
        &api_key,
        &furnished.generic,
        &furnished.alertmanager,
        &furnished.pagerduty,
        text(&signed["key"]),
        text(&signed["signingSecret"]),
        text(&person["contactSecrets"][0]["secret"]),
        text(&rotated["key"]),
        feed,
    ];
    assert!(secrets.iter().all(|secret| secret.len() >= 20), "they were shown once: {secrets:?}");
    // Used, so that they may turn up wherever what was used turns up.
    server.post(&format!("/hooks/generic/{}", furnished.generic), r#"{"title":"one"}"#.to_owned()).await;
    let rung = || async { phone.pages().len() == 1 };
    server.until("the phone rings", rung).await;

    let log = server
        .query("{ events(first: 200) { nodes { payload message subjects actor { name } } } }", json!({}))
        .await;
    let metrics = server.request(Method::GET, "/metrics").bearer_auth(TOKEN).send().await.expect("an answer");
    let metrics = metrics.text().await.expect("it is text");
    let logged = server.log();
    server.stop();
    let exported = run(&["export", "--database", &database]);
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let mut places = vec![
        ("the events".to_owned(), log.to_string().into_bytes()),
        ("the metrics".to_owned(), metrics.into_bytes()),
        ("the log of the process".to_owned(), logged.into_bytes()),
        ("the export".to_owned(), exported.stdout),
    ];
    for entry in std::fs::read_dir(folder.path()).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        places.push((path.display().to_string(), std::fs::read(&path).expect("it can be read")));
    }
    for (place, content) in places {
        for secret in secrets {
            let found = content.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "a secret is in {place}");
        }
    }
}

#[tokio::test]
async fn a_key_that_a_message_brought_is_not_shown_to_observers() {
    let (_folder, _, server) = server().await;
    let key_of_entrance = server.furnish("http://127.0.0.1:9/ring", 3600).await.pagerduty;
    let event = json!({ "routing_key": key_of_entrance, "event_action": "trigger" }).to_string();
    assert_eq!(server.post("/v2/enqueue", event.clone()).await, Some(400), "it says too little, and is kept");
    let query = "{ integrations { nodes { deliveries { nodes { body } } } } }";
    let shown = || async {
        let (_, answer) = server.query_as(Some(TOKEN), query, json!({})).await;
        answer.to_string().contains(&key_of_entrance)
    };
    server.until("an administrator sees the message as it came", shown).await;
    let (_, observer) = key(&server, "OBSERVER").await;
    let (status, answer) = server.query_as(Some(&observer), query, json!({})).await;
    assert_eq!(
        (status, &answer["errors"]),
        (200, &Value::Null),
        "an observer may see that it came: {answer}"
    );
    assert!(!answer.to_string().contains(&key_of_entrance), "and not the key that it brought: {answer}");
}
