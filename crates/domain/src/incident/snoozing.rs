//! Snoozing: nobody is paged until a time, and then from the beginning.

use super::{
    Incident, IncidentEvent, IncidentRejection, Situation,
    decide::{Decision, MAX_NOTE},
};
use crate::{Actor, Alert, Channel, Invalid, Timestamp, validate};

/// The longest snooze, in days.
const LONGEST_DAYS: u64 = 7;

pub(super) fn snooze(
    incident: &Incident,
    by: &Actor,
    until: Timestamp,
    reason: Option<&str>,
    via: Channel,
    alert: Option<&Alert>,
    at: Timestamp,
) -> Decision {
    let open = incident.expect_open()?;
    open.expect_lasting(alert)?;
    validate::at_most("reason", reason.unwrap_or_default(), MAX_NOTE)?;
    check(until, at)?;
    let is_so = match &open.situation {
        Situation::Snoozed { by: holder, until: so_far, .. } => holder == by && *so_far == until,
        Situation::Held { .. }
        | Situation::Escalating { .. }
        | Situation::Exhausted { .. }
        | Situation::Acknowledged { .. } => false,
    };
    if is_so {
        return Ok(vec![]);
    }
    let (by, reason, alert) = (by.clone(), reason.map(str::to_owned), alert.cloned());
    Ok(vec![IncidentEvent::Snoozed { by, via, until, reason, alert, at }])
}

fn check(until: Timestamp, at: Timestamp) -> Result<(), IncidentRejection> {
    let latest = at.plus_seconds(LONGEST_DAYS * 24 * 3600);
    if until <= at {
        return Err(Invalid::new("until", format!("must be in the future, not {until}")).into());
    }
    if until > latest {
        let rule = format!("must be at most {LONGEST_DAYS} days ahead, which is {latest}");
        return Err(Invalid::new("until", rule).into());
    }
    Ok(())
}
