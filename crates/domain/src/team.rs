//! Teams: the people who look after something together.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Aggregate, ConfigRejection, Fact, Subject, TeamId, Timestamp, Unknown, UserId, validate};

/// What can be asked of a team.
#[derive(Clone, Debug, PartialEq)]
pub enum TeamCommand {
    /// Make a team.
    CreateTeam {
        /// Its name, one line.
        name: String,
        /// What it looks after.
        description: String,
        /// Its first members.
        members: Vec<UserId>,
        /// References among these that do not exist.
        unknown: Vec<Unknown>,
    },
    /// Change what is given.
    UpdateTeam {
        /// A new name.
        name: Option<String>,
        /// A new description.
        description: Option<String>,
        /// The members from now on.
        members: Option<Vec<UserId>>,
        /// References among these that do not exist.
        unknown: Vec<Unknown>,
    },
    /// Take it out of use; its history stays.
    RetireTeam {
        /// When.
        at: Timestamp,
    },
}

/// What can happen to a team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TeamEvent {
    /// It was made.
    #[serde(rename = "team.created.v1")]
    Created {
        /// Its name.
        name: String,
        /// What it looks after.
        description: String,
        /// Its first members.
        members: BTreeSet<UserId>,
    },
    /// It has a new name or description.
    #[serde(rename = "team.renamed.v1")]
    Renamed {
        /// Its name from now on.
        name: String,
        /// Its description from now on.
        description: String,
    },
    /// People joined or left.
    #[serde(rename = "team.members_changed.v1")]
    MembersChanged {
        /// Who joined.
        joined: BTreeSet<UserId>,
        /// Who left.
        left: BTreeSet<UserId>,
    },
    /// It is out of use.
    #[serde(rename = "team.retired.v1")]
    Retired {
        /// When.
        at: Timestamp,
    },
}

impl Fact for TeamEvent {
    fn subjects(&self) -> Vec<Subject> {
        match self {
            Self::Created { members, .. } => members.iter().map(|user| (*user).into()).collect(),
            Self::MembersChanged { joined, left } => joined.union(left).map(|user| (*user).into()).collect(),
            Self::Renamed { .. } | Self::Retired { .. } => vec![],
        }
    }
}

/// A team.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Team {
    /// Its name.
    pub name: String,
    /// What it looks after.
    pub description: String,
    /// Who belongs to it.
    pub members: BTreeSet<UserId>,
    /// When it was taken out of use.
    pub retired_at: Option<Timestamp>,
    created: bool,
}

impl Team {
    fn active(&self) -> Result<(), ConfigRejection> {
        match self.retired_at {
            _ if !self.created => Err(ConfigRejection::NotFound(TeamId::CATEGORY)),
            Some(at) => Err(ConfigRejection::Retired { what: TeamId::CATEGORY, at }),
            None => Ok(()),
        }
    }
}

impl Aggregate for Team {
    const CATEGORY: &'static str = TeamId::CATEGORY;
    type Id = TeamId;
    type Command = TeamCommand;
    type Event = TeamEvent;
    type Rejection = ConfigRejection;

    fn evolve(&mut self, event: &TeamEvent) {
        match event {
            TeamEvent::Created { name, description, members } => {
                self.created = true;
                self.name.clone_from(name);
                self.description.clone_from(description);
                self.members.clone_from(members);
            }
            TeamEvent::Renamed { name, description } => {
                self.name.clone_from(name);
                self.description.clone_from(description);
            }
            TeamEvent::MembersChanged { joined, left } => {
                self.members.retain(|user| !left.contains(user));
                self.members.extend(joined);
            }
            TeamEvent::Retired { at } => self.retired_at = Some(*at),
        }
    }

    fn decide(&self, command: &TeamCommand) -> Result<Vec<TeamEvent>, ConfigRejection> {
        match command {
            TeamCommand::CreateTeam { name, description, members, unknown } => {
                create(self, name, description, members, unknown)
            }
            TeamCommand::UpdateTeam { name, description, members, unknown } => {
                update(self, name.as_ref(), description.as_ref(), members.as_deref(), unknown)
            }
            TeamCommand::RetireTeam { at } => match self.active() {
                Err(ConfigRejection::Retired { .. }) => Ok(vec![]),
                active => active.map(|()| vec![TeamEvent::Retired { at: *at }]),
            },
        }
    }
}

fn check(name: &str, description: &str) -> Result<(), ConfigRejection> {
    validate::line("name", name, 100)?;
    validate::at_most("description", description, 500)?;
    Ok(())
}

fn create(
    team: &Team,
    name: &str,
    description: &str,
    members: &[UserId],
    unknown: &[Unknown],
) -> Result<Vec<TeamEvent>, ConfigRejection> {
    check(name, description)?;
    validate::known(unknown)?;
    let members: BTreeSet<_> = members.iter().copied().collect();
    if team.created {
        let same = team.name == name && team.description == description && team.members == members;
        return if same { Ok(vec![]) } else { Err(ConfigRejection::AlreadyExists(TeamId::CATEGORY)) };
    }
    Ok(vec![TeamEvent::Created { name: name.to_owned(), description: description.to_owned(), members }])
}

fn update(
    team: &Team,
    name: Option<&String>,
    description: Option<&String>,
    members: Option<&[UserId]>,
    unknown: &[Unknown],
) -> Result<Vec<TeamEvent>, ConfigRejection> {
    team.active()?;
    validate::known(unknown)?;
    let (name, description) = (name.unwrap_or(&team.name), description.unwrap_or(&team.description));
    check(name, description)?;
    let mut events = vec![];
    if (name, description) != (&team.name, &team.description) {
        events.push(TeamEvent::Renamed { name: name.clone(), description: description.clone() });
    }
    if let Some(members) = members {
        let members: BTreeSet<_> = members.iter().copied().collect();
        if members != team.members {
            let joined = members.difference(&team.members).copied().collect();
            let left = team.members.difference(&members).copied().collect();
            events.push(TeamEvent::MembersChanged { joined, left });
        }
    }
    Ok(events)
}
