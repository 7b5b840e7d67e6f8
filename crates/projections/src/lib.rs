//! One file per read model: what it folds, what it stores, what can be asked of it.
//!
//! The projector follows the log in batches. Each batch is folded in memory by the read models, written
//! once, and moves the checkpoint in the same transaction. Folds are pure: what a table holds depends on the log
//! alone, never on batch boundaries, time or node, so tables that are rebuilt beside the live ones equal them.
//!
//! Who is on call now or will be, and everything else about configuration, is answered from memory elsewhere.

mod alert_list;
mod checkpoints;
mod db;
mod deadlines;
mod deliveries;
mod digest;
mod error;
mod events;
mod incident_list;
mod json;
mod list;
mod models;
mod news;
mod page_log;
mod projection;
mod projector;
mod rebuild;
mod silence;
mod slice;
mod subject;
mod timeline;
mod who_is_on_call;

#[cfg(test)]
mod tests;

pub use alert_list::{
    AlertFilter, AlertRecord, AlertRecordId, AlertStatistics, AlertStatus, OpenProblem, StatisticsFilter,
};
pub use deadlines::{EscalationDue, PageDue, QuietDue};
pub use deliveries::{DeliveryCounts, DeliveryFilter, DeliveryVerdict, DeliveryView};
pub use error::ReadError;
pub use events::EventPage;
pub use incident_list::{
    Acknowledgement, AlertPlace, EscalationView, IncidentFilter, IncidentView, Resolution, Status,
};
pub use models::{ReadLocation, ReadModels};
pub use page_log::{PageState, PageView};
pub use rebuild::Rebuilt;
pub use slice::Slice;
pub use who_is_on_call::OnCallView;
