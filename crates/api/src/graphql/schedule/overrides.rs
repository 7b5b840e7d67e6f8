//! Overrides: others on call for a while.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};
use domain::{
    OverrideId, ScheduleId, UserId,
    schedule::{Change, Override, ScheduleCommand, Source, Span},
    user::Role,
};

use super::{Schedule, edit::record};
use crate::graphql::{
    actor::Actor,
    caller::{Caller, References, command_id, parse},
    fault::Fault,
    rejection::{Recorded, Rejection, Stop, payloads},
    scalar::{CommandId, DateTime},
    user::User,
    words::OverrideKind,
};

/// Others on call for a while.
pub(super) struct ScheduleOverride {
    pub(super) schedule: Schedule,
    pub(super) one: Override,
}

impl ScheduleOverride {
    fn find(schedule: Schedule, id: OverrideId) -> Option<Self> {
        let one = schedule.state().find_override(id)?.clone();
        Some(Self { schedule, one })
    }

    fn person(&self, id: UserId) -> Option<User> {
        User::find(self.schedule.directory(), id)
    }
}

/// Others on call for a while.
#[Object]
impl ScheduleOverride {
    /// Its id, such as `ovr_…`.
    async fn id(&self) -> ID {
        self.one.id.into()
    }

    /// Of which schedule.
    async fn schedule(&self) -> Schedule {
        self.schedule.clone()
    }

    /// What it does.
    async fn kind(&self) -> OverrideKind {
        match self.one.change {
            Change::Set { .. } => OverrideKind::Set,
            Change::Replace { .. } => OverrideKind::Replace,
            Change::Add { .. } => OverrideKind::Add,
            Change::Remove { .. } => OverrideKind::Remove,
        }
    }

    /// Whom it puts on call.
    #[graphql(complexity = "1 + 3 * child_complexity")]
    async fn users(&self) -> Vec<User> {
        match &self.one.change {
            Change::Set { users } => users.iter().filter_map(|id| self.person(*id)).collect(),
            Change::Replace { to: user, .. } | Change::Add { user } => {
                self.person(*user).into_iter().collect()
            }
            Change::Remove { .. } => vec![],
        }
    }

    /// Whom it relieves; null for the kinds that name nobody to relieve.
    async fn relieved(&self) -> Option<User> {
        match self.one.change {
            Change::Replace { from: user, .. } | Change::Remove { user } => self.person(user),
            Change::Set { .. } | Change::Add { .. } => None,
        }
    }

    /// When it begins.
    async fn start(&self) -> DateTime {
        DateTime(self.one.span.start)
    }

    /// When it ends, unless it is cancelled before.
    async fn end(&self) -> DateTime {
        DateTime(self.one.span.end)
    }

    /// Why; may be empty.
    async fn reason(&self) -> &str {
        &self.one.reason
    }

    /// Who made it.
    async fn created_by(&self) -> Actor {
        Actor(self.one.by.clone())
    }

    /// When it was made; it does nothing before.
    async fn created_at(&self) -> DateTime {
        DateTime(self.one.created_at)
    }

    /// Whether whom it is to relieve is not on call in the time ahead, so that it does nothing.
    async fn idle(&self, ctx: &Context<'_>) -> Result<bool, Fault> {
        self.schedule.is_idle(ctx, Source::Override(self.one.id))
    }

    /// When it was cancelled; it does nothing from then on.
    async fn cancelled_at(&self) -> Option<DateTime> {
        self.one.cancelled_at.map(DateTime)
    }
}

/// Who is to be on call for a while. Responders may make overrides that concern themselves.
#[derive(InputObject)]
pub(super) struct CreateScheduleOverrideInput {
    /// Of which schedule.
    schedule_id: ID,
    /// What it does.
    kind: OverrideKind,
    /// SET: exactly these people; nobody, if there are none.
    users: Option<Vec<ID>>,
    /// REPLACE: who is relieved.
    from: Option<ID>,
    /// REPLACE: who takes over.
    to: Option<ID>,
    /// ADD and REMOVE: who.
    user: Option<ID>,
    /// When it begins; now, if left out.
    start: Option<DateTime>,
    /// When it ends.
    end: DateTime,
    /// Why, in one line.
    #[graphql(default)]
    reason: String,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// An override to end now, or before it begins. Responders may cancel those that they made or that concern them.
#[derive(InputObject)]
#[expect(clippy::struct_field_names, reason = "the schema says what each id is of")]
pub(super) struct CancelScheduleOverrideInput {
    /// Of which schedule.
    schedule_id: ID,
    /// Which override.
    override_id: ID,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// Somebody takes over at once from somebody who is on call now.
#[derive(InputObject)]
pub(super) struct CoverMeNowInput {
    /// Of which schedule.
    schedule_id: ID,
    /// Who is relieved; the caller, if left out.
    from: Option<ID>,
    /// Who takes over; the caller, if left out.
    to: Option<ID>,
    /// Until when; if left out, until the end of the shift.
    end: Option<DateTime>,
    /// Why, in one line.
    #[graphql(default)]
    reason: String,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

payloads! {
    /// The new override.
    CreateScheduleOverridePayload { schedule_override: ScheduleOverride }
    /// The override that ends.
    CancelScheduleOverridePayload { schedule_override: ScheduleOverride }
    /// The override by which somebody else is on call now.
    CoverMeNowPayload { schedule_override: ScheduleOverride }
}

#[derive(Default)]
pub(in crate::graphql) struct OverrideMutation;

#[Object]
impl OverrideMutation {
    /// Put others on call for a while.
    async fn create_schedule_override(
        &self,
        ctx: &Context<'_>,
        input: CreateScheduleOverrideInput,
    ) -> Result<CreateScheduleOverridePayload, Fault> {
        CreateScheduleOverridePayload::answer(create(Caller::admit(ctx, Role::Responder)?, input).await)
    }

    /// End an override now, or before it begins. What was on call until now stays in the history.
    async fn cancel_schedule_override(
        &self,
        ctx: &Context<'_>,
        input: CancelScheduleOverrideInput,
    ) -> Result<CancelScheduleOverridePayload, Fault> {
        CancelScheduleOverridePayload::answer(cancel(Caller::admit(ctx, Role::Responder)?, input).await)
    }

    /// Hand the rest of a shift over at once: to somebody else, or from somebody in trouble to oneself.
    async fn cover_me_now(
        &self,
        ctx: &Context<'_>,
        input: CoverMeNowInput,
    ) -> Result<CoverMeNowPayload, Fault> {
        CoverMeNowPayload::answer(cover(Caller::admit(ctx, Role::Responder)?, input).await)
    }
}

async fn create(
    caller: Caller<'_>,
    input: CreateScheduleOverrideInput,
) -> Result<Recorded<ScheduleOverride>, Stop> {
    let schedule = parse("scheduleId", &input.schedule_id)?;
    let directory = caller.configuration().await;
    let mut references = References::new(&directory);
    let change = change(&input, &mut references)?;
    let concerned = caller.concerned()?;
    if concerned.is_some_and(|user| !change.people().contains(&user)) {
        return Err(
            Rejection::not_allowed("responders can only make overrides that concern themselves").into()
        );
    }
    let at = caller.now();
    let span = Span { start: input.start.map_or(at, |DateTime(start)| start), end: input.end.0 };
    let (reason, by, unknown) = (input.reason, caller.viewer.actor.clone(), references.unknown());
    let command_id = command_id(input.command_id);
    let id = OverrideId::new(commands::mint::derived(command_id, "override"));
    let command = ScheduleCommand::AddOverride { id, change, span, reason, by, unknown, at };
    shown(caller, schedule, id, command, command_id).await
}

/// What an input asks for; what belongs to another kind is refused.
fn change(input: &CreateScheduleOverrideInput, references: &mut References<'_>) -> Result<Change, Rejection> {
    let CreateScheduleOverrideInput { kind, users, from, to, user, .. } = input;
    let wanted: &[&str] = match kind {
        OverrideKind::Set => &["users"],
        OverrideKind::Replace => &["from", "to"],
        OverrideKind::Add | OverrideKind::Remove => &["user"],
    };
    let given = [
        ("users", users.is_some()),
        ("from", from.is_some()),
        ("to", to.is_some()),
        ("user", user.is_some()),
    ];
    for (field, given) in given {
        if given && !wanted.contains(&field) {
            return Err(Rejection::invalid(field, "must be left out for this kind of override"));
        }
    }
    let mut person = |field: &str, id: &Option<ID>, leaves: bool| {
        let Some(id) = id else {
            return Err(Rejection::invalid(field, "must name a person for this kind of override"));
        };
        // Whoever is to be taken off call may have left.
        if leaves { references.user(field, id) } else { references.active(field, id) }
    };
    Ok(match kind {
        OverrideKind::Replace => {
            Change::Replace { from: person("from", from, true)?, to: person("to", to, false)? }
        }
        OverrideKind::Add => Change::Add { user: person("user", user, false)? },
        OverrideKind::Remove => Change::Remove { user: person("user", user, true)? },
        OverrideKind::Set => {
            let Some(users) = users else {
                let rule = "must name who is on call; an empty list puts nobody on call";
                return Err(Rejection::invalid("users", rule));
            };
            let named = users.iter().enumerate();
            let users = named.map(|(index, id)| references.active(format_args!("users[{index}]"), id));
            Change::Set { users: users.collect::<Result<_, _>>()? }
        }
    })
}

async fn cancel(
    caller: Caller<'_>,
    input: CancelScheduleOverrideInput,
) -> Result<Recorded<ScheduleOverride>, Stop> {
    let schedule = parse("scheduleId", &input.schedule_id)?;
    let id = parse("overrideId", &input.override_id)?;
    let command = ScheduleCommand::CancelOverride { id, by: caller.concerned()?, at: caller.now() };
    shown(caller, schedule, id, command, command_id(input.command_id)).await
}

async fn cover(caller: Caller<'_>, input: CoverMeNowInput) -> Result<Recorded<ScheduleOverride>, Stop> {
    let schedule = parse("scheduleId", &input.schedule_id)?;
    let directory = caller.configuration().await;
    let mut references = References::new(&directory);
    let mut person = |field: &str, given: &Option<ID>| match given {
        Some(id) => references.active(field, id),
        None => caller.viewer.user.ok_or_else(|| {
            Rejection::invalid(field, "must name a person, because the token stands for nobody in particular")
        }),
    };
    let (from, to) = (person("from", &input.from)?, person("to", &input.to)?);
    if caller.concerned()?.is_some_and(|user| user != from && user != to) {
        return Err(Rejection::not_allowed(
            "responders can only hand over their own shifts, or take over themselves",
        )
        .into());
    }
    let (reason, by, unknown) = (input.reason, caller.viewer.actor.clone(), references.unknown());
    let command_id = command_id(input.command_id);
    let id = OverrideId::new(commands::mint::derived(command_id, "override"));
    let end = input.end.map(|DateTime(end)| end);
    let (at, zones) = (caller.now(), Arc::clone(&directory.zones));
    let command = ScheduleCommand::Cover { id, from, to, end, reason, by, unknown, at, zones };
    shown(caller, schedule, id, command, command_id).await
}

async fn shown(
    caller: Caller<'_>,
    schedule: ScheduleId,
    id: OverrideId,
    command: ScheduleCommand,
    command_id: uuid::Uuid,
) -> Result<Recorded<ScheduleOverride>, Stop> {
    let (schedule, position) = record(caller, schedule, command, command_id).await?;
    Ok((schedule.and_then(|schedule| ScheduleOverride::find(schedule, id)), position))
}
