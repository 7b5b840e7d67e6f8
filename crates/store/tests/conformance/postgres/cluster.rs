//! Where a server for tests comes from.
//!
//! `MIDWATCH_TEST_POSTGRES` may name one. Otherwise, and for tests that stop their server, one is made of the
//! programs that are installed; it ends with this process, however that ends.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use tempfile::TempDir;
use tokio::{process::Command, sync::OnceCell};

/// The URL of the server that tests share.
pub(crate) async fn shared() -> String {
    static SHARED: OnceCell<Option<Cluster>> = OnceCell::const_new();
    if let Ok(url) = env::var("MIDWATCH_TEST_POSTGRES") {
        return url;
    }
    let cluster = SHARED.get_or_init(async || Some(Cluster::start().await)).await;
    cluster.as_ref().map(|cluster| cluster.url.clone()).unwrap_or_default()
}

/// A server that a test may stop.
pub(crate) struct Cluster {
    pub(crate) url: String,
    folder: PathBuf,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        let folder = env::temp_dir().join(unique_name());
        let output = run(&["start", path(&folder), "0", &process::id().to_string()]).await;
        Self { url: output.trim().to_owned(), folder }
    }

    /// Takes the server down as in a crash.
    pub(crate) async fn crash(&self) {
        run(&["halt", path(&self.folder), "immediate"]).await;
    }

    /// Brings it up again.
    pub(crate) async fn resume(&self) {
        run(&["resume", path(&self.folder)]).await;
    }

    /// Ends it.
    pub(crate) async fn stop(self) {
        run(&["stop", path(&self.folder)]).await;
    }
}
