//! Escalation policies: whom to page, and whom next.

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, ConfigRejection, Fact, Ladder, Level, PolicyId, Subject, Target, TeamId, Timestamp, Unknown,
    validate,
};

/// What can be asked of an escalation policy.
#[derive(Clone, Debug, PartialEq)]
pub enum PolicyCommand {
    /// Make a policy.
    CreateEscalationPolicy {
        /// Its name, one line.
        name: String,
        /// Who looks after it.
        team: Option<TeamId>,
        /// The levels, lowest first.
        levels: Vec<Level>,
        /// Further passes over the levels after the first one.
        repeat: u32,
        /// References among these that do not exist.
        unknown: Vec<Unknown>,
    },
    /// Change what is given. Incidents already open keep the levels they opened with.
    UpdateEscalationPolicy {
        /// A new name.
        name: Option<String>,
        /// Other levels.
        levels: Option<Vec<Level>>,
        /// Another number of further passes.
        repeat: Option<u32>,
        /// References among these that do not exist.
        unknown: Vec<Unknown>,
    },
    /// Take it out of use; services that use it fall back to the catch-all policy.
    RetireEscalationPolicy {
        /// When.
        at: Timestamp,
    },
}

/// What can happen to an escalation policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PolicyEvent {
    /// It was made.
    #[serde(rename = "policy.created.v1")]
    Created {
        /// Its name.
        name: String,
        /// Who looks after it.
        team: Option<TeamId>,
        /// The levels, lowest first.
        levels: Vec<Level>,
        /// Further passes over the levels.
        repeat: u32,
    },
    /// It has a new name.
    #[serde(rename = "policy.renamed.v1")]
    Renamed {
        /// Its name from now on.
        name: String,
    },
    /// Other people are paged, or in another rhythm.
    #[serde(rename = "policy.ladder_replaced.v1")]
    LadderReplaced {
        /// The levels from now on.
        levels: Vec<Level>,
        /// Further passes from now on.
        repeat: u32,
    },
    /// It is out of use.
    #[serde(rename = "policy.retired.v1")]
    Retired {
        /// When.
        at: Timestamp,
    },
}

impl Fact for PolicyEvent {
    fn subjects(&self) -> Vec<Subject> {
        match self {
            Self::Created { team, levels, .. } => {
                team.map(Into::into).into_iter().chain(targets(levels)).collect()
            }
            Self::LadderReplaced { levels, .. } => targets(levels).collect(),
            Self::Renamed { .. } | Self::Retired { .. } => vec![],
        }
    }
}

fn targets(levels: &[Level]) -> impl Iterator<Item = Subject> {
    levels.iter().flat_map(|level| &level.targets).map(|target| match *target {
        Target::User { id } => id.into(),
        Target::Schedule { id } => id.into(),
        Target::Team { id } => id.into(),
    })
}

/// An escalation policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Who looks after it.
    pub team: Option<TeamId>,
    /// The levels, lowest first.
    pub levels: Vec<Level>,
    /// Further passes over the levels after the first one.
    pub repeat: u32,
    /// When it was taken out of use.
    pub retired_at: Option<Timestamp>,
    created: bool,
}

impl Policy {
    /// What an incident that opens now climbs.
    pub fn ladder(&self, id: PolicyId) -> Ladder {
        Ladder { policy: Some(id), levels: self.levels.clone(), repeat: self.repeat }
    }

    fn active(&self) -> Result<(), ConfigRejection> {
        match self.retired_at {
            _ if !self.created => Err(ConfigRejection::NotFound("escalation policy")),
            Some(at) => Err(ConfigRejection::Retired { what: "escalation policy", at }),
            None => Ok(()),
        }
    }
}

impl Aggregate for Policy {
    const CATEGORY: &'static str = PolicyId::CATEGORY;
    type Id = PolicyId;
    type Command = PolicyCommand;
    type Event = PolicyEvent;
    type Rejection = ConfigRejection;

    fn evolve(&mut self, event: &PolicyEvent) {
        match event {
            PolicyEvent::Created { name, team, levels, repeat } => {
                self.created = true;
                self.name.clone_from(name);
                self.team = *team;
                self.levels.clone_from(levels);
                self.repeat = *repeat;
            }
            PolicyEvent::Renamed { name } => self.name.clone_from(name),
            PolicyEvent::LadderReplaced { levels, repeat } => {
                self.levels.clone_from(levels);
                self.repeat = *repeat;
            }
            PolicyEvent::Retired { at } => self.retired_at = Some(*at),
        }
    }

    fn decide(&self, command: &PolicyCommand) -> Result<Vec<PolicyEvent>, ConfigRejection> {
        match command {
            PolicyCommand::CreateEscalationPolicy { name, team, levels, repeat, unknown } => {
                validate::line("name", name, 100)?;
                Ladder::check(levels, *repeat)?;
                validate::known(unknown)?;
                create(self, name, *team, levels, *repeat)
            }
            PolicyCommand::UpdateEscalationPolicy { name, levels, repeat, unknown } => {
                self.active()?;
                validate::known(unknown)?;
                update(self, name.as_ref(), levels.as_ref(), *repeat)
            }
            PolicyCommand::RetireEscalationPolicy { at } => match self.active() {
                Err(ConfigRejection::Retired { .. }) => Ok(vec![]),
                active => active.map(|()| vec![PolicyEvent::Retired { at: *at }]),
            },
        }
    }
}

fn create(
    policy: &Policy,
    name: &str,
    team: Option<TeamId>,
    levels: &[Level],
    repeat: u32,
) -> Result<Vec<PolicyEvent>, ConfigRejection> {
    let created = PolicyEvent::Created { name: name.to_owned(), team, levels: levels.to_vec(), repeat };
    if !policy.created {
        return Ok(vec![created]);
    }
    let mut repeated = policy.clone();
    repeated.evolve(&created);
    if repeated == *policy { Ok(vec![]) } else { Err(ConfigRejection::AlreadyExists("escalation policy")) }
}

fn update(
    policy: &Policy,
    name: Option<&String>,
    levels: Option<&Vec<Level>>,
    repeat: Option<u32>,
) -> Result<Vec<PolicyEvent>, ConfigRejection> {
    let mut events = vec![];
    if let Some(name) = name.filter(|name| **name != policy.name) {
        validate::line("name", name, 100)?;
        events.push(PolicyEvent::Renamed { name: name.clone() });
    }
    let (levels, repeat) = (levels.unwrap_or(&policy.levels), repeat.unwrap_or(policy.repeat));
    if (levels, repeat) != (&policy.levels, policy.repeat) {
        Ladder::check(levels, repeat)?;
        events.push(PolicyEvent::LadderReplaced { levels: levels.clone(), repeat });
    }
    Ok(events)
}
