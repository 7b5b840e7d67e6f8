//! Facts and deadlines in, commands and effects out.
//!
//! Eight reactors, each safe to run twice: `intake` turns deliveries into incidents, `clock` escalates what is overdue,
//! `pager` turns levels into pages, `dispatcher` hands pages to connectors, `recorder` writes down who is on call,
//! `leaver` takes people who left out of schedules, `notices` tells people about their time on call, `watcher` opens
//! incidents for integrations that fall silent. Each finds its place again from the log and the read models after a
//! crash.

mod clock;
mod dispatcher;
mod intake;
mod lane;
mod leaver;
mod letter;
mod looks;
mod notices;
mod pager;
mod parts;
mod places;
mod recorder;
mod retry;
mod watcher;

pub use intake::Whereabouts;
pub use notices::Desk;
pub use parts::{Message, Parts, Reactors, Translate};
pub use watcher::Lookout;
