//! How an incident judges commands: one function per command.

use super::{
    Cause, Climb, Incident, IncidentCommand, IncidentEvent, IncidentRejection, OpenState, Situation, grading,
    holding::release,
    members::Ending,
    snoozing::snooze,
    taking::{in_order, open, resolve_quiet},
};
use crate::{
    Actor, Aggregate, Alert, Channel, IncidentId, Invalid, Ladder, NoteId, Roster, Timestamp, validate,
};

pub(super) type Decision = Result<Vec<IncidentEvent>, IncidentRejection>;

impl Aggregate for Incident {
    const CATEGORY: &'static str = IncidentId::CATEGORY;
    type Id = IncidentId;
    type Command = IncidentCommand;
    type Event = IncidentEvent;
    type Rejection = IncidentRejection;

    fn evolve(&mut self, event: &IncidentEvent) {
        self.apply(event);
    }

    fn decide(&self, command: &IncidentCommand) -> Decision {
        use IncidentCommand as C;
        match command {
            C::Open(command) => open(self, command),
            C::AcknowledgeIncident { by, via, alert, at } => acknowledge(self, by, *via, alert.as_ref(), *at),
            C::SnoozeIncident { by, until, reason, via, alert, at } => {
                snooze(self, by, *until, reason.as_deref(), *via, alert.as_ref(), *at)
            }
            C::UnacknowledgeIncident { by, roster, at } => unacknowledge(self, by, roster, *at),
            C::ResolveIncident { by, via, note, alert, at } => {
                resolve(self, by, *via, note.as_deref(), alert.as_ref(), *at)
            }
            C::ReassignIncident { by, reason, ladder, roster, at } => {
                reassign(self, by, reason.as_deref(), ladder, roster, *at)
            }
            C::EscalateIncident { by, roster, at } => escalate(self, by, roster, *at),
            C::ChangeIncidentSeverity { by, severity, reason, roster, at } => {
                grading::change(self, by, *severity, reason.as_deref(), roster, *at)
            }
            C::EscalateOverdue { cycle, pass, level, roster, at } => {
                let armed_for = Climb { cycle: *cycle, pass: *pass, level: *level };
                Ok(escalate_overdue(self, armed_for, roster, *at))
            }
            C::ResolveQuiet { resolve_at, at } => Ok(resolve_quiet(self, *resolve_at, *at)),
            C::AddIncidentNote { note, by, text, at } => add_note(self, *note, by, text, *at),
        }
    }
}

impl Incident {
    pub(super) fn expect_open(&self) -> Result<&OpenState, IncidentRejection> {
        match self {
            Self::Open(open) => Ok(open),
            Self::Absent => Err(IncidentRejection::NotFound),
            Self::Resolved { at, .. } => Err(IncidentRejection::AlreadyResolved { at: *at }),
        }
    }
}

fn acknowledge(
    incident: &Incident,
    by: &Actor,
    via: Channel,
    alert: Option<&Alert>,
    at: Timestamp,
) -> Decision {
    let open = incident.expect_open()?;
    open.expect_lasting(alert)?;
    match &open.situation {
        // A second press of the same button is not news.
        Situation::Acknowledged { by: holder, .. } if holder == by => Ok(vec![]),
        Situation::Acknowledged { by, at } => {
            Err(IncidentRejection::AlreadyAcknowledged { by: by.clone(), at: *at })
        }
        Situation::Held { .. }
        | Situation::Escalating { .. }
        | Situation::Exhausted { .. }
        | Situation::Snoozed { .. } => {
            Ok(vec![IncidentEvent::Acknowledged { by: by.clone(), via, alert: alert.cloned(), at }])
        }
    }
}

fn unacknowledge(incident: &Incident, by: &Actor, roster: &Roster, at: Timestamp) -> Decision {
    let open = incident.expect_open()?;
    match open.situation {
        Situation::Acknowledged { .. } | Situation::Snoozed { .. } => Ok(vec![
            IncidentEvent::Unacknowledged { by: by.clone(), at },
            climb(&open.ladder, open.climb.anew(), roster, Cause::Unacknowledged, Some(by), at),
        ]),
        Situation::Held { .. } | Situation::Escalating { .. } | Situation::Exhausted { .. } => {
            Err(IncidentRejection::NotAcknowledged)
        }
    }
}

fn resolve(
    incident: &Incident,
    by: &Actor,
    via: Channel,
    note: Option<&str>,
    alert: Option<&Alert>,
    at: Timestamp,
) -> Decision {
    if let Incident::Absent = incident {
        return Err(IncidentRejection::NotFound);
    }
    validate::at_most("note", note.unwrap_or_default(), MAX_NOTE)?;
    match incident {
        Incident::Open(open) => {
            in_order(alert.map_or(&[], std::slice::from_ref), &open.told)?;
            let is_whole = open.members.ending(alert) == Ending::Whole;
            match alert {
                Some(alert) if open.counts_alerts() || !is_whole => end_alert(open, alert, at),
                _ => {
                    let (by, note, alert) = (by.clone(), note.map(str::to_owned), alert.cloned());
                    Ok(vec![IncidentEvent::Resolved { by, via, note, alert, at }])
                }
            }
        }
        Incident::Absent | Incident::Resolved { .. } => Ok(vec![]),
    }
}

/// A monitoring tool says that one of the problems is over; the incident is not.
fn end_alert(open: &OpenState, alert: &Alert, at: Timestamp) -> Decision {
    let remaining = match open.members.ending(Some(alert)) {
        _ if open.recent.contains(&alert.mark()) => return Ok(vec![]),
        Ending::Foreign => return Err(IncidentRejection::NotAMember),
        Ending::Whole if open.members.are_over() => return Ok(vec![]),
        Ending::Whole => 0,
        Ending::Part(remaining) => remaining,
    };
    Ok(vec![IncidentEvent::AlertEnded { alert: alert.clone(), remaining, at }])
}

fn reassign(
    incident: &Incident,
    by: &Actor,
    reason: Option<&str>,
    ladder: &Ladder,
    roster: &Roster,
    at: Timestamp,
) -> Decision {
    let open = incident.expect_open()?;
    validate::at_most("reason", reason.unwrap_or_default(), MAX_NOTE)?;
    let (by, reason) = (by.clone(), reason.map(str::to_owned));
    let next = climb(ladder, open.climb.anew(), roster, Cause::Reassigned, Some(&by), at);
    Ok(vec![IncidentEvent::Reassigned { by, reason, ladder: ladder.clone(), at }, next])
}

fn escalate(incident: &Incident, by: &Actor, roster: &Roster, at: Timestamp) -> Decision {
    let open = incident.expect_open()?;
    let from = match open.situation {
        Situation::Exhausted { .. } => open.climb.anew(),
        _ if open.climb.level == 0 => open.climb.anew(),
        Situation::Held { .. }
        | Situation::Escalating { .. }
        | Situation::Acknowledged { .. }
        | Situation::Snoozed { .. } => open.climb,
    };
    Ok(vec![climb(&open.ladder, from, roster, Cause::Manual, Some(by), at)])
}

fn escalate_overdue(
    incident: &Incident,
    armed_for: Climb,
    roster: &Roster,
    at: Timestamp,
) -> Vec<IncidentEvent> {
    let Incident::Open(open) = incident else { return vec![] };
    match &open.situation {
        Situation::Escalating { next_at } if open.climb == armed_for && *next_at <= at => {
            vec![climb(&open.ladder, open.climb, roster, Cause::Timeout, None, at)]
        }
        // Here the time alone counts: whatever the deadline was armed for, it has come.
        Situation::Held { hold, arrived, until } if *until <= at => {
            vec![release(open, *hold, arrived, roster, at)]
        }
        Situation::Snoozed { until, .. } if *until <= at => {
            vec![climb(&open.ladder, open.climb.anew(), roster, Cause::SnoozeEnded, None, at)]
        }
        // The deadline belongs to an earlier time: nothing is due.
        Situation::Held { .. }
        | Situation::Escalating { .. }
        | Situation::Exhausted { .. }
        | Situation::Acknowledged { .. }
        | Situation::Snoozed { .. } => vec![],
    }
}

fn add_note(incident: &Incident, note: NoteId, by: &Actor, text: &str, at: Timestamp) -> Decision {
    if let Incident::Absent = incident {
        return Err(IncidentRejection::NotFound);
    }
    if text.trim().is_empty() {
        return Err(Invalid::new("text", "must not be empty").into());
    }
    validate::at_most("text", text, MAX_NOTE)?;
    if incident.has_note(note) {
        return Ok(vec![]);
    }
    Ok(vec![IncidentEvent::NoteAdded { note, by: by.clone(), text: text.to_owned(), at }])
}

/// Characters in a note or a reason.
pub(super) const MAX_NOTE: usize = 10_000;

impl Climb {
    /// Before the first level of a new climb.
    pub(super) const fn anew(self) -> Self {
        Self { cycle: self.cycle + 1, pass: 1, level: 0 }
    }

    /// Before the same level, for pages of their own; before the first one if it stands on none.
    pub(super) const fn again(self) -> Self {
        match self.level {
            0 => self.anew(),
            level => Self { cycle: self.cycle + 1, pass: self.pass, level: level - 1 },
        }
    }
}

/// The next level with somebody on it, or the end of the ladder.
pub(super) fn climb(
    ladder: &Ladder,
    from: Climb,
    roster: &Roster,
    cause: Cause,
    by: Option<&Actor>,
    at: Timestamp,
) -> IncidentEvent {
    let (rung, skipped) = ladder.next(from.pass, from.level, roster);
    let (cycle, by, decided_at) = (from.cycle, by.cloned(), roster.decided_at);
    match rung {
        Some(rung) => IncidentEvent::Escalated {
            // Each pass is a cycle of its own, so that its pages are pages of their own.
            cycle: cycle + (rung.pass - from.pass),
            pass: rung.pass,
            level: rung.level,
            responders: rung.responders,
            skipped,
            next_at: at.plus_seconds(rung.timeout_seconds.into()),
            cause,
            by,
            decided_at,
            at,
        },
        None => IncidentEvent::Exhausted {
            cycle,
            skipped,
            administrators: roster.administrators.clone(),
            cause,
            by,
            decided_at,
            at,
        },
    }
}
