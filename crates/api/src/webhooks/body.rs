//! Reading a message within its limit.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use futures::StreamExt;

/// What a sender that goes over the limit may still say before it is hung up on: it reads our answer only after it
/// has sent everything.
const MAX_DRAINED: usize = 8 * 1024 * 1024;
/// How long a sender may take for one message.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a message was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It has more bytes than the limit.
    TooLarge,
    /// It broke off, or took too long.
    Broken,
}

/// The whole message, if it has at most `limit` bytes.
pub(super) async fn read(body: Body, limit: usize) -> Result<Vec<u8>, Unread> {
    tokio::time::timeout(PATIENCE, collect(body, limit)).await.unwrap_or(Err(Unread::Broken))
}

async fn collect(body: Body, limit: usize) -> Result<Vec<u8>, Unread> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > MAX_DRAINED {
        return Err(Unread::TooLarge);
    }
    let mut message = Vec::with_capacity(announced.min(limit));
    let (mut stream, mut size) = (body.into_data_stream(), 0_usize);
    while let Some(part) = stream.next().await {
        let part = part.map_err(|_| Unread::Broken)?;
        size += part.len();
        if size > MAX_DRAINED {
            return Err(Unread::TooLarge);
        }
        if size <= limit {
            message.extend_from_slice(&part);
        }
    }
    if size <= limit { Ok(message) } else { Err(Unread::TooLarge) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_is_read_up_to_its_limit() {
        assert_eq!(read(Body::from("12345"), 5).await, Ok(b"12345".to_vec()));
        assert_eq!(read(Body::from("123456"), 5).await, Err(Unread::TooLarge));
        assert_eq!(read(Body::empty(), 5).await, Ok(vec![]));
        assert_eq!(read(Body::from(vec![0; MAX_DRAINED + 1]), 5).await, Err(Unread::TooLarge));
    }
}
