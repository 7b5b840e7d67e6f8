//! Schedules, and who is on call, in words.

use std::collections::HashSet;

use domain::{
    on_call::{self, OnCallEvent},
    schedule::{Change, ScheduleEvent, Span, Version},
};

use super::{Words, capital};

impl Words<'_> {
    pub(super) fn schedule(&self, event: &ScheduleEvent) -> String {
        let by = self.somebody();
        match event {
            ScheduleEvent::Created { name, .. } => format!("{by} made the schedule {name}"),
            ScheduleEvent::Renamed { name } => format!("{by} named the schedule {name}"),
            ScheduleEvent::VersionAdded { version } => {
                format!("{by} changed the turns from {} on: {}", version.effective_from, self.turns(version))
            }
            ScheduleEvent::VersionReplaced { version } => {
                let (from, turns) = (version.effective_from, self.turns(version));
                format!("{by} changed what was planned for the turns from {from} on: {turns}")
            }
            ScheduleEvent::VersionDropped { effective_from } => {
                format!("{by} gave up the change of turns that was planned for {effective_from}")
            }
            ScheduleEvent::OverrideAdded { change, span, .. } => {
                let what = match change {
                    Change::Set { users } => format!("put {} alone on call", self.people(users)),
                    Change::Replace { from, to } => {
                        format!("put {} on call instead of {}", self.person(*to), self.person(*from))
                    }
                    Change::Add { user } => format!("put {} on call as well", self.person(*user)),
                    Change::Remove { user } => format!("took {} off call", self.person(*user)),
                };
                format!("{by} {what} from {} to {}", span.start, span.end)
            }
            ScheduleEvent::OverrideCancelled { .. } => format!("{by} cancelled an override"),
            ScheduleEvent::SwapRequested { from, to, give, .. } => {
                let whom = to.map_or("anybody".to_owned(), |to| self.person(to));
                let (who, Span { start, end }) = (self.person(*from), give);
                format!("{by} asked {whom} to take over from {who} from {start} to {end}")
            }
            ScheduleEvent::SwapAccepted { by: taker, .. } => {
                format!("{} agreed to take over a shift", self.person(*taker))
            }
            ScheduleEvent::SwapDeclined { by: asked, .. } => {
                format!("{} declined to take over a shift", self.person(*asked))
            }
            ScheduleEvent::SwapWithdrawn { .. } => format!("{by} withdrew the request to take over a shift"),
            ScheduleEvent::SwapUndone { .. } => format!("{by} undid a swap of shifts"),
            ScheduleEvent::Retired { .. } => format!("{by} retired the schedule"),
        }
    }

    pub(super) fn on_call(&self, event: &OnCallEvent) -> String {
        let OnCallEvent::Changed { schedule, at, users, cause, .. } = event;
        let schedule = self.directory.schedules.get(schedule);
        let name = schedule.map_or("a schedule", |schedule| schedule.name.as_str());
        let because = match cause {
            on_call::Cause::Turn => "",
            on_call::Cause::Override { .. } => " because of an override",
            on_call::Cause::Swap { .. } => " because of a swap",
            on_call::Cause::Edit => " because the schedule was edited",
        };
        let verb = if users.len() > 1 { "are" } else { "is" };
        // An entry that was written down late is still about its instant.
        format!("{} {verb} on call for {name} from {at} on{because}", capital(&self.people(users)))
    }

    /// Everybody who takes turns.
    fn turns(&self, version: &Version) -> String {
        let mut people: Vec<_> =
            version.layers.iter().flat_map(|layer| layer.participants.iter().flatten()).collect();
        let mut seen = HashSet::new();
        people.retain(|user| seen.insert(**user));
        self.people(people)
    }
}
