//! A thousand people watch while incidents are acknowledged, one after the other.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    Outcome, Scale,
    alerts::{self, Keys},
    database, graphql,
    http::Connection,
    machine::Watch,
    report::{Limit, Report},
    server::Server,
    socket::Subscriber,
    stand::Stand,
    stats::{Latencies, number},
};

const SUBSCRIBERS: usize = 1000;
const PACE: f64 = 20.0;
const MOST_P99: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(5);

const SUBSCRIPTION: &str = "subscription($after: Position) { incidentChanged(after: $after) { \
    position heartbeat reset { reason } incident { id number title status severity acknowledgedAt } } }";
const OPEN: &str = "query($after: String) { incidents(filter: {status: [TRIGGERED]}, first: 100, after: $after) \
    { edges { node { id } } pageInfo { hasNextPage endCursor } } }";
const ACKNOWLEDGE: &str = "mutation($id: ID!) { acknowledgeIncident(input: {incidentId: $id}) \
    { position rejection { code message } } }";

pub(crate) async fn measure(scale: Scale, report: &mut Report) -> Outcome<()> {
    for kind in database::kinds() {
        let what = format!("subscribers: {}, {SUBSCRIBERS} at 20 changes/s", kind.word());
        let stand = Stand::up(kind).await?;
        let count = scale.of(400);
        stand.send(&alerts::requests(&stand.world, 0..count, Keys::Distinct), count, None).await?;
        stand.sink.reach(count, Duration::from_secs(10)).await;
        stand.server.settle().await?;

        let (before, _) = stand.server.memory();
        let subscribers = subscribe(&stand.server).await?;
        let (after, _) = stand.server.memory();
        let watch = Watch::start(Some(stand.server.pid));
        let changes = acknowledge_all(&stand.server, count).await?;
        let since = Instant::now();
        while subscribers.iter().any(|subscriber| subscriber.count() < count) && since.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let shares = watch.stop();
        judge(&what, &subscribers, &changes, report);
        report.line(
            &format!("{what}: memory for each subscriber"),
            (after - before) * 1024.0 / number(SUBSCRIBERS),
            "KB",
            Limit::None,
        );
        report.note(&shares.to_string());
        drop(subscribers);
        stand.down().await?;
    }
    Ok(())
}

async fn subscribe(server: &Server) -> Outcome<Vec<Subscriber>> {
    let after = json!({"after": server.progress().await?.head.to_string()});
    let mut subscribers = Vec::with_capacity(SUBSCRIBERS);
    for _ in 0..SUBSCRIBERS {
        subscribers.push(Subscriber::connect(server.address, SUBSCRIPTION, &after).await?);
    }
    Ok(subscribers)
}

/// Acknowledges every open incident at a steady pace; the position of each change, and when it was asked for.
async fn acknowledge_all(server: &Server, count: usize) -> Outcome<HashMap<u64, Instant>> {
    let mut connection = Connection::open(server.address).await?;
    let incidents = open_incidents(&mut connection).await?;
    if incidents.len() != count {
        return Err(format!("{} incidents are open, not {count}", incidents.len()).into());
    }
    let (began, mut changes) = (Instant::now(), HashMap::new());
    for (index, id) in incidents.into_iter().enumerate() {
        let meant = began + Duration::from_secs_f64(number(index) / PACE);
        tokio::time::sleep_until(meant.into()).await;
        let sent = Instant::now();
        let data = graphql::ask(&mut connection, &graphql::request(ACKNOWLEDGE, &json!({"id": id}))).await?;
        let position = data["acknowledgeIncident"]["position"].as_str().and_then(|text| text.parse().ok());
        changes.insert(position.ok_or_else(|| format!("not acknowledged: {data}"))?, sent);
    }
    Ok(changes)
}

async fn open_incidents(connection: &mut Connection) -> Outcome<Vec<String>> {
    let (mut ids, mut after) = (vec![], Value::Null);
    loop {
        let data = graphql::ask(connection, &graphql::request(OPEN, &json!({"after": after}))).await?;
        let page = &data["incidents"];
        for edge in page["edges"].as_array().into_iter().flatten() {
            ids.extend(edge["node"]["id"].as_str().map(str::to_owned));
        }
        if page["pageInfo"]["hasNextPage"] != Value::Bool(true) {
            return Ok(ids);
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

fn judge(what: &str, subscribers: &[Subscriber], changes: &HashMap<u64, Instant>, report: &mut Report) {
    let (mut waits, mut lost, mut doubled, mut disordered) = (vec![], 0, 0, 0);
    for subscriber in subscribers {
        let mut arrived: HashMap<u64, Instant> = HashMap::new();
        let mut last = 0;
        for (position, at) in subscriber.changes() {
            doubled += usize::from(arrived.insert(position, at).is_some());
            disordered += usize::from(position < last);
            last = position;
        }
        for (position, sent) in changes {
            match arrived.get(position) {
                Some(at) => waits.push(at.duration_since(*sent)),
                None => lost += 1,
            }
        }
    }
    let waits = Latencies::of(waits);
    report.exactly(&format!("{what}: messages lost"), lost, 0);
    report.exactly(&format!("{what}: messages doubled"), doubled, 0);
    report.exactly(&format!("{what}: messages out of order"), disordered, 0);
    report.time(&format!("{what}: acknowledge to message, p50"), waits.p50(), None);
    report.time(&format!("{what}: acknowledge to message, p99"), waits.p99(), Some(MOST_P99));
}
