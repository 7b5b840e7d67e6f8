//! Recording the demo: commands whose ids follow from names.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use anyhow::{Result, bail};
use api::App;
use commands::{CommandError, Engine, MetadataExt, mint};
use domain::{Actor, Aggregate, Rejection};
use store::Metadata;
use uuid::Uuid;

/// The namespace of everything in the demo.
const DEMO: Uuid = Uuid::from_u128(0x6d69_6477_6174_6368_0000_0000_0000_00de);
/// How long the directory may take to learn of the demo.
const PATIENCE: Duration = Duration::from_secs(5);
/// Tries while the log is busy.
const TRIES: u32 = 50;

/// The id that a thing of this name has in every demo.
pub(super) fn id(name: &str) -> Uuid {
    mint::derived(DEMO, name)
}

/// Records commands for the demo.
pub(super) struct Recorder {
    pub(super) app: App,
    position: AtomicU64,
}

impl Recorder {
    pub(super) fn new(app: &App) -> Self {
        Self { app: app.clone(), position: AtomicU64::new(0) }
    }

    /// Records a command of the administrator once, whatever became of the thing since.
    pub(super) async fn once<A: Aggregate>(&self, name: &str, id: A::Id, command: &A::Command) -> Result<()> {
        self.once_by::<A>(Actor::Administrator, name, id, command).await
    }

    /// The same for another actor.
    pub(super) async fn once_by<A: Aggregate>(
        &self,
        actor: Actor,
        name: &str,
        id: A::Id,
        command: &A::Command,
    ) -> Result<()> {
        self.record::<A>(&Metadata::of(actor, self::id(&format!("command {name}"))), id, command).await
    }

    /// Records a command each time.
    pub(super) async fn again<A: Aggregate>(&self, id: A::Id, command: &A::Command) -> Result<()> {
        self.record::<A>(&Metadata::of(Actor::Administrator, mint::uuid()), id, command).await
    }

    async fn record<A: Aggregate>(&self, metadata: &Metadata, id: A::Id, command: &A::Command) -> Result<()> {
        let engine: &Engine = &self.app.engine;
        for _ in 0..TRIES {
            match engine.execute::<A>(id, command, metadata).await {
                Ok(done) => {
                    self.position.fetch_max(done.position, Ordering::Relaxed);
                    return Ok(());
                }
                // It was made by an earlier run, and somebody has changed it since.
                Err(CommandError::Rejected(why)) if forgivable(&why) => return Ok(()),
                Err(CommandError::Rejected(why)) => bail!("the demo breaks a rule: {why}"),
                Err(CommandError::Fault(fault)) if fault.is_busy() => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(CommandError::Fault(fault)) => return Err(fault.into()),
            }
        }
        bail!("the log stayed busy")
    }

    /// Waits until the directory knows what was recorded.
    pub(super) async fn settle(&self) {
        self.app.directory.reach(self.position.load(Ordering::Relaxed), PATIENCE).await;
    }
}

fn forgivable(why: &impl Rejection) -> bool {
    matches!(
        why.code(),
        "ALREADY_EXISTS" | "RETIRED" | "ALREADY_RESOLVED" | "ALREADY_ACKNOWLEDGED" | "NOT_ACKNOWLEDGED"
    )
}
