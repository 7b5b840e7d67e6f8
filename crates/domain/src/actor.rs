//! Who did it, and through what.

use serde::{Deserialize, Serialize};

use crate::{ApiKeyId, IntegrationId, UserId};

/// Who caused an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// A person.
    User {
        /// Which person.
        id: UserId,
    },
    /// An API key that stands for nobody in particular.
    ApiKey {
        /// Which key.
        id: ApiKeyId,
    },
    /// A monitoring tool.
    Integration {
        /// Which entrance it came through.
        id: IntegrationId,
    },
    /// The holder of the administrator token.
    Administrator,
    /// Midwatch itself.
    Reactor {
        /// Which part of it, such as `clock` or `pager`.
        name: String,
    },
}

/// The way a person's action reached Midwatch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Not recorded.
    #[default]
    Unknown,
    /// The GraphQL API or the web client.
    Api,
    /// The monitoring tool's own message.
    Alert,
}
