//! Deliveries: what monitoring tools sent, and what became of it.

use async_graphql::{Context, ID, InputObject, Object, connection::Connection};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    Fact, IntegrationId, Subject, Timestamp,
    delivery::{DeliveryEvent, Envelope, Mistimed, RawBody},
    user::Role,
};
use projections::{DeliveryFilter, DeliveryView};
use tokio::sync::OnceCell;

use super::{
    caller::{Caller, app},
    delivery_decision::{DeliveryDecision, decisions},
    event::{TimelineEntry, timeline},
    fault::Fault,
    incident::{Alert, Incident},
    integration::Integration,
    scalar::{DateTime, Position},
    secrets::hex,
    slice,
    words::{DeliveryVerdict, IntegrationKind, Proof},
};
use crate::{Viewer, webhooks::translate::understand};

/// Decisions about one message that are shown unless the caller says otherwise.
const DECISIONS: i32 = 10;
/// Alerts of one message that are shown.
const ALERTS: usize = 20;

/// One message of a monitoring tool.
pub(super) struct Delivery {
    view: DeliveryView,
    /// What the log keeps of it, once somebody asked.
    kept: OnceCell<Option<Kept>>,
}

/// What the log keeps of a message.
struct Kept {
    body: RawBody,
    envelope: Envelope,
    mistimed: Option<Mistimed>,
    at: Timestamp,
}

impl Kept {
    /// The bytes, as far as they were kept.
    fn bytes(&self) -> Vec<u8> {
        match &self.body {
            RawBody::Text(text) => text.clone().into_bytes(),
            RawBody::Base64(text) => STANDARD.decode(text).unwrap_or_default(),
        }
    }
}

/// One message of a monitoring tool.
#[Object]
impl Delivery {
    /// Its id, such as `dlv_…`.
    async fn id(&self) -> ID {
        self.view.id.into()
    }

    /// The entrance it came through.
    async fn integration(&self, ctx: &Context<'_>) -> Result<Option<Integration>, Fault> {
        Ok(Integration::find(&app(ctx)?.directory.now(), self.view.integration))
    }

    /// The format that the entrance understood.
    async fn format(&self) -> IntegrationKind {
        self.view.format.into()
    }

    /// How the sender proved itself.
    async fn proof(&self) -> Proof {
        self.view.proof.into()
    }

    /// When it came.
    async fn received_at(&self) -> DateTime {
        DateTime(self.view.received_at)
    }

    /// How many seconds after it was signed it came, if that is more than its entrance tolerates. It was taken all
    /// the same. Negative: it was signed by a clock that runs ahead of ours.
    #[graphql(complexity = 5)]
    async fn late_by_seconds(&self, ctx: &Context<'_>) -> Result<Option<i64>, Fault> {
        let mistimed = self.kept(ctx).await?.and_then(|kept| kept.mistimed);
        Ok(mistimed.map(|mistimed| match mistimed {
            Mistimed::LateBySeconds(seconds) => seconds.cast_signed(),
            Mistimed::EarlyBySeconds(seconds) => -seconds.cast_signed(),
        }))
    }

    /// What became of it first, since it came or was last to be decided again; null: nothing yet.
    async fn verdict(&self) -> Option<DeliveryVerdict> {
        self.view.verdict.map(Into::into)
    }

    /// How many verdicts there are since it came or was last replayed: one on each of its alerts, or one on the whole
    /// message. Several alerts about which the same was decided may share one of the `decisions`.
    async fn verdict_count(&self) -> u64 {
        self.view.verdict_count
    }

    /// Why it was ignored or rejected.
    async fn reason(&self) -> Option<&str> {
        self.view.reason.as_deref()
    }

    /// When the verdict fell.
    async fn decided_at(&self) -> Option<DateTime> {
        self.view.decided_at.map(DateTime)
    }

    /// How many milliseconds passed until the verdict fell, since it came or was last to be decided again.
    async fn latency_ms(&self) -> Option<u64> {
        let waited = self.view.decided_at?.since(self.view.asked_at);
        Some(u64::try_from(waited.as_millis()).unwrap_or(u64::MAX))
    }

    /// How often somebody asked for it to be decided again.
    async fn replay_count(&self) -> u64 {
        self.view.replays
    }

    /// The incident that the verdict is about.
    #[graphql(complexity = "5 + child_complexity")]
    async fn incident(&self, ctx: &Context<'_>) -> Result<Option<Incident>, Fault> {
        match self.view.incident {
            Some(id) => Incident::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Everything that was decided about it, oldest first: a message with several alerts leads to several decisions, and
    /// each replay to more. `first` is 10 unless it says otherwise, at most 200; beyond that there is the timeline.
    #[graphql(complexity = "slice::cost(first.or(Some(DECISIONS)), child_complexity)")]
    async fn decisions(&self, ctx: &Context<'_>, first: Option<i32>) -> Result<Vec<DeliveryDecision>, Fault> {
        decisions(ctx, self.view.id, slice::first(first.or(Some(DECISIONS)))?).await
    }

    /// What happened to it, oldest first: that it came, each decision, each replay.
    #[graphql(complexity = "slice::cost(first, child_complexity)")]
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<String, TimelineEntry>, Fault> {
        timeline(ctx, &Subject::from(self.view.id), first, after.as_deref()).await
    }

    /// What it says, as alerts, at most 20 of them, whatever became of it: read now, as its integration handles messages
    /// today. What was decided about it then is in `decisions`. Empty if it cannot be understood, or asks for nothing.
    #[graphql(complexity = "20 + 3 * child_complexity")]
    async fn alerts(&self, ctx: &Context<'_>) -> Result<Vec<Alert>, Fault> {
        let Some(kept) = self.kept(ctx).await? else { return Ok(vec![]) };
        let view = &self.view;
        let directory = app(ctx)?.directory.now();
        let entrance = directory.integrations.get(&view.integration).and_then(|it| it.entrance.as_ref());
        let handling = entrance.map(|entrance| entrance.handling.clone()).unwrap_or_default();
        let meaning = understand(view.format, &kept.envelope, &kept.bytes(), view.id, &handling);
        let alerts = meaning.iter().flat_map(domain::Meaning::alerts).take(ALERTS).cloned();
        Ok(alerts.map(|alert| Alert(alert.received(view.id, view.integration, kept.at))).collect())
    }

    /// The message as it came; in base64 if it is not kept as text. Null for observers: some messages hold the key of
    /// their entrance.
    #[graphql(complexity = 5)]
    async fn body(&self, ctx: &Context<'_>) -> Result<Option<&str>, Fault> {
        Ok(self.shown(ctx).await?.map(|kept| match &kept.body {
            RawBody::Text(text) | RawBody::Base64(text) => text.as_str(),
        }))
    }

    /// The message as it came, if it is kept as text. Null for observers.
    #[graphql(complexity = 5)]
    async fn body_text(&self, ctx: &Context<'_>) -> Result<Option<&str>, Fault> {
        Ok(self.shown(ctx).await?.and_then(|kept| match &kept.body {
            RawBody::Text(text) => Some(text.as_str()),
            RawBody::Base64(_) => None,
        }))
    }

    /// The message as it came, in hexadecimal, if it is not kept as text. Null for observers.
    #[graphql(complexity = 5)]
    async fn body_hex(&self, ctx: &Context<'_>) -> Result<Option<String>, Fault> {
        Ok(self.shown(ctx).await?.and_then(|kept| match &kept.body {
            RawBody::Text(_) => None,
            RawBody::Base64(_) => Some(hex(&kept.bytes())),
        }))
    }

    /// How many bytes the message had.
    #[graphql(complexity = 5)]
    async fn body_bytes(&self, ctx: &Context<'_>) -> Result<Option<u64>, Fault> {
        let kept = self.kept(ctx).await?;
        Ok(kept.map(|kept| kept.envelope.whole_bytes.unwrap_or_else(|| kept.bytes().len() as u64)))
    }

    /// Whether it was too large, so that only its first bytes were kept.
    #[graphql(complexity = 5)]
    async fn truncated(&self, ctx: &Context<'_>) -> Result<bool, Fault> {
        Ok(self.kept(ctx).await?.is_some_and(|kept| kept.envelope.whole_bytes.is_some()))
    }
}

impl Delivery {
    pub(super) fn new(view: DeliveryView) -> Self {
        Self { view, kept: OnceCell::new() }
    }

    /// What the log keeps of it, for those who may see it as it came.
    async fn shown(&self, ctx: &Context<'_>) -> Result<Option<&Kept>, Fault> {
        if ctx.data::<Viewer>().is_ok_and(|viewer| viewer.may(Role::Responder)) {
            self.kept(ctx).await
        } else {
            Ok(None)
        }
    }

    /// What the log keeps of it. Several fields ask, and the log is read once.
    async fn kept(&self, ctx: &Context<'_>) -> Result<Option<&Kept>, Fault> {
        let read = async || {
            let events = app(ctx)?.engine.store().at(&[self.view.position]).await?;
            let fact =
                events.first().and_then(|event| DeliveryEvent::decode(&event.kind, &event.payload).ok());
            Ok::<_, Fault>(match fact {
                Some(DeliveryEvent::Received { body, envelope, mistimed, at, .. }) => {
                    Some(Kept { body, envelope, mistimed, at })
                }
                Some(DeliveryEvent::Concluded { .. } | DeliveryEvent::ReplayRequested { .. }) | None => None,
            })
        };
        Ok(self.kept.get_or_try_init(read).await?.as_ref())
    }
}

/// Which deliveries are wanted. What is left out wants all of its kind.
#[derive(Default, InputObject)]
pub(super) struct DeliveryFilterInput {
    /// With one of these verdicts.
    verdicts: Option<Vec<DeliveryVerdict>>,
    /// Without a verdict yet; beside `verdicts`, these too.
    #[graphql(default)]
    undecided: bool,
    /// That came at this instant or later.
    from: Option<DateTime>,
    /// That came before this instant.
    until: Option<DateTime>,
}

impl DeliveryFilterInput {
    /// The filter as the read model takes it.
    pub(super) fn read(self) -> DeliveryFilter {
        DeliveryFilter {
            verdicts: self.verdicts.unwrap_or_default().into_iter().map(Into::into).collect(),
            undecided: self.undecided,
            received_after: self.from.map(|DateTime(at)| at),
            received_before: self.until.map(|DateTime(at)| at),
        }
    }
}

#[derive(Default)]
pub(super) struct DeliveryQuery;

#[Object]
impl DeliveryQuery {
    /// One delivery; null if there is none under this id.
    async fn delivery(
        &self,
        ctx: &Context<'_>,
        id: ID,
        wait_for: Option<Position>,
    ) -> Result<Option<Delivery>, Fault> {
        let caller = Caller::reading(ctx, wait_for).await?;
        let Ok(id) = id.parse() else { return Ok(None) };
        Ok(caller.app.reads.delivery(id).await?.map(Delivery::new))
    }

    /// What came through an entrance, newest first.
    #[graphql(complexity = "slice::cost(first, child_complexity)")]
    async fn deliveries(
        &self,
        ctx: &Context<'_>,
        integration_id: ID,
        filter: Option<DeliveryFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        wait_for: Option<Position>,
    ) -> Result<Connection<String, Delivery>, Fault> {
        let caller = Caller::reading(ctx, wait_for).await?;
        let (first, filter) = (slice::first(first)?, filter.unwrap_or_default().read());
        let Ok(id) = integration_id.parse::<IntegrationId>() else {
            return Ok(Connection::new(false, false));
        };
        let slice = caller.app.reads.deliveries(id, &filter, first, after.as_deref()).await?;
        Ok(slice::connection(slice, after.is_some(), Delivery::new))
    }
}
