//! From the answer to a webhook to the page in somebody's hands.

use std::time::Duration;

use crate::{
    Outcome, Scale,
    alerts::{self, Keys},
    database,
    machine::Watch,
    report::Report,
    stand::Stand,
    stats::Latencies,
};

const PACE: f64 = 200.0;
const MOST_P99: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn measure(scale: Scale, report: &mut Report) -> Outcome<()> {
    for kind in database::kinds() {
        let what = format!("latency: {}, accepted to page handed over, at 200/s", kind.word());
        let stand = Stand::up(kind).await?;
        let count = scale.of(4000);
        let requests = alerts::requests(&stand.world, 0..count, Keys::Distinct);
        let watch = Watch::start(Some(stand.server.pid));
        let sent = stand.send(&requests, count, Some(PACE)).await?;
        stand.sink.reach(count, PATIENCE).await;
        let arrivals = stand.sink.arrivals(0, count);
        let waits = sent.accepted.iter().zip(&arrivals).filter_map(|(accepted, arrived)| {
            Some(arrived.as_ref()?.saturating_duration_since(*accepted.as_ref()?))
        });
        let waits = Latencies::of(waits.collect());
        report.exactly(&format!("{what}: pages"), waits.len(), count);
        report.time(&format!("{what}: p50"), waits.p50(), None);
        report.time(&format!("{what}: p99"), waits.p99(), Some(MOST_P99));
        report.time(&format!("{what}: longest"), waits.worst(), None);
        report.time(
            &format!("latency: {}, sent to accepted, at 200/s: p99", kind.word()),
            sent.latencies.p99(),
            None,
        );
        report.note(&watch.stop().to_string());
        stand.down().await?;
    }
    Ok(())
}
