//! How long integrations may be silent: what is shown of it, and muting the alarm.

use async_graphql::{Context, ID, InputObject, Object};
use domain::{
    IntegrationId,
    integration::{
        Integration as State, IntegrationCommand, IntegrationKind, Vigil, Watch, WatchChange, WatchCommand,
    },
    user::Role,
};

use super::{
    actor::Actor,
    caller::{Caller, app, command_id, parse},
    fault::Fault,
    incident::Incident,
    integration::Integration,
    rejection::{Recorded, Rejection, Stop, payloads},
    scalar::{CommandId, DateTime},
};

/// How long an integration may be silent, and whether it is.
pub(super) struct IntegrationWatch {
    watch: Watch,
    vigil: Vigil,
}

impl IntegrationWatch {
    pub(super) fn of(vigil: &Vigil) -> Option<Self> {
        Some(Self { watch: vigil.watch?, vigil: vigil.clone() })
    }

    fn mute(&self, ctx: &Context<'_>) -> Result<Option<&domain::integration::Mute>, Fault> {
        Ok(self.vigil.muted(app(ctx)?.engine.now()))
    }
}

/// How long an integration may be silent, and whether it is.
#[Object]
impl IntegrationWatch {
    /// After how many seconds without a message an incident opens.
    async fn silent_after_seconds(&self) -> u32 {
        self.watch.after_seconds
    }

    /// Why there is no alarm now, if somebody muted it.
    async fn muted_reason(&self, ctx: &Context<'_>) -> Result<Option<&str>, Fault> {
        Ok(self.mute(ctx)?.map(|mute| mute.reason.as_str()))
    }

    /// Until when it is muted; null: it is not, or until somebody ends it.
    async fn muted_until(&self, ctx: &Context<'_>) -> Result<Option<DateTime>, Fault> {
        Ok(self.mute(ctx)?.and_then(|mute| mute.until).map(DateTime))
    }

    /// Who muted it.
    async fn muted_by(&self, ctx: &Context<'_>) -> Result<Option<Actor>, Fault> {
        Ok(self.mute(ctx)?.map(|mute| Actor(mute.by.clone())))
    }

    /// Since when it is silent: when the last message came, or from when on the first one was waited for. Null: it is
    /// not silent.
    async fn silent_since(&self) -> Option<DateTime> {
        self.vigil.silence.map(|silence| DateTime(silence.since))
    }

    /// The incident that the silence is; null: it is not silent, or the incident cannot be seen yet.
    #[graphql(complexity = "5 + child_complexity")]
    async fn incident(&self, ctx: &Context<'_>) -> Result<Option<Incident>, Fault> {
        match self.vigil.silence.and_then(|silence| silence.incident) {
            Some(id) => Incident::load(ctx, id).await,
            None => Ok(None),
        }
    }
}

/// No alarm for the silence of an integration.
#[derive(InputObject)]
pub(super) struct MuteIntegrationInput {
    /// Which integration.
    integration_id: ID,
    /// Why, one line of up to 500 characters.
    reason: String,
    /// Until when; left out: until somebody ends it.
    until: Option<DateTime>,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// An alarm for the silence of an integration again.
#[derive(InputObject)]
pub(super) struct UnmuteIntegrationInput {
    /// Which integration.
    integration_id: ID,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

payloads! {
    /// The integration, muted.
    MuteIntegrationPayload { integration: Integration }
    /// The integration, unmuted.
    UnmuteIntegrationPayload { integration: Integration }
}

#[derive(Default)]
pub(super) struct WatchMutation;

#[Object]
impl WatchMutation {
    /// Do not alarm for the silence of an integration for a while. An incident that is open for it resolves.
    async fn mute_integration(
        &self,
        ctx: &Context<'_>,
        input: MuteIntegrationInput,
    ) -> Result<MuteIntegrationPayload, Fault> {
        let caller = Caller::admit(ctx, Role::Responder)?;
        let command = WatchCommand::MuteIntegration {
            reason: input.reason,
            until: input.until.map(|DateTime(until)| until),
            by: caller.viewer.actor.clone(),
            at: caller.now(),
        };
        MuteIntegrationPayload::answer(watch(caller, &input.integration_id, input.command_id, command).await)
    }

    /// Alarm for the silence of an integration again. It has its full time from now on.
    async fn unmute_integration(
        &self,
        ctx: &Context<'_>,
        input: UnmuteIntegrationInput,
    ) -> Result<UnmuteIntegrationPayload, Fault> {
        let caller = Caller::admit(ctx, Role::Responder)?;
        let command = WatchCommand::UnmuteIntegration { at: caller.now() };
        UnmuteIntegrationPayload::answer(
            watch(caller, &input.integration_id, input.command_id, command).await,
        )
    }
}

async fn watch(
    caller: Caller<'_>,
    integration: &ID,
    given: Option<CommandId>,
    command: WatchCommand,
) -> Result<Recorded<Integration>, Stop> {
    let id: IntegrationId = parse("integrationId", integration)?;
    let command = IntegrationCommand::Watch(command);
    let done = caller.configure::<State>(id, &command, command_id(given)).await?;
    Ok((Integration::of(id, &done.state), done.position))
}

/// The watch that a new integration is to have: none said, what is usual for its kind; 0, none.
pub(super) fn asked(kind: IntegrationKind, seconds: Option<i32>) -> Result<Option<Watch>, Rejection> {
    let off = seconds == Some(0) && Watch::usual(kind).is_none();
    Ok(match seconds.filter(|_| !off) {
        Some(seconds) => Some(after(seconds)?),
        None => None,
    })
}

/// What an update does to the watch: nothing said, nothing; 0, it ends.
pub(super) fn changed(seconds: Option<i32>) -> Result<WatchChange, Rejection> {
    Ok(match seconds {
        None => WatchChange::Keep,
        Some(0) => WatchChange::Stop,
        Some(seconds) => WatchChange::Start(after(seconds)?),
    })
}

fn after(seconds: i32) -> Result<Watch, Rejection> {
    match u32::try_from(seconds) {
        Ok(after_seconds) => Ok(Watch { after_seconds }),
        Err(_) => Err(Rejection::invalid("silentAfterSeconds", "must not be negative")),
    }
}
