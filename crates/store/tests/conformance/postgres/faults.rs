//! What happens to a server, and what the log does about it.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::join_all;
use store::{Filter, Store, StoreError, Verified};
use tokio::task::JoinHandle;

use super::{
    Postgres,
    cluster::Cluster,
    proxy::{Proxy, Wire},
};
use crate::{
    place::Place,
    told::{append, append_all, event, fill, stream},
};

/// Nobody waits for longer than this, whatever happens.
const PROMPT: Duration = Duration::from_secs(10);

/// Many writers that go on whatever they are answered.
struct Storm {
    writers: Vec<JoinHandle<HashMap<u128, u64>>>,
    stop: Arc<AtomicBool>,
    refused: Arc<AtomicU64>,
    recorded: Arc<AtomicU64>,
}

impl Storm {
    fn on(store: &Store) -> Self {
        let (stop, refused, recorded) = <(Arc<AtomicBool>, Arc<AtomicU64>, Arc<AtomicU64>)>::default();
        let writers = (0..64).map(|writer| {
            let (store, stop) = (store.clone(), Arc::clone(&stop));
            let (refused, recorded) = (Arc::clone(&refused), Arc::clone(&recorded));
            tokio::spawn(async move {
                let mut acknowledged = HashMap::new();
                let mut n = writer * 1_000_000;
                while !stop.load(Ordering::Relaxed) {
                    n += 1;
                    let asked = Instant::now();
                    match store.append(append(n, stream("incident", n), 0)).await {
                        Ok(outcome) => {
                            acknowledged.insert(n, outcome.position);
                            recorded.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(StoreError::Unavailable(_) | StoreError::Busy) => {
                            refused.fetch_add(1, Ordering::Relaxed);
                            tokio::task::yield_now().await;
                        }
                        Err(error) => panic!("{error}"),
                    }
                    assert!(asked.elapsed() < PROMPT, "an answer took {:?}", asked.elapsed());
                }
                acknowledged
            })
        });
        Self { writers: writers.collect(), stop, refused, recorded }
    }

    /// Waits until `more` appends got the answer that `count` counts.
    async fn until(&self, count: &AtomicU64, more: u64) {
        let goal = count.load(Ordering::Relaxed) + more;
        while count.load(Ordering::Relaxed) < goal {
            assert!(self.writers.iter().all(|writer| !writer.is_finished()), "a writer gave up");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn end(self) -> HashMap<u128, u64> {
        self.stop.store(true, Ordering::Relaxed);
        join_all(self.writers).await.into_iter().flat_map(|writer| writer.expect("a calm writer")).collect()
    }
}

/// What was acknowledged is there, once, where it was said to be, and the chain is whole. A command's events have
/// ids of their own, the same whenever it is repeated.
async fn accounted_for(store: &Store, acknowledged: &HashMap<u128, u64>) {
    let events = match store.read(0, usize::MAX, &Filter::All).await {
        // A connection that died without a word is found out by the first who asks over it.
        Err(StoreError::Unavailable(_)) => store.read(0, usize::MAX, &Filter::All).await.expect("readable"),
        read => read.expect("readable"),
    };
    let stored: HashMap<u128, u64> =
        events.iter().map(|event| (event.metadata.command_id.as_u128(), event.position)).collect();
    let distinct: HashSet<_> = events.iter().map(|event| event.id).collect();
    assert_eq!(distinct.len(), events.len(), "each command is recorded once");
    for (command, position) in acknowledged {
        assert_eq!(stored.get(command), Some(position), "command {command} was acknowledged");
    }
    assert_eq!(events.last().map_or(0, |event| event.position), events.len() as u64);
    let verified = store.verify(&mut |_| {}).await.expect("readable");
    assert!(matches!(verified, Verified::Intact { .. }), "{verified:?}");
    assert_eq!(store.head(), events.len() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_under_load_loses_nothing_and_is_found_again() {
    let cluster = Cluster::start().await;
    let store = Postgres::on(&cluster.url).await.open().await;
    let storm = Storm::on(&store);
    for _ in 0..3 {
        storm.until(&storm.recorded, 500).await;
        cluster.crash().await;
        storm.until(&storm.refused, 500).await;
        cluster.resume().await;
    }
    storm.until(&storm.recorded, 500).await;
    let acknowledged = storm.end().await;
    accounted_for(&store, &acknowledged).await;
    store.close().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_acknowledgement_is_resolved_by_the_receipts() {
    let direct = Postgres::fresh().await;
    let (place, proxy) = behind_a_wire(&direct).await;
    let store = place.open().await;
    let shell = direct.shell().await;
    for round in 1..=5_u64 {
        // One after another: the committers take turns, and every connection is there before the answers are lost.
        for n in 0..10 {
            fill(&store, u128::from(round) * 100 + n, 1).await;
        }
        let head = round * 12;
        proxy.set(Wire::Swallowing);
        let command = 10_000 + u128::from(round);
        let two = append_all(command, stream("incident", command), 0, vec![event("{}"), event("{}")]);
        let appending = tokio::spawn({
            let store = store.clone();
            async move { store.append(two).await }
        });
        while stored_head(&shell).await < head {
            assert!(!appending.is_finished(), "the server was not reached");
        }
        // The server has it, and nobody heard.
        proxy.set(Wire::Whole);
        proxy.cut();
        let outcome = appending.await.expect("no panic").expect("resolved");
        assert_eq!((outcome.position, outcome.version), (head, 2));
        assert!(store.head() >= head);
    }
    accounted_for(&store, &HashMap::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_answer_is_given_up_on_in_time() {
    let direct = Postgres::fresh().await;
    let (place, proxy) = behind_a_wire(&direct).await;
    let store = place.open().await;
    let storm = Storm::on(&store);
    storm.until(&storm.recorded, 200).await;
    proxy.set(Wire::Swallowing);
    storm.until(&storm.refused, 100).await;
    proxy.set(Wire::Whole);
    storm.until(&storm.recorded, 200).await;
    let acknowledged = storm.end().await;
    accounted_for(&store, &acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_somebody_holds_is_not_waited_for_long() {
    let place = Postgres::fresh().await;
    let store = place.open().await;
    fill(&store, 1, 10).await;
    let mut shell = place.shell().await;
    let holding = shell.transaction().await.expect("begun");
    holding.batch_execute("SELECT position FROM log_head FOR UPDATE").await.expect("locked");
    let asked = Instant::now();
    let error = store.append(append(1000, stream("incident", 1000), 0)).await.expect_err("locked out");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(asked.elapsed() < PROMPT);
    assert_eq!(store.read(0, 100, &Filter::All).await.expect("still readable").len(), 10);
    holding.rollback().await.expect("let go");
    let outcome = store.append(append(1000, stream("incident", 1000), 0)).await.expect("goes on");
    assert_eq!((outcome.position, outcome.already), (11, false));
}

#[tokio::test]
async fn readers_do_not_notice_that_idle_connections_broke() {
    let direct = Postgres::fresh().await;
    let (place, proxy) = behind_a_wire(&direct).await;
    let store = place.open().await;
    fill(&store, 1, 10).await;
    for _ in 0..5 {
        proxy.cut();
        assert_eq!(store.load(&stream("incident", 1), 0).await.expect("loaded").len(), 1);
        proxy.cut();
        assert_eq!(store.at(&[1, 2, 3]).await.expect("found").len(), 3);
        proxy.cut();
        assert_eq!(store.read(0, 100, &Filter::All).await.expect("read").len(), 10);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    // Nothing listens on the discard port.
    let url = "postgres://postgres@127.0.0.1:9/midwatch".parse().expect("a url");
    let error = Store::open(&url, store::Options::default()).await.expect_err("nobody is there");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
}

/// The same database through a wire that can be cut.
async fn behind_a_wire(direct: &Postgres) -> (Postgres, Proxy) {
    let host = direct.url.split_once("://").map_or("", |(_, rest)| rest);
    let host = host.split_once('@').map_or(host, |(_, host)| host);
    let host = host.split_once('/').map_or(host, |(host, _)| host);
    let server = if host.contains(':') { host.to_owned() } else { format!("{host}:5432") };
    let proxy = Proxy::before(&server).await;
    let url = direct.url.replace(host, &format!("127.0.0.1:{}", proxy.port));
    (Postgres { url }, proxy)
}

async fn stored_head(shell: &tokio_postgres::Client) -> u64 {
    let row = shell.query_one("SELECT position FROM log_head", &[]).await.expect("asked");
    row.get::<_, i64>(0).cast_unsigned()
}
