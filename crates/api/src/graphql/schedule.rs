//! On-call schedules.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, connection::Connection};
use commands::Directory;
use domain::{
    LayerId, ScheduleId, UserId,
    calendar_feed::Scope,
    schedule::{Edit, Layer, Rotation, ScheduleCommand, Unit, Version},
    user::Role,
};
use uuid::Uuid;

use super::{
    calendar_feed::CalendarFeed,
    caller::{Caller, References, app, command_id, parse},
    fault::Fault,
    on_call::{OnCall, on_call_for_schedule},
    rejection::{Recorded, Rejection, Stop, payloads},
    scalar::{CommandId, DateTime, LocalDateTime, Position},
    slice,
    team::Team,
    user::User,
    words,
};

/// Who is on call when.
pub(super) struct Schedule {
    id: ScheduleId,
    state: Arc<domain::schedule::Schedule>,
}

impl Schedule {
    pub(super) fn find(directory: &Directory, id: ScheduleId) -> Option<Self> {
        directory.schedules.get(&id).map(|state| Self { id, state: Arc::clone(state) })
    }

    /// What it says at last, as far as is planned.
    fn latest(&self) -> Option<&Version> {
        self.state.versions.last()
    }

    /// The layer that decides, of several.
    fn main(&self) -> Option<&Layer> {
        self.latest()?.layers.iter().max_by_key(|layer| layer.priority)
    }
}

/// Who is on call when.
#[Object]
impl Schedule {
    /// Its id, such as `sch_…`.
    async fn id(&self) -> ID {
        self.id.into()
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.state.name
    }

    /// Whose it is.
    async fn team(&self, ctx: &Context<'_>) -> Result<Option<Team>, Fault> {
        let directory = app(ctx)?.directory.now();
        Ok(self.state.team.and_then(|id| Team::find(&directory, id)))
    }

    /// The IANA zone whose wall clock it follows.
    async fn time_zone(&self) -> Option<&str> {
        self.latest().map(|version| version.time_zone.as_str())
    }

    /// The rhythm of handoffs.
    async fn rotation(&self) -> Option<words::Rotation> {
        self.main().and_then(|layer| rhythm(&layer.rotation)).map(|(kind, _)| kind)
    }

    /// How many days or weeks a turn lasts.
    async fn every(&self) -> Option<u32> {
        self.main().and_then(|layer| rhythm(&layer.rotation)).map(|(_, every)| every)
    }

    /// The first handoff on the wall clock; it fixes the time of day and the weekday.
    async fn rotation_start(&self) -> Option<LocalDateTime> {
        self.main().map(|layer| LocalDateTime(layer.rotation_start))
    }

    /// Who takes turns, in order; who shares a turn stands together.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    async fn participants(&self, ctx: &Context<'_>) -> Result<Vec<Vec<User>>, Fault> {
        let directory = app(ctx)?.directory.now();
        let slots = self.main().map(|layer| layer.participants.as_slice()).unwrap_or_default();
        let people = |slot: &Vec<UserId>| slot.iter().filter_map(|id| User::find(&directory, *id)).collect();
        Ok(slots.iter().map(people).collect())
    }

    /// Who is on call now.
    #[graphql(complexity = "1 + 3 * child_complexity")]
    async fn on_call_now(&self, ctx: &Context<'_>) -> Result<Vec<User>, Fault> {
        let app = app(ctx)?;
        Ok(on_call_for_schedule(&app.directory.now(), self.id, app.engine.now()).users)
    }

    /// Who is on call at an instant, past or future; now if none is given.
    async fn on_call(&self, ctx: &Context<'_>, at: Option<DateTime>) -> Result<OnCall, Fault> {
        let app = app(ctx)?;
        let at = at.map_or_else(|| app.engine.now(), |DateTime(at)| at);
        Ok(on_call_for_schedule(&app.directory.now(), self.id, at))
    }

    /// Calendar feeds of it that were not revoked.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn calendar_feeds(&self, ctx: &Context<'_>) -> Result<Vec<CalendarFeed>, Fault> {
        let scope = Scope::Schedule { id: self.id };
        Ok(CalendarFeed::all(&app(ctx)?.directory.now(), |feed| feed.scope == Some(scope)))
    }

    /// Since when it is out of use.
    async fn retired_at(&self) -> Option<DateTime> {
        self.state.retired_at.map(DateTime)
    }
}

#[derive(Default)]
pub(super) struct ScheduleQuery;

#[Object]
impl ScheduleQuery {
    /// One schedule; null if there is none under this id.
    async fn schedule(
        &self,
        ctx: &Context<'_>,
        id: ID,
        wait_for: Option<Position>,
    ) -> Result<Option<Schedule>, Fault> {
        let caller = Caller::reading(ctx, wait_for).await?;
        Ok(id.parse().ok().and_then(|id| Schedule::find(&caller.app.directory.now(), id)))
    }

    /// Schedules in the order of their names; retired ones only if asked for.
    #[graphql(complexity = "slice::cost(first, child_complexity)")]
    async fn schedules(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        #[graphql(default)] retired: bool,
        wait_for: Option<Position>,
    ) -> Result<Connection<String, Schedule>, Fault> {
        let directory = Caller::reading(ctx, wait_for).await?.app.directory.now();
        let schedules = directory.schedules.iter().filter(|(_, state)| retired || state.retired_at.is_none());
        let schedules = schedules.map(|(id, state)| {
            (state.name.clone(), id.to_string(), Schedule { id: *id, state: Arc::clone(state) })
        });
        slice::by_name(schedules, first, after.as_deref())
    }
}

/// A new schedule.
#[derive(InputObject)]
pub(super) struct CreateScheduleInput {
    /// Its name, one line.
    name: String,
    /// Whose it is.
    team_id: Option<ID>,
    /// The IANA zone whose wall clock it follows, such as `Europe/Berlin`.
    #[graphql(default_with = "\"UTC\".to_owned()")]
    time_zone: String,
    /// The rhythm of handoffs.
    #[graphql(default_with = "words::Rotation::Weekly")]
    rotation: words::Rotation,
    /// How many days or weeks a turn lasts.
    #[graphql(default = 1)]
    every: u32,
    /// The first handoff on the wall clock, such as `2026-11-23T09:00`. Nobody is on call before it.
    rotation_start: LocalDateTime,
    /// Who takes turns, in order.
    participants: Vec<ID>,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// Changes of a schedule; what is left out stays, and so does the past.
#[derive(InputObject)]
pub(super) struct UpdateScheduleInput {
    /// Which schedule.
    schedule_id: ID,
    /// A new name.
    name: Option<String>,
    /// Another zone.
    time_zone: Option<String>,
    /// Another rhythm.
    rotation: Option<words::Rotation>,
    /// Another length of a turn.
    every: Option<u32>,
    /// Another first handoff.
    rotation_start: Option<LocalDateTime>,
    /// Other people.
    participants: Option<Vec<ID>>,
    /// From when on the turns are different; now, if left out.
    effective_from: Option<DateTime>,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// A schedule to take out of use.
#[derive(InputObject)]
pub(super) struct RetireScheduleInput {
    /// Which schedule.
    schedule_id: ID,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

payloads! {
    /// The new schedule.
    CreateSchedulePayload { schedule: Schedule }
    /// The schedule as changed.
    UpdateSchedulePayload { schedule: Schedule }
    /// The retired schedule.
    RetireSchedulePayload { schedule: Schedule }
}

#[derive(Default)]
pub(super) struct ScheduleMutation;

#[Object]
impl ScheduleMutation {
    /// Make a schedule.
    async fn create_schedule(
        &self,
        ctx: &Context<'_>,
        input: CreateScheduleInput,
    ) -> Result<CreateSchedulePayload, Fault> {
        CreateSchedulePayload::answer(create(Caller::admit(ctx, Role::Administrator)?, input).await)
    }

    /// Change a schedule from an instant on; the past stays what it was.
    async fn update_schedule(
        &self,
        ctx: &Context<'_>,
        input: UpdateScheduleInput,
    ) -> Result<UpdateSchedulePayload, Fault> {
        UpdateSchedulePayload::answer(update(Caller::admit(ctx, Role::Administrator)?, input).await)
    }

    /// Take a schedule out of use; it has nobody on call from then on.
    async fn retire_schedule(
        &self,
        ctx: &Context<'_>,
        input: RetireScheduleInput,
    ) -> Result<RetireSchedulePayload, Fault> {
        RetireSchedulePayload::answer(retire(Caller::admit(ctx, Role::Administrator)?, input).await)
    }
}

async fn create(caller: Caller<'_>, input: CreateScheduleInput) -> Result<Recorded<Schedule>, Stop> {
    let directory = caller.configuration().await;
    let mut references = References::new(&directory);
    let team = input.team_id.as_ref().map(|id| references.team("teamId", id)).transpose()?;
    let layer = Layer::simple(
        LayerId::ONLY,
        "On call",
        rotation(input.rotation, input.every),
        input.rotation_start.0,
        participants(&mut references, &input.participants)?,
    );
    let command_id = command_id(input.command_id);
    let id = ScheduleId::new(commands::mint::derived(command_id, "schedule"));
    let at = caller.now();
    let version = Version { effective_from: at, time_zone: input.time_zone, layers: vec![layer] };
    let (name, unknown) = (input.name, references.unknown());
    let command = ScheduleCommand::CreateSchedule { name, team, version, unknown, at };
    record(caller, id, command, command_id).await
}

async fn update(caller: Caller<'_>, input: UpdateScheduleInput) -> Result<Recorded<Schedule>, Stop> {
    let id: ScheduleId = parse("scheduleId", &input.schedule_id)?;
    let directory = caller.configuration().await;
    let mut references = References::new(&directory);
    let given = input.participants.as_ref();
    let participants = given.map(|ids| participants(&mut references, ids)).transpose()?;
    // The log is asked, not the directory: what is left out must stay what it is now.
    let (current, _) = caller.app.engine.load::<domain::schedule::Schedule>(id).await?;
    let at = caller.now();
    let effective_from = input.effective_from.map(|DateTime(at)| at);
    let said = current.version_at(effective_from.unwrap_or(at)).or(current.versions.first()).cloned();
    let edit = said.map(|said| {
        let mut layers = said.layers;
        if let Some(layer) = layers.iter_mut().max_by_key(|layer| layer.priority) {
            let (kind, every) = rhythm(&layer.rotation).unwrap_or((words::Rotation::Weekly, 1));
            if input.rotation.is_some() || input.every.is_some() {
                layer.rotation = rotation(input.rotation.unwrap_or(kind), input.every.unwrap_or(every));
            }
            layer.rotation_start =
                input.rotation_start.map_or(layer.rotation_start, |LocalDateTime(start)| start);
            if let Some(participants) = participants {
                layer.participants = participants;
                layer.first_slot = 0;
            }
        }
        let time_zone = input.time_zone.unwrap_or(said.time_zone);
        let zones = Arc::clone(&directory.zones);
        Edit { effective_from, time_zone, layers, keep_current: true, revision: None, zones }
    });
    let (name, unknown) = (input.name, references.unknown());
    let command = ScheduleCommand::UpdateSchedule { name, edit, unknown, at };
    record(caller, id, command, command_id(input.command_id)).await
}

async fn retire(caller: Caller<'_>, input: RetireScheduleInput) -> Result<Recorded<Schedule>, Stop> {
    let id = parse("scheduleId", &input.schedule_id)?;
    let command = ScheduleCommand::RetireSchedule { at: caller.now() };
    record(caller, id, command, command_id(input.command_id)).await
}

async fn record(
    caller: Caller<'_>,
    id: ScheduleId,
    command: ScheduleCommand,
    command_id: Uuid,
) -> Result<Recorded<Schedule>, Stop> {
    let done = caller.configure::<domain::schedule::Schedule>(id, &command, command_id).await?;
    Ok((Some(Schedule { id, state: done.state }), done.position))
}

const fn rotation(kind: words::Rotation, every: u32) -> Rotation {
    match kind {
        words::Rotation::Daily => Rotation::Daily { every },
        words::Rotation::Weekly => Rotation::Weekly { every },
    }
}

/// A rhythm in days or weeks, if it is one.
fn rhythm(rotation: &Rotation) -> Option<(words::Rotation, u32)> {
    match *rotation {
        Rotation::Daily { every } | Rotation::Custom { every, unit: Unit::Days } => {
            Some((words::Rotation::Daily, every))
        }
        Rotation::Weekly { every } | Rotation::Custom { every, unit: Unit::Weeks } => {
            Some((words::Rotation::Weekly, every))
        }
        Rotation::Custom { unit: Unit::Hours, .. } | Rotation::Rrule { .. } => None,
    }
}

/// One person for each turn.
fn participants(references: &mut References<'_>, ids: &[ID]) -> Result<Vec<Vec<UserId>>, Rejection> {
    let slot =
        |(index, id)| references.user(format_args!("participants[{index}]"), id).map(|user| vec![user]);
    ids.iter().enumerate().map(slot).collect()
}
