//! From deliveries to incidents: every stored delivery ends in one verdict.
//!
//! After a start, deliveries that a crash left without a verdict come first, in the order of the
//! log; then new ones as they are stored. Alerts of one problem are decided in order and together,
//! different problems side by side. What is to be decided again has a lane of its own.

mod answers;
mod concluding;
mod dropping;
mod earlier;
mod joins;
mod latency;
mod naming;
mod recovery;
mod rehearsal;
mod replays;
mod saying;
mod seeking;
mod settling;
#[cfg(test)]
mod tests;
mod understanding;
mod warnings;
mod whereabouts;

use std::{
    collections::{HashMap, HashSet},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::{
    Alert, AlertAction, DeliveryId, IncidentId, ServiceId,
    delivery::{Finding, Verdict},
    incident::Terms,
};
use futures::{StreamExt, stream};
use store::{Filter, Position, Recorded};
use tokio::time::{Instant, sleep_until};

pub use self::whereabouts::Whereabouts;
use self::{
    answers::Answer,
    concluding::{Conclusion, conclude},
    joins::{Joins, Key},
    latency::Latency,
    seeking::{Seeker, Sent},
    settling::settle,
    understanding::{Reading, understand},
};
use crate::{Parts, places::Places, retry::Backoff};

/// Deliveries decided together.
const BATCH: usize = 2048;
/// Problems decided side by side.
const AT_ONCE: usize = 512;
/// How long the read models may take to catch up before new deliveries are taken regardless.
const PATIENCE: Duration = Duration::from_secs(10);

/// Under which name the intake's place in the log is kept.
const CHECKPOINT: &str = "intake";

/// Decides deliveries for ever.
///
/// First what a crash left: deliveries without a verdict, and then those behind the checkpoint that ask for several
/// things, of which some may be undecided although others are not. Deciding twice records once.
pub(crate) async fn run(parts: Parts, places: Places) {
    let head = parts.engine.store().head();
    let checkpoint = match places.of(CHECKPOINT).await {
        // A log from before there was a checkpoint.
        0 => head,
        position => position,
    };
    seeking::begin(&parts, head);
    let recovered = AtomicBool::new(false);
    configured(&parts, head).await;
    if parts.reads.reach(head, PATIENCE).await {
        recovery::recover(&parts, head).await;
        recovery::complete(&parts, checkpoint, head).await;
        places.reached(CHECKPOINT, head);
        recovered.store(true, Ordering::Relaxed);
        tokio::join!(follow(&parts, &places, head, &recovered), replays::follow(&parts, &places, head));
    } else {
        // New alerts do not wait for old ones that may long be decided.
        tracing::error!("the read models lag behind: deliveries from before the start are decided later");
        let late = async {
            while !parts.reads.reach(head, PATIENCE).await {}
            recovery::recover(&parts, head).await;
            recovery::complete(&parts, checkpoint, head).await;
            recovered.store(true, Ordering::Relaxed);
            replays::follow(&parts, &places, head).await;
        };
        tokio::join!(late, follow(&parts, &places, head, &recovered));
    }
}

/// Decides deliveries as they are stored.
///
/// In the order of the log, whoever sent them: nobody is favoured here, and nobody need be. What one integration can put
/// before another's message is bounded at the edge. It takes no more than its rate limit, which is below what is decided
/// in a second, and its burst waits there while this follower is half of what the log remembers behind (`commands::Pace`),
/// so that a message which is stored finds some thousand events before it at most: two or three batches.
async fn follow(parts: &Parts, places: &Places, after: Position, recovered: &AtomicBool) {
    let deliveries = Filter::Categories(vec![DeliveryId::CATEGORY]);
    let mut tail = parts.engine.store().tail(after, deliveries).gathering();
    let (mut joins, mut backoff) = (Joins::default(), Backoff::default());
    let follower = parts.pace.follow("intake", after);
    loop {
        // One look into the log, however much of what was held is decided meanwhile.
        let mut next = pin!(tail.next(BATCH));
        let batch = loop {
            // In no fixed order: neither what was held nor what is new waits until there is none of the other.
            tokio::select! {
                () = reached(joins.ripe_at()) => {
                    settle_all(parts, joins.ripe(Instant::now()), vec![]).await;
                }
                batch = &mut next => break batch,
            }
        };
        match batch {
            Ok(batch) => {
                backoff.reset();
                configured(parts, batch.through).await;
                let readings: Vec<_> = batch.events.iter().map(|event| understand(parts, event)).collect();
                let deliveries =
                    readings.iter().filter(|reading| !matches!(reading, Reading::NotForUs)).count();
                let (problems, conclusions) = sort(parts, readings).await;
                let is_open = |(service, key): &Key| parts.intake.is_open(*service, key);
                let problems = joins.admit(problems, deliveries, Instant::now(), is_open);
                settle_all(parts, problems, conclusions).await;
                follower.reached(batch.through);
                // Until all before it is decided, a crash must find the place that it was read from.
                if recovered.load(Ordering::Relaxed) {
                    let decided = joins.oldest().map_or(batch.through, |oldest| oldest.saturating_sub(1));
                    // Deciding the same deliveries again is harmless.
                    places.reached(CHECKPOINT, decided);
                }
            }
            Err(fault) => backoff.wait("intake", &fault).await,
        }
    }
}

/// Waits until the directory knows what the log says before the messages up to a position. Another node may have answered
/// for a change of the configuration a moment ago; a message that came after it is decided under it. The directory
/// follows the log on this node and is there already, as a rule. Where it cannot follow, late is better than never.
async fn configured(parts: &Parts, position: Position) {
    if !parts.directory.reach(position, PATIENCE).await {
        tracing::error!(position, "the directory lags behind: messages are decided under what it knows");
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
#[derive(Clone)]
struct Request {
    service: ServiceId,
    action: AlertAction,
    key: String,
    /// The incident, if the message names one in place of a key: open or over, it is this one and no other.
    incident: Option<IncidentId>,
    alert: Alert,
    terms: Terms,
    /// Whether a rule drops it, unless it says something of a problem that is open.
    dropped: bool,
    /// What it is a part of, if it went to several places.
    answer: Option<Answer>,
    /// Where in the log the message came, if what came after it may be decided already.
    belated: Option<Position>,
    cause: Arc<Recorded>,
}

impl Request {
    /// What tells its problem from others, also those that it is grouped with.
    fn own_key(&self) -> &str {
        self.alert.key.as_deref().unwrap_or(&self.key)
    }

    /// Bytes of its words.
    fn weight(&self) -> usize {
        let Alert { title, details, links, images, labels, remarks, .. } = &self.alert;
        let Alert { unknown_severity, source, component, key, rule, .. } = &self.alert;
        let optional = [details, unknown_severity, source, component, key, rule].into_iter().flatten();
        let texts: usize = optional.chain(remarks).map(String::len).sum();
        let links: usize = links.iter().chain(images).map(|link| link.href.len() + link.text.len()).sum();
        let labels: usize = labels.iter().map(|(name, value)| name.len() + value.len()).sum();
        title.len() + texts + links + labels
    }

    /// What is said of it, where it leads to nothing.
    fn conclusion(&self, verdict: Verdict, reason: String, incident: Option<IncidentId>) -> Conclusion {
        let (rule, problems) = (self.alert.rule.clone(), vec![self.own_key().to_owned()]);
        let finding = Finding { verdict, reason, rule, incident, problems };
        Conclusion { integration: self.alert.integration, finding, cause: Arc::clone(&self.cause) }
    }
}

/// What several deliveries in a row ask of one problem.
type Problem = Vec<Request>;

async fn decide(parts: &Parts, readings: Vec<Reading>) {
    let (problems, conclusions) = sort(parts, readings).await;
    settle_all(parts, problems, conclusions).await;
}

/// What deliveries ask for, by problem, and what is to be said of what leads to nothing.
async fn sort(parts: &Parts, readings: Vec<Reading>) -> (Vec<Problem>, Vec<Conclusion>) {
    let mut problems: Vec<Problem> = vec![];
    let mut index: HashMap<Key, usize> = HashMap::new();
    let mut conclusions = vec![];
    let seeker = Seeker::of(parts, &readings).await;
    for reading in readings {
        match reading {
            Reading::Requests(requests, concluded) => {
                conclusions.extend(concluded);
                let (requests, outdone) = unanimous(requests);
                conclusions.extend(outdone);
                let (mut sent, mut dropped) = (vec![], vec![]);
                for request in requests {
                    let request = match naming::found(parts, request).await {
                        Ok(request) => request,
                        Err(conclusion) => {
                            conclusions.push(conclusion);
                            continue;
                        }
                    };
                    match seeker.send(parts, request) {
                        Sent::There(request) => sent.push(request),
                        Sent::ToEach(requests) => sent.extend(requests),
                        Sent::Dropped(request) => dropped.push(request),
                    }
                }
                conclusions.extend(dropping::conclusions(&dropped));
                for request in sent {
                    let slot = *index.entry((request.service, request.key.clone())).or_insert_with(|| {
                        problems.push(vec![]);
                        problems.len() - 1
                    });
                    problems[slot].push(request);
                }
            }
            Reading::Rehearsal(requests, concluded) => {
                conclusions.extend(concluded);
                conclusions.extend(rehearsal::told(parts, requests).await);
            }
            Reading::Nothing(conclusion) => conclusions.push(conclusion),
            Reading::NotForUs => {}
        }
    }
    warnings::note_unknown_severities(parts, &problems).await;
    (problems, conclusions)
}

/// One message that says of one problem both that it is there and that it is taken or over: it is there, and that is
/// said of the rest.
fn unanimous(requests: Vec<Request>) -> (Vec<Request>, Vec<Conclusion>) {
    if requests.len() < 2 {
        return (requests, vec![]);
    }
    let firing: HashSet<String> = requests
        .iter()
        .filter(|request| request.action == AlertAction::Trigger && !request.dropped)
        .map(|request| request.own_key().to_owned())
        .collect();
    let (outdone, stands): (Vec<_>, Vec<_>) = requests.into_iter().partition(|request| {
        let quiets = matches!(
            request.action,
            AlertAction::Acknowledge | AlertAction::Snooze { .. } | AlertAction::Resolve
        );
        quiets && request.incident.is_none() && firing.contains(request.own_key())
    });
    let outdone = outdone.iter().map(|request| {
        let reason = "the same message says that the problem is there".to_owned();
        request.conclusion(Verdict::Ignored, reason, None)
    });
    (stands, outdone.collect())
}

/// Decides problems side by side, and then says what led to nothing, in the order of the messages' alerts.
async fn settle_all(parts: &Parts, problems: Vec<Problem>, mut conclusions: Vec<Conclusion>) {
    let latency = Latency::of(&problems, &conclusions);
    let answers: Vec<_> = problems.iter().flatten().filter_map(|request| request.answer.clone()).collect();
    let settling = problems.into_iter().enumerate();
    let settling = settling.map(|(place, problem)| async move { (place, settle(parts, problem).await) });
    let mut settled: Vec<_> = stream::iter(settling).buffer_unordered(AT_ONCE).collect().await;
    settled.sort_unstable_by_key(|(place, _)| *place);
    conclusions.extend(settled.into_iter().flat_map(|(_, said)| said));
    conclusions.extend(answers.iter().flat_map(|answer| answer.of.take()));
    conclude(parts, conclusions).await;
    latency.record(parts.engine.now());
}
