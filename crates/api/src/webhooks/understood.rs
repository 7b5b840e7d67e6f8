//! What the edge understood of messages a moment ago, so that the intake need not read them again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{DeliveryId, Meaning, integration::Handling};
use lru::LruCache;

/// Alerts remembered at a time, of all messages: about 2 KB each. The intake follows within moments, unless another node
/// does it.
const REMEMBERED: usize = 2048;

/// Translations on their way from the edge to the intake. Forgetting one costs another translation, nothing else:
/// translating is pure. Clones share one memory.
///
/// The configuration may have changed meanwhile, and another node may have answered for that before the message came: a
/// translation counts only for the handling by which it was made.
#[derive(Clone, Debug, Default)]
pub struct Understood(Arc<Mutex<Memory>>);

#[derive(Debug)]
struct Memory {
    meanings: LruCache<DeliveryId, (Meaning, Handling)>,
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
    fn put(&mut self, delivery: DeliveryId, made: (Meaning, Handling)) -> Vec<(Meaning, Handling)> {
        let mut forgotten = Vec::from_iter(self.take(delivery));
        self.alerts += made.0.alerts().len();
        self.meanings.put(delivery, made);
        while self.alerts > REMEMBERED
            && let Some((_, oldest)) = self.meanings.pop_lru()
        {
            self.alerts -= oldest.0.alerts().len();
            forgotten.push(oldest);
        }
        forgotten
    }

    fn take(&mut self, delivery: DeliveryId) -> Option<(Meaning, Handling)> {
        let made = self.meanings.pop(&delivery)?;
        self.alerts -= made.0.alerts().len();
        Some(made)
    }
}

impl Understood {
    /// Remembers what a message asks for by a handling, unless that is nothing, or more than is remembered at all.
    pub(super) fn put(&self, delivery: DeliveryId, meaning: &Meaning, handling: &Handling) {
        if (1..=REMEMBERED).contains(&meaning.alerts().len()) {
            // Large ones are copied, and dropped, while nobody waits.
            let made = (meaning.clone(), handling.clone());
            let forgotten = self.lock().put(delivery, made);
            drop(forgotten);
        }
    }

    /// What a message says by a handling, if that is remembered; forgets it.
    pub fn take(&self, delivery: DeliveryId, handling: &Handling) -> Option<Meaning> {
        let (meaning, by) = self.lock().take(delivery)?;
        by.is_same(handling).then_some(meaning)
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
        let (understood, handling) = (Understood::default(), Handling::default());
        for (number, alerts, remembered) in
            [(1, 1, true), (2, 200, true), (3, REMEMBERED, true), (4, REMEMBERED + 1, false)]
        {
            let meaning = message(alerts);
            understood.put(delivery(number), &meaning, &handling);
            let taken = understood.take(delivery(number), &handling);
            assert_eq!(taken, remembered.then_some(meaning), "{alerts} alerts");
            assert_eq!(understood.take(delivery(number), &handling), None);
        }
        understood.put(delivery(5), &Meaning::ignored("a reason"), &handling);
        assert_eq!(understood.take(delivery(5), &handling), None);
    }

    #[test]
    fn a_translation_counts_for_the_handling_by_which_it_was_made() {
        let (understood, handling) = (Understood::default(), Handling::default());
        understood.put(delivery(1), &message(1), &handling);
        understood.put(delivery(2), &message(1), &handling);
        let changed = Handling { routing: Arc::default(), ..handling.clone() };
        assert_eq!(understood.take(delivery(1), &changed), None);
        assert_eq!(understood.take(delivery(1), &handling), None, "it is forgotten");
        assert_eq!(understood.take(delivery(2), &handling.clone()), Some(message(1)));
    }

    #[test]
    fn the_oldest_messages_are_forgotten_when_there_are_too_many_alerts() {
        let (understood, handling) = (Understood::default(), Handling::default());
        let half = message(REMEMBERED / 2);
        // The same message twice counts once.
        for number in [1, 1, 2, 3] {
            understood.put(delivery(number), &half, &handling);
        }
        assert_eq!(understood.take(delivery(1), &handling), None);
        assert_eq!(understood.take(delivery(2), &handling).as_ref(), Some(&half));
        understood.put(delivery(4), &half, &handling);
        assert_eq!(
            understood.take(delivery(3), &handling).as_ref(),
            Some(&half),
            "what was taken counts no more"
        );
        assert_eq!(understood.take(delivery(4), &handling), Some(half));
        assert_eq!(understood.lock().alerts, 0);
    }
}
