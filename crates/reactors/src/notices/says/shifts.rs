//! A shift begins or ends.

use connectors::NoticeList;
use domain::{ScheduleId, ServiceId, Target, Timestamp, UserId, notice::Withheld};
use projections::{IncidentFilter, Status};

use super::{
    super::{
        compose::{Fault, Said},
        words::{lasting, names},
    },
    Desk, MAX_LINES, On, just_before,
};

/// How far ahead the end of a shift is looked for, in seconds: 90 days.
const HORIZON: u64 = 90 * 86_400;
/// Open incidents that are looked at.
const MAX_INCIDENTS: usize = 100;

impl Desk<'_> {
    pub(super) fn shift_starts(&self, on: &On<'_>, start: Timestamp, lead: u32) -> Result<Said, Withheld> {
        let leads = self.leads(|notices| &notices.start_lead_minutes);
        self.still_ahead(begins(on, self.matter.user, start), start, lead, &leads)?;
        let (name, wait) = (&on.name, lasting(start.since(self.now)));
        let when = self.reader.instant(start);
        let end = self.end_of(on, start);
        Ok(Said {
            subject: format!("You are on call in {wait}: {name}, {}", self.reader.short(start)),
            summary: format!("You will be on call in {name} in {wait}."),
            facts: vec![
                ("Schedule", name.clone()),
                ("From", when),
                ("Until", self.until(end)),
                ("Takes over from", self.others(&on.timetable.on_call(just_before(start)))),
                self.zone_fact(),
            ],
            start: Some(start),
            end,
            ..Said::default()
        })
    }

    pub(super) fn shift_ends(&self, on: &On<'_>, end: Timestamp, lead: u32) -> Result<Said, Withheld> {
        let leads = self.leads(|notices| &notices.end_lead_minutes);
        let user = &self.matter.user;
        let next = on.timetable.on_call(end);
        let ends = on.timetable.on_call(just_before(end)).contains(user) && !next.contains(user);
        self.still_ahead(ends, end, lead, &leads)?;
        let (name, wait) = (&on.name, lasting(end.since(self.now)));
        Ok(Said {
            subject: format!("Your shift ends in {wait}: {name}, {}", self.reader.short(end)),
            summary: format!(
                "You are on call in {name} for another {wait}; then {}.",
                self.is_on_call(&next)
            ),
            facts: vec![
                ("Schedule", name.clone()),
                ("Until", self.reader.instant(end)),
                ("Then on call", names(self.directory, &next)),
                self.zone_fact(),
            ],
            end: Some(end),
            ..Said::default()
        })
    }

    pub(super) async fn shift_began(
        &self,
        on: &On<'_>,
        start: Timestamp,
    ) -> Result<Result<Said, Withheld>, Fault> {
        if !begins(on, self.matter.user, start) {
            return Ok(Err(Withheld::Moved));
        }
        let end = self.end_of(on, start);
        if end.is_some_and(|end| end <= self.now) {
            return Ok(Err(Withheld::TooLate));
        }
        let (services, incidents) = self.open_incidents(on.id).await?;
        let name = &on.name;
        let until = end.map_or_else(String::new, |end| format!(", until {}", self.reader.instant(end)));
        let open = match &incidents {
            None => "No incident of its services is open.".to_owned(),
            Some(list) => match list.lines.len() + list.more {
                1 => "1 incident of its services is open.".to_owned(),
                many => format!("{many} incidents of its services are open."),
            },
        };
        Ok(Ok(Said {
            subject: format!("You are on call now: {name}"),
            summary: format!("You are on call in {name} from now on{until}. {open}"),
            facts: vec![
                ("Schedule", name.clone()),
                ("From", self.reader.instant(start)),
                ("Until", self.until(end)),
                ("Took over from", self.others(&on.timetable.on_call(just_before(start)))),
                ("With you", self.others(&on.timetable.on_call(start))),
                ("For", services),
                self.zone_fact(),
            ],
            lists: incidents.into_iter().collect(),
            start: Some(start),
            end,
        }))
    }

    fn leads(&self, of: impl Fn(&domain::notice::ShiftNotices) -> &Vec<u32>) -> Vec<u32> {
        self.directory.users.get(&self.matter.user).map(|user| of(&user.notices).clone()).unwrap_or_default()
    }

    /// Refuses what is not so any more, is over, or is said by a later notice of the same shift.
    fn still_ahead(&self, is_so: bool, at: Timestamp, lead: u32, leads: &[u32]) -> Result<(), Withheld> {
        if !is_so {
            return Err(Withheld::Moved);
        }
        if at <= self.now {
            return Err(Withheld::TooLate);
        }
        let left = at.since(self.now).as_millis();
        let later = |one: &u32| *one < lead && left <= u128::from(*one) * 60_000;
        if leads.iter().any(later) { Err(Withheld::Superseded) } else { Ok(()) }
    }

    /// When a shift that begins at `start` ends; none if that is too far ahead to say.
    fn end_of(&self, on: &On<'_>, start: Timestamp) -> Option<Timestamp> {
        let horizon = start.plus_seconds(HORIZON);
        let shift = on.timetable.shifts(self.matter.user, start, horizon).ok()?.into_iter().next()?;
        Some(shift.end).filter(|end| shift.start == start && *end < horizon)
    }

    fn until(&self, end: Option<Timestamp>) -> String {
        end.map_or_else(|| "further notice".to_owned(), |end| self.reader.instant(end))
    }

    /// Everybody but the reader.
    fn others(&self, people: &[UserId]) -> String {
        let others: Vec<UserId> = people.iter().filter(|user| **user != self.matter.user).copied().collect();
        names(self.directory, &others)
    }

    fn is_on_call(&self, people: &[UserId]) -> String {
        let verb = if people.len() > 1 { "are" } else { "is" };
        format!("{} {verb} on call", names(self.directory, people))
    }

    /// The names of the services that lead to a schedule, and their open incidents.
    async fn open_incidents(&self, id: ScheduleId) -> Result<(String, Option<NoticeList>), Fault> {
        let leads = |service: &ServiceId| {
            let ladder = self.directory.ladder_of(*service);
            ladder.levels.iter().any(|level| level.targets.contains(&Target::Schedule { id }))
        };
        let in_use = self.directory.services.iter().filter(|(_, service)| service.retired_at.is_none());
        let mut services: Vec<(&str, ServiceId)> =
            in_use.filter(|(id, _)| leads(id)).map(|(id, service)| (service.name.as_str(), *id)).collect();
        services.sort_unstable();
        if services.is_empty() {
            // An empty filter would find every incident there is.
            return Ok(("no service".to_owned(), None));
        }
        let filter = IncidentFilter {
            status: vec![Status::Triggered, Status::Acknowledged],
            service: services.iter().map(|(_, id)| *id).collect(),
            ..IncidentFilter::default()
        };
        let found = self.parts.reads.incidents(&filter, MAX_INCIDENTS, None).await?;
        let name = |id: &ServiceId| services.iter().find(|(_, one)| one == id).map_or("", |(name, _)| *name);
        let line = |incident: &projections::IncidentView| {
            let state = if incident.status == Status::Acknowledged { ", acknowledged" } else { "" };
            let severity = incident.severity.word();
            format!(
                "#{} {}: {} ({severity}{state})",
                incident.number,
                name(&incident.service),
                incident.title
            )
        };
        let lines: Vec<String> =
            found.items.iter().take(MAX_LINES).map(|(_, incident)| line(incident)).collect();
        let more = found.items.len() - lines.len() + usize::from(found.has_next);
        let list = NoticeList { heading: "Open incidents".to_owned(), lines, more };
        let all: Vec<&str> = services.iter().map(|(name, _)| *name).collect();
        let shown = match all.len() {
            1..=5 => all.join(", "),
            many => format!("{} and {} more services", all[..5].join(", "), many - 5),
        };
        Ok((shown, Some(list).filter(|list| !list.lines.is_empty())))
    }
}

/// Whether somebody's shift begins at an instant.
fn begins(on: &On<'_>, user: UserId, start: Timestamp) -> bool {
    on.timetable.on_call(start).contains(&user) && !on.timetable.on_call(just_before(start)).contains(&user)
}
