//! One integration that is sent ten times what it takes, and what another one notices of it.

use std::{io, net::SocketAddr, sync::Arc};

use serde_json::json;

use crate::{
    Outcome, Scale,
    alerts::{self, Keys},
    database::{self, Kind},
    graphql,
    http::Connection,
    load::{Load, Sent},
    machine::Watch,
    report::{Limit, Report},
    stand::{CONNECTIONS, Stand},
    stats::{median, number},
    world::World,
};

/// Messages in a second of the integration that is measured.
const QUIET: usize = 200;
/// What the other takes in a second.
const ALLOWED: usize = 500;
/// What it is sent.
const FLOOD: usize = 10 * ALLOWED;
/// What it may be sent at once, which is kept as fast as it comes, and a little more.
const BURST: usize = 10 * ALLOWED + ALLOWED;
/// How many seconds the flood goes on before it counts.
const BEFORE: usize = 1;
const ROUNDS: usize = 5;
const OPEN_INCIDENTS: usize = 100;
/// The 99th percentile may grow by less than half.
const MOST_GROWTH: f64 = 1.5;

pub(crate) async fn measure(scale: Scale, report: &mut Report) -> Outcome<()> {
    for kind in database::kinds() {
        noise(kind, scale, report).await?;
    }
    Ok(())
}

async fn noise(kind: Kind, scale: Scale, report: &mut Report) -> Outcome<()> {
    let what = format!("noise: {}", kind.word());
    let stand = Stand::up(kind).await?;
    let quiet = alerts::requests(&stand.world, 0..OPEN_INCIDENTS, Keys::Distinct);
    let noisy = open_noisy(&stand).await?;
    let flood = alerts::requests(&noisy, OPEN_INCIDENTS..2 * OPEN_INCIDENTS, Keys::Distinct);
    // Both open their incidents, which everything else joins.
    stand.send(&quiet, OPEN_INCIDENTS, None).await?;
    stand.send(&flood, OPEN_INCIDENTS, None).await?;
    stand.server.settle().await?;

    let seconds = scale.of(60) / 6;
    let calm = |seconds| load(stand.server.address, &quiet, QUIET, seconds);
    let (address, flood) = (stand.server.address, Arc::new(flood));
    let (mut alone, mut beside) = (vec![], vec![]);
    let (mut refused, mut kept, watch) = (0, 0, Watch::start(Some(stand.server.pid)));
    for _ in 0..ROUNDS {
        let sent = calm(seconds).send().await?;
        alone.push(millis(&sent));
        refused += sent.refused;

        // It is measured what the other notices of a flood that is refused; the burst before that is work to do.
        stand.send(&flood, BURST, None).await?;
        stand.server.settle().await?;
        let measured = async {
            let before = calm(BEFORE).send().await?;
            Ok::<_, std::io::Error>((before, calm(seconds).send().await?))
        };
        let (flooded, (before, sent)) =
            futures::try_join!(storm(address, &flood, BEFORE + seconds), measured)?;
        beside.push(millis(&sent));
        refused += before.refused + sent.refused;
        kept += flooded.accepted.iter().flatten().count();
        stand.server.settle().await?;
    }
    let shares = watch.stop();
    let (alone, beside) = (median(alone), median(beside));
    let of_flood = number(kept) / number(ROUNDS * (BEFORE + seconds));
    report.line(&format!("{what}, 200/s alone: p99, median of {ROUNDS}"), alone, "ms", Limit::None);
    report.line(&format!("{what}, beside 5,000/s where 500/s are allowed: p99"), beside, "ms", Limit::None);
    let growth = beside / alone.max(f64::EPSILON);
    report.line(&format!("{what}: times the p99 alone"), growth, "", Limit::AtMost(MOST_GROWTH));
    report.line(&format!("{what}: kept of the flood"), of_flood, "/s", Limit::None);
    report.exactly(&format!("{what}: refused of the other"), refused, 0);
    report.note(&shares.to_string());
    stand.down().await
}

fn load(address: SocketAddr, requests: &[Vec<u8>], per_second: usize, seconds: usize) -> Load<'_> {
    let (count, pace) = (per_second * seconds, Some(number(per_second)));
    Load { address, connections: CONNECTIONS, requests, count, pace }
}

/// Sends the flood from a thread of its own: who measures must not wait for who makes the noise.
async fn storm(address: SocketAddr, flood: &Arc<Vec<Vec<u8>>>, seconds: usize) -> io::Result<Sent> {
    let flood = Arc::clone(flood);
    let send = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(load(address, &flood, FLOOD, seconds).send())
    };
    tokio::task::spawn_blocking(send).await?
}

/// Opens a second entrance of the same service, which takes little.
async fn open_noisy(stand: &Stand) -> Outcome<World> {
    let query = "mutation($input: CreateIntegrationInput!) { createIntegration(input: $input) {
        key rejection { message } } }";
    let input = json!({ "name": "Noisy", "serviceId": stand.world.service.to_string(),
        "rateLimitPerMinute": ALLOWED * 60 });
    let mut connection = Connection::open(stand.server.address).await?;
    let answer = graphql::ask(&mut connection, &graphql::request(query, &json!({ "input": input }))).await?;
    let key = answer["createIntegration"]["key"].as_str().ok_or("the integration was refused")?.to_owned();
    Ok(World { key, ..stand.world.clone() })
}

fn millis(sent: &Sent) -> f64 {
    sent.latencies.p99().as_secs_f64() * 1000.0
}
