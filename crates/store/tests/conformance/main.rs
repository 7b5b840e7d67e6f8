//! What every backend of the log must do. The rules are written once; each backend runs them all.

mod memory;
mod place;
mod postgres;
mod rules;
mod sqlite;
mod told;
