//! A view as two texts: what never changes of an incident, and how it stands. An alert that joins an incident rewrites
//! a few hundred bytes instead of all its words.

use std::borrow::Cow;

use domain::{IncidentId, PolicyId, ServiceId, Severity, TeamId, Timestamp, incident::Attributes};
use serde::{Deserialize, Serialize};
use store::Position;

use super::view::{Acknowledgement, AlertPlace, EscalationView, IncidentView, Resolution, Status};
use crate::{ReadError, json};

#[derive(Serialize, Deserialize)]
struct Facts<'a> {
    id: IncidentId,
    number: u64,
    service: ServiceId,
    team: Option<TeamId>,
    key: Cow<'a, str>,
    episode: u32,
    title: Cow<'a, str>,
    details: Option<Cow<'a, str>>,
    opened_at: Timestamp,
    opened: Position,
}

#[derive(Serialize, Deserialize)]
struct Stand<'a> {
    policy: Option<PolicyId>,
    severity: Severity,
    status: Status,
    alert_count: u64,
    alerts: Cow<'a, [AlertPlace]>,
    escalation: EscalationView,
    acknowledged: Option<Cow<'a, Acknowledgement>>,
    resolved: Option<Cow<'a, Resolution>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    merged: Option<Cow<'a, Attributes>>,
    position: Position,
}

/// What never changes.
pub(super) fn facts(view: &IncidentView) -> Result<String, ReadError> {
    json::write(&Facts {
        id: view.id,
        number: view.number,
        service: view.service,
        team: view.team,
        key: Cow::Borrowed(&view.key),
        episode: view.episode,
        title: Cow::Borrowed(&view.title),
        details: view.details.as_deref().map(Cow::Borrowed),
        opened_at: view.opened_at,
        opened: view.opened,
    })
}

/// How it stands.
pub(super) fn stand(view: &IncidentView) -> Result<String, ReadError> {
    json::write(&Stand {
        policy: view.policy,
        severity: view.severity,
        status: view.status,
        alert_count: view.alert_count,
        alerts: Cow::Borrowed(&view.alerts),
        escalation: view.escalation,
        acknowledged: view.acknowledged.as_ref().map(Cow::Borrowed),
        resolved: view.resolved.as_ref().map(Cow::Borrowed),
        merged: view.merged.as_ref().map(Cow::Borrowed),
        position: view.position,
    })
}

/// Both together again.
pub(super) fn view(facts: &str, stand: &str) -> Result<IncidentView, ReadError> {
    let Facts { id, number, service, team, key, episode, title, details, opened_at, opened } =
        json::read(facts)?;
    let stand: Stand<'_> = json::read(stand)?;
    Ok(IncidentView {
        id,
        number,
        service,
        team,
        policy: stand.policy,
        key: key.into_owned(),
        episode,
        title: title.into_owned(),
        details: details.map(Cow::into_owned),
        severity: stand.severity,
        status: stand.status,
        alert_count: stand.alert_count,
        alerts: stand.alerts.into_owned(),
        escalation: stand.escalation,
        acknowledged: stand.acknowledged.map(Cow::into_owned),
        resolved: stand.resolved.map(Cow::into_owned),
        opened_at,
        opened,
        merged: stand.merged.map(Cow::into_owned),
        position: stand.position,
    })
}
