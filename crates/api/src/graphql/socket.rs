//! GraphQL over a socket: the sub-protocol `graphql-transport-ws`.
//!
//! One task reads, one writes, and each operation has one of its own. What is to be written waits in a short
//! queue: a subscription whose client is slow waits there and goes on from its own place in the log, so that neither
//! memory grows nor anything is lost. A client that is gone is found out by its silence.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_graphql::ServerError;
use axum::{
    extract::ws::{Message, WebSocket, WebSocketUpgrade},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{SinkExt, StreamExt, stream::SplitSink};
use serde_json::{Map, Value};
use tokio::{
    sync::mpsc,
    task::AbortHandle,
    time::{self, MissedTickBehavior},
};

use super::{
    Gateway,
    follower::{Asked, Follower},
    negotiate::was_executed,
    socket_messages::{Closing, FromClient, ToClient, next},
    subscription::{Plan, Turn, Wanted},
};
use crate::{Viewer, bearer};

/// The sub-protocol spoken here.
const PROTOCOL: &str = "graphql-transport-ws";
/// Messages that wait to be written to one client.
const QUEUE: usize = 32;
/// How long one message may take to be written before the client counts as gone.
const STUCK: Duration = Duration::from_secs(30);
/// Buffers of one socket, in bytes: most messages fit, and thousands of sockets stay cheap.
const BUFFER: usize = 8 * 1024;

/// Opens a socket. A token in the HTTP request must be good; without one the introduction must bring it.
pub(super) fn open(gateway: Arc<Gateway>, headers: &HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    let token = bearer(headers).map(str::to_owned);
    if token.as_deref().is_some_and(|token| Viewer::of_token(&gateway.app, token).is_none()) {
        let challenge = [(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))];
        return (StatusCode::UNAUTHORIZED, challenge).into_response();
    }
    // Another protocol is agreed to as well, only so that the client can be told why the socket is closed.
    let offered = headers.get(header::SEC_WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok());
    let other = offered.and_then(|offered| offered.split(',').next()).unwrap_or_default().trim().to_owned();
    let upgrade = upgrade
        .protocols([PROTOCOL.to_owned(), other])
        .max_message_size(gateway.app.settings.limits.body_bytes)
        .max_frame_size(gateway.app.settings.limits.body_bytes)
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER);
    let spoken = upgrade.selected_protocol().is_some_and(|protocol| protocol == PROTOCOL);
    upgrade.on_upgrade(async move |socket| {
        metrics::gauge!("midwatch_graphql_sockets").increment(1);
        let (sink, stream) = socket.split();
        let (out, queue) = mpsc::channel(QUEUE);
        let writing = tokio::spawn(write(sink, queue));
        let session = Session {
            token,
            viewer: None,
            operations: Arc::default(),
            started: AtomicU64::new(0),
            allowance: Allowance::new(gateway.app.settings.limits.socket_rate),
            out,
            gateway,
        };
        let closing = if spoken { session.serve(stream).await } else { session.refuse().await };
        tracing::debug!(?closing, "a socket is closed");
        // The writer ends when everything that was sent is written.
        if time::timeout(STUCK, writing).await.is_err() {
            tracing::debug!("a socket did not take its last messages");
        }
        metrics::gauge!("midwatch_graphql_sockets").decrement(1);
    })
}

async fn write(mut sink: SplitSink<WebSocket, Message>, mut queue: mpsc::Receiver<Message>) {
    while let Some(message) = queue.recv().await {
        let last = matches!(message, Message::Close(_));
        match time::timeout(STUCK, sink.send(message)).await {
            Ok(Ok(())) if !last => {}
            Ok(Ok(()) | Err(_)) | Err(_) => break,
        }
    }
}

/// One client's socket.
struct Session {
    gateway: Arc<Gateway>,
    token: Option<String>,
    viewer: Option<Viewer>,
    operations: Arc<Mutex<Operations>>,
    started: AtomicU64,
    allowance: Allowance,
    out: mpsc::Sender<Message>,
}

/// Operations under way: what ends each of them, and which of all it is, because ids may be used again.
type Operations = HashMap<String, (u64, AbortHandle)>;

impl Drop for Session {
    fn drop(&mut self) {
        for (_, (_, operation)) in self.lock().drain() {
            operation.abort();
        }
    }
}

impl Session {
    async fn refuse(self) -> Closing {
        self.close(Closing::Subprotocol).await
    }

    /// Serves the socket until it is closed, and tells why.
    async fn serve(
        mut self,
        mut stream: impl futures::Stream<Item = Result<Message, axum::Error>> + Unpin,
    ) -> Closing {
        let limits = self.gateway.app.settings.limits;
        let shutdown = self.gateway.app.shutdown.clone();
        let mut greeting = std::pin::pin!(time::sleep(limits.socket_greeting));
        let mut ping = time::interval(limits.socket_ping);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ping.reset();
        let mut heard = Instant::now();
        let closing = loop {
            tokio::select! {
                // What has arrived counts before what is late: a busy moment of ours is not the client's silence.
                biased;
                message = stream.next() => match message {
                    Some(Ok(message)) => {
                        heard = Instant::now();
                        if let Err(closing) = self.handle(message).await {
                            break closing;
                        }
                    }
                    Some(Err(_)) | None => break Closing::Gone,
                },
                () = &mut greeting, if self.viewer.is_none() => break Closing::InitTimeout,
                _ = ping.tick() => {
                    if heard.elapsed() > 2 * limits.socket_ping {
                        break Closing::Gone;
                    }
                    if !self.is_still_admitted() {
                        break Closing::Forbidden;
                    }
                    // A full queue means that the client is not idle but slow; the writer finds out if it is gone.
                    let _ = self.out.try_send(Message::Ping(Vec::new().into()));
                }
                () = shutdown.cancelled() => break Closing::GoingAway,
            }
        };
        self.close(closing).await
    }

    /// Ends all operations and says why.
    async fn close(self, closing: Closing) -> Closing {
        let out = self.out.clone();
        drop(self);
        if let Some(frame) = closing.frame() {
            let _ = time::timeout(STUCK, out.send(Message::Close(Some(frame)))).await;
        }
        closing
    }

    /// Whether the token still opens what it opened.
    fn is_still_admitted(&self) -> bool {
        let Some(viewer) = &self.viewer else { return true };
        let token = self.token.as_deref();
        token.and_then(|token| Viewer::of_token(&self.gateway.app, token)).as_ref() == Some(viewer)
    }

    async fn handle(&mut self, message: Message) -> Result<(), Closing> {
        let text = match message {
            Message::Text(text) => text,
            Message::Ping(_) | Message::Pong(_) => return self.allowance.take(),
            Message::Binary(_) => return Err(Closing::BadMessage),
            Message::Close(_) => return Err(Closing::Gone),
        };
        self.allowance.take()?;
        match FromClient::read(&text)? {
            FromClient::ConnectionInit { payload } => self.greet(payload.as_ref()).await,
            FromClient::Ping { payload } => self.send(ToClient::Pong { payload }.into_message()).await,
            FromClient::Pong {} => Ok(()),
            FromClient::Subscribe { id, payload } => self.start(id, payload).await,
            FromClient::Complete { id } => {
                if let Some((_, operation)) = self.lock().remove(&id) {
                    operation.abort();
                }
                Ok(())
            }
        }
    }

    async fn send(&self, message: Message) -> Result<(), Closing> {
        self.out.send(message).await.map_err(|_| Closing::Gone)
    }

    /// The introduction: a token, unless the HTTP request had one.
    async fn greet(&mut self, payload: Option<&Map<String, Value>>) -> Result<(), Closing> {
        if self.viewer.is_some() {
            return Err(Closing::TooManyInits);
        }
        if let Some(token) = payload.and_then(token_in) {
            self.token = Some(token);
        }
        let viewer = self.token.as_deref().and_then(|token| Viewer::of_token(&self.gateway.app, token));
        self.viewer = Some(viewer.ok_or(Closing::Forbidden)?);
        self.send(ToClient::ConnectionAck.into_message()).await
    }

    async fn start(&self, id: String, asked: Asked) -> Result<(), Closing> {
        let Some(viewer) = self.viewer.clone() else { return Err(Closing::Unauthorized) };
        let under_way = {
            let operations = self.lock();
            if operations.contains_key(&id) {
                return Err(Closing::Duplicate(id));
            }
            operations.len()
        };
        if under_way >= self.gateway.app.settings.limits.socket_operations {
            let error = ServerError::new("too many operations are under way on this socket", None);
            return self.send(ToClient::Error { id: &id, payload: &[error] }.into_message()).await;
        }
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let operation = Operation {
            id: id.clone(),
            number,
            gateway: Arc::clone(&self.gateway),
            operations: Arc::clone(&self.operations),
            out: self.out.clone(),
        };
        // Held while the task starts, so that it cannot end before it is known.
        let mut operations = self.lock();
        let task = tokio::spawn(async move { operation.run(asked, viewer).await });
        operations.insert(id, (number, task.abort_handle()));
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Operations> {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The token that an introduction brings: `{"authorization":"Bearer …"}`, or the bare token there or under `token`.
fn token_in(payload: &Map<String, Value>) -> Option<String> {
    payload.iter().find_map(|(name, value)| {
        let named = name.eq_ignore_ascii_case("authorization") || name == "token";
        let text = value.as_str().filter(|_| named)?.trim();
        let bare = match text.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            Some(_) => return None,
            None => text,
        };
        Some(bare.to_owned())
    })
}

/// One query, mutation or subscription of a client.
struct Operation {
    id: String,
    number: u64,
    gateway: Arc<Gateway>,
    operations: Arc<Mutex<Operations>>,
    out: mpsc::Sender<Message>,
}

impl Operation {
    async fn run(self, asked: Asked, viewer: Viewer) {
        if let Some(missing) = asked.missing_variable() {
            return self.fail(&[missing]).await;
        }
        let wanted = Arc::new(Wanted::default());
        let request = asked.request(viewer.clone()).data(Turn::Learn(Arc::clone(&wanted)));
        let answer = self.gateway.schema.execute_stream(request).next().await;
        match (answer, wanted.take().as_slice()) {
            (None, [plan]) => self.follow(asked, viewer, plan.clone()).await,
            (None, _) => {
                let error = ServerError::new("a subscription has exactly one field", None);
                self.fail(&[error]).await;
            }
            // A document that cannot be executed, or a subscription that cannot begin.
            (Some(answer), _) if !was_executed(&answer) || asked.is_subscription() => {
                self.fail(&answer.errors).await;
            }
            (Some(answer), _) => match serde_json::to_vec(&answer) {
                Ok(bytes) => {
                    if self.out.send(next(&self.id, &bytes)).await.is_ok() {
                        self.finish(ToClient::Complete { id: &self.id }).await;
                    }
                }
                Err(error) => tracing::error!(%error, "an answer cannot be written"),
            },
        }
    }

    /// Sends what happens until the client has enough or is gone: then this task is ended from outside.
    async fn follow(self, asked: Asked, viewer: Viewer, plan: Plan) {
        let mut follower = Follower::new(Arc::clone(&self.gateway.feed), asked, viewer, plan);
        loop {
            let payload = follower.next().await;
            if self.out.send(next(&self.id, &payload)).await.is_err() {
                return;
            }
        }
    }

    async fn fail(&self, errors: &[ServerError]) {
        self.finish(ToClient::Error { id: &self.id, payload: errors }).await;
    }

    /// Says that the operation is over, once its id is free again.
    async fn finish(&self, message: ToClient<'_>) {
        {
            let mut operations = self.operations.lock().unwrap_or_else(PoisonError::into_inner);
            if operations.get(&self.id).is_some_and(|(number, _)| *number == self.number) {
                operations.remove(&self.id);
            }
        }
        let _ = self.out.send(message.into_message()).await;
    }
}

/// How much a client may send: a bucket that fills at a rate and holds ten seconds' worth.
struct Allowance {
    rate: f64,
    left: f64,
    at: Instant,
}

impl Allowance {
    fn new(rate: u32) -> Self {
        let rate = f64::from(rate);
        Self { rate, left: 10.0 * rate, at: Instant::now() }
    }

    fn take(&mut self) -> Result<(), Closing> {
        let now = Instant::now();
        let filled = now.duration_since(self.at).as_secs_f64() * self.rate;
        (self.left, self.at) = ((self.left + filled).min(10.0 * self.rate), now);
        if self.left < 1.0 {
            return Err(Closing::TooManyMessages);
        }
        self.left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_introduction_brings_a_token_in_any_usual_way() {
        let token = |payload: Value| payload.as_object().and_then(token_in);
        for payload in [
            serde_json::json!({ "authorization": "Bearer abc" }),
            serde_json::json!({ "Authorization": "bearer abc" }),
            serde_json::json!({ "other": 1, "token": "abc" }),
        ] {
            assert_eq!(token(payload.clone()).as_deref(), Some("abc"), "{payload}");
        }
        assert_eq!(token(serde_json::json!({ "authorization": "Basic abc" })), None);
        assert_eq!(token(serde_json::json!({})), None);
    }

    #[test]
    fn a_client_that_sends_too_much_is_stopped() {
        let mut allowance = Allowance::new(1);
        let outcomes: Vec<_> = (0..12).map(|_| allowance.take()).collect();
        assert!(outcomes[..10].iter().all(Result::is_ok));
        assert_eq!(outcomes[11], Err(Closing::TooManyMessages));
    }
}
