//! Load, decide, append, retry. Holds no rule.
//!
//! Also what deciding needs from outside: the clock, fresh ids, and the directory of teams, people,
//! schedules and policies at a known position of the log.

pub mod adapter;
pub mod mint;
pub mod trace;

mod clock;
mod directory;
mod engine;
mod metadata;
mod opening;
mod pace;

pub use clock::{Clock, SystemClock, VirtualClock};
pub use directory::{Directory, DirectoryHandle, key_hash};
pub use engine::{CommandError, Done, Engine, EngineError};
pub use metadata::MetadataExt;
pub use opening::{EpisodeIndex, Intake, OpenError, OpenRequest, Opened};
pub use pace::{Follower, Pace};
