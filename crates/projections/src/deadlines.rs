//! What is to be done, and when?
//!
//! Deadlines are asked for by kind, pages with a cursor: a stuck provider's pages must hide no others.

use std::collections::BTreeMap;

use domain::{IncidentId, PageId, Timestamp};
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use store::Recorded;
use uuid::Uuid;

use crate::{
    ReadError, ReadModels,
    db::{Change, Kind, Row, Rows, Table},
    news::{Held, News, Snoozed},
};

/// Nobody acknowledged in time, or a wait or a snooze is over: the next level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EscalationDue {
    /// When.
    pub due_at: Timestamp,
    /// Of which incident.
    pub incident: IncidentId,
    /// The climb that the deadline was armed for.
    pub cycle: u32,
    /// The pass that the deadline was armed for.
    pub pass: u32,
    /// The level that the deadline was armed for.
    pub level: u32,
}

/// No alert came for as long as an incident waits for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietDue {
    /// When.
    pub due_at: Timestamp,
    /// Which incident.
    pub incident: IncidentId,
}

/// A page is to be sent, for the first time or again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageDue {
    /// When.
    pub due_at: Timestamp,
    /// Which page.
    pub page: PageId,
}

pub(crate) static ESCALATIONS: Table = Table {
    name: "read_escalations_due",
    columns: &[
        ("incident", Kind::Bytes),
        ("due_at", Kind::Int),
        ("cycle", Kind::Int),
        ("pass", Kind::Int),
        ("level", Kind::Int),
    ],
    key: 1,
    keyed: true,
};

pub(crate) static QUIET: Table = Table {
    name: "read_quiet_due",
    columns: &[("incident", Kind::Bytes), ("due_at", Kind::Int)],
    key: 1,
    keyed: true,
};

pub(crate) static PAGES: Table = Table {
    name: "read_pages_due",
    columns: &[("page", Kind::Bytes), ("due_at", Kind::Int)],
    key: 1,
    keyed: true,
};

/// How the deadlines of incidents and pages stand after a batch, by id, which is the order of the keys.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    escalations: BTreeMap<Uuid, Armed<Step>>,
    quiet: BTreeMap<Uuid, Armed<Timestamp>>,
    pages: BTreeMap<Uuid, Armed<Timestamp>>,
}

/// The deadline of one thing after a batch.
#[derive(Debug)]
struct Armed<T> {
    /// The thing came into being in this batch, so that no row can exist.
    new: bool,
    deadline: Option<T>,
}

#[derive(Debug)]
struct Step {
    due_at: Timestamp,
    cycle: u32,
    pass: u32,
    level: u32,
}

impl<T> Default for Armed<T> {
    fn default() -> Self {
        Self { new: false, deadline: None }
    }
}

impl Fold {
    pub(crate) fn take(&mut self, recorded: &Recorded, news: &News<'_>) {
        let Some(id) = recorded.stream_uuid() else { return };
        match news {
            News::Triggered(triggered) => {
                self.escalations.entry(id).or_default().new |= recorded.version == 1;
                self.await_alerts(id, triggered.resolve_at, recorded.version == 1);
            }
            News::Joined(joined) => self.await_alerts(id, joined.resolve_at, false),
            News::Held(Held { until }) | News::Snoozed(Snoozed { until, .. }) => {
                // The time alone says whether it is due.
                let step = Step { due_at: *until, cycle: 0, pass: 0, level: 0 };
                self.escalations.entry(id).or_default().deadline = Some(step);
            }
            News::Escalated(step) => {
                let step =
                    Step { due_at: step.next_at, cycle: step.cycle, pass: step.pass, level: step.level };
                self.escalations.entry(id).or_default().deadline = Some(step);
            }
            // An acknowledgement that is taken back is followed by a climb, which arms again.
            News::Exhausted(_) | News::Acknowledged(_) => {
                self.escalations.entry(id).or_default().deadline = None;
            }
            News::Resolved(_) => {
                self.escalations.entry(id).or_default().deadline = None;
                self.quiet.entry(id).or_default().deadline = None;
            }
            News::Requested(page) => {
                let armed = self.pages.entry(id).or_default();
                armed.new |= recorded.version == 1;
                armed.deadline = Some(page.due_at);
            }
            News::Failed(failed) => self.pages.entry(id).or_default().deadline = failed.retry_at,
            News::Sent(_) | News::Withdrawn(_) => self.pages.entry(id).or_default().deadline = None,
            News::Received(_)
            | News::Concluded(_)
            | News::Ended(_)
            | News::Merged(_)
            | News::Graded(_)
            | News::Replayed(_)
            | News::Unacknowledged
            | News::Reassigned(_)
            | News::Noted
            | News::OnCallChanged(_)
            | News::Other => {}
        }
    }

    /// Most incidents wait for no alerts, and cost nothing here before they are over.
    fn await_alerts(&mut self, id: Uuid, until: Option<Timestamp>, new: bool) {
        if until.is_some() {
            let armed = self.quiet.entry(id).or_default();
            armed.new |= new;
            armed.deadline = until;
        }
    }

    pub(crate) fn rows(self) -> [Rows; 6] {
        let (mut disarmed, mut armed) =
            (Rows::new(&ESCALATIONS, Change::Delete), Rows::new(&ESCALATIONS, Change::Put));
        for (id, Armed { new, deadline }) in self.escalations {
            match deadline {
                Some(Step { due_at, cycle, pass, level }) => {
                    armed.push([id.into(), due_at.into(), cycle.into(), pass.into(), level.into()]);
                }
                None if new => {}
                None => disarmed.push([id.into()]),
            }
        }
        let [done, open] = instants(&PAGES, self.pages);
        let [heard, quiet] = instants(&QUIET, self.quiet);
        [disarmed, armed, done, open, heard, quiet]
    }
}

/// Rows to delete and to put, of deadlines that are nothing but an instant.
fn instants(table: &'static Table, deadlines: BTreeMap<Uuid, Armed<Timestamp>>) -> [Rows; 2] {
    let (mut done, mut open) = (Rows::new(table, Change::Delete), Rows::new(table, Change::Put));
    for (id, Armed { new, deadline }) in deadlines {
        match deadline {
            Some(due_at) => open.push([id.into(), due_at.into()]),
            None if new => {}
            None => done.push([id.into()]),
        }
    }
    [done, open]
}

impl ReadModels {
    /// Incidents that waited for alerts until `until` or earlier, the longest due first.
    pub async fn due_quiet(&self, until: Timestamp, limit: usize) -> Result<Vec<QuietDue>, ReadError> {
        let query = Query::select()
            .columns(QUIET.names())
            .from(QUIET.name)
            .and_where(Expr::col("due_at").lte(until.millis()))
            .order_by("due_at", Order::Asc)
            .order_by("incident", Order::Asc)
            .limit(limit as u64)
            .take();
        let read =
            |mut row: Row| Ok(QuietDue { incident: IncidentId::new(row.take()?), due_at: row.take()? });
        self.db().select(query).await?.into_iter().map(read).collect()
    }

    /// When the next incident has waited for alerts for long enough.
    pub async fn next_quiet(&self) -> Result<Option<Timestamp>, ReadError> {
        self.earliest(Query::select().column("due_at").from(QUIET.name).take()).await
    }

    /// Escalations that are due at `until` or were before, the longest due first.
    pub async fn due_escalations(
        &self,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<EscalationDue>, ReadError> {
        let query = Query::select()
            .columns(ESCALATIONS.names())
            .from(ESCALATIONS.name)
            .and_where(Expr::col("due_at").lte(until.millis()))
            .order_by("due_at", Order::Asc)
            .order_by("incident", Order::Asc)
            .limit(limit as u64)
            .take();
        let read = |mut row: Row| {
            Ok(EscalationDue {
                incident: IncidentId::new(row.take()?),
                due_at: row.take()?,
                cycle: row.take()?,
                pass: row.take()?,
                level: row.take()?,
            })
        };
        self.db().select(query).await?.into_iter().map(read).collect()
    }

    /// Pages that are due at `until` or were before, ordered by when and which, after one that was seen before.
    pub async fn due_pages(
        &self,
        until: Timestamp,
        after: Option<(Timestamp, PageId)>,
        limit: usize,
    ) -> Result<Vec<PageDue>, ReadError> {
        let mut query = Query::select()
            .columns(PAGES.names())
            .from(PAGES.name)
            .and_where(Expr::col("due_at").lte(until.millis()))
            .order_by("due_at", Order::Asc)
            .order_by("page", Order::Asc)
            .limit(limit as u64)
            .take();
        if let Some((due_at, page)) = after {
            let seen = [Expr::val(due_at.millis()), Expr::val(page.uuid().as_bytes().to_vec())];
            query.and_where(Expr::tuple([Expr::col("due_at"), Expr::col("page")]).gt(Expr::tuple(seen)));
        }
        let read = |mut row: Row| Ok(PageDue { page: PageId::new(row.take()?), due_at: row.take()? });
        self.db().select(query).await?.into_iter().map(read).collect()
    }

    /// When the next escalation becomes due (or became due, if it is not done yet).
    pub async fn next_escalation(&self) -> Result<Option<Timestamp>, ReadError> {
        let query = Query::select().column("due_at").from(ESCALATIONS.name).take();
        self.earliest(query).await
    }

    /// When the next page becomes due after an instant.
    pub async fn next_page(&self, later_than: Timestamp) -> Result<Option<Timestamp>, ReadError> {
        let query = Query::select()
            .column("due_at")
            .from(PAGES.name)
            .and_where(Expr::col("due_at").gt(later_than.millis()))
            .take();
        self.earliest(query).await
    }

    async fn earliest(&self, mut query: SelectStatement) -> Result<Option<Timestamp>, ReadError> {
        query.order_by("due_at", Order::Asc).limit(1);
        self.db().select(query).await?.pop().map(|mut row| row.take()).transpose()
    }
}
