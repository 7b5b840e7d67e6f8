//! Who is on call.

use async_graphql::{Context, ID, Object, SimpleObject};
use commands::Directory;
use domain::{ScheduleId, ServiceId, Target, Timestamp};

use super::{
    caller::Caller,
    fault::Fault,
    scalar::{DateTime, Position},
    user::User,
};

/// Who would be paged on one level.
#[derive(SimpleObject)]
pub(super) struct OnCall {
    /// The level of the escalation policy, from 1; 1 for a schedule asked for by itself.
    pub(super) level: u32,
    /// Who would be paged. Deactivated people are not.
    pub(super) users: Vec<User>,
    /// Until when this stays so, as far as schedules tell; null if nothing is planned to change.
    pub(super) until: Option<DateTime>,
    /// Whether nobody would be paged: the level is passed over.
    pub(super) empty: bool,
}

/// Who a schedule has on call at an instant.
pub(super) fn on_call_for_schedule(directory: &Directory, id: ScheduleId, at: Timestamp) -> OnCall {
    let until = directory.timetable(id).and_then(|timetable| timetable.next_boundary(at));
    shown(directory, 1, &[Target::Schedule { id }], until, at)
}

/// Who would be paged for a service at an instant, level by level.
pub(super) fn on_call_for_service(directory: &Directory, service: ServiceId, at: Timestamp) -> Vec<OnCall> {
    let (ladder, _) = directory.ladder_for(service);
    let level = |(level, rung): (u32, &domain::Level)| {
        let until = rung.targets.iter().filter_map(|target| match target {
            Target::Schedule { id } => directory.timetable(*id)?.next_boundary(at),
            Target::User { .. } | Target::Team { .. } => None,
        });
        shown(directory, level, &rung.targets, until.min(), at)
    };
    (1..).zip(&ladder.levels).map(level).collect()
}

fn shown(
    directory: &Directory,
    level: u32,
    targets: &[Target],
    until: Option<Timestamp>,
    at: Timestamp,
) -> OnCall {
    let mut ids = vec![];
    for responder in targets.iter().flat_map(|target| directory.responders(*target, at)) {
        if !ids.contains(&responder.user) {
            ids.push(responder.user);
        }
    }
    let users: Vec<_> = ids.into_iter().filter_map(|id| User::find(directory, id)).collect();
    OnCall { level, empty: users.is_empty(), users, until: until.map(DateTime) }
}

#[derive(Default)]
pub(super) struct OnCallQuery;

#[Object]
impl OnCallQuery {
    /// Who is on call at an instant, past or future; now if none is given. For a service there is an entry for
    /// each level of its escalation policy, for a schedule there is one.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn on_call(
        &self,
        ctx: &Context<'_>,
        schedule_id: Option<ID>,
        service_id: Option<ID>,
        at: Option<DateTime>,
        wait_for: Option<Position>,
    ) -> Result<Vec<OnCall>, Fault> {
        let caller = Caller::reading(ctx, wait_for).await?;
        let directory = caller.app.directory.now();
        let at = at.map_or_else(|| caller.now(), |DateTime(at)| at);
        let missing = |what: &str, id: &ID| Fault::BadInput(format!("there is no {what} `{}`", id.as_str()));
        match (&schedule_id, &service_id) {
            (Some(given), None) => {
                let id = given.parse().map_err(|_| missing("schedule", given))?;
                if !directory.schedules.contains_key(&id) {
                    return Err(missing("schedule", given));
                }
                Ok(vec![on_call_for_schedule(&directory, id, at)])
            }
            (None, Some(given)) => {
                let id = given.parse().map_err(|_| missing("service", given))?;
                if !directory.services.contains_key(&id) {
                    return Err(missing("service", given));
                }
                Ok(on_call_for_service(&directory, id, at))
            }
            (None, None) | (Some(_), Some(_)) => {
                Err(Fault::BadInput("give exactly one of scheduleId and serviceId".to_owned()))
            }
        }
    }
}
