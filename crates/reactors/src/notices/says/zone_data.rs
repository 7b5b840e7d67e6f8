//! Other time zone data moved shifts.

use std::sync::Arc;

use connectors::NoticeList;
use domain::notice::Withheld;

use super::{
    super::{
        compose::Said,
        words::{names, schedule_name},
    },
    Desk, MAX_LINES,
};

impl Desk<'_> {
    pub(super) fn zone_data_changed(&self, version: &str) -> Result<Said, Withheld> {
        let organization = &self.directory.organization;
        let change = organization.zone_data_change.as_ref().ok_or(Withheld::Unchanged)?;
        if change.version != version {
            return Err(Withheld::Superseded);
        }
        let editions = vec![("Before", change.previous.clone()), ("Now", version.to_owned())];
        let Some(id) = self.matter.schedule else {
            let all = &change.schedules;
            let lines = all.iter().take(MAX_LINES).map(|one| {
                format!(
                    "{}: {}",
                    schedule_name(self.directory, one.schedule),
                    names(self.directory, &one.users)
                )
            });
            let lines: Vec<String> = lines.collect();
            let more = all.len() - lines.len();
            let heading = "Schedules that move, and whose shifts".to_owned();
            return Ok(Said {
                subject: format!("Time zone data {version} moves shifts"),
                summary:
                    "Other time zone data is in use: some clocks go forward or back at other times, and \
                          shifts with them. Everybody concerned is told."
                        .to_owned(),
                facts: editions,
                lists: vec![NoticeList { heading, lines, more }],
                ..Said::default()
            });
        };
        let on = self.on().ok_or(Withheld::Moved)?;
        let previous = organization.previous_zone_data.as_ref().ok_or(Withheld::Unchanged)?;
        let old = previous.zones(Arc::clone(&self.directory.zones));
        let before = on.schedule.timetable(&old).map_err(|_| Withheld::Unchanged)?;
        let moved = self.moved_between(&before, on.timetable).ok_or(Withheld::Unchanged)?;
        let name = schedule_name(self.directory, id);
        let mut facts = vec![("Schedule", name.clone())];
        facts.extend(editions);
        facts.push(self.zone_fact());
        Ok(Said {
            subject: format!("Your shifts have changed with the time zone data: {name}"),
            summary: format!(
                "Other time zone data is in use, by which clocks go forward or back at other times. \
                 It moves your time on call in {name}."
            ),
            facts,
            lists: self.lists(&moved),
            ..Said::default()
        })
    }
}
