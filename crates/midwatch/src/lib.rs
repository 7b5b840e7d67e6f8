//! Configuration, wiring, shutdown and the command line.
//!
//! [`start`] assembles a node; the binary and the tests from outside use it alike.

pub mod answer;
pub mod cli;
pub mod demo;
pub mod inspect;
pub mod telemetry;
pub mod tzdb;

mod config;
mod node;
mod serve;
mod tasks;
mod work;

pub use config::{Config, LogFormat, LogLocation};
pub use node::{Parts, Running, start};
