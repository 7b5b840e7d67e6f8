//! Leases: which of several nodes does the work that one should do.
//!
//! For efficiency only; correctness never rests on them. The epoch rises whenever a holder may have
//! changed, so that what an old holder still writes can be told apart.

use std::{sync::Arc, time::Duration};

use domain::Timestamp;
use uuid::Uuid;

use crate::{StoreError, backend::Backend};

/// A lease that is held until it expires or is released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What it is for.
    pub name: String,
    /// Who holds it.
    pub owner: Uuid,
    /// Rises with every holder; from 1.
    pub epoch: u64,
    /// When it ends unless it is acquired again before.
    pub until: Timestamp,
}

/// Access to the leases in the log's database.
#[derive(Clone)]
pub struct Leases {
    backend: Arc<dyn Backend>,
}

impl std::fmt::Debug for Leases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leases").finish_non_exhaustive()
    }
}

impl Leases {
    pub(crate) fn new(backend: Arc<dyn Backend>) -> Self {
        Self { backend }
    }

    /// Takes the lease if it is free or expired, and extends it (with the same epoch) if `owner` holds
    /// it; `None` while somebody else does.
    pub async fn acquire(
        &self,
        name: &str,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        self.backend.acquire(name, owner, now, ttl).await
    }

    /// Gives the lease back before it expires; nothing happens if somebody else holds it by now.
    pub async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        self.backend.release(lease).await
    }
}

/// The rule: what `owner` gets at `now` when `current` is stored. A released lease is stored with
/// `until` at the epoch's beginning, 1970.
pub(crate) fn decide(
    current: Option<&Lease>,
    name: &str,
    owner: Uuid,
    now: Timestamp,
    ttl: Duration,
) -> Option<Lease> {
    let epoch = match current {
        Some(held) if held.until > now && held.owner != owner => return None,
        Some(held) if held.until > now => held.epoch,
        Some(ended) => ended.epoch + 1,
        None => 1,
    };
    Some(Lease { name: name.to_owned(), owner, epoch, until: now + ttl })
}
