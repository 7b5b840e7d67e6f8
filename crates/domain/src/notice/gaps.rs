//! Times ahead at which nobody is on call.

use std::time::Duration;

use crate::{
    Timestamp,
    id::derived,
    schedule::{Segment, Span, Timetable, TooLong, Zone},
};

/// How far ahead gaps are looked for.
const AHEAD: Duration = Duration::from_hours(30 * 24);
/// How far a gap is followed beyond that, and back, so that it is told whole.
const AROUND: Duration = Duration::from_hours(8 * 24);

/// Times ahead at which nobody is on call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gaps {
    /// When; none of it lies in the past.
    pub spans: Vec<Span>,
    /// The month on the wall clock, such as `2026-11`.
    pub month: String,
    /// What they look like on the wall clock. Every weekend is one shape, whichever weekends they are.
    pub shape: String,
}

/// Times at which nobody is on call in the 30 days from an instant; none if there are none.
pub fn gaps_ahead(timetable: &Timetable, zone: &Zone, at: Timestamp) -> Result<Option<Gaps>, TooLong> {
    let around = Span { start: before(at, AROUND), end: at + AHEAD + AROUND };
    let timeline = timetable.timeline(around.start, around.end)?;
    let ahead =
        |segment: &&Segment| segment.users.is_empty() && segment.end > at && segment.start < at + AHEAD;
    let whole: Vec<Span> = timeline.iter().filter(ahead).map(Segment::span).collect();
    if whole.is_empty() {
        return Ok(None);
    }
    let mut shapes: Vec<String> = whole.iter().map(|gap| shape(*gap, around, zone)).collect();
    shapes.sort_unstable();
    shapes.dedup();
    let parts: Vec<&[u8]> = shapes.iter().map(String::as_bytes).collect();
    let spans = whole.iter().map(|gap| Span { start: gap.start.max(at), end: gap.end });
    Ok(Some(Gaps {
        spans: spans.collect(),
        month: zone.wall_clock(at).format("%Y-%m").to_string(),
        shape: derived(&parts).simple().to_string(),
    }))
}

/// Weekday, time of day and length on the wall clock. What reaches beyond the range has no beginning or end.
fn shape(gap: Span, around: Span, zone: &Zone) -> String {
    let (start, end) = (zone.wall_clock(gap.start), zone.wall_clock(gap.end));
    let begins = if gap.start > around.start { start.format("%u %H:%M").to_string() } else { String::new() };
    match (gap.start > around.start, gap.end < around.end) {
        (true, true) => format!("{begins} {}", (end - start).num_minutes()),
        (true, false) => format!("{begins} on"),
        (false, true) => format!("until {}", end.format("%u %H:%M")),
        (false, false) => "always".to_owned(),
    }
}

fn before(at: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_millis(at.millis() - i64::try_from(by.as_millis()).unwrap_or(0))
}
