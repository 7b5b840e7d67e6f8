//! The caller of one field: what they may do, and what they may do it with.

use std::{fmt::Display, str::FromStr, sync::Arc};

use async_graphql::{Context, ID};
use commands::{Directory, Done, MetadataExt};
use domain::{
    Aggregate, IdError, PolicyId, ScheduleId, ServiceId, TeamId, Timestamp, Unknown, UserId, user::Role,
};
use store::Metadata;
use uuid::Uuid;

use super::{
    fault::Fault,
    rejection::{Rejection, Stop},
    scalar::{CommandId, Position},
};
use crate::{App, Viewer};

/// Who calls one field, admitted.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) app: &'a App,
    pub(super) viewer: &'a Viewer,
}

impl<'a> Caller<'a> {
    /// Lets the caller in if they have the role. Every field of the roots begins with this.
    pub(super) fn admit(ctx: &Context<'a>, role: Role) -> Result<Self, Fault> {
        let caller =
            Self { app: app(ctx)?, viewer: ctx.data::<Viewer>().map_err(|_| Fault::Unauthenticated)? };
        if caller.viewer.may(role) {
            return Ok(caller);
        }
        Err(Fault::Forbidden(match role {
            Role::Observer => "OBSERVER",
            Role::Responder => "RESPONDER",
            Role::Administrator => "ADMINISTRATOR",
        }))
    }

    /// Like [`Caller::admit`] for observers, once everything up to `wait_for` can be seen.
    pub(super) async fn reading(ctx: &Context<'a>, wait_for: Option<Position>) -> Result<Self, Fault> {
        let caller = Self::admit(ctx, Role::Observer)?;
        caller.wait_for(wait_for).await?;
        Ok(caller)
    }

    /// Waits until everything up to a position can be seen.
    pub(super) async fn wait_for(&self, position: Option<Position>) -> Result<(), Fault> {
        match position {
            Some(Position(position))
                if !self.app.reach(position, self.app.settings.limits.query_wait).await =>
            {
                Err(Fault::NotReached(position))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The time now.
    pub(super) fn now(&self) -> Timestamp {
        self.app.engine.now()
    }

    /// The metadata of a command of this caller.
    pub(super) fn metadata(&self, command: Uuid) -> Metadata {
        Metadata::of(self.viewer.actor.clone(), command)
    }

    /// The configuration, with everything that this node knows to be recorded: what was created a moment ago
    /// can be referred to.
    pub(super) async fn configuration(&self) -> Arc<Directory> {
        let head = self.app.engine.store().head();
        self.app.directory.reach(head, self.app.settings.limits.mutation_wait).await;
        self.app.directory.now()
    }

    /// Decides and records a command on configuration, and waits a little until the directory knows it.
    pub(super) async fn configure<A: Aggregate>(
        &self,
        id: A::Id,
        command: &A::Command,
        command_id: Uuid,
    ) -> Result<Done<A>, Stop> {
        let done = self.app.engine.execute::<A>(id, command, &self.metadata(command_id)).await?;
        self.app.directory.reach(done.position, self.app.settings.limits.mutation_wait).await;
        Ok(done)
    }
}

impl Caller<'_> {
    /// The person for whom something is done: the caller, or whom an administrator names.
    pub(super) fn person(
        &self,
        field: &str,
        given: Option<&ID>,
        references: &mut References<'_>,
    ) -> Result<UserId, Rejection> {
        let Some(given) = given else {
            let rule = "must name a person, because the token stands for nobody in particular";
            return self.viewer.user.ok_or_else(|| Rejection::invalid(field, rule));
        };
        let user = references.active(field, given)?;
        if self.viewer.may(Role::Administrator) || self.viewer.user == Some(user) {
            return Ok(user);
        }
        Err(Rejection::not_allowed("only administrators can act for somebody else"))
    }

    /// The person whose rights count; none for administrators, who may do everything.
    pub(super) fn concerned(&self) -> Result<Option<UserId>, Rejection> {
        if self.viewer.may(Role::Administrator) {
            return Ok(None);
        }
        let nobody = "the token stands for nobody in particular, and only administrators can act for others";
        self.viewer.user.map(Some).ok_or_else(|| Rejection::not_allowed(nobody))
    }
}

/// What all fields share.
pub(super) fn app<'a>(ctx: &Context<'a>) -> Result<&'a App, Fault> {
    ctx.data::<App>().map_err(|_| Fault::Internal)
}

/// The id that a caller gave a command, or a fresh one.
pub(super) fn command_id(given: Option<CommandId>) -> Uuid {
    given.map_or_else(commands::mint::uuid, |CommandId(uuid)| uuid)
}

/// Reads an id from a field of a mutation's input.
pub(super) fn parse<T: FromStr<Err = IdError>>(field: &str, id: &ID) -> Result<T, Rejection> {
    id.parse().map_err(|error| Rejection::not_an_id(field, &error))
}

/// Reads the ids of a filter; one that names nothing is the caller's mistake.
pub(super) fn parse_all<T: FromStr<Err = IdError>>(ids: Option<&Vec<ID>>) -> Result<Vec<T>, Fault> {
    ids.into_iter()
        .flatten()
        .map(|id| id.parse().map_err(|error: IdError| Fault::BadInput(error.to_string())))
        .collect()
}

/// Looks up what an input refers to, and remembers what leads nowhere: rules judge that.
pub(super) struct References<'a> {
    directory: &'a Directory,
    unknown: Vec<Unknown>,
}

impl<'a> References<'a> {
    pub(super) const fn new(directory: &'a Directory) -> Self {
        Self { directory, unknown: vec![] }
    }

    /// Reads an id and checks that `exists` finds it.
    fn find<T>(
        &mut self,
        field: impl Display,
        id: &ID,
        exists: impl FnOnce(&Directory, T) -> bool,
    ) -> Result<T, Rejection>
    where
        T: FromStr<Err = IdError> + Copy + Display,
    {
        let field = field.to_string();
        let id: T = parse(&field, id)?;
        if !exists(self.directory, id) {
            self.unknown.push(Unknown { field, id: id.to_string() });
        }
        Ok(id)
    }

    pub(super) fn team(&mut self, field: impl Display, id: &ID) -> Result<TeamId, Rejection> {
        self.find(field, id, |directory, id| directory.teams.contains_key(&id))
    }

    pub(super) fn user(&mut self, field: impl Display, id: &ID) -> Result<UserId, Rejection> {
        self.find(field, id, |directory, id| directory.users.contains_key(&id))
    }

    /// Like [`References::user`], for somebody who is to be on call: people who left are refused.
    pub(super) fn active(&mut self, field: impl Display, id: &ID) -> Result<UserId, Rejection> {
        let field = field.to_string();
        let user = self.user(&field, id)?;
        match self.directory.users.get(&user).and_then(|user| user.deactivated_at) {
            Some(at) => {
                let rule = format!("must name somebody who can be on call: {user} was deactivated at {at}");
                Err(Rejection::invalid(&field, &rule))
            }
            None => Ok(user),
        }
    }

    pub(super) fn service(&mut self, field: impl Display, id: &ID) -> Result<ServiceId, Rejection> {
        self.find(field, id, |directory, id| directory.services.contains_key(&id))
    }

    pub(super) fn schedule(&mut self, field: impl Display, id: &ID) -> Result<ScheduleId, Rejection> {
        self.find(field, id, |directory, id| directory.schedules.contains_key(&id))
    }

    pub(super) fn policy(&mut self, field: impl Display, id: &ID) -> Result<PolicyId, Rejection> {
        self.find(field, id, |directory, id| directory.policies.contains_key(&id))
    }

    /// What led nowhere.
    pub(super) fn unknown(self) -> Vec<Unknown> {
        self.unknown
    }
}
