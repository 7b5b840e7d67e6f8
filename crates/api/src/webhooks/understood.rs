//! What the edge understood of messages a moment ago, so that the intake need not read them again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{DeliveryId, Meaning};
use lru::LruCache;

/// Alerts remembered at a time, of all messages: about 2 KB each. The intake follows within moments, unless another node
/// does it.
const REMEMBERED: usize = 2048;

/// Translations on their way from the edge to the intake. Forgetting one costs another translation, nothing else:
/// translating is pure. Clones share one memory.
#[derive(Clone, Debug, Default)]
pub struct Understood(Arc<Mutex<Memory>>);

#[derive(Debug)]
struct Memory {
    meanings: LruCache<DeliveryId, Meaning>,
    /// Of all meanings together: an alert has a largest size, while a message may have thousands of them.
    alerts: usize,
}

impl Default for Memory {
    fn default() -> Self {
        Self { meanings: LruCache::unbounded(), alerts: 0 }
    }
}

impl Memory {
    /// Returns what is forgotten for it.
    fn put(&mut self, delivery: DeliveryId, meaning: Meaning) -> Vec<Meaning> {
        let mut forgotten = Vec::from_iter(self.take(delivery));
        self.alerts += meaning.alerts().len();
        self.meanings.put(delivery, meaning);
        while self.alerts > REMEMBERED
            && let Some((_, oldest)) = self.meanings.pop_lru()
        {
            self.alerts -= oldest.alerts().len();
            forgotten.push(oldest);
        }
        forgotten
    }

    fn take(&mut self, delivery: DeliveryId) -> Option<Meaning> {
        let meaning = self.meanings.pop(&delivery)?;
        self.alerts -= meaning.alerts().len();
        Some(meaning)
    }
}

impl Understood {
    /// Remembers what a message asks for, unless that is nothing, or more than is remembered at all.
    pub(super) fn put(&self, delivery: DeliveryId, meaning: &Meaning) {
        if (1..=REMEMBERED).contains(&meaning.alerts().len()) {
            // Large ones are copied, and dropped, while nobody waits.
            let meaning = meaning.clone();
            let forgotten = self.lock().put(delivery, meaning);
            drop(forgotten);
        }
    }

    /// What a message says, if it is remembered; forgets it.
    pub fn take(&self, delivery: DeliveryId) -> Option<Meaning> {
        self.lock().take(delivery)
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use domain::Translated;
    use uuid::Uuid;

    use super::*;

    fn delivery(number: u128) -> DeliveryId {
        DeliveryId::new(Uuid::from_u128(number))
    }

    fn message(alerts: usize) -> Meaning {
        Meaning::Alerts(vec![Translated::default(); alerts])
    }

    #[test]
    fn each_message_is_given_once_if_it_asks_for_something_and_is_not_too_large() {
        let understood = Understood::default();
        for (number, alerts, remembered) in
            [(1, 1, true), (2, 200, true), (3, REMEMBERED, true), (4, REMEMBERED + 1, false)]
        {
            let meaning = message(alerts);
            understood.put(delivery(number), &meaning);
            let taken = understood.take(delivery(number));
            assert_eq!(taken, remembered.then_some(meaning), "{alerts} alerts");
            assert_eq!(understood.take(delivery(number)), None);
        }
        understood.put(delivery(5), &Meaning::ignored("a reason"));
        assert_eq!(understood.take(delivery(5)), None);
    }

    #[test]
    fn the_oldest_messages_are_forgotten_when_there_are_too_many_alerts() {
        let understood = Understood::default();
        let half = message(REMEMBERED / 2);
        // The same message twice counts once.
        for number in [1, 1, 2, 3] {
            understood.put(delivery(number), &half);
        }
        assert_eq!(understood.take(delivery(1)), None);
        assert_eq!(understood.take(delivery(2)).as_ref(), Some(&half));
        understood.put(delivery(4), &half);
        assert_eq!(understood.take(delivery(3)).as_ref(), Some(&half), "what was taken counts no more");
        assert_eq!(understood.take(delivery(4)), Some(half));
        assert_eq!(understood.lock().alerts, 0);
    }
}
