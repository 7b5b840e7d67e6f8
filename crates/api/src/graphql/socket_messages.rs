//! The messages of the sub-protocol `graphql-transport-ws`, and why a socket is closed.

use async_graphql::ServerError;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::follower::Asked;

/// What a client says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum FromClient {
    ConnectionInit {
        #[serde(default)]
        payload: Option<Map<String, Value>>,
    },
    Ping {
        #[serde(default)]
        payload: Option<Value>,
    },
    Pong {},
    Subscribe {
        id: String,
        payload: Asked,
    },
    Complete {
        id: String,
    },
}

impl FromClient {
    /// Reads a message, or tells how the socket is to be closed.
    pub(super) fn read(text: &str) -> Result<Self, Closing> {
        let message = serde_json::from_str(text).map_err(|_| Closing::BadMessage)?;
        match message {
            Self::Subscribe { ref id, .. } | Self::Complete { ref id } if id.is_empty() => {
                Err(Closing::BadMessage)
            }
            message => Ok(message),
        }
    }
}

/// What we say, apart from `next`, which is assembled from bytes.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ToClient<'a> {
    ConnectionAck,
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<Value>,
    },
    Error {
        id: &'a str,
        payload: &'a [ServerError],
    },
    Complete {
        id: &'a str,
    },
}

impl ToClient<'_> {
    pub(super) fn into_message(self) -> Message {
        let text = serde_json::to_string(&self).unwrap_or_else(|error| {
            // Strings and JSON values can always be written.
            tracing::error!(%error, "a message cannot be written");
            String::new()
        });
        Message::Text(text.into())
    }
}

/// A `next` message around the bytes of a GraphQL response.
pub(super) fn next(id: &str, response: &[u8]) -> Message {
    let id = Value::from(id).to_string();
    let mut text = Vec::with_capacity(response.len() + id.len() + 32);
    text.extend_from_slice(b"{\"id\":");
    text.extend_from_slice(id.as_bytes());
    text.extend_from_slice(b",\"type\":\"next\",\"payload\":");
    text.extend_from_slice(response);
    text.push(b'}');
    match Utf8Bytes::try_from(text) {
        Ok(text) => Message::Text(text),
        Err(error) => {
            // JSON is written in UTF-8.
            tracing::error!(%error, "a payload cannot be sent");
            ToClient::Complete { id: &id }.into_message()
        }
    }
}

/// Why a socket is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    /// The client closed it or is gone.
    Gone,
    /// The process ends.
    GoingAway,
    /// The client sends too much.
    TooManyMessages,
    /// A message that means nothing.
    BadMessage,
    /// Something was asked before the introduction.
    Unauthorized,
    /// The introduction proves nothing, or what it proved was revoked.
    Forbidden,
    /// Another protocol was asked for.
    Subprotocol,
    /// There was no introduction in time.
    InitTimeout,
    /// An id is in use.
    Duplicate(String),
    /// There was an introduction already.
    TooManyInits,
}

impl Closing {
    /// The frame that says so; none if nobody would read it.
    pub(super) fn frame(&self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Self::Gone => return None,
            Self::GoingAway => (1001, "Going away".to_owned()),
            Self::TooManyMessages => (1008, "Too many messages".to_owned()),
            Self::BadMessage => (4400, "Invalid message received".to_owned()),
            Self::Unauthorized => (4401, "Unauthorized".to_owned()),
            Self::Forbidden => (4403, "Forbidden".to_owned()),
            Self::Subprotocol => (4406, "Subprotocol not acceptable".to_owned()),
            Self::InitTimeout => (4408, "Connection initialisation timeout".to_owned()),
            Self::Duplicate(id) => {
                // A close frame has room for 123 bytes.
                let shown: String = id.chars().take(20).collect();
                (4409, format!("Subscriber for {shown} already exists"))
            }
            Self::TooManyInits => (4429, "Too many initialisation requests".to_owned()),
        };
        Some(CloseFrame { code, reason: reason.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_the_protocol_has_them() {
        let good = [
            r#"{"type":"connection_init"}"#,
            r#"{"type":"connection_init","payload":{"authorization":"Bearer x"}}"#,
            r#"{"type":"connection_init","payload":null}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"pong","payload":{}}"#,
            r#"{"id":"1","type":"subscribe","payload":{"query":"{ a }","variables":null,"extensions":null}}"#,
            r#"{"id":"1","type":"complete"}"#,
        ];
        for text in good {
            assert!(FromClient::read(text).is_ok(), "{text}");
        }
        let bad = [
            "",
            "not json",
            "{}",
            r#"{"type":"start"}"#,
            r#"{"type":"complete","id":""}"#,
            r#"{"type":"complete"}"#,
        ];
        for text in bad {
            assert_eq!(FromClient::read(text).err(), Some(Closing::BadMessage), "{text}");
        }
    }

    #[test]
    fn a_payload_is_sent_as_it_is() {
        let Message::Text(text) = next("a\"b", br#"{"data":1}"#) else { panic!("a text message") };
        assert_eq!(text.as_str(), r#"{"id":"a\"b","type":"next","payload":{"data":1}}"#);
    }

    #[test]
    fn a_long_id_fits_into_the_reason() {
        let frame = Closing::Duplicate("ä".repeat(500)).frame().expect("a frame");
        assert!(frame.reason.len() <= 123);
    }
}
