//! What opens and changes the entrances of monitoring tools.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use commands::{CommandError, key_hash};
use domain::{
    ConfigRejection, IntegrationId,
    integration::{Integration as State, IntegrationCommand},
    user::Role,
};
use uuid::Uuid;

use super::{
    caller::{Caller, References, command_id, parse},
    fault::Fault,
    integration::Integration,
    rejection::{Recorded, Rejection, Stop, parts},
    scalar::{CommandId, Position},
    secrets::Draws,
    words::IntegrationKind,
};

/// A new entrance.
#[derive(InputObject)]
pub(super) struct CreateIntegrationInput {
    /// Its name, one line.
    name: String,
    /// What it understands.
    #[graphql(default_with = "IntegrationKind::Generic")]
    kind: IntegrationKind,
    /// What its alerts are about.
    service_id: ID,
    /// Whether every message must carry `X-Midwatch-Signature: sha256=<hex>`, the HMAC-SHA256 of its body under
    /// the signing secret. Without it the key alone opens the entrance.
    #[graphql(default)]
    signed: bool,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// Changes of an entrance; what is left out stays.
#[derive(InputObject)]
pub(super) struct UpdateIntegrationInput {
    /// Which integration.
    integration_id: ID,
    /// A new name.
    name: Option<String>,
    /// What its alerts are about from now on.
    service_id: Option<ID>,
    /// Whether it takes messages from now on.
    enabled: Option<bool>,
    /// Whether to make a new key; the old one stops working at once.
    #[graphql(default)]
    rotate_key: bool,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// What opens an entrance; shown once.
#[derive(Default)]
struct Keys {
    key: Option<String>,
    url: Option<String>,
    routing_key: Option<String>,
    signing_secret: Option<String>,
}

impl Keys {
    fn of(caller: Caller<'_>, kind: IntegrationKind, key: String) -> Self {
        let public_url = &caller.app.settings.public_url;
        let (url, routing_key) = match kind {
            IntegrationKind::Generic => (format!("{public_url}/hooks/generic/{key}"), None),
            IntegrationKind::Alertmanager => (format!("{public_url}/hooks/alertmanager/{key}"), None),
            IntegrationKind::PagerDuty => (format!("{public_url}/v2/enqueue"), Some(key.clone())),
        };
        Self { key: Some(key), url: Some(url), routing_key, signing_secret: None }
    }
}

macro_rules! payload_with_keys {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(SimpleObject)]
        pub(super) struct $name {
            /// The integration; null if the request was rejected.
            integration: Option<Integration>,
            /// Its key, if it is new: 32 hexadecimal digits. It is shown this once.
            key: Option<String>,
            /// Where to send messages, with the key in it where the format wants it there.
            url: Option<String>,
            /// The key under the name that PagerDuty's senders know it by.
            routing_key: Option<String>,
            /// The secret for signing messages, if they must be signed. It is shown this once.
            signing_secret: Option<String>,
            /// The position in the log that the request led to.
            position: Option<Position>,
            /// Why the request was refused; null if it was not.
            rejection: Option<Rejection>,
        }

        impl $name {
            fn answer(outcome: Result<Recorded<(Integration, Keys)>, Stop>) -> Result<Self, Fault> {
                let (both, position, rejection) = parts(outcome)?;
                let (integration, keys) = both.unzip();
                let Keys { key, url, routing_key, signing_secret } = keys.unwrap_or_default();
                Ok(Self { integration, key, url, routing_key, signing_secret, position, rejection })
            }
        }
    };
}

payload_with_keys! {
    /// The new entrance, and what opens it.
    CreateIntegrationPayload
}

payload_with_keys! {
    /// The entrance as changed, and what opens it if that is new.
    UpdateIntegrationPayload
}

#[derive(Default)]
pub(super) struct IntegrationMutation;

#[Object]
impl IntegrationMutation {
    /// Open an entrance for a monitoring tool.
    async fn create_integration(
        &self,
        ctx: &Context<'_>,
        input: CreateIntegrationInput,
    ) -> Result<CreateIntegrationPayload, Fault> {
        let caller = Caller::admit(ctx, Role::Administrator)?;
        CreateIntegrationPayload::answer(create(caller, Draws::of(ctx)?, input).await)
    }

    /// Change an entrance: name, service, key, or whether it takes messages.
    async fn update_integration(
        &self,
        ctx: &Context<'_>,
        input: UpdateIntegrationInput,
    ) -> Result<UpdateIntegrationPayload, Fault> {
        let caller = Caller::admit(ctx, Role::Administrator)?;
        UpdateIntegrationPayload::answer(update(caller, Draws::of(ctx)?, input).await)
    }
}

async fn create(
    caller: Caller<'_>,
    draws: &Draws,
    input: CreateIntegrationInput,
) -> Result<Recorded<(Integration, Keys)>, Stop> {
    let directory = caller.configuration().await;
    let mut references = References::new(&directory);
    let service = references.service("serviceId", &input.service_id)?;
    let command_id = command_id(input.command_id);
    let id = IntegrationId::new(commands::mint::derived(command_id, "integration"));
    let mut keys = Keys::of(caller, input.kind, draws.key(command_id, "key"));
    let mut signing_secret = None;
    if input.signed {
        let (secret, text) = draws.signing_secret(caller, command_id, "signature").await?;
        (signing_secret, keys.signing_secret) = (Some(secret), Some(text));
    }
    let (integration, position) = record(caller, id, &keys, command_id, |key_hash| {
        let (name, kind, unknown) = (input.name, input.kind.into(), references.unknown());
        let key_hash = key_hash.unwrap_or_default();
        IntegrationCommand::CreateIntegration { name, kind, service, key_hash, signing_secret, unknown }
    })
    .await?;
    Ok((integration.map(|integration| (integration, keys)), position))
}

async fn update(
    caller: Caller<'_>,
    draws: &Draws,
    input: UpdateIntegrationInput,
) -> Result<Recorded<(Integration, Keys)>, Stop> {
    let id: IntegrationId = parse("integrationId", &input.integration_id)?;
    let directory = caller.configuration().await;
    let mut references = References::new(&directory);
    let service = input.service_id.as_ref().map(|id| references.service("serviceId", id)).transpose()?;
    let command_id = command_id(input.command_id);
    let kind =
        directory.integrations.get(&id).and_then(|state| state.entrance.as_ref()).map(|known| known.kind);
    let keys = match kind {
        Some(kind) if input.rotate_key => Keys::of(caller, kind.into(), draws.key(command_id, "key")),
        Some(_) | None => Keys::default(),
    };
    let at = caller.now();
    let (integration, position) = record(caller, id, &keys, command_id, |key_hash| {
        let (name, enabled, unknown) = (input.name, input.enabled, references.unknown());
        IntegrationCommand::UpdateIntegration { name, service, enabled, key_hash, unknown, at }
    })
    .await?;
    Ok((integration.map(|integration| (integration, keys)), position))
}

/// Records the command and makes sure that the key to be shown is the key that opens: if the same request was
/// recorded with another key, long ago or by another node, this one must not be shown.
async fn record(
    caller: Caller<'_>,
    id: IntegrationId,
    keys: &Keys,
    command_id: Uuid,
    command: impl FnOnce(Option<String>) -> IntegrationCommand,
) -> Result<Recorded<Integration>, Stop> {
    let hash = keys.key.as_deref().map(key_hash);
    let command = command(hash.clone());
    let engine = &caller.app.engine;
    let exists = ConfigRejection::AlreadyExists(IntegrationId::CATEGORY);
    let (state, position) = match engine.execute::<State>(id, &command, &caller.metadata(command_id)).await {
        Ok(done) => (done.state, done.position),
        Err(CommandError::Rejected(why)) if why == exists => {
            (engine.load::<State>(id).await?.0, engine.store().head())
        }
        Err(error) => return Err(error.into()),
    };
    let opens = |hash: &String| state.entrance.as_ref().is_some_and(|entrance| entrance.key_hash == *hash);
    if !hash.as_ref().is_none_or(opens) {
        return Err(Rejection::of(&exists).into());
    }
    caller.app.directory.reach(position, caller.app.settings.limits.mutation_wait).await;
    Ok((Integration::of(id, &state), position))
}
