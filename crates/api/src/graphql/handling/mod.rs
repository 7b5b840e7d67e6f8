//! What an integration makes of its messages: mapping, severities, rules and merging; shown, changed, and tried on what
//! came before.

mod input;
mod preview;
mod shown;

use async_graphql::{Context, ID, InputObject, Object};
use domain::{
    IntegrationId, Unknown,
    integration::{Handling, HandlingChange, Integration as State, IntegrationCommand},
    user::Role,
};

pub(super) use preview::HandlingQuery;
pub(super) use shown::{Mapping, Merging, Routing, SeverityWord, severity_words};

use self::input::HandlingInput;
use super::{
    caller::{Caller, command_id, parse},
    fault::Fault,
    integration::Integration,
    rejection::{Recorded, Stop, payloads},
    scalar::CommandId,
};

/// A change of what an integration makes of its messages. Each part that is given replaces the whole part that was there;
/// parts that are left out stay.
#[derive(InputObject)]
pub(super) struct UpdateIntegrationHandlingInput {
    /// Which integration.
    integration_id: ID,
    /// What changes.
    #[graphql(flatten)]
    handling: HandlingInput,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

payloads! {
    /// The integration as changed.
    UpdateIntegrationHandlingPayload { integration: Integration }
}

#[derive(Default)]
pub(super) struct HandlingMutation;

#[Object]
impl HandlingMutation {
    /// Change what an integration makes of its messages. Expressions are checked; `handlingPreview` tries them first.
    async fn update_integration_handling(
        &self,
        ctx: &Context<'_>,
        input: UpdateIntegrationHandlingInput,
    ) -> Result<UpdateIntegrationHandlingPayload, Fault> {
        UpdateIntegrationHandlingPayload::answer(
            update(Caller::admit(ctx, Role::Administrator)?, input).await,
        )
    }
}

async fn update(
    caller: Caller<'_>,
    input: UpdateIntegrationHandlingInput,
) -> Result<Recorded<Integration>, Stop> {
    let id: IntegrationId = parse("integrationId", &input.integration_id)?;
    let directory = caller.configuration().await;
    let change = Box::new(input.handling.into_domain()?);
    let unknown = unknown(&directory, &change);
    let command = IntegrationCommand::HandleDifferently { change, unknown };
    let done = caller.configure::<State>(id, &command, command_id(input.command_id)).await?;
    Ok((Integration::of(id, &done.state), done.position))
}

/// Services that rules name and that do not exist.
fn unknown(directory: &commands::Directory, change: &HandlingChange) -> Vec<Unknown> {
    let named = change.routing.iter().flat_map(domain::integration::Routing::services);
    let missing = named.filter(|id| !directory.services.contains_key(id));
    missing.map(|id| Unknown { field: "routing".to_owned(), id: id.to_string() }).collect()
}

/// The handling of an integration; the usual one if there is none.
fn handling_of(directory: &commands::Directory, id: IntegrationId) -> Handling {
    let known = directory.integrations.get(&id).and_then(|state| state.entrance.as_ref());
    known.map(|entrance| entrance.handling.clone()).unwrap_or_default()
}
