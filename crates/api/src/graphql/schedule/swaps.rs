//! Swaps: somebody gives a shift, and somebody else agrees to take it over.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::{
    ScheduleId, SwapId, UserId,
    schedule::{ScheduleCommand, Source, Span, Swap, SwapStatus},
    user::Role,
};

use super::{Schedule, edit::record};
use crate::graphql::{
    caller::{Caller, References, app, command_id, parse},
    fault::Fault,
    rejection::{Recorded, Stop, payloads},
    scalar::{CommandId, DateTime},
    user::User,
    words,
};

/// A stretch of time, its end excluded.
#[derive(Clone, Copy, SimpleObject)]
pub(in crate::graphql) struct TimeSpan {
    /// When it begins.
    start: DateTime,
    /// When it ends.
    end: DateTime,
}

impl From<Span> for TimeSpan {
    fn from(span: Span) -> Self {
        Self { start: DateTime(span.start), end: DateTime(span.end) }
    }
}

/// A stretch of time, its end excluded.
#[derive(Clone, Copy, InputObject)]
pub(super) struct TimeSpanInput {
    /// When it begins.
    start: DateTime,
    /// When it ends.
    end: DateTime,
}

impl From<TimeSpanInput> for Span {
    fn from(span: TimeSpanInput) -> Self {
        Self { start: span.start.0, end: span.end.0 }
    }
}

/// A shift that somebody gives and somebody else takes over.
pub(super) struct ShiftSwap {
    pub(super) schedule: Schedule,
    pub(super) one: Swap,
}

impl ShiftSwap {
    fn find(schedule: Schedule, id: SwapId) -> Option<Self> {
        let one = schedule.state().find_swap(id)?.clone();
        Some(Self { schedule, one })
    }

    fn person(&self, id: UserId) -> Option<User> {
        User::find(self.schedule.directory(), id)
    }
}

/// A shift that somebody gives and somebody else takes over.
#[Object]
impl ShiftSwap {
    /// Its id, such as `swp_…`.
    async fn id(&self) -> ID {
        self.one.id.into()
    }

    /// Of which schedule.
    async fn schedule(&self) -> Schedule {
        self.schedule.clone()
    }

    /// Who gives time on call.
    async fn from(&self) -> Option<User> {
        self.person(self.one.from)
    }

    /// Who is asked; null: anybody.
    async fn to(&self) -> Option<User> {
        self.one.to.and_then(|id| self.person(id))
    }

    /// The time that is given.
    async fn give(&self) -> TimeSpan {
        self.one.give.into()
    }

    /// The time that is taken in return.
    async fn take(&self) -> Option<TimeSpan> {
        self.one.take.map(Into::into)
    }

    /// Why; may be empty.
    async fn reason(&self) -> &str {
        &self.one.reason
    }

    /// When it was asked for.
    async fn requested_at(&self) -> DateTime {
        DateTime(self.one.requested_at)
    }

    /// What became of it. Until it is accepted, nothing changes.
    async fn status(&self, ctx: &Context<'_>) -> Result<words::SwapStatus, Fault> {
        let now = app(ctx)?.engine.now();
        Ok(match self.one.status {
            SwapStatus::Open if self.one.is_expired(now) => words::SwapStatus::Expired,
            SwapStatus::Open => words::SwapStatus::Open,
            SwapStatus::Accepted { .. } => words::SwapStatus::Accepted,
            SwapStatus::Declined { .. } => words::SwapStatus::Declined,
            SwapStatus::Withdrawn { .. } => words::SwapStatus::Withdrawn,
            SwapStatus::Undone { .. } => words::SwapStatus::Undone,
        })
    }

    /// Whether it was accepted, but nobody of the two is on call any more in the time that they are to give, because of
    /// an edit or of another change; it then does nothing.
    async fn idle(&self, ctx: &Context<'_>) -> Result<bool, Fault> {
        self.schedule.is_idle(ctx, Source::Swap(self.one.id))
    }

    /// Who takes the time over, or did until it was undone.
    async fn taken_by(&self) -> Option<User> {
        self.one.taken_by().and_then(|id| self.person(id))
    }

    /// When it was accepted.
    async fn accepted_at(&self) -> Option<DateTime> {
        match self.one.status {
            SwapStatus::Accepted { at, .. } | SwapStatus::Undone { accepted_at: at, .. } => {
                Some(DateTime(at))
            }
            SwapStatus::Open | SwapStatus::Declined { .. } | SwapStatus::Withdrawn { .. } => None,
        }
    }

    /// When it was declined, withdrawn or undone.
    async fn ended_at(&self) -> Option<DateTime> {
        match self.one.status {
            SwapStatus::Declined { at } | SwapStatus::Withdrawn { at } | SwapStatus::Undone { at, .. } => {
                Some(DateTime(at))
            }
            SwapStatus::Open | SwapStatus::Accepted { .. } => None,
        }
    }
}

/// A shift that somebody wants to give.
#[derive(InputObject)]
pub(super) struct RequestShiftSwapInput {
    /// Of which schedule.
    schedule_id: ID,
    /// Who gives the time, if it is not the caller; for administrators.
    from: Option<ID>,
    /// Who is asked; anybody, if left out.
    to: Option<ID>,
    /// The time that is given; who gives it is on call in it.
    give: TimeSpanInput,
    /// The time that is taken in return; who is asked is on call in it.
    take: Option<TimeSpanInput>,
    /// Why, in one line.
    #[graphql(default)]
    reason: String,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// A swap to agree to.
#[derive(InputObject)]
pub(super) struct AcceptShiftSwapInput {
    /// Of which schedule.
    schedule_id: ID,
    /// Which swap.
    swap_id: ID,
    /// The person who agrees, if it is not the caller; for administrators.
    on_behalf_of: Option<ID>,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// A swap not to agree to.
#[derive(InputObject)]
pub(super) struct DeclineShiftSwapInput {
    /// Of which schedule.
    schedule_id: ID,
    /// Which swap.
    swap_id: ID,
    /// The person who declines, if it is not the caller; for administrators.
    on_behalf_of: Option<ID>,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// A request to take back before anybody accepts it.
#[derive(InputObject)]
#[expect(clippy::struct_field_names, reason = "the schema says what each id is of")]
pub(super) struct WithdrawShiftSwapInput {
    /// Of which schedule.
    schedule_id: ID,
    /// Which swap.
    swap_id: ID,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// An accepted swap to end now, or before it begins.
#[derive(InputObject)]
#[expect(clippy::struct_field_names, reason = "the schema says what each id is of")]
pub(super) struct UndoShiftSwapInput {
    /// Of which schedule.
    schedule_id: ID,
    /// Which swap.
    swap_id: ID,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

payloads! {
    /// The new request.
    RequestShiftSwapPayload { shift_swap: ShiftSwap }
    /// The swap that holds.
    AcceptShiftSwapPayload { shift_swap: ShiftSwap }
    /// The swap that was declined.
    DeclineShiftSwapPayload { shift_swap: ShiftSwap }
    /// The request that was taken back.
    WithdrawShiftSwapPayload { shift_swap: ShiftSwap }
    /// The swap that ends.
    UndoShiftSwapPayload { shift_swap: ShiftSwap }
}

#[derive(Default)]
pub(in crate::graphql) struct SwapMutation;

#[Object]
impl SwapMutation {
    /// Ask somebody, or anybody, to take a shift over, perhaps for another one. Nothing changes until it is accepted.
    async fn request_shift_swap(
        &self,
        ctx: &Context<'_>,
        input: RequestShiftSwapInput,
    ) -> Result<RequestShiftSwapPayload, Fault> {
        RequestShiftSwapPayload::answer(request(Caller::admit(ctx, Role::Responder)?, input).await)
    }

    /// Agree to a swap: from now on it holds, in both directions at once.
    async fn accept_shift_swap(
        &self,
        ctx: &Context<'_>,
        input: AcceptShiftSwapInput,
    ) -> Result<AcceptShiftSwapPayload, Fault> {
        AcceptShiftSwapPayload::answer(accept(Caller::admit(ctx, Role::Responder)?, input).await)
    }

    /// Do not agree to a swap that one was asked for.
    async fn decline_shift_swap(
        &self,
        ctx: &Context<'_>,
        input: DeclineShiftSwapInput,
    ) -> Result<DeclineShiftSwapPayload, Fault> {
        DeclineShiftSwapPayload::answer(decline(Caller::admit(ctx, Role::Responder)?, input).await)
    }

    /// Take a request back before anybody accepts it.
    async fn withdraw_shift_swap(
        &self,
        ctx: &Context<'_>,
        input: WithdrawShiftSwapInput,
    ) -> Result<WithdrawShiftSwapPayload, Fault> {
        let caller = Caller::admit(ctx, Role::Responder)?;
        let command_id = command_id(input.command_id);
        let withdraw = |id, by, at| ScheduleCommand::WithdrawSwap { id, by, at };
        let outcome = end(caller, &input.schedule_id, &input.swap_id, command_id, withdraw).await;
        WithdrawShiftSwapPayload::answer(outcome)
    }

    /// End an accepted swap now, or before it begins. What was on call until now stays in the history.
    async fn undo_shift_swap(
        &self,
        ctx: &Context<'_>,
        input: UndoShiftSwapInput,
    ) -> Result<UndoShiftSwapPayload, Fault> {
        let caller = Caller::admit(ctx, Role::Responder)?;
        let command_id = command_id(input.command_id);
        let undo = |id, by, at| ScheduleCommand::UndoSwap { id, by, at };
        UndoShiftSwapPayload::answer(end(caller, &input.schedule_id, &input.swap_id, command_id, undo).await)
    }
}

async fn request(caller: Caller<'_>, input: RequestShiftSwapInput) -> Result<Recorded<ShiftSwap>, Stop> {
    let schedule = parse("scheduleId", &input.schedule_id)?;
    let directory = caller.configuration().await;
    let mut references = References::new(&directory);
    let from = caller.person("from", input.from.as_ref(), &mut references)?;
    let to = input.to.as_ref().map(|to| references.active("to", to)).transpose()?;
    let (give, take) = (input.give.into(), input.take.map(Into::into));
    let command_id = command_id(input.command_id);
    let id = SwapId::new(commands::mint::derived(command_id, "swap"));
    let (reason, unknown, at) = (input.reason, references.unknown(), caller.now());
    let zones = Arc::clone(&directory.zones);
    let command = ScheduleCommand::RequestSwap { id, from, to, give, take, reason, unknown, at, zones };
    shown(caller, schedule, id, command, command_id).await
}

async fn accept(caller: Caller<'_>, input: AcceptShiftSwapInput) -> Result<Recorded<ShiftSwap>, Stop> {
    let (schedule, id) = named(&input.schedule_id, &input.swap_id)?;
    let directory = caller.configuration().await;
    let mut references = References::new(&directory);
    let by = caller.person("onBehalfOf", input.on_behalf_of.as_ref(), &mut references)?;
    let (unknown, at, zones) = (references.unknown(), caller.now(), Arc::clone(&directory.zones));
    let command = ScheduleCommand::AcceptSwap { id, by, unknown, at, zones };
    shown(caller, schedule, id, command, command_id(input.command_id)).await
}

async fn decline(caller: Caller<'_>, input: DeclineShiftSwapInput) -> Result<Recorded<ShiftSwap>, Stop> {
    let (schedule, id) = named(&input.schedule_id, &input.swap_id)?;
    let directory = caller.configuration().await;
    let mut references = References::new(&directory);
    let by = caller.person("onBehalfOf", input.on_behalf_of.as_ref(), &mut references)?;
    let command = ScheduleCommand::DeclineSwap { id, by, at: caller.now() };
    shown(caller, schedule, id, command, command_id(input.command_id)).await
}

/// Withdraws or undoes a swap.
async fn end(
    caller: Caller<'_>,
    schedule: &ID,
    swap: &ID,
    command_id: uuid::Uuid,
    command: impl FnOnce(SwapId, Option<UserId>, domain::Timestamp) -> ScheduleCommand,
) -> Result<Recorded<ShiftSwap>, Stop> {
    let (schedule, id) = named(schedule, swap)?;
    let command = command(id, caller.concerned()?, caller.now());
    shown(caller, schedule, id, command, command_id).await
}

fn named(schedule: &ID, swap: &ID) -> Result<(ScheduleId, SwapId), Stop> {
    Ok((parse("scheduleId", schedule)?, parse("swapId", swap)?))
}

async fn shown(
    caller: Caller<'_>,
    schedule: ScheduleId,
    id: SwapId,
    command: ScheduleCommand,
    command_id: uuid::Uuid,
) -> Result<Recorded<ShiftSwap>, Stop> {
    let (schedule, position) = record(caller, schedule, command, command_id).await?;
    Ok((schedule.and_then(|schedule| ShiftSwap::find(schedule, id)), position))
}
