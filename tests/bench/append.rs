//! The log alone: durable appends with versions, receipts and the hash chain, beside `postgres-es` as shipped.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use commands::{Clock, MetadataExt, SystemClock, mint};
use domain::{Actor, IncidentId};
use serde_json::{Value, json};
use store::{Append, Metadata, NewEvent, Store};
use tokio::{process::Command, runtime::Runtime, task::JoinSet};

use crate::{
    Outcome, Scale, alerts,
    database::{self, Database, Kind},
    machine::Watch,
    report::{Limit, Report},
    stats::{Latencies, median, rate},
};

const IN_FLIGHT: usize = 256;
const PAYLOAD: usize = 1500;
/// Events of one stream before the next one begins, as the yardstick has them.
const STREAM_LENGTH: u64 = 10;
const LEAST: f64 = 25_000.0;
const LEAST_RATIO: f64 = 8.0;

pub(crate) async fn measure(scale: Scale, report: &mut Report) -> Outcome<()> {
    let (rounds, seconds) = if scale.quick { (1, 2) } else { (3, 4) };
    // As many threads as the server would have.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = rounds_of(rounds, Duration::from_secs(seconds), &runtime, report).await;
    runtime.shutdown_background();
    outcome
}

async fn rounds_of(rounds: usize, time: Duration, runtime: &Runtime, report: &mut Report) -> Outcome<()> {
    let (mut sqlite, mut postgres, mut oracle) = (vec![], vec![], vec![]);
    let (mut sqlite_times, mut postgres_times) = (vec![], vec![]);
    let watch = Watch::start(None);
    // In turns, so that whatever else the machine does meets all of them.
    for _ in 0..rounds {
        let (appends, times) = storm(Kind::Sqlite, time, runtime).await?;
        sqlite.push(appends);
        sqlite_times.extend(times);
        if database::cluster().is_some() {
            let (appends, times) = storm(Kind::Postgres, time, runtime).await?;
            postgres.push(appends);
            postgres_times.extend(times);
            oracle.extend(yardstick(time).await?);
        }
    }
    report.line("append: SQLite, 1.5 KB, 256 in flight", median(sqlite), "/s", Limit::AtLeast(LEAST));
    tell_times(report, "SQLite", sqlite_times);
    if !postgres.is_empty() {
        let ours = median(postgres.clone());
        report.line("append: PostgreSQL, 1.5 KB, 256 in flight", ours, "/s", Limit::AtLeast(LEAST));
        tell_times(report, "PostgreSQL", postgres_times);
    }
    if oracle.is_empty() {
        report.note("postgres-es was not measured: MIDWATCH_TEST_ORACLE names no program");
    } else {
        report.line(
            "append: postgres-es as shipped, 1.5 KB, 256 in flight",
            median(oracle.clone()),
            "/s",
            Limit::None,
        );
        let ratio = median(postgres.iter().zip(&oracle).map(|(ours, theirs)| ours / theirs).collect());
        report.line(
            "append: PostgreSQL against postgres-es, pair by pair",
            ratio,
            "x",
            Limit::AtLeast(LEAST_RATIO),
        );
    }
    report.note(&watch.stop().to_string());
    Ok(())
}

fn tell_times(report: &mut Report, database: &str, times: Vec<Duration>) {
    let times = Latencies::of(times);
    report.time(&format!("append: {database}, from asking to durable, p50"), times.p50(), None);
    report.time(&format!("append: {database}, from asking to durable, p99"), times.p99(), None);
}

async fn storm(kind: Kind, time: Duration, runtime: &Runtime) -> Outcome<(f64, Vec<Duration>)> {
    let database = Database::empty(kind).await?;
    let store = database.open().await?;
    let storm = appends(store.clone(), time);
    let outcome = runtime.spawn(storm).await?;
    store.close().await;
    database.remove().await;
    outcome
}

async fn appends(store: Store, time: Duration) -> Outcome<(f64, Vec<Duration>)> {
    let payload =
        Bytes::from(json!({"title": alerts::title(0), "details": "x".repeat(PAYLOAD - 100)}).to_string());
    let (done, began) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let mut running = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (store, payload, done) = (store.clone(), payload.clone(), Arc::clone(&done));
        running.spawn(async move {
            let mut times = vec![];
            while began.elapsed() < time {
                let stream = IncidentId::new(mint::uuid()).stream();
                for expected in 0..STREAM_LENGTH {
                    let asked = Instant::now();
                    store.append(one(stream.clone(), expected, payload.clone())).await?;
                    times.push(asked.elapsed());
                    done.fetch_add(1, Ordering::Relaxed);
                    if began.elapsed() >= time {
                        break;
                    }
                }
            }
            Ok::<_, store::StoreError>(times)
        });
    }
    let mut times = vec![];
    while let Some(finished) = running.join_next().await {
        times.extend(finished??);
    }
    Ok((rate(done.load(Ordering::Relaxed), began.elapsed()), times))
}

fn one(stream: String, expected: u64, payload: Bytes) -> Append {
    Append {
        stream,
        expected,
        events: vec![NewEvent { kind: "incident.note_added.v1".into(), payload, subjects: vec![] }],
        metadata: Metadata::of(Actor::Administrator, mint::uuid()),
        recorded_at: SystemClock.now(),
    }
}

/// Appends a second by the stock repository of `postgres-es`, in a database of its own.
async fn yardstick(time: Duration) -> Outcome<Option<f64>> {
    let Some(program) = std::env::var_os("MIDWATCH_TEST_ORACLE") else { return Ok(None) };
    let database = Database::empty(Kind::Postgres).await?;
    let arguments = [time.as_secs().to_string(), IN_FLIGHT.to_string(), PAYLOAD.to_string()];
    let output = Command::new(program)
        .args(["append-bench", &database.url])
        .args(arguments)
        .kill_on_drop(true)
        .output()
        .await?;
    database.remove().await;
    if !output.status.success() {
        return Err(format!(
            "the oracle ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        )
        .into());
    }
    let said: Value = serde_json::from_slice(&output.stdout)?;
    let appends =
        said["appends_per_second"].as_f64().ok_or_else(|| format!("the oracle told no rate: {said}"))?;
    Ok(Some(appends))
}
