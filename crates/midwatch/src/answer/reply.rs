//! Writes an answer.

use chrono::SecondsFormat;
use domain::{
    Invalid, Timestamp, UserId,
    schedule::{Segment, Span, Timetable, TooLong},
};
use serde_json::{Map, Value, json};

use super::{node::Names, question::Question};

pub(super) fn to(timetable: &Timetable, question: Question<'_>, names: &Names) -> Result<Value, Invalid> {
    Ok(match question {
        Question::OnCall { instants } => {
            let on_call = instants
                .into_iter()
                .map(|(text, at)| json!({ "at": text, "users": users(&timetable.on_call(at), names) }));
            json!({ "on_call": on_call.collect::<Vec<_>>() })
        }
        Question::Timeline { from, to } => {
            json!({ "segments": segments(&timetable.timeline(from, to).map_err(range)?, names) })
        }
        Question::Gaps { from, to } => {
            json!({ "gaps": spans(&timetable.gaps(from, to).map_err(range)?) })
        }
        Question::Shifts { user, from, to } => {
            json!({ "shifts": spans(&timetable.shifts(user, from, to).map_err(range)?) })
        }
        Question::NextShift { user, from, horizon } => {
            let shift =
                timetable.next_shift(user, from, horizon).map_err(|why| too_long("query.horizon", &why))?;
            json!({ "shift": shift.map(span) })
        }
        Question::Handoffs { from, to } => {
            let handoffs = timetable.handoffs(from, to).map_err(range)?;
            let handoffs = handoffs.iter().map(|handoff| {
                let (started, ended) = (users(&handoff.started, names), users(&handoff.ended, names));
                json!({ "at": instant(handoff.at), "started": started, "ended": ended })
            });
            json!({ "handoffs": handoffs.collect::<Vec<_>>() })
        }
        Question::Report { from, to } => {
            let report = timetable.report(from, to).map_err(range)?;
            let shares = report.users.iter().map(|(user, share)| {
                let share = json!({
                    "minutes": share.minutes,
                    "weekend_minutes": share.weekend_minutes,
                    "night_minutes": share.night_minutes,
                    "shifts": share.shifts,
                });
                (names.name(*user).to_owned(), share)
            });
            json!({
                "total_minutes": report.total_minutes,
                "covered_minutes": report.covered_minutes,
                "gap_minutes": report.gap_minutes(),
                "users": shares.collect::<Map<_, _>>(),
            })
        }
    })
}

#[expect(clippy::needless_pass_by_value, reason = "it maps errors, which come by value")]
fn range(why: TooLong) -> Invalid {
    too_long("query.to", &why)
}

fn too_long(field: &str, why: &TooLong) -> Invalid {
    Invalid::new(field, format!("is too far away: the range {why}"))
}

fn segments(segments: &[Segment], names: &Names) -> Vec<Value> {
    let segment = |one: &Segment| json!({ "start": instant(one.start), "end": instant(one.end), "users": users(&one.users, names) });
    segments.iter().map(segment).collect()
}

fn spans(spans: &[Span]) -> Vec<Value> {
    spans.iter().copied().map(span).collect()
}

fn span(span: Span) -> Value {
    json!({ "start": instant(span.start), "end": instant(span.end) })
}

fn users<'a>(users: &[UserId], names: &'a Names) -> Vec<&'a str> {
    users.iter().map(|user| names.name(*user)).collect()
}

fn instant(at: Timestamp) -> String {
    at.utc().to_rfc3339_opts(SecondsFormat::Secs, true)
}
