//! Whom to page: from a service to its ladder, from a target to people.

use domain::{
    Ladder, Responder, Roster, ScheduleId, ServiceId, Target, TeamId, Timestamp, UserId,
    schedule::Timetable,
    user::{Role, User},
};

use super::Directory;

impl Directory {
    /// Whom an incident on `service` that opens at an instant climbs to, and who looks after the service. Doubt pages:
    /// where the service is unknown, retired or without a policy in use, or nobody stands on any level of it then, it
    /// is the catch-all policy; without one the ladder leads to nobody, which pages the administrators at once.
    pub fn ladder_for(&self, service: ServiceId, at: Timestamp) -> (Ladder, Option<TeamId>) {
        let leads_to_somebody =
            |ladder: &Ladder| ladder.levels.iter().any(|level| !self.people(&level.targets, at).is_empty());
        let ladder = self.ladders(service).find(leads_to_somebody);
        let team = self.services.get(&service).and_then(|service| service.team);
        (ladder.unwrap_or_else(|| self.ladder_of(service)), team)
    }

    /// The ladder of a service, whoever stands on it: that of its policy, or else of the catch-all policy.
    pub fn ladder_of(&self, service: ServiceId) -> Ladder {
        self.ladders(service).next().unwrap_or_default()
    }

    /// The ladders of the policies in use that a service may climb, the one to be preferred first.
    fn ladders(&self, service: ServiceId) -> impl Iterator<Item = Ladder> {
        let service = self.services.get(&service).filter(|service| service.retired_at.is_none());
        let own = service.and_then(|service| service.policy);
        own.into_iter().chain(self.organization.catch_all).filter_map(|id| {
            let policy = self.policies.get(&id).filter(|policy| policy.retired_at.is_none())?;
            Some(policy.ladder(id))
        })
    }

    /// Who stands on each level of a ladder at an instant. People whom no page can reach stand nowhere,
    /// so that a level of them is passed over at once instead of waiting for nobody.
    pub fn roster(&self, ladder: &Ladder, at: Timestamp) -> Roster {
        Roster {
            levels: ladder.levels.iter().map(|level| self.people(&level.targets, at)).collect(),
            administrators: self.administrators(),
            decided_at: self.position,
        }
    }

    /// The people behind a target at an instant whom a page can reach.
    pub fn responders(&self, target: Target, at: Timestamp) -> Vec<Responder> {
        self.people(&[target], at)
    }

    /// A schedule made ready for questions. One place answers for screen, API, calendars and the pager.
    pub fn timetable(&self, id: ScheduleId) -> Option<&Timetable> {
        let make = || match self.schedules.get(&id)?.timetable(&*self.zones) {
            Ok(timetable) => Some(timetable),
            Err(why) => {
                tracing::error!(schedule = %id, %why, "a stored schedule cannot be read, so nobody is on call in it");
                None
            }
        };
        self.timetables.get(&id)?.get_or_init(make).as_ref()
    }

    /// Everybody who can be paged as a last resort, in a stable order. An administrator whom no page can reach is none of
    /// them: that nobody is left has to be said.
    pub fn administrators(&self) -> Vec<UserId> {
        let is_administrator = |user: &User| {
            reachable(user)
                && user.profile.as_ref().is_some_and(|profile| profile.role == Role::Administrator)
        };
        let mut administrators: Vec<_> =
            self.users.iter().filter(|(_, user)| is_administrator(user)).map(|(id, _)| *id).collect();
        administrators.sort_unstable();
        administrators
    }

    /// Each person once, under the first target that names them.
    fn people(&self, targets: &[Target], at: Timestamp) -> Vec<Responder> {
        let mut people: Vec<Responder> = vec![];
        for through in targets {
            let users: Vec<UserId> = match through {
                Target::User { id } => vec![*id],
                Target::Schedule { id } => {
                    self.timetable(*id).map(|timetable| timetable.on_call(at)).unwrap_or_default()
                }
                Target::Team { id } => self
                    .teams
                    .get(id)
                    .filter(|team| team.retired_at.is_none())
                    .map(|team| team.members.iter().copied().collect())
                    .unwrap_or_default(),
            };
            for user in users {
                if self.users.get(&user).is_some_and(|user| reachable(user))
                    && !people.iter().any(|one| one.user == user)
                {
                    people.push(Responder { user, through: *through });
                }
            }
        }
        people
    }
}

fn reachable(user: &User) -> bool {
    user.is_active() && !user.contacts.is_empty()
}
