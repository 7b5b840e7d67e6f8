//! What opens and changes the entrances of monitoring tools.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use commands::{CommandError, key_hash};
use domain::{
    ConfigRejection, IntegrationId, SecretId,
    integration::{
        Entrance, Integration as State, IntegrationCommand, ProofChange, SignatureScheme, Verification,
    },
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
    verification::{ReadingInput, VerificationInput, usual_preset},
    watch,
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
    /// Whether every message must be signed in the way that senders of this kind do, by default with
    /// `X-Midwatch-Signature: sha256=<hex>`, the HMAC-SHA256 of its body under the signing secret. Without it the
    /// key alone opens the entrance. `verification` says more than this.
    #[graphql(default)]
    signed: bool,
    /// How messages prove themselves beyond the key.
    verification: Option<VerificationInput>,
    /// The secret for that, where the sender chooses it; left out, one is made and shown once.
    secret: Option<String>,
    /// How messages are read.
    reading: Option<ReadingInput>,
    /// How many messages it takes in a minute; left out, 60,000.
    rate_limit_per_minute: Option<i32>,
    /// After how many seconds without a message an incident opens, from 30 to 90 days. Left out or 0: never; left out
    /// for a heartbeat: 300.
    silent_after_seconds: Option<i32>,
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
    /// Whether to make a new key; the old one stops working at once, or after `keepOldSeconds`.
    #[graphql(default)]
    rotate_key: bool,
    /// How messages prove themselves from now on.
    verification: Option<VerificationInput>,
    /// Whether to make a new secret; the old one stops working at once, or after `keepOldSeconds`.
    #[graphql(default)]
    rotate_secret: bool,
    /// The new secret, where the sender chooses it.
    secret: Option<String>,
    /// How long the key and the secret that are replaced are good beside the new ones.
    #[graphql(default)]
    keep_old_seconds: i32,
    /// How messages are read from now on.
    reading: Option<ReadingInput>,
    /// How many messages it takes in a minute from now on; null: 60,000, as if none had been chosen.
    rate_limit_per_minute: MaybeUndefined<i32>,
    /// After how many seconds without a message an incident opens from now on, from 30 to 90 days; 0: never, which a
    /// heartbeat cannot have. It has its full time from now on.
    silent_after_seconds: Option<i32>,
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
        let kind = domain::integration::IntegrationKind::from(kind);
        let (url, routing_key) = match kind.path() {
            Some(word) => (format!("{public_url}/hooks/{word}/{key}"), None),
            None if kind == domain::integration::IntegrationKind::Opsgenie => {
                (format!("{public_url}/v2/alerts"), None)
            }
            None if kind == domain::integration::IntegrationKind::Email => {
                let domain = caller.app.settings.mail_domain.as_deref();
                let url = domain.map(|domain| format!("mailto:{key}@{domain}"));
                return Self { key: Some(key), url, ..Self::default() };
            }
            None => (format!("{public_url}/v2/enqueue"), Some(key.clone())),
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
            /// Where to send messages, with the key in it where the format wants it there; null for mail, if this
            /// server takes none.
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

    /// Change an entrance: name, service, key, how long it may be silent, or whether it takes messages.
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
    let kind = input.kind.into();
    let mut keys = Keys::of(caller, input.kind, draws.key(command_id, "key"));
    let signed = || Verification::Signature(SignatureScheme::of(usual_preset(kind)));
    let verification = match input.verification {
        Some(chosen) => Some(chosen.into_domain()?),
        None => input.signed.then(signed),
    };
    let needed = verification.as_ref().is_some_and(Verification::needs_secret);
    let secrets = Secrets { caller, draws, command_id };
    let (signing_secret, shown) = secrets.choose(needed, input.secret).await?;
    keys.signing_secret = shown;
    let reading = input.reading.map(Into::into).unwrap_or_default();
    let rate_limit = input.rate_limit_per_minute.map(per_minute).transpose()?;
    let watch = watch::asked(kind, input.silent_after_seconds)?;
    let at = caller.now();
    let (integration, position) = record(caller, id, &keys, signing_secret, command_id, |key_hash| {
        let (name, unknown) = (input.name, references.unknown());
        let key_hash = key_hash.unwrap_or_default();
        IntegrationCommand::CreateIntegration {
            name,
            kind,
            service,
            key_hash,
            signing_secret,
            verification,
            reading,
            rate_limit,
            watch,
            unknown,
            at,
        }
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
    let known = directory.integrations.get(&id).and_then(|state| state.entrance.as_ref());
    let mut keys = match known {
        Some(known) if input.rotate_key => Keys::of(caller, known.kind.into(), draws.key(command_id, "key")),
        Some(_) | None => Keys::default(),
    };
    let verification = input.verification.map(VerificationInput::into_domain).transpose()?;
    // A way that needs a secret gets one, if there is none yet.
    let needs = verification.as_ref().is_some_and(Verification::needs_secret);
    let missing = needs && known.is_some_and(|known| known.signing_secret.is_none());
    let wanted = known.is_some() && (input.rotate_secret || missing);
    let secrets = Secrets { caller, draws, command_id };
    let (secret, shown) = secrets.choose(wanted, input.secret).await?;
    keys.signing_secret = shown;
    let at = caller.now();
    let keep = u64::try_from(input.keep_old_seconds)
        .map_err(|_| Rejection::invalid("keepOldSeconds", "must not be negative"))?;
    let keep_until = (keep > 0).then(|| at.plus_seconds(keep));
    let reading = input.reading.map(Into::into);
    let rate_limit = match input.rate_limit_per_minute {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(chosen) => Some(Some(per_minute(chosen)?)),
    };
    let watch = watch::changed(input.silent_after_seconds)?;
    let (integration, position) = record(caller, id, &keys, secret, command_id, |key_hash| {
        let (name, enabled, unknown) = (input.name, input.enabled, references.unknown());
        let proof = ProofChange { verification, secret, keep_until };
        IntegrationCommand::UpdateIntegration {
            name,
            service,
            enabled,
            key_hash,
            proof,
            reading,
            rate_limit,
            watch,
            unknown,
            at,
        }
    })
    .await?;
    Ok((integration.map(|integration| (integration, keys)), position))
}

/// A number of messages; the bounds are for the integration to judge.
fn per_minute(chosen: i32) -> Result<u32, Rejection> {
    u32::try_from(chosen).map_err(|_| Rejection::invalid("rateLimitPerMinute", "must not be negative"))
}

/// Where secrets of one request come from.
struct Secrets<'a> {
    caller: Caller<'a>,
    draws: &'a Draws,
    command_id: Uuid,
}

impl Secrets<'_> {
    /// The secret to use, sealed, and its text if it is to be shown: the one that was given, or else a new one if
    /// one is wanted.
    async fn choose(
        &self,
        wanted: bool,
        given: Option<String>,
    ) -> Result<(Option<SecretId>, Option<String>), Stop> {
        let Self { caller, draws, command_id } = *self;
        match given {
            Some(text) => {
                if text.len() < 8 || text.len() > 1000 || text.chars().any(char::is_control) {
                    let rule = "must have from 8 to 1000 bytes, without control characters";
                    return Err(Rejection::invalid("secret", rule).into());
                }
                let secret = draws.given_secret(caller, command_id, "signature", &text).await?;
                Ok((Some(secret), None))
            }
            None if wanted => {
                let (secret, text) = draws.signing_secret(caller, command_id, "signature").await?;
                Ok((Some(secret), Some(text)))
            }
            None => Ok((None, None)),
        }
    }
}

/// Records the command and makes sure that the key to be shown is the key that opens: if the same request was
/// recorded with another key, long ago or by another node, this one must not be shown.
async fn record(
    caller: Caller<'_>,
    id: IntegrationId,
    keys: &Keys,
    secret: Option<SecretId>,
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
    let holds = |entrance: &Entrance| {
        hash.as_ref().is_none_or(|hash| entrance.key_hash == *hash)
            && secret.is_none_or(|secret| entrance.signing_secret == Some(secret))
    };
    if !state.entrance.as_ref().is_some_and(holds) {
        return Err(Rejection::of(&exists).into());
    }
    caller.app.directory.reach(position, caller.app.settings.limits.mutation_wait).await;
    Ok((Integration::of(id, &state), position))
}
