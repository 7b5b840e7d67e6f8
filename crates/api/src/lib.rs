//! The inbound edge: GraphQL and webhooks. Translates; decides nothing.

mod app;

pub use app::{App, Limits, Settings, TokenDigest, Viewer};
