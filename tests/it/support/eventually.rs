//! Waiting for what real programs bring about in their own time.

use std::time::{Duration, Instant};

/// How long a storm may take to settle, with a lease to run out in the middle of it.
const SETTLED: Duration = Duration::from_mins(2);

/// Waits for something that may take longer than a usual step.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < SETTLED, "after {SETTLED:?} it is still not so: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
