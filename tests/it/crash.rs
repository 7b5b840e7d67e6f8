//! `kill -9` at any moment loses nothing, doubles nothing and pages nobody who may sleep.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{Phone, Server, digests, eventually, quiet, verify};

/// Posts alerts until told to stop; remembers the key of every one that was answered with 2xx.
async fn storm(
    server: &Server,
    path: &str,
    next: &AtomicU32,
    stop: &AtomicBool,
    taken: &Mutex<HashSet<String>>,
) {
    while !stop.load(Ordering::Relaxed) {
        let key = format!("storm {}", next.fetch_add(1, Ordering::Relaxed));
        let body = json!({ "title": key, "dedup_key": key, "severity": "low" }).to_string();
        if server.post(path, body).await.is_some_and(|status| status < 300) {
            taken.lock().expect("nobody panicked").insert(key);
        }
    }
}

/// What holds after every crash, once the server is up again and has caught up.
async fn check(server: &Server, taken: &HashSet<String>) {
    let settled = || async {
        let keys: HashSet<String> = keys_of(&server.incidents().await).into_keys().collect();
        taken.is_subset(&keys)
    };
    server.until("every alert that was taken is in an incident", settled).await;
    let incidents = server.incidents().await;
    for (key, count) in keys_of(&incidents) {
        assert_eq!(count, 1, "`{key}` is in one incident only");
    }
    for incident in incidents.iter().filter(|one| one["status"] == "TRIGGERED") {
        let escalation = &incident["escalation"];
        let waits = [&escalation["nextAt"], &escalation["exhaustedAt"]];
        assert_eq!(waits.iter().filter(|one| !one.is_null()).count(), 1, "one armed step: {incident}");
    }
}

fn keys_of(incidents: &[Value]) -> HashMap<String, usize> {
    let mut keys = HashMap::new();
    for incident in incidents {
        *keys.entry(incident["dedupKey"].as_str().expect("it has a key").to_owned()).or_default() += 1;
    }
    keys
}

#[tokio::test]
async fn alerts_taken_in_a_storm_survive_kills_at_random_moments() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let phone = Phone::listen().await;
    let (taken, next) = (Arc::new(Mutex::new(HashSet::new())), Arc::new(AtomicU32::new(0)));
    let mut path = None;
    for round in 0_u64..4 {
        let server = Arc::new(Server::start(&database, &[]).await);
        if path.is_none() {
            path = Some(format!("/hooks/generic/{}", server.furnish(&phone.url, 3600).await.generic));
        }
        let stop = Arc::new(AtomicBool::new(false));
        let storms = (0..8).map(|_| {
            let (server, path) = (Arc::clone(&server), path.clone().expect("it was set"));
            let (next, stop, taken) = (Arc::clone(&next), Arc::clone(&stop), Arc::clone(&taken));
            tokio::spawn(async move { storm(&server, &path, &next, &stop, &taken).await })
        });
        let storms: Vec<_> = storms.collect();
        let before = taken.lock().expect("nobody panicked").len();
        let enough = || async {
            taken.lock().expect("nobody panicked").len() > before + 150 + 37 * usize::try_from(round).unwrap()
        };
        server.until("the storm blows", enough).await;
        server.kill();
        stop.store(true, Ordering::Relaxed);
        join_all(storms).await;
    }
    let server = Server::start(&database, &[]).await;
    let taken = taken.lock().expect("nobody panicked").clone();
    check(&server, &taken).await;
    let paged = || async {
        let titles: HashSet<String> = phone
            .pages()
            .values()
            .flatten()
            .filter_map(|body| body["data"]["incident"]["title"].as_str().map(str::to_owned))
            .collect();
        taken.is_subset(&titles)
    };
    server.until("every problem rang the phone", paged).await;
    eventually("the log is quiet", || quiet(&server)).await;
    server.kill();
    verify(&database);
    let (live, rebuilt) = digests(&database).await;
    assert_eq!(live, rebuilt, "read models made anew are the same");
}

/// One message may ask for many incidents. A crash after the first of them must not lose the others.
#[tokio::test]
async fn every_alert_of_a_message_survives_kills_while_the_message_is_decided() {
    const ALERTS: usize = 150;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let phone = Phone::listen().await;
    let mut server = Server::start(&database, &[]).await;
    let service = server.furnish(&phone.url, 3600).await.service;
    let input = json!({ "name": "each", "kind": "ALERTMANAGER", "serviceId": service,
        "reading": { "identity": "ALERT" } });
    let made = server.create("createIntegration", "key integration { id }", input).await;
    let path = format!("/hooks/alertmanager/{}", made["key"].as_str().expect("it has a key"));
    for round in 0..5 {
        let alert = |number| {
            let name = format!("round {round} alert {number}");
            json!({ "status": "firing", "fingerprint": name, "labels": { "alertname": name } })
        };
        let alerts: Vec<Value> = (0..ALERTS).map(alert).collect();
        let group = json!({ "version": "4", "groupKey": "g", "status": "firing", "alerts": alerts });
        assert_eq!(server.post(&path, group.to_string()).await, Some(202), "round {round}");
        // Answered and durable, and hardly begun to be decided.
        server.kill();
        server = Server::start(&database, &[]).await;
    }
    let all = || async { server.incidents().await.len() >= 5 * ALERTS };
    server.until("every alert is an incident", all).await;
    for (title, count) in keys_of(&server.incidents().await) {
        assert_eq!(count, 1, "`{title}` is one incident");
    }
}

#[tokio::test]
async fn a_kill_in_the_middle_of_an_escalation_skips_and_doubles_no_level() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let phone = Phone::listen().await;
    let mut server = Server::start(&database, &[]).await;
    let furnished = server.furnish(&phone.url, 1).await;
    server.post(&format!("/hooks/generic/{}", furnished.generic), r#"{"title":"disk"}"#.to_owned()).await;
    // Ten passes of one level, one second each; the server dies between them.
    for rung in 1..=3_usize {
        let rings = || async { phone.pages().len() >= rung * 2 };
        server.until("the phone rings", rings).await;
        server.kill();
        server = Server::start(&database, &[]).await;
    }
    let incident = server.incidents().await[0].clone();
    let id = incident["id"].as_str().expect("it has an id");
    let input = json!({ "input": { "incidentId": id } });
    let acknowledge =
        "mutation($input: AcknowledgeIncidentInput!) { acknowledgeIncident(input: $input) { position } }";
    server.query(acknowledge, input).await;
    let query = "query($id: ID!) { incident(id: $id) { timeline(first: 200) { nodes { kind payload } } } }";
    let timeline = server.query(query, json!({ "id": id })).await["incident"]["timeline"]["nodes"].take();
    let passes: Vec<u64> = timeline
        .as_array()
        .expect("it is a list")
        .iter()
        .filter(|entry| entry["kind"] == "incident.escalated.v1")
        .map(|entry| entry["payload"]["pass"].as_u64().expect("a level has a pass"))
        .collect();
    let expected: Vec<u64> = (1..=passes.len() as u64).collect();
    assert_eq!(passes, expected, "no pass is skipped or doubled");
    let at_acknowledgement = phone.pages().len();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(phone.pages().len(), at_acknowledgement, "no page begins after an acknowledgement");
}

/// The page may have rung or not: it is sent again, and whoever got it twice can tell by its key.
#[tokio::test]
async fn a_page_that_was_under_way_at_a_kill_is_sent_again_under_its_key_and_recorded_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let phone = Phone::listen().await;
    phone.hang(true);
    let server = Server::start(&database, &[]).await;
    let key = server.furnish(&phone.url, 3600).await.generic;
    let taken = server.post(&format!("/hooks/generic/{key}"), r#"{"title":"disk"}"#.to_owned()).await;
    assert_eq!(taken, Some(202));
    let ringing = || async { !phone.pages().is_empty() };
    server.until("the phone rings and does not answer", ringing).await;
    server.kill();
    phone.hang(false);

    let server = Server::start(&database, &[]).await;
    let query =
        "{ incidents { nodes { pages { status attempts } timeline(first: 50) { nodes { kind } } } } }";
    let look = async || server.query(query, json!({})).await["incidents"]["nodes"][0].take();
    let sent = || async { look().await["pages"][0]["status"] == "SENT" };
    server.until("the page is recorded as sent", sent).await;
    eventually("the log is quiet", || quiet(&server)).await;
    let incident = look().await;
    assert_eq!(incident["pages"].as_array().map(Vec::len), Some(1), "{incident}");
    let timeline = incident["timeline"]["nodes"].as_array().expect("it is a list");
    let count = |kind: &str| timeline.iter().filter(|entry| entry["kind"] == kind).count();
    assert_eq!((count("page.requested.v1"), count("page.sent.v1")), (1, 1), "{incident}");
    let pages = phone.pages();
    let attempts: Vec<usize> = pages.values().map(Vec::len).collect();
    assert_eq!(attempts, [2], "one key, before the kill and after it: {pages:?}");
}
