//! The event log: append, load, tail. Knows no aggregate.
//!
//! One log, several backends with one meaning: memory for tests, SQLite by default, PostgreSQL for
//! several nodes. `tests/conformance` holds what each of them must do.

mod event;

pub use event::{
    Append, Committed, Expected, Filter, Metadata, NewEvent, Position, Recorded, StoreError,
};
