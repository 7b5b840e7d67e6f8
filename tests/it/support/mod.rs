//! The running system as a test sees it: people, time and pages; no SQL, no sleeping.

mod app;
mod authority;
mod crew;
mod eventually;
mod log;
mod outbox;
mod peer;
mod phone;
mod postgres;
mod relay;
mod server;
mod world;

pub(crate) use app::{TOKEN as APP_TOKEN, TestApp};
pub(crate) use authority::{Authority, Vouched};
pub(crate) use crew::{Crew, at, crew_on, log_on, mutate, text};
pub(crate) use eventually::eventually;
pub(crate) use log::{digests, quiet, verify};
pub(crate) use outbox::Outbox;
pub(crate) use peer::{Peer, alertmanager, amtool, node, python};
pub(crate) use phone::Phone;
pub(crate) use postgres::{Cluster, database};
pub(crate) use relay::Relay;
pub(crate) use server::{Furnished, Server, TOKEN, binary, free_port, run};
pub(crate) use world::{World, mutation};
