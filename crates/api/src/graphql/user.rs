//! Users: the people who are paged. What changes them is in [`super::user_mutation`].

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject, connection::Connection};
use commands::Directory;
use domain::{ScheduleId, UserId, user::ContactMethod};

use super::{
    calendar_feed::CalendarFeed,
    caller::{Caller, app},
    fault::Fault,
    notices::ShiftNotices,
    scalar::{DateTime, Position},
    schedule::{Schedule, Shift, cost, horizon, window},
    slice,
    team::Team,
    words::{ContactKind, Role},
};
use crate::Viewer;

/// A person.
pub(super) struct User {
    pub(super) id: UserId,
    pub(super) state: Arc<domain::user::User>,
}

impl User {
    pub(super) fn find(directory: &Directory, id: UserId) -> Option<Self> {
        directory.users.get(&id).map(|state| Self { id, state: Arc::clone(state) })
    }

    /// Schedules that name the person anywhere, now, before or later; in the order of ids.
    fn schedules_naming(&self, directory: &Arc<Directory>) -> Vec<Schedule> {
        let named = directory.schedules.iter().filter(|(_, state)| state.names(self.id));
        let mut ids: Vec<ScheduleId> = named.map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.into_iter().filter_map(|id| Schedule::find(directory, id)).collect()
    }

    fn profile<T: Default>(&self, read: impl FnOnce(&domain::user::Profile) -> T) -> T {
        self.state.profile.as_ref().map(read).unwrap_or_default()
    }
}

/// The name that people know somebody by.
pub(super) fn user_name(directory: &Directory, id: UserId) -> String {
    let profile = directory.users.get(&id).and_then(|user| user.profile.as_ref());
    profile.map_or_else(|| id.to_string(), |profile| profile.name.clone())
}

/// A person.
#[Object]
impl User {
    /// Their id, such as `usr_…`.
    async fn id(&self) -> ID {
        self.id.into()
    }

    /// The name people see.
    async fn name(&self) -> String {
        self.profile(|profile| profile.name.clone())
    }

    /// The address that identifies the person.
    async fn email(&self) -> String {
        self.profile(|profile| profile.email.clone())
    }

    /// The IANA zone in which times are shown to them.
    async fn time_zone(&self) -> String {
        self.profile(|profile| profile.time_zone.clone())
    }

    /// What they may do.
    async fn role(&self) -> Role {
        self.profile(|profile| profile.role).into()
    }

    /// How to reach them.
    async fn contacts(&self, ctx: &Context<'_>) -> Vec<Contact> {
        let whole = ctx.data::<Viewer>().is_ok_and(|viewer| viewer.may(domain::user::Role::Responder));
        self.state.contacts.iter().map(|contact| Contact::shown(contact, whole)).collect()
    }

    /// In which order; none: every contact at once.
    async fn notification_rules(&self) -> Vec<NotificationRule> {
        let rule = |rule: &domain::user::NotificationRule| NotificationRule {
            delay_seconds: rule.delay_seconds,
            contact_id: rule.contact.into(),
        };
        self.state.rules.iter().map(rule).collect()
    }

    /// What they are told about their time on call.
    async fn shift_notices(&self) -> ShiftNotices {
        ShiftNotices::of(&self.state)
    }

    /// The teams they belong to.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn teams(&self, ctx: &Context<'_>) -> Result<Vec<Team>, Fault> {
        let directory = app(ctx)?.directory.now();
        let mine = directory.teams.iter().filter(|(_, team)| team.members.contains(&self.id));
        let mut ids: Vec<_> = mine.map(|(id, _)| *id).collect();
        ids.sort_unstable();
        Ok(ids.into_iter().filter_map(|id| Team::find(&directory, id)).collect())
    }

    /// Schedules that they are in: where they take turns, now or as planned, or where an override or a swap ahead names
    /// them; in the order of ids.
    #[graphql(complexity = "10 + 5 * child_complexity")]
    async fn schedules(&self, ctx: &Context<'_>) -> Result<Vec<Schedule>, Fault> {
        let app = app(ctx)?;
        let (directory, now) = (app.directory.now(), app.engine.now());
        let mut schedules = self.schedules_naming(&directory);
        schedules.retain(|one| one.involves(self.id, now));
        Ok(schedules)
    }

    /// When they are on call, on all schedules, by their beginnings; cut to a window that begins now and has 30 days if
    /// not given, and at most 400 days.
    #[graphql(complexity = "10 + cost(from, to, child_complexity)")]
    async fn shifts(
        &self,
        ctx: &Context<'_>,
        from: Option<DateTime>,
        to: Option<DateTime>,
    ) -> Result<Vec<Shift>, Fault> {
        let app = app(ctx)?;
        let span = window(app.engine.now(), from, to)?;
        let mut shifts = vec![];
        for schedule in self.schedules_naming(&app.directory.now()) {
            let own = schedule.shifts_of(app, self.id, span).await?;
            shifts.extend(own.into_iter().map(|span| Shift::new(schedule.clone(), span)));
        }
        shifts.sort_by_key(|shift| shift.start);
        Ok(shifts)
    }

    /// The first shift that begins in a window, on any schedule; the window begins now and has 90 days if not given.
    #[graphql(complexity = "10 + cost(from, to, 1) + child_complexity")]
    async fn next_shift(
        &self,
        ctx: &Context<'_>,
        from: Option<DateTime>,
        to: Option<DateTime>,
    ) -> Result<Option<Shift>, Fault> {
        let app = app(ctx)?;
        let span = horizon(app.engine.now(), from, to)?;
        let mut first: Option<Shift> = None;
        for schedule in self.schedules_naming(&app.directory.now()) {
            if let Some(span) = schedule.next_shift_of(app, self.id, span).await? {
                let shift = Shift::new(schedule, span);
                first = first.into_iter().chain([shift]).min_by_key(|shift| shift.start);
            }
        }
        Ok(first)
    }

    /// Their calendar feeds that were not revoked.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn calendar_feeds(&self, ctx: &Context<'_>) -> Result<Vec<CalendarFeed>, Fault> {
        Ok(CalendarFeed::all(&app(ctx)?.directory.now(), |feed| feed.owner == Some(self.id)))
    }

    /// Since when they are no longer paged.
    async fn deactivated_at(&self) -> Option<DateTime> {
        self.state.deactivated_at.map(DateTime)
    }
}

/// A way to reach somebody.
#[derive(SimpleObject)]
pub(super) struct Contact {
    /// Its id, stable over edits.
    id: ID,
    /// What sort it is.
    kind: ContactKind,
    /// The mail address or the URL; null for observers.
    address: Option<String>,
}

impl Contact {
    fn shown(contact: &domain::user::Contact, whole: bool) -> Self {
        let (kind, address) = match &contact.method {
            ContactMethod::Email { address } => (ContactKind::Email, address),
            ContactMethod::Webhook { url, .. } => (ContactKind::Webhook, url),
        };
        Self { id: contact.id.into(), kind, address: whole.then(|| address.clone()) }
    }
}

/// One step of paging: this long after the level is reached, use this contact.
#[derive(SimpleObject)]
pub(super) struct NotificationRule {
    /// Seconds after the level was reached.
    delay_seconds: u32,
    /// Which contact.
    contact_id: ID,
}

#[derive(Default)]
pub(super) struct UserQuery;

#[Object]
impl UserQuery {
    /// The person whose token this is; null if the token stands for nobody in particular.
    async fn me(&self, ctx: &Context<'_>) -> Result<Option<User>, Fault> {
        let caller = Caller::reading(ctx, None).await?;
        Ok(caller.viewer.user.and_then(|id| User::find(&caller.app.directory.now(), id)))
    }

    /// One person; null if there is nobody under this id.
    async fn user(
        &self,
        ctx: &Context<'_>,
        id: ID,
        wait_for: Option<Position>,
    ) -> Result<Option<User>, Fault> {
        let caller = Caller::reading(ctx, wait_for).await?;
        Ok(id.parse().ok().and_then(|id| User::find(&caller.app.directory.now(), id)))
    }

    /// People in the order of their names; deactivated ones only if asked for.
    #[graphql(complexity = "slice::cost(first, child_complexity)")]
    async fn users(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        #[graphql(default)] deactivated: bool,
        wait_for: Option<Position>,
    ) -> Result<Connection<String, User>, Fault> {
        let directory = Caller::reading(ctx, wait_for).await?.app.directory.now();
        let users = directory.users.iter().filter(|(_, state)| deactivated || state.deactivated_at.is_none());
        let users = users.map(|(id, state)| {
            (user_name(&directory, *id), id.to_string(), User { id: *id, state: Arc::clone(state) })
        });
        slice::by_name(users, first, after.as_deref())
    }
}
