//! People who left are taken out of schedules.
//!
//! Their slots stay, empty where nobody shares them, and what was agreed with them is cancelled. After a start the
//! leaver reads on from its checkpoint; taking somebody out twice does nothing. A schedule that is changed is looked at
//! again, so that an edit which was under way when somebody left does not bring them back.

use std::{collections::BTreeSet, time::Duration};

use commands::{CommandError, EngineError, MetadataExt, mint};
use domain::{
    ScheduleId, UserId,
    schedule::{Schedule, ScheduleCommand},
};
use store::{Filter, Metadata, Recorded};

use crate::{Parts, places::Places, retry::Backoff};

/// Events taken from the log at a time.
const BATCH: usize = 512;
/// How long the directory may take to know what the log says.
const PATIENCE: Duration = Duration::from_secs(5);
/// Under which name the leaver's place in the log is kept.
const CHECKPOINT: &str = "leaver";

/// Takes people out for ever.
pub(crate) async fn run(parts: Parts, places: Places) {
    let mut backoff = Backoff::default();
    let after = places.of(CHECKPOINT).await;
    let filter = Filter::Categories(vec![UserId::CATEGORY, ScheduleId::CATEGORY]);
    let mut tail = parts.engine.store().tail(after, filter);
    loop {
        let batch = match tail.next(BATCH).await {
            Ok(batch) => batch,
            Err(fault) => {
                backoff.wait(CHECKPOINT, &fault).await;
                continue;
            }
        };
        while !parts.directory.reach(batch.through, PATIENCE).await {}
        for event in &batch.events {
            while let Err(fault) = look(&parts, event).await {
                backoff.wait(CHECKPOINT, &fault).await;
            }
        }
        backoff.reset();
        // Looking at the same events again is harmless.
        places.reached(CHECKPOINT, batch.through);
    }
}

/// Takes out whoever left, of the schedules that an event is about.
async fn look(parts: &Parts, event: &Recorded) -> Result<(), EngineError> {
    let (directory, now) = (parts.directory.now(), parts.engine.now());
    let schedules: BTreeSet<ScheduleId> = match (event.category(), event.stream_uuid()) {
        (ScheduleId::CATEGORY, Some(uuid)) => [ScheduleId::new(uuid)].into(),
        (UserId::CATEGORY, Some(_)) if &*event.kind == "user.deactivated.v1" => {
            directory.schedules.keys().copied().collect()
        }
        _ => return Ok(()),
    };
    let active = schedules.into_iter().filter_map(|id| Some((id, directory.schedules.get(&id)?)));
    for (id, state) in active.filter(|(_, state)| state.retired_at.is_none()) {
        let left =
            |user: &UserId| directory.users.get(user).is_some_and(|user| user.deactivated_at.is_some());
        for user in state.involved(now).into_iter().filter(left) {
            take_out(parts, event, id, user).await?;
        }
    }
    Ok(())
}

async fn take_out(
    parts: &Parts,
    cause: &Recorded,
    schedule: ScheduleId,
    user: UserId,
) -> Result<(), EngineError> {
    let command_id = mint::derived(cause.id, &format!("take {user} out of {schedule}"));
    let metadata = Metadata::reacting(CHECKPOINT, command_id, cause);
    let command = ScheduleCommand::RemovePerson { user, at: parts.engine.now() };
    match parts.engine.execute::<Schedule>(schedule, &command, &metadata).await {
        Ok(_) => Ok(()),
        Err(CommandError::Rejected(rejection)) => {
            tracing::error!(%schedule, %user, %rejection, "somebody who left cannot be taken out");
            Ok(())
        }
        Err(CommandError::Fault(fault)) => Err(fault),
    }
}
