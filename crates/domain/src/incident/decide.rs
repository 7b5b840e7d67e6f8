//! How an incident judges commands: one function per command.

use std::cmp::Ordering;

use super::{
    Cause, Climb, Hold, Incident, IncidentCommand, IncidentEvent, OpenIncident, OpenState, Situation, Told,
    members::Ending,
};
use crate::{
    Actor, Aggregate, Alert, Channel, IncidentId, Invalid, Ladder, NoteId, Rejection, Roster, Timestamp,
    validate,
};

/// Why an incident refused a command, worded for the responder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IncidentRejection {
    /// Nothing happened under this id.
    #[error("there is no such incident")]
    NotFound,
    /// It is over; the next alert opens another episode.
    #[error("the incident was resolved at {at}")]
    AlreadyResolved {
        /// When.
        at: Timestamp,
    },
    /// Somebody has it.
    #[error("the incident was acknowledged by somebody else at {at}")]
    AlreadyAcknowledged {
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// A message came after a later one of the same monitoring tool.
    #[error("the monitoring tool told what happened until {until} before this earlier message came")]
    Outdated {
        /// Until when.
        until: Timestamp,
    },
    /// The last alert came too long ago for another one to join; it opens another episode.
    #[error("the incident heard its last alert at {heard_at}, too long ago for another one to join")]
    WindowClosed {
        /// When the last alert came.
        heard_at: Timestamp,
    },
    /// The problem is none of those that are grouped in the incident.
    #[error("the problem is none of those that are open in the incident")]
    NotAMember,
    /// Nobody has it.
    #[error("the incident is not acknowledged")]
    NotAcknowledged,
    /// A value breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

impl Rejection for IncidentRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyResolved { .. } => "ALREADY_RESOLVED",
            Self::AlreadyAcknowledged { .. } => "ALREADY_ACKNOWLEDGED",
            Self::Outdated { .. } => "OUTDATED",
            Self::WindowClosed { .. } => "WINDOW_CLOSED",
            Self::NotAMember => "NOT_A_MEMBER",
            Self::NotAcknowledged => "NOT_ACKNOWLEDGED",
            Self::Invalid(_) => "INVALID",
        }
    }

    fn field(&self) -> Option<String> {
        match self {
            Self::Invalid(invalid) => Some(invalid.field.clone()),
            Self::NotFound
            | Self::AlreadyResolved { .. }
            | Self::AlreadyAcknowledged { .. }
            | Self::Outdated { .. }
            | Self::WindowClosed { .. }
            | Self::NotAMember
            | Self::NotAcknowledged => None,
        }
    }
}

type Decision = Result<Vec<IncidentEvent>, IncidentRejection>;

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
            C::UnacknowledgeIncident { by, roster, at } => unacknowledge(self, by, roster, *at),
            C::ResolveIncident { by, via, note, alert, at } => {
                resolve(self, by, *via, note.as_deref(), alert.as_ref(), *at)
            }
            C::ReassignIncident { by, reason, ladder, roster, at } => {
                reassign(self, by, reason.as_deref(), ladder, roster, *at)
            }
            C::EscalateIncident { by, roster, at } => escalate(self, by, roster, *at),
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
    fn expect_open(&self) -> Result<&OpenState, IncidentRejection> {
        match self {
            Self::Open(open) => Ok(open),
            Self::Absent => Err(IncidentRejection::NotFound),
            Self::Resolved { at, .. } => Err(IncidentRejection::AlreadyResolved { at: *at }),
        }
    }
}

fn open(incident: &Incident, command: &OpenIncident) -> Decision {
    match incident {
        Incident::Absent => trigger(command),
        Incident::Open(open) => join(open, command),
        Incident::Resolved { recent, .. }
            if !command.alerts.is_empty()
                && command.alerts.iter().all(|alert| recent.contains(&alert.mark())) =>
        {
            Ok(vec![])
        }
        Incident::Resolved { at, told, .. } => {
            in_order(&command.alerts, told)?;
            Err(IncidentRejection::AlreadyResolved { at: *at })
        }
    }
}

/// Messages of one tool about one problem may come in another order than they were sent. Where they can be ordered,
/// an earlier one changes nothing of what a later one said: it neither opens what is over nor ends what began anew.
fn in_order(alerts: &[Alert], told: &Told) -> Result<(), IncidentRejection> {
    let past: Option<Vec<_>> = alerts.iter().map(|alert| told.past(alert)).collect();
    match past.and_then(|past| past.into_iter().max()) {
        Some(until) => Err(IncidentRejection::Outdated { until }),
        None => Ok(()),
    }
}

fn trigger(command: &OpenIncident) -> Decision {
    validate::line("title", &command.title, Alert::MAX_TITLE)?;
    validate::at_most("details", command.details.as_deref().unwrap_or_default(), Alert::MAX_DETAILS)?;
    validate::at_most("dedupKey", &command.key, Alert::MAX_KEY)?;
    let command = command.clone();
    let (at, terms, count, ladder) =
        (command.at, command.terms, command.alerts.len(), command.ladder.clone());
    let triggered = IncidentEvent::Triggered {
        service: command.service,
        team: command.team,
        key: command.key,
        episode: command.episode,
        title: command.title,
        details: command.details,
        severity: command.severity,
        alerts: command.alerts,
        ladder: command.ladder,
        resolve_at: terms.resolve_after_seconds.map(|seconds| at.plus_seconds(seconds.into())),
        at,
    };
    let next = match terms.hold {
        Some(hold) if !hold.is_reached(count) => {
            held(hold, vec![at; count], at.plus_seconds(hold.seconds()), at)
        }
        Some(_) | None => climb(&ladder, Climb::default().anew(), &command.roster, Cause::Opened, None, at),
    };
    Ok(vec![triggered, next])
}

fn held(hold: Hold, arrived: Vec<Timestamp>, until: Timestamp, at: Timestamp) -> IncidentEvent {
    let arrived = match hold {
        Hold::Suspend { .. } => vec![],
        Hold::Threshold { .. } => arrived,
    };
    IncidentEvent::Held { hold, arrived, until, at }
}

fn join(open: &OpenState, command: &OpenIncident) -> Decision {
    let (at, terms) = (command.at, command.terms);
    let alerts: Vec<_> =
        command.alerts.iter().filter(|alert| !open.recent.contains(&alert.mark())).cloned().collect();
    if alerts.is_empty() {
        return Ok(vec![]);
    }
    if terms.window_seconds.is_some_and(|seconds| at > open.heard_at.plus_seconds(seconds.into())) {
        return Err(IncidentRejection::WindowClosed { heard_at: open.heard_at });
    }
    let is_late = |alert: &Alert| open.told.is_late(alert, &alerts);
    let (from, to) = (open.severity, terms.merging.severity(open.severity, &alerts, is_late));
    let shown = terms.merging.attributes(&open.shown, &alerts, is_late);
    let enough = match &open.situation {
        Situation::Held { hold, arrived, .. } => {
            hold.is_reached(recent(arrived, *hold, at).len() + alerts.len())
        }
        Situation::Escalating { .. } | Situation::Exhausted { .. } | Situation::Acknowledged { .. } => false,
    };
    let resolve_at = terms.resolve_after_seconds.map(|seconds| at.plus_seconds(seconds.into()));
    let mut events = vec![IncidentEvent::AlertsJoined { service: open.service, alerts, resolve_at, at }];
    events.extend(shown.map(|shown| IncidentEvent::AttributesMerged { shown, at }));
    match to.cmp(&from) {
        Ordering::Greater => events.push(IncidentEvent::SeverityRaised { from, to, at }),
        Ordering::Less => events.push(IncidentEvent::SeverityLowered { from, to, at }),
        Ordering::Equal => {}
    }
    if enough {
        events.push(climb(&open.ladder, open.climb.anew(), &command.roster, Cause::Threshold, None, at));
    }
    Ok(events)
}

/// The alerts that still count.
fn recent(arrived: &[Timestamp], hold: Hold, at: Timestamp) -> Vec<Timestamp> {
    let counts = |arrival: &&Timestamp| arrival.plus_seconds(hold.seconds()) > at;
    arrived.iter().filter(counts).copied().collect()
}

fn acknowledge(
    incident: &Incident,
    by: &Actor,
    via: Channel,
    alert: Option<&Alert>,
    at: Timestamp,
) -> Decision {
    let open = incident.expect_open()?;
    match &open.situation {
        // A second press of the same button is not news.
        Situation::Acknowledged { by: holder, .. } if holder == by => Ok(vec![]),
        Situation::Acknowledged { by, at } => {
            Err(IncidentRejection::AlreadyAcknowledged { by: by.clone(), at: *at })
        }
        Situation::Held { .. } | Situation::Escalating { .. } | Situation::Exhausted { .. } => {
            Ok(vec![IncidentEvent::Acknowledged { by: by.clone(), via, alert: alert.cloned(), at }])
        }
    }
}

fn unacknowledge(incident: &Incident, by: &Actor, roster: &Roster, at: Timestamp) -> Decision {
    let open = incident.expect_open()?;
    match open.situation {
        Situation::Acknowledged { .. } => Ok(vec![
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
            match open.members.ending(alert) {
                Ending::Whole => {
                    let (by, note, alert) = (by.clone(), note.map(str::to_owned), alert.cloned());
                    Ok(vec![IncidentEvent::Resolved { by, via, note, alert, at }])
                }
                _ if alert.is_some_and(|alert| open.recent.contains(&alert.mark())) => Ok(vec![]),
                Ending::Part(remaining) => {
                    let ended =
                        |alert: &Alert| IncidentEvent::AlertEnded { alert: alert.clone(), remaining, at };
                    Ok(alert.map(ended).into_iter().collect())
                }
                Ending::Foreign => Err(IncidentRejection::NotAMember),
            }
        }
        Incident::Absent | Incident::Resolved { .. } => Ok(vec![]),
    }
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
        Situation::Held { .. } | Situation::Escalating { .. } | Situation::Acknowledged { .. } => open.climb,
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
        Situation::Held { hold, arrived, until } if open.climb == armed_for && *until <= at => {
            vec![release(open, *hold, &recent(arrived, *hold, at), roster, at)]
        }
        // The deadline belongs to an earlier time: nothing is due.
        Situation::Held { .. }
        | Situation::Escalating { .. }
        | Situation::Exhausted { .. }
        | Situation::Acknowledged { .. } => vec![],
    }
}

/// The wait before the first page is over, one way or the other.
fn release(
    open: &OpenState,
    hold: Hold,
    arrived: &[Timestamp],
    roster: &Roster,
    at: Timestamp,
) -> IncidentEvent {
    match (hold, arrived.first()) {
        (Hold::Suspend { .. }, _) => {
            climb(&open.ladder, open.climb.anew(), roster, Cause::Suspended, None, at)
        }
        // Some came since: the wait goes on until the oldest of them counts no more.
        (Hold::Threshold { .. }, Some(oldest)) => {
            held(hold, arrived.to_vec(), oldest.plus_seconds(hold.seconds()), at)
        }
        (Hold::Threshold { alerts, within_seconds }, None) => {
            by_itself(format!("there were never {alerts} alerts within {within_seconds} seconds"), at)
        }
    }
}

fn resolve_quiet(incident: &Incident, resolve_at: Timestamp, at: Timestamp) -> Vec<IncidentEvent> {
    let Incident::Open(open) = incident else { return vec![] };
    if open.resolve_at != Some(resolve_at) || resolve_at > at {
        return vec![];
    }
    vec![by_itself(format!("no alert came since {}", open.heard_at), at)]
}

fn by_itself(why: String, at: Timestamp) -> IncidentEvent {
    let by = Actor::Reactor { name: "clock".to_owned() };
    IncidentEvent::Resolved { by, via: Channel::Unknown, note: Some(why), alert: None, at }
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

/// Characters in a note.
const MAX_NOTE: usize = 10_000;

impl Climb {
    /// Before the first level of a new climb.
    pub(super) const fn anew(self) -> Self {
        Self { cycle: self.cycle + 1, pass: 1, level: 0 }
    }
}

/// The next level with somebody on it, or the end of the ladder.
fn climb(
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
