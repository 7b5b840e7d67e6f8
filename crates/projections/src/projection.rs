//! One side of the read models as it is folded: events in, rows out, and the checkpoint with them.

use std::sync::Arc;

use metrics::counter;
use store::{Position, Recorded};
use tokio::task::JoinHandle;

use crate::{
    ReadError, alert_list,
    db::{Database, Progress, Rows, Side, Table},
    deadlines, deliveries, incident_list,
    news::News,
    page_log, timeline, who_is_on_call,
};

/// Every table that is folded from the log.
pub(crate) static TABLES: [&Table; 12] = [
    &incident_list::LIST,
    &incident_list::DOCUMENT,
    &alert_list::LIST,
    &alert_list::SAID,
    &alert_list::COUNTS,
    &timeline::TABLE,
    &deadlines::ESCALATIONS,
    &deadlines::PAGES,
    &deadlines::QUIET,
    &deliveries::TABLE,
    &page_log::TABLE,
    &who_is_on_call::TABLE,
];

/// The fold of one side.
pub(crate) struct Projection {
    db: Database,
    side: Side,
    /// What is written.
    progress: Progress,
    /// What is folded.
    reached: (Position, Vec<u8>),
    incidents: incident_list::Fold,
    alerts: alert_list::Fold,
    batch: Batch,
}

/// What was folded since the last write, besides incidents and their alerts.
#[derive(Default)]
struct Batch {
    events: usize,
    timeline: timeline::Fold,
    deadlines: deadlines::Fold,
    deliveries: deliveries::Fold,
    pages: page_log::Fold,
    on_call: who_is_on_call::Fold,
}

impl Projection {
    /// Goes on from what is written.
    pub(crate) fn new(db: Database, side: Side, progress: Progress) -> Self {
        let reached = (progress.position, progress.hash.clone());
        let incidents = incident_list::Fold::new(side);
        let alerts = alert_list::Fold::new(side);
        Self { db, side, progress, reached, incidents, alerts, batch: Batch::default() }
    }

    /// What is written.
    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// How many events are folded and not yet written.
    pub(crate) fn pending(&self) -> usize {
        self.batch.events
    }

    /// Folds events in memory.
    pub(crate) async fn fold(&mut self, events: &[Arc<Recorded>]) -> Result<(), ReadError> {
        let mut news = Vec::with_capacity(events.len());
        for event in events {
            let read = News::of(event)?;
            if read.is_unknown(event) {
                counter!("midwatch_projection_unknown_events_total").increment(1);
            }
            news.push(read);
        }
        let both = || events.iter().map(|event| &**event).zip(&news);
        self.incidents.prepare(&self.db, both()).await?;
        self.alerts.prepare(&self.db, both(), &self.incidents).await?;
        for (event, news) in both() {
            self.incidents.take(event, news);
            self.alerts.take(event, news, &self.incidents);
            self.batch.timeline.take(event);
            self.batch.deadlines.take(event, news);
            self.batch.deliveries.take(event, news);
            self.batch.pages.take(event, news);
            self.batch.on_call.take(event, news);
        }
        self.batch.events += events.len();
        if let Some(last) = events.last() {
            self.reached = (last.position, last.hash.to_vec());
        }
        Ok(())
    }

    /// Writes what was folded. False if somebody else wrote in the meantime: this fold is of no use any more.
    pub(crate) async fn write(&mut self) -> Result<bool, ReadError> {
        let writing = self.write_behind()?;
        self.written(writing).await
    }

    /// Begins to write what was folded; more may be folded until [`Projection::written`], and then nothing more until
    /// that is known to have succeeded.
    pub(crate) fn write_behind(&mut self) -> Result<Writing, ReadError> {
        let batch = std::mem::take(&mut self.batch);
        let rows: Vec<Rows> = [
            &mut self.incidents.rows()?.into_iter() as &mut dyn Iterator<Item = Rows>,
            &mut self.alerts.rows(),
            &mut batch.timeline.rows().into_iter(),
            &mut batch.deadlines.rows().into_iter(),
            &mut batch.deliveries.rows().into_iter(),
            &mut batch.pages.rows()?.into_iter(),
            &mut batch.on_call.rows()?.into_iter(),
        ]
        .into_iter()
        .flatten()
        .filter(|rows| !rows.is_empty())
        .collect();
        self.incidents.leave();
        self.alerts.leave();
        let (position, hash) = self.reached.clone();
        let to = Progress { generation: self.progress.generation, position, hash };
        let (db, side, from) = (self.db.clone(), self.side, self.progress.clone());
        Ok(tokio::spawn(async move {
            let won = db.advance(side, rows, &from, &to).await?;
            Ok(won.then_some(to))
        }))
    }

    /// Waits until a write is done. False if somebody else wrote in the meantime: this fold is of no use any more.
    pub(crate) async fn written(&mut self, writing: Writing) -> Result<bool, ReadError> {
        let done = writing.await.map_err(|_| ReadError::Unavailable("a write was interrupted".into()))?;
        let Some(progress) = done? else { return Ok(false) };
        self.progress = progress;
        self.incidents.written();
        self.alerts.written();
        Ok(true)
    }
}

/// A batch on its way into the database: how far the side is after it, or none if somebody else was faster.
pub(crate) type Writing = JoinHandle<Result<Option<Progress>, ReadError>>;
