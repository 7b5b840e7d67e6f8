//! What did monitoring tools deliver, and what became of it?

mod ask;
mod counts;
mod fold;

use domain::{
    DeliveryId, IncidentId, IntegrationId, ServiceId, Timestamp,
    delivery::{Proof, Verdict},
    integration::IntegrationKind,
};
use store::Position;

use crate::db::{Kind, Table};

pub use ask::DeliveryFilter;
pub use counts::DeliveryCounts;
pub(crate) use fold::Fold;

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
    /// It ended a problem of an incident that is not over.
    Ended,
    /// It snoozed an incident.
    Snoozed,
}

impl From<Verdict> for DeliveryVerdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Suppressed => Self::Suppressed,
            Verdict::Ignored => Self::Ignored,
            Verdict::Rejected => Self::Rejected,
            Verdict::Recorded => Self::Recorded,
        }
    }
}

/// The verdicts in the order of their stored numbers.
const VERDICTS: [DeliveryVerdict; 10] = [
    DeliveryVerdict::Opened,
    DeliveryVerdict::Joined,
    DeliveryVerdict::Acknowledged,
    DeliveryVerdict::Resolved,
    DeliveryVerdict::Ignored,
    DeliveryVerdict::Rejected,
    DeliveryVerdict::Recorded,
    DeliveryVerdict::Suppressed,
    DeliveryVerdict::Ended,
    DeliveryVerdict::Snoozed,
];

impl DeliveryVerdict {
    fn number(self) -> Option<u32> {
        (0..).zip(VERDICTS).find(|(_, known)| *known == self).map(|(number, _)| number)
    }
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
    /// The position of the event that asks for a verdict: that it came, or the last replay.
    pub asked: Position,
    /// When that was.
    pub asked_at: Timestamp,
    /// How often it was to be decided again.
    pub replays: u64,
    /// What became of it first since then; none: nothing yet. One message may say many things: all that became of it is
    /// in its timeline.
    pub verdict: Option<DeliveryVerdict>,
    /// How many verdicts there are since then: one on each alert that something became of, or one on the whole message.
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
        ("asked", Kind::Int),
        ("asked_at", Kind::Int),
        ("replays", Kind::Int),
        ("verdict", Kind::Int),
        ("verdict_count", Kind::Int),
        ("incident", Kind::Bytes),
        ("reason", Kind::Text),
        ("decided_at", Kind::Int),
    ],
    key: 1,
    keyed: true,
};
