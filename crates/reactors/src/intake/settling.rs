//! Deciding what is asked of one problem: each alert ends in the incident's own event, or in a conclusion of its delivery,
//! which is handed back so that it can be recorded with others of its message.

use std::{collections::HashSet, fmt::Write};

use commands::{CommandError, EngineError, Intake, MetadataExt, OpenRequest, mint};
use domain::{
    Actor, AlertAction, Fact, IncidentId, Mark, Rejection,
    delivery::Verdict,
    incident::{Incident, IncidentEvent, IncidentRejection},
};
use store::{Metadata, Position, StoreError};
use tracing::{Instrument, Span, info_span};
use uuid::Uuid;

use super::{Conclusion, Problem, Request, replays, saying};
use crate::{Parts, retry::Backoff};

/// Alerts that one event takes in, and bytes of them: a payload has an end.
const RUN: (usize, usize) = (64, 256 * 1024);

/// Decides what is asked of one problem, in order; triggers in a row together. Returns what is to be said of alerts that
/// lead to nothing.
pub(super) async fn settle(parts: &Parts, problem: Problem) -> Vec<Conclusion> {
    let mut conclusions = vec![];
    let mut rest = problem.into_iter().peekable();
    while let Some(first) = rest.next() {
        if first.action != AlertAction::Trigger {
            conclusions.extend(finish(parts, first).await);
            continue;
        }
        let (most, mut room) = (RUN.0, RUN.1.saturating_sub(first.weight()));
        let terms = first.terms;
        let mut run = vec![first];
        while let Some(next) = rest.next_if(|next| {
            let joins = next.action == AlertAction::Trigger && next.terms == terms;
            joins && run.len() < most && next.weight() <= room
        }) {
            room -= next.weight();
            run.push(next);
        }
        conclusions.extend(trigger(parts, run).await);
    }
    conclusions
}

async fn trigger(parts: &Parts, run: Vec<Request>) -> Vec<Conclusion> {
    // An incident shows what the first of several alerts says, and the worst severity. Where something else was chosen,
    // it is what joins that changes it: the others join, as they would if they had come a moment later.
    let together = run.first().is_some_and(|first| first.terms.merging.is_usual());
    let mut conclusions = vec![];
    for (episode, part) in by_episode(parts, run).await {
        let (opening, joining) = part.split_at(if together { part.len() } else { part.len().min(1) });
        conclusions.extend(take(parts, opening, episode).await);
        conclusions.extend(take(parts, joining, episode).await);
    }
    conclusions
}

/// Alerts by the episode of their group in which their problem is open, where that may be another than the latest: a group
/// with a window leaves earlier episodes open, also for alerts that another rule brings to it without one. One problem is
/// never open in two of them.
async fn by_episode(parts: &Parts, run: Vec<Request>) -> Vec<(Option<u32>, Vec<Request>)> {
    let Some(first) = run.first() else { return vec![] };
    if run.iter().all(|request| request.alert.key.is_none()) {
        return vec![(None, run)];
    }
    let mut backoff = Backoff::default();
    let episodes = loop {
        match parts.intake.episodes(first.service, &first.key).await {
            Ok(episodes) => break episodes,
            // That one of them cannot be read says nothing about the alerts.
            Err(EngineError::Fact(_)) => break vec![],
            Err(fault) => backoff.wait("intake", &fault).await,
        }
    };
    let mut sorted: Vec<(Option<u32>, Vec<Request>)> = vec![];
    for request in run {
        let episode = Intake::episode_with(&episodes, request.own_key());
        match sorted.iter_mut().find(|(other, _)| *other == episode) {
            Some((_, part)) => part.push(request),
            None => sorted.push((episode, vec![request])),
        }
    }
    sorted
}

/// Has an incident take these alerts in, each of them once. Another node, or this one before a crash, may have recorded
/// the command of the first, perhaps for fewer of them: what that took in is left out, and the rest is a command of its
/// own.
async fn take(parts: &Parts, run: &[Request], episode: Option<u32>) -> Vec<Conclusion> {
    let mut rest: Vec<&Request> = run.iter().collect();
    while let Some(first) = rest.first() {
        let metadata = because_of(first);
        let before = match open(parts, &rest, episode, &metadata).await {
            Ok(before) => before,
            Err(refused) => return refused,
        };
        let Some(position) = before else { break };
        let Some(taken) = recorded(parts, position, metadata.command_id).await else { break };
        rest.remove(0);
        rest.retain(|request| !taken.contains(&request.alert.mark()));
    }
    vec![]
}

/// Opens an incident for these alerts, or has them join it. Returns where that was recorded, if it was before, or what is
/// to be said of alerts that were refused.
async fn open(
    parts: &Parts,
    run: &[&Request],
    episode: Option<u32>,
    metadata: &Metadata,
) -> Result<Option<Position>, Vec<Conclusion>> {
    let Some(first) = run.first() else { return Ok(None) };
    let request = || OpenRequest {
        service: first.service,
        key: first.key.clone(),
        title: first.alert.title.clone(),
        details: first.alert.details.clone(),
        severity: run.iter().map(|one| one.alert.severity).max().unwrap_or_default(),
        alerts: run.iter().map(|one| one.alert.clone()).collect(),
        terms: first.terms,
        episode,
    };
    let (span, mut backoff) = (deciding(first), Backoff::default());
    loop {
        match parts.intake.open(request(), metadata).instrument(span.clone()).await {
            Ok(opened) => return Ok(opened.done.events.is_empty().then_some(opened.done.position)),
            Err(CommandError::Rejected(rejection)) => {
                let verdict = match rejection {
                    IncidentRejection::Outdated { .. } => Verdict::Ignored,
                    _ => Verdict::Rejected,
                };
                return Err(refused(run, verdict, &rejection.to_string()));
            }
            Err(CommandError::Fault(fault)) => match futile(&fault) {
                Some(reason) => return Err(refused(run, Verdict::Rejected, &reason)),
                None => backoff.wait("intake", &fault).await,
            },
        }
    }
}

fn refused(run: &[&Request], verdict: Verdict, reason: &str) -> Vec<Conclusion> {
    run.iter().map(|one| one.conclusion(verdict, reason.to_owned(), None)).collect()
}

/// Which alerts a command took in that was recorded at a position; none if it was not recorded there, because it was no
/// news.
async fn recorded(parts: &Parts, position: Position, command: Uuid) -> Option<HashSet<Mark>> {
    let store = parts.engine.store();
    let mut backoff = Backoff::default();
    let history = loop {
        let read = async {
            let found = store.at(&[position]).await?.into_iter().next();
            match found.filter(|event| event.metadata.command_id == command) {
                Some(event) => store.load(&event.stream, 0).await.map(Some),
                None => Ok(None),
            }
        };
        match read.await {
            Ok(history) => break history?,
            Err(fault) => backoff.wait("intake", &fault).await,
        }
    };
    let own = history.iter().filter(|event| event.metadata.command_id == command);
    let facts = own.filter_map(|event| IncidentEvent::decode(&event.kind, &event.payload).ok());
    let alerts = facts.flat_map(|fact| match fact {
        IncidentEvent::Triggered { alerts, .. } | IncidentEvent::AlertsJoined { alerts, .. } => alerts,
        _ => vec![],
    });
    Some(alerts.map(|alert| alert.mark()).collect())
}

/// Why it is of no use to try again, if it is not: waiting makes no history readable, and no event smaller. The other
/// alerts go on.
pub(super) fn futile(fault: &EngineError) -> Option<String> {
    match fault {
        EngineError::Fact(fault) => {
            tracing::error!(%fault, "an incident's history cannot be read: its alerts are rejected");
            metrics::counter!("midwatch_intake_unreadable_total").increment(1);
            Some(format!("the incident's history cannot be read: {fault}"))
        }
        EngineError::Store(fault @ StoreError::Refused(_)) => {
            tracing::error!(%fault, "the log refuses what alerts lead to: they are rejected");
            metrics::counter!("midwatch_intake_refused_total").increment(1);
            Some(format!("it cannot be recorded: {fault}"))
        }
        EngineError::Store(_) | EngineError::Contended { .. } => None,
    }
}

/// Acknowledges or resolves; without an open incident there is nothing to do.
async fn finish(parts: &Parts, request: Request) -> Option<Conclusion> {
    let (span, mut backoff) = (deciding(&request), Backoff::default());
    let (incident, reason) = loop {
        match act(parts, &request).instrument(span.clone()).await {
            Ok(outcome) => break outcome,
            Err(fault) => match futile(&fault) {
                Some(reason) => break (None, Some((Verdict::Rejected, reason))),
                None => backoff.wait("intake", &fault).await,
            },
        }
    };
    let conclusion = reason.map(|(verdict, reason)| request.conclusion(verdict, reason, incident));
    match &request.answer {
        None => conclusion,
        Some(answer) => {
            answer.give(conclusion);
            None
        }
    }
}

/// The incident that was found, and the verdict, unless the incident's own event is the verdict.
type Outcome = (Option<IncidentId>, Option<(Verdict, String)>);

async fn act(parts: &Parts, request: &Request) -> Result<Outcome, EngineError> {
    let ignored = |incident, reason: String| Ok((incident, Some((Verdict::Ignored, reason))));
    let found = match (request.incident, &request.alert.key) {
        (Some(named), _) => Some(named),
        (None, Some(own)) => parts.intake.holding(request.service, &request.key, own).await?,
        (None, None) => parts.intake.current(request.service, &request.key).await?,
    };
    let Some(incident) = found else {
        return ignored(None, "nothing was ever opened for this key".to_owned());
    };
    if let Some(reason) = replays::too_late(parts, request, incident).await? {
        return ignored(Some(incident), reason);
    }
    if let Some(own) = &request.alert.key
        && is_foreign(&parts.engine.load::<Incident>(incident).await?.0, request, own)
    {
        let reason = "the problem is none of those that are open in the group".to_owned();
        return ignored(Some(incident), reason);
    }
    let command = |state: &Incident| saying::command(parts, request, state);
    match parts.engine.execute_made::<Incident>(incident, command, &because_of(request)).await {
        // A command that was recorded before has its verdict, or gets it now if a crash came between.
        Ok(done) if done.events.is_empty() && !done.already => {
            let cited = match &*done.state {
                Incident::Open(open) => open.recent.contains(&request.alert.mark()),
                Incident::Resolved { recent, .. } => recent.contains(&request.alert.mark()),
                Incident::Absent => false,
            };
            // The incident names this delivery already: that is its verdict.
            let reason = (!cited).then(|| "the incident is in that state already".to_owned());
            Ok((Some(incident), reason.map(|reason| (Verdict::Ignored, reason))))
        }
        Ok(_) => Ok((Some(incident), saying::verdict(request.action))),
        Err(CommandError::Rejected(rejection)) => {
            ignored(Some(incident), format!("{rejection} ({})", rejection.code()))
        }
        Err(CommandError::Fault(fault)) => Err(fault),
    }
}

/// Whether what is said of the problem `own` says nothing of the group's incident: nobody takes or calms the problems of
/// others. The incident itself judges what ends a problem; a note is nobody's harm.
fn is_foreign(incident: &Incident, request: &Request, own: &str) -> bool {
    let open = incident.open();
    match request.action {
        AlertAction::Update => !open.is_some_and(|open| open.members.contains(own)),
        AlertAction::Acknowledge | AlertAction::Snooze { .. } | AlertAction::Unacknowledge => open
            .is_some_and(|open| open.members.excludes(own) && !open.recent.contains(&request.alert.mark())),
        AlertAction::Trigger | AlertAction::Resolve | AlertAction::Note => false,
    }
}

/// The part of a message's trace in which it is decided; of several messages, the first one's.
fn deciding(request: &Request) -> Span {
    // Costs nothing while nobody collects traces; logs leave this target out.
    let span = info_span!(target: "midwatch::road", "decide_alert", action = request.action.word());
    if let Some(parent) = &request.cause.metadata.trace {
        commands::trace::continue_trace(&span, parent);
    }
    span
}

/// The same delivery always makes the same command, so that deciding twice records once.
pub(super) fn because_of(request: &Request) -> Metadata {
    // One message may ask for several things of one problem.
    let mut purpose = format!("{:?} {}", request.action, request.key);
    if let Some(own) = &request.alert.key {
        purpose.push(' ');
        purpose.push_str(own);
    }
    if request.answer.is_some() {
        // The same key may be open at several services.
        let _ = write!(purpose, " at {}", request.service);
    }
    let command_id = mint::derived_at(request.cause.recorded_at, replays::origin(&request.cause), &purpose);
    let metadata = Metadata::reacting("intake", command_id, &request.cause);
    Metadata { actor: Actor::Integration { id: request.alert.integration }, ..metadata }
}
