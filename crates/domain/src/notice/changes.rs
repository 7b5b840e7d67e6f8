//! What an event of a schedule has to be told.

use super::{About, Due, Matter, SwapStep};
use crate::{
    Invalid, ScheduleId, Timestamp, UserId,
    schedule::{Schedule, ScheduleEvent, Source, Span, Swap, Timetable, Zones, moved},
};

/// How far ahead moved shifts are told, in seconds: 90 days.
pub const AHEAD: u64 = 90 * 24 * 3600;
/// Changes of so many seconds are told together, so that a script that edits a hundred times writes one mail.
const TOGETHER: i64 = 60;

/// What the event that made `after` of `before` has to be told, and to whom. It was the event of this version
/// of the schedule's stream and happened at `at`.
pub fn after_event(
    id: ScheduleId,
    event: &ScheduleEvent,
    version: u64,
    states: [&Schedule; 2],
    zones: &dyn Zones,
    at: Timestamp,
) -> Result<Vec<Due>, Invalid> {
    let [before, after] = states;
    let mut due = vec![];
    let mut tell = |user, at, about| due.push(Due { at, matter: Matter { user, schedule: Some(id), about } });
    let mut told = vec![];
    if let Some((swap, step)) = step_of(event) {
        told = after.find_swap(swap).map(|swap| told_of_swap(after, swap, step)).unwrap_or_default();
        for user in &told {
            tell(*user, at, About::SwapChanged { swap, step });
        }
    }
    if !moves(event) {
        return Ok(due);
    }
    let (old, new) = (before.timetable(zones)?, after.timetable(zones)?);
    let within = Span { start: at, end: at.plus_seconds(AHEAD) };
    // What everybody had before is compared with everything that comes of the edits until then.
    let until = Timestamp::from_millis((at.millis().div_euclid(TOGETHER * 1000) + 1) * TOGETHER * 1000);
    for user in people_moved(&old, &new, within).into_iter().filter(|user| !told.contains(user)) {
        tell(user, until, About::ShiftsMoved { since_version: version - 1, until });
    }
    let idle_before = old.idle(at);
    for source in new.idle(at).into_iter().filter(|source| !idle_before.contains(source)) {
        for user in concerned(after, source) {
            tell(
                user,
                at,
                match source {
                    Source::Override(id) => About::OverrideIdle { id, version },
                    Source::Swap(swap) => About::SwapIdle { swap, version },
                },
            );
        }
    }
    Ok(due)
}

/// Whose shifts differ. A range in which too much happens is told to nobody.
fn people_moved(old: &Timetable, new: &Timetable, within: Span) -> Vec<UserId> {
    let timelines = (old.timeline(within.start, within.end), new.timeline(within.start, within.end));
    let (Ok(old), Ok(new)) = timelines else { return vec![] };
    moved(&old, &new).into_iter().map(|one| one.user).collect()
}

/// Whom an override or a swap is about.
fn concerned(schedule: &Schedule, source: Source) -> Vec<UserId> {
    let mut people = match source {
        Source::Override(id) => schedule.find_override(id).map(|one| one.change.people()).unwrap_or_default(),
        Source::Swap(id) => {
            let swap = schedule.find_swap(id);
            swap.map(|swap| [swap.from].into_iter().chain(swap.taken_by()).collect()).unwrap_or_default()
        }
    };
    people.sort_unstable();
    people.dedup();
    people
}

/// Whom a step of a swap is told: both; and where anybody may take it over, everybody who could.
pub fn told_of_swap(schedule: &Schedule, swap: &Swap, step: SwapStep) -> Vec<UserId> {
    let other = swap.taken_by().or(swap.to);
    let mut people: Vec<UserId> = [swap.from].into_iter().chain(other).collect();
    let open_to_all = matches!(step, SwapStep::Requested | SwapStep::Withdrawn | SwapStep::Expired);
    if other.is_none() && open_to_all {
        people.extend(schedule.people(swap.requested_at));
    }
    people.sort_unstable();
    people.dedup();
    people
}

const fn step_of(event: &ScheduleEvent) -> Option<(crate::SwapId, SwapStep)> {
    Some(match event {
        ScheduleEvent::SwapRequested { id, .. } => (*id, SwapStep::Requested),
        ScheduleEvent::SwapAccepted { id, .. } => (*id, SwapStep::Accepted),
        ScheduleEvent::SwapDeclined { id, .. } => (*id, SwapStep::Declined),
        ScheduleEvent::SwapWithdrawn { id, .. } => (*id, SwapStep::Withdrawn),
        ScheduleEvent::SwapUndone { id, .. } => (*id, SwapStep::Undone),
        _ => return None,
    })
}

/// Whether an event can move anybody's shift. A new schedule moves nobody's.
const fn moves(event: &ScheduleEvent) -> bool {
    match event {
        ScheduleEvent::VersionAdded { .. }
        | ScheduleEvent::VersionReplaced { .. }
        | ScheduleEvent::VersionDropped { .. }
        | ScheduleEvent::OverrideAdded { .. }
        | ScheduleEvent::OverrideCancelled { .. }
        | ScheduleEvent::SwapAccepted { .. }
        | ScheduleEvent::SwapUndone { .. }
        | ScheduleEvent::Retired { .. } => true,
        ScheduleEvent::Created { .. }
        | ScheduleEvent::Renamed { .. }
        | ScheduleEvent::SwapRequested { .. }
        | ScheduleEvent::SwapDeclined { .. }
        | ScheduleEvent::SwapWithdrawn { .. } => false,
    }
}
