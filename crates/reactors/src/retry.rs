//! Waiting out a fault of the log or the read models.

use std::time::Duration;

/// The first wait.
const FIRST: Duration = Duration::from_millis(50);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(2);

/// A wait that doubles with each failure in a row. It is real time even where the clock is virtual:
/// it waits for a machine, not for an hour.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Backoff {
    /// Waits; the first failure in a row is logged, the others are counted.
    pub(crate) async fn wait(
        &mut self,
        reactor: &'static str,
        fault: &(dyn std::error::Error + Send + Sync),
    ) {
        metrics::counter!("midwatch_reactor_faults_total", "reactor" => reactor).increment(1);
        if self.0 == FIRST {
            let cause = fault.source().map(ToString::to_string).unwrap_or_default();
            tracing::warn!(reactor, %fault, cause, "a reactor waits for a fault to pass");
        }
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 2).min(LONGEST);
    }

    /// It worked: the next failure is the first again.
    pub(crate) fn reset(&mut self) {
        self.0 = FIRST;
    }
}
