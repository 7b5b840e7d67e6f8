//! The live directory: follows the log and hands out snapshots.

use std::{sync::Arc, time::Duration};

use domain::schedule::Zones;
use store::{Filter, Position, Store, StoreError};
use tokio::sync::watch;

use super::Directory;
use crate::EngineError;

/// Events taken from the log at a time.
const PAGE: usize = 1000;
/// The wait before the log is asked again after a failure.
const RETRY: Duration = Duration::from_millis(250);

/// The live directory. Clones share it.
#[derive(Clone, Debug)]
pub struct DirectoryHandle {
    store: Store,
    snapshot: Arc<watch::Sender<Arc<Directory>>>,
    /// How far the log was considered: beyond the last event of configuration.
    through: Arc<watch::Sender<Position>>,
}

impl DirectoryHandle {
    /// Folds all configuration that the log holds. Schedules follow these zones.
    pub async fn start(store: Store, zones: Arc<dyn Zones>) -> Result<Self, EngineError> {
        let head = store.head();
        let mut directory = Directory::new(zones);
        loop {
            let events = store.read(directory.position, PAGE, &Filter::Configuration).await?;
            for event in &events {
                directory.apply(event)?;
            }
            if events.len() < PAGE {
                break;
            }
        }
        let through = head.max(directory.position);
        let snapshot = Arc::new(watch::Sender::new(Arc::new(directory)));
        Ok(Self { store, snapshot, through: Arc::new(watch::Sender::new(through)) })
    }

    /// The configuration now.
    pub fn now(&self) -> Arc<Directory> {
        Arc::clone(&self.snapshot.borrow())
    }

    /// Waits until everything up to a position is folded in; tells whether it was in time.
    pub async fn reach(&self, position: Position, within: Duration) -> bool {
        let mut through = self.through.subscribe();
        tokio::time::timeout(within, through.wait_for(|through| *through >= position))
            .await
            .is_ok_and(|reached| reached.is_ok())
    }

    /// Keeps up with the log until the future is dropped. A log that does not answer is asked again;
    /// an event that cannot be read ends it with an error, because guessing whom to page is worse.
    pub async fn follow(&self) -> Result<(), EngineError> {
        let mut tail = self.store.tail(*self.through.borrow(), Filter::Configuration);
        loop {
            let batch = match tail.next(PAGE).await {
                Ok(batch) => batch,
                Err(StoreError::Damaged(why)) => return Err(StoreError::Damaged(why).into()),
                Err(fault) => {
                    tracing::warn!(%fault, "the directory waits for the log");
                    tokio::time::sleep(RETRY).await;
                    continue;
                }
            };
            if !batch.events.is_empty() {
                let mut directory = Directory::clone(&self.now());
                for event in &batch.events {
                    directory.apply(event)?;
                }
                self.snapshot.send_replace(Arc::new(directory));
            }
            self.through.send_replace(batch.through);
        }
    }
}
