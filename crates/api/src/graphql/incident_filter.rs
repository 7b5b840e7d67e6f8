//! Which incidents are wanted.

use async_graphql::{ID, InputObject};
use projections::IncidentFilter;

use super::{
    caller::parse_all,
    fault::Fault,
    scalar::DateTime,
    words::{Severity, Status},
};

/// Which incidents are wanted. What is left out or empty wants all of its kind.
#[derive(Default, InputObject)]
pub(super) struct IncidentFilterInput {
    /// Standing in one of these ways.
    status: Option<Vec<Status>>,
    /// As bad as one of these.
    severity: Option<Vec<Severity>>,
    /// Of one of these services.
    service_ids: Option<Vec<ID>>,
    /// Looked after by one of these teams.
    team_ids: Option<Vec<ID>>,
    /// With each of these words somewhere in the title or the deduplication key, in any case.
    text: Option<String>,
    /// Opened at this instant or later.
    opened_after: Option<DateTime>,
    /// Opened before this instant.
    opened_before: Option<DateTime>,
}

impl IncidentFilterInput {
    /// The filter as the read model takes it.
    pub(super) fn read(self) -> Result<IncidentFilter, Fault> {
        Ok(IncidentFilter {
            status: self.status.unwrap_or_default().into_iter().map(Into::into).collect(),
            severity: self.severity.unwrap_or_default().into_iter().map(Into::into).collect(),
            service: parse_all(self.service_ids.as_ref())?,
            team: parse_all(self.team_ids.as_ref())?,
            text: self.text.filter(|text| !text.trim().is_empty()),
            opened_after: self.opened_after.map(|DateTime(at)| at),
            opened_before: self.opened_before.map(|DateTime(at)| at),
        })
    }
}
