//! What a database must do for the log. One implementation per backend, chosen when it is opened.
//!
//! A backend takes groups of appends from the [`Queue`](crate::queue::Queue) by itself, for example
//! on a thread or task that loops over `take`, commits each group in one transaction and settles it:
//!
//! ```text
//! while let Some(group) = queue.take().await {
//!     let result = commit(group.appends()).await;
//!     group.settle(result, &growth);
//! }
//! ```

use std::{sync::Arc, time::Duration};

use domain::{SecretId, Timestamp};
use futures::future::BoxFuture;
use uuid::Uuid;

use crate::{Committed, Filter, Lease, Position, Recorded, StoreError, row::Row};

/// What a backend's methods return.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// One append's outcome inside a committed group.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Written now: its events, ascending. Never empty.
    Written(Vec<Arc<Recorded>>),
    /// The command was recorded before, in an earlier group or earlier in this one.
    Already(Committed),
    /// The stream has another version; the rest of the group is not hurt.
    Conflict {
        /// The version the stream has.
        actual: u64,
    },
    /// The database does not take this append's values, now or ever; the rest of the group is not hurt.
    Refused(Arc<str>),
}

/// Some events in order, and how far the log was considered to find them.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) events: Vec<Recorded>,
    /// Every event up to here was considered, also when the filter left it out. At least the last
    /// event's position; beyond the requested start unless the log ends there.
    pub(crate) through: Position,
}

/// A read returns at most about this many bytes of payload, and at least one event.
pub(crate) const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// A database that holds the log.
///
/// Faults of the database are `Unavailable`, and a later call tries again; what cannot be decoded is
/// `Damaged`.
pub(crate) trait Backend: Send + Sync + 'static {
    /// Whether nobody but this process can write, so that the version which its [`Growth`](crate::growth::Growth)
    /// remembers of a stream is the last one.
    fn is_alone(&self) -> bool;

    /// The events of a stream with a version above `from_version`, ascending.
    fn load<'a>(&'a self, stream: &'a str, from_version: u64) -> Answer<'a, Vec<Recorded>>;

    /// At most `limit` events after `after` that the filter admits, ascending. May stop early, at
    /// [`PAGE_BYTES`] or after as much work as one page should cost, with `through` saying where.
    fn read<'a>(&'a self, after: Position, limit: usize, filter: &'a Filter) -> Answer<'a, Page>;

    /// The events at these positions (ascending, without doubles); missing ones are skipped.
    fn at<'a>(&'a self, positions: &'a [Position]) -> Answer<'a, Vec<Recorded>>;

    /// At most `limit` events after `after` exactly as they are stored, for verification.
    fn rows(&self, after: Position, limit: usize) -> Answer<'_, Vec<Row>>;

    /// The last position and its hash as the database remembers them apart from the events, so that
    /// a log cut off at the end is noticed. Zero and [`GENESIS`](crate::hash::GENESIS) for an empty log.
    fn head(&self) -> Answer<'_, (Position, crate::hash::Hash)>;

    /// Keeps a sealed secret, replacing an earlier one.
    fn put_secret(&self, id: SecretId, sealed: Vec<u8>) -> Answer<'_, ()>;

    /// A sealed secret.
    fn secret(&self, id: SecretId) -> Answer<'_, Option<Vec<u8>>>;

    /// The vault key that is kept beside the data; the first caller's `candidate` is kept for ever.
    fn vault_key(&self, candidate: [u8; 32]) -> Answer<'_, [u8; 32]>;

    /// Decides with [`leases::decide`](crate::leases::decide), atomically.
    fn acquire<'a>(
        &'a self,
        name: &'a str,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Answer<'a, Option<Lease>>;

    /// Ends a lease if owner and epoch still match; the epoch is kept, so that the next one is higher.
    fn release<'a>(&'a self, lease: &'a Lease) -> Answer<'a, ()>;

    /// Called once, after the queue was closed: waits until the last group is settled and lets go of
    /// the database. Later calls of the other methods may fail with `Unavailable`.
    fn close(&self) -> BoxFuture<'_, ()>;
}
