//! What a crash left: deliveries without a verdict, and deliveries of which only a part may be decided.

use std::sync::Arc;

use commands::EngineError;
use domain::{AlertAction, DeliveryId, delivery::Delivery};
use store::{Filter, Position, Recorded};

use super::{BATCH, Reading, Request, decide, replays, understand};
use crate::{Parts, retry::Backoff};

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
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(events)
        };
        match found.await {
            Ok(events) => {
                backoff.reset();
                let Some(last) = events.last().map(|event| event.position) else { return };
                tracing::info!(count = events.len(), "deciding deliveries that were left without a verdict");
                let events = events.into_iter().map(Arc::new);
                let (replays, events): (Vec<_>, Vec<_>) = events.partition(|event| replays::is_replay(event));
                decide(parts, events.iter().map(|event| understand(parts, event)).collect()).await;
                replays::decide_all(parts, &replays).await;
                after = last;
            }
            Err(fault) => backoff.wait("intake", &*fault).await,
        }
    }
}

/// Decides again what asks for several things. Whatever asks for one thing and has a verdict is decided.
pub(super) async fn complete(parts: &Parts, checkpoint: Position, until: Position) {
    let deliveries = Filter::Categories(vec![DeliveryId::CATEGORY]);
    let (mut after, mut backoff) = (checkpoint, Backoff::default());
    while after < until {
        match parts.engine.store().read(after, BATCH, &deliveries).await {
            Ok(events) => {
                backoff.reset();
                let Some(last) = events.last().map(|event| event.position) else { return };
                let events = events.into_iter().filter(|event| event.position <= until).map(Arc::new);
                let readings = events.map(|event: Arc<Recorded>| understand(parts, &event));
                let mut undecided = vec![];
                for reading in readings {
                    if let Reading::Requests(requests, concluded) = reading
                        && requests.len() + concluded.len() > 1
                    {
                        undecided
                            .push(Reading::Requests(less_what_is_said(parts, requests).await, concluded));
                    }
                }
                decide(parts, undecided).await;
                after = last;
            }
            Err(fault) => backoff.wait("intake", &fault).await,
        }
    }
}

/// What one message asks for, less what it says of problems that are concluded: its word that something is over was of no
/// use then, and must not end what began since. An alarm is never left out: if it was recorded, it is known by its id.
async fn less_what_is_said(parts: &Parts, mut requests: Vec<Request>) -> Vec<Request> {
    let delivery = requests.first().and_then(|request| request.cause.stream_uuid()).map(DeliveryId::new);
    let Some(delivery) = delivery else { return requests };
    let mut backoff = Backoff::default();
    let state = loop {
        match parts.engine.load::<Delivery>(delivery).await {
            Ok((state, _)) => break state,
            // That it cannot be read says nothing about the alerts.
            Err(EngineError::Fact(_)) => return requests,
            Err(fault) => backoff.wait("intake", &fault).await,
        }
    };
    requests
        .retain(|request| request.action == AlertAction::Trigger || !state.has_concluded(request.own_key()));
    requests
}

fn boxed<E: std::error::Error + Send + Sync + 'static>(error: E) -> Box<dyn std::error::Error + Send + Sync> {
    Box::new(error)
}
