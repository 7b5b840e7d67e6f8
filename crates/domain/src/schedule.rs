//! On-call schedules: who is on call when.
//!
//! A schedule is a list of versions, each from an instant on, and a log of overrides and swaps.
//! [`Timetable`] answers every question about it, in the past and in the future.

mod adjustment;
mod check;
mod commands;
mod decide;
mod edit;
mod events;
mod feed;
mod history;
mod model;
mod recurrence;
mod report;
mod rota;
mod runs;
mod state;
mod stored;
mod timeline;
mod timetable;
mod tzdb;
mod window;
mod zone;
mod zone_data;

pub use adjustment::{Adjustment, Change, Source};
pub use check::{MAX_LAYERS, MAX_SHARING, MAX_SLOTS, MAX_WINDOWS, check_span, check_version};
pub use commands::{Edit, ScheduleCommand};
pub use edit::{Moved, Preview, keep_current, moved};
pub use events::ScheduleEvent;
pub use feed::{DAYS_AHEAD, DAYS_BACK, Shift, ShiftFeed};
pub use history::History;
pub use model::{Layer, Rotation, Span, Unit, Version, Window};
pub use report::{Report, Share};
pub use state::{Override, Schedule, Swap, SwapStatus};
pub use timeline::{Handoff, LayerTimeline, Segment, TooLong, gaps, shifts};
pub use timetable::{Cause, Timetable};
pub use tzdb::{Tzdb, ZoneFileError, Zones};
pub use zone::{Written, Zone};
pub use zone_data::{RecordedZones, ZoneData};
