//! What Midwatch decides and remembers: commands, events, rejections and states.
//!
//! Everything here is pure and synchronous. Time, ids and looked-up facts arrive inside commands,
//! so the same rules run in production, in tests at a thousand times speed and in what-if runs.

mod actor;
mod aggregate;
mod alert;
mod escalation;
mod fact;
mod id;
mod rejection;
mod severity;
mod time;
mod validate;

pub mod api_key;
pub mod calendar_feed;
pub mod delivery;
pub mod expression;
pub mod incident;
pub mod integration;
pub mod json;
pub mod notice;
pub mod on_call;
pub mod organization;
pub mod page;
pub mod policy;
pub mod schedule;
pub mod service;
pub mod team;
pub mod text;
pub mod user;

pub use actor::{Actor, Channel};
pub use aggregate::{Aggregate, AggregateId};
pub use alert::{Alert, AlertAction, Labels, Link, Mark, Meaning, Translated, Update};
pub use escalation::{Ladder, Level, MAX_LEVELS, MAX_REPEAT, Responder, Roster, Target};
pub use fact::{Fact, FactError};
pub use id::{
    ApiKeyId, CalendarFeedId, ContactId, DeliveryId, IdError, IncidentId, IntegrationId, LayerId, NoteId,
    NoticeId, OrganizationId, OverrideId, PageId, PolicyId, ScheduleId, SecretId, ServiceId, Subject, SwapId,
    TeamId, UserId,
};
pub use rejection::{ConfigRejection, Rejection};
pub use severity::Severity;
pub use time::Timestamp;
pub use validate::{Invalid, Unknown};
