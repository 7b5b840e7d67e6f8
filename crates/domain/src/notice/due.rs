//! What falls due by the passing of time alone.

use chrono::{Days, NaiveTime};

use super::{About, Due, Matter, ShiftNotices, SwapStep, changes::told_of_swap};
use crate::{
    ScheduleId, Timestamp, UserId,
    schedule::{Schedule, Segment, Span, SwapStatus, Timetable, TooLong, Zone, shifts},
};

/// The hour of the wall clock at which gaps are looked for.
const CHECK_AT: NaiveTime = NaiveTime::from_hms_opt(9, 0, 0).expect("there is a nine o'clock");

/// What falls due in a range.
pub type Agenda = Vec<Due>;

/// When gaps are looked for next after an instant: at nine in the morning.
pub fn next_check(zone: &Zone, after: Timestamp) -> Timestamp {
    let today = zone.wall_clock(after).date();
    let days = (0..=3).filter_map(|days| today.checked_add_days(Days::new(days)));
    let next = days.map(|day| zone.resolve(day.and_time(CHECK_AT))).find(|at| *at > after);
    next.unwrap_or_else(|| after.plus_seconds(86_400))
}

/// What falls due after an instant and up to another, in the order of time. `settings` says what people want
/// to be told; none: they cannot be.
pub fn agenda<'a>(
    id: ScheduleId,
    schedule: &Schedule,
    timetable: &Timetable,
    within: Span,
    settings: impl Fn(UserId) -> Option<&'a ShiftNotices>,
    longest_lead: u32,
) -> Result<Agenda, TooLong> {
    // A minute more, so that what is cut at the end is not taken for an end.
    let to = within.end.plus_seconds(u64::from(longest_lead) * 60 + 60);
    let timeline = timetable.timeline(within.start, to)?;
    let mut people: Vec<UserId> =
        timeline.iter().flat_map(|segment: &Segment| segment.users.clone()).collect();
    people.sort_unstable();
    people.dedup();
    let mut agenda = vec![];
    let mut tell = |user: UserId, at: Timestamp, about: About| {
        if within.start < at && at <= within.end {
            agenda.push(Due { at, matter: Matter { user, schedule: Some(id), about } });
        }
    };
    for user in people {
        let Some(wanted) = settings(user).filter(|settings| settings.enabled) else { continue };
        for Span { start, end } in shifts(&timeline, user) {
            // What begins with the range may have begun before it.
            if start > within.start {
                for lead in &wanted.start_lead_minutes {
                    tell(user, before(start, *lead), About::ShiftStarts { start, lead_minutes: *lead });
                }
                if wanted.handoffs {
                    tell(user, start, About::ShiftBegan { start });
                }
            }
            // Before a shift has begun its end is no news.
            let leads = wanted.end_lead_minutes.iter().filter(|lead| before(end, **lead) > start);
            for lead in leads {
                tell(user, before(end, *lead), About::ShiftEnds { end, lead_minutes: *lead });
            }
        }
    }
    for swap in schedule.swaps.iter().filter(|swap| swap.status == SwapStatus::Open) {
        for user in told_of_swap(schedule, swap, SwapStep::Expired) {
            tell(user, swap.give.end, About::SwapChanged { swap: swap.id, step: SwapStep::Expired });
        }
    }
    agenda.sort_by_key(|due| due.at);
    Ok(agenda)
}

fn before(at: Timestamp, minutes: u32) -> Timestamp {
    Timestamp::from_millis(at.millis() - i64::from(minutes) * 60_000)
}
