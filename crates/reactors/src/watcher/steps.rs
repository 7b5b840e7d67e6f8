//! What the silence of one integration asks for, step by step.
//!
//! A silence that is recorded is reported before anything else, so that its incident is known whatever happens next;
//! then its end is waited for. The ids of commands follow from the silence, so that repeating a step records it once.

use std::sync::Arc;

use commands::{CommandError, EngineError, MetadataExt, OpenRequest, mint};
use domain::{
    Actor, Channel, IncidentId, IntegrationId, Severity, Timestamp,
    incident::{Incident, IncidentCommand, Terms},
    integration::{Entrance, Heard, Integration, IntegrationCommand, Silence, SilenceEnd, WatchCommand},
};
use store::Metadata;

use super::words;
use crate::Parts;

/// What the steps end with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outlook {
    /// When it was heard last.
    pub(super) heard: Option<Heard>,
    /// When to look again.
    pub(super) next: Option<Timestamp>,
    /// Whether its silence is recorded.
    pub(super) silent: bool,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing is to be done before then.
    Wait(Option<Timestamp>),
    /// It is silent, and that is to be recorded. It could have been at that time.
    Note { due_at: Timestamp },
    /// Its silence has no incident yet.
    Report(Silence),
    /// Its silence is over.
    End(Silence, IncidentId, SilenceEnd),
}

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// The next step. Nobody is silent before they had their full time since `started`.
pub(super) fn next(state: &Integration, heard: Option<Heard>, started: Timestamp, now: Timestamp) -> Step {
    let heard_at = heard.map(|heard| heard.at);
    match state.vigil.silence {
        Some(silence) => match (silence.incident, state.silence_over(heard, now)) {
            (None, _) => Step::Report(silence),
            (Some(incident), Some(reason)) => Step::End(silence, incident, reason),
            (Some(_), None) => Step::Wait(None),
        },
        None => match state.silent_at(heard_at).zip(state.silent_at(heard_at.max(Some(started)))) {
            Some((due_at, fair_at)) if fair_at <= now => Step::Note { due_at },
            Some((_, fair_at)) => Step::Wait(Some(fair_at)),
            None => Step::Wait(None),
        },
    }
}

/// Takes steps until there is nothing to do but wait.
pub(super) async fn take(
    parts: &Parts,
    id: IntegrationId,
    heard: Option<Heard>,
    started: Timestamp,
) -> Result<Outlook, Fault> {
    let Some(mut state) = parts.directory.now().integrations.get(&id).cloned() else {
        return Ok(Outlook { heard, ..Outlook::default() });
    };
    let is_concerned = state.vigil.watch.is_some() || state.vigil.silence.is_some();
    let heard = match heard {
        None if is_concerned => parts.reads.last_heard(id).await?,
        heard => heard,
    };
    loop {
        let now = parts.engine.now();
        let Some(entrance) = &state.entrance else { return Ok(Outlook { heard, ..Outlook::default() }) };
        let after = match next(&state, heard, started, now) {
            Step::Wait(next) => {
                return Ok(Outlook { heard, next, silent: state.vigil.silence.is_some() });
            }
            Step::Note { due_at } => {
                // After a clock was set back another silence may be due at the same time.
                let last = heard.map_or(0, |heard| heard.position);
                let command_id = mint::derived_at(due_at, id.uuid(), &format!("it fell silent after {last}"));
                record(parts, id, WatchCommand::NoteSilence { heard, at: now }, command_id).await?
            }
            Step::Report(silence) => report(parts, id, &state, entrance, silence, heard).await?,
            Step::End(silence, incident, reason) => {
                let note = words::end(&state, reason, heard);
                end(parts, id, silence, incident, reason, note).await?
            }
        };
        match after {
            Some(after) if after != state => state = after,
            // The rules see it otherwise: doing it again would change nothing.
            Some(_) | None => {
                tracing::error!(integration = %id, "a step about a silence led to nothing");
                return Ok(Outlook { heard, next: None, silent: state.vigil.silence.is_some() });
            }
        }
    }
}

/// Records a command; none if the rules refuse it.
async fn record(
    parts: &Parts,
    id: IntegrationId,
    command: WatchCommand,
    command_id: uuid::Uuid,
) -> Result<Option<Arc<Integration>>, EngineError> {
    let command = IntegrationCommand::Watch(command);
    match parts.engine.execute::<Integration>(id, &command, &metadata(command_id)).await {
        Ok(done) => Ok(Some(done.state)),
        Err(CommandError::Rejected(rejection)) => {
            tracing::error!(integration = %id, %rejection, "a silence cannot be recorded");
            Ok(None)
        }
        Err(CommandError::Fault(fault)) => Err(fault),
    }
}

/// Tells people of a silence, and records which incident that is.
async fn report(
    parts: &Parts,
    id: IntegrationId,
    state: &Integration,
    entrance: &Entrance,
    silence: Silence,
    heard: Option<Heard>,
) -> Result<Option<Arc<Integration>>, EngineError> {
    let service = entrance.service;
    let request = OpenRequest {
        service,
        key: format!("midwatch:silence:{id}"),
        title: words::title(&entrance.name, silence),
        details: Some(words::details(state, silence, heard)),
        severity: Severity::High,
        alerts: vec![],
        terms: Terms::default(),
        episode: None,
    };
    let command_id = mint::derived_at(silence.fell_at, id.uuid(), &format!("report to {service}"));
    let incident = match parts.intake.open(request, &metadata(command_id)).await {
        Ok(opened) => opened.incident,
        Err(CommandError::Rejected(rejection)) => {
            tracing::error!(integration = %id, %rejection, "a silence cannot be reported");
            return Ok(None);
        }
        Err(CommandError::Fault(fault)) => return Err(fault),
    };
    let (fell_at, at) = (silence.fell_at, parts.engine.now());
    let command_id = mint::derived_at(fell_at, id.uuid(), "its silence is reported");
    record(parts, id, WatchCommand::NoteReport { fell_at, incident, at }, command_id).await
}

/// Resolves the incident of a silence, unless somebody has, and records that the silence is over.
async fn end(
    parts: &Parts,
    id: IntegrationId,
    silence: Silence,
    incident: IncidentId,
    reason: SilenceEnd,
    note: String,
) -> Result<Option<Arc<Integration>>, EngineError> {
    let (fell_at, at) = (silence.fell_at, parts.engine.now());
    let by = watcher();
    let (via, note, alert) = (Channel::Unknown, Some(note), None);
    let command = IncidentCommand::ResolveIncident { by, via, note, alert, at };
    let metadata = metadata(mint::derived_at(fell_at, id.uuid(), "resolve its silence"));
    match parts.engine.execute::<Incident>(incident, &command, &metadata).await {
        Ok(_) => {}
        Err(CommandError::Rejected(rejection)) => {
            tracing::error!(%incident, %rejection, "the incident of a silence cannot be resolved");
        }
        Err(CommandError::Fault(fault)) => return Err(fault),
    }
    let command_id = mint::derived_at(fell_at, id.uuid(), "its silence is over");
    record(parts, id, WatchCommand::EndSilence { fell_at, reason, at }, command_id).await
}

fn watcher() -> Actor {
    Actor::Reactor { name: "watcher".to_owned() }
}

fn metadata(command_id: uuid::Uuid) -> Metadata {
    Metadata::of(watcher(), command_id)
}
