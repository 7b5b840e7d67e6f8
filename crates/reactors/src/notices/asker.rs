//! Asks for notices: what falls due by the clock, and what happened to schedules.

use std::{sync::Arc, time::Duration};

use commands::{CommandError, Directory, EngineError, MetadataExt, mint};
use domain::{
    Actor, Aggregate, Fact, IntegrationId, OrganizationId, ScheduleId, Timestamp, UserId,
    notice::{About, Due, Matter, Notice, NoticeCommand, after_event},
    organization::OrganizationEvent,
    schedule::{Schedule, ScheduleEvent},
};
use futures::{StreamExt, stream};
use store::{Filter, Metadata, Position, Recorded};

use super::{plan::Plan, troubles, zone_data};
use crate::{Parts, places::Places, retry::Backoff};

/// Events taken from the log at a time.
const BATCH: usize = 256;
/// Notices asked for side by side.
const AT_ONCE: usize = 32;
/// Under which name the asker's place in the log is kept.
const CHECKPOINT: &str = "notices";
/// How long the directory may take to reach the position of an event.
const PATIENCE: Duration = Duration::from_secs(5);
/// What happened earlier than this is told to nobody any more, in milliseconds: a day.
const NEWS: i64 = 24 * 3_600_000;
/// What fell due earlier than this while no node was up is told to nobody any more, in milliseconds: two days.
const MISSED: i64 = 48 * 3_600_000;
/// What fell due so long before the last sign of life may have been left undone, in milliseconds.
const IN_FLIGHT: i64 = 10 * 60_000;

/// Asks for notices for ever.
pub(super) async fn run(parts: Parts, places: Places) {
    let mut backoff = Backoff::default();
    let mut through = places.of(CHECKPOINT).await;
    let since = loop {
        match last_sign_of_life(&parts).await {
            Ok(since) => break since,
            Err(fault) => backoff.wait("notices", &fault).await,
        }
    };
    parts.directory.reach(parts.engine.store().head(), PATIENCE).await;
    zone_data::record(&parts).await;
    let mut plan = Plan::new(parts.directory.now(), since);
    let mut tail = parts.engine.store().tail(through, Filter::Configuration);
    loop {
        let now = parts.engine.now();
        let due = plan.take_due(now);
        ask_all(&parts, &plan.directory, &due, None).await;
        parts.desk.asked(through, plan.next_at());
        let wake = async {
            match plan.next_at() {
                Some(at) => parts.engine.clock().sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let batch = tokio::select! {
            biased;
            () = wake => continue,
            batch = tail.next(BATCH) => batch,
        };
        let batch = match batch {
            Ok(batch) => batch,
            Err(fault) => {
                backoff.wait("notices", &fault).await;
                continue;
            }
        };
        backoff.reset();
        if !batch.events.is_empty() {
            follow(&parts, &mut plan, &batch.events).await;
        }
        through = batch.through;
        // Reading the same events again is harmless.
        places.reached(CHECKPOINT, through);
    }
}

/// Since when notices may have fallen due that nobody asked for.
async fn last_sign_of_life(parts: &Parts) -> Result<Timestamp, EngineError> {
    let (store, now) = (parts.engine.store(), parts.engine.now());
    let last = store.at(&[store.head()]).await?;
    let alive = last.first().map_or(now.millis(), |event| event.recorded_at.millis() - IN_FLIGHT);
    Ok(Timestamp::from_millis(alive.clamp(now.millis() - MISSED, now.millis())))
}

/// Tells what became of schedules, and goes on with the configuration that it led to.
async fn follow(parts: &Parts, plan: &mut Plan, events: &[Arc<Recorded>]) {
    let last = events.last().map_or(0, |event| event.position);
    parts.directory.reach(last, PATIENCE).await;
    let now = parts.engine.now();
    // What fell due before is told by what was known before.
    let due = plan.take_due(now);
    ask_all(parts, &plan.directory, &due, None).await;
    let directory = parts.directory.now();
    let mut chosen: Vec<UserId> = vec![];
    for event in events {
        if &*event.kind == "user.shift_notices_set.v1" {
            chosen.extend(event.stream_uuid().map(UserId::new));
        }
        if now.millis() - event.recorded_at.millis() > NEWS {
            continue;
        }
        let mut backoff = Backoff::default();
        loop {
            match told_by(parts, &directory, event).await {
                Ok(due) => break ask_all(parts, &directory, &due, Some(event)).await,
                Err(EngineError::Fact(fault)) => {
                    metrics::counter!("midwatch_notices_unreadable_total").increment(1);
                    tracing::error!(position = event.position, %fault, "an event cannot be read: nobody is told of it");
                    break;
                }
                Err(fault) => backoff.wait("notices", &fault).await,
            }
        }
    }
    plan.adopt(directory, now, &chosen);
    if events.iter().any(|event| event.category() == ScheduleId::CATEGORY) {
        // A schedule may follow a zone that none followed before.
        zone_data::record(parts).await;
    }
}

/// What an event has to be told.
async fn told_by(parts: &Parts, directory: &Directory, event: &Recorded) -> Result<Vec<Due>, EngineError> {
    match event.category() {
        ScheduleId::CATEGORY => told_by_schedule(parts, directory, event).await,
        OrganizationId::CATEGORY => {
            let fact = OrganizationEvent::decode(&event.kind, &event.payload)?;
            Ok(told_by_organization(directory, &fact))
        }
        IntegrationId::CATEGORY => troubles::told_by(directory, event),
        _ => Ok(vec![]),
    }
}

async fn told_by_schedule(
    parts: &Parts,
    directory: &Directory,
    event: &Recorded,
) -> Result<Vec<Due>, EngineError> {
    let Some(id) = event.stream_uuid().map(ScheduleId::new) else { return Ok(vec![]) };
    let fact = ScheduleEvent::decode(&event.kind, &event.payload)?;
    let before = as_of(parts, id, event.version - 1).await?;
    let mut after = before.clone();
    after.evolve(&fact);
    let told = after_event(id, &fact, event.version, [&before, &after], &*directory.zones, event.recorded_at);
    Ok(told.unwrap_or_else(|why| {
        tracing::error!(schedule = %id, %why, "a stored schedule cannot be read: nobody is told of its changes");
        vec![]
    }))
}

/// A schedule as it was after so many of its events.
pub(super) async fn as_of(parts: &Parts, id: ScheduleId, version: u64) -> Result<Schedule, EngineError> {
    let mut schedule = Schedule::default();
    let history = parts.engine.store().load(&id.stream(), 0).await?;
    for event in history.iter().take_while(|event| event.version <= version) {
        schedule.evolve(&Fact::decode(&event.kind, &event.payload)?);
    }
    Ok(schedule)
}

fn told_by_organization(directory: &Directory, fact: &OrganizationEvent) -> Vec<Due> {
    let OrganizationEvent::ZoneDataChanged { version, schedules, at, .. } = fact else { return vec![] };
    if schedules.is_empty() {
        return vec![];
    }
    let due = |user, schedule| Due {
        at: *at,
        matter: Matter { user, schedule, about: About::ZoneDataChanged { version: version.clone() } },
    };
    let people = schedules.iter().flat_map(|one| one.users.iter().map(|user| due(*user, Some(one.schedule))));
    let administrators = directory.administrators().into_iter().map(|user| due(user, None));
    people.chain(administrators).collect()
}

/// Asks for what people want to be told and can be.
async fn ask_all(parts: &Parts, directory: &Directory, due: &[Due], cause: Option<&Arc<Recorded>>) {
    let wanted = due.iter().filter(|due| {
        let user = directory.users.get(&due.matter.user);
        user.is_some_and(|user| user.notices.wants(&due.matter.about) && user.notice_contact().is_some())
    });
    let asking = wanted.map(|due| ask(parts, due, directory.position, cause));
    stream::iter(asking).for_each_concurrent(AT_ONCE, |asking| asking).await;
}

async fn ask(parts: &Parts, due: &Due, decided_at: Position, cause: Option<&Arc<Recorded>>) {
    let id = due.matter.id();
    let command_id = mint::derived_at(due.at, id.uuid(), "request");
    let metadata = match cause {
        Some(cause) => Metadata::reacting("notices", command_id, cause),
        None => Metadata::of(Actor::Reactor { name: "notices".to_owned() }, command_id),
    };
    let mut backoff = Backoff::default();
    loop {
        let (matter, due_at, at) = (due.matter.clone(), due.at, parts.engine.now());
        let command = NoticeCommand::RequestNotice { matter, due_at, decided_at, at };
        match parts.engine.create::<Notice>(id, &command, &metadata).await {
            Ok(done) => {
                if !done.events.is_empty() {
                    metrics::counter!("midwatch_notices_total", "about" => due.matter.about.word(), "outcome" => "requested")
                        .increment(1);
                }
                return;
            }
            Err(CommandError::Rejected(rejection)) => {
                return tracing::error!(notice = %id, %rejection, "a notice was refused");
            }
            Err(CommandError::Fault(fault)) => backoff.wait("notices", &fault).await,
        }
    }
}
