//! A million events: folding them into fresh read models, and starting on top of them.

use std::time::Duration;

use crate::{
    Outcome, Scale,
    database::{self, Database, Kind},
    machine::Watch,
    report::{Limit, Report},
    seed::{self, Story},
    server::{self, Server},
    stats::rate,
    world,
};

const EVENTS: usize = 1_000_000;
/// Events in the history of one incident.
const EACH: usize = 19;
const MOST_START: Duration = Duration::from_secs(3);
/// Bounded memory, said as a number: what a server may have after many incidents.
const MOST_MEMORY: f64 = 150.0;

pub(crate) async fn measure(scale: Scale, report: &mut Report) -> Outcome<()> {
    for kind in database::kinds() {
        let least = match kind {
            Kind::Sqlite => 80_000.0,
            Kind::Postgres => 40_000.0,
        };
        let database = Database::empty(kind).await?;
        let store = database.open().await?;
        let world = world::found(&store, "http://127.0.0.1:9/page".to_owned()).await?;
        let began = std::time::Instant::now();
        seed::incidents(&store, &world, 0..scale.of(EVENTS) / EACH + 1, Story::Long).await?;
        let events = usize::try_from(store.head())?;
        report.note(&format!("{events} events written at {:.0}/s", rate(events, began.elapsed())));
        store.close().await;

        let (watch, what) = (Watch::start(None), format!("rebuild: {}, {events} events", kind.word()));
        let (time, memory) = server::run(&database, "rebuild").await?;
        report.line(&what, rate(events, time), "/s", Limit::AtLeast(least));
        report.line(&format!("{what}: largest memory"), memory, "MB", Limit::AtMost(MOST_MEMORY));
        report.note(&watch.stop().to_string());

        let server = Server::start(&database).await?;
        report.time(
            &format!("start: {}, after {events} events: ready after", kind.word()),
            server.ready_after,
            Some(MOST_START),
        );
        server.stop().await?;
        database.remove().await;
    }
    Ok(())
}
