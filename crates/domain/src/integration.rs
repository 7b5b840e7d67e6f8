//! Integrations: the entrances through which monitoring tools send alerts to a service.

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, ConfigRejection, Fact, IntegrationId, Invalid, SecretId, ServiceId, Subject, Timestamp,
    Unknown, validate,
};

/// The format that an integration's messages have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntegrationKind {
    /// Midwatch's own JSON.
    Generic,
    /// Prometheus Alertmanager's webhook, version 4.
    Alertmanager,
    /// PagerDuty's Events API v2.
    PagerDuty,
}

impl IntegrationKind {
    /// The word in paths and stored events.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Alertmanager => "alertmanager",
            Self::PagerDuty => "pager_duty",
        }
    }
}

/// What can be asked of an integration.
#[derive(Clone, Debug, PartialEq)]
pub enum IntegrationCommand {
    /// Open an entrance.
    CreateIntegration {
        /// Its name, one line.
        name: String,
        /// What it understands.
        kind: IntegrationKind,
        /// What its alerts are about.
        service: ServiceId,
        /// SHA-256 of its key, in lower-case hexadecimal: the key itself is shown once and kept nowhere.
        key_hash: String,
        /// The secret in the vault with which messages must be signed; none: the key alone opens.
        signing_secret: Option<SecretId>,
        /// References among these that do not exist.
        unknown: Vec<Unknown>,
    },
    /// Change what is given.
    UpdateIntegration {
        /// A new name.
        name: Option<String>,
        /// What its alerts are about from now on.
        service: Option<ServiceId>,
        /// Whether it takes messages from now on.
        enabled: Option<bool>,
        /// SHA-256 of a new key; the old one stops working.
        key_hash: Option<String>,
        /// References among these that do not exist.
        unknown: Vec<Unknown>,
        /// When.
        at: Timestamp,
    },
}

/// What can happen to an integration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum IntegrationEvent {
    /// The entrance was opened.
    #[serde(rename = "integration.created.v1")]
    Created {
        /// Its name.
        name: String,
        /// What it understands.
        kind: IntegrationKind,
        /// What its alerts are about.
        service: ServiceId,
        /// SHA-256 of its key.
        key_hash: String,
        /// The secret in the vault with which messages must be signed.
        signing_secret: Option<SecretId>,
    },
    /// It has a new name.
    #[serde(rename = "integration.renamed.v1")]
    Renamed {
        /// Its name from now on.
        name: String,
    },
    /// Its alerts are about another service.
    #[serde(rename = "integration.rerouted.v1")]
    Rerouted {
        /// What its alerts are about from now on.
        service: ServiceId,
    },
    /// It has a new key.
    #[serde(rename = "integration.key_rotated.v1")]
    KeyRotated {
        /// SHA-256 of the new key.
        key_hash: String,
    },
    /// It takes no more messages.
    #[serde(rename = "integration.disabled.v1")]
    Disabled {
        /// When.
        at: Timestamp,
    },
    /// It takes messages again.
    #[serde(rename = "integration.enabled.v1")]
    Enabled {
        /// When.
        at: Timestamp,
    },
}

impl Fact for IntegrationEvent {
    fn subjects(&self) -> Vec<Subject> {
        match *self {
            Self::Created { service, .. } | Self::Rerouted { service } => vec![service.into()],
            Self::Renamed { .. } | Self::KeyRotated { .. } | Self::Disabled { .. } | Self::Enabled { .. } => {
                vec![]
            }
        }
    }
}

/// A monitoring tool's entrance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Integration {
    /// What it is; none before it was opened.
    pub entrance: Option<Entrance>,
    /// Since when it takes no messages.
    pub disabled_at: Option<Timestamp>,
}

/// What an integration understands and where its alerts go.
#[derive(Clone, Debug, PartialEq)]
pub struct Entrance {
    /// Its name.
    pub name: String,
    /// What it understands.
    pub kind: IntegrationKind,
    /// What its alerts are about.
    pub service: ServiceId,
    /// SHA-256 of its key.
    pub key_hash: String,
    /// The secret in the vault with which messages must be signed.
    pub signing_secret: Option<SecretId>,
}

impl Aggregate for Integration {
    const CATEGORY: &'static str = IntegrationId::CATEGORY;
    type Id = IntegrationId;
    type Command = IntegrationCommand;
    type Event = IntegrationEvent;
    type Rejection = ConfigRejection;

    fn evolve(&mut self, event: &IntegrationEvent) {
        match (event, &mut self.entrance) {
            (IntegrationEvent::Created { name, kind, service, key_hash, signing_secret }, entrance) => {
                *entrance = Some(Entrance {
                    name: name.clone(),
                    kind: *kind,
                    service: *service,
                    key_hash: key_hash.clone(),
                    signing_secret: *signing_secret,
                });
            }
            (IntegrationEvent::Disabled { at }, _) => self.disabled_at = Some(*at),
            (IntegrationEvent::Enabled { .. }, _) => self.disabled_at = None,
            (IntegrationEvent::Renamed { name }, Some(entrance)) => entrance.name.clone_from(name),
            (IntegrationEvent::Rerouted { service }, Some(entrance)) => entrance.service = *service,
            (IntegrationEvent::KeyRotated { key_hash }, Some(entrance)) => {
                entrance.key_hash.clone_from(key_hash);
            }
            (
                IntegrationEvent::Renamed { .. }
                | IntegrationEvent::Rerouted { .. }
                | IntegrationEvent::KeyRotated { .. },
                None,
            ) => {}
        }
    }

    fn decide(&self, command: &IntegrationCommand) -> Result<Vec<IntegrationEvent>, ConfigRejection> {
        match command {
            IntegrationCommand::CreateIntegration {
                name,
                kind,
                service,
                key_hash,
                signing_secret,
                unknown,
            } => {
                validate::line("name", name, 100)?;
                check_hash(key_hash)?;
                validate::known(unknown)?;
                let created = IntegrationEvent::Created {
                    name: name.clone(),
                    kind: *kind,
                    service: *service,
                    key_hash: key_hash.clone(),
                    signing_secret: *signing_secret,
                };
                match self.entrance {
                    None => Ok(vec![created]),
                    Some(_) => Err(ConfigRejection::AlreadyExists(IntegrationId::CATEGORY)),
                }
            }
            IntegrationCommand::UpdateIntegration { name, service, enabled, key_hash, unknown, at } => {
                let entrance =
                    self.entrance.as_ref().ok_or(ConfigRejection::NotFound(IntegrationId::CATEGORY))?;
                validate::known(unknown)?;
                let mut events = vec![];
                if let Some(name) = name.as_ref().filter(|name| **name != entrance.name) {
                    validate::line("name", name, 100)?;
                    events.push(IntegrationEvent::Renamed { name: name.clone() });
                }
                if let Some(service) = service.filter(|service| *service != entrance.service) {
                    events.push(IntegrationEvent::Rerouted { service });
                }
                if let Some(key_hash) = key_hash.as_ref().filter(|hash| **hash != entrance.key_hash) {
                    check_hash(key_hash)?;
                    events.push(IntegrationEvent::KeyRotated { key_hash: key_hash.clone() });
                }
                match (enabled, self.disabled_at) {
                    (Some(false), None) => events.push(IntegrationEvent::Disabled { at: *at }),
                    (Some(true), Some(_)) => events.push(IntegrationEvent::Enabled { at: *at }),
                    (None | Some(_), _) => {}
                }
                Ok(events)
            }
        }
    }
}

fn check_hash(key_hash: &str) -> Result<(), Invalid> {
    let good = key_hash.len() == 64 && key_hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    if good { Ok(()) } else { Err(Invalid::new("keyHash", "must be 64 hexadecimal digits")) }
}
