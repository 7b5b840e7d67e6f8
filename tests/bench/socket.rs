//! Subscribers: sockets that speak `graphql-transport-ws`, and note when each change arrived.

use std::{cell::RefCell, net::SocketAddr, rc::Rc, time::Instant};

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    task::{JoinHandle, spawn_local},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::{Outcome, http, server::TOKEN};

/// One subscriber; silent once dropped.
pub(crate) struct Subscriber {
    changes: Rc<RefCell<Vec<(u64, Instant)>>>,
    listening: JoinHandle<()>,
}

impl Subscriber {
    /// Connects, introduces itself and subscribes.
    pub(crate) async fn connect(address: SocketAddr, query: &str, variables: &Value) -> Outcome<Self> {
        let mut request = format!("ws://{address}/graphql").into_client_request()?;
        request
            .headers_mut()
            .insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (mut socket, _) = client_async(request, stream).await?;
        let token = format!("Bearer {TOKEN}");
        say(&mut socket, &json!({"type": "connection_init", "payload": {"Authorization": token}})).await?;
        match socket.next().await {
            Some(Ok(Message::Text(text))) if text.contains("connection_ack") => {}
            other => return Err(format!("no connection_ack but {other:?}").into()),
        }
        let payload = json!({"query": query, "variables": variables});
        say(&mut socket, &json!({"id": "1", "type": "subscribe", "payload": payload})).await?;
        let changes = Rc::new(RefCell::new(vec![]));
        let listening = spawn_local(listen(socket, Rc::clone(&changes)));
        Ok(Self { changes, listening })
    }

    /// Positions of the changes that arrived, in the order of their arrival, and when.
    pub(crate) fn changes(&self) -> Vec<(u64, Instant)> {
        self.changes.borrow().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.changes.borrow().len()
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn say(socket: &mut WebSocketStream<TcpStream>, message: &Value) -> Outcome<()> {
    Ok(socket.send(Message::text(message.to_string())).await?)
}

async fn listen(mut socket: WebSocketStream<TcpStream>, changes: Rc<RefCell<Vec<(u64, Instant)>>>) {
    while let Some(Ok(message)) = socket.next().await {
        let now = Instant::now();
        match message {
            Message::Text(text) => match change_in(text.as_bytes()) {
                Some(position) => changes.borrow_mut().push((position, now)),
                None if text.contains("\"ping\"") => {
                    drop(socket.send(Message::text(r#"{"type":"pong"}"#)).await);
                }
                // A subscription that ends loses what follows, and the count tells.
                None if text.contains("\"errors\"") || text.contains("\"error\"") => {
                    eprintln!("a subscriber was told {text}");
                }
                None => {}
            },
            Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
            Message::Close(reason) => {
                eprintln!("a subscriber was sent away: {reason:?}");
                return;
            }
        }
    }
}

/// The position of the change that a message is about; heartbeats are about none.
fn change_in(message: &[u8]) -> Option<u64> {
    const MARK: &[u8] = b"\"position\":\"";
    http::find(message, b"\"inc_")?;
    let digits = &message[http::find(message, MARK)? + MARK.len()..];
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}
