//! The organisation: what holds for everybody.

use serde::{Deserialize, Serialize};

use crate::{Aggregate, ConfigRejection, Fact, OrganizationId, PolicyId, Subject, Unknown, validate};

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
}

impl Fact for OrganizationEvent {
    fn subjects(&self) -> Vec<Subject> {
        let Self::CatchAllSet { policy } = *self;
        policy.into_iter().map(Into::into).collect()
    }
}

/// The organisation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Organization {
    /// The policy for alerts that no other policy covers.
    pub catch_all: Option<PolicyId>,
}

impl Aggregate for Organization {
    const CATEGORY: &'static str = OrganizationId::CATEGORY;
    type Id = OrganizationId;
    type Command = OrganizationCommand;
    type Event = OrganizationEvent;
    type Rejection = ConfigRejection;

    fn evolve(&mut self, event: &OrganizationEvent) {
        let OrganizationEvent::CatchAllSet { policy } = *event;
        self.catch_all = policy;
    }

    fn decide(&self, command: &OrganizationCommand) -> Result<Vec<OrganizationEvent>, ConfigRejection> {
        let OrganizationCommand::SetCatchAllPolicy { policy, unknown } = command;
        validate::known(unknown)?;
        let news = *policy != self.catch_all;
        Ok(news.then_some(OrganizationEvent::CatchAllSet { policy: *policy }).into_iter().collect())
    }
}
