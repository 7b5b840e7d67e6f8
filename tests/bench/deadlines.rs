//! Deadlines: a million that wait, and ten thousand that are due in one moment.

use commands::{Clock, SystemClock};
use domain::{Fact, IncidentId, Timestamp, incident::IncidentEvent};
use store::{Filter, Store};

use crate::{
    Outcome, Scale,
    database::{self, Database, Kind},
    report::{Limit, Report},
    seed::{self, Story},
    server::{self, Server},
    sink::Sink,
    stats::number,
    world::{self, World},
};

const PENDING: usize = 1_000_000;
const FEW: usize = 10_000;
const DUE: usize = 10_000;
/// What a hundred times as many deadlines may add: caches of the database, not the deadlines.
const MOST_GROWTH: f64 = 15.0;
const MOST_LATE: f64 = 5000.0;

pub(crate) async fn measure(scale: Scale, report: &mut Report) -> Outcome<()> {
    for kind in database::kinds() {
        let few = pending(kind, FEW, 0, report).await?;
        let many = pending(kind, scale.of(PENDING), DUE, report).await?;
        let what = format!("deadlines: {}, {} pending", kind.word(), scale.of(PENDING));
        report.line(
            &format!("{what}: memory beyond that of {FEW} pending"),
            many - few,
            "MB",
            Limit::AtMost(MOST_GROWTH),
        );
    }
    Ok(())
}

/// Memory of an idle server with so many deadlines; then lets `due` more come due at once.
async fn pending(kind: Kind, count: usize, due: usize, report: &mut Report) -> Outcome<f64> {
    let (database, sink) = (Database::empty(kind).await?, Sink::start().await?);
    let store = database.open().await?;
    let world = world::found(&store, sink.url()).await?;
    let later = SystemClock.now().plus_seconds(7 * 24 * 3600);
    seed::incidents(&store, &world, 0..count, Story::Waiting { until: later }).await?;
    store.close().await;
    server::run(&database, "rebuild").await?;
    seed::caught_up(&database).await?;

    let server = Server::start(&database).await?;
    server.settle().await?;
    let (memory, _) = server.memory();
    report.line(&format!("deadlines: {}, {count} pending: memory", kind.word()), memory, "MB", Limit::None);
    server.stop().await?;
    if due > 0 {
        come_due(&database, &world, &sink, count..count + due, report).await?;
    }
    database.remove().await;
    Ok(memory)
}

async fn come_due(
    database: &Database,
    world: &World,
    sink: &Sink,
    numbers: std::ops::Range<usize>,
    report: &mut Report,
) -> Outcome<()> {
    let (store, count) = (database.open().await?, numbers.len());
    let moment = SystemClock.now().plus_seconds(12);
    let before = store.head();
    seed::incidents(&store, world, numbers, Story::Waiting { until: moment }).await?;
    store.close().await;
    seed::caught_up(database).await?;
    let server = Server::start(database).await?;
    if SystemClock.now() > moment {
        return Err("the machine is too slow to start before the moment comes".into());
    }
    SystemClock.sleep_until(moment).await;
    sink.reach(count, std::time::Duration::from_secs(20)).await;
    let settled = SystemClock.now();
    server.settle().await?;
    server.stop().await?;

    let what = format!("deadlines: {}, {count} due at once", database.kind.word());
    let store = database.open().await?;
    let decided = decided(&store, before, moment).await?;
    store.close().await;
    report.exactly(&format!("{what}: decided"), decided.len(), count);
    let last = decided.iter().max().map_or(f64::INFINITY, |last| millis(last.since(moment)));
    report.line(&format!("{what}: last one decided after"), last, "ms", Limit::AtMost(MOST_LATE));
    report.exactly(&format!("{what}: pages handed over"), sink.count(), count);
    report.line(
        &format!("{what}: last page handed over after"),
        millis(settled.since(moment)),
        "ms",
        Limit::None,
    );
    Ok(())
}

fn millis(time: std::time::Duration) -> f64 {
    number(usize::try_from(time.as_millis()).unwrap_or(usize::MAX))
}

/// When each overdue level was decided.
async fn decided(store: &Store, after: u64, moment: Timestamp) -> Outcome<Vec<Timestamp>> {
    const PAGE: usize = 5000;
    let (mut after, mut decided) = (after, vec![]);
    loop {
        let events = store.read(after, PAGE, &Filter::Categories(vec![IncidentId::CATEGORY])).await?;
        for event in &events {
            if let IncidentEvent::Escalated { level: 2, .. } =
                IncidentEvent::decode(&event.kind, &event.payload)?
                && event.recorded_at >= moment
            {
                decided.push(event.recorded_at);
            }
        }
        match events.last() {
            Some(last) if events.len() == PAGE => after = last.position,
            _ => return Ok(decided),
        }
    }
}
