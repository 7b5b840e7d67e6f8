//! The running system as a test sees it: people, time and pages; no SQL, no sleeping.

mod app;
mod outbox;
mod phone;
mod server;
mod world;

pub(crate) use app::TestApp;
pub(crate) use outbox::Outbox;
pub(crate) use phone::Phone;
pub(crate) use server::{Server, free_port, run};
pub(crate) use world::World;
