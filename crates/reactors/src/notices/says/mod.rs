//! What each notice says.

mod changes;
mod gaps;
mod integrations;
mod shifts;
mod swaps;
mod zone_data;

use commands::Directory;
use domain::{
    ScheduleId, Timestamp,
    notice::{About, Matter, Withheld},
    schedule::{Schedule, Timetable},
};

use super::{
    compose::{Fault, Said},
    words::{Reader, schedule_name},
};
use crate::Parts;

/// Lines of a list.
const MAX_LINES: usize = 20;

/// What a notice is written from.
struct Desk<'a> {
    parts: &'a Parts,
    directory: &'a Directory,
    matter: &'a Matter,
    reader: Reader,
    now: Timestamp,
}

/// A schedule, its name and its answers.
struct On<'a> {
    id: ScheduleId,
    name: String,
    schedule: &'a Schedule,
    timetable: &'a Timetable,
}

/// What a notice says now, or why it is not to be sent.
pub(super) async fn say(
    parts: &Parts,
    directory: &Directory,
    matter: &Matter,
) -> Result<Result<Said, Withheld>, Fault> {
    let reader = Reader::new(directory, matter.user);
    let desk = Desk { parts, directory, matter, reader, now: parts.engine.now() };
    match &matter.about {
        About::ZoneDataChanged { version } => return Ok(desk.zone_data_changed(version)),
        About::IntegrationTroubled { integration, trouble, .. } => {
            return Ok(desk.integration_troubled(*integration, *trouble));
        }
        _ => {}
    }
    let Some(on) = desk.on() else { return Ok(Err(Withheld::Moved)) };
    match &matter.about {
        About::ShiftStarts { start, lead_minutes } => Ok(desk.shift_starts(&on, *start, *lead_minutes)),
        About::ShiftEnds { end, lead_minutes } => Ok(desk.shift_ends(&on, *end, *lead_minutes)),
        About::ShiftBegan { start } => desk.shift_began(&on, *start).await,
        About::GapsAhead { .. } => Ok(desk.gaps_ahead(&on)),
        About::ShiftsMoved { since_version, .. } => desk.shifts_moved(&on, *since_version).await,
        About::SwapChanged { swap, step } => Ok(desk.swap_changed(&on, *swap, *step)),
        About::OverrideIdle { id, .. } => Ok(desk.override_idle(&on, *id)),
        About::SwapIdle { swap, .. } => Ok(desk.swap_idle(&on, *swap)),
        About::ZoneDataChanged { version } => Ok(desk.zone_data_changed(version)),
        About::IntegrationTroubled { integration, trouble, .. } => {
            Ok(desk.integration_troubled(*integration, *trouble))
        }
    }
}

impl<'a> Desk<'a> {
    /// The schedule that the notice is about; none if it cannot be answered from.
    fn on(&self) -> Option<On<'a>> {
        let id = self.matter.schedule?;
        let (schedule, timetable) = (self.directory.schedules.get(&id)?, self.directory.timetable(id)?);
        Some(On { id, name: schedule_name(self.directory, id), schedule, timetable })
    }

    /// In which zone the times of the notice are.
    fn zone_fact(&self) -> (&'static str, String) {
        ("Times in", self.reader.zone_name().to_owned())
    }
}

fn just_before(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.millis() - 1)
}
