//! Sending one page, and recording what came of it.

use std::sync::Arc;

use commands::{CommandError, MetadataExt, mint};
use connectors::Page as Outgoing;
use domain::{
    PageId, Timestamp,
    page::{Page, PageCommand, PageStep},
};
use store::{Metadata, Recorded};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::hands::Held;
use crate::{
    Parts,
    lane::Place,
    letter::{Letter, compose},
    retry::Backoff,
};

/// A page on its lane.
pub(super) struct Job {
    pub(super) step: PageStep,
    pub(super) attempt: u32,
    pub(super) requested_at: Timestamp,
    /// The page as it was when the job was made, and its version.
    pub(super) seen: (Page, u64),
    /// The event that asked for it.
    pub(super) cause: Arc<Recorded>,
    pub(super) held: Held,
}

/// What sending needs.
pub(super) struct Sending {
    parts: Parts,
    stop: CancellationToken,
}

impl Sending {
    pub(super) const fn new(parts: Parts, stop: CancellationToken) -> Self {
        Self { parts, stop }
    }

    /// Sends a page unless it is not needed any more. When told to stop, what has not begun is left to whoever starts
    /// next; what has begun may then be sent twice, under one key. What came of it is still written down.
    pub(super) async fn send(self: Arc<Self>, job: Job, place: Place) {
        let command = tokio::select! {
            () = self.stop.cancelled() => return,
            command = self.see_to(&job) => command,
        };
        drop(place);
        self.record(&job, &command).await;
    }

    async fn see_to(&self, job: &Job) -> PageCommand {
        let mut backoff = Backoff::default();
        let letter = loop {
            match compose(&self.parts, &job.step, job.attempt, job.requested_at).await {
                Ok(letter) => break letter,
                Err(fault) => backoff.wait("dispatcher", &fault).await,
            }
        };
        match letter {
            Letter::Withdraw(reason) => PageCommand::WithdrawPage { reason, at: self.parts.engine.now() },
            Letter::Send(outgoing) => self.hand_over(job, &outgoing).await,
        }
    }

    async fn hand_over(&self, job: &Job, outgoing: &Outgoing) -> PageCommand {
        let span = tracing::info_span!("page", attempt = job.attempt);
        if let Some(parent) = &job.cause.metadata.trace {
            commands::trace::continue_trace(&span, parent);
        }
        let outcome = self.parts.connectors.send(outgoing).instrument(span).await;
        let (attempt, at) = (job.attempt, self.parts.engine.now());
        match outcome {
            Ok(receipt) => PageCommand::RecordSent {
                attempt,
                provider: receipt.provider.to_owned(),
                reference: receipt.reference,
                at,
            },
            Err(error) => PageCommand::RecordFailed {
                attempt,
                code: error.code().to_owned(),
                detail: error.to_string(),
                permanent: error.is_permanent(),
                retry_after: error.retry_after(),
                at,
            },
        }
    }

    async fn record(&self, job: &Job, command: &PageCommand) {
        let page: PageId = job.step.id();
        let purpose = format!("attempt {}", job.attempt);
        let command_id = mint::derived_at(job.cause.recorded_at, page.uuid(), &purpose);
        let metadata = Metadata::reacting("dispatcher", command_id, &job.cause);
        let mut backoff = Backoff::default();
        loop {
            match self.parts.engine.execute_on::<Page>(page, job.seen, command, &metadata).await {
                Ok(done) => return job.held.done_at(done.position),
                Err(CommandError::Rejected(rejection)) => {
                    tracing::error!(%page, %rejection, "the outcome of a page could not be recorded");
                    return job.held.done_at(self.parts.engine.store().head());
                }
                // The log was closed before this could be written.
                Err(CommandError::Fault(_)) if self.stop.is_cancelled() => return,
                Err(CommandError::Fault(fault)) => backoff.wait("dispatcher", &fault).await,
            }
        }
    }
}
