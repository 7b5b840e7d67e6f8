//! The yardstick: `postgres-es` as it is shipped, with its own pool, table and framework.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use postgres_es::{default_postgress_pool, postgres_cqrs};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection};

/// The table of the crate's own `db/init.sql`.
const TABLE: &str = "CREATE TABLE events
(
    aggregate_type text                         NOT NULL,
    aggregate_id   text                         NOT NULL,
    sequence       bigint CHECK (sequence >= 0) NOT NULL,
    event_type     text                         NOT NULL,
    event_version  text                         NOT NULL,
    payload        json                         NOT NULL,
    metadata       json                         NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
)";

/// How many commands an aggregate gets before the next one begins. Each loads all events before it, which is how
/// `postgres-es` works.
const COMMANDS: u64 = 10;

/// Appends events of `bytes` bytes for `seconds`, `concurrency` at a time.
pub async fn append(
    url: &str,
    seconds: f64,
    concurrency: u64,
    bytes: usize,
) -> Result<Value, Box<dyn Error>> {
    let name = format!("postgres_es_bench_{}", std::process::id());
    let mut server = PgConnection::connect(url).await?;
    server.execute(format!("CREATE DATABASE {name}").as_str()).await?;
    let measured = measure(&with_database(url, &name), seconds, concurrency, bytes).await;
    server.execute(format!("DROP DATABASE {name} WITH (FORCE)").as_str()).await?;
    measured
}

async fn measure(url: &str, seconds: f64, concurrency: u64, bytes: usize) -> Result<Value, Box<dyn Error>> {
    let pool = default_postgress_pool(url).await;
    pool.execute(TABLE).await?;
    let framework = Arc::new(postgres_cqrs::<Alert>(pool.clone(), vec![], ()));
    let (next, text) = (Arc::new(AtomicU64::new(0)), Arc::new("x".repeat(bytes)));
    let begun = Instant::now();
    let until = begun + Duration::from_secs_f64(seconds);
    let writers: Vec<_> = (0..concurrency)
        .map(|_| {
            let (framework, next, text) = (Arc::clone(&framework), Arc::clone(&next), Arc::clone(&text));
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while Instant::now() < until {
                    let id = format!("alert-{:032x}", next.fetch_add(1, Ordering::Relaxed));
                    for _ in 0..COMMANDS {
                        let asked = Instant::now();
                        framework.execute(&id, text.to_string()).await.map_err(|error| error.to_string())?;
                        latencies.push(asked.elapsed());
                    }
                }
                Ok::<_, String>(latencies)
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for writer in writers {
        latencies.extend(writer.await??);
    }
    let elapsed = begun.elapsed().as_secs_f64();
    latencies.sort_unstable();
    pool.close().await;
    let appends = u32::try_from(latencies.len())?;
    Ok(json!({
        "appends": appends,
        "seconds": elapsed,
        "appends_per_second": f64::from(appends) / elapsed,
        "p50_ms": milliseconds(&latencies, 50),
        "p99_ms": milliseconds(&latencies, 99),
    }))
}

fn milliseconds(sorted: &[Duration], percent: usize) -> f64 {
    sorted.get(sorted.len() * percent / 100).map_or(0.0, |latency| latency.as_secs_f64() * 1000.0)
}

/// The same server, another database.
fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = url.split_once('?').map_or((url, ""), |(address, rest)| (address, rest));
    let host = address.find("://").map_or(0, |at| at + 3);
    let end = address[host..].find('/').map_or(address.len(), |at| host + at);
    format!("{}/{name}?{parameters}", &address[..end])
}

#[derive(Default, Serialize, Deserialize)]
struct Alert;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum AlertEvent {
    Received { text: String },
}

impl DomainEvent for AlertEvent {
    fn event_type(&self) -> String {
        "Received".to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

impl Aggregate for Alert {
    const TYPE: &'static str = "alert";
    type Command = String;
    type Event = AlertEvent;
    type Error = std::convert::Infallible;
    type Services = ();

    async fn handle(&mut self, text: String, (): &(), sink: &EventSink<Self>) -> Result<(), Self::Error> {
        sink.write(AlertEvent::Received { text }, self).await;
        Ok(())
    }

    fn apply(&mut self, _: AlertEvent) {}
}
