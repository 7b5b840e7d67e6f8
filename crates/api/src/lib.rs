//! The inbound edge: GraphQL, webhooks, mail and calendars. Translates; decides nothing.

mod app;
mod auth;
mod calendar;
pub mod graphql;
pub mod mail;
mod ops;
mod problem;
mod router;
pub mod webhooks;

pub use app::{App, Limits, Settings, TokenDigest, Viewer};
pub use auth::bearer;
pub use ops::{Health, Ops};
pub use problem::Problem;
pub use router::router;
