//! Databases to test on: each test gets an empty one.

use std::sync::atomic::{AtomicU32, Ordering};

use proptest::{
    prelude::{ProptestConfig, Strategy},
    test_runner::{TestCaseResult, TestRunner},
};
use store::Store;
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::OnceCell};

use super::world::World;
use crate::{ReadLocation, ReadModels};

/// Names a PostgreSQL server on which databases may be created; without it only SQLite is tested.
const SERVER: &str = "MIDWATCH_TEST_POSTGRES";

/// An empty database, which may be opened again.
pub(super) struct Place {
    pub(super) location: ReadLocation,
    _files: Option<TempDir>,
}

impl Place {
    /// A SQLite file.
    pub(super) fn sqlite() -> Self {
        let files = tempfile::tempdir().expect("a directory");
        Self { location: ReadLocation::Sqlite(files.path().join("read.db")), _files: Some(files) }
    }

    /// A schema on the test server, if there is one, in a database that these tests share: making a database takes
    /// long.
    pub(super) async fn postgres() -> Option<Self> {
        static DATABASE: OnceCell<()> = OnceCell::const_new();
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = std::env::var(SERVER).ok()?;
        let database = format!("read_{}", std::process::id());
        let (base, query) = server.split_once('?').unwrap_or((&server, ""));
        let base = base.rsplit_once('/').map_or(base, |(base, _)| base);
        DATABASE
            .get_or_init(async || {
                order(&server, &format!("DROP DATABASE IF EXISTS {database}")).await;
                order(&server, &format!("CREATE DATABASE {database}")).await;
            })
            .await;
        let schema = format!("place_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        order(&format!("{base}/{database}?{query}"), &format!("CREATE SCHEMA {schema}")).await;
        let options = format!("options=-c%20search_path%3D{schema}&{query}");
        Some(Self { location: ReadLocation::Postgres(format!("{base}/{database}?{options}")), _files: None })
    }

    /// Every kind of database that can be had.
    pub(super) async fn all() -> Vec<Self> {
        let memory = Self { location: ReadLocation::Memory, _files: None };
        [memory, Self::sqlite()].into_iter().chain(Self::postgres().await).collect()
    }

    pub(super) async fn open(&self, store: &Store) -> ReadModels {
        ReadModels::open(store.clone(), &self.location).await.expect("the read models open")
    }
}

/// The answers of each database after everything is folded.
pub(super) async fn each(world: &World) -> Vec<(Place, ReadModels)> {
    let mut each = Vec::new();
    for place in Place::all().await {
        let models = place.open(&world.store).await;
        models.rebuild(&mut |_| {}).await.expect("it rebuilds");
        each.push((place, models));
    }
    each
}

/// Tries so many random cases, each in an empty PostgreSQL, if there is a server.
pub(super) fn try_in_postgres<S: Strategy>(
    number: u32,
    cases: &S,
    check: impl AsyncFn(Place, S::Value) -> TestCaseResult,
) {
    let runtime = Runtime::new().expect("a runtime");
    let outcome = TestRunner::new(ProptestConfig::with_cases(number)).run(cases, |case| {
        runtime.block_on(async {
            match Place::postgres().await {
                Some(place) => check(place, case).await,
                None => Ok(()),
            }
        })
    });
    outcome.expect("each case holds");
}

/// Has a server do something.
async fn order(url: &str, sql: &str) {
    let (config, tls) = store::postgres_config(url).expect("a URL");
    let (client, connection) = config.connect(tls).await.expect("the test server answers");
    let driving = tokio::spawn(connection);
    client.batch_execute(sql).await.expect("it does as it is told");
    driving.abort();
}
