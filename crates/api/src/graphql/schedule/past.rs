//! What was written down of who was on call.

use async_graphql::{Context, ID, Object, SimpleObject};
use domain::{
    ScheduleId, Timestamp, UserId,
    on_call::Cause,
    schedule::{Segment, Span},
};
use projections::OnCallView;

use super::timeline::{cost, people, window};
use crate::{
    App,
    graphql::{
        caller::Caller,
        fault::Fault,
        scalar::{DateTime, Position},
        user::User,
        words,
    },
};

/// The most entries that one question may lead to.
const MOST: usize = 20_000;

/// Stretches of a range that were written down to their ends. How long the last entry held nobody knows yet.
pub(super) async fn written(app: &App, schedule: ScheduleId, span: Span) -> Result<Vec<Segment>, Fault> {
    let entries = app.reads.on_call(schedule, span.start, span.end, MOST).await?;
    let stretch = |pair: &[OnCallView]| Segment {
        start: pair[0].at.max(span.start),
        end: pair[1].at.min(span.end),
        users: pair[0].users.clone(),
    };
    Ok(entries.windows(2).map(stretch).collect())
}

/// Who was on call at an instant, if that was written down and the next change too.
pub(super) async fn at(app: &App, schedule: ScheduleId, at: Timestamp) -> Result<Option<Vec<UserId>>, Fault> {
    let entries = app.reads.on_call(schedule, at, at, 0).await?;
    Ok(match entries.as_slice() {
        [then, _next] if then.at <= at => Some(then.users.clone()),
        _ => None,
    })
}

/// A timeline with what was written down in the place of what was computed; neighbours with the same people are joined.
pub(super) fn written_over(computed: Vec<Segment>, written: &[Segment]) -> Vec<Segment> {
    let (Some(first), Some(last)) = (written.first(), written.last()) else { return computed };
    let (from, to) = (first.start, last.end);
    let before = computed.iter().filter(|segment| segment.start < from);
    let before = before.map(|segment| Segment { end: segment.end.min(from), ..segment.clone() });
    let after = computed.iter().filter(|segment| segment.end > to);
    let after = after.map(|segment| Segment { start: segment.start.max(to), ..segment.clone() });
    let mut joined: Vec<Segment> = vec![];
    for segment in before.chain(written.iter().cloned()).chain(after) {
        match joined.last_mut() {
            Some(last) if last.users == segment.users => last.end = segment.end,
            _ => joined.push(segment),
        }
    }
    joined
}

/// Who was on call, as it was written down when it began.
#[derive(SimpleObject)]
pub(super) struct OnCallLogEntry {
    /// From when on.
    start: DateTime,
    /// Until when; null while it lasts.
    end: Option<DateTime>,
    /// Who was on call; nobody in a gap.
    users: Vec<User>,
    /// What made it change.
    cause: words::OnCallCause,
    /// The override or the swap, if one made it change.
    cause_id: Option<ID>,
    /// The edition of the time zone data that it followed from.
    time_zone_data: String,
    /// The position of the event that says so.
    position: Position,
}

#[derive(Default)]
pub(in crate::graphql) struct OnCallLogQuery;

#[Object]
impl OnCallLogQuery {
    /// Who was really on call, and why, as it was written down at each change; whatever is edited later, it stays. The
    /// window reaches from 30 days ago until now if not given, and at most over 400 days.
    #[graphql(complexity = "cost(from, to, child_complexity)")]
    async fn on_call_log(
        &self,
        ctx: &Context<'_>,
        schedule_id: ID,
        from: Option<DateTime>,
        to: Option<DateTime>,
        wait_for: Option<Position>,
    ) -> Result<Vec<OnCallLogEntry>, Fault> {
        let caller = Caller::reading(ctx, wait_for).await?;
        let (directory, now) = (caller.app.directory.now(), caller.now());
        let known = schedule_id.parse().ok().filter(|id| directory.schedules.contains_key(id));
        let missing = || Fault::BadInput(format!("there is no schedule `{}`", schedule_id.as_str()));
        let id: ScheduleId = known.ok_or_else(missing)?;
        // What begins now is written down already.
        let DateTime(to) = to.unwrap_or_else(|| DateTime(Timestamp::from_millis(now.millis() + 1)));
        let ago = || Timestamp::from_millis(to.millis() - 30 * 86_400_000);
        let from = from.map_or_else(ago, |DateTime(from)| from);
        let span = window(now, Some(DateTime(from)), Some(DateTime(to)))?;
        let entries = caller.app.reads.on_call(id, span.start, span.end, MOST + 1).await?;
        if entries.len() > MOST {
            return Err(Fault::BadInput(format!(
                "the window must be shorter: more than {MOST} changes lie in it"
            )));
        }
        let ends = entries.iter().skip(1).map(|next| Some(DateTime(next.at))).chain([None]);
        let shown = |(entry, end): (&OnCallView, Option<DateTime>)| {
            let (cause, cause_id) = match entry.cause {
                Cause::Turn => (words::OnCallCause::Turn, None),
                Cause::Override { id } => (words::OnCallCause::Override, Some(id.into())),
                Cause::Swap { id } => (words::OnCallCause::Swap, Some(id.into())),
                Cause::Edit => (words::OnCallCause::Edit, None),
            };
            OnCallLogEntry {
                start: DateTime(entry.at),
                end,
                users: people(&directory, &entry.users),
                cause,
                cause_id,
                time_zone_data: entry.tzdb.clone(),
                position: Position(entry.position),
            }
        };
        // The first one after the window only says until when the last one held.
        let inside = entries.iter().zip(ends).filter(|(entry, _)| entry.at < span.end);
        Ok(inside.map(shown).collect())
    }
}
