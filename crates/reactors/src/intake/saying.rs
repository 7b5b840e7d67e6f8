//! What a message says of an incident that is there, as a command.

use commands::mint;
use domain::{
    Actor, AlertAction, Channel, Ladder, NoteId, Roster, Timestamp,
    delivery::Verdict,
    incident::{Incident, IncidentCommand, OpenIncident, Terms},
};

use super::Request;
use crate::Parts;

/// The command that a message stands for, made for an incident as it is.
pub(super) fn command(parts: &Parts, request: &Request, incident: &Incident) -> IncidentCommand {
    let (by, alert) = (Actor::Integration { id: request.alert.integration }, Some(request.alert.clone()));
    let (via, at) = (Channel::Alert, parts.engine.now());
    match request.action {
        AlertAction::Acknowledge => IncidentCommand::AcknowledgeIncident { by, via, alert, at },
        AlertAction::Snooze { until } => {
            IncidentCommand::SnoozeIncident { by, until, reason: None, via, alert, at }
        }
        AlertAction::Resolve | AlertAction::Trigger => {
            IncidentCommand::ResolveIncident { by, via, note: None, alert, at }
        }
        AlertAction::Unacknowledge => {
            let (_, roster) = own_ladder(parts, incident, at);
            IncidentCommand::UnacknowledgeIncident { by, roster, at }
        }
        AlertAction::Note => {
            // The same delivery always writes the same note.
            let note = NoteId::new(mint::derived(request.alert.delivery.uuid(), "note"));
            let text = request.alert.details.clone().unwrap_or_else(|| request.alert.title.clone());
            IncidentCommand::AddIncidentNote { note, by, text, at }
        }
        AlertAction::Update => update(parts, request, incident, at),
    }
}

/// Whom the incident pages, and who that is now.
pub(super) fn own_ladder(parts: &Parts, incident: &Incident, at: Timestamp) -> (Ladder, Roster) {
    let ladder = incident.open().map(|open| open.ladder.clone()).unwrap_or_default();
    let roster = parts.directory.now().roster(&ladder, at);
    (ladder, roster)
}

/// Joins an open incident; one that is over refuses it. It is no alert of a rule, and so brings none of a rule's terms.
fn update(parts: &Parts, request: &Request, incident: &Incident, at: Timestamp) -> IncidentCommand {
    let terms = Terms { merging: request.terms.merging, ..Terms::default() };
    taking(request, own_ladder(parts, incident, at), terms, at)
}

/// Takes an alert in, into whatever incident is asked.
pub(super) fn taking(
    request: &Request,
    (ladder, roster): (Ladder, Roster),
    terms: Terms,
    at: Timestamp,
) -> IncidentCommand {
    IncidentCommand::Open(Box::new(OpenIncident {
        service: request.service,
        team: None,
        key: request.key.clone(),
        episode: 1,
        title: request.alert.title.clone(),
        details: request.alert.details.clone(),
        severity: request.alert.severity,
        alerts: vec![request.alert.clone()],
        ladder,
        roster,
        terms,
        at,
    }))
}

/// The verdict on the delivery, where the incident's own event does not name it.
pub(super) fn verdict(action: AlertAction) -> Option<(Verdict, String)> {
    let reason = match action {
        AlertAction::Trigger
        | AlertAction::Acknowledge
        | AlertAction::Snooze { .. }
        | AlertAction::Resolve
        | AlertAction::Update => return None,
        AlertAction::Unacknowledge => "took the acknowledgement back",
        AlertAction::Note => "recorded as a note",
    };
    Some((Verdict::Recorded, reason.to_owned()))
}
