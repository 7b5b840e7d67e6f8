//! `kill -9` between storing and deciding, where rules drop, group and hold back: each message comes to one thing, and nobody is
//! paged before the time.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{Phone, Server, at, eventually, run, text};

/// How long the first page is held back.
const SUSPENDED: u64 = 4;

/// What one sender says of one number, in order; the title says what it should come to.
fn story(number: u32) -> Vec<Value> {
    let say = |what: &str, key: &str, status: &str, labels: Value| {
        json!({ "title": format!("{what} {number}"), "dedup_key": format!("{key} {number}"), "status": status,
            "severity": "low", "labels": labels })
    };
    let cluster = json!({ "cluster": format!("c{}", number % 3) });
    vec![
        say("dropped", "dropped", "firing", json!({ "env": "test" })),
        say("grouped", "member", "firing", cluster.clone()),
        say("lasting", "lasting", "firing", json!({})),
        say("brief", "brief", "firing", json!({})),
        say("member over", "member", "resolved", cluster),
        say("brief over", "brief", "resolved", json!({})),
    ]
}

/// What a message with this title may come to.
fn verdicts(title: &str) -> &'static [&'static str] {
    match title.trim_end_matches(|letter: char| letter.is_ascii_digit()).trim_end() {
        "dropped" => &["SUPPRESSED"],
        "grouped" => &["OPENED", "JOINED"],
        "lasting" | "brief" => &["OPENED"],
        "member over" => &["ENDED", "RESOLVED"],
        "brief over" => &["RESOLVED"],
        other => panic!("nobody says {other}"),
    }
}

/// Tells stories until told to stop, or nobody listens; remembers the title of every message that was taken.
async fn storm(
    server: &Server,
    path: &str,
    next: &AtomicU32,
    stop: &AtomicBool,
    taken: &Mutex<HashSet<String>>,
) {
    while !stop.load(Ordering::Relaxed) {
        for message in story(next.fetch_add(1, Ordering::Relaxed)) {
            match server.post(path, message.to_string()).await {
                Some(202) => taken.lock().expect("nobody panicked").insert(text(&message["title"])),
                _ => return,
            };
        }
    }
}

fn count(taken: &Mutex<HashSet<String>>) -> usize {
    taken.lock().expect("nobody panicked").len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_message_comes_to_one_thing_and_nobody_is_paged_before_the_time() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let phone = Phone::listen().await;
    let mut server = Arc::new(Server::start(&database, &[]).await);
    let service = server.furnish(&phone.url, 3600).await.service;
    let rules = json!({ "rules": [
        { "name": "tests", "condition": "has(alert.labels.env) && alert.labels.env == 'test'", "drop": true },
        { "name": "clusters", "condition": "has(alert.labels.cluster)", "take": { "groupBy": "alert.labels.cluster" } },
    ], "catchAll": { "suspendSeconds": SUSPENDED } });
    let (integration, path) = server.integrate(&service, rules).await;
    let (taken, next) = (Arc::new(Mutex::new(HashSet::new())), Arc::new(AtomicU32::new(0)));
    for round in 0..4 {
        let stop = Arc::new(AtomicBool::new(false));
        let storms = (0..8).map(|_| {
            let (server, path) = (Arc::clone(&server), path.clone());
            let (next, stop, taken) = (Arc::clone(&next), Arc::clone(&stop), Arc::clone(&taken));
            tokio::spawn(async move { storm(&server, &path, &next, &stop, &taken).await })
        });
        let storms: Vec<_> = storms.collect();
        let enough = count(&taken) + 120 + 37 * round;
        server.until("the storm blows", || async { count(&taken) > enough }).await;
        server.kill();
        stop.store(true, Ordering::Relaxed);
        join_all(storms).await;
        server = Arc::new(Server::start(&database, &[]).await);
    }
    let taken = taken.lock().expect("nobody panicked").clone();
    check_verdicts(&server, &integration, &taken).await;
    check_pages(&server, &phone, &taken).await;
    server.kill();
    let verified = run(&["verify", "--database", &database]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

/// Everything that was taken is there, and everything that is there has one verdict, the one that its rule asks for.
async fn check_verdicts(server: &Server, integration: &str, taken: &HashSet<String>) {
    let decided = || async {
        let all = server.deliveries(integration).await;
        all.iter().all(|one| !one["verdict"].is_null())
    };
    server.until("every message has a verdict", decided).await;
    let mut titles = HashSet::new();
    for delivery in server.deliveries(integration).await {
        let title = text(&delivery["alerts"][0]["title"]);
        let decisions = delivery["decisions"].as_array().expect("it is a list");
        assert_eq!(decisions.len(), 1, "one verdict on {delivery}");
        let verdict = text(&decisions[0]["verdict"]);
        assert!(verdicts(&title).contains(&&*verdict), "{title}: {verdict}");
        assert!(titles.insert(title), "nothing is there twice: {delivery}");
    }
    let lost: Vec<_> = taken.difference(&titles).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

/// What lasts rings the phone, and nothing that is held back is paged before that is over.
async fn check_pages(server: &Server, phone: &Phone, taken: &HashSet<String>) {
    let lasting: HashSet<&String> = taken.iter().filter(|title| title.starts_with("lasting")).collect();
    let rung = || async {
        let bodies: Vec<Value> = phone.pages().into_values().flatten().collect();
        let titles: HashSet<String> =
            bodies.iter().map(|body| text(&body["data"]["incident"]["title"])).collect();
        lasting.iter().all(|title| titles.contains(*title))
    };
    eventually("everything that lasts rings the phone", rung).await;
    let mut paged = 0;
    for (title, story) in stories(server).await {
        assert!(!title.starts_with("dropped"), "{title} is no incident");
        let first = |kind: &str| story.iter().find(|entry| entry["kind"] == kind);
        let held = first("incident.held.v1").map(|entry| &entry["payload"]);
        assert_eq!(held.is_some(), !title.starts_with("grouped"), "{title}: {story:?}");
        let Some(held) = held else { continue };
        let until = at(&text(&held["until"]));
        assert_eq!(until, at(&text(&held["at"])).plus_seconds(SUSPENDED), "{title}: {story:?}");
        // When it was decided, and when the page was recorded.
        let decided = first("incident.escalated.v1").map(|entry| &entry["payload"]["at"]);
        let recorded =
            ["page.requested.v1", "page.sent.v1"].map(|kind| first(kind).map(|entry| &entry["at"]));
        let times: Vec<_> =
            decided.into_iter().chain(recorded.into_iter().flatten()).map(|it| at(&text(it))).collect();
        assert!(times.iter().all(|time| *time >= until), "{title} is paged too early: {story:?}");
        paged += usize::from(!times.is_empty());
    }
    assert!(paged >= lasting.len(), "they are in their incidents");
}

/// The timeline of each incident, by its title.
async fn stories(server: &Server) -> HashMap<String, Vec<Value>> {
    let query = "query($after: String) { incidents(first: 50, after: $after) {
        nodes { title timeline(first: 20) { nodes { kind at payload } } } pageInfo { hasNextPage endCursor } } }";
    let (mut stories, mut after) = (HashMap::new(), Value::Null);
    loop {
        let mut page = server.query(query, json!({ "after": after })).await["incidents"].take();
        for incident in page["nodes"].as_array().expect("it is a list") {
            let story = incident["timeline"]["nodes"].as_array().expect("it is a list").clone();
            let title = text(&incident["title"]);
            assert!(stories.insert(title.clone(), story).is_none(), "{title} is one incident");
        }
        if page["pageInfo"]["hasNextPage"] != json!(true) {
            return stories;
        }
        after = page["pageInfo"]["endCursor"].take();
    }
}
