//! What did monitoring tools deliver, and what became of it?

use std::collections::{BTreeMap, btree_map::Entry};

use domain::{
    DeliveryId, IncidentId, IntegrationId, ServiceId, Timestamp,
    delivery::{Proof, Verdict},
    integration::IntegrationKind,
};
use sea_query::{Expr, ExprTrait, Order, Query};
use store::{Position, Recorded};
use uuid::Uuid;

use crate::{
    ReadError, ReadModels, Slice,
    db::{Cell, Change, Kind, Merge, Row, Rows, Table},
    news::{News, variant},
    slice::place,
};

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryVerdict {
    /// It opened an incident.
    Opened,
    /// It joined an open incident.
    Joined,
    /// It acknowledged an incident.
    Acknowledged,
    /// It resolved an incident.
    Resolved,
    /// It was understood, and there was nothing to do.
    Ignored,
    /// It was not understood.
    Rejected,
    /// It is kept for its own sake, and was not meant to lead to anything.
    Recorded,
    /// A rule drops it.
    Suppressed,
    /// It ended one of the problems that are grouped in an incident.
    Ended,
}

/// One message of a monitoring tool. The message itself stays in the log, at `position`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryView {
    /// Which delivery.
    pub id: DeliveryId,
    /// The position of the event that keeps its bytes.
    pub position: Position,
    /// The entrance it came through.
    pub integration: IntegrationId,
    /// What the entrance's alerts were about.
    pub service: ServiceId,
    /// The format that the entrance understood.
    pub format: IntegrationKind,
    /// How the sender proved itself.
    pub proof: Proof,
    /// When it came.
    pub received_at: Timestamp,
    /// What became of it first; none: nothing yet. One message may say many things: all that became of it is in its
    /// timeline.
    pub verdict: Option<DeliveryVerdict>,
    /// How many verdicts there are.
    pub verdict_count: u64,
    /// The incident that the first verdict is about.
    pub incident: Option<IncidentId>,
    /// Why it was ignored or rejected.
    pub reason: Option<String>,
    /// When the first verdict fell.
    pub decided_at: Option<Timestamp>,
}

pub(crate) static TABLE: Table = Table {
    name: "read_deliveries",
    columns: &[
        ("id", Kind::Bytes),
        ("position", Kind::Int),
        ("integration", Kind::Bytes),
        ("service", Kind::Bytes),
        ("format", Kind::Text),
        ("proof", Kind::Text),
        ("received_at", Kind::Int),
        ("verdict", Kind::Int),
        ("verdict_count", Kind::Int),
        ("incident", Kind::Bytes),
        ("reason", Kind::Text),
        ("decided_at", Kind::Int),
    ],
    key: 1,
    keyed: true,
};

/// The first verdict stays; later ones are counted.
static DECIDE: Merge = Merge {
    columns: &[
        ("id", Kind::Bytes),
        ("verdict", Kind::Int),
        ("verdict_count", Kind::Int),
        ("incident", Kind::Bytes),
        ("reason", Kind::Text),
        ("decided_at", Kind::Int),
    ],
    set: "verdict = COALESCE(kept.verdict, {verdict}), \
          verdict_count = kept.verdict_count + {verdict_count}, \
          incident = CASE WHEN kept.verdict IS NULL THEN {incident} ELSE kept.incident END, \
          reason = CASE WHEN kept.verdict IS NULL THEN {reason} ELSE kept.reason END, \
          decided_at = CASE WHEN kept.verdict IS NULL THEN {decided_at} ELSE kept.decided_at END",
};

/// The verdicts in the order of their stored numbers.
const VERDICTS: [DeliveryVerdict; 9] = [
    DeliveryVerdict::Opened,
    DeliveryVerdict::Joined,
    DeliveryVerdict::Acknowledged,
    DeliveryVerdict::Resolved,
    DeliveryVerdict::Ignored,
    DeliveryVerdict::Rejected,
    DeliveryVerdict::Recorded,
    DeliveryVerdict::Suppressed,
    DeliveryVerdict::Ended,
];

/// What came in a batch, and what became of it or of earlier deliveries.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    /// By id, which is the order of the key.
    received: BTreeMap<Uuid, (Received, Decided)>,
    earlier: BTreeMap<Uuid, Decided>,
}

#[derive(Debug)]
struct Received {
    position: Position,
    integration: IntegrationId,
    service: ServiceId,
    format: String,
    proof: String,
    at: Timestamp,
}

#[derive(Debug, Default)]
struct Decided {
    count: u64,
    first: Option<FirstVerdict>,
}

#[derive(Debug)]
struct FirstVerdict {
    verdict: DeliveryVerdict,
    incident: Option<IncidentId>,
    reason: Option<String>,
    at: Timestamp,
}

impl Fold {
    pub(crate) fn take(&mut self, recorded: &Recorded, news: &News<'_>) {
        let Some(id) = recorded.stream_uuid() else { return };
        let about = |verdict, at| (verdict, Some(IncidentId::new(id)), at);
        let (alerts, (verdict, incident, at)) = match news {
            News::Received(received) => {
                if let Entry::Vacant(free) = self.received.entry(id) {
                    let received = Received {
                        position: recorded.position,
                        integration: received.integration,
                        service: received.service,
                        format: received.format.clone().into_owned(),
                        proof: received.proof.clone().into_owned(),
                        at: received.at,
                    };
                    free.insert((received, Decided::default()));
                }
                return;
            }
            News::Concluded(concluded) => {
                let verdict = match concluded.verdict {
                    Verdict::Suppressed => DeliveryVerdict::Suppressed,
                    Verdict::Ignored => DeliveryVerdict::Ignored,
                    Verdict::Rejected => DeliveryVerdict::Rejected,
                    Verdict::Recorded => DeliveryVerdict::Recorded,
                };
                // PostgreSQL's texts cannot hold the character 0.
                let reason = Some(concluded.reason.replace('\0', "\u{fffd}"));
                let (incident, at) = (concluded.incident, concluded.at);
                self.decide(id, FirstVerdict { verdict, incident, reason, at });
                return;
            }
            News::Triggered(triggered) => {
                (&triggered.alerts[..], about(DeliveryVerdict::Opened, triggered.at))
            }
            News::Joined(joined) => (&joined.alerts[..], about(DeliveryVerdict::Joined, joined.at)),
            News::Ended(ended) => {
                (std::slice::from_ref(&ended.alert), about(DeliveryVerdict::Ended, ended.at))
            }
            News::Acknowledged(said) => {
                (said.alert.as_slice(), about(DeliveryVerdict::Acknowledged, said.at))
            }
            News::Resolved(said) => (said.alert.as_slice(), about(DeliveryVerdict::Resolved, said.at)),
            News::Merged(_)
            | News::Graded(_)
            | News::Held(_)
            | News::Escalated(_)
            | News::Exhausted(_)
            | News::Unacknowledged
            | News::Reassigned(_)
            | News::Noted
            | News::Requested(_)
            | News::Sent(_)
            | News::Failed(_)
            | News::Withdrawn(_)
            | News::OnCallChanged(_)
            | News::Other => return,
        };
        for alert in alerts {
            self.decide(alert.delivery.uuid(), FirstVerdict { verdict, incident, reason: None, at });
        }
    }

    fn decide(&mut self, delivery: Uuid, verdict: FirstVerdict) {
        let decided = match self.received.get_mut(&delivery) {
            Some((_, decided)) => decided,
            None => self.earlier.entry(delivery).or_default(),
        };
        decided.count += 1;
        decided.first.get_or_insert(verdict);
    }

    pub(crate) fn rows(self) -> [Rows; 2] {
        // A verdict about a delivery that came later in this very batch finds no row, as it would in a batch before.
        let mut decided = Rows::new(&TABLE, Change::Merge(&DECIDE));
        for (id, verdict) in self.earlier {
            let [verdict, count, incident, reason, at] = verdict.cells();
            decided.push([id.into(), verdict, count, incident, reason, at]);
        }
        let mut received = Rows::new(&TABLE, Change::Insert);
        for (id, (row, verdict)) in self.received {
            let [verdict, count, incident, reason, at] = verdict.cells();
            received.push([
                id.into(),
                row.position.into(),
                row.integration.uuid().into(),
                row.service.uuid().into(),
                row.format.into(),
                row.proof.into(),
                row.at.into(),
                verdict,
                count,
                incident,
                reason,
                at,
            ]);
        }
        [decided, received]
    }
}

impl Decided {
    fn cells(self) -> [Cell; 5] {
        let count = self.count.into();
        match self.first {
            None => [Cell::Null, count, Cell::Null, Cell::Null, Cell::Null],
            Some(FirstVerdict { verdict, incident, reason, at }) => {
                let number =
                    (0_u32..).zip(VERDICTS).find(|(_, known)| *known == verdict).map(|(number, _)| number);
                [number.into(), count, incident.map(IncidentId::uuid).into(), reason.into(), at.into()]
            }
        }
    }
}

impl ReadModels {
    /// What came through an entrance, newest first.
    pub async fn deliveries(
        &self,
        integration: IntegrationId,
        first: usize,
        after: Option<&str>,
    ) -> Result<Slice<DeliveryView>, ReadError> {
        let mut query = Query::select()
            .columns(TABLE.names())
            .from(TABLE.name)
            .and_where(Expr::col("integration").eq(integration.uuid().as_bytes().to_vec()))
            .order_by("position", Order::Desc)
            .limit(first as u64 + 1)
            .take();
        if let Some(after) = place(after)? {
            query.and_where(Expr::col("position").lt(after.cast_signed()));
        }
        let views = self.db().select(query).await?.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
        Ok(Slice::cut(views.into_iter().map(|view| (view.position, view)), first))
    }

    /// One delivery.
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryView>, ReadError> {
        let query = Query::select()
            .columns(TABLE.names())
            .from(TABLE.name)
            .and_where(Expr::col("id").eq(id.uuid().as_bytes().to_vec()))
            .take();
        self.db().select(query).await?.pop().map(view).transpose()
    }

    /// Deliveries after `after` that have no verdict yet, in log order.
    pub async fn undecided(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<(Position, DeliveryId)>, ReadError> {
        let query = Query::select()
            .columns(["position", "id"])
            .from(TABLE.name)
            .and_where(Expr::col("verdict").is_null())
            .and_where(Expr::col("position").gt(after.cast_signed()))
            .order_by("position", Order::Asc)
            .limit(limit as u64)
            .take();
        let rows = self.db().select(query).await?;
        rows.into_iter().map(|mut row| Ok((row.take()?, DeliveryId::new(row.take()?)))).collect()
    }
}

fn view(mut row: Row) -> Result<DeliveryView, ReadError> {
    Ok(DeliveryView {
        id: DeliveryId::new(row.take()?),
        position: row.take()?,
        integration: IntegrationId::new(row.take()?),
        service: ServiceId::new(row.take()?),
        format: variant(&row.take::<String>()?)?,
        proof: variant(&row.take::<String>()?)?,
        received_at: row.take()?,
        verdict: row.take::<Option<u32>>()?.and_then(|number| VERDICTS.get(number as usize)).copied(),
        verdict_count: row.take()?,
        incident: row.take::<Option<Uuid>>()?.map(IncidentId::new),
        reason: row.take()?,
        decided_at: row.take()?,
    })
}
