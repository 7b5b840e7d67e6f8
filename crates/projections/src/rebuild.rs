//! Folding the whole log anew, beside the live tables.

use std::sync::Arc;

use store::{Filter, Position, Recorded, Store, StoreError};
use tokio::sync::mpsc;

use crate::{
    ReadError, ReadModels,
    db::Side,
    projection::{Projection, TABLES, Writing},
};

/// How many events are read at a time.
const PART: usize = 1024;
/// How many parts may wait to be folded.
const AHEAD: usize = 4;
/// How many events are written at a time.
const BATCH: usize = 16_384;

/// What a rebuild did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// The position up to which the new tables were folded when they went live.
    pub position: Position,
}

impl ReadModels {
    /// Folds the whole log into new tables beside the live ones, then swaps them in one transaction. The projector may
    /// go on meanwhile, here or on another node; it goes on with the new tables by itself. If two rebuild at once,
    /// the later one wins and the other fails.
    pub async fn rebuild(&self, progress: &mut (dyn FnMut(Position) + Send)) -> Result<Rebuilt, ReadError> {
        let db = self.db();
        db.drop_old(&TABLES).await?;
        let next = db.begin_next(&TABLES).await?;
        let mut projection = Projection::new(db.clone(), Side::Next, next);
        self.load(&mut projection, progress).await?;
        db.index_next(&TABLES).await?;
        loop {
            self.catch_up(&mut projection, self.store().head(), progress).await?;
            let _turn = self.turn().await;
            let live = self.live().await?;
            let at_most = if self.same_log(&live).await.is_ok() {
                // Only what another node's projector did since can still be missing.
                self.catch_up(&mut projection, live.position, progress).await?;
                projection.progress().position
            } else {
                // Tables of another log are no measure of how far to go.
                live.position
            };
            if db.swap(&TABLES, projection.progress(), at_most).await? {
                self.restart_at(projection.progress().position);
                self.incident_search().reset().await;
                self.alert_search().reset().await;
                break;
            }
            if db.progress(Side::Next).await?.as_ref() != Some(projection.progress()) {
                return Err(taken_over());
            }
        }
        db.drop_old(&TABLES).await?;
        Ok(Rebuilt { position: projection.progress().position })
    }

    /// Folds everything that the log holds now, reading ahead.
    async fn load(
        &self,
        projection: &mut Projection,
        progress: &mut (dyn FnMut(Position) + Send),
    ) -> Result<(), ReadError> {
        let (parts, mut read) = mpsc::channel(AHEAD);
        let reading = tokio::spawn(read_all(self.store().clone(), parts));
        // While one batch is written, the next is folded.
        let mut writing = None;
        while let Some(part) = read.recv().await {
            projection.fold(&part?).await?;
            if projection.pending() >= BATCH {
                if let Some(writing) = writing.take() {
                    written(projection, writing, progress).await?;
                }
                writing = Some(projection.write_behind()?);
            }
        }
        reading.await.map_err(|_| ReadError::Unavailable("reading the log was interrupted".into()))?;
        if let Some(writing) = writing {
            written(projection, writing, progress).await?;
        }
        write(projection, progress).await
    }

    /// Folds at least up to `until`.
    async fn catch_up(
        &self,
        projection: &mut Projection,
        until: Position,
        progress: &mut (dyn FnMut(Position) + Send),
    ) -> Result<(), ReadError> {
        let mut tail = self.store().tail(projection.progress().position, Filter::All);
        while projection.progress().position < until {
            projection.fold(&tail.next(PART).await?.events).await?;
            write(projection, progress).await?;
        }
        Ok(())
    }
}

async fn write(
    projection: &mut Projection,
    progress: &mut (dyn FnMut(Position) + Send),
) -> Result<(), ReadError> {
    let writing = projection.write_behind()?;
    written(projection, writing, progress).await
}

async fn written(
    projection: &mut Projection,
    writing: Writing,
    progress: &mut (dyn FnMut(Position) + Send),
) -> Result<(), ReadError> {
    if !projection.written(writing).await? {
        return Err(taken_over());
    }
    progress(projection.progress().position);
    Ok(())
}

fn taken_over() -> ReadError {
    ReadError::Unavailable("another rebuild began and goes on instead of this one".into())
}

type Part = Result<Vec<Arc<Recorded>>, StoreError>;

/// Reads up to the head as it is now, until nobody wants more.
async fn read_all(store: Store, parts: mpsc::Sender<Part>) {
    let head = store.head();
    let mut tail = store.tail(0, Filter::All);
    let mut through = 0;
    while through < head {
        let part = tail.next(PART).await.map(|batch| {
            through = batch.through;
            batch.events
        });
        let failed = part.is_err();
        if parts.send(part).await.is_err() || failed {
            return;
        }
    }
}
