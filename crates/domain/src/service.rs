//! Services: what can break, and which policy says whom to page for it.

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, ConfigRejection, Fact, PolicyId, ServiceId, Subject, TeamId, Timestamp, Unknown, validate,
};

/// What can be asked of a service.
#[derive(Clone, Debug, PartialEq)]
pub enum ServiceCommand {
    /// Add a service.
    CreateService {
        /// Its name, one line.
        name: String,
        /// What it does.
        description: String,
        /// Who looks after it.
        team: Option<TeamId>,
        /// Whom to page; none: the catch-all policy.
        policy: Option<PolicyId>,
        /// How alerts name it, whichever integration they come through.
        routing_key: Option<RoutingKey>,
        /// References among these that do not exist.
        unknown: Vec<Unknown>,
    },
    /// Change what is given.
    UpdateService {
        /// A new name.
        name: Option<String>,
        /// A new description.
        description: Option<String>,
        /// The team from now on.
        team: Option<Option<TeamId>>,
        /// The policy from now on.
        policy: Option<Option<PolicyId>>,
        /// How alerts name it from now on.
        routing_key: Option<Option<RoutingKey>>,
        /// References among these that do not exist.
        unknown: Vec<Unknown>,
    },
    /// Take it out of use; alerts for it go to the catch-all policy.
    RetireService {
        /// When.
        at: Timestamp,
    },
}

/// The name by which alerts choose a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutingKey {
    /// The name; case is of no consequence.
    pub key: String,
    /// Whether another service has it.
    pub taken: bool,
}

/// What can happen to a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ServiceEvent {
    /// It was added.
    #[serde(rename = "service.created.v1")]
    Created {
        /// Its name.
        name: String,
        /// What it does.
        description: String,
        /// Who looks after it.
        team: Option<TeamId>,
        /// Whom to page.
        policy: Option<PolicyId>,
        /// How alerts name it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        routing_key: Option<String>,
    },
    /// Alerts name it in another way.
    #[serde(rename = "service.routing_key_assigned.v1")]
    RoutingKeyAssigned {
        /// How from now on; none: they cannot.
        routing_key: Option<String>,
    },
    /// It has a new name or description.
    #[serde(rename = "service.renamed.v1")]
    Renamed {
        /// Its name from now on.
        name: String,
        /// Its description from now on.
        description: String,
    },
    /// Another team looks after it, or nobody.
    #[serde(rename = "service.transferred.v1")]
    Transferred {
        /// Who looked after it.
        from: Option<TeamId>,
        /// Who does from now on.
        to: Option<TeamId>,
    },
    /// Other people are paged for it.
    #[serde(rename = "service.policy_assigned.v1")]
    PolicyAssigned {
        /// Whom to page from now on.
        policy: Option<PolicyId>,
    },
    /// It is out of use.
    #[serde(rename = "service.retired.v1")]
    Retired {
        /// When.
        at: Timestamp,
    },
}

impl Fact for ServiceEvent {
    fn subjects(&self) -> Vec<Subject> {
        match *self {
            Self::Created { team, policy, .. } => {
                team.map(Into::into).into_iter().chain(policy.map(Into::into)).collect()
            }
            Self::Transferred { from, to } => from.into_iter().chain(to).map(Into::into).collect(),
            Self::PolicyAssigned { policy } => policy.into_iter().map(Into::into).collect(),
            Self::RoutingKeyAssigned { .. } | Self::Renamed { .. } | Self::Retired { .. } => vec![],
        }
    }
}

/// A service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Who looks after it.
    pub team: Option<TeamId>,
    /// Whom to page; none: the catch-all policy.
    pub policy: Option<PolicyId>,
    /// How alerts name it.
    pub routing_key: Option<String>,
    /// When it was taken out of use.
    pub retired_at: Option<Timestamp>,
    created: bool,
}

impl RoutingKey {
    fn check(&self) -> Result<(), ConfigRejection> {
        validate::line("routingKey", &self.key, 100)?;
        if self.taken {
            return Err(ConfigRejection::conflict("routingKey", "is that of another service"));
        }
        Ok(())
    }
}

impl Service {
    fn active(&self) -> Result<(), ConfigRejection> {
        match self.retired_at {
            _ if !self.created => Err(ConfigRejection::NotFound(ServiceId::CATEGORY)),
            Some(at) => Err(ConfigRejection::Retired { what: ServiceId::CATEGORY, at }),
            None => Ok(()),
        }
    }
}

impl Aggregate for Service {
    const CATEGORY: &'static str = ServiceId::CATEGORY;
    type Id = ServiceId;
    type Command = ServiceCommand;
    type Event = ServiceEvent;
    type Rejection = ConfigRejection;

    fn evolve(&mut self, event: &ServiceEvent) {
        match event {
            ServiceEvent::Created { name, description, team, policy, routing_key } => {
                self.created = true;
                self.routing_key.clone_from(routing_key);
                self.name.clone_from(name);
                self.description.clone_from(description);
                (self.team, self.policy) = (*team, *policy);
            }
            ServiceEvent::Renamed { name, description } => {
                self.name.clone_from(name);
                self.description.clone_from(description);
            }
            ServiceEvent::Transferred { to, .. } => self.team = *to,
            ServiceEvent::PolicyAssigned { policy } => self.policy = *policy,
            ServiceEvent::RoutingKeyAssigned { routing_key } => self.routing_key.clone_from(routing_key),
            ServiceEvent::Retired { at } => self.retired_at = Some(*at),
        }
    }

    fn decide(&self, command: &ServiceCommand) -> Result<Vec<ServiceEvent>, ConfigRejection> {
        match command {
            ServiceCommand::CreateService { name, description, team, policy, routing_key, unknown } => {
                check(name, description)?;
                routing_key.as_ref().map_or(Ok(()), RoutingKey::check)?;
                validate::known(unknown)?;
                let created = ServiceEvent::Created {
                    name: name.clone(),
                    description: description.clone(),
                    team: *team,
                    policy: *policy,
                    routing_key: routing_key.as_ref().map(|routing| routing.key.clone()),
                };
                create(self, created)
            }
            ServiceCommand::UpdateService { name, description, team, policy, routing_key, unknown } => {
                self.active()?;
                validate::known(unknown)?;
                let mut events = update(self, name.as_ref(), description.as_ref(), *team, *policy)?;
                if let Some(routing_key) = routing_key {
                    routing_key.as_ref().map_or(Ok(()), RoutingKey::check)?;
                    let routing_key = routing_key.as_ref().map(|routing| routing.key.clone());
                    if routing_key != self.routing_key {
                        events.push(ServiceEvent::RoutingKeyAssigned { routing_key });
                    }
                }
                Ok(events)
            }
            ServiceCommand::RetireService { at } => match self.active() {
                Err(ConfigRejection::Retired { .. }) => Ok(vec![]),
                active => active.map(|()| vec![ServiceEvent::Retired { at: *at }]),
            },
        }
    }
}

fn check(name: &str, description: &str) -> Result<(), ConfigRejection> {
    validate::line("name", name, 100)?;
    validate::at_most("description", description, 500)?;
    Ok(())
}

fn create(service: &Service, created: ServiceEvent) -> Result<Vec<ServiceEvent>, ConfigRejection> {
    if !service.created {
        return Ok(vec![created]);
    }
    let mut repeated = service.clone();
    repeated.evolve(&created);
    if repeated == *service { Ok(vec![]) } else { Err(ConfigRejection::AlreadyExists(ServiceId::CATEGORY)) }
}

fn update(
    service: &Service,
    name: Option<&String>,
    description: Option<&String>,
    team: Option<Option<TeamId>>,
    policy: Option<Option<PolicyId>>,
) -> Result<Vec<ServiceEvent>, ConfigRejection> {
    let (name, description) = (name.unwrap_or(&service.name), description.unwrap_or(&service.description));
    check(name, description)?;
    let mut events = vec![];
    if (name, description) != (&service.name, &service.description) {
        events.push(ServiceEvent::Renamed { name: name.clone(), description: description.clone() });
    }
    if let Some(to) = team.filter(|to| *to != service.team) {
        events.push(ServiceEvent::Transferred { from: service.team, to });
    }
    if let Some(policy) = policy.filter(|policy| *policy != service.policy) {
        events.push(ServiceEvent::PolicyAssigned { policy });
    }
    Ok(events)
}
