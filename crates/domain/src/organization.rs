//! The organisation: what holds for everybody.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, ConfigRejection, Fact, OrganizationId, PolicyId, ScheduleId, Subject, Timestamp, Unknown,
    UserId,
    schedule::{Span, ZoneData},
    validate,
};

/// A schedule whose future other time zone data moved, and the people whose shifts that moves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleMoved {
    /// Which schedule.
    pub schedule: ScheduleId,
    /// Whose shifts moved.
    pub users: Vec<UserId>,
}

/// What another edition of the time zone database changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneDataChange {
    /// The edition since then.
    pub version: String,
    /// The edition before.
    pub previous: String,
    /// Schedules that it moved, in the order of ids.
    pub schedules: Vec<ScheduleMoved>,
    /// Within which range they were compared.
    pub within: Span,
    /// When it came into use.
    pub at: Timestamp,
}

/// What can be asked of the organisation.
#[derive(Clone, Debug, PartialEq)]
pub enum OrganizationCommand {
    /// Choose the policy for alerts that no other policy covers.
    SetCatchAllPolicy {
        /// Which; none: administrators are paged directly.
        policy: Option<PolicyId>,
        /// References among these that do not exist.
        unknown: Vec<Unknown>,
    },
    /// Take note of the time zone data in use.
    RecordZoneData {
        /// What it says.
        data: Box<ZoneData>,
        /// What was found by comparing with the edition before; none: there was none.
        moved: Option<ZoneDataMoved>,
        /// Now.
        at: Timestamp,
    },
}

/// What comparing two editions of the time zone database found.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneDataMoved {
    /// The edition that was compared with.
    pub previous: Arc<ZoneData>,
    /// Schedules that the other edition moves, in the order of ids.
    pub schedules: Vec<ScheduleMoved>,
    /// Within which range they were compared.
    pub within: Span,
}

/// What can happen to the organisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OrganizationEvent {
    /// Alerts that no other policy covers go elsewhere.
    #[serde(rename = "organization.catch_all_set.v1")]
    CatchAllSet {
        /// Which policy takes them from now on.
        policy: Option<PolicyId>,
    },
    /// This is what the time zone data in use says.
    #[serde(rename = "organization.zone_data_recorded.v1")]
    ZoneDataRecorded {
        /// What it says.
        #[serde(flatten)]
        data: Arc<ZoneData>,
        /// Since when.
        at: Timestamp,
    },
    /// Other time zone data is in use, and the future of schedules with it.
    #[serde(rename = "organization.zone_data_changed.v1")]
    ZoneDataChanged {
        /// The edition from now on.
        version: String,
        /// The edition before.
        previous: String,
        /// Schedules that it moved.
        schedules: Vec<ScheduleMoved>,
        /// Within which range they were compared.
        within: Span,
        /// When it came into use.
        at: Timestamp,
    },
}

impl Fact for OrganizationEvent {
    fn subjects(&self) -> Vec<Subject> {
        match self {
            Self::CatchAllSet { policy } => policy.iter().map(|policy| (*policy).into()).collect(),
            Self::ZoneDataRecorded { .. } => vec![],
            Self::ZoneDataChanged { schedules, .. } => {
                let mut people: Vec<UserId> = schedules.iter().flat_map(|one| &one.users).copied().collect();
                people.sort_unstable();
                people.dedup();
                let schedules = schedules.iter().map(|one| one.schedule.into());
                schedules.chain(people.into_iter().map(Into::into)).collect()
            }
        }
    }
}

/// The organisation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Organization {
    /// The policy for alerts that no other policy covers.
    pub catch_all: Option<PolicyId>,
    /// What the time zone data in use says.
    pub zone_data: Option<Arc<ZoneData>>,
    /// What the time zone data said before the last change.
    pub previous_zone_data: Option<Arc<ZoneData>>,
    /// What the last change of the time zone data changed.
    pub zone_data_change: Option<ZoneDataChange>,
}

impl Aggregate for Organization {
    const CATEGORY: &'static str = OrganizationId::CATEGORY;
    type Id = OrganizationId;
    type Command = OrganizationCommand;
    type Event = OrganizationEvent;
    type Rejection = ConfigRejection;

    fn evolve(&mut self, event: &OrganizationEvent) {
        match event {
            OrganizationEvent::CatchAllSet { policy } => self.catch_all = *policy,
            OrganizationEvent::ZoneDataRecorded { data, .. } => self.zone_data = Some(Arc::clone(data)),
            OrganizationEvent::ZoneDataChanged { version, previous, schedules, within, at } => {
                self.previous_zone_data = self.zone_data.take();
                self.zone_data_change = Some(ZoneDataChange {
                    version: version.clone(),
                    previous: previous.clone(),
                    schedules: schedules.clone(),
                    within: *within,
                    at: *at,
                });
            }
        }
    }

    fn decide(&self, command: &OrganizationCommand) -> Result<Vec<OrganizationEvent>, ConfigRejection> {
        match command {
            OrganizationCommand::SetCatchAllPolicy { policy, unknown } => {
                validate::known(unknown)?;
                let news = *policy != self.catch_all;
                Ok(news.then_some(OrganizationEvent::CatchAllSet { policy: *policy }).into_iter().collect())
            }
            OrganizationCommand::RecordZoneData { data, moved, at } => {
                record_zone_data(self, data, moved.as_ref(), *at)
            }
        }
    }
}

fn record_zone_data(
    organization: &Organization,
    data: &ZoneData,
    moved: Option<&ZoneDataMoved>,
    at: Timestamp,
) -> Result<Vec<OrganizationEvent>, ConfigRejection> {
    let known = organization.zone_data.as_ref();
    if known.is_some_and(|known| known.covers(data, at)) {
        return Ok(vec![]);
    }
    if known != moved.map(|moved| &moved.previous) {
        return Err(ConfigRejection::conflict("previous", "is not the edition that was recorded last"));
    }
    let recorded = OrganizationEvent::ZoneDataRecorded { data: Arc::new(data.clone()), at };
    // The same edition again, because it tells more of the future, is no change.
    let changed = moved
        .filter(|moved| moved.previous.version != data.version || !moved.previous.differing(data).is_empty());
    let changed = changed.map(|moved| OrganizationEvent::ZoneDataChanged {
        version: data.version.clone(),
        previous: moved.previous.version.clone(),
        schedules: moved.schedules.clone(),
        within: moved.within,
        at,
    });
    Ok(changed.into_iter().chain([recorded]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Tzdb;

    const AT: Timestamp = Timestamp::from_millis(1_795_000_000_000);

    fn data(version: &str) -> ZoneData {
        let mut data = ZoneData::of(&Tzdb::bundled(), [chrono_tz::Tz::Europe__Berlin], AT);
        version.clone_into(&mut data.version);
        data
    }

    fn record(data: ZoneData, moved: Option<ZoneDataMoved>) -> OrganizationCommand {
        OrganizationCommand::RecordZoneData { data: Box::new(data), moved, at: AT }
    }

    fn compared(previous: ZoneData) -> ZoneDataMoved {
        let within = Span { start: AT, end: AT.plus_seconds(90 * 86_400) };
        ZoneDataMoved { previous: Arc::new(previous), schedules: vec![], within }
    }

    fn after(commands: &[OrganizationCommand]) -> Organization {
        commands.iter().fold(Organization::default(), |mut organization, command| {
            for event in organization.decide(command).expect("no command is refused") {
                organization.evolve(&event);
            }
            organization
        })
    }

    #[test]
    fn the_first_edition_is_recorded_once_and_is_no_change() {
        let organization = after(&[record(data("2026f"), None)]);
        assert_eq!(organization.zone_data.as_ref().map(|data| data.version.as_str()), Some("2026f"));
        assert_eq!(organization.zone_data_change, None);
        assert_eq!(organization.decide(&record(data("2026f"), Some(compared(data("2026f"))))), Ok(vec![]));
    }

    #[test]
    fn another_edition_is_a_change_and_keeps_what_the_last_one_said() {
        let organization =
            after(&[record(data("2026f"), None), record(data("2027a"), Some(compared(data("2026f"))))]);
        let change = organization.zone_data_change.expect("it changed");
        assert_eq!((change.previous.as_str(), change.version.as_str()), ("2026f", "2027a"));
        assert_eq!(organization.previous_zone_data, Some(Arc::new(data("2026f"))));
        assert_eq!(organization.zone_data, Some(Arc::new(data("2027a"))));
    }

    #[test]
    fn a_comparison_with_an_edition_that_is_not_the_last_is_refused() {
        let organization =
            after(&[record(data("2026f"), None), record(data("2027a"), Some(compared(data("2026f"))))]);
        let stale = organization.decide(&record(data("2027b"), Some(compared(data("2026f")))));
        assert_eq!(crate::Rejection::code(&stale.expect_err("it is stale")), "CONFLICT");
    }
}
