//! Teams.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, connection::Connection};
use commands::Directory;
use domain::{TeamId, UserId, team::TeamCommand, user::Role};

use super::{
    caller::{Caller, References, app, command_id, parse},
    fault::Fault,
    rejection::{Recorded, Stop, payloads},
    scalar::{CommandId, DateTime, Position},
    slice,
    user::User,
};

/// The people who look after something together.
pub(super) struct Team {
    id: TeamId,
    state: Arc<domain::team::Team>,
}

impl Team {
    pub(super) fn find(directory: &Directory, id: TeamId) -> Option<Self> {
        directory.teams.get(&id).map(|state| Self { id, state: Arc::clone(state) })
    }
}

/// The people who look after something together.
#[Object]
impl Team {
    /// Its id, such as `tem_…`.
    async fn id(&self) -> ID {
        self.id.into()
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.state.name
    }

    /// What it looks after.
    async fn description(&self) -> &str {
        &self.state.description
    }

    /// Who belongs to it.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    async fn members(&self, ctx: &Context<'_>) -> Result<Vec<User>, Fault> {
        let directory = app(ctx)?.directory.now();
        Ok(self.state.members.iter().filter_map(|id| User::find(&directory, *id)).collect())
    }

    /// Since when it is out of use.
    async fn retired_at(&self) -> Option<DateTime> {
        self.state.retired_at.map(DateTime)
    }
}

#[derive(Default)]
pub(super) struct TeamQuery;

#[Object]
impl TeamQuery {
    /// One team; null if there is none under this id.
    async fn team(
        &self,
        ctx: &Context<'_>,
        id: ID,
        wait_for: Option<Position>,
    ) -> Result<Option<Team>, Fault> {
        let caller = Caller::reading(ctx, wait_for).await?;
        Ok(id.parse().ok().and_then(|id| Team::find(&caller.app.directory.now(), id)))
    }

    /// Teams in the order of their names; retired ones only if asked for.
    #[graphql(complexity = "slice::cost(first, child_complexity)")]
    async fn teams(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        #[graphql(default)] retired: bool,
        wait_for: Option<Position>,
    ) -> Result<Connection<String, Team>, Fault> {
        let directory = Caller::reading(ctx, wait_for).await?.app.directory.now();
        let teams = directory.teams.iter().filter(|(_, state)| retired || state.retired_at.is_none());
        let teams = teams.map(|(id, state)| {
            (state.name.clone(), id.to_string(), Team { id: *id, state: Arc::clone(state) })
        });
        slice::by_name(teams, first, after.as_deref())
    }
}

/// A new team.
#[derive(InputObject)]
pub(super) struct CreateTeamInput {
    /// Its name, one line.
    name: String,
    /// What it looks after.
    #[graphql(default)]
    description: String,
    /// Its first members.
    #[graphql(default)]
    member_ids: Vec<ID>,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// Changes of a team; what is left out stays.
#[derive(InputObject)]
pub(super) struct UpdateTeamInput {
    /// Which team.
    team_id: ID,
    /// A new name.
    name: Option<String>,
    /// A new description.
    description: Option<String>,
    /// The members from now on.
    member_ids: Option<Vec<ID>>,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// A team to take out of use.
#[derive(InputObject)]
pub(super) struct RetireTeamInput {
    /// Which team.
    team_id: ID,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

payloads! {
    /// The new team.
    CreateTeamPayload { team: Team }
    /// The team as changed.
    UpdateTeamPayload { team: Team }
    /// The retired team.
    RetireTeamPayload { team: Team }
}

#[derive(Default)]
pub(super) struct TeamMutation;

#[Object]
impl TeamMutation {
    /// Make a team.
    async fn create_team(
        &self,
        ctx: &Context<'_>,
        input: CreateTeamInput,
    ) -> Result<CreateTeamPayload, Fault> {
        CreateTeamPayload::answer(create(Caller::admit(ctx, Role::Administrator)?, input).await)
    }

    /// Change a team.
    async fn update_team(
        &self,
        ctx: &Context<'_>,
        input: UpdateTeamInput,
    ) -> Result<UpdateTeamPayload, Fault> {
        UpdateTeamPayload::answer(update(Caller::admit(ctx, Role::Administrator)?, input).await)
    }

    /// Take a team out of use; its history stays.
    async fn retire_team(
        &self,
        ctx: &Context<'_>,
        input: RetireTeamInput,
    ) -> Result<RetireTeamPayload, Fault> {
        RetireTeamPayload::answer(retire(Caller::admit(ctx, Role::Administrator)?, input).await)
    }
}

async fn create(caller: Caller<'_>, input: CreateTeamInput) -> Result<Recorded<Team>, Stop> {
    let directory = caller.configuration().await;
    let mut references = References::new(&directory);
    let members = people(&mut references, "memberIds", &input.member_ids)?;
    let command_id = command_id(input.command_id);
    let id = TeamId::new(commands::mint::derived(command_id, "team"));
    let (name, description, unknown) = (input.name, input.description, references.unknown());
    record(caller, id, TeamCommand::CreateTeam { name, description, members, unknown }, command_id).await
}

async fn update(caller: Caller<'_>, input: UpdateTeamInput) -> Result<Recorded<Team>, Stop> {
    let id = parse("teamId", &input.team_id)?;
    let directory = caller.configuration().await;
    let mut references = References::new(&directory);
    let members = match &input.member_ids {
        Some(ids) => Some(people(&mut references, "memberIds", ids)?),
        None => None,
    };
    let (name, description, unknown) = (input.name, input.description, references.unknown());
    let command = TeamCommand::UpdateTeam { name, description, members, unknown };
    record(caller, id, command, command_id(input.command_id)).await
}

async fn retire(caller: Caller<'_>, input: RetireTeamInput) -> Result<Recorded<Team>, Stop> {
    let id = parse("teamId", &input.team_id)?;
    let command = TeamCommand::RetireTeam { at: caller.now() };
    record(caller, id, command, command_id(input.command_id)).await
}

async fn record(
    caller: Caller<'_>,
    id: TeamId,
    command: TeamCommand,
    command_id: uuid::Uuid,
) -> Result<Recorded<Team>, Stop> {
    let done = caller.configure::<domain::team::Team>(id, &command, command_id).await?;
    Ok((Some(Team { id, state: done.state }), done.position))
}

/// Reads the ids of people.
pub(super) fn people(references: &mut References<'_>, field: &str, ids: &[ID]) -> Result<Vec<UserId>, Stop> {
    let read = |(index, id)| references.user(format_args!("{field}[{index}]"), id);
    Ok(ids.iter().enumerate().map(read).collect::<Result<_, _>>()?)
}
