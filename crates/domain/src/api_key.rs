//! API keys: programs and people without a browser.

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, ApiKeyId, ConfigRejection, Fact, Invalid, Subject, Timestamp, Unknown, UserId, user::Role,
    validate,
};

/// What can be asked of an API key.
#[derive(Clone, Debug, PartialEq)]
pub enum ApiKeyCommand {
    /// Issue a key.
    CreateApiKey {
        /// What it is for, one line.
        name: String,
        /// SHA-256 of the key, in lower-case hexadecimal: the key itself is shown once and kept nowhere.
        hash: String,
        /// What it may do.
        role: Role,
        /// The person it stands for, if any.
        user: Option<UserId>,
        /// References among these that do not exist.
        unknown: Vec<Unknown>,
    },
    /// Stop it.
    RevokeApiKey {
        /// When.
        at: Timestamp,
    },
}

/// What can happen to an API key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ApiKeyEvent {
    /// It was issued.
    #[serde(rename = "api_key.issued.v1")]
    Issued {
        /// What it is for.
        name: String,
        /// SHA-256 of the key.
        hash: String,
        /// What it may do.
        role: Role,
        /// The person it stands for.
        user: Option<UserId>,
    },
    /// It opens nothing any more.
    #[serde(rename = "api_key.revoked.v1")]
    Revoked {
        /// When.
        at: Timestamp,
    },
}

impl Fact for ApiKeyEvent {
    fn subjects(&self) -> Vec<Subject> {
        match *self {
            Self::Issued { user, .. } => user.into_iter().map(Into::into).collect(),
            Self::Revoked { .. } => vec![],
        }
    }
}

/// An API key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiKey {
    /// What it is for.
    pub name: String,
    /// SHA-256 of the key; empty before it was issued.
    pub hash: String,
    /// What it may do.
    pub role: Role,
    /// The person it stands for.
    pub user: Option<UserId>,
    /// Since when it opens nothing.
    pub revoked_at: Option<Timestamp>,
}

impl Aggregate for ApiKey {
    const CATEGORY: &'static str = ApiKeyId::CATEGORY;
    type Id = ApiKeyId;
    type Command = ApiKeyCommand;
    type Event = ApiKeyEvent;
    type Rejection = ConfigRejection;

    fn evolve(&mut self, event: &ApiKeyEvent) {
        match event {
            ApiKeyEvent::Issued { name, hash, role, user } => {
                self.name.clone_from(name);
                self.hash.clone_from(hash);
                (self.role, self.user) = (*role, *user);
            }
            ApiKeyEvent::Revoked { at } => self.revoked_at = Some(*at),
        }
    }

    fn decide(&self, command: &ApiKeyCommand) -> Result<Vec<ApiKeyEvent>, ConfigRejection> {
        match command {
            ApiKeyCommand::CreateApiKey { name, hash, role, user, unknown } => {
                validate::line("name", name, 100)?;
                validate::known(unknown)?;
                if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Err(Invalid::new("hash", "must be 64 hexadecimal digits").into());
                }
                if !self.hash.is_empty() {
                    return Err(ConfigRejection::AlreadyExists("API key"));
                }
                let (name, hash) = (name.clone(), hash.clone());
                Ok(vec![ApiKeyEvent::Issued { name, hash, role: *role, user: *user }])
            }
            ApiKeyCommand::RevokeApiKey { at } => match self.revoked_at {
                _ if self.hash.is_empty() => Err(ConfigRejection::NotFound("API key")),
                Some(_) => Ok(vec![]),
                None => Ok(vec![ApiKeyEvent::Revoked { at: *at }]),
            },
        }
    }
}
