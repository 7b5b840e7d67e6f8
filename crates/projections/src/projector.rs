//! The projector: keeps the live tables up with the log.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use metrics::{counter, gauge, histogram};
use store::{Filter, StoreError};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    ReadError, ReadModels,
    db::{Progress, Side},
    projection::Projection,
};

/// The largest batch, in events.
const BATCH: usize = 4096;
/// The waits after a fault: doubled from the first to the last.
const RETRY: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];
/// How often the nodes that only observe look, while there is something to wait for.
const OBSERVE: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(200)];

/// Why a run of the projector ended.
enum End {
    /// It was asked to.
    Shutdown,
    /// Somebody else advanced or swapped the tables: begin again from what they wrote.
    Overtaken,
}

impl ReadModels {
    /// The projector: folds what the log holds and what comes, until shutdown. Survives database faults by trying
    /// again; an error is a fault that this cannot mend. One node at a time should run it (by holding a lease); if
    /// two do, one wins each batch and the other goes on from there.
    pub async fn follow(&self, shutdown: CancellationToken) -> Result<(), ReadError> {
        let mut wait = RETRY[0];
        let mut failing = false;
        self.set_fault(None);
        loop {
            let before = self.position();
            let fault = match self.run(&shutdown).await {
                Ok(End::Shutdown) => return Ok(()),
                Ok(End::Overtaken) => {
                    counter!("midwatch_projection_overtaken_total").increment(1);
                    continue;
                }
                Err(fault) => fault,
            };
            if is_lasting(&fault) {
                counter!("midwatch_projection_faults_total").increment(1);
                error!(%fault, "the projector stops");
                self.set_fault(Some(Arc::from(fault.to_string())));
                return Err(fault);
            }
            if self.position() > before {
                (wait, failing) = (RETRY[0], false);
            }
            if !failing {
                warn!(%fault, "the projector tries again until it can go on");
                failing = true;
            }
            counter!("midwatch_projection_retries_total").increment(1);
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                () = sleep(wait) => wait = (wait * 2).min(RETRY[1]),
            }
        }
    }

    async fn run(&self, shutdown: &CancellationToken) -> Result<End, ReadError> {
        let progress = self.live().await?;
        self.same_log(&progress).await?;
        self.reached(progress.position);
        info!(position = progress.position, "the projector follows the log");
        let mut tail = self.store().tail(progress.position, Filter::All).unhurried();
        let mut projection = Projection::new(self.db().clone(), Side::Live, progress);
        loop {
            let batch = tokio::select! {
                () = shutdown.cancelled() => return Ok(End::Shutdown),
                batch = tail.next(BATCH) => batch?,
            };
            let begun = Instant::now();
            {
                let _turn = self.turn().await;
                projection.fold(&batch.events).await?;
                if !projection.write().await? {
                    return Ok(End::Overtaken);
                }
            }
            self.reached(projection.progress().position);
            counter!("midwatch_projection_events_total").increment(batch.events.len() as u64);
            histogram!("midwatch_projection_batch_seconds").record(begun.elapsed());
        }
    }

    /// For the nodes that do not run the projector: keeps `position` fresh until shutdown. Looks into the database
    /// only while the log is ahead of what is known to be folded.
    pub async fn observe(&self, shutdown: CancellationToken) {
        let mut head = self.store().watch_head();
        let mut wait = OBSERVE[0];
        loop {
            let before = self.position();
            if *head.borrow_and_update() <= before {
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    grown = head.changed() => if grown.is_err() { return },
                }
                wait = OBSERVE[0];
            }
            // A fault shows as a position that stands still; the questions report it.
            if let Ok(progress) = self.live().await {
                self.reached(progress.position);
            }
            wait = if self.position() > before { OBSERVE[0] } else { (wait * 2).min(OBSERVE[1]) };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = sleep(wait) => {}
            }
        }
    }

    /// How far the live tables are.
    pub(crate) async fn live(&self) -> Result<Progress, ReadError> {
        let progress = self.db().progress(Side::Live).await?;
        progress.ok_or_else(|| ReadError::Damaged("they do not say how far they are".into()))
    }

    /// Refuses tables that were folded from another log.
    pub(crate) async fn same_log(&self, progress: &Progress) -> Result<(), ReadError> {
        if progress.position == 0 {
            return Ok(());
        }
        let last = self.store().at(&[progress.position]).await?;
        if last.first().is_some_and(|event| event.hash[..] == progress.hash) {
            return Ok(());
        }
        let why = format!(
            "the log holds another event at position {}, or none: they belong to another log and must be rebuilt",
            progress.position
        );
        Err(ReadError::Damaged(why.into()))
    }

    fn reached(&self, position: store::Position) {
        self.announce(position);
        // Exact up to 2^53 events.
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        gauge!("midwatch_projection_position").set(position as f64);
    }
}

/// Whether trying again would find the same.
fn is_lasting(fault: &ReadError) -> bool {
    match fault {
        ReadError::Damaged(_) | ReadError::Cursor(_) | ReadError::Log(StoreError::Damaged(_)) => true,
        ReadError::Unavailable(_)
        | ReadError::Log(
            StoreError::Unavailable(_)
            | StoreError::Busy
            | StoreError::Conflict { .. }
            | StoreError::Refused(_),
        ) => false,
    }
}
