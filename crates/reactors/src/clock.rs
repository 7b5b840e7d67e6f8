//! The clock: escalates incidents whose wait for an acknowledgement or whose snooze is over, and ends those whose wait
//! for another alert is.
//!
//! Deadlines are rows of a read model in the order in which they are due, so waiting costs nothing
//! however many there are. Waking up is a command that carries the time; a deadline that is stale by
//! the time it is judged decides nothing.

mod quiet;

use std::collections::HashMap;

use commands::{CommandError, EngineError, MetadataExt, mint};
use domain::{
    Actor, IncidentId, Timestamp,
    incident::{Climb, Incident, IncidentCommand},
};
use futures::{StreamExt, stream};
use projections::{EscalationDue, QuietDue};
use store::{Metadata, Position};
use tokio::time::Instant;
use tracing::{Instrument, info_span};

use crate::{Parts, looks::next_look, retry::Backoff};

/// Deadlines taken from the read model at a time.
const BATCH: usize = 1024;
/// Deadlines judged side by side.
const AT_ONCE: usize = 128;

/// A deadline, and what it was armed for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Armed {
    Escalation { incident: IncidentId, due_at: Timestamp, climb: (u32, u32, u32) },
    Quiet { incident: IncidentId, due_at: Timestamp },
}

/// What is due.
#[derive(Clone, Copy)]
enum Due {
    Escalation(EscalationDue),
    Quiet(QuietDue),
}

/// Escalates for ever.
pub(crate) async fn run(parts: Parts) {
    let mut positions = parts.reads.watch_position();
    let mut backoff = Backoff::default();
    // Judged, but perhaps still shown by a read model that has not reached this position.
    let mut judged: HashMap<Armed, Position> = HashMap::new();
    loop {
        positions.mark_unchanged();
        let began = Instant::now();
        let reached = parts.reads.position();
        judged.retain(|_, position| *position > reached);
        let now = parts.engine.now();
        let (next, again) = match look(&parts, now).await {
            Ok((due, next)) => {
                backoff.reset();
                let again = next_look(began);
                judge(&parts, due, &mut judged).await;
                (next, again)
            }
            Err(fault) => {
                backoff.wait("clock", &*fault).await;
                continue;
            }
        };
        metrics::gauge!("midwatch_clock_last_tick_seconds").set(seconds(now));
        let sleep = async {
            match next {
                // What is shown as due now was judged: the read model will move on.
                Some(at) if at > now => parts.engine.clock().sleep_until(at).await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            () = sleep => {}
            changed = positions.changed() => if changed.is_err() { return },
        }
        tokio::time::sleep_until(again).await;
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and seconds are exact in it")]
fn seconds(at: Timestamp) -> f64 {
    at.millis() as f64 / 1000.0
}

type Fault = Box<dyn std::error::Error + Send + Sync>;

async fn look(parts: &Parts, now: Timestamp) -> Result<(Vec<Due>, Option<Timestamp>), Fault> {
    let overdue = parts.reads.due_escalations(now, BATCH).await?;
    let quiet = parts.reads.due_quiet(now, BATCH).await?;
    let due = overdue.into_iter().map(Due::Escalation).chain(quiet.into_iter().map(Due::Quiet));
    let next = [parts.reads.next_escalation().await?, parts.reads.next_quiet().await?];
    Ok((due.collect(), next.into_iter().flatten().min()))
}

async fn judge(parts: &Parts, due: Vec<Due>, judged: &mut HashMap<Armed, Position>) {
    let fresh: Vec<_> = due.into_iter().filter(|row| !judged.contains_key(&row.armed())).collect();
    let outcomes: Vec<_> = stream::iter(fresh)
        .map(|row| async move {
            let known_at = match &row {
                Due::Escalation(row) => escalate(parts, row).await,
                Due::Quiet(row) => quiet::resolve(parts, row).await,
            };
            (row.armed(), known_at)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    judged.extend(outcomes);
}

impl Due {
    fn armed(&self) -> Armed {
        match *self {
            Self::Escalation(EscalationDue { due_at, incident, cycle, pass, level }) => {
                Armed::Escalation { incident, due_at, climb: (cycle, pass, level) }
            }
            Self::Quiet(QuietDue { due_at, incident }) => Armed::Quiet { incident, due_at },
        }
    }
}

/// Returns the position from which on the read model knows.
async fn escalate(parts: &Parts, row: &EscalationDue) -> Position {
    let mut backoff = Backoff::default();
    loop {
        match try_escalate(parts, row).await {
            Ok(position) => return position,
            Err(fault @ EngineError::Fact(_)) => {
                tracing::error!(incident = %row.incident, %fault, "an overdue incident cannot be read");
                metrics::counter!("midwatch_clock_unreadable_total").increment(1);
                return Position::MAX;
            }
            Err(fault) => backoff.wait("clock", &fault).await,
        }
    }
}

async fn try_escalate(parts: &Parts, row: &EscalationDue) -> Result<Position, EngineError> {
    let (incident, _) = parts.engine.load::<Incident>(row.incident).await?;
    let Some(open) = incident.open() else { return Ok(parts.engine.store().head()) };
    // Costs nothing while nobody collects traces; logs leave this target out.
    let span = info_span!(target: "midwatch::road", "escalate_overdue", level = row.level);
    let trace = if span.is_disabled() { None } else { trace_of(parts, row.incident).await? };
    if let Some(parent) = &trace {
        commands::trace::continue_trace(&span, parent);
    }
    let at = parts.engine.now();
    let roster = parts.directory.now().roster(&open.ladder, at);
    let EscalationDue { cycle, pass, level, .. } = *row;
    let command = IncidentCommand::EscalateOverdue { cycle, pass, level, roster, at };
    // Two deadlines for which the time alone counts may be due at one instant: where the incident stands tells them apart.
    let Climb { cycle, pass, level } = open.climb;
    let purpose = format!("overdue {cycle} {pass} {level}");
    let command_id = mint::derived_at(row.due_at, row.incident.uuid(), &purpose);
    let metadata =
        Metadata { trace, ..Metadata::of(Actor::Reactor { name: "clock".to_owned() }, command_id) };
    match parts.engine.execute::<Incident>(row.incident, &command, &metadata).instrument(span).await {
        Ok(done) => Ok(done.position),
        Err(CommandError::Rejected(_)) => Ok(parts.engine.store().head()),
        Err(CommandError::Fault(fault)) => Err(fault),
    }
}

/// The trace of whatever opened an incident: every level that it reaches is a part of it.
async fn trace_of(parts: &Parts, incident: IncidentId) -> Result<Option<String>, EngineError> {
    let history = parts.engine.store().load(&incident.stream(), 0).await?;
    Ok(history.first().and_then(|opened| opened.metadata.trace.clone()))
}
