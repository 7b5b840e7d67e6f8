//! How long a restart leaves nobody watching, and what an idle server costs.

use std::time::Duration;

use crate::{
    Outcome,
    database::{self, Database},
    report::{Limit, Report},
    server::Server,
};

const MOST_EMPTY: Duration = Duration::from_millis(300);
const MOST_IDLE_MEMORY: f64 = 60.0;

pub(crate) async fn measure(report: &mut Report) -> Outcome<()> {
    for kind in database::kinds() {
        let database = Database::empty(kind).await?;
        let what = format!("start: {}", kind.word());
        let first = Server::start(&database).await?;
        report.time(&format!("{what}, first start, tables to be made: ready after"), first.ready_after, None);
        first.stop().await?;
        let server = Server::start(&database).await?;
        report.time(&format!("{what}, empty log: ready after"), server.ready_after, Some(MOST_EMPTY));
        tokio::time::sleep(Duration::from_secs(3)).await;
        let (memory, _) = server.memory();
        report.line(&format!("{what}, idle: memory"), memory, "MB", Limit::AtMost(MOST_IDLE_MEMORY));
        server.stop().await?;
        database.remove().await;
    }
    Ok(())
}
