//! PostgreSQL: databases on the server that tests share, and servers of one's own that may be stopped.

use std::{
    env,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::atomic::{AtomicU32, Ordering},
};

/// What was made by this process so far.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// An empty database of one's own on the server in `MIDWATCH_TEST_POSTGRES`.
pub(crate) async fn database() -> String {
    let server = env::var("MIDWATCH_TEST_POSTGRES")
        .expect("MIDWATCH_TEST_POSTGRES is not set: `./dev test` starts a PostgreSQL and sets it");
    let name = format!("midwatch_it_{}_{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let (client, connection) =
        tokio_postgres::connect(&server, tokio_postgres::NoTls).await.expect("PostgreSQL answers");
    let connection = tokio::spawn(connection);
    // A process id comes round again, and so may the database of an earlier run.
    for statement in
        [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")]
    {
        client
            .batch_execute(&statement)
            .await
            .expect("the user in MIDWATCH_TEST_POSTGRES may make databases");
    }
    drop(client);
    connection.await.expect("it did not panic").expect("the connection ends well");
    let (host, _) = server.rsplit_once('/').expect("the URL names a database");
    format!("{host}/{name}")
}

/// A server of one's own; gone when dropped.
pub(crate) struct Cluster {
    /// Its database, for a superuser.
    pub(crate) url: String,
    folder: PathBuf,
}

impl Cluster {
    /// Makes and starts one. It goes with this process, however that ends.
    pub(crate) fn start() -> Self {
        // The user that serves it must be allowed to enter.
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("midwatch-cluster-{}-{count}", process::id()));
        let url = script(&["start", &folder.to_string_lossy(), "0", &process::id().to_string()]);
        Self { url: url.trim().to_owned(), folder }
    }

    /// Takes it down as a crash does.
    pub(crate) fn crash(&self) {
        script(&["halt", &self.folder.to_string_lossy(), "immediate"]);
    }

    /// Serves the same data on the same port again.
    pub(crate) fn resume(&self) {
        script(&["resume", &self.folder.to_string_lossy()]);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // If this fails, it goes with the process.
        let _ = Command::new(program()).arg("stop").arg(&self.folder).output();
    }
}

fn script(arguments: &[&str]) -> String {
    let output = Command::new(program()).args(arguments).output().expect("tests/postgres.sh runs");
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "tests/postgres.sh {arguments:?}: {why} (`./dev test` installs PostgreSQL)"
    );
    String::from_utf8(output.stdout).expect("a URL")
}

fn program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("postgres.sh")
}
