//! Which incidents are there, and how do they stand?

mod ask;
mod document;
mod fold;
mod rows;
mod view;

pub(crate) use rows::{DOCUMENT, Fold, LIST, SEARCHED, incident, opens};
pub use view::{
    Acknowledgement, AlertPlace, EscalationView, IncidentFilter, IncidentView, Resolution, Status,
};
