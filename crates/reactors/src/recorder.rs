//! Writes down who is on call, at each change.
//!
//! Each schedule is looked at when the next thing that may change it is due, and when it is changed; the others cost
//! nothing. What is due while no node runs is written down afterwards, with the instant at which it happened. Ids of
//! commands are derived, and the record itself takes nothing twice, so two recorders write what one would.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use commands::{CommandError, Directory, EngineError, MetadataExt, mint};
use domain::{
    Actor, ScheduleId, Timestamp, UserId,
    on_call::{Cause, OnCallChange, OnCallCommand, OnCallLog, OnCallLogId},
    schedule::{Schedule, Timetable, TooLong},
};
use futures::{StreamExt, stream};
use store::{Filter, Metadata};

use crate::{Parts, retry::Backoff};

/// Events taken from the log at a time.
const BATCH: usize = 512;
/// Schedules looked at side by side.
const AT_ONCE: usize = 64;
/// Changes written down together.
const TOGETHER: usize = 256;
/// How long the directory and the read models may take to know what the log says.
const PATIENCE: Duration = Duration::from_secs(5);
/// How far back a schedule is written down that never was, in milliseconds: 400 days.
const LONGEST: i64 = 400 * 86_400_000;
/// How much of a timeline is made at a time, in seconds: 30 days.
const STRETCH: u64 = 30 * 86_400;
/// How long before a change that was noticed late its reason is looked for, in milliseconds: a day.
const LATE: i64 = 86_400_000;

/// Who is on call since when, as it was written down last.
type Last = Option<(Timestamp, Vec<UserId>)>;

/// Writes down for ever.
pub(crate) async fn run(parts: Parts) {
    let start = parts.engine.store().head();
    // What the read models do not show yet is found in the record itself.
    parts.reads.reach(start, PATIENCE).await;
    while !parts.directory.reach(start, PATIENCE).await {}
    let mut tail = parts.engine.store().tail(start, Filter::Categories(vec![ScheduleId::CATEGORY]));
    let mut lasts: HashMap<ScheduleId, Last> = HashMap::new();
    let mut due: BTreeSet<(Timestamp, ScheduleId)> = BTreeSet::new();
    let mut dirty: BTreeSet<ScheduleId> = parts.directory.now().schedules.keys().copied().collect();
    let mut backoff = Backoff::default();
    loop {
        let looked: Vec<_> = stream::iter(std::mem::take(&mut dirty))
            .map(|id| {
                let last = lasts.get(&id).cloned();
                let parts = &parts;
                async move { (id, write_down(parts, id, last).await) }
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        for (id, (last, next)) in looked {
            lasts.insert(id, last);
            due.retain(|(_, waiting)| *waiting != id);
            due.extend(next.map(|next| (next, id)));
        }
        let next = due.first().map(|(at, _)| *at);
        let wake = async {
            match next {
                Some(at) => parts.engine.clock().sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = wake => {}
            batch = tail.next(BATCH) => match batch {
                Ok(batch) => {
                    backoff.reset();
                    let changed = batch.events.iter().filter_map(|event| event.stream_uuid());
                    dirty.extend(changed.map(ScheduleId::new));
                    while !dirty.is_empty() && !parts.directory.reach(batch.through, PATIENCE).await {}
                }
                Err(fault) => backoff.wait("recorder", &fault).await,
            },
        }
        let now = parts.engine.now();
        dirty.extend(due.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| *id));
    }
}

/// Writes down what has changed on a schedule. Returns what was written down last, and when to look again.
async fn write_down(parts: &Parts, id: ScheduleId, last: Option<Last>) -> (Last, Option<Timestamp>) {
    let mut backoff = Backoff::default();
    let mut last = match last {
        Some(last) => last,
        None => loop {
            match parts.reads.last_on_call(id).await {
                Ok(view) => break view.map(|view| (view.at, view.users)),
                Err(fault) => backoff.wait("recorder", &fault).await,
            }
        },
    };
    loop {
        match try_write_down(parts, id, &mut last).await {
            Ok(next) => return (last, next),
            Err(fault @ EngineError::Fact(_)) => {
                metrics::counter!("midwatch_recorder_unreadable_total").increment(1);
                tracing::error!(schedule = %id, %fault, "the record of who was on call cannot be read");
                return (last, None);
            }
            Err(fault) => backoff.wait("recorder", &fault).await,
        }
    }
}

async fn try_write_down(
    parts: &Parts,
    id: ScheduleId,
    last: &mut Last,
) -> Result<Option<Timestamp>, EngineError> {
    loop {
        let (directory, now) = (parts.directory.now(), parts.engine.now());
        let Some((state, timetable)) = directory.schedules.get(&id).zip(directory.timetable(id)) else {
            return Ok(None);
        };
        let Ok(mut changes) = changes(state, timetable, last, now) else {
            tracing::error!(schedule = %id, "too much changes on a schedule to be written down");
            return Ok(None);
        };
        changes.truncate(TOGETHER);
        if changes.is_empty() {
            return Ok(timetable.next_boundary(now));
        }
        let before = last.clone();
        let log = record(parts, id, &directory, changes).await?;
        last.clone_from(&log.last);
        if log.decided_at > directory.position {
            // Another node knew more: follow it.
            while !parts.directory.reach(log.decided_at, PATIENCE).await {}
        } else if *last == before {
            tracing::error!(schedule = %id, "what is on call now is not written down");
            return Ok(timetable.next_boundary(now));
        }
    }
}

async fn record(
    parts: &Parts,
    id: ScheduleId,
    directory: &Directory,
    changes: Vec<OnCallChange>,
) -> Result<OnCallLog, EngineError> {
    let (count, first) = (changes.len(), changes.first().map_or_else(Timestamp::default, |change| change.at));
    let (tzdb, decided_at) = (directory.zones.version().to_owned(), directory.position);
    let command = OnCallCommand::RecordChanges { schedule: id, changes, tzdb, decided_at };
    let purpose = format!("on call from {first}, {count} changes, decided at {decided_at}");
    let command_id = mint::derived_at(first, id.uuid(), &purpose);
    let metadata = Metadata::of(Actor::Reactor { name: "recorder".to_owned() }, command_id);
    match parts.engine.execute::<OnCallLog>(OnCallLogId(id), &command, &metadata).await {
        Ok(done) => Ok(OnCallLog::clone(&done.state)),
        Err(CommandError::Rejected(rejection)) => {
            tracing::error!(schedule = %id, %rejection, "who is on call was not taken down");
            Ok(OnCallLog::default())
        }
        Err(CommandError::Fault(fault)) => Err(fault),
    }
}

/// What has changed since what was written down last, up to now.
fn changes(
    state: &Schedule,
    timetable: &Timetable,
    last: &Last,
    now: Timestamp,
) -> Result<Vec<OnCallChange>, TooLong> {
    let end = Timestamp::from_millis(now.millis() + 1);
    let mut changes = vec![];
    let (mut from, mut users) = match last {
        Some((since, users)) => {
            let now_said = timetable.on_call(*since);
            if now_said != *users {
                // An edit arrived after its instant had been written down. What was written down stays.
                let at = Timestamp::from_millis(since.millis() + 1);
                changes.push(OnCallChange { at, users: now_said.clone(), cause: late(timetable, *since) });
            }
            (*since, Some(now_said))
        }
        None => (beginning(state).max(Timestamp::from_millis(now.millis() - LONGEST)), None),
    };
    while from < end {
        let until = from.plus_seconds(STRETCH).min(end);
        for segment in timetable.timeline(from, until)? {
            if users.as_ref() != Some(&segment.users) {
                let cause = timetable.cause(segment.start).into();
                changes.push(OnCallChange { at: segment.start, users: segment.users.clone(), cause });
                users = Some(segment.users);
            }
        }
        from = until;
    }
    Ok(changes)
}

/// When a schedule may first have had somebody on call.
fn beginning(state: &Schedule) -> Timestamp {
    let versions = state.versions.iter().map(|version| version.effective_from);
    let adjustments = state.adjustments().into_iter().map(|one| one.span.start);
    versions.chain(adjustments).min().unwrap_or_default()
}

/// Why other people are on call at an instant than was written down then.
fn late(timetable: &Timetable, at: Timestamp) -> Cause {
    let from = Timestamp::from_millis(at.millis() - LATE);
    let until = Timestamp::from_millis(at.millis() + 1);
    let began = timetable.timeline(from, until).ok().and_then(|timeline| Some(timeline.last()?.start));
    began.map_or(Cause::Edit, |began| timetable.cause(began).into())
}
