//! What falls due when: for each schedule, in memory, what is to be told until gaps are looked for next.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use chrono_tz::Tz;
use commands::Directory;
use domain::{
    ScheduleId, TeamId, Timestamp, UserId,
    notice::{About, Due, Matter, agenda, gaps_ahead, next_check},
    schedule::{Schedule, Span},
};

/// What falls due when, by the configuration of one moment.
pub(super) struct Plan {
    pub(super) directory: Arc<Directory>,
    longest_lead: u32,
    listed: HashMap<ScheduleId, Listed>,
    /// When to look at which schedule.
    queue: BTreeSet<(Timestamp, ScheduleId)>,
}

/// What is to be told about one schedule.
struct Listed {
    due: VecDeque<Due>,
    /// When gaps are looked for, and the list is made anew.
    check_at: Timestamp,
}

impl Listed {
    fn next_at(&self) -> Timestamp {
        self.due.front().map_or(self.check_at, |due| due.at)
    }
}

impl Plan {
    /// Everything that falls due after an instant, which may lie in the past.
    pub(super) fn new(directory: Arc<Directory>, since: Timestamp) -> Self {
        let longest_lead = longest_lead(&directory);
        let mut plan = Self { directory, longest_lead, listed: HashMap::new(), queue: BTreeSet::new() };
        let ids: Vec<ScheduleId> = plan.directory.schedules.keys().copied().collect();
        for id in ids {
            plan.arm(id, since);
        }
        plan
    }

    /// When something falls due next.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Takes everything that is due.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Vec<Due> {
        let mut all = vec![];
        while let Some((_, id)) = self.queue.first().copied().filter(|(at, _)| *at <= now) {
            self.queue.pop_first();
            let Some(mut listed) = self.listed.remove(&id) else { continue };
            while let Some(due) = listed.due.pop_front_if(|due| due.at <= now) {
                all.push(due);
            }
            if listed.check_at <= now {
                all.extend(self.gaps(id, listed.check_at, now));
                self.arm(id, listed.check_at);
            } else {
                self.put(id, listed);
            }
        }
        all
    }

    /// Goes on with other configuration. What is due after `now` follows from it.
    pub(super) fn adopt(&mut self, directory: Arc<Directory>, now: Timestamp, chosen: &[UserId]) {
        let before = std::mem::replace(&mut self.directory, directory);
        self.longest_lead = longest_lead(&self.directory);
        let directory = Arc::clone(&self.directory);
        for (id, schedule) in &directory.schedules {
            let same = before.schedules.get(id).is_some_and(|old| Arc::ptr_eq(old, schedule));
            if !same || chosen.iter().any(|user| is_about(schedule, *user, now)) {
                self.arm(*id, now);
            }
        }
    }

    fn arm(&mut self, id: ScheduleId, since: Timestamp) {
        if let Some(listed) = self.listed.remove(&id) {
            self.queue.remove(&(listed.next_at(), id));
        }
        let directory = Arc::clone(&self.directory);
        let Some(schedule) = directory.schedules.get(&id).filter(|one| one.retired_at.is_none()) else {
            return;
        };
        let Some(timetable) = directory.timetable(id) else { return };
        let utc = directory.zones.zone(Tz::UTC);
        let check_at = next_check(timetable.zone(since).unwrap_or(&utc), since);
        let settings = |user: UserId| {
            directory.users.get(&user).filter(|user| user.is_active()).map(|user| &user.notices)
        };
        let within = Span { start: since, end: check_at };
        let due = agenda(id, schedule, timetable, within, settings, self.longest_lead);
        let due = due.unwrap_or_else(|why| {
            tracing::warn!(schedule = %id, %why, "too many handoffs to tell anybody of");
            vec![]
        });
        self.put(id, Listed { due: due.into(), check_at });
    }

    fn put(&mut self, id: ScheduleId, listed: Listed) {
        self.queue.insert((listed.next_at(), id));
        self.listed.insert(id, listed);
    }

    /// Tells the team, or administrators, of times ahead without anybody on call.
    fn gaps(&self, id: ScheduleId, at: Timestamp, now: Timestamp) -> Vec<Due> {
        let Some(timetable) = self.directory.timetable(id) else { return vec![] };
        let utc = self.directory.zones.zone(Tz::UTC);
        let zone = timetable.zone(now).unwrap_or(&utc);
        let Ok(Some(gaps)) = gaps_ahead(timetable, zone, now) else { return vec![] };
        let about = About::GapsAhead { month: gaps.month, shape: gaps.shape };
        let people = who_cares(&self.directory, id).into_iter();
        people
            .map(|user| Due { at, matter: Matter { user, schedule: Some(id), about: about.clone() } })
            .collect()
    }
}

/// The members of a schedule's team; without one, administrators.
fn who_cares(directory: &Directory, id: ScheduleId) -> Vec<UserId> {
    members(directory, directory.schedules.get(&id).and_then(|schedule| schedule.team))
}

/// The members of a team; without any, administrators.
pub(super) fn members(directory: &Directory, team: Option<TeamId>) -> Vec<UserId> {
    let team = team.and_then(|id| directory.teams.get(&id)).filter(|team| team.retired_at.is_none());
    let active = |user: &UserId| directory.users.get(user).is_some_and(|user| user.is_active());
    let mut people: Vec<UserId> =
        team.map(|team| team.members.iter().copied().filter(active).collect()).unwrap_or_default();
    people.sort_unstable();
    if people.is_empty() { directory.administrators() } else { people }
}

/// Whether a schedule may have a person on call.
fn is_about(schedule: &Schedule, user: UserId, now: Timestamp) -> bool {
    schedule.people(now).contains(&user)
        || schedule.overrides.iter().any(|one| one.is_ahead(now) && one.change.people().contains(&user))
        || schedule
            .swaps
            .iter()
            .any(|swap| swap.from == user || swap.to == Some(user) || swap.taken_by() == Some(user))
}

fn longest_lead(directory: &Directory) -> u32 {
    let active = directory.users.values().filter(|user| user.is_active());
    active.map(|user| user.notices.longest()).max().unwrap_or(0)
}
