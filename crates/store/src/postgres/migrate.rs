//! Getting a database ready: may it be trusted, and does it have our tables?

use tokio_postgres::Client;

use super::{fault::Fault, settings, settings::Settings};
use crate::StoreError;

mod embedded {
    refinery::embed_migrations!("../../migrations/postgres/log");
}

/// Where the read models' migrations, which have numbers of their own, are not recorded.
const HISTORY: &str = "log_migrations";

/// Several nodes may start at once; whoever holds this lock migrates. The lock lives as long as its session, which
/// is only used for this.
const LOCK: &str = "SET lock_timeout = '60s'; SET statement_timeout = 0; \
     SELECT pg_advisory_lock(hashtextextended('midwatch log migration', 0))";

/// The oldest server that will do.
const OLDEST: i32 = 14;

/// Checks the server and brings the log's tables up to date.
pub(super) async fn migrate(settings: &Settings) -> Result<(), StoreError> {
    let (mut client, driver) = settings.connect().await.map_err(Fault::from)?;
    let driving = tokio::spawn(driver);
    let done = async {
        settings::prepare(&client).await.map_err(Fault::from)?;
        check(&client).await?;
        client.batch_execute(LOCK).await.map_err(Fault::from)?;
        run(&mut client).await
    };
    let done = done.await;
    driving.abort();
    done
}

async fn check(client: &Client) -> Result<(), StoreError> {
    const QUESTION: &str = "SELECT current_setting('server_version_num')::int, current_setting('fsync'), \
         current_setting('server_encoding'), pg_is_in_recovery()";
    let row = client.query_one(QUESTION, &[]).await.map_err(Fault::from)?;
    let refused = |why: String| Err(StoreError::Refused(why.into()));
    let version = row.get::<_, i32>(0) / 10_000;
    if version < OLDEST {
        return refused(format!("this is PostgreSQL {version}; {OLDEST} or later is needed"));
    }
    if row.get::<_, &str>(1) != "on" {
        return refused("the server runs with fsync off and would lose what it has confirmed".to_owned());
    }
    let encoding: &str = row.get(2);
    if encoding != "UTF8" {
        return refused(format!("the database has the encoding {encoding}, not UTF8"));
    }
    if row.get(3) {
        return Err(StoreError::unavailable("the server is a standby and takes no writes"));
    }
    Ok(())
}

async fn run(client: &mut Client) -> Result<(), StoreError> {
    let mut runner = embedded::migrations::runner();
    runner.set_migration_table_name(HISTORY);
    match runner.run_async(client).await {
        Ok(_) => Ok(()),
        Err(error) => Err(match error.kind() {
            refinery::error::Kind::MissingVersion(_) | refinery::error::Kind::DivergentVersion(..) => {
                StoreError::Damaged(format!("its tables are of another Midwatch: {error}").into())
            }
            _ => StoreError::unavailable(format!("its tables cannot be made: {error}")),
        }),
    }
}
