//! What the edge understood of messages a moment ago, so that the intake need not read them again.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{DeliveryId, Meaning};
use lru::LruCache;

/// Messages remembered at a time: about 2 KB each. The intake follows within moments, unless another node does it.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(2048).expect("not zero");

/// Translations on their way from the edge to the intake. Forgetting one costs another translation, nothing else:
/// translating is pure. Clones share one memory.
#[derive(Clone, Debug)]
pub struct Understood(Arc<Mutex<LruCache<DeliveryId, Meaning>>>);

impl Default for Understood {
    /// Nothing yet.
    fn default() -> Self {
        Self(Arc::new(Mutex::new(LruCache::new(REMEMBERED))))
    }
}

impl Understood {
    /// Remembers what a message says.
    pub(super) fn put(&self, delivery: DeliveryId, meaning: Meaning) {
        self.lock().put(delivery, meaning);
    }

    /// What a message says, if it is remembered; forgets it.
    pub fn take(&self, delivery: DeliveryId) -> Option<Meaning> {
        self.lock().pop(&delivery)
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<DeliveryId, Meaning>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
