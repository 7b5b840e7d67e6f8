//! Escalation policies, and the organisation's catch-all among them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject, Union, connection::Connection};
use commands::Directory;
use domain::{
    Level, OrganizationId, PolicyId, Target, organization::OrganizationCommand, policy::PolicyCommand,
    user::Role,
};
use uuid::Uuid;

use super::{
    caller::{Caller, References, app, command_id, parse},
    fault::Fault,
    rejection::{Recorded, Rejection, Stop, payloads},
    scalar::{CommandId, DateTime, Position},
    schedule::Schedule,
    slice,
    team::Team,
    user::User,
};

/// Whom to page, and whom next.
pub(super) struct EscalationPolicy {
    id: PolicyId,
    state: Arc<domain::policy::Policy>,
}

impl EscalationPolicy {
    pub(super) fn find(directory: &Directory, id: PolicyId) -> Option<Self> {
        directory.policies.get(&id).map(|state| Self { id, state: Arc::clone(state) })
    }
}

/// Whom a level names.
#[derive(Union)]
pub(super) enum EscalationTarget {
    /// This person.
    User(User),
    /// Whoever this schedule has on call.
    Schedule(Schedule),
    /// Every member of this team.
    Team(Team),
}

impl EscalationTarget {
    fn find(directory: &Arc<Directory>, target: Target) -> Option<Self> {
        match target {
            Target::User { id } => User::find(directory, id).map(Self::User),
            Target::Schedule { id } => Schedule::find(directory, id).map(Self::Schedule),
            Target::Team { id } => Team::find(directory, id).map(Self::Team),
        }
    }
}

/// One rung of the ladder.
#[derive(SimpleObject)]
pub(super) struct EscalationLevel {
    /// Its place, from 1.
    level: u32,
    /// Whom to page, all at once.
    targets: Vec<EscalationTarget>,
    /// Seconds until the next level is paged.
    timeout_seconds: u32,
}

/// Whom to page, and whom next.
#[Object]
impl EscalationPolicy {
    /// Its id, such as `pol_…`.
    async fn id(&self) -> ID {
        self.id.into()
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.state.name
    }

    /// Who looks after it.
    async fn team(&self, ctx: &Context<'_>) -> Result<Option<Team>, Fault> {
        let directory = app(ctx)?.directory.now();
        Ok(self.state.team.and_then(|id| Team::find(&directory, id)))
    }

    /// The levels, lowest first.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn levels(&self, ctx: &Context<'_>) -> Result<Vec<EscalationLevel>, Fault> {
        let directory = app(ctx)?.directory.now();
        let shown = |(level, rung): (u32, &Level)| EscalationLevel {
            level,
            targets: rung.targets.iter().filter_map(|one| EscalationTarget::find(&directory, *one)).collect(),
            timeout_seconds: rung.timeout_seconds,
        };
        Ok((1..).zip(&self.state.levels).map(shown).collect())
    }

    /// Further passes over the levels after the first one.
    async fn repeat(&self) -> u32 {
        self.state.repeat
    }

    /// Whether it takes alerts that no other policy covers.
    async fn catch_all(&self, ctx: &Context<'_>) -> Result<bool, Fault> {
        Ok(app(ctx)?.directory.now().organization.catch_all == Some(self.id))
    }

    /// Since when it is out of use.
    async fn retired_at(&self) -> Option<DateTime> {
        self.state.retired_at.map(DateTime)
    }
}

#[derive(Default)]
pub(super) struct PolicyQuery;

#[Object]
impl PolicyQuery {
    /// One escalation policy; null if there is none under this id.
    async fn escalation_policy(
        &self,
        ctx: &Context<'_>,
        id: ID,
        wait_for: Option<Position>,
    ) -> Result<Option<EscalationPolicy>, Fault> {
        let caller = Caller::reading(ctx, wait_for).await?;
        Ok(id.parse().ok().and_then(|id| EscalationPolicy::find(&caller.app.directory.now(), id)))
    }

    /// Escalation policies in the order of their names; retired ones only if asked for.
    #[graphql(complexity = "slice::cost(first, child_complexity)")]
    async fn escalation_policies(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        #[graphql(default)] retired: bool,
        wait_for: Option<Position>,
    ) -> Result<Connection<String, EscalationPolicy>, Fault> {
        let directory = Caller::reading(ctx, wait_for).await?.app.directory.now();
        let policies = directory.policies.iter().filter(|(_, state)| retired || state.retired_at.is_none());
        let policies = policies.map(|(id, state)| {
            (state.name.clone(), id.to_string(), EscalationPolicy { id: *id, state: Arc::clone(state) })
        });
        slice::by_name(policies, first, after.as_deref())
    }
}

/// Whom to page: exactly one of the three.
#[derive(InputObject)]
#[expect(clippy::struct_field_names, reason = "these are the names that callers see")]
pub(super) struct EscalationTargetInput {
    /// This person.
    user_id: Option<ID>,
    /// Whoever this schedule has on call.
    schedule_id: Option<ID>,
    /// Every member of this team.
    team_id: Option<ID>,
}

/// One rung of the ladder.
#[derive(InputObject)]
pub(super) struct EscalationLevelInput {
    /// Whom to page, all at once.
    targets: Vec<EscalationTargetInput>,
    /// Seconds until the next level is paged.
    timeout_seconds: Option<u32>,
    /// The same in minutes. Without either it is 30 minutes.
    timeout_minutes: Option<u32>,
}

/// A new escalation policy.
#[derive(InputObject)]
pub(super) struct CreateEscalationPolicyInput {
    /// Its name, one line.
    name: String,
    /// Who looks after it.
    team_id: Option<ID>,
    /// The levels, lowest first.
    levels: Vec<EscalationLevelInput>,
    /// Further passes over the levels after the first one.
    #[graphql(default)]
    repeat: u32,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// Changes of an escalation policy; what is left out stays. Incidents that are open keep the levels that they
/// opened with.
#[derive(InputObject)]
pub(super) struct UpdateEscalationPolicyInput {
    /// Which policy.
    escalation_policy_id: ID,
    /// A new name.
    name: Option<String>,
    /// Other levels.
    levels: Option<Vec<EscalationLevelInput>>,
    /// Another number of further passes.
    repeat: Option<u32>,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// An escalation policy to take out of use.
#[derive(InputObject)]
pub(super) struct RetireEscalationPolicyInput {
    /// Which policy.
    escalation_policy_id: ID,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// The policy for alerts that no other policy covers.
#[derive(InputObject)]
pub(super) struct SetCatchAllPolicyInput {
    /// Which policy; null: administrators are paged directly.
    escalation_policy_id: Option<ID>,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

payloads! {
    /// The new policy.
    CreateEscalationPolicyPayload { escalation_policy: EscalationPolicy }
    /// The policy as changed.
    UpdateEscalationPolicyPayload { escalation_policy: EscalationPolicy }
    /// The retired policy.
    RetireEscalationPolicyPayload { escalation_policy: EscalationPolicy }
    /// The policy that takes what no other one covers.
    SetCatchAllPolicyPayload { escalation_policy: EscalationPolicy }
}

#[derive(Default)]
pub(super) struct PolicyMutation;

#[Object]
impl PolicyMutation {
    /// Make an escalation policy.
    async fn create_escalation_policy(
        &self,
        ctx: &Context<'_>,
        input: CreateEscalationPolicyInput,
    ) -> Result<CreateEscalationPolicyPayload, Fault> {
        CreateEscalationPolicyPayload::answer(create(Caller::admit(ctx, Role::Administrator)?, input).await)
    }

    /// Change an escalation policy.
    async fn update_escalation_policy(
        &self,
        ctx: &Context<'_>,
        input: UpdateEscalationPolicyInput,
    ) -> Result<UpdateEscalationPolicyPayload, Fault> {
        UpdateEscalationPolicyPayload::answer(update(Caller::admit(ctx, Role::Administrator)?, input).await)
    }

    /// Take an escalation policy out of use; services that use it fall back to the catch-all policy.
    async fn retire_escalation_policy(
        &self,
        ctx: &Context<'_>,
        input: RetireEscalationPolicyInput,
    ) -> Result<RetireEscalationPolicyPayload, Fault> {
        RetireEscalationPolicyPayload::answer(retire(Caller::admit(ctx, Role::Administrator)?, input).await)
    }

    /// Choose the policy for alerts that no other policy covers.
    async fn set_catch_all_policy(
        &self,
        ctx: &Context<'_>,
        input: SetCatchAllPolicyInput,
    ) -> Result<SetCatchAllPolicyPayload, Fault> {
        SetCatchAllPolicyPayload::answer(set_catch_all(Caller::admit(ctx, Role::Administrator)?, input).await)
    }
}

async fn create(
    caller: Caller<'_>,
    input: CreateEscalationPolicyInput,
) -> Result<Recorded<EscalationPolicy>, Stop> {
    let directory = caller.configuration().await;
    let mut references = References::new(&directory);
    let team = input.team_id.as_ref().map(|id| references.team("teamId", id)).transpose()?;
    let levels = levels(&mut references, &input.levels)?;
    let command_id = command_id(input.command_id);
    let id = PolicyId::new(commands::mint::derived(command_id, "policy"));
    let (name, repeat, unknown) = (input.name, input.repeat, references.unknown());
    let command = PolicyCommand::CreateEscalationPolicy { name, team, levels, repeat, unknown };
    record(caller, id, command, command_id).await
}

async fn update(
    caller: Caller<'_>,
    input: UpdateEscalationPolicyInput,
) -> Result<Recorded<EscalationPolicy>, Stop> {
    let id = parse("escalationPolicyId", &input.escalation_policy_id)?;
    let directory = caller.configuration().await;
    let mut references = References::new(&directory);
    let levels = input.levels.as_deref().map(|given| levels(&mut references, given)).transpose()?;
    let (name, repeat, unknown) = (input.name, input.repeat, references.unknown());
    let command = PolicyCommand::UpdateEscalationPolicy { name, levels, repeat, unknown };
    record(caller, id, command, command_id(input.command_id)).await
}

async fn retire(
    caller: Caller<'_>,
    input: RetireEscalationPolicyInput,
) -> Result<Recorded<EscalationPolicy>, Stop> {
    let id = parse("escalationPolicyId", &input.escalation_policy_id)?;
    let command = PolicyCommand::RetireEscalationPolicy { at: caller.now() };
    record(caller, id, command, command_id(input.command_id)).await
}

async fn record(
    caller: Caller<'_>,
    id: PolicyId,
    command: PolicyCommand,
    command_id: Uuid,
) -> Result<Recorded<EscalationPolicy>, Stop> {
    let done = caller.configure::<domain::policy::Policy>(id, &command, command_id).await?;
    Ok((Some(EscalationPolicy { id, state: done.state }), done.position))
}

async fn set_catch_all(
    caller: Caller<'_>,
    input: SetCatchAllPolicyInput,
) -> Result<Recorded<EscalationPolicy>, Stop> {
    let directory = caller.configuration().await;
    let mut references = References::new(&directory);
    let given = input.escalation_policy_id.as_ref();
    let policy = given.map(|id| references.policy("escalationPolicyId", id)).transpose()?;
    let command = OrganizationCommand::SetCatchAllPolicy { policy, unknown: references.unknown() };
    let command_id = command_id(input.command_id);
    let done = caller
        .configure::<domain::organization::Organization>(OrganizationId::THIS, &command, command_id)
        .await?;
    Ok((policy.and_then(|id| EscalationPolicy::find(&directory, id)), done.position))
}

/// Seconds until the next level is paged, unless the input says otherwise.
const DEFAULT_TIMEOUT: u32 = 30 * 60;

/// The rungs of a ladder, with every target looked up.
pub(super) fn levels(
    references: &mut References<'_>,
    given: &[EscalationLevelInput],
) -> Result<Vec<Level>, Rejection> {
    let mut levels = Vec::with_capacity(given.len());
    for (index, level) in given.iter().enumerate() {
        let mut targets = Vec::with_capacity(level.targets.len());
        for (place, one) in level.targets.iter().enumerate() {
            targets.push(target(references, &format!("levels[{index}].targets[{place}]"), one)?);
        }
        let timeout_seconds = match (level.timeout_seconds, level.timeout_minutes) {
            (Some(seconds), None) => seconds,
            (None, Some(minutes)) => minutes.saturating_mul(60),
            (None, None) => DEFAULT_TIMEOUT,
            (Some(_), Some(_)) => {
                let field = format!("levels[{index}].timeoutMinutes");
                return Err(Rejection::invalid(&field, "must be left out when timeoutSeconds is given"));
            }
        };
        levels.push(Level { targets, timeout_seconds });
    }
    Ok(levels)
}

fn target(
    references: &mut References<'_>,
    field: &str,
    given: &EscalationTargetInput,
) -> Result<Target, Rejection> {
    match (&given.user_id, &given.schedule_id, &given.team_id) {
        (Some(id), None, None) => {
            Ok(Target::User { id: references.user(format_args!("{field}.userId"), id)? })
        }
        (None, Some(id), None) => {
            Ok(Target::Schedule { id: references.schedule(format_args!("{field}.scheduleId"), id)? })
        }
        (None, None, Some(id)) => {
            Ok(Target::Team { id: references.team(format_args!("{field}.teamId"), id)? })
        }
        _ => Err(Rejection::invalid(field, "must have exactly one of userId, scheduleId and teamId")),
    }
}
