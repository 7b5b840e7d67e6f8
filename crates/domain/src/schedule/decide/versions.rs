//! Making schedules, and what they say from when on.

use super::{
    super::{
        check::check_version, commands::Edit, edit::keep_current, events::ScheduleEvent, model::Version,
        state::Schedule,
    },
    Decision,
};
use crate::{ConfigRejection, Invalid, ScheduleId, TeamId, Timestamp, Unknown, validate};

/// Versions that have not begun.
const MAX_PLANNED: usize = 50;
/// How far ahead a version may begin, in days.
const MAX_AHEAD_DAYS: i64 = 5 * 366;

pub(super) fn create(
    schedule: &Schedule,
    name: &str,
    team: Option<TeamId>,
    version: &Version,
    unknown: &[Unknown],
    at: Timestamp,
) -> Decision {
    validate::line("name", name, 100)?;
    check_version(version)?;
    validate::known(unknown)?;
    let Some(first) = schedule.versions.first() else {
        check_start(version.effective_from, at)?;
        return Ok(vec![ScheduleEvent::Created { name: name.to_owned(), team, version: version.clone() }]);
    };
    // A repeated request arrives later, so the instant from which it holds may differ.
    let same = schedule.name == name
        && schedule.team == team
        && (&first.time_zone, &first.layers) == (&version.time_zone, &version.layers);
    if same { Ok(vec![]) } else { Err(ConfigRejection::AlreadyExists(ScheduleId::CATEGORY)) }
}

pub(super) fn update(
    schedule: &Schedule,
    name: Option<&String>,
    edit: Option<&Edit>,
    unknown: &[Unknown],
    at: Timestamp,
) -> Decision {
    schedule.active()?;
    validate::known(unknown)?;
    let mut events = vec![];
    if let Some(name) = name.filter(|name| **name != schedule.name) {
        validate::line("name", name, 100)?;
        events.push(ScheduleEvent::Renamed { name: name.clone() });
    }
    if let Some(edit) = edit {
        events.extend(change(schedule, edit, at)?);
    }
    Ok(events)
}

fn change(schedule: &Schedule, edit: &Edit, at: Timestamp) -> Result<Option<ScheduleEvent>, ConfigRejection> {
    let effective_from = edit.effective_from.unwrap_or(at);
    let (time_zone, layers) = (edit.time_zone.clone(), edit.layers.clone());
    let mut version = Version { effective_from, time_zone, layers };
    check_version(&version)?;
    let old = schedule.version_at(effective_from);
    if let Some(old) = old.filter(|_| edit.keep_current) {
        version = keep_current(old, &version, &*edit.zones)?;
    }
    if old.is_some_and(|old| (&old.time_zone, &old.layers) == (&version.time_zone, &version.layers)) {
        return Ok(None);
    }
    check_start(effective_from, at)?;
    if edit.revision.is_some_and(|revision| revision != schedule.revision) {
        let rule = "is not the latest: the schedule was edited in the meantime";
        return Err(ConfigRejection::conflict("revision", rule));
    }
    if old.is_some_and(|old| old.effective_from == effective_from) {
        return Ok(Some(ScheduleEvent::VersionReplaced { version }));
    }
    if effective_from > at && schedule.planned(at).count() >= MAX_PLANNED {
        let rule = format!("must not add to {MAX_PLANNED} versions that have not begun");
        return Err(Invalid::new("effectiveFrom", rule).into());
    }
    Ok(Some(ScheduleEvent::VersionAdded { version }))
}

pub(super) fn drop_planned(schedule: &Schedule, effective_from: Timestamp, at: Timestamp) -> Decision {
    schedule.active()?;
    if !schedule.versions.iter().any(|version| version.effective_from == effective_from) {
        return Ok(vec![]);
    }
    if effective_from <= at {
        let rule = "must be that of a version which has not begun";
        return Err(Invalid::new("effectiveFrom", rule).into());
    }
    if schedule.versions.len() == 1 {
        return Err(Invalid::new("effectiveFrom", "must not be that of the only version").into());
    }
    Ok(vec![ScheduleEvent::VersionDropped { effective_from }])
}

fn check_start(effective_from: Timestamp, at: Timestamp) -> Result<(), Invalid> {
    if effective_from < at {
        return Err(Invalid::new("effectiveFrom", format!("must not be in the past: it is {at}")));
    }
    if effective_from.millis() - at.millis() > MAX_AHEAD_DAYS * 86_400_000 {
        return Err(Invalid::new("effectiveFrom", format!("must be at most {MAX_AHEAD_DAYS} days ahead")));
    }
    Ok(())
}
