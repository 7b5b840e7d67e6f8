//! Who is on call.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, ID, Object, SimpleObject};
use commands::Directory;
use domain::{Ladder, PolicyId, ScheduleId, ServiceId, Target, Timestamp, UserId};

use super::{
    caller::Caller,
    fault::Fault,
    scalar::{DateTime, Position},
    schedule::{Schedule, people},
    user::User,
};

/// How far ahead a change is looked for, in seconds: 90 days.
const HORIZON: u64 = 90 * 86_400;

/// Who would be paged on one level.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(super) struct OnCall {
    /// The level of the escalation policy, from 1; 1 for a schedule asked for by itself.
    pub(super) level: u32,
    /// Who is on call. On the levels of a policy, people whom no page can reach are left out.
    pub(super) users: Vec<User>,
    /// Whether nobody would be paged: the level is passed over.
    pub(super) empty: bool,
    /// Whether nobody would be paged on any level, so that an alert goes straight to the administrators.
    pub(super) uncovered: bool,
    /// The schedules that may change who it is.
    #[graphql(skip)]
    schedules: Vec<Schedule>,
    #[graphql(skip)]
    at: Timestamp,
}

#[ComplexObject]
impl OnCall {
    /// When other people are on call by the schedules; null if that is not within 90 days.
    async fn until(&self) -> Option<DateTime> {
        let horizon = self.at.plus_seconds(HORIZON);
        self.schedules.iter().filter_map(|one| one.next_change(self.at, horizon)).min().map(DateTime)
    }
}

impl OnCall {
    /// Who a schedule has on call at an instant.
    pub(super) fn of_schedule(schedule: Schedule, ids: &[UserId], at: Timestamp) -> Self {
        let users = people(schedule.directory(), ids);
        let empty = users.is_empty();
        Self { level: 1, users, empty, uncovered: empty, schedules: vec![schedule], at }
    }

    /// Nobody, and nothing is known that will change it.
    pub(super) const fn nobody(level: u32, at: Timestamp) -> Self {
        Self { level, users: vec![], empty: true, uncovered: true, schedules: vec![], at }
    }
}

/// Who would be paged for a service at an instant, level by level.
pub(super) fn on_call_for_service(
    directory: &Arc<Directory>,
    service: ServiceId,
    at: Timestamp,
) -> Vec<OnCall> {
    let (ladder, _) = directory.ladder_for(service, at);
    on_ladder(directory, &ladder, at)
}

/// Whether an alert for a service would page nobody but the administrators.
pub(super) fn is_uncovered(directory: &Directory, service: ServiceId, at: Timestamp) -> bool {
    let (ladder, _) = directory.ladder_for(service, at);
    let targets = ladder.levels.iter().flat_map(|level| &level.targets);
    !targets.into_iter().any(|target| !directory.responders(*target, at).is_empty())
}

fn on_ladder(directory: &Arc<Directory>, ladder: &Ladder, at: Timestamp) -> Vec<OnCall> {
    let level = |(level, rung): (u32, &domain::Level)| {
        let mut ids = vec![];
        for responder in rung.targets.iter().flat_map(|target| directory.responders(*target, at)) {
            if !ids.contains(&responder.user) {
                ids.push(responder.user);
            }
        }
        let schedules = rung.targets.iter().filter_map(|target| match target {
            Target::Schedule { id } => Schedule::find(directory, *id),
            Target::User { .. } | Target::Team { .. } => None,
        });
        let (users, schedules) = (people(directory, &ids), schedules.collect());
        OnCall { level, empty: users.is_empty(), uncovered: false, users, schedules, at }
    };
    let mut levels: Vec<_> = (1..).zip(&ladder.levels).map(level).collect();
    if levels.iter().all(|level| level.empty) {
        levels.iter_mut().for_each(|level| level.uncovered = true);
    }
    levels
}

#[derive(Default)]
pub(super) struct OnCallQuery;

#[Object]
impl OnCallQuery {
    /// Who is on call at an instant, past or future; now if none is given. For a service or an escalation policy there
    /// is an entry for each level, exactly whom an alert at that instant would page; for a schedule there is one.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn on_call(
        &self,
        ctx: &Context<'_>,
        schedule_id: Option<ID>,
        service_id: Option<ID>,
        escalation_policy_id: Option<ID>,
        at: Option<DateTime>,
        wait_for: Option<Position>,
    ) -> Result<Vec<OnCall>, Fault> {
        let caller = Caller::reading(ctx, wait_for).await?;
        let directory = caller.app.directory.now();
        let instant = at.map_or_else(|| caller.now(), |DateTime(at)| at);
        let missing = |what: &str, id: &ID| Fault::BadInput(format!("there is no {what} `{}`", id.as_str()));
        match (&schedule_id, &service_id, &escalation_policy_id) {
            (Some(given), None, None) => {
                let id = given.parse::<ScheduleId>().ok();
                let schedule = id.and_then(|id| Schedule::find(&directory, id));
                let schedule = schedule.ok_or_else(|| missing("schedule", given))?;
                Ok(vec![schedule.on_call_at(caller.app, instant).await?])
            }
            (None, Some(given), None) => {
                let id = given.parse::<ServiceId>().ok();
                let known = id.filter(|id| directory.services.contains_key(id));
                let id = known.ok_or_else(|| missing("service", given))?;
                Ok(on_call_for_service(&directory, id, instant))
            }
            (None, None, Some(given)) => {
                let id = given.parse::<PolicyId>().ok();
                let ladder = id.and_then(|id| Some(directory.policies.get(&id)?.ladder(id)));
                let ladder = ladder.ok_or_else(|| missing("escalation policy", given))?;
                Ok(on_ladder(&directory, &ladder, instant))
            }
            _ => {
                let rule = "give exactly one of scheduleId, serviceId and escalationPolicyId";
                Err(Fault::BadInput(rule.to_owned()))
            }
        }
    }
}
