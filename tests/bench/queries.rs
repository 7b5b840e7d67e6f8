//! What a responder's screen asks, with a hundred thousand incidents behind it.

use std::time::{Duration, Instant};

use commands::mint;
use serde_json::{Value, json};

use crate::{
    Outcome, Scale,
    database::{self, Database},
    graphql,
    http::Connection,
    report::{Limit, Report},
    seed::{self, Story},
    server::{self, Server},
    stats::Latencies,
    world::{self, World},
};

const INCIDENTS: usize = 100_000;
const ASKED: usize = 1000;
const MOST_P99: Duration = Duration::from_millis(20);
const MOST_MEMORY: f64 = 150.0;

const PAGE: &str = "query($filter: IncidentFilterInput, $after: String) { incidents(filter: $filter, first: 50, after: $after) \
    { edges { cursor node { id number title status severity openedAt resolvedAt service { id name } \
    escalation { level cycle nextAt } } } pageInfo { hasNextPage endCursor } } }";

pub(crate) async fn measure(scale: Scale, report: &mut Report) -> Outcome<()> {
    for kind in database::kinds() {
        let database = Database::empty(kind).await?;
        let store = database.open().await?;
        let world = world::found(&store, "http://127.0.0.1:9/page".to_owned()).await?;
        seed::incidents(&store, &world, 0..scale.of(INCIDENTS), Story::Short).await?;
        store.close().await;
        server::run(&database, "rebuild").await?;
        seed::caught_up(&database).await?;

        let server = Server::start(&database).await?;
        server.settle().await?;
        let what = format!("queries: {}, {} incidents", kind.word(), scale.of(INCIDENTS));
        ask_all(&server, &world, &what, report).await?;
        let (memory, _) = server.memory();
        report.line(&format!("{what}: memory"), memory, "MB", Limit::AtMost(MOST_MEMORY));
        server.stop().await?;
        database.remove().await;
    }
    Ok(())
}

async fn ask_all(server: &Server, world: &World, what: &str, report: &mut Report) -> Outcome<()> {
    let pages: [(&str, Value); 5] = [
        ("first page", json!({})),
        ("open ones", json!({"filter": {"status": ["TRIGGERED"]}})),
        (
            "critical open ones of a service",
            json!({"filter": {
                "status": ["TRIGGERED", "ACKNOWLEDGED"], "severity": ["CRITICAL"], "serviceIds": [world.service.to_string()]
            }}),
        ),
        ("text that all have", json!({"filter": {"text": "payment latency"}})),
        ("text that nothing has", json!({"filter": {"text": mint::uuid().to_string()}})),
    ];
    let mut connection = Connection::open(server.address).await?;
    for (name, variables) in pages {
        let request = graphql::request(PAGE, &variables);
        let mut times = Vec::with_capacity(ASKED);
        for _ in 0..ASKED {
            let began = Instant::now();
            let data = graphql::ask(&mut connection, &request).await?;
            times.push(began.elapsed());
            if data["incidents"]["edges"].as_array().is_none_or(Vec::is_empty) && !name.contains("nothing") {
                return Err(format!("no incident in {name}: {data}").into());
            }
        }
        let times = Latencies::of(times);
        report.time(&format!("{what}: {name}, p50"), times.p50(), None);
        report.time(&format!("{what}: {name}, p99"), times.p99(), Some(MOST_P99));
    }
    Ok(())
}
