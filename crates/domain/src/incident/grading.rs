//! How bad an incident is: what its alerts make of it, and what people say.

use std::cmp::Ordering;

use super::{
    Cause, Climb, Incident, IncidentEvent, Merging, OpenState, Situation,
    decide::{Decision, MAX_NOTE, climb},
};
use crate::{Actor, Alert, Roster, Severity, Timestamp, Update, validate};

/// Somebody says how bad it is.
pub(super) fn change(
    incident: &Incident,
    by: &Actor,
    to: Severity,
    reason: Option<&str>,
    roster: &Roster,
    at: Timestamp,
) -> Decision {
    let open = incident.expect_open()?;
    validate::at_most("reason", reason.unwrap_or_default(), MAX_NOTE)?;
    let (who, why) = (Some(by.clone()), reason.map(str::to_owned));
    let Some(graded) = graded(open.severity, to, who, why, at) else { return Ok(vec![]) };
    let again =
        pages_again(open, to).map(|from| climb(&open.ladder, from, roster, Cause::Worsened, Some(by), at));
    Ok(std::iter::once(graded).chain(again).collect())
}

/// How bad it is once these alerts have joined. What a person said stands until an alert is worse than it ever was.
pub(super) fn once_joined(
    open: &OpenState,
    merging: Merging,
    alerts: &[Alert],
    is_late: impl Fn(&Alert) -> bool,
) -> Severity {
    if open.graded_by_hand {
        let graded = alerts.iter().filter(|alert| alert.says(Update::Severity));
        let worst = graded.map(|alert| alert.severity).max();
        return worst.filter(|worst| *worst > open.worst).unwrap_or(open.severity);
    }
    merging.severity(open.severity, alerts, is_late)
}

/// That it is worse or less bad than it was; none if it is as bad.
pub(super) fn graded(
    from: Severity,
    to: Severity,
    by: Option<Actor>,
    reason: Option<String>,
    at: Timestamp,
) -> Option<IncidentEvent> {
    match to.cmp(&from) {
        Ordering::Greater => Some(IncidentEvent::SeverityRaised { from, to, by, reason, at }),
        Ordering::Less => Some(IncidentEvent::SeverityLowered { from, to, by, reason, at }),
        Ordering::Equal => None,
    }
}

/// Before the level that is paged again, because it is worse than it ever was: whoever was paged judged by how bad it
/// was, and so did whoever snoozed it. Who has it looks at it anyway, and what is held back goes on waiting.
pub(super) fn pages_again(open: &OpenState, to: Severity) -> Option<Climb> {
    match open.situation {
        Situation::Escalating { .. } | Situation::Exhausted { .. } | Situation::Snoozed { .. } => {
            (to > open.worst).then(|| open.climb.again())
        }
        Situation::Held { .. } | Situation::Acknowledged { .. } => None,
    }
}
