//! Overrides: who is on call instead, for a while.

use super::{
    super::{
        adjustment::Change,
        check::MAX_SHARING,
        commands::ScheduleCommand,
        events::ScheduleEvent,
        model::Span,
        state::{Override, Schedule},
    },
    Decision, check_ahead, check_reason, check_room, ready,
};
use crate::{Actor, ConfigRejection, Invalid, OverrideId, Timestamp, Unknown, UserId, validate};

/// How far ahead the end of a shift is looked for, in seconds: 35 days.
const SHIFT_WITHIN: u64 = 35 * 86_400;

pub(super) fn add(schedule: &Schedule, command: &ScheduleCommand) -> Decision {
    let ScheduleCommand::AddOverride { id, change, span, reason, by, unknown, at } = command else {
        return Ok(vec![]);
    };
    schedule.active()?;
    validate::known(unknown)?;
    if let Some(known) = schedule.find_override(*id) {
        let same = (&known.change, known.span, &known.reason) == (change, *span, reason);
        return if same { Ok(vec![]) } else { Err(ConfigRejection::AlreadyExists(OverrideId::CATEGORY)) };
    }
    check_change(change)?;
    check_ahead("", *span, *at)?;
    check_reason(reason)?;
    check_room(schedule, *at)?;
    record(schedule, *id, change.clone(), *span, reason, by, *at)
}

pub(super) fn cover(schedule: &Schedule, command: &ScheduleCommand) -> Decision {
    let ScheduleCommand::Cover { id, from, to, end, reason, by, unknown, at, zones } = command else {
        return Ok(vec![]);
    };
    schedule.active()?;
    validate::known(unknown)?;
    let change = Change::Replace { from: *from, to: *to };
    if let Some(known) = schedule.find_override(*id) {
        let same = known.change == change && end.is_none_or(|end| known.span.end == end);
        return if same { Ok(vec![]) } else { Err(ConfigRejection::AlreadyExists(OverrideId::CATEGORY)) };
    }
    check_change(&change)?;
    check_reason(reason)?;
    check_room(schedule, *at)?;
    let horizon = at.plus_seconds(SHIFT_WITHIN);
    let shifts = ready(schedule, &**zones)?.shifts(*from, *at, horizon);
    let shifts = shifts.map_err(|why| Invalid::new("end", why.to_string()))?;
    let Some(shift) = shifts.first().filter(|shift| shift.start == *at) else {
        return Err(Invalid::new("from", "must be somebody who is on call now").into());
    };
    let end = match end {
        Some(end) => *end,
        None if shift.end < horizon => shift.end,
        None => {
            return Err(Invalid::new("end", "must be given: the shift goes on for more than 35 days").into());
        }
    };
    let span = Span { start: *at, end };
    check_ahead("", span, *at)?;
    record(schedule, *id, change, span, reason, by, *at)
}

pub(super) fn cancel(schedule: &Schedule, id: OverrideId, by: Option<UserId>, at: Timestamp) -> Decision {
    schedule.active()?;
    let Some(known) = schedule.find_override(id) else {
        return Err(Unknown { field: "overrideId".to_owned(), id: id.to_string() }.into());
    };
    if known.cancelled_at.is_some() {
        return Ok(vec![]);
    }
    let concerned =
        |user: UserId| known.by == Actor::User { id: user } || known.change.people().contains(&user);
    if !by.is_none_or(concerned) {
        return Err(ConfigRejection::NotAllowed(
            "only who made an override, whom it concerns and administrators can cancel it",
        ));
    }
    if known.span.end <= at {
        return Err(ConfigRejection::conflict("overrideId", format!("ended at {}", known.span.end)));
    }
    Ok(vec![ScheduleEvent::OverrideCancelled { id, at }])
}

fn record(
    schedule: &Schedule,
    id: OverrideId,
    change: Change,
    span: Span,
    reason: &str,
    by: &Actor,
    at: Timestamp,
) -> Decision {
    let rival =
        |one: &&Override| one.is_ahead(at) && one.span.overlaps(span) && contradicts(&one.change, &change);
    if let Some(rival) = schedule.overrides.iter().find(rival) {
        let Span { start, end } = rival.span;
        let rule = format!("overlaps {}, which does the same from {start} to {end}", rival.id);
        return Err(ConfigRejection::conflict("start", rule));
    }
    Ok(vec![ScheduleEvent::OverrideAdded { id, change, span, reason: reason.to_owned(), by: by.clone(), at }])
}

/// Whether two overrides decide the same question, so that only one of them can be meant.
fn contradicts(one: &Change, other: &Change) -> bool {
    match (one, other) {
        (Change::Set { .. }, Change::Set { .. }) => true,
        (Change::Replace { from: one, .. }, Change::Replace { from: other, .. })
        | (Change::Add { user: one }, Change::Add { user: other })
        | (Change::Remove { user: one }, Change::Remove { user: other }) => one == other,
        _ => false,
    }
}

fn check_change(change: &Change) -> Result<(), Invalid> {
    match change {
        Change::Set { users } => {
            validate::within("users", users.len(), 0, MAX_SHARING)?;
            match (1..users.len()).find(|place| users[..*place].contains(&users[*place])) {
                Some(place) => Err(Invalid::new(format!("users[{place}]"), "must not be repeated")),
                None => Ok(()),
            }
        }
        Change::Replace { from, to } if from == to => {
            Err(Invalid::new("to", "must be somebody else than the one who is relieved"))
        }
        Change::Replace { .. } | Change::Add { .. } | Change::Remove { .. } => Ok(()),
    }
}
