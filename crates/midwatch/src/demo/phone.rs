//! The demo phone: a page in the browser that rings for every page that the server sends to it.
//!
//! The pages arrive as signed webhooks over HTTP, as they would at any other receiver, and are kept in memory.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use api::{App, Problem};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{
        Html, IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use commands::{CommandError, MetadataExt, mint};
use connectors::Secret;
use domain::{
    Actor, Channel, IncidentId, UserId,
    incident::{Incident, IncidentCommand, IncidentRejection},
};
use futures::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Metadata;
use subtle::ConstantTimeEq;
use tokio::sync::broadcast;

/// Where pages arrive; the id of the person follows.
pub(super) const INBOX: &str = "/demo/phone/inbox";

/// Pages that the phone remembers.
const REMEMBERED: usize = 50;
/// How far the clock of a sender may be off, in seconds.
const TOLERANCE: u64 = 300;
/// Only what comes from here.
const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; \
                      base-uri 'none'; frame-ancestors 'none'";

struct Phone {
    app: App,
    secret: Secret,
    inbox: Mutex<VecDeque<Ring>>,
    rings: broadcast::Sender<Ring>,
}

/// One page, as the screen shows it.
#[derive(Clone, Debug, Serialize)]
struct Ring {
    /// The webhook's id: the same for every attempt.
    id: String,
    user: UserId,
    at: domain::Timestamp,
    incident: Value,
    page: Value,
    /// Whether it came before the screen was opened.
    old: bool,
}

/// The phone's routes. They ask for no token: this is a demo.
pub(super) fn routes(app: App, secret: Secret) -> Router {
    let (rings, _) = broadcast::channel(REMEMBERED);
    let phone = Arc::new(Phone { app, secret, inbox: Mutex::default(), rings });
    Router::new()
        .route("/demo/phone", get(screen))
        .route("/demo/phone/phone.js", get(script))
        .route(&format!("{INBOX}/{{user}}"), post(receive))
        .route("/demo/phone/events", get(events))
        .route("/demo/phone/acknowledge", post(acknowledge))
        .with_state(phone)
}

async fn screen() -> Response {
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(include_str!("phone.html"))).into_response()
}

async fn script() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("phone.js")).into_response()
}

async fn receive(
    State(phone): State<Arc<Phone>>,
    Path(user): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(id) = phone.verified(&headers, &body) else {
        let why = "the signature is not that of a page of this server";
        return Problem::new(StatusCode::UNAUTHORIZED, "wrong-signature", why).into_response();
    };
    let (Ok(user), Ok(mut message)) = (user.parse(), serde_json::from_slice::<Value>(&body)) else {
        return Problem::new(StatusCode::BAD_REQUEST, "malformed", "this is not a page").into_response();
    };
    let (incident, page) = (message["data"]["incident"].take(), message["data"]["page"].take());
    phone.ring(Ring { id, user, at: phone.app.engine.now(), incident, page, old: false });
    StatusCode::NO_CONTENT.into_response()
}

async fn events(State(phone): State<Arc<Phone>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let stop = phone.app.shutdown.clone();
    // Subscribed before the past is read: a page in between comes twice, and the screen knows its id.
    let live = stream::unfold(phone.rings.subscribe(), |mut rings| async {
        loop {
            match rings.recv().await {
                Ok(ring) => return Some((ring, rings)),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    });
    let past: Vec<_> = phone.inbox().iter().map(|ring| Ring { old: true, ..ring.clone() }).collect();
    let rings = stream::iter(past).chain(live).take_until(stop.cancelled_owned());
    Sse::new(rings.map(|ring| Ok(Event::default().json_data(ring).unwrap_or_default())))
        .keep_alive(KeepAlive::default())
}

/// Who takes which incident.
#[derive(Deserialize)]
struct Taking {
    incident: String,
    user: String,
}

async fn acknowledge(State(phone): State<Arc<Phone>>, Json(taking): Json<Taking>) -> Response {
    let (Ok(incident), Ok(user)) = (taking.incident.parse::<IncidentId>(), taking.user.parse::<UserId>())
    else {
        let why = "`incident` and `user` must be ids";
        return Problem::new(StatusCode::BAD_REQUEST, "malformed", why).into_response();
    };
    let (engine, by) = (&phone.app.engine, Actor::User { id: user });
    let metadata = Metadata::of(by.clone(), mint::uuid());
    let command =
        IncidentCommand::AcknowledgeIncident { by, via: Channel::Api, alert: None, at: engine.now() };
    match engine.execute::<Incident>(incident, &command, &metadata).await {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(CommandError::Rejected(why)) => {
            let status = match why {
                IncidentRejection::NotFound => StatusCode::NOT_FOUND,
                _ => StatusCode::CONFLICT,
            };
            Problem::new(status, "refused", why.to_string()).into_response()
        }
        Err(CommandError::Fault(fault)) => Problem::unavailable(fault.to_string()).into_response(),
    }
}

impl Phone {
    /// The id of a message that this server signed a moment ago, as Standard Webhooks says.
    fn verified(&self, headers: &HeaderMap, body: &[u8]) -> Option<String> {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        let (id, timestamp) = (text("webhook-id")?, text("webhook-timestamp")?.parse::<i64>().ok()?);
        if (self.app.engine.now().millis() / 1000).abs_diff(timestamp) > TOLERANCE {
            return None;
        }
        let expected = connectors::signature(std::slice::from_ref(&self.secret), id, timestamp, body);
        let matches = |given: &str| bool::from(given.as_bytes().ct_eq(expected.as_bytes()));
        text("webhook-signature")?.split(' ').any(matches).then(|| id.to_owned())
    }

    fn ring(&self, ring: Ring) {
        let mut inbox = self.inbox();
        // A page that is sent again rings once.
        if inbox.iter().any(|earlier| earlier.id == ring.id) {
            return;
        }
        if inbox.len() == REMEMBERED {
            inbox.pop_front();
        }
        inbox.push_back(ring.clone());
        drop(inbox);
        // Nobody may be looking.
        let _ = self.rings.send(ring);
    }

    fn inbox(&self) -> MutexGuard<'_, VecDeque<Ring>> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
