//! What was decided about a delivery, each time that something was.

use async_graphql::{Context, Object};
use domain::{DeliveryId, Fact, IncidentId, Timestamp, delivery::DeliveryEvent, incident::IncidentEvent};
use projections::DeliveryVerdict as Verdict;
use store::Recorded;

use super::{
    fault::Fault,
    incident::{Alert, Incident},
    scalar::{DateTime, Position},
    words::DeliveryVerdict,
};

/// One decision about a delivery: an event of the incident that took it in, or of its own.
pub(super) struct DeliveryDecision {
    position: store::Position,
    at: Timestamp,
    verdict: Verdict,
    reason: Option<String>,
    incident: Option<IncidentId>,
    alert: Option<domain::Alert>,
}

/// One decision about a delivery.
#[Object]
impl DeliveryDecision {
    /// The place in the log of the event that decided.
    async fn position(&self) -> Position {
        Position(self.position)
    }

    /// When.
    async fn at(&self) -> DateTime {
        DateTime(self.at)
    }

    /// What was decided.
    async fn verdict(&self) -> DeliveryVerdict {
        self.verdict.into()
    }

    /// Why it was ignored, rejected or only recorded.
    async fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The incident that it is about.
    #[graphql(complexity = "5 + child_complexity")]
    async fn incident(&self, ctx: &Context<'_>) -> Result<Option<Incident>, Fault> {
        match self.incident {
            Some(id) => Incident::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// What the message says, as the incident remembers it; null if no incident took it in.
    async fn alert(&self) -> Option<Alert> {
        self.alert.clone().map(Alert)
    }
}

/// What one event of a delivery's timeline decided about it.
pub(super) fn decisions_of(delivery: DeliveryId, event: &Recorded) -> Vec<DeliveryDecision> {
    match event.category() {
        DeliveryId::CATEGORY => concluded(event).into_iter().collect(),
        IncidentId::CATEGORY => taken_in(delivery, event),
        _ => vec![],
    }
}

fn concluded(event: &Recorded) -> Option<DeliveryDecision> {
    match DeliveryEvent::decode(&event.kind, &event.payload).ok()? {
        DeliveryEvent::Concluded { verdict, reason, incident, at, .. } => Some(DeliveryDecision {
            position: event.position,
            at,
            verdict: verdict.into(),
            reason: Some(reason),
            incident,
            alert: None,
        }),
        DeliveryEvent::Received { .. } | DeliveryEvent::ReplayRequested { .. } => None,
    }
}

fn taken_in(delivery: DeliveryId, event: &Recorded) -> Vec<DeliveryDecision> {
    let Ok(fact) = IncidentEvent::decode(&event.kind, &event.payload) else { return vec![] };
    let (verdict, alerts, at) = match fact {
        IncidentEvent::Triggered { alerts, at, .. } => (Verdict::Opened, alerts, at),
        IncidentEvent::AlertsJoined { alerts, at, .. } => (Verdict::Joined, alerts, at),
        IncidentEvent::Acknowledged { alert, at, .. } => {
            (Verdict::Acknowledged, alert.into_iter().collect(), at)
        }
        IncidentEvent::Resolved { alert, at, .. } => (Verdict::Resolved, alert.into_iter().collect(), at),
        IncidentEvent::AlertEnded { alert, at, .. } => (Verdict::Ended, vec![alert], at),
        IncidentEvent::SeverityRaised { .. }
        | IncidentEvent::SeverityLowered { .. }
        | IncidentEvent::AttributesMerged { .. }
        | IncidentEvent::Held { .. }
        | IncidentEvent::Escalated { .. }
        | IncidentEvent::Exhausted { .. }
        | IncidentEvent::Unacknowledged { .. }
        | IncidentEvent::Reassigned { .. }
        | IncidentEvent::NoteAdded { .. } => return vec![],
    };
    let of_this = alerts.into_iter().filter(|alert| alert.delivery == delivery);
    let incident = event.stream_uuid().map(IncidentId::new);
    of_this
        .map(|alert| DeliveryDecision {
            position: event.position,
            at,
            verdict,
            reason: None,
            incident,
            alert: Some(alert),
        })
        .collect()
}
