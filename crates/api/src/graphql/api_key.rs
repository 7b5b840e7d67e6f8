//! API keys: programs and people without a browser.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject, connection::Connection};
use commands::{CommandError, Directory, key_hash};
use domain::{
    ApiKeyId, ConfigRejection,
    api_key::{ApiKey as State, ApiKeyCommand},
    user::Role,
};

use super::{
    caller::{Caller, References, app, command_id, parse},
    fault::Fault,
    rejection::{Recorded, Rejection, Stop, parts, payloads},
    scalar::{CommandId, DateTime, Position},
    secrets::Draws,
    slice,
    user::User,
    words,
};

/// An API key, without the key.
pub(super) struct ApiKey {
    id: ApiKeyId,
    state: Arc<State>,
}

/// An API key, without the key.
#[Object]
impl ApiKey {
    /// Its id, such as `key_…`.
    async fn id(&self) -> ID {
        self.id.into()
    }

    /// What it is for.
    async fn name(&self) -> &str {
        &self.state.name
    }

    /// What it may do.
    async fn role(&self) -> words::Role {
        self.state.role.into()
    }

    /// The person it stands for.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>, Fault> {
        let directory = app(ctx)?.directory.now();
        Ok(self.state.user.and_then(|id| User::find(&directory, id)))
    }

    /// Since when it opens nothing.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.state.revoked_at.map(DateTime)
    }
}

#[derive(Default)]
pub(super) struct ApiKeyQuery;

#[Object]
impl ApiKeyQuery {
    /// API keys in the order of their names, revoked ones included; for administrators.
    #[graphql(complexity = "slice::cost(first, child_complexity)")]
    async fn api_keys(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        wait_for: Option<Position>,
    ) -> Result<Connection<String, ApiKey>, Fault> {
        let caller = Caller::admit(ctx, Role::Administrator)?;
        caller.wait_for(wait_for).await?;
        let directory: Arc<Directory> = caller.app.directory.now();
        let keys = directory.api_keys.iter().map(|(id, state)| {
            (state.name.clone(), id.to_string(), ApiKey { id: *id, state: Arc::clone(state) })
        });
        slice::by_name(keys, first, after.as_deref())
    }
}

/// A new API key.
#[derive(InputObject)]
pub(super) struct CreateApiKeyInput {
    /// What it is for, one line.
    name: String,
    /// What it may do.
    #[graphql(default_with = "words::Role::Responder")]
    role: words::Role,
    /// The person it stands for: what it does is recorded as theirs.
    user_id: Option<ID>,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// An API key to stop.
#[derive(InputObject)]
pub(super) struct RevokeApiKeyInput {
    /// Which key.
    api_key_id: ID,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// The new API key, and the key itself.
#[derive(SimpleObject)]
pub(super) struct CreateApiKeyPayload {
    /// The API key; null if the request was rejected.
    api_key: Option<ApiKey>,
    /// The key to send as `Authorization: Bearer <key>`. It is shown this once.
    key: Option<String>,
    /// The position in the log that the request led to.
    position: Option<Position>,
    /// Why the request was refused; null if it was not.
    rejection: Option<Rejection>,
}

payloads! {
    /// The revoked API key.
    RevokeApiKeyPayload { api_key: ApiKey }
}

#[derive(Default)]
pub(super) struct ApiKeyMutation;

#[Object]
impl ApiKeyMutation {
    /// Issue an API key.
    async fn create_api_key(
        &self,
        ctx: &Context<'_>,
        input: CreateApiKeyInput,
    ) -> Result<CreateApiKeyPayload, Fault> {
        let caller = Caller::admit(ctx, Role::Administrator)?;
        let (both, position, rejection) = parts(create(caller, Draws::of(ctx)?, input).await)?;
        let (api_key, key) = both.unzip();
        Ok(CreateApiKeyPayload { api_key, key, position, rejection })
    }

    /// Stop an API key: it opens nothing any more.
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        input: RevokeApiKeyInput,
    ) -> Result<RevokeApiKeyPayload, Fault> {
        RevokeApiKeyPayload::answer(revoke(Caller::admit(ctx, Role::Administrator)?, input).await)
    }
}

async fn create(
    caller: Caller<'_>,
    draws: &Draws,
    input: CreateApiKeyInput,
) -> Result<Recorded<(ApiKey, String)>, Stop> {
    let directory = caller.configuration().await;
    let mut references = References::new(&directory);
    let user = input.user_id.as_ref().map(|id| references.user("userId", id)).transpose()?;
    let command_id = command_id(input.command_id);
    let id = ApiKeyId::new(commands::mint::derived(command_id, "api key"));
    let key = format!("mw_{}{}", draws.key(command_id, "key"), draws.key(command_id, "rest of the key"));
    let hash = key_hash(&key);
    let (name, role, unknown) = (input.name, input.role.into(), references.unknown());
    let command = ApiKeyCommand::CreateApiKey { name, hash: hash.clone(), role, user, unknown };
    let engine = &caller.app.engine;
    let exists = ConfigRejection::AlreadyExists("API key");
    let (state, position) = match engine.execute::<State>(id, &command, &caller.metadata(command_id)).await {
        Ok(done) => (done.state, done.position),
        Err(CommandError::Rejected(why)) if why == exists => {
            (engine.load::<State>(id).await?.0, engine.store().head())
        }
        Err(error) => return Err(error.into()),
    };
    // If the same request was recorded with another key, this one must not be shown.
    if state.hash != hash {
        return Err(Rejection::of(&exists).into());
    }
    caller.app.directory.reach(position, caller.app.settings.limits.mutation_wait).await;
    Ok((Some((ApiKey { id, state }, key)), position))
}

async fn revoke(caller: Caller<'_>, input: RevokeApiKeyInput) -> Result<Recorded<ApiKey>, Stop> {
    let id: ApiKeyId = parse("apiKeyId", &input.api_key_id)?;
    let command = ApiKeyCommand::RevokeApiKey { at: caller.now() };
    let done = caller.configure::<State>(id, &command, command_id(input.command_id)).await?;
    Ok((Some(ApiKey { id, state: done.state }), done.position))
}
