//! Reading a message within its limit.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use futures::StreamExt;

/// What a sender that goes over the limit may say altogether before it is hung up on: it reads our answer only after it
/// has sent everything. A limit beyond it holds nonetheless.
const MAX_DRAINED: usize = 8 * 1024 * 1024;
/// How long a sender may take for one message.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was read of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// All of it.
    Whole(Vec<u8>),
    /// It has more bytes than the limit: the first of them, and how many there are as far as is known.
    Head(Vec<u8>, u64),
    /// It broke off, or took too long.
    Broken,
}

impl Read {
    /// The bytes, and how many there were if these are only the first; none of a message that broke off.
    pub(super) fn split(self) -> Option<(Vec<u8>, Option<u64>)> {
        match self {
            Self::Whole(message) => Some((message, None)),
            Self::Head(head, size) => Some((head, Some(size))),
            Self::Broken => None,
        }
    }
}

/// The whole message, if it has at most `limit` bytes, or else its head.
pub(super) async fn read(body: Body, limit: usize) -> Read {
    tokio::time::timeout(PATIENCE, collect(body, limit)).await.unwrap_or(Read::Broken)
}

/// Reads past a message that is refused, if it has at most `limit` bytes; says whether it came to its end, so that the
/// connection is good for another one.
pub(super) async fn skip(body: Body, limit: usize) -> bool {
    let past = async {
        if body.size_hint().lower() > limit as u64 {
            return false;
        }
        let (mut stream, mut size) = (body.into_data_stream(), 0);
        while let Some(part) = stream.next().await {
            let Ok(part) = part else { return false };
            size += part.len();
            if size > limit {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(PATIENCE, past).await.unwrap_or(false)
}

async fn collect(body: Body, limit: usize) -> Read {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let most = MAX_DRAINED.max(limit);
    if announced > most {
        return Read::Head(vec![], announced as u64);
    }
    let mut message = Vec::with_capacity(announced.min(limit));
    let (mut stream, mut size) = (body.into_data_stream(), 0_usize);
    while let Some(part) = stream.next().await {
        let Ok(part) = part else { return Read::Broken };
        size += part.len();
        let room = limit - message.len();
        message.extend_from_slice(part.get(..room).unwrap_or(&part));
        if size > most {
            break;
        }
    }
    if size <= limit { Read::Whole(message) } else { Read::Head(message, size as u64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_is_read_up_to_its_limit() {
        assert_eq!(read(Body::from("12345"), 5).await, Read::Whole(b"12345".to_vec()));
        assert_eq!(read(Body::from("123456"), 5).await, Read::Head(b"12345".to_vec(), 6));
        assert_eq!(read(Body::empty(), 5).await, Read::Whole(vec![]));
        let beyond = MAX_DRAINED + 1;
        assert_eq!(read(Body::from(vec![0; beyond]), 5).await, Read::Head(vec![], beyond as u64));
    }

    #[tokio::test]
    async fn a_message_in_pieces_is_never_taken_for_whole_when_it_was_cut_off() {
        let part = vec![7_u8; 1024 * 1024];
        let pieces = |count: usize| {
            let parts: Vec<_> = vec![Ok::<_, std::convert::Infallible>(part.clone()); count];
            Body::from_stream(futures::stream::iter(parts))
        };
        let (drained, mib) = (MAX_DRAINED / part.len(), part.len());
        for (count, limit, whole) in [
            (drained + 1, 5, false),
            (drained + 1, MAX_DRAINED, false),
            (drained + 3, (drained + 2) * mib, false),
            (drained + 2, (drained + 2) * mib, true),
        ] {
            let size = count * mib;
            let expected =
                if whole { Read::Whole(vec![7; size]) } else { Read::Head(vec![7; limit], size as u64) };
            assert!(read(pieces(count), limit).await == expected, "{count} pieces within {limit}");
        }
    }

    #[tokio::test]
    async fn a_message_that_is_refused_is_read_past_unless_it_is_too_large() {
        assert!(skip(Body::from("12345"), 5).await && skip(Body::empty(), 5).await);
        assert!(!skip(Body::from("123456"), 5).await);
        let part = |text: &'static str| Ok::<_, std::io::Error>(text);
        let parts = |parts: Vec<_>| Body::from_stream(futures::stream::iter(parts));
        assert!(skip(parts(vec![part("123"), part("45")]), 5).await);
        assert!(!skip(parts(vec![part("123"), part("456")]), 5).await);
        assert!(!skip(parts(vec![part("1"), Err(std::io::ErrorKind::BrokenPipe.into())]), 5).await);
    }
}
