//! How events change what is seen of an incident. Pure.

use domain::Timestamp;
use store::{Position, Recorded};

use super::view::{Acknowledgement, AlertPlace, EscalationView, IncidentView, Resolution, Status};
use crate::news::{AlertNews, Escalated, News, Said, Snoozed, Triggered};

impl IncidentView {
    /// The view of an incident that opens as the `number`th.
    pub(super) fn opened(
        id: domain::IncidentId,
        number: u64,
        triggered: &Triggered,
        position: Position,
    ) -> Self {
        let mut view = Self {
            id,
            number,
            service: triggered.service,
            team: triggered.team,
            policy: triggered.ladder.policy,
            key: triggered.key.clone(),
            episode: triggered.episode,
            title: triggered.title.clone(),
            details: triggered.details.clone(),
            severity: triggered.severity,
            status: Status::Triggered,
            alert_count: 0,
            alerts: Vec::new(),
            escalation: EscalationView::default(),
            acknowledged: None,
            resolved: None,
            opened_at: triggered.at,
            opened: position,
            merged: None,
            position,
        };
        view.join(&triggered.alerts, position);
        view
    }

    /// Takes one event that came after it opened.
    pub(super) fn fold(&mut self, recorded: &Recorded, news: &News<'_>) {
        match news {
            News::Joined(joined) => self.join(&joined.alerts, recorded.position),
            News::Graded(graded) => self.severity = graded.to,
            News::Merged(merged) => self.merged = Some(merged.shown.clone()),
            News::Held(held) => self.hold(held.until),
            News::Escalated(escalated) => self.escalate(escalated),
            News::Exhausted(exhausted) => self.exhaust(exhausted.cycle, exhausted.at),
            News::Acknowledged(said) => self.acknowledge(said, None),
            News::Snoozed(Snoozed { until, said }) => self.acknowledge(said, Some(*until)),
            News::Unacknowledged => self.release(),
            News::Resolved(said) => self.resolve(said),
            News::Reassigned(reassigned) => self.policy = reassigned.ladder.policy,
            News::Ended(_) | News::Noted => {}
            News::Triggered(_)
            | News::Received(_)
            | News::Concluded(_)
            | News::Replayed(_)
            | News::Requested(_)
            | News::Sent(_)
            | News::Failed(_)
            | News::Withdrawn(_)
            | News::OnCallChanged(_)
            | News::Other => return,
        }
        self.position = recorded.position;
    }

    fn join(&mut self, alerts: &[AlertNews], position: Position) {
        self.alert_count += alerts.len() as u64;
        self.alerts.extend((0..).zip(alerts).map(|(index, _)| AlertPlace { position, index }));
        self.alerts.drain(..self.alerts.len().saturating_sub(Self::MAX_ALERTS));
    }

    /// Nobody is paged before that, and nobody has it.
    fn hold(&mut self, until: Timestamp) {
        self.escalation.next_at = Some(until);
        self.release();
    }

    /// A climb begins or goes on: nobody has it.
    fn escalate(&mut self, step: &Escalated) {
        let Escalated { cycle, pass, level, next_at } = *step;
        self.escalation = EscalationView { cycle, pass, level, next_at: Some(next_at), exhausted_at: None };
        self.release();
    }

    fn exhaust(&mut self, cycle: u32, at: Timestamp) {
        self.escalation = EscalationView { cycle, pass: 0, level: 0, next_at: None, exhausted_at: Some(at) };
        self.release();
    }

    /// Somebody has it, perhaps only until a time.
    fn acknowledge(&mut self, said: &Said, until: Option<Timestamp>) {
        self.status = Status::Acknowledged;
        self.acknowledged = Some(Acknowledgement { by: said.by.clone(), via: said.via, at: said.at, until });
        self.escalation.next_at = until;
    }

    fn release(&mut self) {
        self.status = Status::Triggered;
        self.acknowledged = None;
    }

    fn resolve(&mut self, said: &Said) {
        self.status = Status::Resolved;
        let Said { by, via, note, at, .. } = said;
        self.resolved = Some(Resolution { by: by.clone(), via: *via, note: note.clone(), at: *at });
        self.escalation.next_at = None;
    }
}
