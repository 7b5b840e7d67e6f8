//! Incidents. What acts on them is in [`super::incident_mutation`].

use async_graphql::{Context, ID, Object, SimpleObject, connection::Connection};
use domain::{
    Fact, IncidentId, Subject,
    incident::{self, IncidentEvent},
};
use projections::IncidentView;

use super::{
    actor::Actor,
    caller::{Caller, app},
    event::{TimelineEntry, timeline},
    fault::Fault,
    incident_filter::IncidentFilterInput,
    integration::Integration,
    page::Page,
    policy::EscalationPolicy,
    scalar::{DateTime, Position},
    service::Service,
    slice,
    team::Team,
    words::{Severity, Status},
};

/// A problem that somebody must take.
pub(super) struct Incident(pub(super) IncidentView);

impl Incident {
    pub(super) async fn load(ctx: &Context<'_>, id: IncidentId) -> Result<Option<Self>, Fault> {
        Ok(app(ctx)?.reads.incident(id).await?.map(Self))
    }
}

/// A problem that somebody must take.
#[Object]
impl Incident {
    /// Its id, such as `inc_…`.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// Its place among all incidents in the order in which they opened, from 1.
    async fn number(&self) -> u64 {
        self.0.number
    }

    /// What is wrong, in one line.
    async fn title(&self) -> &str {
        self.0.merged.as_ref().map_or(&self.0.title, |merged| &merged.title)
    }

    /// Longer words.
    async fn details(&self) -> Option<&str> {
        match &self.0.merged {
            Some(merged) => merged.details.as_deref(),
            None => self.0.details.as_deref(),
        }
    }

    /// How it stands.
    async fn status(&self) -> Status {
        self.0.status.into()
    }

    /// How bad it is.
    async fn severity(&self) -> Severity {
        self.0.severity.into()
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

    /// What makes two alerts the same problem.
    async fn dedup_key(&self) -> &str {
        &self.0.key
    }

    /// How often this key has been a problem on this service, from 1.
    async fn episode(&self) -> u32 {
        self.0.episode
    }

    /// How many alerts opened or joined it.
    async fn alert_count(&self) -> u64 {
        self.0.alert_count
    }

    /// The last alerts that opened or joined it, oldest first, at most 20. Earlier ones are in the timeline.
    #[graphql(complexity = "5 + 3 * child_complexity")]
    async fn alerts(&self, ctx: &Context<'_>) -> Result<Vec<Alert>, Fault> {
        let alerts = app(ctx)?.reads.alerts(std::slice::from_ref(&self.0)).await?;
        Ok(alerts.into_iter().flatten().map(Alert).collect())
    }

    /// What it shows of its alerts besides title, details and severity: what the first one said, unless its integration
    /// merges in another way.
    #[graphql(complexity = "3 + child_complexity")]
    async fn attributes(&self, ctx: &Context<'_>) -> Result<Attributes, Fault> {
        if let Some(merged) = &self.0.merged {
            return Ok(merged.clone().into());
        }
        let opened = app(ctx)?.engine.store().at(&[self.0.opened]).await?;
        let first = opened.first().and_then(|event| IncidentEvent::decode(&event.kind, &event.payload).ok());
        Ok(match first {
            Some(IncidentEvent::Triggered { title, details, alerts, .. }) => {
                incident::Attributes::opened(&title, details.as_deref(), alerts.first()).into()
            }
            _ => incident::Attributes::default().into(),
        })
    }

    /// What happened, oldest first.
    #[graphql(complexity = "slice::cost(first, child_complexity)")]
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<String, TimelineEntry>, Fault> {
        timeline(ctx, &Subject::from(self.0.id), first, after.as_deref()).await
    }

    /// Everybody who was or will be paged, in the order of asking.
    #[graphql(complexity = "5 + 5 * child_complexity")]
    async fn pages(&self, ctx: &Context<'_>) -> Result<Vec<Page>, Fault> {
        Ok(app(ctx)?.reads.pages(self.0.id).await?.into_iter().map(Page).collect())
    }

    /// Where it stands on the ladder.
    async fn escalation(&self, ctx: &Context<'_>) -> Result<Escalation, Fault> {
        let directory = app(ctx)?.directory.now();
        let view = &self.0.escalation;
        Ok(Escalation {
            level: view.level,
            cycle: view.cycle,
            pass: view.pass,
            next_at: view.next_at.map(DateTime),
            exhausted_at: view.exhausted_at.map(DateTime),
            policy: self.0.policy.and_then(|id| EscalationPolicy::find(&directory, id)),
        })
    }

    /// Who has it, for good or until `snoozedUntil`; null if nobody does.
    async fn acknowledged_by(&self) -> Option<Actor> {
        self.0.acknowledged.as_ref().map(|acknowledged| Actor(acknowledged.by.clone()))
    }

    /// Since when somebody has it.
    async fn acknowledged_at(&self) -> Option<DateTime> {
        self.0.acknowledged.as_ref().map(|acknowledged| DateTime(acknowledged.at))
    }

    /// Until when whoever has it snoozed it. Then, unless it is over, its escalation begins anew. Null if it is not
    /// snoozed.
    async fn snoozed_until(&self) -> Option<DateTime> {
        self.0.acknowledged.as_ref()?.until.map(DateTime)
    }

    /// When it opened.
    async fn opened_at(&self) -> DateTime {
        DateTime(self.0.opened_at)
    }

    /// When it ended; null while it is open.
    async fn resolved_at(&self) -> Option<DateTime> {
        self.0.resolved.as_ref().map(|resolved| DateTime(resolved.at))
    }

    /// Who said that it ended.
    async fn resolved_by(&self) -> Option<Actor> {
        self.0.resolved.as_ref().map(|resolved| Actor(resolved.by.clone()))
    }

    /// What it was, in the words of whoever resolved it.
    async fn resolution(&self) -> Option<&str> {
        self.0.resolved.as_ref()?.note.as_deref()
    }

    /// The position of the last event that changed it.
    async fn position(&self) -> Position {
        Position(self.0.position)
    }

    /// Where people look at it.
    async fn url(&self, ctx: &Context<'_>) -> Result<String, Fault> {
        Ok(format!("{}/incidents/{}", app(ctx)?.settings.public_url, self.0.id))
    }
}

/// Where an incident stands on its ladder.
#[derive(SimpleObject)]
pub(super) struct Escalation {
    /// Which level, from 1; 0 when the ladder has ended.
    level: u32,
    /// Which pass over the levels in the incident's life, from 1. It rises with each repeat, and when an acknowledgement
    /// is taken back, a snooze is over or others are to be paged.
    cycle: u32,
    /// Which pass over the levels, from 1; 0 when the ladder has ended.
    pass: u32,
    /// When the next level is paged, after a snooze the first one; null while somebody has the incident for good or
    /// nothing is left to do.
    next_at: Option<DateTime>,
    /// When the ladder ended and administrators were paged, if it did.
    exhausted_at: Option<DateTime>,
    /// The policy whose ladder it is; null if none could be found, or if people were named directly.
    policy: Option<EscalationPolicy>,
}

/// What a monitoring tool said.
pub(super) struct Alert(pub(super) domain::Alert);

/// A name and a value that tell an alert from others.
#[derive(SimpleObject)]
pub(super) struct Label {
    /// The name.
    name: String,
    /// The value.
    value: String,
}

/// What an incident shows of its alerts.
#[derive(SimpleObject)]
struct Attributes {
    /// The part of the world it is about, such as a host.
    source: Option<String>,
    /// What of that part is broken, such as a disk.
    component: Option<String>,
    /// Where to read on.
    links: Vec<Link>,
    /// Pictures, such as a chart of the moment.
    images: Vec<Link>,
    /// What tells it from others, in the order of the names.
    labels: Vec<Label>,
}

impl From<incident::Attributes> for Attributes {
    fn from(shown: incident::Attributes) -> Self {
        let (links, images, labels) = (links(&shown.links), links(&shown.images), labels(&shown.labels));
        Self { source: shown.source, component: shown.component, links, images, labels }
    }
}

pub(super) fn links(links: &[domain::Link]) -> Vec<Link> {
    links.iter().map(|link| Link { href: link.href.clone(), text: link.text.clone() }).collect()
}

pub(super) fn labels(labels: &domain::Labels) -> Vec<Label> {
    labels.iter().map(|(name, value)| Label { name: name.clone(), value: value.clone() }).collect()
}

/// Where to read on.
#[derive(SimpleObject)]
pub(super) struct Link {
    /// Where to.
    href: String,
    /// What it shows.
    text: String,
}

/// What a monitoring tool said.
#[Object]
impl Alert {
    /// What is wrong, in one line.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// Longer words.
    async fn details(&self) -> Option<&str> {
        self.0.details.as_deref()
    }

    /// How bad it is.
    async fn severity(&self) -> Severity {
        self.0.severity.into()
    }

    /// The word for the severity that was not understood, so that `MEDIUM` was assumed.
    async fn unknown_severity(&self) -> Option<&str> {
        self.0.unknown_severity.as_deref()
    }

    /// The part of the world it is about, such as a host.
    async fn source(&self) -> Option<&str> {
        self.0.source.as_deref()
    }

    /// What of that part is broken, such as a disk.
    async fn component(&self) -> Option<&str> {
        self.0.component.as_deref()
    }

    /// Where to read on.
    async fn links(&self) -> Vec<Link> {
        links(&self.0.links)
    }

    /// Pictures, such as a chart of the moment.
    async fn images(&self) -> Vec<Link> {
        links(&self.0.images)
    }

    /// What tells it from others, in the order of the names.
    async fn labels(&self) -> Vec<Label> {
        labels(&self.0.labels)
    }

    /// Its own key, where several problems are grouped into one incident.
    async fn own_key(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// The rule of its integration that decided what became of it; null: there were no rules.
    async fn rule(&self) -> Option<&str> {
        self.0.rule.as_deref()
    }

    /// What did not go as its integration is set up, and what was cut, in words.
    async fn remarks(&self) -> &[String] {
        &self.0.remarks
    }

    /// When it happened by the monitoring tool's clock, or arrived.
    async fn at(&self) -> DateTime {
        DateTime(self.0.at)
    }

    /// The delivery that carried it.
    async fn delivery_id(&self) -> ID {
        self.0.delivery.into()
    }

    /// The entrance it came through.
    async fn integration(&self, ctx: &Context<'_>) -> Result<Option<Integration>, Fault> {
        Ok(Integration::find(&app(ctx)?.directory.now(), self.0.integration))
    }
}

#[derive(Default)]
pub(super) struct IncidentQuery;

#[Object]
impl IncidentQuery {
    /// One incident; null if there is none under this id.
    async fn incident(
        &self,
        ctx: &Context<'_>,
        id: ID,
        wait_for: Option<Position>,
    ) -> Result<Option<Incident>, Fault> {
        Caller::reading(ctx, wait_for).await?;
        match id.parse() {
            Ok(id) => Incident::load(ctx, id).await,
            Err(_) => Ok(None),
        }
    }

    /// Incidents, newest first.
    #[graphql(complexity = "slice::cost(first, child_complexity)")]
    async fn incidents(
        &self,
        ctx: &Context<'_>,
        filter: Option<IncidentFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        wait_for: Option<Position>,
    ) -> Result<Connection<String, Incident>, Fault> {
        let caller = Caller::reading(ctx, wait_for).await?;
        let (first, filter) = (slice::first(first)?, filter.unwrap_or_default().read()?);
        let slice = caller.app.reads.incidents(&filter, first, after.as_deref()).await?;
        Ok(slice::connection(slice, after.is_some(), Incident))
    }
}
