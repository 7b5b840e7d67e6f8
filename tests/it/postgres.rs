//! PostgreSQL with several nodes, without one of them, and without the database for a while.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, future::join_all, stream};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Cluster, Phone, Server, database, digests, eventually, quiet, verify};

/// Alerts of each sort in the storm.
const ALERTS: usize = 2000;
/// Senders at one time.
const SENDERS: usize = 32;
/// How long the database is away: far longer than the ten seconds for which the lease on the work lasts.
const AWAY: Duration = Duration::from_secs(30);

async fn leads(server: &Server) -> bool {
    let answer = server.request(Method::GET, "/readyz").send().await;
    let Ok(answer) = answer else { return false };
    let body: Value = answer.json().await.unwrap_or_default();
    body["checks"]["process"]["leader"] == json!(true)
}

/// Sends alerts as monitoring tools do: to one node, and to another when that does not take it.
async fn send(
    nodes: &[Server; 2],
    path: &str,
    alerts: &Mutex<Vec<String>>,
    taken: &AtomicUsize,
    first: usize,
) {
    let mut node = first;
    loop {
        let Some(alert) = alerts.lock().expect("nobody panicked").pop() else { return };
        loop {
            match nodes[node % 2].post(path, alert.clone()).await {
                Some(202) => break,
                Some(503) | None => node += 1,
                Some(other) => panic!("an alert was answered with {other}"),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        taken.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_open_each_incident_once_and_page_it_once_although_the_leader_dies() {
    let database = database().await;
    let phone = Phone::listen().await;
    let nodes = [Server::start(&database, &[]).await, Server::start(&database, &[]).await];
    let key = nodes[0].furnish(&phone.url, 3600).await.generic;
    let path = format!("/hooks/generic/{key}");
    let known = || async {
        let data = nodes[1].query("{ integrations { nodes { id } } }", json!({})).await;
        data["integrations"]["nodes"].as_array().is_some_and(|all| all.len() == 3)
    };
    nodes[1].until("the other node knows the entrance", known).await;

    let distinct = |number| json!({ "title": format!("alert {number}"), "severity": "low" }).to_string();
    let same = json!({ "title": "the same", "severity": "low" }).to_string();
    let alerts = Mutex::new((0..ALERTS).flat_map(|number| [distinct(number), same.clone()]).collect());
    let taken = AtomicUsize::new(0);
    let mut leader = None;
    let sending = join_all((0..SENDERS).map(|first| send(&nodes, &path, &alerts, &taken, first)));
    let killing = async {
        eventually("half of the alerts are taken", || async { taken.load(Ordering::Relaxed) > ALERTS }).await;
        let index = usize::from(!leads(&nodes[0]).await);
        assert!(leads(&nodes[index]).await, "one of them leads");
        nodes[index].kill();
        leader = Some(index);
    };
    tokio::join!(sending, killing);
    let other = &nodes[1 - leader.expect("it was killed")];
    eventually("the other node takes over", || leads(other)).await;

    let opened = || async { other.incidents().await.len() > ALERTS };
    eventually("every problem is an incident", opened).await;
    let rung = || async { phone.pages().len() > ALERTS };
    eventually("every incident rang the phone", rung).await;
    let incidents = other.incidents().await;
    assert_eq!(incidents.len(), ALERTS + 1, "2,000 distinct problems, and one that was told of 2,000 times");
    let titles: HashSet<_> = incidents.iter().map(|one| one["title"].to_string()).collect();
    assert_eq!(titles.len(), ALERTS + 1, "each problem is one incident");
    let same = incidents.iter().find(|one| one["title"] == "the same").expect("it is there");
    let count = same["alertCount"].as_u64().expect("it is counted");
    // What was under way when the leader died may have been told twice.
    let (least, most) = (ALERTS as u64, (ALERTS + SENDERS) as u64);
    assert!((least..=most).contains(&count), "every alert is counted: {count}");
    check_pages(&phone);
    check_next_steps(&incidents);

    // Whatever was sent is recorded as sent, and then nothing moves any more.
    eventually("the log is quiet", || quiet(other)).await;
    check_pages(&phone);
    other.stop();
    verify(&database);
    let (live, rebuilt) = digests(&database).await;
    assert_eq!(live, rebuilt, "read models made anew are the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_two_nodes_are_told_at_once_is_one_incident_in_which_every_alert_counts_once() {
    let database = database().await;
    let phone = Phone::listen().await;
    let nodes = [Server::start(&database, &[]).await, Server::start(&database, &[]).await];
    let key = nodes[0].furnish(&phone.url, 3600).await.generic;
    let known = || async {
        let data = nodes[1].query("{ integrations { nodes { id } } }", json!({})).await;
        data["integrations"]["nodes"].as_array().is_some_and(|all| all.len() == 3)
    };
    nodes[1].until("the other node knows the entrance", known).await;

    let path = format!("/hooks/generic/{key}");
    let same = json!({ "title": "the same", "severity": "low" }).to_string();
    let taken: Vec<_> = stream::iter(0..ALERTS)
        .map(|number| nodes[number % 2].post(&path, same.clone()))
        .buffer_unordered(SENDERS)
        .collect()
        .await;
    assert!(taken.iter().all(|status| *status == Some(202)), "nobody has to say it twice");
    let count = || async {
        let incidents = nodes[1].incidents().await;
        incidents.iter().filter_map(|one| one["alertCount"].as_u64()).sum::<u64>() >= ALERTS as u64
    };
    eventually("every alert is in an incident", count).await;
    eventually("the log is quiet", || quiet(&nodes[1])).await;
    let incidents = nodes[1].incidents().await;
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert_eq!(incidents[0]["alertCount"], json!(ALERTS), "{incidents:?}");
    let pages = phone.pages();
    assert_eq!(pages.values().map(Vec::len).collect::<Vec<_>>(), [1], "it rang once: {pages:?}");
    nodes.iter().for_each(Server::stop);
    verify(&database);
}

/// Every incident has one page, under one key.
fn check_pages(phone: &Phone) {
    let mut keys: HashMap<String, HashSet<String>> = HashMap::new();
    for (key, bodies) in phone.pages() {
        for body in bodies {
            let title = body["data"]["incident"]["title"].as_str().expect("a page has a title").to_owned();
            keys.entry(title).or_default().insert(key.clone());
        }
    }
    assert_eq!(keys.len(), ALERTS + 1, "every incident rang");
    let twice: Vec<_> = keys.iter().filter(|(_, keys)| keys.len() > 1).collect();
    assert!(twice.is_empty(), "no incident rang under two keys: {twice:?}");
}

fn check_next_steps(incidents: &[Value]) {
    for incident in incidents {
        let escalation = &incident["escalation"];
        let armed = !escalation["nextAt"].is_null();
        let open = incident["status"] == "TRIGGERED";
        assert!(
            open && armed && escalation["exhaustedAt"].is_null(),
            "it is open with one step armed: {incident}"
        );
    }
}

/// What senders saw, by status; 0 is no answer.
#[derive(Default)]
struct Seen {
    answers: Mutex<BTreeMap<u16, usize>>,
    taken: Mutex<HashSet<String>>,
    next: AtomicUsize,
    enough: AtomicBool,
}

impl Seen {
    async fn send(&self, server: &Server, path: &str) {
        while !self.enough.load(Ordering::Relaxed) {
            let title = format!("alert {}", self.next.fetch_add(1, Ordering::Relaxed));
            let status = server.post(path, json!({ "title": title }).to_string()).await.unwrap_or(0);
            *self.answers.lock().expect("nobody panicked").entry(status).or_default() += 1;
            if status == 202 {
                self.taken.lock().expect("nobody panicked").insert(title);
            }
            // Other tests share the machine, and a tool that was refused waits for longer.
            let pause = Duration::from_millis(if status == 202 { 10 } else { 100 });
            tokio::time::sleep(pause).await;
        }
    }

    fn taken(&self) -> usize {
        self.taken.lock().expect("nobody panicked").len()
    }

    fn refused(&self) -> usize {
        self.answers.lock().expect("nobody panicked").get(&503).copied().unwrap_or(0)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_away_alerts_are_refused_and_afterwards_taken_again() {
    let cluster = Arc::new(Cluster::start());
    let phone = Phone::listen().await;
    let server = Server::start(&cluster.url, &[]).await;
    let path = format!("/hooks/generic/{}", server.furnish(&phone.url, 3600).await.generic);
    let seen = Seen::default();
    let sending = join_all((0..8).map(|_| seen.send(&server, &path)));
    let breaking = async {
        eventually("alerts are taken", || async { seen.taken() > 100 }).await;
        with(&cluster, Cluster::crash).await;
        eventually("alerts are refused", || async { seen.refused() > 10 }).await;
        let (before, refused) = (seen.taken(), seen.refused());
        assert!(!server.is_ready().await, "it says that it is not ready");
        tokio::time::sleep(AWAY).await;
        assert!(!server.is_ready().await && !leads(&server).await, "the lease on the work has run out");
        assert_eq!(seen.taken(), before, "nothing is taken that cannot be kept");
        assert!(seen.refused() > refused + 500, "every alert is refused at once");
        with(&cluster, Cluster::resume).await;
        eventually("alerts are taken again", || async { seen.taken() > before + 100 }).await;
        eventually("it projects and reacts again", || leads(&server)).await;
        seen.enough.store(true, Ordering::Relaxed);
    };
    tokio::join!(sending, breaking);
    let answers = seen.answers.lock().expect("nobody panicked").clone();
    assert!(
        answers.keys().all(|status| matches!(status, 202 | 503)),
        "taken or refused, nothing else: {answers:?}"
    );
    assert!(server.is_ready().await, "it is ready again, without a restart");

    let taken = seen.taken.lock().expect("nobody panicked").clone();
    let rung = || async {
        let pages = phone.pages();
        let bodies = pages.values().flatten();
        let titles: HashSet<_> =
            bodies.filter_map(|body| body["data"]["incident"]["title"].as_str()).collect();
        taken.iter().all(|title| titles.contains(&**title))
    };
    eventually("every alert that was taken rings the phone", rung).await;
    // A page follows from the log; the list of incidents comes a moment later.
    eventually("the log is quiet", || quiet(&server)).await;
    let mut count: HashMap<String, usize> = HashMap::new();
    for incident in server.incidents().await {
        *count.entry(incident["title"].as_str().expect("it has a title").to_owned()).or_default() += 1;
    }
    assert!(taken.iter().all(|title| count.get(title) == Some(&1)), "and is in exactly one incident");
    server.stop();
    verify(&cluster.url);
    let (live, rebuilt) = digests(&cluster.url).await;
    assert_eq!(live, rebuilt, "read models made anew are the same");
}

/// Does something slow to a cluster without keeping the senders from running.
async fn with(cluster: &Arc<Cluster>, what: fn(&Cluster)) {
    let cluster = Arc::clone(cluster);
    tokio::task::spawn_blocking(move || what(&cluster)).await.expect("it works");
}

#[tokio::test]
async fn texts_that_postgresql_has_no_place_for_do_not_stop_anything() {
    let database = database().await;
    let phone = Phone::listen().await;
    let server = Server::start(&database, &[]).await;
    let furnished = server.furnish(&phone.url, 3600).await;
    let path = format!("/hooks/generic/{}", furnished.generic);
    let nul = r#"{"title":"n\u0000ul","dedup_key":"a\u0000b","details":"c\u0000d","source":"\u0000","severity":"\u0000"}"#;
    assert_eq!(server.post(&path, nul.to_owned()).await, Some(202));
    let refused = server.request(Method::POST, &path).body(b"{\"title\":\"\x00\"}".to_vec()).send().await;
    assert_eq!(refused.expect("an answer").status(), 400, "a bare control character is no JSON");
    let refused = server.request(Method::POST, &path).body(b"\x00\xff".to_vec()).send().await;
    assert_eq!(refused.expect("an answer").status(), 400);
    let input = json!({ "serviceId": furnished.service, "title": "by\u{0}hand", "details": "x\u{0}y", "dedupKey": "k\u{0}" });
    let query = "mutation($input: CreateIncidentInput!) { createIncident(input: $input) {
        incident { id } rejection { code } } }";
    let made = server.query(query, json!({ "input": input })).await["createIncident"].take();
    assert!(made["incident"].is_object() != made["rejection"].is_object(), "taken or refused: {made}");
    let searched =
        server.query("{ incidents(filter: { text: \"a\\u0000b\" }) { nodes { id } } }", json!({})).await;
    assert!(searched["incidents"]["nodes"].is_array(), "{searched}");
    assert_eq!(server.post(&path, r#"{"title":"afterwards 🦀"}"#.to_owned()).await, Some(202));
    let rung = || async {
        let bodies: Vec<Value> = phone.pages().into_values().flatten().collect();
        bodies.iter().any(|body| body["data"]["incident"]["title"] == "afterwards 🦀")
    };
    server.until("what comes afterwards rings the phone", rung).await;
    eventually("the log is quiet", || quiet(&server)).await;
    server.stop();
    verify(&database);
    let (live, rebuilt) = digests(&database).await;
    assert_eq!(live, rebuilt, "read models made anew are the same");
}
