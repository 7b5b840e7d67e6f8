//! Integrations: the entrances of monitoring tools.

use async_graphql::{Context, ID, Object, SimpleObject, connection::Connection};
use commands::Directory;
use domain::{
    IntegrationId, ServiceId,
    integration::{Entrance, Hourly, Vigil},
};

use super::{
    caller::{Caller, app},
    delivery::{Delivery, DeliveryFilterInput},
    delivery_counts::DeliveryCounts,
    fault::Fault,
    handling::{Mapping, Merging, Routing, SeverityWord, severity_words},
    scalar::{DateTime, Position},
    service::Service,
    slice,
    verification::{Reading, Verification},
    watch::IntegrationWatch,
    words::IntegrationKind,
};

/// A monitoring tool's entrance.
pub(super) struct Integration {
    id: IntegrationId,
    entrance: Entrance,
    disabled_at: Option<DateTime>,
    refusals: Refusals,
    rate_limit: RateLimit,
    subscriptions: Vec<String>,
    unknown_severities: Vec<UnknownSeverity>,
    vigil: Vigil,
    hourly: [Hourly; 2],
}

/// A word for a severity that nobody knows, so that `MEDIUM` is assumed.
#[derive(Clone, SimpleObject)]
struct UnknownSeverity {
    /// The word.
    word: String,
    /// When a message used it first.
    since: DateTime,
}

/// Messages that did not prove themselves. Nothing of them was kept.
#[derive(Clone, SimpleObject)]
struct Refusals {
    /// How many came, as far as that was noted: once a minute.
    count: u64,
    /// When some were noted last.
    last_at: Option<DateTime>,
    /// Why the last of them was refused.
    last_reason: Option<String>,
}

impl From<&domain::integration::Refusals> for Refusals {
    fn from(known: &domain::integration::Refusals) -> Self {
        let (last_at, last_reason) = known.last.clone().unzip();
        Self { count: known.count, last_at: last_at.map(DateTime), last_reason }
    }
}

/// How many messages an integration takes. Beyond that they are refused, and their senders are told to send them again.
#[derive(Clone, SimpleObject)]
struct RateLimit {
    /// In a minute, for as long as it lasts; what ten seconds allow may come at once.
    per_minute: u32,
    /// How many were refused, as far as that was noted: once a minute.
    limited_count: u64,
    /// When some were noted last.
    last_limited_at: Option<DateTime>,
}

impl RateLimit {
    fn of(entrance: &Entrance, limited: &domain::integration::Limited) -> Self {
        Self {
            per_minute: entrance.rate_limit().per_minute(),
            limited_count: limited.count,
            last_limited_at: limited.last_at.map(DateTime),
        }
    }
}

impl Integration {
    pub(super) fn find(directory: &Directory, id: IntegrationId) -> Option<Self> {
        directory.integrations.get(&id).and_then(|state| Self::of(id, state))
    }

    pub(super) fn of(id: IntegrationId, state: &domain::integration::Integration) -> Option<Self> {
        let entrance = state.entrance.clone()?;
        let (refusals, subscriptions) = ((&state.refusals).into(), state.subscriptions.clone());
        let unknown = state.unknown_severities.iter();
        let unknown = unknown.map(|(word, at)| UnknownSeverity { word: word.clone(), since: DateTime(*at) });
        let rate_limit = RateLimit::of(&entrance, &state.limited);
        Some(Self {
            id,
            entrance,
            disabled_at: state.disabled_at.map(DateTime),
            refusals,
            rate_limit,
            subscriptions,
            unknown_severities: unknown.collect(),
            vigil: state.vigil.clone(),
            hourly: [state.refusals.hourly.clone(), state.limited.hourly.clone()],
        })
    }
}

/// The entrances of one service.
pub(super) fn integrations_of(directory: &Directory, service: ServiceId) -> Vec<Integration> {
    let all = directory.integrations.iter().filter_map(|(id, state)| Integration::of(*id, state));
    let mut own: Vec<_> = all.filter(|integration| integration.entrance.service == service).collect();
    own.sort_by_key(|integration| integration.id);
    own
}

/// A monitoring tool's entrance.
#[Object]
impl Integration {
    /// Its id, such as `int_…`.
    async fn id(&self) -> ID {
        self.id.into()
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.entrance.name
    }

    /// What it understands.
    async fn kind(&self) -> IntegrationKind {
        self.entrance.kind.into()
    }

    /// What its alerts are about.
    async fn service(&self, ctx: &Context<'_>) -> Result<Option<Service>, Fault> {
        Ok(Service::find(&app(ctx)?.directory.now(), self.entrance.service))
    }

    /// Whether its messages must be signed.
    async fn signed(&self) -> bool {
        matches!(self.entrance.verification, domain::integration::Verification::Signature(_))
    }

    /// How its messages prove themselves.
    async fn verification(&self) -> Verification {
        (&self.entrance.verification).into()
    }

    /// Until when a key or a secret that was replaced is good beside the new one; null: none is.
    async fn rotating_until(&self, ctx: &Context<'_>) -> Result<Option<DateTime>, Fault> {
        let now = app(ctx)?.engine.now();
        let ends = [
            self.entrance.previous_key.as_ref().map(|(_, until)| *until),
            self.entrance.previous_secret.map(|(_, until)| until),
        ];
        Ok(ends.into_iter().flatten().filter(|until| *until > now).max().map(DateTime))
    }

    /// How its messages are read.
    async fn reading(&self) -> Reading {
        self.entrance.reading.into()
    }

    /// How messages are mapped beyond that.
    async fn mapping(&self) -> Mapping {
        (&*self.entrance.handling.mapping).into()
    }

    /// Words that mean another severity than they usually do, or that usually mean nothing.
    async fn severities(&self) -> Vec<SeverityWord> {
        severity_words(&self.entrance.handling.severities)
    }

    /// The rules that decide what becomes of alerts.
    async fn routing(&self) -> Routing {
        (&*self.entrance.handling.routing).into()
    }

    /// What incidents show when their alerts say different things.
    async fn merging(&self) -> Merging {
        self.entrance.handling.merging.into()
    }

    /// A warning: words for severities that its messages used and that nobody knows. Each is gone once `severities`
    /// gives it a meaning.
    async fn unknown_severities(&self) -> Vec<UnknownSeverity> {
        self.unknown_severities.clone()
    }

    /// Messages that did not prove themselves.
    async fn refusals(&self) -> Refusals {
        self.refusals.clone()
    }

    /// How many messages it takes, and what came beyond that.
    async fn rate_limit(&self) -> RateLimit {
        self.rate_limit.clone()
    }

    /// The topics of Amazon's notification service that send to it.
    async fn subscriptions(&self) -> &[String] {
        &self.subscriptions
    }

    /// Since when it takes no messages; null: it takes them.
    async fn disabled_at(&self) -> Option<DateTime> {
        self.disabled_at
    }

    /// How long it may be silent, and whether it is; null: it is not watched.
    async fn watch(&self) -> Option<IntegrationWatch> {
        IntegrationWatch::of(&self.vigil)
    }

    /// When the last message came through it; null: none ever did.
    #[graphql(complexity = 5)]
    async fn last_heard_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime>, Fault> {
        Ok(app(ctx)?.reads.last_heard(self.id).await?.map(|heard| DateTime(heard.at)))
    }

    /// A fitting `silentAfterSeconds`: twice the longest pause between its last 200 messages, the one longest of a
    /// hundred left out. Null while there are fewer than 20 messages.
    #[graphql(complexity = 5)]
    async fn usual_silence_seconds(&self, ctx: &Context<'_>) -> Result<Option<u32>, Fault> {
        Ok(app(ctx)?.reads.usual_silence(self.id).await?)
    }

    /// How many messages came through it in the last `hours`, from 1 to 168, and what became of them.
    // It may walk along a hundred thousand entries of an index for each verdict.
    #[graphql(complexity = "1000 + child_complexity")]
    async fn delivery_counts(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 24)] hours: i32,
    ) -> Result<DeliveryCounts, Fault> {
        DeliveryCounts::of(app(ctx)?, self.id, &self.hourly, hours).await
    }

    /// What came through it, newest first.
    #[graphql(complexity = "slice::cost(first, child_complexity)")]
    async fn deliveries(
        &self,
        ctx: &Context<'_>,
        filter: Option<DeliveryFilterInput>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<String, Delivery>, Fault> {
        let (first, filter) = (slice::first(first)?, filter.unwrap_or_default().read());
        let slice = app(ctx)?.reads.deliveries(self.id, &filter, first, after.as_deref()).await?;
        Ok(slice::connection(slice, after.is_some(), Delivery::new))
    }
}

#[derive(Default)]
pub(super) struct IntegrationQuery;

#[Object]
impl IntegrationQuery {
    /// One integration; null if there is none under this id.
    async fn integration(
        &self,
        ctx: &Context<'_>,
        id: ID,
        wait_for: Option<Position>,
    ) -> Result<Option<Integration>, Fault> {
        let caller = Caller::reading(ctx, wait_for).await?;
        Ok(id.parse().ok().and_then(|id| Integration::find(&caller.app.directory.now(), id)))
    }

    /// Integrations in the order of their names, disabled ones included.
    #[graphql(complexity = "slice::cost(first, child_complexity)")]
    async fn integrations(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        wait_for: Option<Position>,
    ) -> Result<Connection<String, Integration>, Fault> {
        let directory = Caller::reading(ctx, wait_for).await?.app.directory.now();
        let all = directory.integrations.iter().filter_map(|(id, state)| Integration::of(*id, state));
        let all = all.map(|one| (one.entrance.name.clone(), one.id.to_string(), one));
        slice::by_name(all, first, after.as_deref())
    }
}
