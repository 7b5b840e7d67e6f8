//! Supervision: a task that ends by itself is a fault that everybody hears of.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The long-running tasks of a node.
pub(crate) struct Tasks {
    running: JoinSet<(&'static str, Result<(), String>)>,
    stop: CancellationToken,
}

impl Tasks {
    /// Tasks that are to end when `stop` is cancelled.
    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self { running: JoinSet::new(), stop }
    }

    /// Starts one. It may end with an error, and in peace only after `stop` was cancelled.
    pub(crate) fn spawn<E: std::fmt::Display>(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        self.running.spawn(async move { (name, task.await.map_err(|error| error.to_string())) });
    }

    /// Waits until a task ends although nobody told it to, and says why; or until `stop` is cancelled.
    pub(crate) async fn fault(&mut self) -> Option<String> {
        let ended = tokio::select! {
            biased;
            () = self.stop.cancelled() => return None,
            ended = self.running.join_next() => ended?,
        };
        if self.stop.is_cancelled() {
            return None;
        }
        Some(match ended {
            Ok((name, Ok(()))) => format!("{name} ended by itself"),
            Ok((name, Err(why))) => format!("{name} failed: {why}"),
            Err(panic) => format!("a task panicked: {panic}"),
        })
    }

    /// Waits until all have ended, and ends those that take longer than `within`; says whether there were any.
    pub(crate) async fn join_or_abort(&mut self, within: Duration) -> bool {
        let all = async { while self.running.join_next().await.is_some() {} };
        let abandoned = tokio::time::timeout(within, all).await.is_err();
        self.running.abort_all();
        abandoned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_ends_by_itself_is_a_fault() {
        let stop = CancellationToken::new();
        let mut tasks = Tasks::new(stop.clone());
        tasks.spawn("the clock", async { Err::<(), _>("it broke") });
        assert_eq!(tasks.fault().await.as_deref(), Some("the clock failed: it broke"));
        let told = stop.clone();
        tasks.spawn("the pager", async move {
            told.cancelled().await;
            Ok::<(), String>(())
        });
        stop.cancel();
        assert_eq!(tasks.fault().await, None);
        assert!(!tasks.join_or_abort(Duration::from_secs(10)).await);
    }
}
