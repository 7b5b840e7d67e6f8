//! Clients by others: `graphql-ws` over broken connections, `wscat`, wrong words on sockets, and the audits of `graphql-http`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Peer, Phone, Server, TOKEN, node};

/// Follows one field from a position; breaks its connection after every so many payloads (0: never).
fn follow(server: &Server, field: &str, after: &str, break_every: u32) -> Peer {
    let selection = match field {
        "events" => "event { id hash type }",
        _ => "incident { id status }",
    };
    let url = format!("{}/graphql", server.url.replace("http", "ws"));
    let mut command = node("subscribe.mjs");
    command.args([&url, TOKEN, field, selection, after, &break_every.to_string()]);
    Peer::start(command)
}

/// What a follower got up to a position, in order.
fn collected(mut follower: Peer, until: &str) -> Vec<Value> {
    follower.tell(&format!("until {until}"));
    let mut payloads = follower.finish();
    for payload in &payloads {
        assert_eq!(payload["reset"], Value::Null, "nobody is told to start afresh: {payload}");
    }
    payloads.retain(|payload| payload["heartbeat"] == json!(false));
    payloads
}

fn positions(payloads: &[Value]) -> Vec<u64> {
    let number = |payload: &Value| payload["position"].as_str().and_then(|text| text.parse().ok());
    payloads
        .iter()
        .map(|payload| number(payload).unwrap_or_else(|| panic!("no position: {payload}")))
        .collect()
}

/// Opens incidents and says when all are in the log.
async fn alerts(server: &Server, key: &str, names: std::ops::Range<u32>) {
    for name in names {
        let body = json!({ "title": format!("alert {name}") }).to_string();
        let taken = server.post(&format!("/hooks/generic/{key}"), body).await;
        assert_eq!(taken, Some(202), "alert {name} is taken");
    }
}

#[tokio::test]
async fn whoever_comes_back_after_a_broken_connection_misses_nothing_and_gets_nothing_twice() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let phone = Phone::listen().await;
    let mut server = Server::start(&database, &[]).await;
    let key = server.furnish(&phone.url, 3600).await.generic;
    // Prime numbers, so that connections break at ever different places.
    let fields = ["incidentChanged", "events"];
    let broken = fields.map(|field| follow(&server, field, "0", 7));
    for round in 0..3 {
        alerts(&server, &key, 10 * round..10 * round + 5).await;
        server.kill();
        server = Server::start_at(server.port, &database, &[]).await;
        alerts(&server, &key, 10 * round + 5..10 * round + 10).await;
    }
    let rung = || async { phone.pages().len() == 30 };
    server.until("every alert rang the phone", rung).await;
    let recorded = || async {
        let incidents = server.incidents().await;
        incidents.len() == 30 && unsent(&server).await == 0
    };
    server.until("every page is recorded as sent", recorded).await;
    let incident = server.incidents().await[0]["id"].clone();
    let resolve = "mutation($input: ResolveIncidentInput!) { resolveIncident(input: $input) { position } }";
    let last = server.query(resolve, json!({ "input": { "incidentId": incident } })).await;
    let last = last["resolveIncident"]["position"].as_str().expect("it was resolved").to_owned();

    for (field, broken) in fields.into_iter().zip(broken) {
        let merged = collected(broken, &last);
        let whole = collected(follow(&server, field, "0", 0), &last);
        let places = positions(&whole);
        assert!(places.is_sorted_by(|one, next| one < next), "{field}: one after the other: {places:?}");
        assert_eq!(positions(&merged), places, "{field}: pieces put together are the whole");
        if field == "events" {
            assert_eq!(merged, whole, "{field}: and say the same");
            let all: Vec<u64> = (1..=last.parse().expect("a position is a number")).collect();
            assert_eq!(places, all, "{field}: the whole is the whole log");
        } else {
            let ids = |payloads: &[Value]| -> Vec<Value> {
                payloads.iter().map(|payload| payload["incident"]["id"].clone()).collect()
            };
            assert_eq!(ids(&merged), ids(&whole), "{field}: and are about the same incidents");
        }
    }
}

/// Pages that were not yet recorded as sent.
async fn unsent(server: &Server) -> usize {
    let query = "{ incidents(first: 100) { nodes { pages { status } } } }";
    let data = server.query(query, json!({})).await;
    let incidents = data["incidents"]["nodes"].as_array().expect("it is a list").iter();
    incidents
        .filter(|one| {
            one["pages"].as_array().is_none_or(|pages| pages.iter().any(|page| page["status"] != "SENT"))
        })
        .count()
}

#[tokio::test]
async fn whoever_types_the_protocol_into_wscat_sees_incidents_change() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let phone = Phone::listen().await;
    let server = Server::start(&database, &[]).await;
    let key = server.furnish(&phone.url, 3600).await.generic;
    let query = "subscription { incidentChanged(after: \"0\") { position incident { title status } } }";
    let subscribe = json!({ "id": "one", "type": "subscribe", "payload": { "query": query } }).to_string();
    let mut command = node("node_modules/wscat/bin/wscat");
    command
        .args(["--connect", &format!("{}/graphql", server.url.replace("http", "ws"))])
        .args([
            "--subprotocol",
            "graphql-transport-ws",
            "--header",
            &format!("Authorization: Bearer {TOKEN}"),
        ])
        // It stays until it is ended.
        .args(["--execute", r#"{"type":"connection_init"}"#, "--execute", &subscribe, "--wait", "-1"]);
    let wscat = Peer::start(command);
    assert_eq!(wscat.next().expect("it is answered")["type"], "connection_ack");
    alerts(&server, &key, 0..1).await;
    let seen = std::iter::from_fn(|| wscat.next())
        .find(|message| !message["payload"]["data"]["incidentChanged"]["incident"].is_null())
        .expect("the incident is told of");
    assert_eq!((&seen["id"], &seen["type"]), (&json!("one"), &json!("next")), "{seen}");
    let told = &seen["payload"]["data"]["incidentChanged"];
    assert_eq!(told["incident"], json!({ "title": "alert 0", "status": "TRIGGERED" }), "{seen}");
    assert!(told["position"].as_str().is_some_and(|text| text.parse::<u64>().is_ok()), "{seen}");
}

#[tokio::test]
async fn wrong_words_on_a_socket_close_it_with_the_code_of_the_protocol() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let server = Server::start(&database, &[]).await;
    let mut command = node("close_codes.mjs");
    command.args([&format!("{}/graphql", server.url.replace("http", "ws")), TOKEN]);
    let outcomes = tokio::task::spawn_blocking(|| Peer::start(command).finish()).await.expect("it ends");
    let expected = [
        ("not json", 4400),
        ("no such type", 4400),
        ("binary", 4400),
        ("subscribe without introduction", 4401),
        ("introduction without token", 4403),
        ("introduction with a wrong token", 4403),
        ("no introduction", 4408),
        ("two introductions", 4429),
        ("one id twice", 4409),
        ("another protocol", 4406),
    ];
    assert_eq!(outcomes.len(), expected.len(), "{outcomes:?}");
    for (outcome, (mistake, code)) in outcomes.iter().zip(expected) {
        assert_eq!((&outcome["mistake"], &outcome["code"]), (&json!(mistake), &json!(code)), "{outcome}");
        let admitted = outcome["said"].as_array().is_some_and(|said| said.contains(&json!("connection_ack")));
        assert_eq!(
            admitted,
            !matches!(code, 4401 | 4403 | 4406 | 4408),
            "admitted only with a token: {outcome}"
        );
    }
    assert!(tokio::time::timeout(Duration::from_secs(5), server.is_ready()).await.is_ok_and(|ready| ready));
}

#[tokio::test]
async fn graphql_over_http_is_spoken_as_the_audits_have_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let server = Server::start(&database, &[]).await;
    let mut command = node("audit_http.mjs");
    command.args([&format!("{}/graphql", server.url), TOKEN]);
    let mut outcomes = tokio::task::spawn_blocking(|| Peer::start(command).finish()).await.expect("it ends");
    let audits = outcomes.remove(0)["audits"].as_u64().expect("it counts them");
    assert!(audits >= 60, "{audits} audits were made");
    let wrong = |outcome: &&Value| {
        let about_mutations = outcome["name"].as_str().is_some_and(|name| name.contains("mutation"));
        outcome["status"] != "notice" || about_mutations
    };
    let wrong: Vec<&Value> = outcomes.iter().filter(wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
