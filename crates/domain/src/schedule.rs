//! On-call schedules: who is on call when.

mod clock;
mod rotation;
#[cfg(test)]
mod tests;

use chrono::NaiveDateTime;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

pub use clock::{reading, resolve};
pub use rotation::{Layer, Rotation};

use crate::{
    Aggregate, ConfigRejection, Fact, Invalid, ScheduleId, Subject, TeamId, Timestamp, Unknown, UserId,
    validate,
};

/// Slots that one layer may have.
const MAX_SLOTS: usize = 200;

/// What a schedule says from an instant on, until the next version begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// From when on it holds.
    pub effective_from: Timestamp,
    /// The IANA zone whose wall clock the layer follows.
    pub time_zone: String,
    /// Whose turn it is.
    pub layer: Layer,
}

/// What can be asked of a schedule.
#[derive(Clone, Debug, PartialEq)]
pub enum ScheduleCommand {
    /// Make a schedule.
    CreateSchedule {
        /// Its name, one line.
        name: String,
        /// Whose it is.
        team: Option<TeamId>,
        /// What it says from the beginning.
        version: Version,
        /// References among these that do not exist.
        unknown: Vec<Unknown>,
    },
    /// Change what is given; the past stays what it was.
    UpdateSchedule {
        /// A new name.
        name: Option<String>,
        /// What it says from the version's instant on.
        version: Option<Version>,
        /// References among these that do not exist.
        unknown: Vec<Unknown>,
    },
    /// Take it out of use; it has nobody on call from then on.
    RetireSchedule {
        /// When.
        at: Timestamp,
    },
}

/// What can happen to a schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ScheduleEvent {
    /// It was made.
    #[serde(rename = "schedule.created.v1")]
    Created {
        /// Its name.
        name: String,
        /// Whose it is.
        team: Option<TeamId>,
        /// What it says from the beginning.
        version: Version,
    },
    /// It has a new name.
    #[serde(rename = "schedule.renamed.v1")]
    Renamed {
        /// Its name from now on.
        name: String,
    },
    /// It says something else from an instant on.
    #[serde(rename = "schedule.version_added.v1")]
    VersionAdded {
        /// What it says, and from when on.
        version: Version,
    },
    /// It is out of use.
    #[serde(rename = "schedule.retired.v1")]
    Retired {
        /// When.
        at: Timestamp,
    },
}

impl Fact for ScheduleEvent {
    fn subjects(&self) -> Vec<Subject> {
        let (team, version) = match self {
            Self::Created { team, version, .. } => (*team, version),
            Self::VersionAdded { version } => (None, version),
            Self::Renamed { .. } | Self::Retired { .. } => return vec![],
        };
        let mut people: Vec<UserId> = version.layer.participants.iter().flatten().copied().collect();
        people.sort_unstable();
        people.dedup();
        team.map(Into::into).into_iter().chain(people.into_iter().map(Into::into)).collect()
    }
}

/// A schedule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub team: Option<TeamId>,
    /// What it says, oldest first; never empty once it was made.
    pub versions: Vec<Version>,
    /// When it was taken out of use.
    pub retired_at: Option<Timestamp>,
}

impl Schedule {
    /// Who is on call at an instant, past or future. Nobody before the first version begins.
    pub fn on_call(&self, at: Timestamp) -> &[UserId] {
        if self.retired_at.is_some_and(|retired_at| retired_at <= at) {
            return &[];
        }
        let Some(version) = self.versions.iter().rev().find(|version| version.effective_from <= at) else {
            return &[];
        };
        version.zone().map_or(&[], |zone| version.layer.on_call(zone, at))
    }

    /// When the turn that holds at an instant ends, if another follows in this version.
    pub fn until(&self, at: Timestamp) -> Option<Timestamp> {
        let index = self.versions.iter().rposition(|version| version.effective_from <= at)?;
        let version = &self.versions[index];
        let handoff = version.layer.next_handoff(version.zone()?, at);
        match self.versions.get(index + 1) {
            Some(next) => Some(handoff.min(next.effective_from)),
            None => Some(handoff),
        }
    }

    fn active(&self) -> Result<(), ConfigRejection> {
        match self.retired_at {
            _ if self.versions.is_empty() => Err(ConfigRejection::NotFound(ScheduleId::CATEGORY)),
            Some(at) => Err(ConfigRejection::Retired { what: ScheduleId::CATEGORY, at }),
            None => Ok(()),
        }
    }
}

impl Version {
    fn zone(&self) -> Option<Tz> {
        self.time_zone.parse().ok()
    }
}

impl Aggregate for Schedule {
    const CATEGORY: &'static str = ScheduleId::CATEGORY;
    type Id = ScheduleId;
    type Command = ScheduleCommand;
    type Event = ScheduleEvent;
    type Rejection = ConfigRejection;

    fn evolve(&mut self, event: &ScheduleEvent) {
        match event {
            ScheduleEvent::Created { name, team, version } => {
                self.name.clone_from(name);
                self.team = *team;
                self.versions = vec![version.clone()];
            }
            ScheduleEvent::Renamed { name } => self.name.clone_from(name),
            ScheduleEvent::VersionAdded { version } => self.versions.push(version.clone()),
            ScheduleEvent::Retired { at } => self.retired_at = Some(*at),
        }
    }

    fn decide(&self, command: &ScheduleCommand) -> Result<Vec<ScheduleEvent>, ConfigRejection> {
        match command {
            ScheduleCommand::CreateSchedule { name, team, version, unknown } => {
                validate::line("name", name, 100)?;
                check(version)?;
                validate::known(unknown)?;
                create(self, name, *team, version)
            }
            ScheduleCommand::UpdateSchedule { name, version, unknown } => {
                self.active()?;
                validate::known(unknown)?;
                update(self, name.as_ref(), version.as_ref())
            }
            ScheduleCommand::RetireSchedule { at } => match self.active() {
                Err(ConfigRejection::Retired { .. }) => Ok(vec![]),
                active => active.map(|()| vec![ScheduleEvent::Retired { at: *at }]),
            },
        }
    }
}

fn create(
    schedule: &Schedule,
    name: &str,
    team: Option<TeamId>,
    version: &Version,
) -> Result<Vec<ScheduleEvent>, ConfigRejection> {
    let Some(first) = schedule.versions.first() else {
        return Ok(vec![ScheduleEvent::Created { name: name.to_owned(), team, version: version.clone() }]);
    };
    // A repeated request arrives later, so the instant from which it holds may differ.
    let same = schedule.name == name
        && schedule.team == team
        && (&first.time_zone, &first.layer) == (&version.time_zone, &version.layer);
    if same { Ok(vec![]) } else { Err(ConfigRejection::AlreadyExists(ScheduleId::CATEGORY)) }
}

fn update(
    schedule: &Schedule,
    name: Option<&String>,
    version: Option<&Version>,
) -> Result<Vec<ScheduleEvent>, ConfigRejection> {
    let mut events = vec![];
    if let Some(name) = name.filter(|name| **name != schedule.name) {
        validate::line("name", name, 100)?;
        events.push(ScheduleEvent::Renamed { name: name.clone() });
    }
    if let (Some(version), Some(last)) = (version, schedule.versions.last())
        && (&version.time_zone, &version.layer) != (&last.time_zone, &last.layer)
    {
        check(version)?;
        if version.effective_from <= last.effective_from {
            let rule = format!("must be later than the current version's, {}", last.effective_from);
            return Err(Invalid::new("effectiveFrom", rule).into());
        }
        events.push(ScheduleEvent::VersionAdded { version: version.clone() });
    }
    Ok(events)
}

fn check(version: &Version) -> Result<(), Invalid> {
    if version.zone().is_none() {
        let rule = format!("must be an IANA zone, not `{}`", version.time_zone);
        return Err(Invalid::new("timeZone", rule));
    }
    let layer = &version.layer;
    validate::within("layer.participants", layer.participants.len(), 1, MAX_SLOTS)?;
    let (Rotation::Daily { every } | Rotation::Weekly { every }) = layer.rotation;
    validate::within("layer.rotation.every", every, 1, 365)?;
    let representable = (1970..=9000).contains(&chrono::Datelike::year(&layer.rotation_start));
    if !representable || !whole_minutes(layer.rotation_start) {
        let rule = "must be a local time in whole minutes, from the year 1970 on";
        return Err(Invalid::new("layer.rotationStart", rule));
    }
    Ok(())
}

fn whole_minutes(local: NaiveDateTime) -> bool {
    local.and_utc().timestamp_subsec_nanos() == 0 && local.and_utc().timestamp().rem_euclid(60) == 0
}
