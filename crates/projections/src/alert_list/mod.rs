//! Which problems did monitoring tools tell of, and how do they stand?
//!
//! A problem is what has one key: an incident without grouping has one, a group has as many as its alerts have own keys.
//! Each is one row, however often it is told of.

mod ask;
mod counts;
mod fold;
mod group;
mod record;
mod rows;
mod standing;
mod statistics;
mod stored;

pub(crate) use counts::COUNTS;
pub(crate) use fold::Fold;
pub use record::{AlertFilter, AlertRecord, AlertRecordId, AlertStatus};
pub(crate) use rows::{LIST, SAID, SEARCHED};
pub use standing::OpenProblem;
pub use statistics::{AlertStatistics, StatisticsFilter};
