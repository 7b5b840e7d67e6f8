//! Who did it.

use async_graphql::{Context, ID, Object};

use super::{
    caller::app,
    fault::Fault,
    user::{User, user_name},
    words::ActorKind,
};

/// Who did something: a person, a program, a monitoring tool or Midwatch itself.
pub(super) struct Actor(pub(super) domain::Actor);

/// Who did something: a person, a program, a monitoring tool or Midwatch itself.
#[Object]
impl Actor {
    /// What sort of party it is.
    async fn kind(&self) -> ActorKind {
        match self.0 {
            domain::Actor::User { .. } => ActorKind::User,
            domain::Actor::ApiKey { .. } => ActorKind::ApiKey,
            domain::Actor::Integration { .. } => ActorKind::Integration,
            domain::Actor::Administrator => ActorKind::Administrator,
            domain::Actor::Reactor { .. } => ActorKind::Reactor,
        }
    }

    /// The id of the person, API key or integration; null for the others.
    async fn id(&self) -> Option<ID> {
        match self.0 {
            domain::Actor::User { id } => Some(id.into()),
            domain::Actor::ApiKey { id } => Some(id.into()),
            domain::Actor::Integration { id } => Some(id.into()),
            domain::Actor::Administrator | domain::Actor::Reactor { .. } => None,
        }
    }

    /// The name that people know it by.
    async fn name(&self, ctx: &Context<'_>) -> Result<String, Fault> {
        Ok(actor_name(&app(ctx)?.directory.now(), &self.0))
    }

    /// The person, if it is one.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>, Fault> {
        Ok(match self.0 {
            domain::Actor::User { id } => User::find(&app(ctx)?.directory.now(), id),
            _ => None,
        })
    }
}

/// The name that people know an actor by.
pub(super) fn actor_name(directory: &commands::Directory, actor: &domain::Actor) -> String {
    match actor {
        domain::Actor::User { id } => user_name(directory, *id),
        domain::Actor::ApiKey { id } => {
            directory.api_keys.get(id).map_or_else(|| id.to_string(), |key| key.name.clone())
        }
        domain::Actor::Integration { id } => directory
            .integrations
            .get(id)
            .and_then(|integration| integration.entrance.as_ref())
            .map_or_else(|| id.to_string(), |entrance| entrance.name.clone()),
        domain::Actor::Administrator => "the administrator".to_owned(),
        domain::Actor::Reactor { name } => format!("Midwatch ({name})"),
    }
}
