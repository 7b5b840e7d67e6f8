//! What people do about incidents.

mod input;

use async_graphql::{Context, Object};
use commands::OpenRequest;
use domain::{
    Actor, Channel, IncidentId, Ladder, Level, NoteId, Roster, Target, Timestamp,
    incident::{Incident as State, IncidentCommand, Terms},
    user::Role,
};
use store::Position;
use uuid::Uuid;

use self::input::{
    AcknowledgeIncidentInput, AddIncidentNoteInput, ChangeIncidentSeverityInput, CreateIncidentInput,
    EscalateIncidentInput, ReassignIncidentInput, ResolveIncidentInput, SnoozeIncidentInput,
    UnacknowledgeIncidentInput,
};
use super::{
    caller::{Caller, References, command_id, parse},
    fault::Fault,
    incident::Incident,
    rejection::{Recorded, Rejection, Stop, payloads},
    scalar::DateTime,
};

payloads! {
    /// The incident, new or already open under the same key.
    CreateIncidentPayload { incident: Incident }
    /// The incident that somebody has now.
    AcknowledgeIncidentPayload { incident: Incident }
    /// The incident that pages nobody for a while.
    SnoozeIncidentPayload { incident: Incident }
    /// The incident that nobody has now.
    UnacknowledgeIncidentPayload { incident: Incident }
    /// The incident that is over.
    ResolveIncidentPayload { incident: Incident }
    /// The incident for which others are paged now.
    ReassignIncidentPayload { incident: Incident }
    /// The incident whose next level is paged now.
    EscalateIncidentPayload { incident: Incident }
    /// The incident that is as bad as somebody says.
    ChangeIncidentSeverityPayload { incident: Incident }
    /// The incident with the note in its timeline.
    AddIncidentNotePayload { incident: Incident }
}

#[derive(Default)]
pub(super) struct IncidentMutation;

#[Object]
impl IncidentMutation {
    /// Report a problem: opens an incident and pages whoever is on call for the service.
    async fn create_incident(
        &self,
        ctx: &Context<'_>,
        input: CreateIncidentInput,
    ) -> Result<CreateIncidentPayload, Fault> {
        CreateIncidentPayload::answer(create(Caller::admit(ctx, Role::Responder)?, input).await)
    }

    /// Take responsibility for an incident and stop its escalation.
    async fn acknowledge_incident(
        &self,
        ctx: &Context<'_>,
        input: AcknowledgeIncidentInput,
    ) -> Result<AcknowledgeIncidentPayload, Fault> {
        AcknowledgeIncidentPayload::answer(acknowledge(Caller::admit(ctx, Role::Responder)?, input).await)
    }

    /// Have an incident page nobody until a time. Until then you have it; then, unless it is over, its escalation begins
    /// anew. What gets worse than it ever was pages at once.
    async fn snooze_incident(
        &self,
        ctx: &Context<'_>,
        input: SnoozeIncidentInput,
    ) -> Result<SnoozeIncidentPayload, Fault> {
        SnoozeIncidentPayload::answer(snooze(Caller::admit(ctx, Role::Responder)?, input).await)
    }

    /// Give an incident back: its escalation begins anew.
    async fn unacknowledge_incident(
        &self,
        ctx: &Context<'_>,
        input: UnacknowledgeIncidentInput,
    ) -> Result<UnacknowledgeIncidentPayload, Fault> {
        UnacknowledgeIncidentPayload::answer(unacknowledge(Caller::admit(ctx, Role::Responder)?, input).await)
    }

    /// Say that an incident is over.
    async fn resolve_incident(
        &self,
        ctx: &Context<'_>,
        input: ResolveIncidentInput,
    ) -> Result<ResolveIncidentPayload, Fault> {
        ResolveIncidentPayload::answer(resolve(Caller::admit(ctx, Role::Responder)?, input).await)
    }

    /// Page others for an incident from now on.
    async fn reassign_incident(
        &self,
        ctx: &Context<'_>,
        input: ReassignIncidentInput,
    ) -> Result<ReassignIncidentPayload, Fault> {
        ReassignIncidentPayload::answer(reassign(Caller::admit(ctx, Role::Responder)?, input).await)
    }

    /// Page the next level now.
    async fn escalate_incident(
        &self,
        ctx: &Context<'_>,
        input: EscalateIncidentInput,
    ) -> Result<EscalateIncidentPayload, Fault> {
        EscalateIncidentPayload::answer(escalate(Caller::admit(ctx, Role::Responder)?, input).await)
    }

    /// Say how bad an incident is. If it never was that bad, the level that was paged last is paged again, unless
    /// somebody has the incident or it is held back. From then on alerts change the severity only if they are worse than
    /// it ever was.
    async fn change_incident_severity(
        &self,
        ctx: &Context<'_>,
        input: ChangeIncidentSeverityInput,
    ) -> Result<ChangeIncidentSeverityPayload, Fault> {
        let caller = Caller::admit(ctx, Role::Responder)?;
        ChangeIncidentSeverityPayload::answer(change_severity(caller, input).await)
    }

    /// Write something down in an incident's timeline.
    async fn add_incident_note(
        &self,
        ctx: &Context<'_>,
        input: AddIncidentNoteInput,
    ) -> Result<AddIncidentNotePayload, Fault> {
        AddIncidentNotePayload::answer(add_note(Caller::admit(ctx, Role::Responder)?, input).await)
    }
}

async fn create(caller: Caller<'_>, input: CreateIncidentInput) -> Result<Recorded<Incident>, Stop> {
    let directory = caller.configuration().await;
    let mut references = References::new(&directory);
    let service = references.service("serviceId", &input.service_id)?;
    if let Some(unknown) = references.unknown().first() {
        return Err(Rejection::of(&domain::ConfigRejection::from(unknown.clone())).into());
    }
    let command_id = command_id(input.command_id);
    let key = input.dedup_key.unwrap_or_else(|| format!("manual/{command_id}"));
    let (title, details, severity) = (input.title, input.details, input.severity.into());
    let request = OpenRequest {
        service,
        key,
        title,
        details,
        severity,
        alerts: vec![],
        terms: Terms::default(),
        episode: None,
    };
    let opened = caller.app.intake.open(request, &caller.metadata(command_id)).await?;
    shown(caller, opened.incident, opened.done.position).await
}

async fn acknowledge(
    caller: Caller<'_>,
    input: AcknowledgeIncidentInput,
) -> Result<Recorded<Incident>, Stop> {
    let id = parse("incidentId", &input.incident_id)?;
    let by = match &input.on_behalf_of {
        None => caller.viewer.actor.clone(),
        Some(_) if !caller.viewer.may(Role::Administrator) => {
            return Err(Fault::Forbidden("ADMINISTRATOR").into());
        }
        Some(given) => {
            let directory = caller.configuration().await;
            let mut references = References::new(&directory);
            let user = references.user("onBehalfOf", given)?;
            if let Some(unknown) = references.unknown().first() {
                return Err(Rejection::of(&domain::ConfigRejection::from(unknown.clone())).into());
            }
            Actor::User { id: user }
        }
    };
    let command =
        IncidentCommand::AcknowledgeIncident { by, via: Channel::Api, alert: None, at: caller.now() };
    record(caller, id, command, command_id(input.command_id)).await
}

async fn snooze(caller: Caller<'_>, input: SnoozeIncidentInput) -> Result<Recorded<Incident>, Stop> {
    let id = parse("incidentId", &input.incident_id)?;
    let (DateTime(until), reason) = (input.until, input.reason);
    let (by, via, at) = (caller.viewer.actor.clone(), Channel::Api, caller.now());
    let command = IncidentCommand::SnoozeIncident { by, until, reason, via, alert: None, at };
    record(caller, id, command, command_id(input.command_id)).await
}

async fn unacknowledge(
    caller: Caller<'_>,
    input: UnacknowledgeIncidentInput,
) -> Result<Recorded<Incident>, Stop> {
    let id = parse("incidentId", &input.incident_id)?;
    let command = |by, roster, at| IncidentCommand::UnacknowledgeIncident { by, roster, at };
    climb(caller, id, command, command_id(input.command_id)).await
}

async fn resolve(caller: Caller<'_>, input: ResolveIncidentInput) -> Result<Recorded<Incident>, Stop> {
    let id = parse("incidentId", &input.incident_id)?;
    let (by, note) = (caller.viewer.actor.clone(), input.note);
    let command =
        IncidentCommand::ResolveIncident { by, via: Channel::Api, note, alert: None, at: caller.now() };
    record(caller, id, command, command_id(input.command_id)).await
}

async fn reassign(caller: Caller<'_>, input: ReassignIncidentInput) -> Result<Recorded<Incident>, Stop> {
    let id = parse("incidentId", &input.incident_id)?;
    let directory = caller.configuration().await;
    let mut references = References::new(&directory);
    let ladder = match (&input.user_ids, &input.escalation_policy_id) {
        (Some(given), None) if !given.is_empty() => {
            let users = super::team::people(&mut references, "userIds", given)?;
            direct(users.into_iter().map(|id| Target::User { id }).collect())
        }
        (None, Some(given)) => {
            let policy = references.policy("escalationPolicyId", given)?;
            directory.policies.get(&policy).map(|state| state.ladder(policy)).unwrap_or_default()
        }
        _ => {
            let rule = "must name people, or escalationPolicyId a policy, but not both";
            return Err(Rejection::invalid("userIds", rule).into());
        }
    };
    if let Some(unknown) = references.unknown().first() {
        return Err(Rejection::of(&domain::ConfigRejection::from(unknown.clone())).into());
    }
    let at = caller.now();
    let (by, roster) = (caller.viewer.actor.clone(), directory.roster(&ladder, at));
    let command = IncidentCommand::ReassignIncident { by, reason: input.reason, ladder, roster, at };
    record(caller, id, command, command_id(input.command_id)).await
}

async fn escalate(caller: Caller<'_>, input: EscalateIncidentInput) -> Result<Recorded<Incident>, Stop> {
    let id = parse("incidentId", &input.incident_id)?;
    let command = |by, roster, at| IncidentCommand::EscalateIncident { by, roster, at };
    climb(caller, id, command, command_id(input.command_id)).await
}

async fn change_severity(
    caller: Caller<'_>,
    input: ChangeIncidentSeverityInput,
) -> Result<Recorded<Incident>, Stop> {
    let id = parse("incidentId", &input.incident_id)?;
    let (severity, reason) = (input.severity.into(), input.reason);
    let command = |by, roster, at| IncidentCommand::ChangeIncidentSeverity {
        by,
        severity,
        reason: reason.clone(),
        roster,
        at,
    };
    climb(caller, id, command, command_id(input.command_id)).await
}

async fn add_note(caller: Caller<'_>, input: AddIncidentNoteInput) -> Result<Recorded<Incident>, Stop> {
    let id = parse("incidentId", &input.incident_id)?;
    let command_id = command_id(input.command_id);
    let note = NoteId::new(commands::mint::derived(command_id, "note"));
    let (by, text) = (caller.viewer.actor.clone(), input.text);
    record(caller, id, IncidentCommand::AddIncidentNote { note, by, text, at: caller.now() }, command_id)
        .await
}

/// Seconds until the administrators are paged if none of the people named directly answers.
const DIRECT_TIMEOUT: u32 = 30 * 60;

/// A ladder of one rung, for people named directly.
fn direct(targets: Vec<Target>) -> Ladder {
    Ladder { policy: None, levels: vec![Level { targets, timeout_seconds: DIRECT_TIMEOUT }], repeat: 0 }
}

/// Has an incident judge what may have it climb. Who is on its ladder is looked up for the ladder that it has when that is judged: somebody may
/// reassign it at the same moment.
async fn climb(
    caller: Caller<'_>,
    id: IncidentId,
    command: impl Fn(Actor, Roster, Timestamp) -> IncidentCommand + Send + Sync,
    command_id: Uuid,
) -> Result<Recorded<Incident>, Stop> {
    let (directory, at) = (caller.app.directory.now(), caller.now());
    let made = |incident: &State| {
        let roster = incident.open().map(|open| directory.roster(&open.ladder, at)).unwrap_or_default();
        command(caller.viewer.actor.clone(), roster, at)
    };
    let done = caller.app.engine.execute_made::<State>(id, made, &caller.metadata(command_id)).await?;
    shown(caller, id, done.position).await
}

async fn record(
    caller: Caller<'_>,
    id: IncidentId,
    command: IncidentCommand,
    command_id: Uuid,
) -> Result<Recorded<Incident>, Stop> {
    let done = caller.app.engine.execute::<State>(id, &command, &caller.metadata(command_id)).await?;
    shown(caller, id, done.position).await
}

/// The incident as it is at `position` or later. What was recorded is recorded: if it cannot be shown in time,
/// the answer says so by a null beside the position, not by an error.
async fn shown(caller: Caller<'_>, id: IncidentId, position: Position) -> Result<Recorded<Incident>, Stop> {
    let app = caller.app;
    if !app.reads.reach(position, app.settings.limits.mutation_wait).await {
        return Ok((None, position));
    }
    let view = app.reads.incident(id).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "what a mutation did cannot be shown");
        None
    });
    Ok((view.map(Incident), position))
}
