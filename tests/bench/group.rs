//! A large group of alerts in one message: how long until each of them is stored and decided.
//!
//! Decided is what the log has, so that no crash can take it away. When that is, only the server knows, which says so in
//! its metrics. Whoever looks into the delivery log sees it when the read models have it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    Outcome, Scale,
    database::{self, Kind},
    graphql,
    http::{self, Connection},
    report::{Limit, Report},
    server,
    stand::Stand,
    stats::median,
};

const ALERTS: usize = 200;
const MILLIS: f64 = 50.0;
/// How long it is waited between two looks: whoever looks more often takes the processor that decides.
const PAUSE: Duration = Duration::from_millis(4);
/// How long one group may take before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn measure(scale: Scale, report: &mut Report) -> Outcome<()> {
    for kind in database::kinds() {
        for identity in ["GROUP", "ALERT"] {
            group(kind, identity, scale, report).await?;
        }
    }
    Ok(())
}

async fn group(kind: Kind, identity: &str, scale: Scale, report: &mut Report) -> Outcome<()> {
    let stand = Stand::up(kind).await?;
    let mut connection = Connection::open(stand.server.address).await?;
    let key = open(&stand, &mut connection, identity).await?;
    let (mut until_decided, mut until_seen) = (vec![], vec![]);
    let mut before = decisions(&mut connection).await?;
    for round in 0..scale.of(100).max(5) {
        let message = message(round).to_string();
        let request = http::post(&format!("/hooks/alertmanager/{key}"), "", message.as_bytes());
        let started = Instant::now();
        let answer = connection.exchange(&request).await?;
        let answered = started.elapsed().as_secs_f64();
        let answer: Value = serde_json::from_slice(answer.body)?;
        let delivery = answer["delivery"].as_str().ok_or("the message was refused")?.to_owned();
        let verdicts = if identity == "GROUP" { 1 } else { ALERTS };
        seen(&mut connection, &delivery, verdicts).await?;
        until_seen.push(started.elapsed().as_secs_f64() * 1000.0);
        stand.server.settle().await?;
        let now = decisions(&mut connection).await?;
        if now.count != before.count + 1 {
            return Err("the metrics do not tell of this message alone".into());
        }
        // What it took to flush the message counts in both.
        until_decided.push((answered + now.seconds - before.seconds) * 1000.0);
        before = now;
    }
    let problems = if identity == "GROUP" { "one problem" } else { "each a problem" };
    let what = |until| format!("group: {}, {ALERTS} alerts in one message, {problems}: {until}", kind.word());
    report.line(&what("stored and decided"), median(until_decided), "ms", Limit::AtMost(MILLIS));
    report.line(&what("seen in the delivery log"), median(until_seen), "ms", Limit::None);
    stand.down().await
}

/// Waits until each alert of a delivery has its verdict, as whoever follows it sees.
async fn seen(connection: &mut Connection, delivery: &str, verdicts: usize) -> Outcome<()> {
    let query = "query($id: ID!) { delivery(id: $id) { verdictCount } }";
    let request = graphql::request(query, &json!({ "id": delivery }));
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let answer = graphql::ask(connection, &request).await?;
        if answer["delivery"]["verdictCount"].as_u64() == Some(verdicts as u64) {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err("the decisions were not seen in time".into())
}

/// Messages that the server has decided, and how long that took after they were recorded, together.
struct Decisions {
    count: u64,
    seconds: f64,
}

async fn decisions(connection: &mut Connection) -> Outcome<Decisions> {
    let request = http::get("/metrics", &server::authorization());
    let answer = connection.exchange(&request).await?;
    let text = std::str::from_utf8(answer.body)?;
    let value = |suffix: &str| {
        let name = format!("midwatch_delivery_decided_seconds_{suffix} ");
        text.lines().find_map(|line| line.strip_prefix(&name)).unwrap_or("0").trim()
    };
    Ok(Decisions { count: value("count").parse()?, seconds: value("sum").parse()? })
}

async fn open(stand: &Stand, connection: &mut Connection, identity: &str) -> Outcome<String> {
    let query = "mutation($input: CreateIntegrationInput!) { createIntegration(input: $input) {
        key rejection { message } } }";
    let input = json!({ "name": "Prometheus", "kind": "ALERTMANAGER", "reading": { "identity": identity },
        "serviceId": stand.world.service.to_string() });
    let answer = graphql::ask(connection, &graphql::request(query, &json!({ "input": input }))).await?;
    Ok(answer["createIntegration"]["key"].as_str().ok_or("the integration was refused")?.to_owned())
}

/// What Alertmanager sends when a whole cluster is in trouble.
fn message(round: usize) -> Value {
    let alert = |number: usize| {
        json!({
            "status": "firing",
            "labels": { "alertname": "NodeDown", "cluster": format!("eu-{round}"), "severity": "critical",
                "instance": format!("node-{number:03}.eu-west-1.example.org:9100"), "job": "node" },
            "annotations": { "summary": format!("node-{number:03} is down") },
            "startsAt": "2026-11-24T03:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "https://prometheus.example.org/graph?g0.expr=up",
            "fingerprint": format!("{round:08x}{number:08x}")
        })
    };
    json!({
        "version": "4", "groupKey": format!("{{}}:{{cluster=\"eu-{round}\"}}"), "status": "firing",
        "receiver": "midwatch", "groupLabels": { "cluster": format!("eu-{round}") },
        "commonLabels": { "alertname": "NodeDown", "cluster": format!("eu-{round}"), "severity": "critical" },
        "commonAnnotations": {}, "externalURL": "https://alertmanager.example.org", "truncatedAlerts": 0,
        "alerts": (0..ALERTS).map(alert).collect::<Vec<_>>()
    })
}
