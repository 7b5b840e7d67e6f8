//! Alerts as whoever searches sees them: one for each problem that monitoring tools told of, however often.

use async_graphql::{Context, ID, InputObject, Object, connection::Connection};
use domain::DeliveryId;
use projections::{AlertFilter, AlertRecordId};

use super::{
    caller::{Caller, app, parse_all},
    delivery::Delivery,
    fault::Fault,
    incident::Incident,
    integration::Integration,
    scalar::{DateTime, Position},
    service::Service,
    slice,
    team::Team,
    words::{AlertStatus, Severity},
};

/// One problem that monitoring tools told of, once or often: what has one key within an incident.
pub(super) struct AlertRecord(projections::AlertRecord);

/// One problem that monitoring tools told of, once or often: what has one key within an incident.
#[Object]
impl AlertRecord {
    /// Its id, such as `alr_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What makes two messages tell of the same problem: its own key, where several problems are grouped into one incident;
    /// otherwise the incident's.
    async fn dedup_key(&self) -> &str {
        &self.0.key
    }

    /// Whether the key is its own.
    async fn grouped(&self) -> bool {
        self.0.grouped
    }

    /// What is wrong, in one line, as was said last.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// The beginning of the longer words that were said last, at most 256 characters. All of them are in the message.
    async fn details(&self) -> Option<&str> {
        self.0.details.as_deref()
    }

    /// The part of the world it is about, such as a host, as was said last.
    async fn source(&self) -> Option<&str> {
        self.0.source.as_deref()
    }

    /// What of that part is broken, such as a disk, as was said last.
    async fn component(&self) -> Option<&str> {
        self.0.component.as_deref()
    }

    /// How it stands: as its incident does, unless it ended before.
    async fn status(&self) -> AlertStatus {
        self.0.status.into()
    }

    /// How bad it was at its worst.
    async fn severity(&self) -> Severity {
        self.0.severity.into()
    }

    /// How bad it is, as was said last.
    async fn last_severity(&self) -> Severity {
        self.0.last_severity.into()
    }

    /// The rule of its integration that decided what became of what was said last; null: there were no rules.
    async fn rule(&self) -> Option<&str> {
        self.0.rule.as_deref()
    }

    /// How often it was told of.
    async fn occurrences(&self) -> u64 {
        self.0.occurrences
    }

    /// When it was told of first.
    async fn first_seen_at(&self) -> DateTime {
        DateTime(self.0.first_seen_at)
    }

    /// When it was told of last.
    async fn last_seen_at(&self) -> DateTime {
        DateTime(self.0.last_seen_at)
    }

    /// When it ended, by itself or with its incident; null while it lasts.
    async fn ended_at(&self) -> Option<DateTime> {
        self.0.ended_at.map(DateTime)
    }

    /// The incident that it belongs to.
    #[graphql(complexity = "5 + child_complexity")]
    async fn incident(&self, ctx: &Context<'_>) -> Result<Option<Incident>, Fault> {
        Incident::load(ctx, self.0.incident).await
    }

    /// The id of that incident.
    async fn incident_id(&self) -> ID {
        self.0.incident.into()
    }

    /// The entrance that it came through first.
    async fn integration(&self, ctx: &Context<'_>) -> Result<Option<Integration>, Fault> {
        Ok(Integration::find(&app(ctx)?.directory.now(), self.0.integration))
    }

    /// What is broken.
    async fn service(&self, ctx: &Context<'_>) -> Result<Option<Service>, Fault> {
        Ok(Service::find(&app(ctx)?.directory.now(), self.0.service))
    }

    /// Who looks after it.
    async fn team(&self, ctx: &Context<'_>) -> Result<Option<Team>, Fault> {
        let directory = app(ctx)?.directory.now();
        Ok(self.0.team.and_then(|id| Team::find(&directory, id)))
    }

    /// The message that told of it first.
    #[graphql(complexity = "5 + child_complexity")]
    async fn first_delivery(&self, ctx: &Context<'_>) -> Result<Option<Delivery>, Fault> {
        delivery(ctx, self.0.first_delivery).await
    }

    /// The message that told of it last.
    #[graphql(complexity = "5 + child_complexity")]
    async fn last_delivery(&self, ctx: &Context<'_>) -> Result<Option<Delivery>, Fault> {
        delivery(ctx, self.0.last_delivery).await
    }
}

async fn delivery(ctx: &Context<'_>, id: DeliveryId) -> Result<Option<Delivery>, Fault> {
    Ok(app(ctx)?.reads.delivery(id).await?.map(Delivery::new))
}

/// Which alerts are wanted. What is left out or empty wants all of its kind.
#[derive(Default, InputObject)]
struct AlertFilterInput {
    /// Standing in one of these ways.
    status: Option<Vec<AlertStatus>>,
    /// At their worst as bad as one of these.
    severity: Option<Vec<Severity>>,
    /// That came through one of these integrations first.
    integration_ids: Option<Vec<ID>>,
    /// Of one of these services.
    service_ids: Option<Vec<ID>>,
    /// Looked after by one of these teams.
    team_ids: Option<Vec<ID>>,
    /// That belong to this incident.
    incident_id: Option<ID>,
    /// With each of these words somewhere in the first title or the key, in any case.
    text: Option<String>,
    /// First told of at this instant or later.
    from: Option<DateTime>,
    /// First told of before this instant.
    until: Option<DateTime>,
}

impl AlertFilterInput {
    /// The filter as the read model takes it.
    fn read(self) -> Result<AlertFilter, Fault> {
        Ok(AlertFilter {
            status: self.status.unwrap_or_default().into_iter().map(Into::into).collect(),
            severity: self.severity.unwrap_or_default().into_iter().map(Into::into).collect(),
            integration: parse_all(self.integration_ids.as_ref())?,
            service: parse_all(self.service_ids.as_ref())?,
            team: parse_all(self.team_ids.as_ref())?,
            incident: parse_all(self.incident_id.map(|id| vec![id]).as_ref())?.pop(),
            text: self.text.filter(|text| !text.trim().is_empty()),
            seen_after: self.from.map(|DateTime(at)| at),
            seen_before: self.until.map(|DateTime(at)| at),
        })
    }
}

#[derive(Default)]
pub(super) struct AlertQuery;

#[Object]
impl AlertQuery {
    /// One alert; null if there is none under this id.
    async fn alert(
        &self,
        ctx: &Context<'_>,
        id: ID,
        wait_for: Option<Position>,
    ) -> Result<Option<AlertRecord>, Fault> {
        let caller = Caller::reading(ctx, wait_for).await?;
        let Some(id) = AlertRecordId::parse(&id) else { return Ok(None) };
        Ok(caller.app.reads.alert_record(id).await?.map(AlertRecord))
    }

    /// Alerts, newest first by when they were first told of: one for each problem, however often it was told of.
    #[graphql(complexity = "slice::cost(first, child_complexity)")]
    async fn alerts(
        &self,
        ctx: &Context<'_>,
        filter: Option<AlertFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        wait_for: Option<Position>,
    ) -> Result<Connection<String, AlertRecord>, Fault> {
        let caller = Caller::reading(ctx, wait_for).await?;
        let (first, filter) = (slice::first(first)?, filter.unwrap_or_default().read()?);
        let slice = caller.app.reads.alert_records(&filter, first, after.as_deref()).await?;
        Ok(slice::connection(slice, after.is_some(), AlertRecord))
    }
}
