//! Calendar feeds: secret addresses under which calendars read who is on call when.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use commands::{CommandError, Directory, key_hash};
use domain::{
    CalendarFeedId, ConfigRejection,
    calendar_feed::{CalendarFeed as State, CalendarFeedCommand, Scope},
    user::Role,
};

use super::{
    caller::{Caller, References, app, command_id, parse},
    fault::Fault,
    rejection::{Recorded, Rejection, Stop, parts, payloads},
    scalar::{CommandId, DateTime, Position},
    schedule::Schedule,
    secrets::Draws,
    user::User,
};

/// An address that calendars subscribe to, without the address.
pub(super) struct CalendarFeed {
    id: CalendarFeedId,
    state: Arc<State>,
}

impl CalendarFeed {
    /// Those that were not revoked, of one kind, oldest first.
    pub(super) fn all(directory: &Directory, wanted: impl Fn(&State) -> bool) -> Vec<Self> {
        let feeds = directory.calendar_feeds.iter();
        let wanted = feeds.filter(|(_, state)| state.revoked_at.is_none() && wanted(state));
        let mut feeds: Vec<_> =
            wanted.map(|(id, state)| Self { id: *id, state: Arc::clone(state) }).collect();
        feeds.sort_unstable_by_key(|feed| (feed.state.created_at, feed.id));
        feeds
    }
}

/// An address that calendars subscribe to, without the address: a secret is shown once, when it is made.
#[Object]
impl CalendarFeed {
    /// Its id, such as `cal_…`.
    async fn id(&self) -> ID {
        self.id.into()
    }

    /// The person of whose shifts it tells; null if it tells of a schedule.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>, Fault> {
        let directory = app(ctx)?.directory.now();
        Ok(match self.state.scope {
            Some(Scope::User { id }) => User::find(&directory, id),
            Some(Scope::Schedule { .. }) | None => None,
        })
    }

    /// The schedule of whose shifts it tells; null if it tells of a person.
    async fn schedule(&self, ctx: &Context<'_>) -> Result<Option<Schedule>, Fault> {
        let directory = app(ctx)?.directory.now();
        Ok(match self.state.scope {
            Some(Scope::Schedule { id }) => Schedule::find(&directory, id),
            Some(Scope::User { .. }) | None => None,
        })
    }

    /// The person whose it is: it leads nowhere once they are deactivated.
    async fn owner(&self, ctx: &Context<'_>) -> Result<Option<User>, Fault> {
        let directory = app(ctx)?.directory.now();
        Ok(self.state.owner.and_then(|id| User::find(&directory, id)))
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.state.created_at)
    }

    /// Since when it leads nowhere.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.state.revoked_at.map(DateTime)
    }
}

/// A new calendar feed: either of a person or of a schedule.
#[derive(InputObject)]
#[expect(clippy::struct_field_names, reason = "callers know them by these names")]
pub(super) struct CreateCalendarFeedInput {
    /// The person of whose shifts it tells, in all schedules: oneself, or for administrators anybody.
    user_id: Option<ID>,
    /// The schedule of whose shifts it tells, whoever has them.
    schedule_id: Option<ID>,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// A calendar feed to close.
#[derive(InputObject)]
pub(super) struct RevokeCalendarFeedInput {
    /// Which.
    calendar_feed_id: ID,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// The new calendar feed, and its address.
#[derive(SimpleObject)]
pub(super) struct CreateCalendarFeedPayload {
    /// The calendar feed; null if the request was rejected.
    calendar_feed: Option<CalendarFeed>,
    /// The address to subscribe to. Whoever has it can read the calendar. It is shown this once.
    url: Option<String>,
    /// The position in the log that the request led to.
    position: Option<Position>,
    /// Why the request was refused; null if it was not.
    rejection: Option<Rejection>,
}

payloads! {
    /// The revoked calendar feed.
    RevokeCalendarFeedPayload { calendar_feed: CalendarFeed }
}

#[derive(Default)]
pub(super) struct CalendarFeedMutation;

#[Object]
impl CalendarFeedMutation {
    /// Make an address that calendars subscribe to: of one's own shifts, or of a schedule.
    async fn create_calendar_feed(
        &self,
        ctx: &Context<'_>,
        input: CreateCalendarFeedInput,
    ) -> Result<CreateCalendarFeedPayload, Fault> {
        let caller = Caller::admit(ctx, Role::Responder)?;
        let (both, position, rejection) = parts(create(caller, Draws::of(ctx)?, input).await)?;
        let (calendar_feed, url) = both.unzip();
        Ok(CreateCalendarFeedPayload { calendar_feed, url, position, rejection })
    }

    /// Close a calendar feed: its address leads nowhere any more. To have another address, make another one.
    async fn revoke_calendar_feed(
        &self,
        ctx: &Context<'_>,
        input: RevokeCalendarFeedInput,
    ) -> Result<RevokeCalendarFeedPayload, Fault> {
        RevokeCalendarFeedPayload::answer(revoke(Caller::admit(ctx, Role::Responder)?, input).await)
    }
}

async fn create(
    caller: Caller<'_>,
    draws: &Draws,
    input: CreateCalendarFeedInput,
) -> Result<Recorded<(CalendarFeed, String)>, Stop> {
    let directory = caller.configuration().await;
    let mut references = References::new(&directory);
    let scope = match (&input.user_id, &input.schedule_id) {
        (Some(user), None) => Scope::User { id: references.user("userId", user)? },
        (None, Some(schedule)) => Scope::Schedule { id: references.schedule("scheduleId", schedule)? },
        (Some(_), Some(_)) => {
            return Err(Rejection::invalid("scheduleId", "must not be given together with userId").into());
        }
        (None, None) => {
            return Err(Rejection::invalid("userId", "must be given, unless scheduleId is").into());
        }
    };
    let command_id = command_id(input.command_id);
    let id = CalendarFeedId::new(commands::mint::derived(command_id, "calendar feed"));
    let secret = draws.key(command_id, "calendar");
    let hash = key_hash(&secret);
    let (by, administrator) = (caller.viewer.user, caller.viewer.may(Role::Administrator));
    let (unknown, at) = (references.unknown(), caller.now());
    let command =
        CalendarFeedCommand::CreateCalendarFeed { scope, hash: hash.clone(), by, administrator, unknown, at };
    let engine = &caller.app.engine;
    let exists = ConfigRejection::AlreadyExists("calendar feed");
    let (state, position) = match engine.execute::<State>(id, &command, &caller.metadata(command_id)).await {
        Ok(done) => (done.state, done.position),
        Err(CommandError::Rejected(why)) if why == exists => {
            (engine.load::<State>(id).await?.0, engine.store().head())
        }
        Err(error) => return Err(error.into()),
    };
    // If the same request was recorded with another secret, this one must not be shown.
    if state.hash != hash {
        return Err(Rejection::of(&exists).into());
    }
    caller.app.directory.reach(position, caller.app.settings.limits.mutation_wait).await;
    let url = format!("{}/calendar/{secret}.ics", caller.app.settings.public_url);
    Ok((Some((CalendarFeed { id, state }, url)), position))
}

async fn revoke(caller: Caller<'_>, input: RevokeCalendarFeedInput) -> Result<Recorded<CalendarFeed>, Stop> {
    let id: CalendarFeedId = parse("calendarFeedId", &input.calendar_feed_id)?;
    let administrator = caller.viewer.may(Role::Administrator);
    if caller.viewer.user.is_none() && !administrator {
        let why = "only whose it is and administrators can revoke a calendar feed";
        return Err(Rejection::of(&ConfigRejection::NotAllowed(why)).into());
    }
    let by = caller.viewer.user.filter(|_| !administrator);
    let command = CalendarFeedCommand::RevokeCalendarFeed { by, at: caller.now() };
    let done = caller.configure::<State>(id, &command, command_id(input.command_id)).await?;
    Ok((Some(CalendarFeed { id, state: done.state }), done.position))
}
