//! Where a server for tests comes from.
//!
//! `MIDWATCH_TEST_POSTGRES` may name one. Otherwise, and for tests that stop their server, one is made of the
//! programs that are installed; it ends with this process, however that ends.

use std::{
    env,
    hash::{BuildHasher, RandomState},
    path::PathBuf,
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use tokio::{process::Command, sync::OnceCell};

/// Names a server that tests may fill with databases.
const GIVEN: &str = "MIDWATCH_TEST_POSTGRES";

/// The URL of the server that tests share.
pub(crate) async fn shared() -> String {
    static SHARED: OnceCell<String> = OnceCell::const_new();
    let url = SHARED.get_or_init(async || match env::var(GIVEN) {
        Ok(url) => url,
        Err(_) => Cluster::start().await.url,
    });
    url.await.clone()
}

/// A server of one's own, which may be stopped.
pub(crate) struct Cluster {
    pub(crate) url: String,
    folder: PathBuf,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        let folder = env::temp_dir().join(unique_name());
        let url = script(&["start", &folder.to_string_lossy(), "0", &process::id().to_string()]).await;
        Self { url: url.trim().to_owned(), folder }
    }

    /// Takes the server down as in a crash.
    pub(crate) async fn crash(&self) {
        script(&["halt", &self.folder.to_string_lossy(), "immediate"]).await;
    }

    /// Serves the same data on the same port again.
    pub(crate) async fn resume(&self) {
        script(&["resume", &self.folder.to_string_lossy()]).await;
    }

    /// Ends the server and removes its data.
    pub(crate) async fn stop(self) {
        script(&["stop", &self.folder.to_string_lossy()]).await;
    }
}

async fn script(arguments: &[&str]) -> String {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/postgres.sh");
    let output = Command::new(program).args(arguments).output().await.expect("the script runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a URL")
}

/// A name for a folder or database that no other test has, of this or another run.
pub(crate) fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // A process id comes round again, and the database of the earlier run may still be there.
    let run = RandomState::new().hash_one(count);
    format!("midwatch_{}_{count}_{run:x}", process::id())
}

/// The same server, another database.
pub(crate) fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = url.split_once('?').map_or((url, None), |(a, p)| (a, Some(p)));
    let host = address.find("://").map_or(0, |at| at + 3);
    let end = address[host..].find('/').map_or(address.len(), |at| host + at);
    let parameters = parameters.map(|parameters| format!("?{parameters}")).unwrap_or_default();
    format!("{}/{name}{parameters}", &address[..end])
}
