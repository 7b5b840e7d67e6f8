//! The services of the demo, whom to page for them, and their entrances.

use anyhow::Result;
use commands::key_hash;
use domain::{
    IntegrationId, Level, OrganizationId, PolicyId, ServiceId, Target, TeamId,
    integration::{Integration, IntegrationCommand, IntegrationKind, Reading},
    organization::{Organization, OrganizationCommand},
    policy::{Policy, PolicyCommand},
    service::{Service, ServiceCommand},
};

use super::{
    people::People,
    record::{self, Recorder},
};

/// The key in the invitation's `curl`. Everybody may know it: it rings a demo phone.
pub(super) const CURL_KEY: &str = "demo-checkout";

/// What can break, each with the generic entrance through which the demo's incidents come.
pub(super) struct Services {
    pub(super) checkout: Entrance,
    pub(super) billing: Entrance,
    pub(super) search: Entrance,
    pub(super) status_page: Entrance,
}

/// A service and its generic integration.
#[derive(Clone, Copy)]
pub(super) struct Entrance {
    pub(super) service: ServiceId,
    pub(super) integration: IntegrationId,
}

/// Makes policies, services and integrations.
pub(super) async fn create(recorder: &Recorder, people: &People) -> Result<Services> {
    let level = |target, timeout_seconds| Level { targets: vec![target], timeout_seconds };
    let payments = [
        level(Target::Schedule { id: people.payments_schedule }, 120),
        level(Target::User { id: people.payments_lead }, 300),
        level(Target::Team { id: people.payments }, 600),
    ];
    let platform = [
        level(Target::Schedule { id: people.platform_schedule }, 300),
        level(Target::User { id: people.platform_lead }, 900),
    ];
    let payments = policy(recorder, "Payments: on call, lead, everybody", people.payments, &payments).await?;
    let platform = policy(recorder, "Platform: on call, lead", people.platform, &platform).await?;
    let catch_all = OrganizationCommand::SetCatchAllPolicy { policy: Some(platform), unknown: vec![] };
    if recorder.app.directory.now().organization.catch_all.is_none() {
        recorder.once::<Organization>("set the catch-all policy", OrganizationId::THIS, &catch_all).await?;
    }

    let (pay, plat) = ((people.payments, payments), (people.platform, platform));
    let checkout = service(recorder, "Checkout", "Takes orders and money", pay).await?;
    let billing = service(recorder, "Billing", "Writes and sends invoices", pay).await?;
    let search = service(recorder, "Search", "Finds things", plat).await?;
    let status_page = service(recorder, "Status page", "Tells customers how we are", plat).await?;

    let generic = IntegrationKind::Generic;
    let services = Services {
        checkout: entrance(recorder, checkout, "Checkout probe", generic, CURL_KEY).await?,
        billing: entrance(recorder, billing, "Billing cron", generic, "demo-billing").await?,
        search: entrance(recorder, search, "Search probe", generic, "demo-search").await?,
        status_page: entrance(recorder, status_page, "Certificate watch", generic, "demo-status-page")
            .await?,
    };
    let alertmanager = IntegrationKind::Alertmanager;
    entrance(recorder, search, "Alertmanager", alertmanager, "demo-alertmanager").await?;
    // Clients of PagerDuty insist on 32 characters.
    let events_key = "demo0000000000000000000000000000";
    entrance(recorder, checkout, "PagerDuty events", IntegrationKind::PagerDuty, events_key).await?;
    Ok(services)
}

async fn policy(recorder: &Recorder, name: &str, team: TeamId, levels: &[Level]) -> Result<PolicyId> {
    let id = PolicyId::new(record::id(&format!("policy {name}")));
    let command = PolicyCommand::CreateEscalationPolicy {
        name: name.to_owned(),
        team: Some(team),
        levels: levels.to_vec(),
        repeat: 1,
        unknown: vec![],
    };
    recorder.once::<Policy>(&format!("create policy {name}"), id, &command).await?;
    Ok(id)
}

async fn service(
    recorder: &Recorder,
    name: &str,
    description: &str,
    (team, policy): (TeamId, PolicyId),
) -> Result<ServiceId> {
    let id = ServiceId::new(record::id(&format!("service {name}")));
    let command = ServiceCommand::CreateService {
        name: name.to_owned(),
        description: description.to_owned(),
        team: Some(team),
        policy: Some(policy),
        routing_key: None,
        unknown: vec![],
    };
    recorder.once::<Service>(&format!("create service {name}"), id, &command).await?;
    Ok(id)
}

async fn entrance(
    recorder: &Recorder,
    service: ServiceId,
    name: &str,
    kind: IntegrationKind,
    key: &str,
) -> Result<Entrance> {
    let integration = IntegrationId::new(record::id(&format!("integration {name}")));
    let command = IntegrationCommand::CreateIntegration {
        name: name.to_owned(),
        kind,
        service,
        key_hash: key_hash(key),
        signing_secret: None,
        verification: None,
        reading: Reading::default(),
        rate_limit: None,
        watch: None,
        unknown: vec![],
        at: recorder.app.engine.now(),
    };
    recorder.once::<Integration>(&format!("create integration {name}"), integration, &command).await?;
    Ok(Entrance { service, integration })
}
