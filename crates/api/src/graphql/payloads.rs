//! Payloads of subscriptions, made once for all subscribers that ask the same.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use axum::body::Bytes;
use lru::LruCache;
use store::Position;
use tokio::sync::OnceCell;

use super::{fault::Fault, subscription::ResetReason};

/// Payloads kept: enough for those that are on their way to somebody.
const KEPT: NonZeroUsize = NonZeroUsize::new(2048).expect("not zero");
/// Bytes of payloads kept.
const KEPT_BYTES: usize = 16 * 1024 * 1024;

/// SHA-256 of everything that a payload depends on besides what happened.
pub(super) type Question = [u8; 32];

/// What a payload tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Occasion {
    Change(Position),
    Heartbeat(Position),
    Reset(Position, ResetReason),
}

type Key = (Question, Occasion);
/// None: the filter does not admit it.
type Answer = Option<Bytes>;

#[derive(Default)]
struct Entry {
    answer: Arc<OnceCell<Answer>>,
    bytes: usize,
}

struct Kept {
    entries: LruCache<Key, Entry>,
    bytes: usize,
}

/// The payloads of late.
pub(super) struct Payloads(Mutex<Kept>);

impl Default for Payloads {
    fn default() -> Self {
        Self(Mutex::new(Kept { entries: LruCache::new(KEPT), bytes: 0 }))
    }
}

impl Payloads {
    /// The answer to a question on an occasion; made by `make` unless somebody made it already or is about to. One
    /// that could not be made is not kept.
    pub(super) async fn get(
        &self,
        question: Question,
        occasion: Occasion,
        make: impl AsyncFnOnce() -> Result<Answer, Fault>,
    ) -> Result<Answer, Fault> {
        let key = (question, occasion);
        let cell = self.cell(key);
        let mut is_mine = false;
        let answer = cell
            .get_or_try_init(async || {
                is_mine = true;
                make().await
            })
            .await?
            .clone();
        let outcome = if is_mine { "made" } else { "shared" };
        metrics::counter!("midwatch_graphql_payloads_total", "outcome" => outcome).increment(1);
        if is_mine {
            self.weigh(&key, answer.as_ref().map_or(0, Bytes::len));
        }
        Ok(answer)
    }

    fn cell(&self, key: Key) -> Arc<OnceCell<Answer>> {
        let mut kept = self.lock();
        if let Some(entry) = kept.entries.get(&key) {
            return Arc::clone(&entry.answer);
        }
        let entry = Entry::default();
        let answer = Arc::clone(&entry.answer);
        if let Some((_, gone)) = kept.entries.push(key, entry) {
            kept.bytes -= gone.bytes;
        }
        answer
    }

    /// Accounts for a payload, and lets go of the oldest ones if there are too many bytes. Who holds one keeps it.
    fn weigh(&self, key: &Key, bytes: usize) {
        let mut kept = self.lock();
        let Some(entry) = kept.entries.peek_mut(key) else { return };
        entry.bytes = bytes;
        kept.bytes += bytes;
        while kept.bytes > KEPT_BYTES {
            let Some((_, gone)) = kept.entries.pop_lru() else { break };
            kept.bytes -= gone.bytes;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_same_question_on_the_same_occasion_is_answered_once() {
        let payloads = Payloads::default();
        let answer = Ok(Some(Bytes::from_static(b"answer")));
        for _ in 0..2 {
            let made = payloads.get([1; 32], Occasion::Change(7), async || answer.clone()).await;
            assert_eq!(made, answer);
        }
        let shared = payloads.get([1; 32], Occasion::Change(7), async || Err(Fault::Internal)).await;
        assert_eq!(shared, answer);
        let other = payloads.get([2; 32], Occasion::Change(7), async || Ok(None)).await;
        assert_eq!(other, Ok(None));
    }

    #[tokio::test]
    async fn an_answer_that_could_not_be_made_is_tried_again() {
        let payloads = Payloads::default();
        let failed = payloads.get([1; 32], Occasion::Heartbeat(7), async || Err(Fault::Unavailable)).await;
        assert_eq!(failed, Err(Fault::Unavailable));
        let made = payloads.get([1; 32], Occasion::Heartbeat(7), async || Ok(None)).await;
        assert_eq!(made, Ok(None));
    }

    #[tokio::test]
    async fn large_payloads_push_the_oldest_out() {
        let payloads = Payloads::default();
        for position in 0..3 {
            let large = Bytes::from(vec![0; KEPT_BYTES / 2]);
            let made = payloads.get([1; 32], Occasion::Change(position), async || Ok(Some(large))).await;
            assert!(made.is_ok());
        }
        assert_eq!(payloads.lock().entries.len(), 2);
        assert_eq!(payloads.lock().bytes, KEPT_BYTES);
    }
}
