//! Making schedules, and changing what they say from an instant on.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use commands::Directory;
use domain::{
    LayerId, ScheduleId, Timestamp,
    schedule::{Edit, Layer, Rotation, ScheduleCommand, Version},
    user::Role,
};
use uuid::Uuid;

use super::{
    Schedule,
    layer_input::{ScheduleLayerInput, Warning, layers, rhythm, warnings},
};
use crate::graphql::{
    caller::{Caller, References, command_id, parse},
    fault::Fault,
    rejection::{Recorded, Rejection, Stop, parts, payloads},
    scalar::{CommandId, DateTime, LocalDateTime, Position},
    words,
};

/// A new schedule: either with `layers`, or in short with one layer, by `rotationStart` and `participants`.
#[derive(InputObject)]
pub(in crate::graphql) struct CreateScheduleInput {
    /// Its name, one line.
    name: String,
    /// Whose it is.
    team_id: Option<ID>,
    /// The IANA zone whose wall clock it follows, such as `Europe/Berlin`.
    #[graphql(default_with = "\"UTC\".to_owned()")]
    time_zone: String,
    /// Who takes turns; their order means nothing.
    layers: Option<Vec<ScheduleLayerInput>>,
    /// In short: the rhythm of handoffs; weekly, if left out.
    rotation: Option<words::Rotation>,
    /// In short: how many days or weeks a turn lasts; one, if left out.
    every: Option<u32>,
    /// In short: the first handoff on the wall clock, such as `2026-11-23T09:00`. Nobody is on call before it.
    rotation_start: Option<LocalDateTime>,
    /// In short: who takes turns, in order.
    participants: Option<Vec<ID>>,
    /// From when on it holds; now, if left out.
    effective_from: Option<DateTime>,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// Changes of a schedule; what is left out stays, and so does the past. The turns are changed either with `layers`, or
/// in short for the layer with the highest priority.
#[derive(InputObject)]
pub(in crate::graphql) struct UpdateScheduleInput {
    /// Which schedule.
    pub(super) schedule_id: ID,
    /// A new name.
    name: Option<String>,
    /// Another zone.
    time_zone: Option<String>,
    /// All layers as they are to be; those with the `id` of one that is there are that one, edited.
    layers: Option<Vec<ScheduleLayerInput>>,
    /// In short: another rhythm.
    rotation: Option<words::Rotation>,
    /// In short: another length of a turn.
    every: Option<u32>,
    /// In short: another first handoff.
    rotation_start: Option<LocalDateTime>,
    /// In short: other people.
    participants: Option<Vec<ID>>,
    /// From when on the turns are different; now, if left out.
    effective_from: Option<DateTime>,
    /// Whether whose turn it is stays on call: turns of edited layers go on where they are, instead of being counted
    /// anew from their first slots. If that person left, whoever would have come next takes over.
    #[graphql(default = true)]
    keep_current: bool,
    /// The `revision` that the edit was made from: one that others made in the meantime refuses this one.
    revision: Option<u64>,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// A planned version to give up.
#[derive(InputObject)]
pub(in crate::graphql) struct DropScheduleVersionInput {
    /// Which schedule.
    schedule_id: ID,
    /// When the version would begin.
    effective_from: DateTime,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// A schedule to take out of use.
#[derive(InputObject)]
pub(in crate::graphql) struct RetireScheduleInput {
    /// Which schedule.
    schedule_id: ID,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// The new schedule.
#[derive(SimpleObject)]
struct CreateSchedulePayload {
    /// The object as it is now; null if the request was rejected.
    schedule: Option<Schedule>,
    /// What was accepted, but may not have been meant.
    warnings: Vec<Warning>,
    /// The position in the log that the request led to; a query with `waitFor` sees it.
    position: Option<Position>,
    /// Why the request was refused; null if it was not.
    rejection: Option<Rejection>,
}

/// The schedule as changed.
#[derive(SimpleObject)]
struct UpdateSchedulePayload {
    /// The object as it is now; null if the request was rejected.
    schedule: Option<Schedule>,
    /// What was accepted, but may not have been meant.
    warnings: Vec<Warning>,
    /// The position in the log that the request led to; a query with `waitFor` sees it.
    position: Option<Position>,
    /// Why the request was refused; null if it was not.
    rejection: Option<Rejection>,
}

payloads! {
    /// The schedule without the version.
    DropScheduleVersionPayload { schedule: Schedule }
    /// The retired schedule.
    RetireSchedulePayload { schedule: Schedule }
}

#[derive(Default)]
pub(in crate::graphql) struct ScheduleMutation;

#[Object]
impl ScheduleMutation {
    /// Make a schedule.
    async fn create_schedule(
        &self,
        ctx: &Context<'_>,
        input: CreateScheduleInput,
    ) -> Result<CreateSchedulePayload, Fault> {
        let caller = Caller::admit(ctx, Role::Administrator)?;
        let (warnings, outcome) = plan(caller, Planned::new(caller, input).await).await;
        let (schedule, position, rejection) = parts(outcome)?;
        Ok(CreateSchedulePayload { schedule, warnings, position, rejection })
    }

    /// Change a schedule from an instant on; the past stays what it was.
    async fn update_schedule(
        &self,
        ctx: &Context<'_>,
        input: UpdateScheduleInput,
    ) -> Result<UpdateSchedulePayload, Fault> {
        let caller = Caller::admit(ctx, Role::Administrator)?;
        let (warnings, outcome) = plan(caller, Planned::edit(caller, input).await).await;
        let (schedule, position, rejection) = parts(outcome)?;
        Ok(UpdateSchedulePayload { schedule, warnings, position, rejection })
    }

    /// Give up a version that has not begun.
    async fn drop_schedule_version(
        &self,
        ctx: &Context<'_>,
        input: DropScheduleVersionInput,
    ) -> Result<DropScheduleVersionPayload, Fault> {
        let caller = Caller::admit(ctx, Role::Administrator)?;
        DropScheduleVersionPayload::answer(drop_version(caller, input).await)
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

/// Records what is planned.
async fn plan(
    caller: Caller<'_>,
    planned: Result<Planned, Stop>,
) -> (Vec<Warning>, Result<Recorded<Schedule>, Stop>) {
    let planned = match planned {
        Ok(planned) => planned,
        Err(stop) => return (vec![], Err(stop)),
    };
    let Planned { id, command, warnings, command_id, short } = planned;
    match record(caller, id, command, command_id).await {
        Ok(done) => (warnings, Ok(done)),
        Err(Stop::Rejected(why)) => (vec![], Err(in_short(why, short).into())),
        Err(stop) => (vec![], Err(stop)),
    }
}

async fn drop_version(
    caller: Caller<'_>,
    input: DropScheduleVersionInput,
) -> Result<Recorded<Schedule>, Stop> {
    let id = parse("scheduleId", &input.schedule_id)?;
    let command = ScheduleCommand::DropVersion { effective_from: input.effective_from.0, at: caller.now() };
    record(caller, id, command, command_id(input.command_id)).await
}

async fn retire(caller: Caller<'_>, input: RetireScheduleInput) -> Result<Recorded<Schedule>, Stop> {
    let id = parse("scheduleId", &input.schedule_id)?;
    let command = ScheduleCommand::RetireSchedule { at: caller.now() };
    record(caller, id, command, command_id(input.command_id)).await
}

/// Records a command and shows the schedule after it.
pub(super) async fn record(
    caller: Caller<'_>,
    id: ScheduleId,
    command: ScheduleCommand,
    command_id: Uuid,
) -> Result<Recorded<Schedule>, Stop> {
    let done = caller.configure::<domain::schedule::Schedule>(id, &command, command_id).await?;
    Ok((Some(Schedule::of_state(&caller.app.directory.now(), id, done.state)?), done.position))
}

/// A schedule that is to be made or changed, as far as the edge can tell.
pub(super) struct Planned {
    pub(super) id: ScheduleId,
    pub(super) command: ScheduleCommand,
    /// What may not have been meant.
    pub(super) warnings: Vec<Warning>,
    command_id: Uuid,
    /// The layer that the input describes in short.
    pub(super) short: Option<usize>,
}

impl Planned {
    pub(super) async fn new(caller: Caller<'_>, input: CreateScheduleInput) -> Result<Self, Stop> {
        let directory = caller.configuration().await;
        let mut references = References::new(&directory);
        let command_id = command_id(input.command_id);
        let team = input.team_id.as_ref().map(|id| references.team("teamId", id)).transpose()?;
        let brief = Brief {
            rotation: input.rotation,
            every: input.every,
            rotation_start: input.rotation_start,
            participants: input.participants,
        };
        let (layers, short) = match input.layers {
            Some(given) => {
                brief.refuse()?;
                (layers(given, &[], &mut references, command_id)?, None)
            }
            None => (vec![brief.layer(&mut references)?], Some(0)),
        };
        let id = ScheduleId::new(commands::mint::derived(command_id, "schedule"));
        let at = caller.now();
        let effective_from = input.effective_from.map_or(at, |DateTime(from)| from);
        let version = Version { effective_from, time_zone: input.time_zone, layers };
        let warnings = warnings(&version, &directory.zones, short);
        let (name, unknown) = (input.name, references.unknown());
        let command = ScheduleCommand::CreateSchedule { name, team, version, unknown, at };
        Ok(Self { id, command, warnings, command_id, short })
    }

    pub(super) async fn edit(caller: Caller<'_>, input: UpdateScheduleInput) -> Result<Self, Stop> {
        let id: ScheduleId = parse("scheduleId", &input.schedule_id)?;
        let directory = caller.configuration().await;
        let mut references = References::new(&directory);
        // The log is asked, not the directory: what is left out must stay what it is now.
        let (current, _) = caller.app.engine.load::<domain::schedule::Schedule>(id).await?;
        let at = caller.now();
        let command_id = command_id(input.command_id);
        let name = input.name.clone();
        let turns = Turns::of(&current, &directory, &mut references, input, at, command_id)?;
        let (edit, warnings, short) =
            turns.map_or((None, vec![], None), |turns| (Some(turns.edit), turns.warnings, turns.short));
        let command = ScheduleCommand::UpdateSchedule { name, edit, unknown: references.unknown(), at };
        Ok(Self { id, command, warnings, command_id, short })
    }
}

/// An edit of the turns.
struct Turns {
    edit: Edit,
    warnings: Vec<Warning>,
    short: Option<usize>,
}

impl Turns {
    /// None if the input does not change the turns.
    fn of(
        current: &domain::schedule::Schedule,
        directory: &Directory,
        references: &mut References<'_>,
        input: UpdateScheduleInput,
        at: Timestamp,
        command_id: Uuid,
    ) -> Result<Option<Self>, Rejection> {
        let effective_from = input.effective_from.map(|DateTime(from)| from);
        let holds = current.version_at(effective_from.unwrap_or(at)).or(current.versions.first());
        let Some(said) = holds.cloned() else { return Ok(None) };
        let brief = Brief {
            rotation: input.rotation,
            every: input.every,
            rotation_start: input.rotation_start,
            participants: input.participants,
        };
        let mut short = None;
        let layers = match input.layers {
            Some(given) => {
                brief.refuse()?;
                let known: Vec<LayerId> =
                    current.versions.iter().flat_map(|one| &one.layers).map(|layer| layer.id).collect();
                layers(given, &known, references, command_id)?
            }
            None if brief.is_empty() && input.time_zone.is_none() => return Ok(None),
            None => {
                let mut layers = said.layers;
                let main = (0..layers.len()).max_by_key(|index| layers[*index].priority);
                if let Some(main) = main.filter(|_| !brief.is_empty()) {
                    short = Some(main);
                    brief.change(references, &mut layers[main])?;
                }
                layers
            }
        };
        let time_zone = input.time_zone.unwrap_or(said.time_zone);
        let version = Version { effective_from: effective_from.unwrap_or(at), time_zone, layers };
        let warnings = warnings(&version, &directory.zones, short);
        let Version { time_zone, layers, .. } = version;
        let (keep_current, revision) = (input.keep_current, input.revision);
        let zones = Arc::clone(&directory.zones);
        let edit = Edit { effective_from, time_zone, layers, keep_current, revision, zones };
        Ok(Some(Self { edit, warnings, short }))
    }
}

/// One layer in short.
struct Brief {
    rotation: Option<words::Rotation>,
    every: Option<u32>,
    rotation_start: Option<LocalDateTime>,
    participants: Option<Vec<ID>>,
}

impl Brief {
    const fn is_empty(&self) -> bool {
        self.rotation.is_none()
            && self.every.is_none()
            && self.rotation_start.is_none()
            && self.participants.is_none()
    }

    /// Refuses two descriptions of one thing.
    fn refuse(&self) -> Result<(), Rejection> {
        let given = [
            ("rotation", self.rotation.is_some()),
            ("every", self.every.is_some()),
            ("rotationStart", self.rotation_start.is_some()),
            ("participants", self.participants.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((field, _)) => Err(Rejection::invalid(field, "must be left out where layers are given")),
            None => Ok(()),
        }
    }

    /// The one layer of a new schedule.
    fn layer(self, references: &mut References<'_>) -> Result<Layer, Rejection> {
        let Some(LocalDateTime(start)) = self.rotation_start else {
            return Err(Rejection::invalid("rotationStart", "must be given where layers are left out"));
        };
        let Some(people) = &self.participants else {
            return Err(Rejection::invalid("participants", "must be given where layers are left out"));
        };
        let rotation = rotation(self.rotation.unwrap_or(words::Rotation::Weekly), self.every.unwrap_or(1));
        let participants = one_each(references, people)?;
        Ok(Layer::simple(LayerId::ONLY, "On call", rotation, start, participants))
    }

    /// Changes a layer by what is given.
    fn change(self, references: &mut References<'_>, layer: &mut Layer) -> Result<(), Rejection> {
        let (kind, every) = rhythm(&layer.rotation).unwrap_or((words::Rotation::Weekly, 1));
        if self.rotation.is_some() || self.every.is_some() {
            layer.rotation = rotation(self.rotation.unwrap_or(kind), self.every.unwrap_or(every));
        }
        if let Some(LocalDateTime(start)) = self.rotation_start {
            layer.rotation_start = start;
        }
        if let Some(people) = &self.participants {
            layer.participants = one_each(references, people)?;
            layer.first_slot = 0;
        }
        Ok(())
    }
}

/// One person for each turn.
fn one_each(references: &mut References<'_>, ids: &[ID]) -> Result<Vec<Vec<domain::UserId>>, Rejection> {
    let person = |(index, id)| references.active(format_args!("participants[{index}]"), id);
    ids.iter().enumerate().map(person).map(|user| Ok(vec![user?])).collect()
}

const fn rotation(kind: words::Rotation, every: u32) -> Rotation {
    match kind {
        words::Rotation::Daily => Rotation::Daily { every },
        words::Rotation::Weekly => Rotation::Weekly { every },
    }
}

/// Words a refusal of a layer for a caller who described it in short.
pub(super) fn in_short(why: Rejection, short: Option<usize>) -> Rejection {
    let Some(index) = short else { return why };
    let short_of = |field: &str| {
        let field = field.strip_prefix(&format!("layers[{index}].")).unwrap_or(field);
        field.strip_prefix("rotation.").unwrap_or(field).to_owned()
    };
    let Some((old, new)) = why.field.as_deref().map(|field| (field, short_of(field))) else { return why };
    Rejection { message: why.message.replacen(old, &new, 1), field: Some(new), ..why }
}
