//! What has messages decided again, and what makes messages that are tests.

use async_graphql::{Context, ID, InputObject, Object};
use commands::mint;
use domain::{
    ConfigRejection, DeliveryId, IntegrationId,
    delivery::{Delivery as State, DeliveryCommand, Envelope, Proof, RawBody, Test},
    user::Role,
};
use projections::DeliveryView;
use store::Position;

use super::{
    caller::{Caller, command_id, parse},
    delivery::Delivery,
    fault::Fault,
    rejection::{Recorded, Rejection, Stop, payloads},
    scalar::CommandId,
};
use crate::webhooks::samples::{self, Sample};

/// Messages that one request may have decided again.
const MAX_REPLAYS: usize = 500;

/// Messages that are to be decided again.
#[derive(InputObject)]
pub(super) struct ReplayDeliveriesInput {
    /// The entrance they came through.
    integration_id: ID,
    /// Which messages, from 1 to 500 of them.
    delivery_ids: Vec<ID>,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// A message that is a test.
#[derive(InputObject)]
pub(super) struct SendTestAlertInput {
    /// The entrance that is to be tested.
    integration_id: ID,
    /// Whether it opens an incident and pages people, as every alert does. Otherwise it opens nothing, and its verdict
    /// says what would have happened.
    #[graphql(default)]
    page: bool,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

payloads! {
    /// The messages, each waiting for its verdict, in the order in which they came.
    ReplayDeliveriesPayload { replayed: Vec<Delivery> }
    /// The message, waiting for its verdict.
    SendTestAlertPayload { delivery: Delivery }
}

#[derive(Default)]
pub(super) struct DeliveryMutation;

#[Object]
impl DeliveryMutation {
    /// Have stored messages decided again, under the configuration that their entrance has now. What an incident took in
    /// already stays as it is; everything else is decided as if it came now, and may page people.
    async fn replay_deliveries(
        &self,
        ctx: &Context<'_>,
        input: ReplayDeliveriesInput,
    ) -> Result<ReplayDeliveriesPayload, Fault> {
        ReplayDeliveriesPayload::answer(replay(Caller::admit(ctx, Role::Responder)?, input).await)
    }

    /// Send a message such as the sender of an entrance would send, which says that it is a test. It goes the whole road
    /// of a message; what becomes of it is in its `decisions`.
    async fn send_test_alert(
        &self,
        ctx: &Context<'_>,
        input: SendTestAlertInput,
    ) -> Result<SendTestAlertPayload, Fault> {
        SendTestAlertPayload::answer(send_test(Caller::admit(ctx, Role::Administrator)?, input).await)
    }
}

async fn replay(caller: Caller<'_>, input: ReplayDeliveriesInput) -> Result<Recorded<Vec<Delivery>>, Stop> {
    if !(1..=MAX_REPLAYS).contains(&input.delivery_ids.len()) {
        let rule = format!("must name from 1 to {MAX_REPLAYS} deliveries");
        return Err(Rejection::invalid("deliveryIds", &rule).into());
    }
    let integration = parse("integrationId", &input.integration_id)?;
    let command_id = command_id(input.command_id);
    let messages = find(caller, integration, &input.delivery_ids).await?;
    let mut position = 0;
    // One after the other, so that they are decided in the order in which they came.
    for message in &messages {
        let command = DeliveryCommand::ReplayDelivery {
            integration,
            by: caller.viewer.actor.clone(),
            at: caller.now(),
        };
        let own = mint::derived(command_id, &format!("replay {}", message.id));
        let engine = &caller.app.engine;
        let done = engine.execute::<State>(message.id, &command, &caller.metadata(own)).await?;
        position = done.position.max(position);
    }
    let ids: Vec<_> = messages.iter().map(|message| message.id).collect();
    Ok((shown(caller, &ids, position).await, position))
}

/// The messages that are named, in the order in which they came.
async fn find(
    caller: Caller<'_>,
    integration: IntegrationId,
    named: &[ID],
) -> Result<Vec<DeliveryView>, Stop> {
    let field = |index: usize| format!("deliveryIds[{index}]");
    let ids = named.iter().enumerate().map(|(index, id)| parse(&field(index), id));
    let ids = ids.collect::<Result<Vec<DeliveryId>, _>>()?;
    // What was taken a moment ago can be named.
    let app = caller.app;
    app.reads.reach(app.engine.store().head(), app.settings.limits.mutation_wait).await;
    let mut views = app.reads.deliveries_by_ids(&ids).await?;
    views.retain(|view| view.integration == integration);
    if let Some(index) = ids.iter().position(|id| !views.iter().any(|view| view.id == *id)) {
        let message = "there is no such delivery of this integration".to_owned();
        return Err(Rejection { code: "NOT_FOUND".to_owned(), message, field: Some(field(index)) }.into());
    }
    views.sort_unstable_by_key(|view| view.position);
    Ok(views)
}

async fn send_test(caller: Caller<'_>, input: SendTestAlertInput) -> Result<Recorded<Delivery>, Stop> {
    let integration: IntegrationId = parse("integrationId", &input.integration_id)?;
    let directory = caller.configuration().await;
    let known = directory.integrations.get(&integration);
    let Some((known, entrance)) = known.and_then(|known| Some((known, known.entrance.as_ref()?))) else {
        return Err(Rejection::of(&ConfigRejection::NotFound("integration")).into());
    };
    if known.disabled_at.is_some() {
        let rule = "must name an integration that takes messages: this one is disabled";
        return Err(Rejection::invalid("integrationId", rule).into());
    }
    let command_id = command_id(input.command_id);
    let id = DeliveryId::new(mint::derived(command_id, "test alert"));
    let Sample { body, envelope } = samples::of(entrance.kind, &command_id.simple().to_string());
    let test = Some(if input.page { Test::Paging } else { Test::Silent });
    let command = DeliveryCommand::ReceiveDelivery {
        integration,
        format: entrance.kind,
        service: entrance.service,
        proof: Proof::Test,
        body: RawBody::Text(body),
        envelope: Envelope { reading: entrance.reading, test, ..envelope },
        mistimed: None,
        at: caller.now(),
    };
    let done = caller.app.engine.execute::<State>(id, &command, &caller.metadata(command_id)).await?;
    let delivery = shown(caller, &[id], done.position).await.and_then(|mut shown| shown.pop());
    Ok((delivery, done.position))
}

/// The messages as they are at `position` or later. What was recorded is recorded: if they cannot be shown in time,
/// the answer says so by a null beside the position, not by an error.
async fn shown(caller: Caller<'_>, ids: &[DeliveryId], position: Position) -> Option<Vec<Delivery>> {
    let app = caller.app;
    if !app.reads.reach(position, app.settings.limits.mutation_wait).await {
        return None;
    }
    match app.reads.deliveries_by_ids(ids).await {
        Ok(mut views) => {
            views.sort_unstable_by_key(|view| view.position);
            Some(views.into_iter().map(Delivery::new).collect())
        }
        Err(error) => {
            tracing::warn!(%error, "what a mutation did cannot be shown");
            None
        }
    }
}
