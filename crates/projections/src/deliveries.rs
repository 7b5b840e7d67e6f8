//! What did monitoring tools deliver, and what became of it?

use domain::{
    DeliveryId, IncidentId, IntegrationId, ServiceId, Timestamp, delivery::Proof,
    integration::IntegrationKind,
};
use store::Position;

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
