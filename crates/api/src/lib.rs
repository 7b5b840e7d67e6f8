//! The inbound edge: GraphQL and webhooks. Translates; decides nothing.

mod app;
pub mod webhooks;

pub use app::{App, Limits, Settings, TokenDigest, Viewer};
