//! Which rule judges which command.

mod overrides;
mod people;
mod swaps;
mod versions;

use super::{
    check, commands::ScheduleCommand, events::ScheduleEvent, model::Span, state::Schedule,
    timetable::Timetable, tzdb::Zones,
};
use crate::{ConfigRejection, Invalid, Timestamp, UserId, validate};

/// Overrides and swaps of one schedule that have not ended.
const MAX_AHEAD: usize = 500;
/// The longest reason, in characters.
const MAX_REASON: usize = 200;

type Decision = Result<Vec<ScheduleEvent>, ConfigRejection>;

pub(super) fn decide(schedule: &Schedule, command: &ScheduleCommand) -> Decision {
    match command {
        ScheduleCommand::CreateSchedule { name, team, version, unknown, at } => {
            versions::create(schedule, name, *team, version, unknown, *at)
        }
        ScheduleCommand::UpdateSchedule { name, edit, unknown, at } => {
            versions::update(schedule, name.as_ref(), edit.as_ref(), unknown, *at)
        }
        ScheduleCommand::DropVersion { effective_from, at } => {
            versions::drop_planned(schedule, *effective_from, *at)
        }
        ScheduleCommand::AddOverride { .. } => overrides::add(schedule, command),
        ScheduleCommand::Cover { .. } => overrides::cover(schedule, command),
        ScheduleCommand::CancelOverride { id, by, at } => overrides::cancel(schedule, *id, *by, *at),
        ScheduleCommand::RequestSwap { .. } => swaps::request(schedule, command),
        ScheduleCommand::AcceptSwap { id, by, unknown, at, zones } => {
            validate::known(unknown)?;
            swaps::accept(schedule, *id, *by, *at, &**zones)
        }
        ScheduleCommand::DeclineSwap { id, by, at } => swaps::decline(schedule, *id, *by, *at),
        ScheduleCommand::WithdrawSwap { id, by, at } => swaps::withdraw(schedule, *id, *by, *at),
        ScheduleCommand::UndoSwap { id, by, at } => swaps::undo(schedule, *id, *by, *at),
        ScheduleCommand::RemovePerson { user, at } => people::remove(schedule, *user, *at),
        ScheduleCommand::RetireSchedule { at } => match schedule.active() {
            Err(ConfigRejection::Retired { .. }) => Ok(vec![]),
            active => active.map(|()| vec![ScheduleEvent::Retired { at: *at }]),
        },
    }
}

/// A stretch of time that has a beginning, an end ahead, and a sane length.
fn check_ahead(field: &str, span: Span, at: Timestamp) -> Result<(), Invalid> {
    const LONGEST_DAYS: i64 = 366;
    check::check_span(field, span)?;
    if span.end <= at {
        return Err(Invalid::new(format!("{field}end"), format!("must not be in the past: it is {at}")));
    }
    if span.end.millis() - span.start.millis() > LONGEST_DAYS * 86_400_000 {
        let rule = format!("must be at most {LONGEST_DAYS} days later than the start");
        return Err(Invalid::new(format!("{field}end"), rule));
    }
    Ok(())
}

fn check_reason(reason: &str) -> Result<(), Invalid> {
    if reason.is_empty() { Ok(()) } else { validate::line("reason", reason, MAX_REASON) }
}

/// Refuses what would be one too many.
fn check_room(schedule: &Schedule, at: Timestamp) -> Result<(), ConfigRejection> {
    let overrides = schedule.overrides.iter().filter(|one| one.is_ahead(at)).count();
    let swaps = schedule.swaps.iter().filter(|one| one.is_ahead(at) || one.is_open(at)).count();
    if overrides + swaps < MAX_AHEAD {
        return Ok(());
    }
    let rule = format!("has {MAX_AHEAD} overrides and swaps ahead already, which is the most");
    Err(ConfigRejection::conflict("scheduleId", rule))
}

fn ready(schedule: &Schedule, zones: &dyn Zones) -> Result<Timetable, ConfigRejection> {
    schedule.timetable(zones).map_err(Into::into)
}

/// Whether a person is on call at some time of a span from an instant on.
fn is_on_call(timetable: &Timetable, user: UserId, span: Span, at: Timestamp) -> Result<bool, Invalid> {
    let shifts = timetable.shifts(user, span.start.max(at), span.end);
    shifts.map(|shifts| !shifts.is_empty()).map_err(|why| Invalid::new("give", why.to_string()))
}
