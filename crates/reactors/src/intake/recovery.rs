//! What a crash left: deliveries without a verdict, and deliveries of which only a part may be decided.

use std::sync::Arc;

use commands::EngineError;
use domain::{AlertAction, DeliveryId, delivery::Delivery};
use store::{Filter, Position, Recorded};

use super::{BATCH, PATIENCE, Reading, Request, decide, earlier::Earlier, replays, understand};
use crate::{Parts, retry::Backoff};

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// Decides what was left without a verdict up to `until`.
pub(super) async fn recover(parts: &Parts, until: Position) {
    let (mut after, mut backoff) = (0, Backoff::default());
    while after < until {
        let found = async {
            let undecided = parts.reads.undecided(after, BATCH).await.map_err(boxed)?;
            let positions: Vec<_> = undecided
                .iter()
                .map(|(position, _)| *position)
                .take_while(|position| *position <= until)
                .collect();
            let events = parts.engine.store().at(&positions).await.map_err(boxed)?;
            Ok::<_, Fault>(events)
        };
        match found.await {
            Ok(events) => {
                backoff.reset();
                let Some(last) = events.last().map(|event| event.position) else { return };
                tracing::info!(count = events.len(), "deciding deliveries that were left without a verdict");
                let events = events.into_iter().map(Arc::new);
                let (replays, events): (Vec<_>, Vec<_>) = events.partition(|event| replays::is_replay(event));
                let readings = events.iter().map(|event| belated(understand(parts, event)));
                decide(parts, readings.collect()).await;
                replays::decide_all(parts, &replays).await;
                after = last;
            }
            Err(fault) => backoff.wait("intake", &*fault).await,
        }
    }
}

/// Decides the rest of what asks for several things, of which a part was decided. Whatever asks for one thing and has a
/// verdict is decided.
pub(super) async fn complete(parts: &Parts, checkpoint: Position, until: Position) {
    // What was decided a moment ago must be known, or alerts that were decided with others would count twice.
    if !parts.reads.reach(parts.engine.store().head(), PATIENCE).await {
        tracing::error!("the read models lag behind: alerts that a crash interrupted may count twice");
    }
    let deliveries = Filter::Categories(vec![DeliveryId::CATEGORY]);
    let (mut after, mut backoff) = (checkpoint, Backoff::default());
    while after < until {
        match parts.engine.store().read(after, BATCH, &deliveries).await {
            Ok(events) => {
                backoff.reset();
                let Some(last) = events.last().map(|event| event.position) else { return };
                let events = events.into_iter().filter(|event| event.position <= until).map(Arc::new);
                let readings = events.map(|event: Arc<Recorded>| belated(understand(parts, &event)));
                let mut undecided = vec![];
                for reading in readings {
                    if let Reading::Requests(requests, concluded) = reading
                        && requests.len() + concluded.len() > 1
                    {
                        let rest = undecided_of(parts, requests).await;
                        undecided.push(Reading::Requests(rest, concluded));
                    }
                }
                decide(parts, undecided).await;
                after = last;
            }
            Err(fault) => backoff.wait("intake", &fault).await,
        }
    }
}

/// What a message means of which later ones may be decided already.
fn belated(reading: Reading) -> Reading {
    let Reading::Requests(requests, concluded) = reading else { return reading };
    let belated = |request: Request| Request { belated: Some(request.cause.position), ..request };
    Reading::Requests(requests.into_iter().map(belated).collect(), concluded)
}

/// What one message asks for, less what is decided: what an incident took in, and what the message says of problems that
/// are concluded. That something is over was of no use then, and must not end what began since; an alarm that was
/// concluded is asked for again.
///
/// The commands of before the crash are no help: alerts are decided in runs, which begin elsewhere when other messages are
/// decided with them, and an incident remembers its latest alerts only.
async fn undecided_of(parts: &Parts, mut requests: Vec<Request>) -> Vec<Request> {
    let delivery = requests.first().and_then(|request| request.cause.stream_uuid()).map(DeliveryId::new);
    let Some(delivery) = delivery else { return requests };
    let mut backoff = Backoff::default();
    let is_decided = loop {
        match decided(parts, delivery, &requests).await {
            Ok(is_decided) => break is_decided,
            Err(fault) => backoff.wait("intake", &*fault).await,
        }
    };
    let mut is_decided = is_decided.into_iter();
    requests.retain(|_| !is_decided.next().unwrap_or_default());
    requests
}

/// Of each thing that a message asks for, whether it is decided.
async fn decided(parts: &Parts, delivery: DeliveryId, requests: &[Request]) -> Result<Vec<bool>, Fault> {
    let concluded = match parts.engine.load::<Delivery>(delivery).await {
        Ok((state, _)) => Some(state),
        // That it cannot be read says nothing about the alerts.
        Err(EngineError::Fact(_)) => None,
        Err(fault) => return Err(boxed(fault)),
    };
    let earlier = Earlier::of(parts, delivery, Position::MAX).await.map_err(boxed)?;
    let mut is_decided = vec![];
    for request in requests {
        let in_vain = request.action != AlertAction::Trigger
            && concluded.as_ref().is_some_and(|state| state.has_concluded(request.own_key()));
        is_decided.push(in_vain || earlier.knows(parts, request).await.map_err(boxed)?);
    }
    Ok(is_decided)
}

fn boxed<E: std::error::Error + Send + Sync + 'static>(error: E) -> Fault {
    Box::new(error)
}
