//! What a page says: from a page's step to what a connector sends.

use commands::{Directory, EngineError};
use connectors::{Destination, IncidentCard, Page as Outgoing, Secret};
use domain::{
    Target, Timestamp, UserId,
    incident::{Incident, OpenState},
    page::{PageStep, Withdrawal},
    user::ContactMethod,
};

use crate::Parts;

/// What to do with a page that is due.
pub(crate) enum Letter {
    /// Send it.
    Send(Box<Outgoing>),
    /// It is not needed any more.
    Withdraw(Withdrawal),
}

/// Looks at the incident as the log has it now: no page begins after an acknowledgement or during a snooze.
pub(crate) async fn compose(
    parts: &Parts,
    step: &PageStep,
    attempt: u32,
    requested_at: Timestamp,
) -> Result<Letter, EngineError> {
    let (incident, _) = parts.engine.load::<Incident>(step.incident).await?;
    let open = match &*incident {
        Incident::Open(open) => open,
        Incident::Absent | Incident::Resolved { .. } => return Ok(Letter::Withdraw(Withdrawal::Resolved)),
    };
    if open.situation.is_taken() {
        return Ok(Letter::Withdraw(Withdrawal::Acknowledged));
    }
    // A later climb pages anew; a higher level of the same climb leaves earlier steps running.
    if open.climb.cycle != step.cycle {
        return Ok(Letter::Withdraw(Withdrawal::Superseded));
    }
    let directory = parts.directory.now();
    let Some(to) = destination(parts, &directory, step).await? else {
        return Ok(Letter::Withdraw(Withdrawal::ContactGone));
    };
    Ok(Letter::Send(Box::new(Outgoing {
        key: step.id().to_string(),
        attempt,
        requested_at_unix: requested_at.millis().div_euclid(1000),
        at_unix: parts.engine.now().millis().div_euclid(1000),
        to,
        incident: card(parts, &directory, step, open),
    })))
}

async fn destination(
    parts: &Parts,
    directory: &Directory,
    step: &PageStep,
) -> Result<Option<Destination>, EngineError> {
    let user = directory.users.get(&step.user).filter(|user| user.is_active());
    let contact = user.and_then(|user| user.contacts.iter().find(|contact| contact.id == step.contact));
    Ok(match contact.map(|contact| &contact.method) {
        None => None,
        Some(ContactMethod::Email { address }) => Some(Destination::Email { address: address.clone() }),
        Some(ContactMethod::Webhook { url, secret }) => {
            let sealed = parts.engine.store().vault().open(*secret).await?;
            let secrets = sealed.and_then(|bytes| Secret::new(bytes).ok()).into_iter().collect();
            Some(Destination::Webhook { url: url.clone(), secrets })
        }
    })
}

fn card(parts: &Parts, directory: &Directory, step: &PageStep, open: &OpenState) -> IncidentCard {
    let service = directory.services.get(&open.service);
    IncidentCard {
        id: step.incident.to_string(),
        title: open.shown.title.clone(),
        severity: open.severity.word().to_owned(),
        status: "triggered".to_owned(),
        service: service.map_or_else(|| open.service.to_string(), |service| service.name.clone()),
        team: open.team.and_then(|team| directory.teams.get(&team)).map(|team| team.name.clone()),
        level: step.level,
        cycle: step.cycle,
        url: format!("{}/incidents/{}", parts.public_url, step.incident),
        opened_at: open.opened_at.to_string(),
        details: open.shown.details.clone(),
        reason: reason(directory, step.through),
        recipient: name(directory, step.user),
    }
}

/// Why this person, in words.
fn reason(directory: &Directory, through: Option<Target>) -> String {
    match through {
        None => "last resort: you are an administrator and nobody else could be reached".to_owned(),
        Some(Target::User { .. }) => "the escalation policy names you".to_owned(),
        Some(Target::Schedule { id }) => {
            let schedule = directory.schedules.get(&id).map_or("a schedule", |schedule| &schedule.name);
            format!("you are on call in {schedule}")
        }
        Some(Target::Team { id }) => {
            let team = directory.teams.get(&id).map_or("a team", |team| &team.name);
            format!("you are a member of {team}")
        }
    }
}

fn name(directory: &Directory, user: UserId) -> String {
    let profile = directory.users.get(&user).and_then(|user| user.profile.as_ref());
    profile.map_or_else(|| user.to_string(), |profile| profile.name.clone())
}
