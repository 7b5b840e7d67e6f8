//! What is remembered of a schedule.

use super::{
    adjustment::{Adjustment, Change, Source},
    commands::ScheduleCommand,
    decide,
    events::ScheduleEvent,
    model::{Span, Version},
    timetable::Timetable,
    tzdb::Zones,
};
use crate::{
    Actor, Aggregate, ConfigRejection, Invalid, OverrideId, ScheduleId, SwapId, TeamId, Timestamp, UserId,
};

/// A schedule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub team: Option<TeamId>,
    /// What it says, by their beginnings; never empty once it was made.
    pub versions: Vec<Version>,
    /// Overrides, in the order in which they were made, cancelled and past ones included.
    pub overrides: Vec<Override>,
    /// Swaps, in the order in which they were asked for, closed and past ones included.
    pub swaps: Vec<Swap>,
    /// How often its versions were changed; an edit can name the one that it was made from.
    pub revision: u64,
    /// When it was taken out of use.
    pub retired_at: Option<Timestamp>,
}

/// Others on call for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// Its id.
    pub id: OverrideId,
    /// What it does.
    pub change: Change,
    /// For how long, unless it is cancelled.
    pub span: Span,
    /// Why; may be empty.
    pub reason: String,
    /// Who made it.
    pub by: Actor,
    /// When it was made; it does nothing before.
    pub created_at: Timestamp,
    /// When it was cancelled; it does nothing from then on.
    pub cancelled_at: Option<Timestamp>,
}

impl Override {
    /// Whether it acts at an instant or will.
    pub fn is_ahead(&self, at: Timestamp) -> bool {
        self.cancelled_at.is_none() && self.span.end > at
    }
}

/// A shift that somebody gives and somebody else takes over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swap {
    /// Its id.
    pub id: SwapId,
    /// Who gives time on call.
    pub from: UserId,
    /// Who is asked; anybody, if nobody is named.
    pub to: Option<UserId>,
    /// The time that is given.
    pub give: Span,
    /// The time that is taken in return.
    pub take: Option<Span>,
    /// Why; may be empty.
    pub reason: String,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// What became of it.
    pub status: SwapStatus,
}

/// What became of a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwapStatus {
    /// Nobody has taken it, until its time has passed.
    Open,
    /// Somebody takes the time over.
    Accepted {
        /// Who.
        by: UserId,
        /// Since when.
        at: Timestamp,
    },
    /// Who was asked does not.
    Declined {
        /// When.
        at: Timestamp,
    },
    /// Who asked does not ask any more.
    Withdrawn {
        /// When.
        at: Timestamp,
    },
    /// It was accepted, and then ended before its time.
    Undone {
        /// Who had taken it.
        by: UserId,
        /// Since when.
        accepted_at: Timestamp,
        /// Until when.
        at: Timestamp,
    },
}

impl Swap {
    /// Whether it can be accepted at an instant: once its time has passed, it has expired.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.status == SwapStatus::Open && self.give.end > at
    }

    /// Whether nobody took it in time.
    pub fn is_expired(&self, at: Timestamp) -> bool {
        self.status == SwapStatus::Open && self.give.end <= at
    }

    /// Whether it was accepted, and acts at an instant or will.
    pub fn is_ahead(&self, at: Timestamp) -> bool {
        matches!(self.status, SwapStatus::Accepted { .. }) && self.end() > at
    }

    /// Whether a person gives or takes the time, or is asked to.
    pub fn names(&self, user: UserId) -> bool {
        self.from == user || self.to == Some(user) || self.taken_by() == Some(user)
    }

    /// When the last of its times ends.
    pub fn end(&self) -> Timestamp {
        self.take.map_or(self.give.end, |take| take.end.max(self.give.end))
    }

    /// Who takes the time over, or did until it was undone.
    pub const fn taken_by(&self) -> Option<UserId> {
        match self.status {
            SwapStatus::Accepted { by, .. } | SwapStatus::Undone { by, .. } => Some(by),
            SwapStatus::Open | SwapStatus::Declined { .. } | SwapStatus::Withdrawn { .. } => None,
        }
    }

    fn adjustments(&self) -> impl Iterator<Item = Adjustment> {
        let (by, accepted_at, undone_at) = match self.status {
            SwapStatus::Accepted { by, at } => (Some(by), at, None),
            SwapStatus::Undone { by, accepted_at, at } => (Some(by), accepted_at, Some(at)),
            _ => (None, self.requested_at, None),
        };
        let source = Source::Swap(self.id);
        let leg = move |from, to, window| {
            Adjustment::new(source, Change::Replace { from, to }, window, accepted_at, undone_at)
        };
        let give = by.map(|by| leg(self.from, by, self.give));
        let take = by.zip(self.take).map(|(by, take)| leg(by, self.from, take).second());
        give.into_iter().chain(take)
    }
}

impl Schedule {
    /// Makes it ready for questions. Stored schedules were found good; should a later edition of a library
    /// read one of their rules differently, it says which.
    pub fn timetable(&self, zones: &dyn Zones) -> Result<Timetable, Invalid> {
        Timetable::new(&self.versions, self.adjustments(), self.retired_at, zones)
    }

    /// Overrides and accepted swaps, as they act.
    pub fn adjustments(&self) -> Vec<Adjustment> {
        let of_override = |one: &Override| {
            let source = Source::Override(one.id);
            Adjustment::new(source, one.change.clone(), one.span, one.created_at, one.cancelled_at)
        };
        let swaps = self.swaps.iter().flat_map(Swap::adjustments);
        self.overrides.iter().map(of_override).chain(swaps).collect()
    }

    /// What it says at an instant.
    pub fn version_at(&self, at: Timestamp) -> Option<&Version> {
        self.versions.iter().rev().find(|version| version.effective_from <= at)
    }

    /// Versions that have not begun.
    pub fn planned(&self, at: Timestamp) -> impl Iterator<Item = &Version> {
        self.versions.iter().filter(move |version| version.effective_from > at)
    }

    /// Everybody who takes turns at an instant or later.
    pub fn people(&self, at: Timestamp) -> Vec<UserId> {
        let versions = self.version_at(at).into_iter().chain(self.planned(at));
        let layers = versions.flat_map(|version| &version.layers);
        let mut people: Vec<_> = layers.flat_map(|layer| &layer.participants).flatten().copied().collect();
        people.sort_unstable();
        people.dedup();
        people
    }

    /// Everybody who takes turns at an instant or later, or whom an override or a swap that is not over names.
    pub fn involved(&self, at: Timestamp) -> Vec<UserId> {
        let overrides = self.overrides.iter().filter(|one| one.is_ahead(at));
        let swaps = self.swaps.iter().filter(|one| one.is_open(at) || one.is_ahead(at));
        let mut people = self.people(at);
        people.extend(overrides.flat_map(|one| one.change.people()));
        people.extend(swaps.flat_map(|one| [Some(one.from), one.to, one.taken_by()]).flatten());
        people.sort_unstable();
        people.dedup();
        people
    }

    /// Whether it names a person anywhere, in what was and what will be.
    pub fn names(&self, user: UserId) -> bool {
        let layers = self.versions.iter().flat_map(|version| &version.layers);
        layers.flat_map(|layer| &layer.participants).flatten().any(|one| *one == user)
            || self.overrides.iter().any(|one| one.change.people().contains(&user))
            || self.swaps.iter().any(|one| one.names(user))
    }

    /// The override with an id.
    pub fn find_override(&self, id: OverrideId) -> Option<&Override> {
        self.overrides.iter().find(|one| one.id == id)
    }

    /// The swap with an id.
    pub fn find_swap(&self, id: SwapId) -> Option<&Swap> {
        self.swaps.iter().find(|one| one.id == id)
    }

    /// What it would become by a command, or why that is refused. Nothing is recorded.
    pub fn tried(&self, command: &ScheduleCommand) -> Result<Self, ConfigRejection> {
        let mut after = self.clone();
        self.decide(command)?.iter().for_each(|event| after.evolve(event));
        Ok(after)
    }

    pub(super) fn active(&self) -> Result<(), ConfigRejection> {
        match self.retired_at {
            _ if self.versions.is_empty() => Err(ConfigRejection::NotFound(ScheduleId::CATEGORY)),
            Some(at) => Err(ConfigRejection::Retired { what: ScheduleId::CATEGORY, at }),
            None => Ok(()),
        }
    }

    fn put(&mut self, version: &Version) {
        self.versions.retain(|one| one.effective_from != version.effective_from);
        let place = self.versions.partition_point(|one| one.effective_from < version.effective_from);
        self.versions.insert(place, version.clone());
        self.revision += 1;
    }

    fn settle(&mut self, id: SwapId, status: impl FnOnce(&SwapStatus) -> SwapStatus) {
        if let Some(swap) = self.swaps.iter_mut().find(|swap| swap.id == id) {
            swap.status = status(&swap.status);
        }
    }
}

impl Aggregate for Schedule {
    const CATEGORY: &'static str = ScheduleId::CATEGORY;
    type Id = ScheduleId;
    type Command = ScheduleCommand;
    type Event = ScheduleEvent;
    type Rejection = ConfigRejection;

    fn evolve(&mut self, event: &ScheduleEvent) {
        match event {
            ScheduleEvent::Created { name, team, version } => {
                self.name.clone_from(name);
                self.team = *team;
                self.versions = vec![version.clone()];
                self.revision = 1;
            }
            ScheduleEvent::Renamed { name } => self.name.clone_from(name),
            ScheduleEvent::VersionAdded { version } | ScheduleEvent::VersionReplaced { version } => {
                self.put(version);
            }
            ScheduleEvent::VersionDropped { effective_from } => {
                self.versions.retain(|version| version.effective_from != *effective_from);
                self.revision += 1;
            }
            ScheduleEvent::OverrideAdded { id, change, span, reason, by, at } => {
                let (change, reason, by) = (change.clone(), reason.clone(), by.clone());
                let (id, span, created_at) = (*id, *span, *at);
                self.overrides.push(Override {
                    id,
                    change,
                    span,
                    reason,
                    by,
                    created_at,
                    cancelled_at: None,
                });
            }
            ScheduleEvent::OverrideCancelled { id, at } => {
                if let Some(one) = self.overrides.iter_mut().find(|one| one.id == *id) {
                    one.cancelled_at = Some(*at);
                }
            }
            ScheduleEvent::SwapRequested { id, from, to, give, take, reason, at } => self.swaps.push(Swap {
                id: *id,
                from: *from,
                to: *to,
                give: *give,
                take: *take,
                reason: reason.clone(),
                requested_at: *at,
                status: SwapStatus::Open,
            }),
            ScheduleEvent::SwapAccepted { id, by, at } => {
                self.settle(*id, |_| SwapStatus::Accepted { by: *by, at: *at });
            }
            ScheduleEvent::SwapDeclined { id, at, .. } => {
                self.settle(*id, |_| SwapStatus::Declined { at: *at });
            }
            ScheduleEvent::SwapWithdrawn { id, at } => {
                self.settle(*id, |_| SwapStatus::Withdrawn { at: *at });
            }
            ScheduleEvent::SwapUndone { id, at } => self.settle(*id, |status| match *status {
                SwapStatus::Accepted { by, at: accepted_at } => {
                    SwapStatus::Undone { by, accepted_at, at: *at }
                }
                status => status,
            }),
            ScheduleEvent::Retired { at } => self.retired_at = Some(*at),
        }
    }

    fn decide(&self, command: &ScheduleCommand) -> Result<Vec<ScheduleEvent>, ConfigRejection> {
        decide::decide(self, command)
    }
}
