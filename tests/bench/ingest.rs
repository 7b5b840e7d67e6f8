//! Signed webhooks over HTTP, from the socket to incidents, pages and read models.

use std::time::{Duration, Instant};

use crate::{
    Outcome, Scale,
    alerts::{self, Keys},
    database::{self, Kind},
    load::Sent,
    machine::Watch,
    report::{Limit, Report},
    sink::Sink,
    stand::Stand,
    stats::{number, rate},
};

const OPEN_INCIDENTS: usize = 1000;
/// Different requests that are sent over and over when they join.
const JOINING: usize = 20_000;
const DISTINCT_LEAST: f64 = 2500.0;
const MOST_P99: Duration = Duration::from_millis(60);
const MOST_BEHIND: Duration = Duration::from_secs(2);
/// How long no page may arrive before the others count as lost.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn measure(scale: Scale, report: &mut Report) -> Outcome<()> {
    for kind in database::kinds() {
        joining(kind, scale, report).await?;
        distinct(kind, scale, report).await?;
    }
    Ok(())
}

async fn joining(kind: Kind, scale: Scale, report: &mut Report) -> Outcome<()> {
    let least = match kind {
        Kind::Sqlite => 10_000.0,
        Kind::Postgres => 7000.0,
    };
    let what = format!("ingest: {}, joining 1,000 open incidents", kind.word());
    let stand = Stand::up(kind).await?;
    let opening = alerts::requests(&stand.world, 0..OPEN_INCIDENTS, Keys::Distinct);
    stand.send(&opening, OPEN_INCIDENTS, None).await?;
    stand.server.settle().await?;

    let requests = alerts::requests(&stand.world, 0..JOINING, Keys::Cycle(OPEN_INCIDENTS));
    let (count, watch) = (scale.of(150_000), Watch::start(Some(stand.server.pid)));
    let sent = stand.send(&requests, count, None).await?;
    let settled = stand.server.settle().await?;
    let shares = watch.stop();
    report.line(&format!("{what}, answered"), rate(count, sent.time()), "/s", Limit::None);
    report.line(&format!("{what}, joined"), rate(count, settled - sent.began), "/s", Limit::AtLeast(least));
    report.time(&format!("{what}: read models behind at the end"), behind(&sent, settled), Some(MOST_BEHIND));
    report.exactly(&format!("{what}: refused"), sent.refused, 0);
    report.note(&shares.to_string());

    let half = stand.send(&requests, scale.of(50_000), Some(least / 2.0)).await?;
    stand.server.settle().await?;
    tell_half(report, &what, &half);
    let (now, most) = stand.server.memory();
    report.note(&format!("memory of midwatch {now:.0} MB, at most {most:.0} MB"));
    stand.down().await
}

async fn distinct(kind: Kind, scale: Scale, report: &mut Report) -> Outcome<()> {
    let what = format!("ingest: {}, all distinct", kind.word());
    let stand = Stand::up(kind).await?;
    let (count, paced) = (scale.of(50_000), scale.of(20_000));
    let requests = alerts::requests(&stand.world, 0..count + 2 * paced, Keys::Distinct);
    let (storm, rest) = requests.split_at(count);
    let (full, half) = rest.split_at(paced);

    let watch = Watch::start(Some(stand.server.pid));
    let sent = stand.send(storm, count, None).await?;
    let complete = stand.sink.reach(count, PATIENCE).await;
    let settled = stand.server.settle().await?;
    let shares = watch.stop();
    report.line(&format!("{what}, answered"), rate(count, sent.time()), "/s", Limit::None);
    let last = stand.sink.last().unwrap_or(settled).max(sent.ended);
    let paged = if complete { rate(count, last - sent.began) } else { 0.0 };
    report.line(&format!("{what}, opened and paged"), paged, "/s", Limit::AtLeast(DISTINCT_LEAST));
    report.exactly(&format!("{what}: pages handed over"), pages(&stand.sink, 0, count), count - sent.refused);
    report.time(
        &format!("{what}, as fast as they are answered: behind at the end"),
        behind(&sent, settled),
        None,
    );
    report.note(&shares.to_string());

    let at_limit = stand.send(full, paced, Some(DISTINCT_LEAST)).await?;
    let handed = stand.sink.reach(count + paced, PATIENCE).await;
    let last = stand.sink.last().filter(|_| handed);
    let settled = stand.server.settle().await?;
    let at_pace = format!("{what}, at 2,500/s");
    report.time(
        &format!("{at_pace}: everything behind at the end"),
        behind(&at_limit, settled),
        Some(MOST_BEHIND),
    );
    if let Some(last) = last {
        report.time(
            &format!("{at_pace}: last page behind"),
            last.saturating_duration_since(at_limit.ended),
            None,
        );
    }
    report.exactly(&format!("{at_pace}: pages handed over"), pages(&stand.sink, count, paced), paced);

    let half = stand.send(half, paced, Some(DISTINCT_LEAST / 2.0)).await?;
    stand.server.settle().await?;
    tell_half(report, &what, &half);
    let (now, most) = stand.server.memory();
    let incidents = number(count + 2 * paced);
    report.note(&format!("memory of midwatch after {incidents} incidents {now:.0} MB, at most {most:.0} MB"));
    stand.down().await
}

fn tell_half(report: &mut Report, what: &str, half: &Sent) {
    report.time(&format!("{what}, at half the load: p50"), half.latencies.p50(), None);
    report.time(&format!("{what}, at half the load: p99"), half.latencies.p99(), Some(MOST_P99));
    report.exactly(&format!("{what}, at half the load: refused"), half.refused, 0);
}

fn pages(sink: &Sink, from: usize, count: usize) -> usize {
    sink.arrivals(from, count).iter().flatten().count()
}

fn behind(sent: &Sent, settled: Instant) -> Duration {
    settled.saturating_duration_since(sent.ended)
}
