//! Webhooks: what monitoring tools send, kept as it came, then understood.

mod answers;
mod body;
mod envelope;
mod hooks;
mod limits;
mod opsgenie;
mod post;
mod rates;
mod refusals;
mod road;
pub(crate) mod samples;
#[cfg(test)]
pub(crate) mod tests;
pub mod translate;
mod turns;
mod understood;
mod verify;

pub(crate) use hooks::routes;
pub(crate) use post::{Letter, Post, Returned};
pub use understood::Understood;
pub use verify::vouched;
