//! From deliveries to incidents: every stored delivery ends in one verdict.
//!
//! After a start, deliveries that a crash left without a verdict come first, in the order of the
//! log; then new ones as they are stored. Alerts of one problem are decided in order and together,
//! different problems side by side. What is to be decided again has a lane of its own.

mod joins;
mod recovery;
mod rehearsal;
mod replays;
mod saying;
#[cfg(test)]
mod tests;
mod warnings;

use std::{
    collections::{HashMap, HashSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use commands::{CommandError, Directory, EngineError, MetadataExt, OpenRequest, mint};
use domain::{
    Actor, Alert, AlertAction, DeliveryId, Fact, FactError, IncidentId, IntegrationId, Meaning, Rejection,
    ServiceId, Severity, Timestamp, Translated,
    delivery::{Delivery, DeliveryCommand, DeliveryEvent, RawBody, Test, Verdict},
    incident::{Incident, IncidentEvent, IncidentRejection, Merging, Terms},
    integration::{Handling, Ruling},
};
use futures::{StreamExt, stream};
use store::{Filter, Metadata, Position, Recorded};
use tokio::time::{Instant, sleep_until};

use self::joins::{Joins, Key};
use crate::{Parts, parts::Message, retry::Backoff};

/// Deliveries decided together.
const BATCH: usize = 2048;
/// Problems decided side by side.
const AT_ONCE: usize = 512;
/// So many deliveries at once mean that there is a load.
const LOAD: usize = 64;
/// Alerts that one event takes in, and bytes of them: a payload has an end.
const RUN: (usize, usize) = (64, 256 * 1024);
/// How long the read models may take to catch up before new deliveries are taken regardless.
const PATIENCE: Duration = Duration::from_secs(10);

/// Under which name the intake's place in the log is kept.
const CHECKPOINT: &str = "intake";

/// Decides deliveries for ever.
///
/// First what a crash left: deliveries without a verdict, and then those behind the checkpoint that ask for several
/// things, of which some may be undecided although others are not. Deciding twice records once.
pub(crate) async fn run(parts: Parts) {
    let head = parts.engine.store().head();
    let mut backoff = Backoff::default();
    let checkpoint = loop {
        match parts.reads.checkpoint(CHECKPOINT).await {
            // A log from before there was a checkpoint.
            Ok(0) => break head,
            Ok(position) => break position.min(head),
            Err(fault) => backoff.wait("intake", &fault).await,
        }
    };
    if parts.reads.reach(head, PATIENCE).await {
        recovery::recover(&parts, head).await;
        recovery::complete(&parts, checkpoint, head).await;
        tokio::join!(follow(&parts, head), replays::follow(&parts, head));
    } else {
        // New alerts do not wait for old ones that may long be decided.
        tracing::error!("the read models lag behind: deliveries from before the start are decided later");
        let late = async {
            while !parts.reads.reach(head, PATIENCE).await {}
            recovery::recover(&parts, head).await;
            recovery::complete(&parts, checkpoint, head).await;
            replays::follow(&parts, head).await;
        };
        tokio::join!(late, follow(&parts, head));
    }
}

/// Decides deliveries as they are stored.
///
/// In the order of the log, whoever sent them: nobody is favoured here, and nobody need be. What one integration can put
/// before another's message is bounded at the edge. It takes no more than its rate limit, which is below what is decided
/// in a second, and its burst waits there while this follower is half of what the log remembers behind (`commands::Pace`),
/// so that a message which is stored finds some thousand events before it at most: two or three batches.
async fn follow(parts: &Parts, after: Position) {
    let deliveries = Filter::Categories(vec![DeliveryId::CATEGORY]);
    let mut tail = parts.engine.store().tail(after, deliveries).gathering();
    let (mut joins, mut backoff) = (Joins::default(), Backoff::default());
    let follower = parts.pace.follow("intake", after);
    loop {
        let batch = tokio::select! {
            biased;
            () = reached(joins.ripe_at()) => {
                settle_all(parts, joins.ripe(Instant::now()), vec![]).await;
                continue;
            }
            batch = tail.next(BATCH) => batch,
        };
        match batch {
            Ok(batch) => {
                backoff.reset();
                let readings = batch.events.iter().map(|event| understand(parts, event)).collect();
                let (problems, hopeless) = sort(parts, readings).await;
                let is_open = |(service, key): &Key| parts.intake.is_open(*service, key);
                let problems = joins.admit(problems, batch.events.len() >= LOAD, Instant::now(), is_open);
                settle_all(parts, problems, hopeless).await;
                follower.reached(batch.through);
                let decided = joins.oldest().map_or(batch.through, |oldest| oldest.saturating_sub(1));
                if let Err(fault) = parts.reads.set_checkpoint(CHECKPOINT, decided).await {
                    // Deciding the same deliveries again is harmless.
                    tracing::warn!(%fault, "the intake's place in the log could not be kept");
                }
            }
            Err(fault) => backoff.wait("intake", &fault).await,
        }
    }
}

/// Waits until an instant; for ever if there is none.
async fn reached(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// One thing that one delivery asks for.
struct Request {
    service: ServiceId,
    action: AlertAction,
    key: String,
    /// The incident, if the message names one in place of a key.
    incident: Option<IncidentId>,
    alert: Alert,
    terms: Terms,
    /// When the message came, if it is decided again.
    replayed: Option<Timestamp>,
    cause: Arc<Recorded>,
}

/// What several deliveries in a row ask of one problem.
type Problem = Vec<Request>;

async fn decide(parts: &Parts, readings: Vec<Reading>) {
    let (problems, hopeless) = sort(parts, readings).await;
    settle_all(parts, problems, hopeless).await;
}

/// What deliveries ask for, by problem, and what is to be said of those that ask for nothing.
async fn sort(parts: &Parts, readings: Vec<Reading>) -> (Vec<Problem>, Vec<Conclusion>) {
    let mut problems: Vec<Problem> = vec![];
    let mut index: HashMap<Key, usize> = HashMap::new();
    let mut hopeless = vec![];
    for reading in readings {
        match reading {
            Reading::Requests(requests, dropped) => {
                hopeless.extend(dropped);
                for mut request in unanimous(requests) {
                    if let Some(named) = request.incident {
                        // What names the incident belongs among what names its key, in the order in which it came.
                        request.key = key_of(parts, named).await.unwrap_or(request.key);
                    }
                    let slot = *index.entry((request.service, request.key.clone())).or_insert_with(|| {
                        problems.push(vec![]);
                        problems.len() - 1
                    });
                    problems[slot].push(request);
                }
            }
            Reading::Nothing(conclusion) => hopeless.push(conclusion),
            Reading::NotForUs => {}
        }
    }
    warnings::note_unknown_severities(parts, &problems).await;
    (problems, hopeless)
}

/// One message that says of one problem both that it is there and that it is taken or over: it is there.
fn unanimous(mut requests: Vec<Request>) -> Vec<Request> {
    if requests.len() > 1 {
        let firing: HashSet<String> = requests
            .iter()
            .filter(|request| request.action == AlertAction::Trigger)
            .map(|request| request.own_key().to_owned())
            .collect();
        requests.retain(|request| {
            let quiets = matches!(request.action, AlertAction::Acknowledge | AlertAction::Resolve);
            !quiets || request.incident.is_some() || !firing.contains(request.own_key())
        });
    }
    requests
}

/// The key of the incident that a message names, if there is such an incident.
async fn key_of(parts: &Parts, named: IncidentId) -> Option<String> {
    let history = parts.engine.store().load(&named.stream(), 0).await.ok()?;
    let first = history.first()?;
    match IncidentEvent::decode(&first.kind, &first.payload) {
        Ok(IncidentEvent::Triggered { key, .. }) => Some(key),
        Ok(_) | Err(_) => None,
    }
}

/// Decides problems side by side.
async fn settle_all(parts: &Parts, problems: Vec<Problem>, hopeless: Vec<Conclusion>) {
    stream::iter(problems).for_each_concurrent(AT_ONCE, |problem| settle(parts, problem)).await;
    stream::iter(hopeless).for_each_concurrent(AT_ONCE, |conclusion| conclude(parts, conclusion)).await;
}

/// What an event of a delivery's stream means to us.
enum Reading {
    /// What it asks for, and what is to be said if rules drop all or some of it.
    Requests(Vec<Request>, Option<Conclusion>),
    Nothing(Conclusion),
    NotForUs,
}

struct Conclusion {
    integration: IntegrationId,
    verdict: Verdict,
    reason: String,
    incident: Option<IncidentId>,
    cause: Arc<Recorded>,
}

fn understand(parts: &Parts, event: &Arc<Recorded>) -> Reading {
    let (Some(delivery), Ok(fact)) =
        (event.stream_uuid().map(DeliveryId::new), DeliveryEvent::decode(&event.kind, &event.payload))
    else {
        tracing::error!(position = event.position, kind = %event.kind, "a delivery's event cannot be read");
        metrics::counter!("midwatch_intake_unreadable_total").increment(1);
        return Reading::NotForUs;
    };
    let DeliveryEvent::Received { integration, format, service, body, envelope, at, .. } = fact else {
        return Reading::NotForUs;
    };
    let bytes = match body {
        RawBody::Text(text) => text.into_bytes(),
        RawBody::Base64(text) => STANDARD.decode(text).unwrap_or_default(),
    };
    let nothing = |verdict, reason| {
        Reading::Nothing(Conclusion {
            integration,
            verdict,
            reason,
            incident: None,
            cause: Arc::clone(event),
        })
    };
    let directory = parts.directory.now();
    let entrance = directory.integrations.get(&integration).and_then(|known| known.entrance.as_ref());
    let handling = entrance.map_or_else(Handling::default, |entrance| entrance.handling.clone());
    let again = event.version > 1;
    let message = Message { format, envelope: &envelope, body: &bytes, delivery, again };
    // Doubt pages: a translator that fails is our fault, not the sender's, who was told 2xx or 500.
    let translated = catch_unwind(AssertUnwindSafe(|| (parts.translate)(message, &handling)))
        .unwrap_or_else(|_| Ok(unintelligible(&bytes).into()));
    let translated = match translated {
        Err(reason) => return nothing(Verdict::Rejected, reason),
        Ok(Meaning::Nothing { verdict, reason }) => return nothing(verdict, reason),
        Ok(Meaning::Alerts(translated)) if translated.is_empty() => {
            return nothing(Verdict::Ignored, "the message asks for nothing".to_owned());
        }
        Ok(Meaning::Alerts(translated)) => translated,
    };
    if envelope.test == Some(Test::Silent) {
        return nothing(Verdict::Recorded, rehearsal::told(parts, service, translated));
    }
    let (dropped, taken): (Vec<_>, Vec<_>) = translated.into_iter().partition(|one| one.ruling.dropped);
    let dropped = dropping(&dropped).map(|reason| Conclusion {
        integration,
        verdict: Verdict::Suppressed,
        reason,
        incident: None,
        cause: Arc::clone(event),
    });
    let requests = taken.into_iter().map(|mut one| {
        let service = service_of(&directory, service, &mut one);
        request(one, handling.merging, service, delivery, integration, at, event)
    });
    Reading::Requests(requests.collect(), dropped)
}

/// What an alert is about: what its rule says, or else what it names itself, or else its integration's.
fn service_of(directory: &Directory, usual: ServiceId, alert: &mut Translated) -> ServiceId {
    if let Some(chosen) = alert.ruling.service {
        return chosen;
    }
    let Some(named) = &alert.routing_key else { return usual };
    directory.service_by_routing_key(named).unwrap_or_else(|| {
        alert.ruling.remarks.push(format!("no service has the routing key `{named}`"));
        usual
    })
}

/// What is to be said of alerts that rules drop.
fn dropping(dropped: &[Translated]) -> Option<String> {
    let rule = dropped.first()?.ruling.rule.as_deref().unwrap_or_default();
    Some(match dropped {
        [one] => format!("the rule `{rule}` drops “{}”", one.title.chars().take(100).collect::<String>()),
        many => format!("rules such as `{rule}` drop {} alerts", many.len()),
    })
}

fn request(
    mut translated: Translated,
    merging: Merging,
    service: ServiceId,
    delivery: DeliveryId,
    integration: IntegrationId,
    at: Timestamp,
    event: &Arc<Recorded>,
) -> Request {
    let (action, incident) = (translated.action, translated.incident);
    let key = std::mem::take(&mut translated.key);
    let Ruling { hold, window_seconds, resolve_after_seconds, .. } = translated.ruling;
    let terms = Terms { hold, window_seconds, resolve_after_seconds, merging };
    let alert = translated.received(delivery, integration, at);
    Request { service, action, key, incident, alert, terms, replayed: None, cause: Arc::clone(event) }
}

fn unintelligible(bytes: &[u8]) -> Translated {
    metrics::counter!("midwatch_intake_translator_failures_total").increment(1);
    tracing::error!("a translator failed: the alert pages as it is");
    Translated {
        key: "midwatch:unintelligible".to_owned(),
        title: "An alert could not be understood".to_owned(),
        details: Some(String::from_utf8_lossy(bytes).chars().take(Alert::MAX_DETAILS).collect()),
        severity: Severity::High,
        ..Translated::default()
    }
}

/// Decides what is asked of one problem, in order; triggers in a row together.
async fn settle(parts: &Parts, problem: Problem) {
    let mut rest = problem.into_iter().peekable();
    while let Some(first) = rest.next() {
        if first.action != AlertAction::Trigger {
            finish(parts, first).await;
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
        trigger(parts, &run).await;
    }
}

async fn trigger(parts: &Parts, run: &[Request]) {
    // An incident shows what the first of several alerts says, and the worst severity. Where something else was chosen,
    // it is what joins that changes it: the others join, as they would if they had come a moment later.
    let together = run.first().is_some_and(|first| first.terms.merging.is_usual());
    let (opening, joining) = run.split_at(if together { run.len() } else { run.len().min(1) });
    for part in [opening, joining] {
        if !open(parts, part).await {
            // Another node, or this one before a crash, decided the first of them by itself.
            for request in part {
                open(parts, std::slice::from_ref(request)).await;
            }
        }
    }
}

/// Opens an incident for these alerts, or has them join it. False if their command was recorded before, perhaps for
/// fewer of them.
async fn open(parts: &Parts, run: &[Request]) -> bool {
    let Some(first) = run.first() else { return true };
    let metadata = because_of(first);
    let request = OpenRequest {
        service: first.service,
        key: first.key.clone(),
        title: first.alert.title.clone(),
        details: first.alert.details.clone(),
        severity: run.iter().map(|one| one.alert.severity).max().unwrap_or_default(),
        alerts: run.iter().map(|one| one.alert.clone()).collect(),
        terms: first.terms,
    };
    let mut backoff = Backoff::default();
    loop {
        match parts.intake.open(&request, &metadata).await {
            Ok(opened) => return run.len() == 1 || !opened.done.events.is_empty(),
            Err(CommandError::Rejected(rejection)) => {
                let verdict = match rejection {
                    IncidentRejection::Outdated { .. } => Verdict::Ignored,
                    _ => Verdict::Rejected,
                };
                for one in run {
                    conclude(parts, one.conclusion(verdict, rejection.to_string(), None)).await;
                }
                return true;
            }
            Err(CommandError::Fault(EngineError::Fact(fault))) => {
                for one in run {
                    conclude(parts, one.conclusion(Verdict::Rejected, unreadable(&fault), None)).await;
                }
                return true;
            }
            Err(CommandError::Fault(fault)) => backoff.wait("intake", &fault).await,
        }
    }
}

/// Waiting does not make a history readable; the other alerts go on.
fn unreadable(fault: &FactError) -> String {
    tracing::error!(%fault, "an incident's history cannot be read: its alerts are rejected");
    metrics::counter!("midwatch_intake_unreadable_total").increment(1);
    format!("the incident's history cannot be read: {fault}")
}

/// Acknowledges or resolves; without an open incident there is nothing to do.
async fn finish(parts: &Parts, request: Request) {
    let mut backoff = Backoff::default();
    let (incident, reason) = loop {
        match act(parts, &request).await {
            Ok(outcome) => break outcome,
            Err(EngineError::Fact(fault)) => break (None, Some((Verdict::Ignored, unreadable(&fault)))),
            Err(fault) => backoff.wait("intake", &fault).await,
        }
    };
    if let Some((verdict, reason)) = reason {
        conclude(parts, request.conclusion(verdict, reason, incident)).await;
    }
}

/// The incident that was found, and the verdict, unless the incident's own event is the verdict.
type Outcome = (Option<IncidentId>, Option<(Verdict, String)>);

async fn act(parts: &Parts, request: &Request) -> Result<Outcome, EngineError> {
    let ignored = |incident, reason: String| Ok((incident, Some((Verdict::Ignored, reason))));
    let named = match request.incident {
        Some(named) => named_incident(parts, request.service, named).await?,
        None => None,
    };
    // A key may look like an id.
    let found = match (named, &request.alert.key) {
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
    let command = saying::command(parts, request, incident).await?;
    match parts.engine.execute::<Incident>(incident, &command, &because_of(request)).await {
        Ok(done) if done.events.is_empty() => {
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

/// The incident that a message names by its id, if it is an open one of the entrance's own service: a key opens
/// nothing of other services.
async fn named_incident(
    parts: &Parts,
    service: ServiceId,
    named: IncidentId,
) -> Result<Option<IncidentId>, EngineError> {
    let (state, _) = parts.engine.load::<Incident>(named).await?;
    Ok(state.open().filter(|open| open.service == service).map(|_| named))
}

/// The same delivery always makes the same command, so that deciding twice records once.
fn because_of(request: &Request) -> Metadata {
    // One message may ask for several things of one problem.
    let mut purpose = format!("{:?} {}", request.action, request.key);
    if let Some(own) = &request.alert.key {
        purpose.push(' ');
        purpose.push_str(own);
    }
    let command_id = mint::derived_at(request.cause.recorded_at, replays::origin(&request.cause), &purpose);
    let metadata = Metadata::reacting("intake", command_id, &request.cause);
    Metadata { actor: Actor::Integration { id: request.alert.integration }, ..metadata }
}

impl Request {
    /// What tells its problem from others, also those that it is grouped with.
    fn own_key(&self) -> &str {
        self.alert.key.as_deref().unwrap_or(&self.key)
    }

    /// Bytes of its words.
    fn weight(&self) -> usize {
        let Alert { title, details, links, images, labels, .. } = &self.alert;
        let links: usize = links.iter().chain(images).map(|link| link.href.len() + link.text.len()).sum();
        let labels: usize = labels.iter().map(|(name, value)| name.len() + value.len()).sum();
        title.len() + details.as_ref().map_or(0, String::len) + links + labels
    }

    fn conclusion(&self, verdict: Verdict, reason: String, incident: Option<IncidentId>) -> Conclusion {
        let integration = self.alert.integration;
        Conclusion { integration, verdict, reason, incident, cause: Arc::clone(&self.cause) }
    }
}

async fn conclude(parts: &Parts, conclusion: Conclusion) {
    let Some(delivery) = conclusion.cause.stream_uuid().map(DeliveryId::new) else { return };
    let Conclusion { integration, verdict, reason, incident, cause } = conclusion;
    let command_id = mint::derived_at(cause.recorded_at, replays::origin(&cause), "conclude");
    let metadata = Metadata::reacting("intake", command_id, &cause);
    let at = parts.engine.now();
    let command = DeliveryCommand::ConcludeDelivery { integration, verdict, reason, incident, at };
    let mut backoff = Backoff::default();
    loop {
        match parts.engine.execute::<Delivery>(delivery, &command, &metadata).await {
            Ok(_) => return,
            Err(CommandError::Rejected(rejection)) => {
                tracing::error!(%delivery, %rejection, "a delivery could not be concluded");
                return;
            }
            Err(CommandError::Fault(fault)) => backoff.wait("intake", &fault).await,
        }
    }
}
