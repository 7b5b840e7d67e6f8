//! A group of problems told to two nodes at once is one incident, which ends once.

use std::collections::HashMap;

use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::support::{Phone, Server, database, eventually, quiet, verify};

/// Problems in the group.
const PROBLEMS: usize = 500;
/// Senders at one time.
const SENDERS: usize = 32;

/// Says the same of every problem, by turns to either node.
async fn say(nodes: &[Server; 2], path: &str, status: &str) {
    let answers = stream::iter(0..PROBLEMS).map(|number| {
        let body = json!({ "title": format!("host {number} is down"), "dedup_key": format!("host {number}"),
            "status": status, "labels": { "cluster": "eu" } });
        async move { nodes[number % 2].post(path, body.to_string()).await }
    });
    let answers: Vec<_> = answers.buffer_unordered(SENDERS).collect().await;
    assert!(answers.iter().all(|status| *status == Some(202)), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_told_to_two_nodes_at_once_is_one_incident_that_ends_once() {
    let database = database().await;
    let phone = Phone::listen().await;
    let nodes = [Server::start(&database, &[]).await, Server::start(&database, &[]).await];
    let service = nodes[0].furnish(&phone.url, 3600).await.service;
    let routing = json!({ "catchAll": { "groupBy": "alert.labels.cluster" } });
    let (integration, path) = nodes[0].integrate(&service, routing).await;
    let known = || async {
        let query = "query($id: ID!) { integration(id: $id) { routing { catchAll { groupBy } } } }";
        let data = nodes[1].query(query, json!({ "id": integration })).await;
        data["integration"]["routing"]["catchAll"]["groupBy"] == "alert.labels.cluster"
    };
    nodes[1].until("the other node knows the rule", known).await;

    say(&nodes, &path, "firing").await;
    let whole = || async {
        let incidents = nodes[1].incidents().await;
        incidents.iter().map(|one| one["alertCount"].as_u64().expect("a count")).sum::<u64>()
            >= PROBLEMS as u64
    };
    eventually("every alert is in an incident", whole).await;
    let incidents = nodes[1].incidents().await;
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert_eq!(
        (&incidents[0]["alertCount"], &incidents[0]["status"]),
        (&json!(PROBLEMS), &json!("TRIGGERED"))
    );
    let rung = || async { !phone.pages().is_empty() };
    eventually("it rings the phone", rung).await;

    say(&nodes, &path, "resolved").await;
    let over = || async { nodes[0].incidents().await[0]["status"] == "RESOLVED" };
    eventually("it is over", over).await;
    eventually("the log is quiet", || quiet(&nodes[0])).await;
    assert_eq!(nodes[1].incidents().await.len(), 1);
    let mut verdicts: HashMap<String, usize> = HashMap::new();
    for delivery in nodes[1].deliveries(&integration).await {
        let decided = delivery["decisions"].as_array().expect("it is a list");
        assert_eq!(decided.len(), 1, "one verdict: {delivery}");
        *verdicts.entry(decided[0]["verdict"].as_str().expect("a verdict").to_owned()).or_default() += 1;
    }
    let of = |verdict: &str| verdicts.get(verdict).copied().unwrap_or(0);
    // Those that are decided together with the first open it together.
    assert!(of("OPENED") >= 1 && of("OPENED") + of("JOINED") == PROBLEMS, "{verdicts:?}");
    assert_eq!((of("ENDED"), of("RESOLVED")), (PROBLEMS - 1, 1), "{verdicts:?}");
    let id = incidents[0]["id"].clone();
    for once in ["incident.triggered.v1", "incident.resolved.v1"] {
        assert_eq!(count(&nodes[0], &id, once).await, 1, "{once}");
    }
    assert_eq!(phone.pages().len(), 1, "it rang under one key");
    nodes.iter().for_each(Server::stop);
    verify(&database);
}

/// How often something is in the timeline of an incident.
async fn count(server: &Server, incident: &Value, kind: &str) -> usize {
    let query = "query($id: ID!, $after: String) { incident(id: $id) { timeline(first: 200, after: $after) {
        nodes { kind } pageInfo { hasNextPage endCursor } } } }";
    let (mut count, mut after) = (0, Value::Null);
    loop {
        let mut data = server.query(query, json!({ "id": incident, "after": after })).await;
        let page = &mut data["incident"]["timeline"];
        count +=
            page["nodes"].as_array().expect("it is a list").iter().filter(|one| one["kind"] == kind).count();
        if page["pageInfo"]["hasNextPage"] != json!(true) {
            return count;
        }
        after = page["pageInfo"]["endCursor"].take();
    }
}
