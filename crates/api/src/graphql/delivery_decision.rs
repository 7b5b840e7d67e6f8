//! What was decided about a delivery, each time that something was.

use async_graphql::{Context, Object};
use domain::{
    DeliveryId, Fact, IncidentId, Subject, Timestamp, delivery::DeliveryEvent, incident::IncidentEvent,
};
use projections::DeliveryVerdict as Verdict;
use store::Recorded;

use super::{
    caller::app,
    fault::Fault,
    incident::{Alert, Incident},
    scalar::{DateTime, Position},
    slice,
    words::DeliveryVerdict,
};

/// One decision about a delivery: an event of the incident that took it in, or of its own.
pub(super) struct DeliveryDecision {
    position: store::Position,
    at: Timestamp,
    verdict: Verdict,
    reason: Option<String>,
    rule: Option<String>,
    incident: Option<IncidentId>,
    problems: Vec<String>,
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

    /// The rule of its integration that decided; null: there were no rules, or the whole message led to nothing.
    async fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }

    /// The keys of the problems that it is about, at most 64: a decision about more of them is in several parts. Empty: it
    /// is about the whole message.
    #[graphql(complexity = 5)]
    async fn problems(&self, ctx: &Context<'_>) -> Result<Vec<String>, Fault> {
        match (&self.alert, self.incident) {
            // It has the key of its incident.
            (Some(domain::Alert { key: None, .. }), Some(id)) => {
                let incident = app(ctx)?.reads.incident(id).await?;
                Ok(incident.map(|incident| incident.key).into_iter().collect())
            }
            (Some(alert), _) => Ok(alert.key.clone().into_iter().collect()),
            (None, _) => Ok(self.problems.clone()),
        }
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

/// The first decisions about a delivery, oldest first, however many other events are among them.
pub(super) async fn decisions(
    ctx: &Context<'_>,
    delivery: DeliveryId,
    first: usize,
) -> Result<Vec<DeliveryDecision>, Fault> {
    let (reads, subject) = (&app(ctx)?.reads, Subject::from(delivery));
    let (mut decisions, mut after) = (vec![], None);
    while decisions.len() < first {
        let page = reads.timeline(&subject, slice::MAX_PAGE, after.as_deref()).await?;
        decisions.extend(page.items.iter().flat_map(|(_, event)| decisions_of(delivery, event)));
        if !page.has_next {
            break;
        }
        after = page.items.into_iter().next_back().map(|(place, _)| place);
    }
    decisions.truncate(first);
    Ok(decisions)
}

/// What one event of a delivery's timeline decided about it.
fn decisions_of(delivery: DeliveryId, event: &Recorded) -> Vec<DeliveryDecision> {
    match event.category() {
        DeliveryId::CATEGORY => concluded(event).into_iter().collect(),
        IncidentId::CATEGORY => taken_in(delivery, event),
        _ => vec![],
    }
}

fn concluded(event: &Recorded) -> Option<DeliveryDecision> {
    match DeliveryEvent::decode(&event.kind, &event.payload).ok()? {
        DeliveryEvent::Concluded { verdict, reason, rule, incident, problems, at, .. } => {
            Some(DeliveryDecision {
                position: event.position,
                at,
                verdict: verdict.into(),
                reason: Some(reason),
                rule,
                incident,
                problems,
                alert: None,
            })
        }
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
        IncidentEvent::Snoozed { alert, at, .. } => (Verdict::Snoozed, alert.into_iter().collect(), at),
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
            rule: alert.rule.clone(),
            incident,
            problems: vec![],
            alert: Some(alert),
        })
        .collect()
}
