//! What people are told about their time on call, and what other time zone data did to it.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::{
    ContactId, UserId,
    organization::ScheduleMoved,
    user::{Role, UserCommand},
};

use super::{
    caller::{Caller, app, command_id, parse},
    fault::Fault,
    rejection::{Recorded, Stop, payloads},
    scalar::{CommandId, DateTime, Position},
    schedule::Schedule,
    user::User,
};

/// What a person is told about their time on call.
#[derive(SimpleObject)]
#[expect(clippy::struct_excessive_bools, reason = "they are switches, each by itself")]
pub(super) struct ShiftNotices {
    /// Whether they are told anything.
    enabled: bool,
    /// How many minutes before a shift begins they are told, longest first.
    start_lead_minutes: Vec<u32>,
    /// How many minutes before a shift ends they are told, longest first.
    end_lead_minutes: Vec<u32>,
    /// Whether they get a summary with open incidents when a shift begins.
    handoffs: bool,
    /// Whether they are told of edits, overrides and swaps that concern their shifts.
    changes: bool,
    /// Whether they are told of times ahead without anybody on call, in schedules of their teams.
    gaps: bool,
    /// Through which contact they are told: the one that was chosen, or their first mail address; null: they have
    /// neither, and are told nothing.
    contact_id: Option<ID>,
}

impl ShiftNotices {
    pub(super) fn of(user: &domain::user::User) -> Self {
        let notices = &user.notices;
        Self {
            enabled: notices.enabled,
            start_lead_minutes: notices.start_lead_minutes.clone(),
            end_lead_minutes: notices.end_lead_minutes.clone(),
            handoffs: notices.handoffs,
            changes: notices.changes,
            gaps: notices.gaps,
            contact_id: notices.contact_among(&user.contacts).map(|contact| contact.id.into()),
        }
    }
}

/// What a person is to be told about their time on call; what is left out stays.
#[derive(InputObject)]
pub(super) struct SetShiftNoticesInput {
    /// Which person. Everybody may choose for themselves, administrators for everybody.
    user_id: ID,
    /// Whether they are told anything.
    enabled: Option<bool>,
    /// How many minutes before a shift begins, at most 5 times, up to 10080 (a week); empty: never.
    start_lead_minutes: Option<Vec<u32>>,
    /// How many minutes before a shift ends, at most 5 times, up to 10080 (a week); empty: never.
    end_lead_minutes: Option<Vec<u32>>,
    /// Whether they get a summary with open incidents when a shift begins.
    handoffs: Option<bool>,
    /// Whether they are told of edits, overrides and swaps that concern their shifts.
    changes: Option<bool>,
    /// Whether they are told of times ahead without anybody on call.
    gaps: Option<bool>,
    /// Through which of their contacts.
    contact_id: Option<ID>,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

payloads! {
    /// The person with what they are told.
    SetShiftNoticesPayload { user: User }
}

#[derive(Default)]
pub(super) struct ShiftNoticesMutation;

#[Object]
impl ShiftNoticesMutation {
    /// Choose what a person is told about their time on call: for oneself, or as an administrator for anybody.
    async fn set_shift_notices(
        &self,
        ctx: &Context<'_>,
        input: SetShiftNoticesInput,
    ) -> Result<SetShiftNoticesPayload, Fault> {
        let caller = Caller::admit(ctx, Role::Observer)?;
        SetShiftNoticesPayload::answer(set(caller, input).await)
    }
}

async fn set(caller: Caller<'_>, input: SetShiftNoticesInput) -> Result<Recorded<User>, Stop> {
    let own = caller.viewer.user.is_some_and(|me| me.to_string() == *input.user_id);
    if !own && !caller.viewer.may(Role::Administrator) {
        return Err(Fault::Forbidden("ADMINISTRATOR").into());
    }
    let id: UserId = parse("userId", &input.user_id)?;
    let contact: Option<ContactId> =
        input.contact_id.as_ref().map(|id| parse("contactId", id)).transpose()?;
    // The log is asked, not the directory: what is left out must stay what it is now.
    let (current, _) = caller.app.engine.load::<domain::user::User>(id).await?;
    let old = current.notices.clone();
    let notices = domain::notice::ShiftNotices {
        enabled: input.enabled.unwrap_or(old.enabled),
        start_lead_minutes: input.start_lead_minutes.unwrap_or(old.start_lead_minutes),
        end_lead_minutes: input.end_lead_minutes.unwrap_or(old.end_lead_minutes),
        handoffs: input.handoffs.unwrap_or(old.handoffs),
        changes: input.changes.unwrap_or(old.changes),
        gaps: input.gaps.unwrap_or(old.gaps),
        // A contact that is gone was replaced by the default and is not asked for again.
        contact: contact
            .or(old.contact.filter(|id| current.contacts.iter().any(|contact| contact.id == *id))),
    };
    let command = UserCommand::SetShiftNotices { notices };
    let done = caller.configure::<domain::user::User>(id, &command, command_id(input.command_id)).await?;
    Ok((Some(User { id, state: done.state }), done.position))
}

/// The edition of the time zone database in use, and what the last change of it moved.
pub(super) struct TimeZoneData;

/// The edition of the time zone database in use, and what the last change of it moved.
#[Object]
impl TimeZoneData {
    /// Which edition this node uses, such as `2026f`.
    async fn version(&self, ctx: &Context<'_>) -> Result<String, Fault> {
        Ok(app(ctx)?.directory.now().zones.version().to_owned())
    }

    /// Which edition was in use before; null if there was no change yet.
    async fn previous(&self, ctx: &Context<'_>) -> Result<Option<String>, Fault> {
        let directory = app(ctx)?.directory.now();
        Ok(directory.organization.zone_data_change.as_ref().map(|change| change.previous.clone()))
    }

    /// When it changed.
    async fn changed_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime>, Fault> {
        let directory = app(ctx)?.directory.now();
        Ok(directory.organization.zone_data_change.as_ref().map(|change| DateTime(change.at)))
    }

    /// Schedules that the last change moved within 90 days, and whose shifts.
    #[graphql(complexity = "1 + 20 * child_complexity")]
    async fn changed_schedules(&self, ctx: &Context<'_>) -> Result<Vec<ChangedSchedule>, Fault> {
        let directory = app(ctx)?.directory.now();
        let change = directory.organization.zone_data_change.as_ref();
        let schedules = change.map(|change| change.schedules.clone()).unwrap_or_default();
        Ok(schedules.into_iter().map(ChangedSchedule).collect())
    }
}

/// A schedule that other time zone data moved.
pub(super) struct ChangedSchedule(ScheduleMoved);

/// A schedule that other time zone data moved.
#[Object]
impl ChangedSchedule {
    /// Which schedule.
    async fn schedule(&self, ctx: &Context<'_>) -> Result<Option<Schedule>, Fault> {
        Ok(Schedule::find(&app(ctx)?.directory.now(), self.0.schedule))
    }

    /// Whose shifts moved.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn users(&self, ctx: &Context<'_>) -> Result<Vec<User>, Fault> {
        let directory = app(ctx)?.directory.now();
        Ok(self.0.users.iter().filter_map(|id| User::find(&directory, *id)).collect())
    }
}

#[derive(Default)]
pub(super) struct TimeZoneDataQuery;

#[Object]
impl TimeZoneDataQuery {
    /// The edition of the time zone database in use, and what the last change of it moved.
    #[graphql(complexity = "1 + child_complexity")]
    async fn time_zone_data(
        &self,
        ctx: &Context<'_>,
        wait_for: Option<Position>,
    ) -> Result<TimeZoneData, Fault> {
        Caller::reading(ctx, wait_for).await?;
        Ok(TimeZoneData)
    }
}
