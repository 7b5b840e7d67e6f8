//! What the edge understood of messages a moment ago, so that the intake need not read them again.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{DeliveryId, Meaning};
use lru::LruCache;

/// Messages remembered at a time: about 2 KB each. The intake follows within moments, unless another node does it.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(2048).expect("not zero");

/// Translations on their way from the edge to the intake, of messages with one alert each: nearly all of them, and an
/// alert has a largest size, while a message may have thousands. Forgetting one costs another translation, nothing
/// else: translating is pure. Clones share one memory.
#[derive(Clone, Debug)]
pub struct Understood(Arc<Mutex<LruCache<DeliveryId, Meaning>>>);

impl Default for Understood {
    /// Nothing yet.
    fn default() -> Self {
        Self(Arc::new(Mutex::new(LruCache::new(REMEMBERED))))
    }
}

impl Understood {
    /// Remembers what a message says, if that is one alert.
    pub(super) fn put(&self, delivery: DeliveryId, meaning: &Meaning) {
        if meaning.alerts().len() == 1 {
            self.lock().put(delivery, meaning.clone());
        }
    }

    /// What a message says, if it is remembered; forgets it.
    pub fn take(&self, delivery: DeliveryId) -> Option<Meaning> {
        self.lock().pop(&delivery)
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<DeliveryId, Meaning>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        delivery::Envelope,
        integration::{Identity, IntegrationKind, Reading},
    };
    use serde_json::json;
    use uuid::Uuid;

    use super::{super::translate::translate, *};

    #[test]
    fn only_messages_with_one_alert_are_remembered_and_each_is_given_once() {
        let understood = Understood::default();
        let reading = Reading { identity: Identity::Alert, ..Reading::default() };
        let envelope = Envelope { reading, ..Envelope::default() };
        for (number, alerts, remembered) in [(1, 1, true), (2, 2, false), (3, 2000, false)] {
            let delivery = DeliveryId::new(Uuid::from_u128(number));
            let alert = json!({"status": "firing", "labels": {"alertname": "Disk"}});
            let body = json!({"groupKey": "g", "alerts": vec![alert; alerts]}).to_string();
            let meaning = translate(IntegrationKind::Alertmanager, &envelope, body.as_bytes(), delivery);
            let meaning = meaning.expect("understood");
            assert_eq!(meaning.alerts().len(), alerts);
            understood.put(delivery, &meaning);
            assert_eq!(understood.take(delivery), remembered.then_some(meaning), "{alerts} alerts");
            assert_eq!(understood.take(delivery), None);
        }
        let nothing = DeliveryId::new(Uuid::from_u128(4));
        understood.put(nothing, &Meaning::ignored("a reason"));
        assert_eq!(understood.take(nothing), None);
    }
}
