//! Facts and deadlines in, commands and effects out.
//!
//! Four reactors, each safe to run twice: `intake` turns deliveries into incidents, `clock`
//! escalates what is overdue, `pager` turns levels into pages, `dispatcher` hands pages to
//! connectors. Each finds its place again from the log and the read models after a crash.

mod clock;
mod dispatcher;
mod intake;
mod lane;
mod letter;
mod pager;
mod parts;
mod retry;

pub use parts::{Parts, Reactors, Translate};
