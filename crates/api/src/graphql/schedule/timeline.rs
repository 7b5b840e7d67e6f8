//! The final timeline of a schedule, and what follows from it.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{ID, Object, SimpleObject};
use commands::Directory;
use domain::{
    Timestamp, UserId,
    schedule::{Handoff, Report, Segment, Source, Span, Timetable, gaps},
};

use super::{Schedule, swaps::TimeSpan};
use crate::graphql::{fault::Fault, scalar::DateTime, user::User};

/// The longest window that one question may be about, in days.
pub(in crate::graphql) const MAX_DAYS: i64 = 400;
/// The window that is meant if a question does not say.
const DEFAULT_DAYS: u64 = 30;
const DAY: i64 = 86_400_000;

/// The window that a question is about: from now, and for 30 days, if it does not say.
pub(in crate::graphql) fn window(
    now: Timestamp,
    from: Option<DateTime>,
    to: Option<DateTime>,
) -> Result<Span, Fault> {
    let start = from.map_or(now, |DateTime(from)| from);
    let end = to.map_or_else(|| start.plus_seconds(DEFAULT_DAYS * 86_400), |DateTime(to)| to);
    if end <= start {
        return Err(Fault::BadInput(format!("to must be later than from, {start}")));
    }
    if end.millis() - start.millis() > MAX_DAYS * DAY {
        return Err(Fault::BadInput(format!("to must be at most {MAX_DAYS} days later than from, {start}")));
    }
    Ok(Span { start, end })
}

/// What a question about a window costs: what an entry costs, twice for each day.
pub(in crate::graphql) fn cost(from: Option<DateTime>, to: Option<DateTime>, child: usize) -> usize {
    let days = match (from, to) {
        (Some(DateTime(from)), Some(DateTime(to))) => (to.millis() - from.millis()) / DAY + 1,
        // How far the one that is left out lies away is not known yet.
        (None, Some(_)) => MAX_DAYS,
        (_, None) => DEFAULT_DAYS.cast_signed(),
    };
    let days = usize::try_from(days.clamp(1, MAX_DAYS)).unwrap_or(1);
    1 + 2 * days.saturating_mul(child)
}

/// Says that too much lies in a window.
pub(in crate::graphql) fn too_long(why: &domain::schedule::TooLong) -> Fault {
    Fault::BadInput(format!("the window {why}"))
}

/// A stretch of time with the same people on call.
#[derive(SimpleObject)]
pub(in crate::graphql) struct OnCallEntry {
    /// When it begins.
    start: DateTime,
    /// When it ends.
    end: DateTime,
    /// Who is on call; nobody in a gap.
    users: Vec<User>,
    /// Whether nobody is on call.
    gap: bool,
    /// The ids of overrides and swaps that act in it, in the order in which they apply.
    adjusted_by: Vec<ID>,
}

impl OnCallEntry {
    pub(super) fn all(
        directory: &Directory,
        timeline: Vec<Segment>,
        timetable: Option<&Timetable>,
    ) -> Vec<Self> {
        let shown = |segment: Segment| {
            let acting = timetable.map(|timetable| timetable.acting(segment.start)).unwrap_or_default();
            Self {
                start: DateTime(segment.start),
                end: DateTime(segment.end),
                users: people(directory, &segment.users),
                gap: segment.users.is_empty(),
                adjusted_by: acting.into_iter().map(id_of).collect(),
            }
        };
        timeline.into_iter().map(shown).collect()
    }
}

fn id_of(source: Source) -> ID {
    match source {
        Source::Override(id) => id.into(),
        Source::Swap(id) => id.into(),
    }
}

/// The people of these ids.
pub(in crate::graphql) fn people(directory: &Directory, ids: &[UserId]) -> Vec<User> {
    ids.iter().filter_map(|id| User::find(directory, *id)).collect()
}

/// Who is on call over a range, and what the layers below say.
pub(super) struct FinalTimeline {
    pub(super) schedule: Schedule,
    pub(super) span: Span,
    pub(super) timeline: Vec<Segment>,
}

/// Who is on call over a range, and what the layers below say.
#[Object]
impl FinalTimeline {
    /// When it begins.
    async fn from(&self) -> DateTime {
        DateTime(self.span.start)
    }

    /// When it ends.
    async fn to(&self) -> DateTime {
        DateTime(self.span.end)
    }

    /// Who is on call when: longest stretches with the same people, without a hole; a gap is an entry too. The past is
    /// what was written down when it happened, as far as that goes.
    async fn entries(&self) -> Vec<OnCallEntry> {
        OnCallEntry::all(self.schedule.directory(), self.timeline.clone(), self.schedule.timetable())
    }

    /// What each layer says, before priorities, overrides and swaps.
    async fn layers(&self) -> Result<Vec<LayerTimeline>, Fault> {
        let Some(timetable) = self.schedule.timetable() else { return Ok(vec![]) };
        let layers = timetable.layers(self.span.start, self.span.end).map_err(|why| too_long(&why))?;
        let mut names = HashMap::new();
        for layer in self.schedule.state().versions.iter().flat_map(|version| &version.layers) {
            // The latest version names a layer as it is called now.
            names.insert(layer.id, layer.name.as_str());
        }
        let directory = self.schedule.directory();
        let shown = |layer: domain::schedule::LayerTimeline| LayerTimeline {
            id: layer.layer.into(),
            name: names.get(&layer.layer).copied().unwrap_or_default().to_owned(),
            entries: OnCallEntry::all(directory, layer.segments, None),
        };
        Ok(layers.into_iter().map(shown).collect())
    }

    /// When nobody is on call.
    async fn gaps(&self) -> Vec<TimeSpan> {
        gaps(&self.timeline).into_iter().map(Into::into).collect()
    }

    /// How much of the range is covered, in percent.
    async fn coverage_percent(&self) -> f64 {
        self.coverage_percent_of()
    }

    /// How on-call time is shared.
    async fn fairness(&self) -> Fairness {
        self.fairness_of()
    }
}

impl FinalTimeline {
    pub(super) fn coverage_percent_of(&self) -> f64 {
        let report = self.schedule.timetable().map(|timetable| timetable.report_on(&self.timeline));
        report.unwrap_or_default().coverage_percent()
    }

    pub(super) fn fairness_of(&self) -> Fairness {
        let report = self.schedule.timetable().map(|timetable| timetable.report_on(&self.timeline));
        Fairness::shown(self.schedule.directory(), &report.unwrap_or_default())
    }
}

/// What one layer says over a range.
#[derive(SimpleObject)]
struct LayerTimeline {
    /// The layer's id.
    id: ID,
    /// The layer's name.
    name: String,
    /// Who it has on call when, gaps included.
    entries: Vec<OnCallEntry>,
}

/// How on-call time was or will be shared.
#[derive(SimpleObject)]
pub(in crate::graphql) struct Fairness {
    /// Minutes of the range.
    total_minutes: i64,
    /// Minutes in which somebody is on call.
    covered_minutes: i64,
    /// Minutes in which nobody is on call.
    gap_minutes: i64,
    /// How much of the range is covered, in percent.
    coverage_percent: f64,
    /// How evenly time is shared, in percent: for every two people the smaller share in percent of the larger one, and
    /// the mean of that.
    balance_percent: f64,
    /// Everybody who is on call at least a minute, in the order of ids.
    shares: Vec<FairnessShare>,
}

/// One person's share of on-call time.
#[derive(SimpleObject)]
struct FairnessShare {
    /// Who.
    user: Option<User>,
    /// Hours on call.
    hours: f64,
    /// Minutes on call.
    minutes: i64,
    /// Of them on Saturdays and Sundays, on the schedule's wall clock.
    weekend_minutes: i64,
    /// Of them between 22:00 and 06:00, on the schedule's wall clock.
    night_minutes: i64,
    /// How many times on call began or went on.
    shifts: usize,
}

impl Fairness {
    pub(super) fn shown(directory: &Directory, report: &Report) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "minutes of any window are far below 2^52")]
        let hours = |minutes: i64| minutes as f64 / 60.0;
        let share = |(user, share): (&UserId, &domain::schedule::Share)| FairnessShare {
            user: User::find(directory, *user),
            hours: hours(share.minutes),
            minutes: share.minutes,
            weekend_minutes: share.weekend_minutes,
            night_minutes: share.night_minutes,
            shifts: share.shifts,
        };
        Self {
            total_minutes: report.total_minutes,
            covered_minutes: report.covered_minutes,
            gap_minutes: report.gap_minutes(),
            coverage_percent: report.coverage_percent(),
            balance_percent: report.balance_percent(),
            shares: report.users.iter().map(share).collect(),
        }
    }
}

/// An instant at which people's time on call begins or ends.
#[derive(SimpleObject)]
pub(super) struct ScheduleHandoff {
    /// When.
    at: DateTime,
    /// Who is on call from then on and was not before.
    started: Vec<User>,
    /// Who was on call and is not any more.
    ended: Vec<User>,
}

impl ScheduleHandoff {
    pub(super) fn shown(directory: &Directory, handoff: &Handoff) -> Self {
        let (started, ended) = (people(directory, &handoff.started), people(directory, &handoff.ended));
        Self { at: DateTime(handoff.at), started, ended }
    }
}

/// Where who is on call differs from just before; the first segment only says who was before.
pub(super) fn handoffs(timeline: &[Segment]) -> Vec<Handoff> {
    let among = |people: &[UserId], others: &[UserId]| -> Vec<UserId> {
        people.iter().filter(|one| !others.contains(one)).copied().collect()
    };
    let changed = |pair: &[Segment]| Handoff {
        at: pair[1].start,
        started: among(&pair[1].users, &pair[0].users),
        ended: among(&pair[0].users, &pair[1].users),
    };
    timeline.windows(2).map(changed).collect()
}

/// Somebody's time on call, without a break.
#[derive(SimpleObject)]
pub(in crate::graphql) struct Shift {
    /// Of which schedule.
    schedule: Schedule,
    /// When it begins.
    pub(in crate::graphql) start: DateTime,
    /// When it ends.
    end: DateTime,
}

impl Shift {
    pub(in crate::graphql) fn new(schedule: Schedule, span: Span) -> Self {
        Self { schedule, start: DateTime(span.start), end: DateTime(span.end) }
    }
}

/// What is known of one schedule, made ready for questions.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) directory: Arc<Directory>,
    /// Where it differs from the directory's: after a command, or as known at an earlier position.
    pub(super) own: Option<Arc<Timetable>>,
    /// Whether it is known as it was at an earlier position, so that what was written down does not count.
    pub(super) as_of: bool,
}
