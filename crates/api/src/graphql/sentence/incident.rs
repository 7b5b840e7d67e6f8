//! Incidents in words.

use domain::{
    Actor, Alert, Channel, Responder,
    incident::{Cause, Hold, IncidentEvent},
};

use super::Words;

impl Words<'_> {
    pub(super) fn incident(&self, event: &IncidentEvent) -> String {
        match event {
            IncidentEvent::Triggered { title, severity, alerts, .. } => match alerts.first() {
                Some(Alert { integration, .. }) => {
                    let tool = self.who(&Actor::Integration { id: *integration });
                    format!("{tool} reported “{title}” ({severity})")
                }
                None => format!("{} opened “{title}” ({severity})", self.somebody()),
            },
            IncidentEvent::AlertsJoined { alerts, .. } => match alerts.as_slice() {
                [Alert { title, update: Some(_), .. }] => format!("An alert was updated: “{title}”"),
                [one] => format!("Another alert joined: “{}”", one.title),
                many => format!("{} more alerts joined", many.len()),
            },
            IncidentEvent::SeverityRaised { from, to, by: None, .. } => {
                format!("The severity rose from {from} to {to}")
            }
            IncidentEvent::SeverityLowered { from, to, by: None, .. } => {
                format!("The severity fell from {from} to {to}")
            }
            IncidentEvent::SeverityRaised { from, to, by: Some(by), reason, .. } => {
                let why = words(reason.as_deref());
                format!("{} raised the severity from {from} to {to}{why}", self.who(by))
            }
            IncidentEvent::SeverityLowered { from, to, by: Some(by), reason, .. } => {
                let why = words(reason.as_deref());
                format!("{} lowered the severity from {from} to {to}{why}", self.who(by))
            }
            IncidentEvent::AttributesMerged { shown, .. } => {
                format!("An alert changed what is shown: “{}”", shown.title)
            }
            IncidentEvent::AlertEnded { alert, remaining: 0, .. } => {
                format!("“{}” is over; its alerts are still counted", alert.title)
            }
            IncidentEvent::AlertEnded { alert, remaining, .. } => {
                let are = if *remaining == 1 { "problem remains" } else { "problems remain" };
                format!("“{}” is over, {remaining} {are}", alert.title)
            }
            IncidentEvent::Held { hold, until, .. } => match hold {
                Hold::Suspend { .. } => format!("Nobody is paged before {until}"),
                Hold::Threshold { alerts, within_seconds } => {
                    format!("Nobody is paged before {alerts} alerts came within {within_seconds} seconds")
                }
            },
            IncidentEvent::Escalated { level, pass, responders, skipped, cause, .. } => {
                let users = responders.iter().map(|Responder { user, .. }| user);
                let again = if *pass > 1 { format!(", pass {pass}") } else { String::new() };
                let skipped = match skipped.as_slice() {
                    [] => String::new(),
                    [one] => format!("; level {one} has nobody on it"),
                    many => format!("; levels {} have nobody on them", list(many)),
                };
                format!(
                    "Level {level}{again}: {} to be paged{}{skipped}",
                    self.people(users),
                    because(*cause)
                )
            }
            IncidentEvent::Exhausted { administrators, cause, .. } => {
                let people = self.people(administrators);
                format!(
                    "Nobody is left on the ladder{}: administrators to be paged: {people}",
                    because(*cause)
                )
            }
            IncidentEvent::Acknowledged { by, via, .. } => {
                format!("{} acknowledged{}", self.who(by), through(*via))
            }
            IncidentEvent::Snoozed { by, via, until, reason, .. } => {
                let why = words(reason.as_deref());
                format!("{} snoozed until {until}{}{why}", self.who(by), through(*via))
            }
            IncidentEvent::Unacknowledged { by, .. } => {
                format!("{} took the acknowledgement back", self.who(by))
            }
            IncidentEvent::Resolved { by, via, note, .. } => {
                format!("{} resolved{}{}", self.who(by), through(*via), words(note.as_deref()))
            }
            IncidentEvent::Reassigned { by, reason, .. } => {
                format!("{} reassigned{}", self.who(by), words(reason.as_deref()))
            }
            IncidentEvent::NoteAdded { by, text, .. } => format!("{} noted: {text}", self.who(by)),
        }
    }
}

const fn because(cause: Cause) -> &'static str {
    match cause {
        Cause::Opened => "",
        Cause::Timeout => " because nobody acknowledged in time",
        Cause::Manual => " on request",
        Cause::Reassigned => " after the reassignment",
        Cause::Unacknowledged => " because the acknowledgement was taken back",
        Cause::Suspended => " because it was not over in time",
        Cause::Threshold => " because enough alerts came",
        Cause::Unheld => " because an alert came that its rule does not hold back",
        Cause::Worsened => " because it is worse than before",
        Cause::SnoozeEnded => " because the snooze is over",
    }
}

const fn through(via: Channel) -> &'static str {
    match via {
        Channel::Alert => " in the monitoring tool",
        Channel::Api | Channel::Unknown => "",
    }
}

/// What somebody said about it, if anything.
fn words(said: Option<&str>) -> String {
    said.map(|said| format!(": {said}")).unwrap_or_default()
}

fn list(levels: &[u32]) -> String {
    levels.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}
