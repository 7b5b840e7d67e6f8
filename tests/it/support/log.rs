//! Whether a log and what was made of it are as they should be.

use std::time::Duration;

use projections::ReadModels;
use reqwest::Method;
use serde_json::Value;
use store::{Options, Store};

use super::{Server, TestApp, run};

/// The digest of the read models as they are, and of those made anew from the log. Nobody else may have it open.
pub(crate) async fn digests(database: &str) -> (String, String) {
    let location = TestApp::config(database).reads().expect("a URL");
    let store =
        Store::open(&database.parse().expect("a URL"), Options::default()).await.expect("the log opens");
    let reads = ReadModels::open(store.clone(), &location).await.expect("the read models open");
    assert_eq!(reads.position(), store.head(), "the read models are at the head of the log");
    let live = reads.digest().await.expect("they can be read");
    drop(reads);
    store.close().await;
    let rebuilt = run(&["rebuild", "--database", database]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    let said = String::from_utf8(rebuilt.stdout).expect("it is text");
    let digest = said.lines().find_map(|line| line.strip_prefix("digest: ")).expect("it says the digest");
    (live, digest.to_owned())
}

/// The log is as it was written.
pub(crate) fn verify(database: &str) {
    let verified = run(&["verify", "--database", database]);
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success() && said.starts_with("intact"), "{said}");
}

/// Whether everything is read and nothing was recorded between two looks.
pub(crate) async fn quiet(server: &Server) -> bool {
    let look = async || -> Option<(String, u64)> {
        let answer = server.request(Method::GET, "/readyz").send().await.ok()?;
        let body: Value = answer.json().await.ok()?;
        let head = body["checks"]["store"]["head"].as_str()?.to_owned();
        Some((head, body["checks"]["readModels"]["lag"].as_u64()?))
    };
    let first = look().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let second = look().await;
    first.is_some() && first == second && second.is_some_and(|(_, lag)| lag == 0)
}
