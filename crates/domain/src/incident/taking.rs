//! How an incident takes alerts: opening, joining, and ending without any.

use super::{
    Cause, Climb, Hold, Incident, IncidentEvent, IncidentRejection, OpenIncident, OpenState, Told,
    decide::{Decision, climb},
    grading::{graded, once_joined, pages_again},
    holding::{ended_by, held},
};
use crate::{Actor, Alert, Channel, Timestamp, validate};

pub(super) fn open(incident: &Incident, command: &OpenIncident) -> Decision {
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
pub(super) fn in_order(alerts: &[Alert], told: &Told) -> Result<(), IncidentRejection> {
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
    let OpenIncident { at, terms, ref ladder, .. } = *command;
    let triggered = IncidentEvent::Triggered {
        service: command.service,
        team: command.team,
        key: command.key.clone(),
        episode: command.episode,
        title: command.title.clone(),
        details: command.details.clone(),
        severity: command.severity,
        alerts: command.alerts.clone(),
        ladder: ladder.clone(),
        resolve_at: terms.resolve_after_seconds.map(|seconds| at.plus_seconds(seconds.into())),
        at,
    };
    let next = match terms.hold {
        Some(hold) if !hold.is_reached(command.alerts.len()) => {
            held(hold, vec![at; command.alerts.len()], at.plus_seconds(hold.seconds()), at)
        }
        Some(_) | None => climb(ladder, Climb::default().anew(), &command.roster, Cause::Opened, None, at),
    };
    Ok(vec![triggered, next])
}

fn join(open: &OpenState, command: &OpenIncident) -> Decision {
    let (at, terms) = (command.at, command.terms);
    let alerts: Vec<_> =
        command.alerts.iter().filter(|alert| !open.recent.contains(&alert.mark())).cloned().collect();
    if alerts.is_empty() {
        return Ok(vec![]);
    }
    open.expect_lasting(alerts.iter().find(|alert| alert.update.is_some()))?;
    let is_closed =
        terms.window_seconds.is_some_and(|seconds| at > open.heard_at.plus_seconds(seconds.into()));
    if is_closed && alerts.iter().any(|alert| open.is_news(alert)) {
        return Err(IncidentRejection::WindowClosed { heard_at: open.heard_at });
    }
    let is_late = |alert: &Alert| open.told.is_late(alert, &alerts);
    let (from, to) = (open.severity, once_joined(open, terms.merging, &alerts, is_late));
    let shown = terms.merging.attributes(&open.shown, &alerts, is_late);
    let paging = match ended_by(open, &alerts, terms.hold, at) {
        Some(cause) => Some((open.climb.again(), cause)),
        None => pages_again(open, to).map(|from| (from, Cause::Worsened)),
    };
    let resolve_at = match terms.resolve_after_seconds {
        Some(seconds) => Some(at.plus_seconds(seconds.into())),
        // Whoever waits for silence waits for all alerts to be silent.
        None => open.silence.map(|silence| at + silence),
    };
    let mut events = vec![IncidentEvent::AlertsJoined { service: open.service, alerts, resolve_at, at }];
    events.extend(shown.map(|shown| IncidentEvent::AttributesMerged { shown, at }));
    events.extend(graded(from, to, None, None, at));
    match paging {
        Some((from, cause)) if open.ladder == command.ladder => {
            events.push(climb(&open.ladder, from, &command.roster, cause, None, at));
        }
        // Who is on the ladder that it opened with is not known here: the clock looks it up, at once.
        Some(_) => events.push(held(Hold::Suspend { seconds: 0 }, vec![], at, at)),
        None => {}
    }
    Ok(events)
}

pub(super) fn resolve_quiet(incident: &Incident, resolve_at: Timestamp, at: Timestamp) -> Vec<IncidentEvent> {
    let Incident::Open(open) = incident else { return vec![] };
    if open.resolve_at != Some(resolve_at) || resolve_at > at {
        return vec![];
    }
    vec![by_itself(format!("no alert came since {}", open.heard_at), at)]
}

pub(super) fn by_itself(why: String, at: Timestamp) -> IncidentEvent {
    let by = Actor::Reactor { name: "clock".to_owned() };
    IncidentEvent::Resolved { by, via: Channel::Unknown, note: Some(why), alert: None, at }
}
