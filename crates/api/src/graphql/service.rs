//! Services.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, connection::Connection};
use commands::Directory;
use domain::{
    ServiceId,
    service::{RoutingKey, ServiceCommand},
    user::Role,
};
use uuid::Uuid;

use super::{
    caller::{Caller, References, app, command_id, parse},
    fault::Fault,
    integration::{Integration, integrations_of},
    on_call::{OnCall, is_uncovered, on_call_for_service},
    policy::EscalationPolicy,
    rejection::{Recorded, Rejection, Stop, payloads},
    scalar::{CommandId, DateTime, Position},
    slice,
    team::Team,
};

/// What can break.
pub(super) struct Service {
    id: ServiceId,
    state: Arc<domain::service::Service>,
}

impl Service {
    pub(super) fn find(directory: &Directory, id: ServiceId) -> Option<Self> {
        directory.services.get(&id).map(|state| Self { id, state: Arc::clone(state) })
    }
}

/// What can break.
#[Object]
impl Service {
    /// Its id, such as `svc_…`.
    async fn id(&self) -> ID {
        self.id.into()
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.state.name
    }

    /// What it does.
    async fn description(&self) -> &str {
        &self.state.description
    }

    /// Who looks after it.
    async fn team(&self, ctx: &Context<'_>) -> Result<Option<Team>, Fault> {
        let directory = app(ctx)?.directory.now();
        Ok(self.state.team.and_then(|id| Team::find(&directory, id)))
    }

    /// Whom to page for it; null: the catch-all policy.
    async fn escalation_policy(&self, ctx: &Context<'_>) -> Result<Option<EscalationPolicy>, Fault> {
        let directory = app(ctx)?.directory.now();
        Ok(self.state.policy.and_then(|id| EscalationPolicy::find(&directory, id)))
    }

    /// The entrances through which its alerts come.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn integrations(&self, ctx: &Context<'_>) -> Result<Vec<Integration>, Fault> {
        Ok(integrations_of(&app(ctx)?.directory.now(), self.id))
    }

    /// Who would be paged for it now, level by level.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn on_call_now(&self, ctx: &Context<'_>) -> Result<Vec<OnCall>, Fault> {
        let app = app(ctx)?;
        Ok(on_call_for_service(&app.directory.now(), self.id, app.engine.now()))
    }

    /// Whether an alert for it would page nobody but the administrators now.
    async fn uncovered(&self, ctx: &Context<'_>) -> Result<bool, Fault> {
        let app = app(ctx)?;
        Ok(is_uncovered(&app.directory.now(), self.id, app.engine.now()))
    }

    /// How alerts name it, whichever integration they come through; null: they cannot.
    async fn routing_key(&self) -> Option<&str> {
        self.state.routing_key.as_deref()
    }

    /// Since when it is out of use.
    async fn retired_at(&self) -> Option<DateTime> {
        self.state.retired_at.map(DateTime)
    }
}

#[derive(Default)]
pub(super) struct ServiceQuery;

#[Object]
impl ServiceQuery {
    /// One service; null if there is none under this id.
    async fn service(
        &self,
        ctx: &Context<'_>,
        id: ID,
        wait_for: Option<Position>,
    ) -> Result<Option<Service>, Fault> {
        let caller = Caller::reading(ctx, wait_for).await?;
        Ok(id.parse().ok().and_then(|id| Service::find(&caller.app.directory.now(), id)))
    }

    /// Services in the order of their names; retired ones only if asked for.
    #[graphql(complexity = "slice::cost(first, child_complexity)")]
    async fn services(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        #[graphql(default)] retired: bool,
        wait_for: Option<Position>,
    ) -> Result<Connection<String, Service>, Fault> {
        let directory = Caller::reading(ctx, wait_for).await?.app.directory.now();
        let services = directory.services.iter().filter(|(_, state)| retired || state.retired_at.is_none());
        let services = services.map(|(id, state)| {
            (state.name.clone(), id.to_string(), Service { id: *id, state: Arc::clone(state) })
        });
        slice::by_name(services, first, after.as_deref())
    }
}

/// A new service.
#[derive(InputObject)]
pub(super) struct CreateServiceInput {
    /// Its name, one line.
    name: String,
    /// What it does.
    #[graphql(default)]
    description: String,
    /// Who looks after it.
    team_id: Option<ID>,
    /// Whom to page for it; none: the catch-all policy.
    escalation_policy_id: Option<ID>,
    /// How alerts name it, whichever integration they come through. Case is of no consequence.
    routing_key: Option<String>,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// Changes of a service; what is left out stays, null takes away.
#[derive(InputObject)]
pub(super) struct UpdateServiceInput {
    /// Which service.
    service_id: ID,
    /// A new name.
    name: Option<String>,
    /// A new description.
    description: Option<String>,
    /// The team from now on.
    team_id: MaybeUndefined<ID>,
    /// The policy from now on.
    escalation_policy_id: MaybeUndefined<ID>,
    /// How alerts name it from now on.
    routing_key: MaybeUndefined<String>,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// A service to take out of use.
#[derive(InputObject)]
pub(super) struct RetireServiceInput {
    /// Which service.
    service_id: ID,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

payloads! {
    /// The new service.
    CreateServicePayload { service: Service }
    /// The service as changed.
    UpdateServicePayload { service: Service }
    /// The retired service.
    RetireServicePayload { service: Service }
}

#[derive(Default)]
pub(super) struct ServiceMutation;

#[Object]
impl ServiceMutation {
    /// Add a service.
    async fn create_service(
        &self,
        ctx: &Context<'_>,
        input: CreateServiceInput,
    ) -> Result<CreateServicePayload, Fault> {
        CreateServicePayload::answer(create(Caller::admit(ctx, Role::Administrator)?, input).await)
    }

    /// Change a service.
    async fn update_service(
        &self,
        ctx: &Context<'_>,
        input: UpdateServiceInput,
    ) -> Result<UpdateServicePayload, Fault> {
        UpdateServicePayload::answer(update(Caller::admit(ctx, Role::Administrator)?, input).await)
    }

    /// Take a service out of use; alerts for it go to the catch-all policy.
    async fn retire_service(
        &self,
        ctx: &Context<'_>,
        input: RetireServiceInput,
    ) -> Result<RetireServicePayload, Fault> {
        RetireServicePayload::answer(retire(Caller::admit(ctx, Role::Administrator)?, input).await)
    }
}

async fn create(caller: Caller<'_>, input: CreateServiceInput) -> Result<Recorded<Service>, Stop> {
    let directory = caller.configuration().await;
    let mut references = References::new(&directory);
    let team = input.team_id.as_ref().map(|id| references.team("teamId", id)).transpose()?;
    let policy = input
        .escalation_policy_id
        .as_ref()
        .map(|id| references.policy("escalationPolicyId", id))
        .transpose()?;
    let command_id = command_id(input.command_id);
    let id = ServiceId::new(commands::mint::derived(command_id, "service"));
    let routing_key = input.routing_key.map(|key| routing_key(&directory, id, key));
    let (name, description, unknown) = (input.name, input.description, references.unknown());
    let command = ServiceCommand::CreateService { name, description, team, policy, routing_key, unknown };
    record(caller, id, command, command_id).await
}

async fn update(caller: Caller<'_>, input: UpdateServiceInput) -> Result<Recorded<Service>, Stop> {
    let id = parse("serviceId", &input.service_id)?;
    let directory = caller.configuration().await;
    let mut references = References::new(&directory);
    let team = change(&input.team_id, |id| references.team("teamId", id))?;
    let policy = change(&input.escalation_policy_id, |id| references.policy("escalationPolicyId", id))?;
    let (name, description, unknown) = (input.name, input.description, references.unknown());
    let routing_key = change(&input.routing_key, |key| Ok(routing_key(&directory, id, key.clone())))?;
    let command = ServiceCommand::UpdateService { name, description, team, policy, routing_key, unknown };
    record(caller, id, command, command_id(input.command_id)).await
}

/// A routing key, and whether another service has it.
fn routing_key(directory: &Directory, id: ServiceId, key: String) -> RoutingKey {
    let taken = directory.service_by_routing_key(&key).is_some_and(|holder| holder != id);
    RoutingKey { key, taken }
}

/// Left out: no change. Null: take it away.
fn change<G, T>(
    given: &MaybeUndefined<G>,
    read: impl FnOnce(&G) -> Result<T, Rejection>,
) -> Result<Option<Option<T>>, Rejection> {
    match given {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Null => Ok(Some(None)),
        MaybeUndefined::Value(id) => read(id).map(|id| Some(Some(id))),
    }
}

async fn retire(caller: Caller<'_>, input: RetireServiceInput) -> Result<Recorded<Service>, Stop> {
    let id = parse("serviceId", &input.service_id)?;
    let command = ServiceCommand::RetireService { at: caller.now() };
    record(caller, id, command, command_id(input.command_id)).await
}

async fn record(
    caller: Caller<'_>,
    id: ServiceId,
    command: ServiceCommand,
    command_id: Uuid,
) -> Result<Recorded<Service>, Stop> {
    let done = caller.configure::<domain::service::Service>(id, &command, command_id).await?;
    Ok((Some(Service { id, state: done.state }), done.position))
}
