//! Deliveries: what monitoring tools sent, and what became of it.

use async_graphql::{Context, ID, Object, connection::Connection};
use domain::{
    Fact, IntegrationId,
    delivery::{DeliveryEvent, Mistimed, RawBody},
    user::Role,
};
use projections::DeliveryView;

use super::{
    caller::{Caller, app},
    fault::Fault,
    incident::Incident,
    integration::Integration,
    scalar::{DateTime, Position},
    slice,
    words::{DeliveryVerdict, IntegrationKind, Proof},
};
use crate::Viewer;

/// One message of a monitoring tool.
pub(super) struct Delivery(pub(super) DeliveryView);

/// One message of a monitoring tool.
#[Object]
impl Delivery {
    /// Its id, such as `dlv_…`.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// The entrance it came through.
    async fn integration(&self, ctx: &Context<'_>) -> Result<Option<Integration>, Fault> {
        Ok(Integration::find(&app(ctx)?.directory.now(), self.0.integration))
    }

    /// The format that the entrance understood.
    async fn format(&self) -> IntegrationKind {
        self.0.format.into()
    }

    /// How the sender proved itself.
    async fn proof(&self) -> Proof {
        self.0.proof.into()
    }

    /// When it came.
    async fn received_at(&self) -> DateTime {
        DateTime(self.0.received_at)
    }

    /// How many seconds after it was signed it came, if that is more than its entrance tolerates. It was taken all
    /// the same. Negative: it was signed by a clock that runs ahead of ours.
    #[graphql(complexity = 5)]
    async fn late_by_seconds(&self, ctx: &Context<'_>) -> Result<Option<i64>, Fault> {
        Ok(self.kept(ctx).await?.and_then(|event| match event {
            DeliveryEvent::Received { mistimed, .. } => mistimed.map(|mistimed| match mistimed {
                Mistimed::LateBySeconds(seconds) => seconds.cast_signed(),
                Mistimed::EarlyBySeconds(seconds) => -seconds.cast_signed(),
            }),
            DeliveryEvent::Concluded { .. } => None,
        }))
    }

    /// What became of it first; null: nothing yet.
    async fn verdict(&self) -> Option<DeliveryVerdict> {
        self.0.verdict.map(Into::into)
    }

    /// Why it was ignored or rejected.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// When the verdict fell.
    async fn decided_at(&self) -> Option<DateTime> {
        self.0.decided_at.map(DateTime)
    }

    /// The incident that the verdict is about.
    #[graphql(complexity = "5 + child_complexity")]
    async fn incident(&self, ctx: &Context<'_>) -> Result<Option<Incident>, Fault> {
        match self.0.incident {
            Some(id) => Incident::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The message as it came; in base64 if it is not UTF-8. Null for observers: some messages hold the key of
    /// their entrance.
    #[graphql(complexity = 5)]
    async fn body(&self, ctx: &Context<'_>) -> Result<Option<String>, Fault> {
        if !ctx.data::<Viewer>().is_ok_and(|viewer| viewer.may(Role::Responder)) {
            return Ok(None);
        }
        Ok(self.kept(ctx).await?.and_then(|event| match event {
            DeliveryEvent::Received { body: RawBody::Text(text) | RawBody::Base64(text), .. } => Some(text),
            DeliveryEvent::Concluded { .. } => None,
        }))
    }
}

impl Delivery {
    /// The event that keeps it.
    async fn kept(&self, ctx: &Context<'_>) -> Result<Option<DeliveryEvent>, Fault> {
        let kept = app(ctx)?.engine.store().at(&[self.0.position]).await?;
        Ok(kept.first().and_then(|event| DeliveryEvent::decode(&event.kind, &event.payload).ok()))
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
        Ok(caller.app.reads.delivery(id).await?.map(Delivery))
    }

    /// What came through an entrance, newest first.
    #[graphql(complexity = "slice::cost(first, child_complexity)")]
    async fn deliveries(
        &self,
        ctx: &Context<'_>,
        integration_id: ID,
        first: Option<i32>,
        after: Option<String>,
        wait_for: Option<Position>,
    ) -> Result<Connection<String, Delivery>, Fault> {
        let caller = Caller::reading(ctx, wait_for).await?;
        let first = slice::first(first)?;
        let Ok(id) = integration_id.parse::<IntegrationId>() else {
            return Ok(Connection::new(false, false));
        };
        let slice = caller.app.reads.deliveries(id, first, after.as_deref()).await?;
        Ok(slice::connection(slice, after.is_some(), Delivery))
    }
}
