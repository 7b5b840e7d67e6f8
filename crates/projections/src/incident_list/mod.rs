//! Which incidents are there, and how do they stand?

mod ask;
mod document;
mod fold;
mod rows;
mod search;
mod view;
mod walks;

pub(crate) use rows::{DOCUMENT, Fold, LIST};
pub(crate) use search::Search;
pub use view::{
    Acknowledgement, AlertPlace, EscalationView, IncidentFilter, IncidentView, Resolution, Status,
};
