//! What a schedule would be before it is saved.

use async_graphql::{Context, Object, SimpleObject};
use domain::schedule::{Preview, Span, Timetable};

use super::{
    edit::{CreateScheduleInput, Planned, UpdateScheduleInput, in_short},
    layer_input::Warning,
    swaps::TimeSpan,
    timeline::{Fairness, OnCallEntry, too_long},
};
use crate::graphql::{
    caller::Caller,
    fault::Fault,
    rejection::{Rejection, Stop},
    scalar::DateTime,
    user::User,
};

/// How far a preview looks, in days.
const DAYS: u64 = 90;

/// What would change in the next 90 days, from now or from when on the change holds. Nothing is recorded.
#[derive(SimpleObject)]
pub(super) struct SchedulePreview {
    /// From when on it is shown; null if the change would be refused.
    from: Option<DateTime>,
    /// Until when it is shown.
    to: Option<DateTime>,
    /// Everybody whose shifts would change.
    moved: Vec<MovedPerson>,
    /// When nobody would be on call.
    gaps: Vec<TimeSpan>,
    /// Those of the gaps, or parts of them, that are not there yet.
    opened_gaps: Vec<TimeSpan>,
    /// How on-call time is shared now.
    before: Option<Fairness>,
    /// How on-call time would be shared.
    after: Option<Fairness>,
    /// Who would be on call.
    entries: Vec<OnCallEntry>,
    /// What would be accepted, but may not be meant.
    warnings: Vec<Warning>,
    /// Why the change would be refused; null if it would not.
    rejection: Option<Rejection>,
}

/// A person whose shifts would change.
#[derive(SimpleObject)]
struct MovedPerson {
    /// Who.
    user: Option<User>,
    /// When they would be on call and are not.
    gained: Vec<TimeSpan>,
    /// When they are on call and would not be any more.
    lost: Vec<TimeSpan>,
}

impl SchedulePreview {
    fn refused(rejection: Rejection) -> Self {
        Self {
            from: None,
            to: None,
            moved: vec![],
            gaps: vec![],
            opened_gaps: vec![],
            before: None,
            after: None,
            entries: vec![],
            warnings: vec![],
            rejection: Some(rejection),
        }
    }

    fn shown(caller: Caller<'_>, preview: Preview, span: Span, after: &Timetable) -> Self {
        let directory = caller.app.directory.now();
        let spans = |spans: Vec<Span>| spans.into_iter().map(Into::into).collect();
        let moved = |one: domain::schedule::Moved| MovedPerson {
            user: User::find(&directory, one.user),
            gained: spans(one.gained),
            lost: spans(one.lost),
        };
        Self {
            from: Some(DateTime(span.start)),
            to: Some(DateTime(span.end)),
            moved: preview.moved.into_iter().map(moved).collect(),
            gaps: spans(preview.gaps),
            opened_gaps: spans(preview.opened),
            before: Some(Fairness::shown(&directory, &preview.before)),
            after: Some(Fairness::shown(&directory, &preview.after)),
            entries: OnCallEntry::all(&directory, preview.timeline, Some(after)),
            warnings: vec![],
            rejection: None,
        }
    }
}

#[derive(Default)]
pub(in crate::graphql) struct PreviewQuery;

#[Object]
impl PreviewQuery {
    /// What a new schedule would be. Takes the input of `createSchedule`; nothing is recorded.
    #[graphql(complexity = "1 + 200 * child_complexity")]
    async fn preview_schedule(
        &self,
        ctx: &Context<'_>,
        input: CreateScheduleInput,
    ) -> Result<SchedulePreview, Fault> {
        let caller = Caller::reading(ctx, None).await?;
        tried(caller, Planned::new(caller, input).await).await
    }

    /// What an edit would change, and for whom. Takes the input of `updateSchedule`; nothing is recorded.
    #[graphql(complexity = "1 + 200 * child_complexity")]
    async fn preview_schedule_edit(
        &self,
        ctx: &Context<'_>,
        input: UpdateScheduleInput,
    ) -> Result<SchedulePreview, Fault> {
        let caller = Caller::reading(ctx, None).await?;
        tried(caller, Planned::edit(caller, input).await).await
    }
}

async fn tried(caller: Caller<'_>, planned: Result<Planned, Stop>) -> Result<SchedulePreview, Fault> {
    match try_out(caller, planned).await {
        Ok(preview) => Ok(preview),
        Err(Stop::Rejected(why)) => Ok(SchedulePreview::refused(why)),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

async fn try_out(caller: Caller<'_>, planned: Result<Planned, Stop>) -> Result<SchedulePreview, Stop> {
    let planned = planned?;
    let (before, _) = caller.app.engine.load::<domain::schedule::Schedule>(planned.id).await?;
    let after = before.tried(&planned.command);
    let after = after.map_err(|why| in_short(Rejection::of(&why), planned.short))?;
    let zones = &*caller.app.directory.now().zones;
    let ready = |state: &domain::schedule::Schedule| {
        state.timetable(zones).map_err(|why| Rejection::of(&domain::ConfigRejection::from(why)))
    };
    let (old, new) = (ready(&before)?, ready(&after)?);
    // A change that is planned for later is shown from then on.
    let changed = after.versions.iter().filter(|version| !before.versions.contains(version));
    let start = changed.map(|version| version.effective_from).min().unwrap_or_default().max(caller.now());
    let span = Span { start, end: start.plus_seconds(DAYS * 86_400) };
    let preview = Preview::of(&old, &new, span).map_err(|why| too_long(&why))?;
    let shown = SchedulePreview::shown(caller, preview, span, &new);
    Ok(SchedulePreview { warnings: planned.warnings, ..shown })
}
