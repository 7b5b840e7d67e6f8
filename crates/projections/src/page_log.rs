//! Who was paged for an incident, and did it arrive?

use std::collections::{BTreeMap, btree_map::Entry};

use domain::{
    IncidentId, PageId, Timestamp,
    page::{PageStep, Withdrawal},
};
use sea_query::{Expr, ExprTrait, Order, Query};
use serde::{Deserialize, Serialize};
use store::{Position, Recorded};
use uuid::Uuid;

use crate::{
    ReadError, ReadModels,
    db::{Cell, Change, Kind, Merge, Row, Rows, Table},
    json,
    news::News,
};

/// What became of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PageState {
    /// It is to be sent when it is due.
    Waiting,
    /// A provider took it.
    Sent {
        /// The provider's name.
        provider: String,
        /// The provider's answer or number for it.
        reference: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// A provider did not take it, and it is tried again.
    Retrying {
        /// One of a closed list of words.
        code: String,
        /// What the provider said.
        detail: String,
        /// When it is tried again.
        retry_at: Timestamp,
        /// When it failed.
        at: Timestamp,
    },
    /// It is given up.
    Failed {
        /// One of a closed list of words.
        code: String,
        /// What the provider said.
        detail: String,
        /// When.
        at: Timestamp,
    },
    /// It is not needed any more.
    Withdrawn {
        /// Why.
        reason: Withdrawal,
        /// When.
        at: Timestamp,
    },
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageView {
    /// Which page.
    pub id: PageId,
    /// The position of the event that requested it.
    pub position: Position,
    /// Whom, why and through what.
    pub step: PageStep,
    /// The word for the contact method, such as `email`.
    pub channel: String,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Not before this instant it was to be sent first.
    pub due_at: Timestamp,
    /// Attempts made so far.
    pub attempts: u32,
    /// What became of it.
    pub state: PageState,
}

pub(crate) static TABLE: Table = Table {
    name: "read_page_log",
    columns: &[
        ("id", Kind::Bytes),
        ("incident", Kind::Bytes),
        ("position", Kind::Int),
        ("request", Kind::Text),
        ("attempts", Kind::Int),
        ("state", Kind::Text),
    ],
    key: 1,
    keyed: true,
};

/// A withdrawal is no attempt.
static CONCLUDE: Merge = Merge {
    columns: &[("id", Kind::Bytes), ("attempts", Kind::Int), ("state", Kind::Text)],
    set: "attempts = COALESCE({attempts}, kept.attempts), state = {state}",
};

/// What is kept of the request.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    #[serde(flatten)]
    step: PageStep,
    channel: String,
    due_at: Timestamp,
    at: Timestamp,
}

/// What was asked for in a batch, and what became of it or of earlier pages.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    /// By id, which is the order of the key.
    requested: BTreeMap<Uuid, (Position, Request, Outcome)>,
    earlier: BTreeMap<Uuid, Outcome>,
}

#[derive(Debug, Default)]
struct Outcome {
    attempts: Option<u32>,
    /// None: it waits.
    state: Option<PageState>,
}

impl Fold {
    pub(crate) fn take(&mut self, recorded: &Recorded, news: &News<'_>) {
        let Some(id) = recorded.stream_uuid() else { return };
        let (attempt, state) = match news {
            News::Requested(requested) => {
                if let Entry::Vacant(free) = self.requested.entry(id) {
                    let request = Request {
                        step: requested.step,
                        channel: requested.channel.clone(),
                        due_at: requested.due_at,
                        at: requested.at,
                    };
                    free.insert((recorded.position, request, Outcome::default()));
                }
                return;
            }
            News::Sent(sent) => {
                let (provider, reference) = (sent.provider.clone(), sent.reference.clone());
                (Some(sent.attempt), PageState::Sent { provider, reference, at: sent.at })
            }
            News::Failed(failed) => {
                let (code, detail, at) = (failed.code.clone(), failed.detail.clone(), failed.at);
                let state = match failed.retry_at {
                    Some(retry_at) => PageState::Retrying { code, detail, retry_at, at },
                    None => PageState::Failed { code, detail, at },
                };
                (Some(failed.attempt), state)
            }
            News::Withdrawn(withdrawn) => {
                (None, PageState::Withdrawn { reason: withdrawn.reason, at: withdrawn.at })
            }
            News::Received(_)
            | News::Concluded(_)
            | News::Replayed(_)
            | News::Triggered(_)
            | News::Joined(_)
            | News::Ended(_)
            | News::Merged(_)
            | News::Graded(_)
            | News::Held(_)
            | News::Escalated(_)
            | News::Exhausted(_)
            | News::Acknowledged(_)
            | News::Snoozed(_)
            | News::Unacknowledged
            | News::Resolved(_)
            | News::Reassigned(_)
            | News::Noted
            | News::OnCallChanged(_)
            | News::Other => return,
        };
        let outcome = match self.requested.get_mut(&id) {
            Some((.., outcome)) => outcome,
            None => self.earlier.entry(id).or_default(),
        };
        outcome.attempts = attempt.or(outcome.attempts);
        outcome.state = Some(state);
    }

    pub(crate) fn rows(self) -> Result<[Rows; 2], ReadError> {
        let mut concluded = Rows::new(&TABLE, Change::Merge(&CONCLUDE));
        for (id, outcome) in self.earlier {
            concluded.push([id.into(), outcome.attempts.into(), outcome.state()?]);
        }
        let mut requested = Rows::new(&TABLE, Change::Insert);
        for (id, (position, request, outcome)) in self.requested {
            requested.push([
                id.into(),
                request.step.incident.uuid().into(),
                position.into(),
                json::write(&request)?.into(),
                outcome.attempts.unwrap_or(0).into(),
                outcome.state()?,
            ]);
        }
        Ok([concluded, requested])
    }
}

impl Outcome {
    fn state(&self) -> Result<Cell, ReadError> {
        Ok(self.state.as_ref().map(json::write).transpose()?.into())
    }
}

impl ReadModels {
    /// Everybody who was or will be paged for an incident, in the order of asking.
    pub async fn pages(&self, incident: IncidentId) -> Result<Vec<PageView>, ReadError> {
        let query = Query::select()
            .columns(["id", "position", "request", "attempts", "state"])
            .from(TABLE.name)
            .and_where(Expr::col("incident").eq(incident.uuid().as_bytes().to_vec()))
            .order_by("position", Order::Asc)
            .take();
        self.db().select(query).await?.into_iter().map(view).collect()
    }
}

fn view(mut row: Row) -> Result<PageView, ReadError> {
    let (id, position) = (PageId::new(row.take()?), row.take()?);
    let Request { step, channel, due_at, at } = json::read(&row.take::<String>()?)?;
    let attempts = row.take()?;
    let state = row.take::<Option<String>>()?.map_or(Ok(PageState::Waiting), |state| json::read(&state))?;
    Ok(PageView { id, position, step, channel, requested_at: at, due_at, attempts, state })
}
