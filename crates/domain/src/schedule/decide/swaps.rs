//! Swaps: somebody gives a shift, and somebody else agrees to take it over.

use super::{
    super::{
        commands::ScheduleCommand,
        events::ScheduleEvent,
        state::{Schedule, Swap, SwapStatus},
        tzdb::Zones,
    },
    Decision, check_ahead, check_reason, check_room, is_on_call, ready,
};
use crate::{ConfigRejection, Invalid, SwapId, Timestamp, Unknown, UserId, validate};

pub(super) fn request(schedule: &Schedule, command: &ScheduleCommand) -> Decision {
    let ScheduleCommand::RequestSwap { id, from, to, give, take, reason, unknown, at, zones } = command
    else {
        return Ok(vec![]);
    };
    schedule.active()?;
    validate::known(unknown)?;
    if let Some(known) = schedule.find_swap(*id) {
        let same = (known.from, known.to, known.give, known.take) == (*from, *to, *give, *take);
        return if same { Ok(vec![]) } else { Err(ConfigRejection::AlreadyExists(SwapId::CATEGORY)) };
    }
    if *to == Some(*from) {
        return Err(Invalid::new("to", "must be somebody else than who asks").into());
    }
    check_ahead("give.", *give, *at)?;
    check_reason(reason)?;
    if let Some(take) = take {
        check_ahead("take.", *take, *at)?;
        if take.overlaps(*give) {
            return Err(Invalid::new("take", "must not overlap the time that is given").into());
        }
    }
    check_room(schedule, *at)?;
    let rival = |one: &&Swap| one.from == *from && one.is_open(*at) && one.give.overlaps(*give);
    if let Some(rival) = schedule.swaps.iter().find(rival) {
        let rule = format!("overlaps {}, which is open and asks for the same time", rival.id);
        return Err(ConfigRejection::conflict("give", rule));
    }
    let timetable = ready(schedule, &**zones)?;
    if !is_on_call(&timetable, *from, *give, *at)? {
        return Err(Invalid::new("give", "must contain time ahead at which who asks is on call").into());
    }
    if let (Some(to), Some(take)) = (to, take)
        && !is_on_call(&timetable, *to, *take, *at)?
    {
        return Err(Invalid::new("take", "must contain time ahead at which who is asked is on call").into());
    }
    let (from, to, give, take, reason) = (*from, *to, *give, *take, reason.clone());
    Ok(vec![ScheduleEvent::SwapRequested { id: *id, from, to, give, take, reason, at: *at }])
}

pub(super) fn accept(
    schedule: &Schedule,
    id: SwapId,
    by: UserId,
    at: Timestamp,
    zones: &dyn Zones,
) -> Decision {
    let swap = find(schedule, id)?;
    if let SwapStatus::Accepted { by: taker, .. } = swap.status
        && taker == by
    {
        return Ok(vec![]);
    }
    open(swap, at)?;
    if by == swap.from {
        return Err(ConfigRejection::NotAllowed("nobody can take over their own shift"));
    }
    if swap.to.is_some_and(|to| to != by) {
        return Err(ConfigRejection::NotAllowed("only who was asked can accept this swap"));
    }
    let timetable = ready(schedule, zones)?;
    if !is_on_call(&timetable, swap.from, swap.give, at)? {
        let rule = "cannot be accepted: who asked is not on call in that time any more";
        return Err(ConfigRejection::conflict("swapId", rule));
    }
    if let Some(take) = swap.take
        && !is_on_call(&timetable, by, take, at)?
    {
        let rule = "cannot be accepted: who accepts is not on call in the time that is asked for in return";
        return Err(ConfigRejection::conflict("swapId", rule));
    }
    Ok(vec![ScheduleEvent::SwapAccepted { id, by, at }])
}

pub(super) fn decline(schedule: &Schedule, id: SwapId, by: UserId, at: Timestamp) -> Decision {
    let swap = find(schedule, id)?;
    if swap.to != Some(by) {
        return Err(ConfigRejection::NotAllowed("only who was asked can decline this swap"));
    }
    if matches!(swap.status, SwapStatus::Declined { .. }) {
        return Ok(vec![]);
    }
    open(swap, at)?;
    Ok(vec![ScheduleEvent::SwapDeclined { id, by, at }])
}

pub(super) fn withdraw(schedule: &Schedule, id: SwapId, by: Option<UserId>, at: Timestamp) -> Decision {
    let swap = find(schedule, id)?;
    if by.is_some_and(|by| by != swap.from) {
        return Err(ConfigRejection::NotAllowed(
            "only who asked for a swap and administrators can withdraw it",
        ));
    }
    if matches!(swap.status, SwapStatus::Withdrawn { .. }) {
        return Ok(vec![]);
    }
    open(swap, at)?;
    Ok(vec![ScheduleEvent::SwapWithdrawn { id, at }])
}

pub(super) fn undo(schedule: &Schedule, id: SwapId, by: Option<UserId>, at: Timestamp) -> Decision {
    let swap = find(schedule, id)?;
    let concerned = |user| user == swap.from || swap.taken_by() == Some(user);
    if !by.is_none_or(concerned) {
        return Err(ConfigRejection::NotAllowed(
            "only the two people of a swap and administrators can undo it",
        ));
    }
    match swap.status {
        SwapStatus::Undone { .. } => Ok(vec![]),
        SwapStatus::Accepted { .. } if swap.is_ahead(at) => Ok(vec![ScheduleEvent::SwapUndone { id, at }]),
        SwapStatus::Accepted { .. } => {
            Err(ConfigRejection::conflict("swapId", format!("ended at {}", swap.end())))
        }
        SwapStatus::Open | SwapStatus::Declined { .. } | SwapStatus::Withdrawn { .. } => {
            Err(ConfigRejection::conflict("swapId", "was not accepted, so there is nothing to undo"))
        }
    }
}

fn find(schedule: &Schedule, id: SwapId) -> Result<&Swap, ConfigRejection> {
    schedule.active()?;
    let unknown = || Unknown { field: "swapId".to_owned(), id: id.to_string() };
    schedule.find_swap(id).ok_or_else(|| unknown().into())
}

/// Refuses a swap about which nothing can be decided any more.
fn open(swap: &Swap, at: Timestamp) -> Result<(), ConfigRejection> {
    let rule = match swap.status {
        SwapStatus::Open if swap.is_open(at) => return Ok(()),
        SwapStatus::Open => format!("expired at {}", swap.give.end),
        SwapStatus::Accepted { by, at } => format!("was accepted by {by} at {at}"),
        SwapStatus::Declined { at } => format!("was declined at {at}"),
        SwapStatus::Withdrawn { at } => format!("was withdrawn at {at}"),
        SwapStatus::Undone { at, .. } => format!("was undone at {at}"),
    };
    Err(ConfigRejection::conflict("swapId", rule))
}
