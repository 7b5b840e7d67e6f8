//! Deliveries that are to be decided again.
//!
//! A replay is the message as if it came today: its stored bytes, understood under the configuration that its entrance
//! has by now, service and reading included, because a replay is asked for after those were mended. What was decided
//! before the replay was asked for stays as it is: an incident that took the message in knows it already, whether it
//! is open or long over. Everything else is decided as when a message comes, with command ids that follow from the
//! replay's own event, so that deciding it twice records once.
//!
//! Replays are decided one after the other, in a lane of their own: they wait for the read models to know what
//! happened before them, and new alerts wait for nobody.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use commands::EngineError;
use domain::{
    AlertAction, DeliveryId, Fact, IncidentId, IntegrationId, Subject, Timestamp,
    delivery::{DeliveryEvent, Envelope, Finding, Verdict},
    incident::IncidentEvent,
};
use projections::ReadError;
use store::{Filter, Position, Recorded, StoreError};
use uuid::Uuid;

use super::{BATCH, Conclusion, PATIENCE, Reading, Request, decide, understand};
use crate::{Parts, places::Places, retry::Backoff};

/// The stored name of what asks for a replay.
const KIND: &str = "delivery.replay_requested.v1";
/// Under which name the place in the log of the last replay that is decided is kept.
const CHECKPOINT: &str = "replays";
/// Events of a delivery's timeline that are read at a time.
const PAGE: usize = 500;

/// Whether this event asks for a replay.
pub(super) fn is_replay(event: &Recorded) -> bool {
    *event.kind == *KIND
}

/// What the ids of the commands follow from to which an event of a delivery's stream leads: each replay has its own.
pub(super) fn origin(cause: &Recorded) -> Uuid {
    match cause.stream_uuid() {
        Some(delivery) if !is_replay(cause) => delivery,
        Some(_) | None => cause.id,
    }
}

/// Decides replays for ever. What was under way when a crash came is decided again.
pub(super) async fn follow(parts: &Parts, places: &Places, head: Position) {
    let mut backoff = Backoff::default();
    let after = match places.of(CHECKPOINT).await {
        // Whatever is not decided was found in the read models.
        0 => head,
        position => position,
    };
    let deliveries = Filter::Categories(vec![DeliveryId::CATEGORY]);
    // It passes every delivery, of which almost none asks for a replay.
    let mut tail = parts.engine.store().tail(after, deliveries).gathering();
    loop {
        match tail.next(BATCH).await {
            Ok(batch) => {
                backoff.reset();
                let replays: Vec<_> = batch.events.into_iter().filter(|event| is_replay(event)).collect();
                decide_all(parts, &replays).await;
                // Deciding the same replays again is harmless.
                places.reached(CHECKPOINT, batch.through);
            }
            Err(fault) => backoff.wait("replays", &fault).await,
        }
    }
}

/// Decides replays in the order in which they were asked for.
pub(super) async fn decide_all(parts: &Parts, replays: &[Arc<Recorded>]) {
    for replay in replays {
        while !parts.reads.reach(replay.position, PATIENCE).await
            || !parts.directory.reach(replay.position, PATIENCE).await
        {
            tracing::warn!(position = replay.position, "a replay waits for the read models");
        }
        let mut backoff = Backoff::default();
        let reading = loop {
            match read(parts, replay).await {
                Ok(reading) => break reading,
                Err(fault) => backoff.wait("replays", &fault).await,
            }
        };
        decide(parts, vec![reading]).await;
    }
}

/// What the message means today, less what incidents know of it already.
async fn read(parts: &Parts, replay: &Arc<Recorded>) -> Result<Reading, ReadError> {
    let Ok(DeliveryEvent::ReplayRequested { integration, .. }) =
        DeliveryEvent::decode(&replay.kind, &replay.payload)
    else {
        tracing::error!(position = replay.position, "a replay cannot be read");
        return Ok(Reading::NotForUs);
    };
    let unreadable = || {
        let finding = Finding::whole(Verdict::Rejected, "what was stored of the message cannot be read");
        Reading::Nothing(Conclusion { integration, finding, cause: Arc::clone(replay) })
    };
    let Some((message, received_at)) = as_of_today(parts, replay).await? else {
        return Ok(unreadable());
    };
    let of_this = |conclusion: Conclusion| Conclusion { cause: Arc::clone(replay), ..conclusion };
    let (requests, concluded) = match understand(parts, &message) {
        Reading::Requests(requests, concluded) => (requests, concluded),
        Reading::Nothing(conclusion) => return Ok(Reading::Nothing(of_this(conclusion))),
        Reading::NotForUs => return Ok(unreadable()),
    };
    let mut concluded: Vec<_> = concluded.into_iter().map(of_this).collect();
    let earlier = Earlier::of(parts, replay).await?;
    let mut wanted = vec![];
    for request in requests {
        let request = Request { replayed: Some(received_at), cause: Arc::clone(replay), ..request };
        match earlier.incident(parts, &request).await? {
            Some(incident) => {
                let reason = "the incident knows this delivery already".to_owned();
                concluded.push(request.conclusion(Verdict::Ignored, reason, Some(incident)));
            }
            None => wanted.push(request),
        }
    }
    Ok(Reading::Requests(wanted, concluded))
}

/// The event that the message would be recorded as if it came today, and when it came.
async fn as_of_today(
    parts: &Parts,
    replay: &Arc<Recorded>,
) -> Result<Option<(Arc<Recorded>, Timestamp)>, ReadError> {
    let history = parts.engine.store().load(&replay.stream, 0).await?;
    let first = history.first().and_then(|event| DeliveryEvent::decode(&event.kind, &event.payload).ok());
    let Some(mut message) = first else { return Ok(None) };
    let DeliveryEvent::Received { integration, service, envelope, at, .. } = &mut message else {
        return Ok(None);
    };
    let directory = parts.directory.now();
    if let Some(entrance) = entrance_of(&directory, *integration) {
        *service = entrance.service;
        *envelope = Envelope { reading: entrance.reading, ..std::mem::take(envelope) };
    }
    let at = *at;
    let (kind, payload) = message.encode();
    let message = Recorded { kind: kind.into(), payload: payload.into(), ..Recorded::clone(replay) };
    Ok(Some((Arc::new(message), at)))
}

fn entrance_of(
    directory: &commands::Directory,
    integration: IntegrationId,
) -> Option<&domain::integration::Entrance> {
    directory.integrations.get(&integration)?.entrance.as_ref()
}

/// What became of a delivery before its replay was asked for. The log before a position never changes, so that asking
/// again after a crash gives the same answer.
struct Earlier {
    /// What was done to which incidents.
    done: HashMap<AlertAction, HashSet<IncidentId>>,
}

impl Earlier {
    async fn of(parts: &Parts, replay: &Recorded) -> Result<Self, ReadError> {
        let mut earlier = Self { done: HashMap::new() };
        let Some(delivery) = replay.stream_uuid().map(DeliveryId::new) else { return Ok(earlier) };
        let (subject, mut after) = (Subject::from(delivery), None);
        loop {
            let slice = parts.reads.timeline(&subject, PAGE, after.as_deref()).await?;
            for (place, event) in slice.items {
                if event.position >= replay.position {
                    return Ok(earlier);
                }
                earlier.note(&event);
                after = Some(place);
            }
            if !slice.has_next {
                return Ok(earlier);
            }
        }
    }

    fn note(&mut self, event: &Recorded) {
        let incident = event.stream_uuid().map(IncidentId::new);
        let done: (&[AlertAction], _) = match event.category() {
            IncidentId::CATEGORY => match IncidentEvent::decode(&event.kind, &event.payload) {
                Ok(IncidentEvent::Triggered { .. } | IncidentEvent::AlertsJoined { .. }) => {
                    (&[AlertAction::Trigger, AlertAction::Update], incident)
                }
                Ok(IncidentEvent::Acknowledged { .. }) => (&[AlertAction::Acknowledge], incident),
                Ok(IncidentEvent::Snoozed { until, .. }) => {
                    self.done.entry(AlertAction::Snooze { until }).or_default().extend(incident);
                    return;
                }
                Ok(IncidentEvent::Resolved { .. } | IncidentEvent::AlertEnded { .. }) => {
                    (&[AlertAction::Resolve], incident)
                }
                Ok(_) | Err(_) => return,
            },
            DeliveryId::CATEGORY => match DeliveryEvent::decode(&event.kind, &event.payload) {
                Ok(DeliveryEvent::Concluded { verdict: Verdict::Recorded, incident, .. }) => {
                    (&[AlertAction::Note, AlertAction::Unacknowledge], incident)
                }
                Ok(_) | Err(_) => return,
            },
            _ => return,
        };
        let (actions, Some(incident)) = done else { return };
        for action in actions {
            self.done.entry(*action).or_default().insert(incident);
        }
    }

    /// The incident of the request's own problem that this was done to, in whatever episode.
    async fn incident(&self, parts: &Parts, request: &Request) -> Result<Option<IncidentId>, ReadError> {
        let Some(done) = self.done.get(&request.action) else { return Ok(None) };
        if let Some(named) = request.incident.filter(|named| done.contains(named)) {
            return Ok(Some(named));
        }
        let latest = parts.reads.latest_episode(request.service, &request.key).await?.unwrap_or(0);
        let of = |episode| IncidentId::of_episode(request.service, &request.key, episode);
        Ok((1..=latest).map(of).find(|incident| done.contains(incident)))
    }
}

/// Why a message that is decided again does not end or calm an incident: an old message says nothing of a problem that
/// began after it. What began a problem is when its first message came, which may have been replayed as well.
pub(super) async fn too_late(
    parts: &Parts,
    request: &Request,
    incident: IncidentId,
) -> Result<Option<String>, EngineError> {
    let Some(received_at) = request.replayed else { return Ok(None) };
    match request.action {
        AlertAction::Acknowledge
        | AlertAction::Snooze { .. }
        | AlertAction::Resolve
        | AlertAction::Unacknowledge => {}
        AlertAction::Trigger | AlertAction::Update | AlertAction::Note => return Ok(None),
    }
    let history = parts.engine.store().load(&domain::AggregateId::stream(incident), 0).await?;
    let Some(first) = history.first() else { return Ok(None) };
    let IncidentEvent::Triggered { alerts, at, .. } = IncidentEvent::decode(&first.kind, &first.payload)?
    else {
        return Ok(None);
    };
    let began = match alerts.first() {
        Some(alert) => {
            parts.reads.delivery(alert.delivery).await.map_err(unavailable)?.map(|it| it.received_at)
        }
        None => None,
    };
    let is_older = received_at < began.unwrap_or(at);
    Ok(is_older.then(|| "the incident began after this message came".to_owned()))
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn unavailable(fault: ReadError) -> EngineError {
    EngineError::Store(StoreError::Unavailable(fault.to_string().into()))
}
