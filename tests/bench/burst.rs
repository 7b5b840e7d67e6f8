//! Everything breaks at once: three hundred new incidents in one moment.

use std::time::Duration;

use crate::{
    Outcome,
    alerts::{self, Keys},
    database,
    report::{Limit, Report},
    stand::Stand,
    stats::median,
};

const INCIDENTS: usize = 300;
const ROUNDS: usize = 5;
const MOST: f64 = 1000.0;
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn measure(report: &mut Report) -> Outcome<()> {
    for kind in database::kinds() {
        let stand = Stand::up(kind).await?;
        let requests = alerts::requests(&stand.world, 0..INCIDENTS * ROUNDS, Keys::Distinct);
        let (mut times, mut handed) = (vec![], 0);
        for (round, requests) in requests.chunks(INCIDENTS).enumerate() {
            let sent = stand.send(requests, INCIDENTS, None).await?;
            stand.sink.reach((round + 1) * INCIDENTS, PATIENCE).await;
            let arrivals = stand.sink.arrivals(round * INCIDENTS, INCIDENTS);
            handed += arrivals.iter().flatten().count();
            let last =
                arrivals.iter().flatten().max().map_or(PATIENCE, |last| last.duration_since(sent.began));
            times.push(last.as_secs_f64() * 1000.0);
            stand.server.settle().await?;
        }
        let what = format!("burst: {}, 300 new incidents", kind.word());
        report.exactly(&format!("{what}: pages handed over, {ROUNDS} bursts"), handed, INCIDENTS * ROUNDS);
        let worst = times.iter().copied().fold(0.0, f64::max);
        report.line(
            &format!("{what}: first alert sent to last page, median"),
            median(times),
            "ms",
            Limit::AtMost(MOST),
        );
        report.line(
            &format!("{what}: first alert sent to last page, worst"),
            worst,
            "ms",
            Limit::AtMost(MOST),
        );
        stand.down().await?;
    }
    Ok(())
}
