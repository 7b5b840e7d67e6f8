//! Which incidents are there, and how do they stand?

mod view;

pub use view::{
    Acknowledgement, AlertPlace, EscalationView, IncidentFilter, IncidentView, Resolution, Status,
};
