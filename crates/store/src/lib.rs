//! The event log: append, load, tail. Knows no aggregate.
//!
//! One log, several backends with one meaning: memory for tests, SQLite by default, PostgreSQL for
//! several nodes. `tests/conformance` holds what each of them must do.
//!
//! An append is made ready on its caller's thread (`prepare`), waits in the `queue`, is committed by the
//! `backend` together with whatever else waits, and is announced to the tails (`growth`, `recent`) before
//! its caller is answered.

mod backend;
mod event;
#[cfg(test)]
mod fixture;
mod growth;
mod hash;
mod leases;
mod memory;
mod options;
mod postgres;
mod prepare;
mod queue;
mod recent;
mod row;
mod sqlite;
mod store;
mod tail;
mod url;
mod vault;
mod verify;

pub use event::{Append, Committed, Expected, Filter, Metadata, NewEvent, Position, Recorded, StoreError};
pub use leases::{Lease, Leases};
pub use options::Options;
pub use postgres::{POSTGRES_WRITE_STEADILY, postgres_config};
pub use prepare::MAX_PAYLOAD;
pub use store::Store;
pub use tail::{Batch, Tail};
pub use url::{DatabaseUrl, DatabaseUrlError};
pub use vault::Vault;
pub use verify::Verified;
