//! A large group of alerts in one message: how long until each of them is stored and decided.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    Outcome, Scale,
    database::{self, Kind},
    graphql,
    http::{self, Connection},
    report::{Limit, Report},
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
    let mut taken = vec![];
    for round in 0..scale.of(100).max(5) {
        let message = message(round).to_string();
        let request = http::post(&format!("/hooks/alertmanager/{key}"), "", message.as_bytes());
        let started = Instant::now();
        let answer = connection.exchange(&request).await?;
        let answer: Value = serde_json::from_slice(answer.body)?;
        let delivery = answer["delivery"].as_str().ok_or("the message was refused")?.to_owned();
        let verdicts = if identity == "GROUP" { 1 } else { ALERTS };
        decided(&mut connection, &delivery, verdicts).await?;
        taken.push(started.elapsed().as_secs_f64() * 1000.0);
        stand.server.settle().await?;
    }
    let problems = if identity == "GROUP" { "one problem" } else { "each a problem" };
    let what = format!("group: {}, {ALERTS} alerts in one message, {problems}: decided", kind.word());
    report.line(&what, median(taken), "ms", Limit::AtMost(MILLIS));
    stand.down().await
}

/// Waits until each alert of a delivery has its verdict, as whoever follows it sees.
async fn decided(connection: &mut Connection, delivery: &str, verdicts: usize) -> Outcome<()> {
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
    Err("the alerts were not decided in time".into())
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
