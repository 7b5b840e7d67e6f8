//! Schedules: the engine against a brute-force oracle, and the rules of every command.

mod edits;
mod feeds;
mod laws;
mod oracle;
mod overrides;
mod refusals;
mod swaps;
mod versions;
mod world;
mod zones;
