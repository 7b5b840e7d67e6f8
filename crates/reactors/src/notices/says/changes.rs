//! Edits and overrides moved somebody's shifts, or left an override or a swap without effect.

use connectors::NoticeList;
use domain::{
    Fact, OverrideId, SwapId,
    notice::{AHEAD, Withheld},
    schedule::{Moved, Schedule, ScheduleEvent, Source, Span, Timetable, moved},
};

use super::{
    super::{
        asker::as_of,
        compose::{Fault, Said},
        words::{actor, name},
    },
    Desk, MAX_LINES, On,
};

impl Desk<'_> {
    pub(super) async fn shifts_moved(
        &self,
        on: &On<'_>,
        since_version: u64,
    ) -> Result<Result<Said, Withheld>, Fault> {
        let before = as_of(self.parts, on.id, since_version).await?;
        let Some(moved) = self.moved(&before, on.timetable) else { return Ok(Err(Withheld::Unchanged)) };
        let (by, why) = self.causes(on, since_version).await?;
        let name = &on.name;
        let mut facts = vec![("Schedule", name.clone()), ("Changed by", by)];
        facts.extend(why.map(|why| ("Because", why)));
        facts.push(self.zone_fact());
        let first = moved.gained.first().or(moved.lost.first()).copied();
        Ok(Ok(Said {
            subject: format!("Your shifts have changed: {name}"),
            summary: format!("A change of the schedule {name} moves your time on call."),
            facts,
            lists: self.lists(&moved),
            start: first.map(|span| span.start),
            end: first.map(|span| span.end),
        }))
    }

    /// How the reader's shifts differ from now on; none if they do not.
    pub(super) fn moved(&self, before: &Schedule, after: &Timetable) -> Option<Moved> {
        let before = before.timetable(&*self.directory.zones).ok()?;
        self.moved_between(&before, after)
    }

    pub(super) fn moved_between(&self, before: &Timetable, after: &Timetable) -> Option<Moved> {
        let within = Span { start: self.now, end: self.now.plus_seconds(AHEAD) };
        let (old, new) =
            (before.timeline(within.start, within.end).ok()?, after.timeline(within.start, within.end).ok()?);
        moved(&old, &new).into_iter().find(|one| one.user == self.matter.user)
    }

    /// The shifts, or parts of them, that come and go.
    pub(super) fn lists(&self, moved: &Moved) -> Vec<NoticeList> {
        let list = |heading: &str, spans: &[Span]| {
            let lines: Vec<String> =
                spans.iter().take(MAX_LINES).map(|span| self.reader.span(*span)).collect();
            let more = spans.len() - lines.len();
            (!spans.is_empty()).then(|| NoticeList { heading: heading.to_owned(), lines, more })
        };
        let now = list("You are on call now also", &moved.gained);
        now.into_iter().chain(list("You are no longer on call", &moved.lost)).collect()
    }

    /// Who changed the schedule since a version, and the last reason that was given.
    async fn causes(&self, on: &On<'_>, since_version: u64) -> Result<(String, Option<String>), Fault> {
        let events = self.parts.engine.store().load(&on.id.stream(), since_version).await?;
        let mut people: Vec<String> = vec![];
        let mut reason = None;
        for event in &events {
            let by = actor(self.directory, &event.metadata.actor);
            if !people.contains(&by) {
                people.push(by);
            }
            let fact = ScheduleEvent::decode(&event.kind, &event.payload).ok();
            if let Some(ScheduleEvent::OverrideAdded { reason: given, .. }) = fact {
                reason = Some(given).filter(|given| !given.is_empty());
            }
        }
        Ok((people.join(", "), reason))
    }

    pub(super) fn override_idle(&self, on: &On<'_>, id: OverrideId) -> Result<Said, Withheld> {
        let one = on.schedule.find_override(id).ok_or(Withheld::Unchanged)?;
        if one.span.end <= self.now {
            return Err(Withheld::TooLate);
        }
        if !one.is_ahead(self.now) || !on.timetable.idle(self.now).contains(&Source::Override(id)) {
            return Err(Withheld::Unchanged);
        }
        Ok(self.idle(on, "override", one.span, one.reason.clone(), actor(self.directory, &one.by)))
    }

    pub(super) fn swap_idle(&self, on: &On<'_>, id: SwapId) -> Result<Said, Withheld> {
        let swap = on.schedule.find_swap(id).ok_or(Withheld::Unchanged)?;
        if swap.end() <= self.now {
            return Err(Withheld::TooLate);
        }
        if !swap.is_ahead(self.now) || !on.timetable.idle(self.now).contains(&Source::Swap(id)) {
            return Err(Withheld::Unchanged);
        }
        let by = name(self.directory, swap.from);
        Ok(self.idle(on, "swap", swap.give, swap.reason.clone(), by))
    }

    fn idle(&self, on: &On<'_>, what: &str, span: Span, reason: String, by: String) -> Said {
        let name = &on.name;
        let mut facts = vec![("Schedule", name.clone()), ("When", self.reader.span(span)), ("Made by", by)];
        facts.extend(Some(reason).filter(|reason| !reason.is_empty()).map(|reason| ("Because", reason)));
        facts.push(self.zone_fact());
        Said {
            subject: format!("Your {what} has no effect any more: {name}"),
            summary: format!(
                "The schedule {name} has changed, and an {what} of yours finds nobody to relieve. \
                 Cancel it, or make another one."
            )
            .replace("an swap", "a swap"),
            facts,
            lists: vec![],
            start: Some(span.start),
            end: Some(span.end),
        }
    }
}
