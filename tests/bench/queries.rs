//! What a responder's screen asks, with a hundred thousand incidents behind it, and whoever searches a million alerts.

use std::time::{Duration, Instant};

use commands::mint;
use serde_json::{Value, json};

use crate::{
    Outcome, Scale,
    database::{self, Database, Kind},
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

/// Problems that are searched.
const ALERTS: usize = 1_000_000;
const SEARCHED: usize = 200;
const MOST_SEARCH_P99: Duration = Duration::from_millis(300);

const PAGE: &str = "query($filter: IncidentFilterInput, $after: String) { incidents(filter: $filter, first: 50, after: $after) \
    { edges { cursor node { id number title status severity openedAt resolvedAt service { id name } \
    escalation { level cycle nextAt } } } pageInfo { hasNextPage endCursor } } }";

const ALERT_PAGE: &str = "query($filter: AlertFilterInput, $after: String) { alerts(filter: $filter, first: 50, after: $after) \
    { nodes { id dedupKey title status severity source occurrences firstSeenAt lastSeenAt endedAt incidentId \
    service { id name } integration { id name } } pageInfo { hasNextPage endCursor } } }";

const STATISTICS: &str = "query($serviceIds: [ID!]) { alertStatistics(serviceIds: $serviceIds) { total \
    bySeverity { severity count } byStatus { status count } byDay { day count } byIntegration { count } } }";

pub(crate) async fn measure(scale: Scale, report: &mut Report) -> Outcome<()> {
    for kind in database::kinds() {
        let incidents = scale.of(INCIDENTS);
        let stand = Seeded::up(kind, incidents).await?;
        let what = format!("queries: {}, {incidents} incidents", kind.word());
        ask_all(&stand.server, &stand.world, &what, report).await?;
        let (memory, _) = stand.server.memory();
        report.line(&format!("{what}: memory"), memory, "MB", Limit::AtMost(MOST_MEMORY));
        stand.down().await?;
    }
    Ok(())
}

/// The same for alerts, each of an incident of its own.
pub(crate) async fn measure_alerts(scale: Scale, report: &mut Report) -> Outcome<()> {
    for kind in database::kinds() {
        let alerts = scale.of(ALERTS);
        let stand = Seeded::up(kind, alerts).await?;
        let what = format!("alerts: {}, {alerts} alerts", kind.word());
        search_all(&stand.server, &stand.world, &what, report).await?;
        stand.down().await?;
    }
    Ok(())
}

/// A server with a history.
struct Seeded {
    database: Database,
    server: Server,
    world: World,
}

impl Seeded {
    async fn up(kind: Kind, incidents: usize) -> Outcome<Self> {
        let database = Database::empty(kind).await?;
        let store = database.open().await?;
        let world = world::found(&store, "http://127.0.0.1:9/page".to_owned()).await?;
        seed::incidents(&store, &world, 0..incidents, Story::Short).await?;
        store.close().await;
        server::run(&database, "rebuild").await?;
        seed::caught_up(&database).await?;
        let server = Server::start(&database).await?;
        server.settle().await?;
        Ok(Self { database, server, world })
    }

    async fn down(self) -> Outcome<()> {
        self.server.stop().await?;
        self.database.remove().await;
        Ok(())
    }
}

async fn search_all(server: &Server, world: &World, what: &str, report: &mut Report) -> Outcome<()> {
    let service = world.service.to_string();
    let integration = world.integration.to_string();
    let pages: [(&str, Value); 7] = [
        ("first page", json!({})),
        ("open ones", json!({"filter": {"status": ["OPEN"]}})),
        (
            "resolved ones of an integration",
            json!({"filter": {
                "status": ["RESOLVED"], "integrationIds": [integration]
            }}),
        ),
        (
            "high ones of a service that are not over",
            json!({"filter": {
                "status": ["OPEN", "ACKNOWLEDGED"], "severity": ["HIGH"], "serviceIds": [service]
            }}),
        ),
        ("low ones, which there are none of: nothing", json!({"filter": {"severity": ["LOW"]}})),
        ("text that all have", json!({"filter": {"text": "payment latency"}})),
        ("text that nothing has", json!({"filter": {"text": mint::uuid().to_string()}})),
    ];
    let mut connection = Connection::open(server.address).await?;
    for (name, variables) in pages {
        let request = graphql::request(ALERT_PAGE, &variables);
        let is_found =
            |data: &Value| data["alerts"]["nodes"].as_array().is_some_and(|nodes| !nodes.is_empty());
        let is_right = |data: &Value| is_found(data) || name.contains("nothing");
        search(&mut connection, &request, &format!("{what}: {name}"), is_right, report).await?;
    }
    for (name, variables) in
        [("statistics", json!({})), ("statistics of a service", json!({"serviceIds": [service]}))]
    {
        let request = graphql::request(STATISTICS, &variables);
        let is_right =
            |data: &Value| data["alertStatistics"]["total"].as_u64().is_some_and(|total| total > 0);
        search(&mut connection, &request, &format!("{what}: {name}"), is_right, report).await?;
    }
    Ok(())
}

async fn search(
    connection: &mut Connection,
    request: &[u8],
    what: &str,
    is_right: impl Fn(&Value) -> bool,
    report: &mut Report,
) -> Outcome<()> {
    let mut times = Vec::with_capacity(SEARCHED);
    for _ in 0..SEARCHED {
        let began = Instant::now();
        let data = graphql::ask(connection, request).await?;
        times.push(began.elapsed());
        if !is_right(&data) {
            return Err(format!("{what}: {data}").into());
        }
    }
    let times = Latencies::of(times);
    report.time(&format!("{what}, p50"), times.p50(), None);
    report.time(&format!("{what}, p99"), times.p99(), Some(MOST_SEARCH_P99));
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
