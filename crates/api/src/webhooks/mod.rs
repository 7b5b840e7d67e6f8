//! Webhooks: what monitoring tools send, kept as it came, then understood.

mod answers;
mod body;
mod hooks;
mod road;
pub mod signature;
#[cfg(test)]
pub(crate) mod tests;
pub mod translate;
mod understood;

pub(crate) use hooks::routes;
pub use understood::Understood;
