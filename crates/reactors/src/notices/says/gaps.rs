//! Nobody will be on call at some times.

use connectors::NoticeList;
use domain::notice::{Withheld, gaps_ahead};

use super::{super::compose::Said, Desk, MAX_LINES, On};

impl Desk<'_> {
    pub(super) fn gaps_ahead(&self, on: &On<'_>) -> Result<Said, Withheld> {
        let utc = self.directory.zones.zone(chrono_tz::Tz::UTC);
        let zone = on.timetable.zone(self.now).unwrap_or(&utc);
        // Too many changes to look through, or none of them leaves a gap any more.
        let Ok(Some(gaps)) = gaps_ahead(on.timetable, zone, self.now) else {
            return Err(Withheld::Unchanged);
        };
        let (name, count) = (&on.name, gaps.spans.len());
        let times =
            if count == 1 { "1 stretch of time".to_owned() } else { format!("{count} stretches of time") };
        let lines: Vec<String> =
            gaps.spans.iter().take(MAX_LINES).map(|gap| self.reader.span(*gap)).collect();
        let more = count - lines.len();
        let first = gaps.spans.first();
        Ok(Said {
            subject: format!("Nobody is on call in {name} for {times} in the next 30 days"),
            summary: format!(
                "In the next 30 days the schedule {name} leaves {times} without anybody on call. \
                 Gaps that look like these are told once a month."
            ),
            facts: vec![("Schedule", name.clone()), self.zone_fact()],
            lists: vec![NoticeList { heading: "Nobody is on call".to_owned(), lines, more }],
            start: first.map(|gap| gap.start),
            end: first.map(|gap| gap.end),
        })
    }
}
