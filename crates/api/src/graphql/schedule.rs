//! On-call schedules: who is on call when.

mod edit;
mod layer_input;
mod layers;
mod leaving;
mod overrides;
mod past;
mod preview;
mod swaps;
mod timeline;

use std::sync::Arc;

use async_graphql::{Context, ID, Object, connection::Connection};
use commands::Directory;
use domain::{
    Aggregate, Fact, ScheduleId, Timestamp, UserId,
    calendar_feed::Scope,
    schedule::{Layer, ScheduleEvent, Segment, Source, Span, Timetable, Version, shifts},
};

pub(super) use edit::ScheduleMutation;
pub(super) use layer_input::Warning;
pub(super) use leaving::{OpenedGaps, opened_gaps};
pub(super) use overrides::OverrideMutation;
pub(super) use past::OnCallLogQuery;
pub(super) use preview::PreviewQuery;
pub(super) use swaps::SwapMutation;
pub(super) use timeline::{Shift, cost, people, window};

use super::{
    calendar_feed::CalendarFeed,
    caller::{Caller, app},
    fault::Fault,
    on_call::OnCall,
    scalar::{DateTime, LocalDateTime, Position},
    slice,
    team::Team,
    user::User,
    words,
};
use crate::App;
use layer_input::rhythm;
use layers::{ScheduleLayer, ScheduleVersion, slots};
use overrides::ScheduleOverride;
use swaps::{ShiftSwap, TimeSpan};
use timeline::{Fairness, FinalTimeline, Known, ScheduleHandoff, handoffs, too_long};

/// Schedules that a page may have: one question shows who is on call everywhere.
const MAX_FIRST: i32 = 2000;

/// Who is on call when.
#[derive(Clone)]
pub(super) struct Schedule {
    id: ScheduleId,
    state: Arc<domain::schedule::Schedule>,
    known: Known,
}

impl Schedule {
    /// As the directory has it.
    pub(super) fn find(directory: &Arc<Directory>, id: ScheduleId) -> Option<Self> {
        let state = directory.schedules.get(&id)?;
        let known = Known { directory: Arc::clone(directory), own: None, as_of: false };
        Some(Self { id, state: Arc::clone(state), known })
    }

    /// In a state that may be later than the directory's.
    fn of_state(
        directory: &Arc<Directory>,
        id: ScheduleId,
        state: Arc<domain::schedule::Schedule>,
    ) -> Result<Self, Fault> {
        let timetable = state.timetable(&*directory.zones).map_err(|why| {
            tracing::error!(schedule = %id, %why, "a stored schedule cannot be read");
            Fault::Internal
        })?;
        let known = Known { directory: Arc::clone(directory), own: Some(Arc::new(timetable)), as_of: false };
        Ok(Self { id, state, known })
    }

    /// As it was known at a position of the log; none if it was not there yet.
    async fn as_of(app: &App, id: ScheduleId, position: store::Position) -> Result<Option<Self>, Fault> {
        let history = app.engine.store().load(&id.stream(), 0).await?;
        let mut state = domain::schedule::Schedule::default();
        for event in history.iter().take_while(|event| event.position <= position) {
            let fact = ScheduleEvent::decode(&event.kind, &event.payload)
                .map_err(|why| Fault::from(commands::EngineError::from(why)))?;
            state.evolve(&fact);
        }
        if state.versions.is_empty() {
            return Ok(None);
        }
        let mut schedule = Self::of_state(&app.directory.now(), id, Arc::new(state))?;
        schedule.known.as_of = true;
        Ok(Some(schedule))
    }

    const fn state(&self) -> &Arc<domain::schedule::Schedule> {
        &self.state
    }

    pub(super) const fn directory(&self) -> &Arc<Directory> {
        &self.known.directory
    }

    /// Made ready for questions; none if what is stored cannot be read, which is logged.
    fn timetable(&self) -> Option<&Timetable> {
        self.known.own.as_deref().or_else(|| self.known.directory.timetable(self.id))
    }

    /// What it says now; before it begins, what it will say first.
    fn current(&self, now: Timestamp) -> Option<&Version> {
        self.state.version_at(now).or_else(|| self.state.versions.first())
    }

    /// The layer that decides, of several.
    fn main(&self, ctx: &Context<'_>) -> Result<Option<&Layer>, Fault> {
        let version = self.current(app(ctx)?.engine.now());
        Ok(version.and_then(|version| version.layers.iter().max_by_key(|layer| layer.priority)))
    }

    /// Who is on call at an instant by what the schedule says. People who had left by then are not.
    fn computed(&self, at: Timestamp) -> Vec<UserId> {
        let users = &self.known.directory.users;
        let left =
            |id: &UserId| users.get(id).and_then(|user| user.deactivated_at).is_some_and(|left| left <= at);
        let mut on_call = self.timetable().map(|timetable| timetable.on_call(at)).unwrap_or_default();
        on_call.retain(|id| !left(id));
        on_call
    }

    /// Who is on call at an instant: what was written down, if it was, and otherwise what the schedule says.
    pub(super) async fn on_call_at(self, app: &App, at: Timestamp) -> Result<OnCall, Fault> {
        let past = !self.known.as_of && at < app.engine.now();
        let written = if past { past::at(app, self.id, at).await? } else { None };
        let ids = written.unwrap_or_else(|| self.computed(at));
        Ok(OnCall::of_schedule(self, &ids, at))
    }

    /// Whether a person takes turns at an instant or later, or an override or a swap ahead names them.
    pub(super) fn involves(&self, user: UserId, at: Timestamp) -> bool {
        self.state.retired_at.is_none() && self.state.involved(at).contains(&user)
    }

    /// The first instant after `at` and before a horizon at which others are on call.
    pub(super) fn next_change(&self, at: Timestamp, horizon: Timestamp) -> Option<Timestamp> {
        self.timetable()?.next_change(at, horizon)
    }

    /// Whether an override or a swap ahead has nothing to act on.
    fn is_idle(&self, ctx: &Context<'_>, source: Source) -> Result<bool, Fault> {
        let now = app(ctx)?.engine.now();
        Ok(self.timetable().is_some_and(|timetable| timetable.idle(now).contains(&source)))
    }

    /// Who is on call over a range: what was written down, where it was, and otherwise what the schedule says.
    pub(super) async fn timeline(&self, app: &App, span: Span) -> Result<Vec<Segment>, Fault> {
        let Some(timetable) = self.timetable() else { return Ok(vec![]) };
        let computed = timetable.timeline(span.start, span.end).map_err(|why| too_long(&why))?;
        if self.known.as_of || span.start >= app.engine.now() {
            return Ok(computed);
        }
        Ok(past::written_over(computed, &past::written(app, self.id, span).await?))
    }

    /// A person's time on call that begins within a range, cut at its end.
    pub(super) async fn next_shift_of(
        &self,
        app: &App,
        user: UserId,
        span: Span,
    ) -> Result<Option<Span>, Fault> {
        let begins = |shift: &Span| shift.start >= span.start;
        let timeline = self.timeline(app, from_just_before(span)).await?;
        Ok(shifts(&timeline, user).into_iter().find(begins))
    }

    /// The shifts of a person within a range.
    pub(super) async fn shifts_of(&self, app: &App, user: UserId, span: Span) -> Result<Vec<Span>, Fault> {
        Ok(shifts(&self.timeline(app, span).await?, user))
    }

    async fn final_timeline_of(&self, app: &App, span: Span) -> Result<FinalTimeline, Fault> {
        let timeline = self.timeline(app, span).await?;
        Ok(FinalTimeline { schedule: self.clone(), span, timeline })
    }
}

/// The same range with a moment before it, which tells who was on call when it begins.
fn from_just_before(span: Span) -> Span {
    Span { start: Timestamp::from_millis(span.start.millis() - 1), end: span.end }
}

/// Who is on call when. Questions about the past are answered by what was written down when it happened.
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
    async fn team(&self) -> Option<Team> {
        self.state.team.and_then(|id| Team::find(self.directory(), id))
    }

    /// The IANA zone whose wall clock it follows now.
    async fn time_zone(&self, ctx: &Context<'_>) -> Result<Option<&str>, Fault> {
        Ok(self.current(app(ctx)?.engine.now()).map(|version| version.time_zone.as_str()))
    }

    /// The edition of the time zone data that answers about the future follow from, such as `2026f`.
    async fn time_zone_data(&self) -> &str {
        self.directory().zones.version()
    }

    /// In short, the layer with the highest priority: the rhythm of handoffs in days or weeks.
    async fn rotation(&self, ctx: &Context<'_>) -> Result<Option<words::Rotation>, Fault> {
        Ok(self.main(ctx)?.and_then(|layer| rhythm(&layer.rotation)).map(|(kind, _)| kind))
    }

    /// In short, the layer with the highest priority: how many days or weeks a turn lasts.
    async fn every(&self, ctx: &Context<'_>) -> Result<Option<u32>, Fault> {
        Ok(self.main(ctx)?.and_then(|layer| rhythm(&layer.rotation)).map(|(_, every)| every))
    }

    /// In short, the layer with the highest priority: the first handoff on the wall clock.
    async fn rotation_start(&self, ctx: &Context<'_>) -> Result<Option<LocalDateTime>, Fault> {
        Ok(self.main(ctx)?.map(|layer| LocalDateTime(layer.rotation_start)))
    }

    /// In short, the layer with the highest priority: who takes turns, in order; who shares a turn stands together.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    async fn participants(&self, ctx: &Context<'_>) -> Result<Vec<Vec<User>>, Fault> {
        Ok(self.main(ctx)?.map(|layer| slots(self.directory(), layer)).unwrap_or_default())
    }

    /// Who takes turns now; the order means nothing.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn layers(&self, ctx: &Context<'_>) -> Result<Vec<ScheduleLayer>, Fault> {
        let version = self.current(app(ctx)?.engine.now());
        Ok(version.map(|version| ScheduleLayer::all(self.directory(), version)).unwrap_or_default())
    }

    /// What it said, says and will say, by their beginnings.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    async fn versions(&self, ctx: &Context<'_>) -> Result<Vec<ScheduleVersion>, Fault> {
        Ok(ScheduleVersion::all(self.directory(), &self.state, app(ctx)?.engine.now()))
    }

    /// How often its versions were changed; an edit can name the one that it was made from.
    async fn revision(&self) -> u64 {
        self.state.revision
    }

    /// Who is on call now.
    #[graphql(complexity = "1 + 3 * child_complexity")]
    async fn on_call_now(&self, ctx: &Context<'_>) -> Result<Vec<User>, Fault> {
        Ok(people(self.directory(), &self.computed(app(ctx)?.engine.now())))
    }

    /// Who is on call at an instant, past or future; now if none is given. With `asOf`, as it was known at that
    /// position of the log.
    async fn on_call(
        &self,
        ctx: &Context<'_>,
        at: Option<DateTime>,
        as_of: Option<Position>,
    ) -> Result<OnCall, Fault> {
        let app = app(ctx)?;
        let at = at.map_or_else(|| app.engine.now(), |DateTime(at)| at);
        let then = match as_of {
            Some(Position(position)) => Self::as_of(app, self.id, position).await?,
            None => Some(self.clone()),
        };
        match then {
            Some(then) => then.on_call_at(app, at).await,
            None => Ok(OnCall::nobody(1, at)),
        }
    }

    /// Who is on call from an instant to another, with gaps as entries and with what each layer says. From now and for
    /// 30 days if not given; at most 400 days.
    #[graphql(complexity = "cost(from, to, child_complexity)")]
    async fn final_timeline(
        &self,
        ctx: &Context<'_>,
        from: Option<DateTime>,
        to: Option<DateTime>,
    ) -> Result<FinalTimeline, Fault> {
        let app = app(ctx)?;
        self.final_timeline_of(app, window(app.engine.now(), from, to)?).await
    }

    /// When nobody is on call, in a window as for `finalTimeline`.
    #[graphql(complexity = "cost(from, to, child_complexity)")]
    async fn gaps(
        &self,
        ctx: &Context<'_>,
        from: Option<DateTime>,
        to: Option<DateTime>,
    ) -> Result<Vec<TimeSpan>, Fault> {
        let app = app(ctx)?;
        let timeline = self.timeline(app, window(app.engine.now(), from, to)?).await?;
        Ok(domain::schedule::gaps(&timeline).into_iter().map(Into::into).collect())
    }

    /// How much of a window is covered, in percent; the window as for `finalTimeline`.
    #[graphql(complexity = "cost(from, to, 1)")]
    async fn coverage_percent(
        &self,
        ctx: &Context<'_>,
        from: Option<DateTime>,
        to: Option<DateTime>,
    ) -> Result<f64, Fault> {
        let app = app(ctx)?;
        let timeline = self.final_timeline_of(app, window(app.engine.now(), from, to)?).await?;
        Ok(timeline.coverage_percent_of())
    }

    /// How on-call time is shared in a window as for `finalTimeline`: hours, nights, weekends, shifts, and the balance.
    #[graphql(complexity = "cost(from, to, 1) + 50 * child_complexity")]
    async fn fairness(
        &self,
        ctx: &Context<'_>,
        from: Option<DateTime>,
        to: Option<DateTime>,
    ) -> Result<Fairness, Fault> {
        let app = app(ctx)?;
        Ok(self.final_timeline_of(app, window(app.engine.now(), from, to)?).await?.fairness_of())
    }

    /// When a person is on call, cut to a window as for `finalTimeline`.
    #[graphql(complexity = "cost(from, to, child_complexity)")]
    async fn shifts(
        &self,
        ctx: &Context<'_>,
        user_id: ID,
        from: Option<DateTime>,
        to: Option<DateTime>,
    ) -> Result<Vec<TimeSpan>, Fault> {
        let app = app(ctx)?;
        let user = user(&user_id)?;
        let shifts = self.shifts_of(app, user, window(app.engine.now(), from, to)?).await?;
        Ok(shifts.into_iter().map(Into::into).collect())
    }

    /// The first time on call of a person that begins in a window, cut at its end; the window as for `finalTimeline`,
    /// but 90 days if not given.
    #[graphql(complexity = "cost(from, to, 1) + child_complexity")]
    async fn next_shift(
        &self,
        ctx: &Context<'_>,
        user_id: ID,
        from: Option<DateTime>,
        to: Option<DateTime>,
    ) -> Result<Option<TimeSpan>, Fault> {
        let app = app(ctx)?;
        let user = user(&user_id)?;
        let span = horizon(app.engine.now(), from, to)?;
        Ok(self.next_shift_of(app, user, span).await?.map(Into::into))
    }

    /// Every instant in a window as for `finalTimeline` at which somebody's time on call begins or ends.
    #[graphql(complexity = "cost(from, to, child_complexity)")]
    async fn handoffs(
        &self,
        ctx: &Context<'_>,
        from: Option<DateTime>,
        to: Option<DateTime>,
    ) -> Result<Vec<ScheduleHandoff>, Fault> {
        let app = app(ctx)?;
        let span = window(app.engine.now(), from, to)?;
        let timeline = self.timeline(app, from_just_before(span)).await?;
        let shown = |handoff| ScheduleHandoff::shown(self.directory(), &handoff);
        Ok(handoffs(&timeline).into_iter().map(shown).collect())
    }

    /// Overrides that touch a window as for `finalTimeline`, in the order in which they were made; cancelled ones only
    /// if asked for.
    #[graphql(complexity = "1 + 20 * child_complexity")]
    async fn overrides(
        &self,
        ctx: &Context<'_>,
        from: Option<DateTime>,
        to: Option<DateTime>,
        #[graphql(default)] cancelled: bool,
    ) -> Result<Vec<ScheduleOverride>, Fault> {
        let span = window(app(ctx)?.engine.now(), from, to)?;
        let touches = |one: &&domain::schedule::Override| {
            one.span.overlaps(span) && (cancelled || one.cancelled_at.is_none())
        };
        let shown =
            |one: &domain::schedule::Override| ScheduleOverride { schedule: self.clone(), one: one.clone() };
        Ok(self.state.overrides.iter().filter(touches).map(shown).collect())
    }

    /// Swaps that touch a window as for `finalTimeline`, in the order in which they were asked for; of those that do
    /// not hold, only open ones unless asked for.
    #[graphql(complexity = "1 + 20 * child_complexity")]
    async fn swaps(
        &self,
        ctx: &Context<'_>,
        from: Option<DateTime>,
        to: Option<DateTime>,
        #[graphql(default)] closed: bool,
    ) -> Result<Vec<ShiftSwap>, Fault> {
        use domain::schedule::SwapStatus::{Accepted, Open};
        let span = window(app(ctx)?.engine.now(), from, to)?;
        let touches = |one: &&domain::schedule::Swap| {
            let inside = one.give.overlaps(span) || one.take.is_some_and(|take| take.overlaps(span));
            inside && (closed || matches!(one.status, Open | Accepted { .. }))
        };
        let shown = |one: &domain::schedule::Swap| ShiftSwap { schedule: self.clone(), one: one.clone() };
        Ok(self.state.swaps.iter().filter(touches).map(shown).collect())
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

/// The window in which a next shift is looked for: 90 days, if the question does not say.
pub(super) fn horizon(now: Timestamp, from: Option<DateTime>, to: Option<DateTime>) -> Result<Span, Fault> {
    let start = from.map_or(now, |DateTime(from)| from);
    window(now, Some(DateTime(start)), to.or_else(|| Some(DateTime(start.plus_seconds(90 * 86_400)))))
}

fn user(id: &ID) -> Result<UserId, Fault> {
    id.parse().map_err(|error: domain::IdError| Fault::BadInput(format!("userId: {error}")))
}

#[derive(Default)]
pub(super) struct ScheduleQuery;

#[Object]
impl ScheduleQuery {
    /// One schedule; null if there is none under this id. With `asOf`, everything about it is answered as it was known
    /// at that position of the log.
    async fn schedule(
        &self,
        ctx: &Context<'_>,
        id: ID,
        as_of: Option<Position>,
        wait_for: Option<Position>,
    ) -> Result<Option<Schedule>, Fault> {
        let caller = Caller::reading(ctx, wait_for).await?;
        let Ok(id) = id.parse() else { return Ok(None) };
        match as_of {
            Some(Position(position)) => Schedule::as_of(caller.app, id, position).await,
            None => Ok(Schedule::find(&caller.app.directory.now(), id)),
        }
    }

    /// Schedules in the order of their names, up to 2000 on a page; retired ones only if asked for.
    #[graphql(complexity = "slice::cost_up_to(MAX_FIRST, first, child_complexity)")]
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
        let shown = |(id, state): (&ScheduleId, &Arc<domain::schedule::Schedule>)| {
            Some((state.name.clone(), id.to_string(), Schedule::find(&directory, *id)?))
        };
        let first = slice::first_up_to(MAX_FIRST, first)?;
        slice::by_name_up_to(schedules.filter_map(shown), first, after.as_deref())
    }
}
