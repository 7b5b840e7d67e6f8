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

use std::sync::Arc;

use commands::EngineError;
use domain::{
    AlertAction, DeliveryId, Fact, FactError, IncidentId, IntegrationId,
    delivery::{DeliveryEvent, Envelope, Finding, Verdict},
    incident::IncidentEvent,
};
use projections::ReadError;
use store::{Filter, Position, Recorded, StoreError};
use uuid::Uuid;

use super::{BATCH, Conclusion, PATIENCE, Reading, Request, decide, earlier::Earlier, understand};
use crate::{Parts, places::Places, retry::Backoff};

/// The stored name of what asks for a replay.
const KIND: &str = "delivery.replay_requested.v1";
/// Under which name the place in the log of the last replay that is decided is kept.
const CHECKPOINT: &str = "replays";

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
    let Some((message, came_at)) = as_of_today(parts, replay).await? else {
        return Ok(unreadable());
    };
    let of_this = |conclusion: Conclusion| Conclusion { cause: Arc::clone(replay), ..conclusion };
    let (requests, concluded) = match understand(parts, &message) {
        Reading::Requests(requests, concluded) => (requests, concluded),
        Reading::Rehearsal(requests, concluded) => {
            let requests =
                requests.into_iter().map(|request| Request { cause: Arc::clone(replay), ..request });
            let concluded = concluded.into_iter().map(of_this);
            return Ok(Reading::Rehearsal(requests.collect(), concluded.collect()));
        }
        Reading::Nothing(conclusion) => return Ok(Reading::Nothing(of_this(conclusion))),
        Reading::NotForUs => return Ok(unreadable()),
    };
    let mut concluded: Vec<_> = concluded.into_iter().map(of_this).collect();
    let earlier = match replay.stream_uuid().map(DeliveryId::new) {
        Some(delivery) => Earlier::of(parts, delivery, replay.position).await?,
        None => Earlier::default(),
    };
    let mut wanted = vec![];
    for request in requests {
        let request = Request { belated: Some(came_at), cause: Arc::clone(replay), ..request };
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

/// The event that the message would be recorded as if it came today, and where in the log it came.
async fn as_of_today(
    parts: &Parts,
    replay: &Arc<Recorded>,
) -> Result<Option<(Arc<Recorded>, Position)>, ReadError> {
    let history = parts.engine.store().load(&replay.stream, 0).await?;
    let Some(first) = history.first() else { return Ok(None) };
    let Ok(mut message) = DeliveryEvent::decode(&first.kind, &first.payload) else { return Ok(None) };
    let DeliveryEvent::Received { integration, service, envelope, .. } = &mut message else {
        return Ok(None);
    };
    let directory = parts.directory.now();
    if let Some(entrance) = entrance_of(&directory, *integration) {
        *service = entrance.service;
        *envelope = Envelope { reading: entrance.reading, ..std::mem::take(envelope) };
    }
    let (kind, payload) = message.encode();
    let message = Recorded { kind: kind.into(), payload: payload.into(), ..Recorded::clone(replay) };
    Ok(Some((Arc::new(message), first.position)))
}

fn entrance_of(
    directory: &commands::Directory,
    integration: IntegrationId,
) -> Option<&domain::integration::Entrance> {
    directory.integrations.get(&integration)?.entrance.as_ref()
}

/// Why a message that is decided late does not end or calm an incident: an old message says nothing of a problem that
/// began after it, and does not end one of which a later message says that it is there. What counts is where messages came,
/// which may have been decided late as well.
pub(super) async fn too_late(
    parts: &Parts,
    request: &Request,
    incident: IncidentId,
) -> Result<Option<String>, EngineError> {
    let Some(came_at) = request.belated else { return Ok(None) };
    let (own, ends) = match request.action {
        AlertAction::Resolve => (request.alert.key.as_deref(), true),
        AlertAction::Acknowledge | AlertAction::Snooze { .. } | AlertAction::Unacknowledge => (None, false),
        AlertAction::Trigger | AlertAction::Update | AlertAction::Note => return Ok(None),
    };
    let history = parts.engine.store().load(&incident.stream(), 0).await?;
    let grouped = own.map(|_| told(&history, own)).transpose()?.flatten();
    let what = if grouped.is_some() { "problem" } else { "incident" };
    let Some((first, last)) = grouped.or(told(&history, None)?) else { return Ok(None) };
    if came_at < place(parts, first).await? {
        return Ok(Some(format!("the {what} began after this message came")));
    }
    // Of a problem that is none of the group's own, the group's other messages say nothing.
    let is_told = ends && (own.is_none() || grouped.is_some());
    let is_older = is_told && came_at < place(parts, last).await?;
    Ok(is_older.then(|| "a later message says that the problem is there".to_owned()))
}

/// By which message it was told that a problem is there, by none if a person said so, and where that was recorded.
type Told = (Option<DeliveryId>, Position);

/// By what it was told first and last that an incident is there, or one of the problems that are grouped in it, since that
/// ended last.
fn told(history: &[Recorded], own: Option<&str>) -> Result<Option<(Told, Told)>, FactError> {
    let mut told: Option<(Told, Told)> = None;
    for event in history {
        let alerts = match IncidentEvent::decode(&event.kind, &event.payload)? {
            IncidentEvent::Triggered { alerts, .. } if alerts.is_empty() && own.is_none() => {
                let by = (None, event.position);
                told = Some((by, by));
                continue;
            }
            IncidentEvent::Triggered { alerts, .. } | IncidentEvent::AlertsJoined { alerts, .. } => alerts,
            IncidentEvent::AlertEnded { alert, .. } if own.is_some() && alert.key.as_deref() == own => {
                told = None;
                continue;
            }
            _ => continue,
        };
        for alert in alerts.iter().filter(|alert| own.is_none() || alert.key.as_deref() == own) {
            let by = (Some(alert.delivery), event.position);
            told = Some((told.map_or(by, |(first, _)| first), by));
        }
    }
    Ok(told)
}

/// Where in the log it was told, as far as the message is known.
async fn place(parts: &Parts, (delivery, recorded): Told) -> Result<Position, EngineError> {
    let Some(delivery) = delivery else { return Ok(recorded) };
    let message = parts.reads.delivery(delivery).await.map_err(unavailable)?;
    Ok(message.map_or(recorded, |message| message.position))
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn unavailable(fault: ReadError) -> EngineError {
    EngineError::Store(StoreError::Unavailable(fault.to_string().into()))
}
