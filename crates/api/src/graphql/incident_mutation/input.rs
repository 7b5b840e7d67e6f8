//! What people say when they act on incidents.

use async_graphql::{ID, InputObject};

use crate::graphql::{
    scalar::{CommandId, DateTime},
    words::Severity,
};

/// A problem that a person reports.
#[derive(InputObject)]
pub(super) struct CreateIncidentInput {
    /// What is broken.
    pub(super) service_id: ID,
    /// What is wrong, in one line.
    pub(super) title: String,
    /// Longer words.
    pub(super) details: Option<String>,
    /// How bad it is.
    #[graphql(default_with = "Severity::High")]
    pub(super) severity: Severity,
    /// What makes two reports the same problem: if an incident with this key is open on the service, it is the
    /// answer. Without it the incident stands for itself.
    pub(super) dedup_key: Option<String>,
    /// Makes repeating the request safe.
    pub(super) command_id: Option<CommandId>,
}

/// An incident to take.
#[derive(InputObject)]
pub(super) struct AcknowledgeIncidentInput {
    /// Which incident.
    pub(super) incident_id: ID,
    /// The person who takes it, if it is not the caller; for administrators.
    pub(super) on_behalf_of: Option<ID>,
    /// Makes repeating the request safe.
    pub(super) command_id: Option<CommandId>,
}

/// An incident that is to page nobody for a while.
#[derive(InputObject)]
pub(super) struct SnoozeIncidentInput {
    /// Which incident.
    pub(super) incident_id: ID,
    /// Until when; at most seven days ahead.
    pub(super) until: DateTime,
    /// Why.
    pub(super) reason: Option<String>,
    /// Makes repeating the request safe.
    pub(super) command_id: Option<CommandId>,
}

/// An incident to give back.
#[derive(InputObject)]
pub(super) struct UnacknowledgeIncidentInput {
    /// Which incident.
    pub(super) incident_id: ID,
    /// Makes repeating the request safe.
    pub(super) command_id: Option<CommandId>,
}

/// An incident that is over.
#[derive(InputObject)]
pub(super) struct ResolveIncidentInput {
    /// Which incident.
    pub(super) incident_id: ID,
    /// What it was.
    pub(super) note: Option<String>,
    /// Makes repeating the request safe.
    pub(super) command_id: Option<CommandId>,
}

/// Whom to page instead: people, or an escalation policy.
#[derive(InputObject)]
pub(super) struct ReassignIncidentInput {
    /// Which incident.
    pub(super) incident_id: ID,
    /// These people, all at once.
    pub(super) user_ids: Option<Vec<ID>>,
    /// The ladder of this policy, from the beginning.
    pub(super) escalation_policy_id: Option<ID>,
    /// Why.
    pub(super) reason: Option<String>,
    /// Makes repeating the request safe.
    pub(super) command_id: Option<CommandId>,
}

/// An incident whose next level is to be paged now.
#[derive(InputObject)]
pub(super) struct EscalateIncidentInput {
    /// Which incident.
    pub(super) incident_id: ID,
    /// Makes repeating the request safe.
    pub(super) command_id: Option<CommandId>,
}

/// An incident that is worse or less bad than it seemed.
#[derive(InputObject)]
pub(super) struct ChangeIncidentSeverityInput {
    /// Which incident.
    pub(super) incident_id: ID,
    /// How bad it is.
    pub(super) severity: Severity,
    /// Why.
    pub(super) reason: Option<String>,
    /// Makes repeating the request safe.
    pub(super) command_id: Option<CommandId>,
}

/// Something to write down.
#[derive(InputObject)]
pub(super) struct AddIncidentNoteInput {
    /// Which incident.
    pub(super) incident_id: ID,
    /// What.
    pub(super) text: String,
    /// Makes repeating the request safe.
    pub(super) command_id: Option<CommandId>,
}
