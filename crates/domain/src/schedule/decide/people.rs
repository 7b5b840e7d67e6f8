//! A person leaves: their slots stay, so that nobody else's turns move.

use super::{
    super::{
        adjustment::Change,
        events::ScheduleEvent,
        model::Version,
        state::{Override, Schedule, SwapStatus},
    },
    Decision,
};
use crate::{ConfigRejection, Timestamp, UserId};

pub(super) fn remove(schedule: &Schedule, user: UserId, at: Timestamp) -> Decision {
    match schedule.active() {
        // Nobody is on call there any more.
        Err(ConfigRejection::Retired { .. }) => return Ok(vec![]),
        active => active?,
    }
    let mut events = vec![];
    if let Some(version) = schedule.version_at(at).and_then(|version| without(version, user)) {
        let version = Version { effective_from: at, ..version };
        let begins_now = schedule.versions.iter().any(|one| one.effective_from == at);
        events.push(if begins_now {
            ScheduleEvent::VersionReplaced { version }
        } else {
            ScheduleEvent::VersionAdded { version }
        });
    }
    let planned = schedule.planned(at).filter_map(|version| without(version, user));
    events.extend(planned.map(|version| ScheduleEvent::VersionReplaced { version }));
    for one in schedule.overrides.iter().filter(|one| one.is_ahead(at)) {
        events.extend(give_up(schedule, one, user, at));
    }
    for swap in &schedule.swaps {
        let id = swap.id;
        match swap.status {
            SwapStatus::Open if swap.is_open(at) && swap.from == user => {
                events.push(ScheduleEvent::SwapWithdrawn { id, at });
            }
            SwapStatus::Open if swap.is_open(at) && swap.to == Some(user) => {
                events.push(ScheduleEvent::SwapDeclined { id, by: user, at });
            }
            SwapStatus::Accepted { by, .. } if swap.is_ahead(at) && (by == user || swap.from == user) => {
                events.push(ScheduleEvent::SwapUndone { id, at });
            }
            _ => {}
        }
    }
    Ok(events)
}

/// A version without a person; none if they are not in it.
fn without(version: &Version, user: UserId) -> Option<Version> {
    let mut left = version.clone();
    let slots = left.layers.iter_mut().flat_map(|layer| &mut layer.participants);
    slots.for_each(|slot| slot.retain(|one| *one != user));
    (left != *version).then_some(left)
}

/// What becomes of an override that names the person; nothing, if it does not or only takes them off call.
fn give_up(schedule: &Schedule, one: &Override, user: UserId, at: Timestamp) -> Option<ScheduleEvent> {
    let cancel = ScheduleEvent::OverrideCancelled { id: one.id, at };
    match &one.change {
        Change::Set { users } if users.contains(&user) && users.len() > 1 => {
            // The others stay, and so does the order in which overrides apply.
            let (id, span, reason, by) = (one.id.without(user), one.span, one.reason.clone(), one.by.clone());
            let change = Change::Remove { user };
            let known = schedule.find_override(id).is_some();
            (!known).then_some(ScheduleEvent::OverrideAdded { id, change, span, reason, by, at })
        }
        Change::Set { users } => users.contains(&user).then_some(cancel),
        Change::Add { user: added } => (*added == user).then_some(cancel),
        Change::Replace { from, to } => (*from == user || *to == user).then_some(cancel),
        Change::Remove { .. } => None,
    }
}
