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
    for one in schedule.overrides.iter().filter(|one| one.is_ahead(at) && one.change.people().contains(&user))
    {
        events.push(ScheduleEvent::OverrideCancelled { id: one.id, at });
        events.extend(rest(one, user, at));
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

/// What is left of an override that put several people on call.
fn rest(one: &Override, user: UserId, at: Timestamp) -> Option<ScheduleEvent> {
    let Change::Set { users } = &one.change else { return None };
    let users: Vec<UserId> = users.iter().copied().filter(|one| *one != user).collect();
    let (id, span, reason, by) = (one.id.without(user), one.span, one.reason.clone(), one.by.clone());
    let change = Change::Set { users: users.clone() };
    (!users.is_empty()).then_some(ScheduleEvent::OverrideAdded { id, change, span, reason, by, at })
}
