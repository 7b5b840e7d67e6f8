//! From levels to pages: who is to be woken, through which contact, and when.
//!
//! Each page has the only id it can have, so reading an event twice asks for its pages once. After a
//! start the pager reads on from its checkpoint; levels that an incident has left meanwhile ask for
//! nothing.

use std::{sync::Arc, time::Duration};

use commands::{CommandError, Directory, EngineError, MetadataExt, mint};
use domain::{
    Fact, IncidentId, Target, Timestamp, UserId,
    incident::{Climb, Incident, IncidentEvent},
    page::{Page, PageCommand, PageStep},
    user::ContactMethod,
};
use futures::{StreamExt, stream};
use store::{Filter, Metadata, Position, Recorded};

use crate::{Parts, places::Places, retry::Backoff};

/// Events taken from the log at a time.
const BATCH: usize = 2048;
/// Pages asked for side by side.
const AT_ONCE: usize = 128;
/// How long the directory may take to reach the position a level was decided at.
const PATIENCE: Duration = Duration::from_secs(5);
/// Under which name the pager's place in the log is kept.
const CHECKPOINT: &str = "pager";

/// Asks for pages for ever.
pub(crate) async fn run(parts: Parts, places: Places) {
    let mut backoff = Backoff::default();
    let after = places.of(CHECKPOINT).await;
    let caught_up = parts.engine.store().head();
    let incidents = Filter::Categories(vec![IncidentId::CATEGORY]);
    let mut tail = parts.engine.store().tail(after, incidents).gathering();
    let follower = parts.pace.follow("pager", after);
    loop {
        let batch = match tail.next(BATCH).await {
            Ok(batch) => batch,
            Err(fault) => {
                backoff.wait("pager", &fault).await;
                continue;
            }
        };
        backoff.reset();
        let levels: Vec<_> = batch.events.iter().filter_map(level_of).collect();
        stream::iter(&levels)
            .for_each_concurrent(AT_ONCE, |level| {
                page_level(&parts, level, level.cause.position <= caught_up)
            })
            .await;
        follower.reached(batch.through);
        // Reading the same levels again is harmless.
        places.reached(CHECKPOINT, batch.through);
    }
}

/// A level that was reached, or the end of the ladder.
struct Reached {
    incident: IncidentId,
    cycle: u32,
    /// Zero: the ladder has ended.
    level: u32,
    people: Vec<(UserId, Option<Target>)>,
    decided_at: Position,
    at: Timestamp,
    cause: Arc<Recorded>,
}

fn level_of(event: &Arc<Recorded>) -> Option<Reached> {
    let incident = IncidentId::new(event.stream_uuid()?);
    // Most events of an incident ask for no page: do not read what they say.
    if !matches!(&*event.kind, "incident.escalated.v1" | "incident.exhausted.v1") {
        return None;
    }
    match IncidentEvent::decode(&event.kind, &event.payload) {
        Ok(IncidentEvent::Escalated { cycle, level, responders, decided_at, at, .. }) => {
            let people = responders.into_iter().map(|one| (one.user, Some(one.through))).collect();
            Some(Reached { incident, cycle, level, people, decided_at, at, cause: Arc::clone(event) })
        }
        Ok(IncidentEvent::Exhausted { cycle, administrators, decided_at, at, .. }) => {
            if administrators.is_empty() {
                metrics::counter!("midwatch_nobody_to_page_total").increment(1);
                tracing::error!(%incident, "nobody can be paged: the ladder has ended and no administrator is reachable");
            }
            let people = administrators.into_iter().map(|user| (user, None)).collect();
            Some(Reached { incident, cycle, level: 0, people, decided_at, at, cause: Arc::clone(event) })
        }
        Ok(_) => None,
        Err(fault) => {
            metrics::counter!("midwatch_pager_unreadable_total").increment(1);
            tracing::error!(%incident, %fault, "a level was reached but cannot be read: nobody is paged for it");
            None
        }
    }
}

async fn page_level(parts: &Parts, reached: &Reached, maybe_stale: bool) {
    let mut backoff = Backoff::default();
    while let Err(fault) = try_page_level(parts, reached, maybe_stale).await {
        backoff.wait("pager", &fault).await;
    }
}

async fn try_page_level(parts: &Parts, reached: &Reached, maybe_stale: bool) -> Result<(), EngineError> {
    if maybe_stale && !is_current(parts, reached).await? {
        return Ok(());
    }
    let directory = directory_for(parts, reached).await;
    let mut nobody = !reached.people.is_empty();
    for (user, through) in &reached.people {
        for (step, channel, due_at) in steps(&directory, reached, *user, *through) {
            nobody = false;
            let at = parts.engine.now();
            let command =
                PageCommand::RequestPage { step, channel, due_at, decided_at: reached.decided_at, at };
            let metadata = Metadata::reacting(
                "pager",
                mint::derived_at(reached.cause.recorded_at, step.id().uuid(), "request"),
                &reached.cause,
            );
            match parts.engine.create::<Page>(step.id(), &command, &metadata).await {
                Ok(_) => {}
                Err(CommandError::Rejected(rejection)) => {
                    tracing::error!(page = %step.id(), %rejection, "a page was refused");
                }
                Err(CommandError::Fault(fault)) => return Err(fault),
            }
        }
    }
    if nobody {
        metrics::counter!("midwatch_nobody_to_page_total").increment(1);
        tracing::error!(incident = %reached.incident, level = reached.level, "nobody can be paged: whoever was to be has no contact any more");
    }
    Ok(())
}

/// The configuration by which a level is paged: that by which it was decided, or one after it. Where this node is far behind
/// it is late rather than wrong for those whom it knows; for somebody whom it does not know yet it has to wait.
async fn directory_for(parts: &Parts, reached: &Reached) -> Arc<Directory> {
    loop {
        let is_there = parts.directory.reach(reached.decided_at, PATIENCE).await;
        let directory = parts.directory.now();
        if is_there || reached.people.iter().all(|(user, _)| directory.users.contains_key(user)) {
            return directory;
        }
        tracing::error!(incident = %reached.incident, "somebody to be paged is not known here yet: the configuration is behind");
    }
}

/// Whether the incident still stands on this level.
async fn is_current(parts: &Parts, reached: &Reached) -> Result<bool, EngineError> {
    let (incident, _) = parts.engine.load::<Incident>(reached.incident).await?;
    let Some(open) = incident.open() else { return Ok(false) };
    let Climb { cycle, level, .. } = open.climb;
    Ok(!open.situation.is_taken() && (cycle, level) == (reached.cycle, reached.level))
}

/// What a person's rules ask for: the step, the word for the contact method, and when.
fn steps(
    directory: &Directory,
    reached: &Reached,
    user: UserId,
    through: Option<Target>,
) -> Vec<(PageStep, String, Timestamp)> {
    let Some(person) = directory.users.get(&user) else { return vec![] };
    let numbered = (0..).zip(person.steps());
    numbered
        .filter_map(|(index, rule)| {
            let contact = person.contacts.iter().find(|contact| contact.id == rule.contact)?;
            let channel = match contact.method {
                ContactMethod::Email { .. } => "email",
                ContactMethod::Webhook { .. } => "webhook",
            };
            let step = PageStep {
                incident: reached.incident,
                cycle: reached.cycle,
                level: reached.level,
                user,
                step: index,
                contact: contact.id,
                through,
            };
            Some((step, channel.to_owned(), reached.at.plus_seconds(rule.delay_seconds.into())))
        })
        .collect()
}
