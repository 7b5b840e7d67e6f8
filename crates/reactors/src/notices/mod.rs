//! Notices: people are told about their time on call before it begins, and of what becomes of it; and of what is wrong
//! with what comes through the integrations that they look after.
//!
//! The asker knows when something falls due, from the schedules themselves and the clock, and reads what happens to
//! schedules from the log. Whatever is to be told becomes `notice.requested` under the only id that it can have, so
//! that neither a crash nor a second node tells it twice. The sender hands what was asked for to connectors, on lanes
//! of its own: a page never waits for a notice.

mod asker;
mod compose;
mod desk;
mod plan;
mod says;
mod sender;
mod troubles;
mod words;
mod zone_data;

pub use desk::Desk;

use crate::{Parts, places::Places};

/// Asks and sends for ever.
pub(crate) async fn run(parts: Parts, places: Places) {
    let sender = sender::Sender::new(parts.clone(), places.clone());
    tokio::join!(asker::run(parts, places), sender.run());
}
