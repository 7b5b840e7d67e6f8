//! The running system as a test sees it: people, time and pages; no SQL, no sleeping.

mod app;
mod outbox;
mod world;

pub(crate) use app::TestApp;
pub(crate) use outbox::{Outbox, Sent};
pub(crate) use world::World;
