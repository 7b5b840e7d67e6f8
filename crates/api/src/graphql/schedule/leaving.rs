//! What becomes of schedules when somebody leaves.

use std::sync::Arc;

use async_graphql::SimpleObject;
use commands::Directory;
use domain::{
    ScheduleId, Timestamp, UserId,
    schedule::{Preview, ScheduleCommand, Span},
};

use super::{Schedule, Warning, swaps::TimeSpan};
use crate::graphql::scalar::DateTime;

/// How far ahead is looked, in days.
const DAYS: u64 = 90;

/// A schedule on which nobody is on call at times at which somebody was to be.
#[derive(SimpleObject)]
pub(in crate::graphql) struct OpenedGaps {
    /// Which schedule.
    schedule: Schedule,
    /// When nobody is on call.
    gaps: Vec<TimeSpan>,
    #[graphql(skip)]
    warning: Warning,
}

impl OpenedGaps {
    /// The same in words, about a field of an input.
    pub(in crate::graphql) fn warning(&self, field: &str) -> Warning {
        Warning { field: field.to_owned(), ..self.warning.clone() }
    }
}

/// The gaps that open when a person is taken out of every schedule, in the order of the schedules' ids.
pub(in crate::graphql) fn opened_gaps(
    directory: &Arc<Directory>,
    user: UserId,
    at: Timestamp,
) -> Vec<OpenedGaps> {
    let mut ids: Vec<ScheduleId> = directory.schedules.keys().copied().collect();
    ids.sort_unstable();
    ids.into_iter().filter_map(|id| of_schedule(directory, id, user, at)).collect()
}

fn of_schedule(
    directory: &Arc<Directory>,
    id: ScheduleId,
    user: UserId,
    at: Timestamp,
) -> Option<OpenedGaps> {
    let state = directory.schedules.get(&id)?;
    if state.retired_at.is_some() || !state.involved(at).contains(&user) {
        return None;
    }
    let after = state.tried(&ScheduleCommand::RemovePerson { user, at }).ok()?;
    let after = after.timetable(&*directory.zones).ok()?;
    let within = Span { start: at, end: at.plus_seconds(DAYS * 86_400) };
    let opened = Preview::of(directory.timetable(id)?, &after, within).ok()?.opened;
    let first = opened.first()?;
    let more = match opened.len() - 1 {
        0 => String::new(),
        1 => ", and one more time".to_owned(),
        more => format!(", and {more} more times"),
    };
    let message = format!(
        "{} has nobody on call from {} to {}{more} in the next {DAYS} days",
        state.name, first.start, first.end
    );
    let warning = Warning { field: String::new(), message, resolved_at: Some(DateTime(first.start)) };
    let gaps = opened.iter().copied().map(Into::into).collect();
    Some(OpenedGaps { schedule: Schedule::find(directory, id)?, gaps, warning })
}
