//! What is wrong with what comes through an integration, for those who look after it.

use commands::{Directory, EngineError};
use domain::{
    Fact, IntegrationId,
    integration::IntegrationEvent,
    notice::{About, Due, Matter, Trouble},
};
use store::Recorded;

use super::plan::members;

/// What the members of the team of the integration's service have to be told, or administrators if there are none. The
/// same trouble is told once a day.
pub(super) fn told_by(directory: &Directory, event: &Recorded) -> Result<Vec<Due>, EngineError> {
    let Some(integration) = event.stream_uuid().map(IntegrationId::new) else { return Ok(vec![]) };
    let (trouble, at) = match IntegrationEvent::decode(&event.kind, &event.payload)? {
        IntegrationEvent::SeverityUnknown { at, .. } => (Trouble::SeverityUnknown, at),
        IntegrationEvent::MessagesLimited { at, .. } => (Trouble::MessagesLimited, at),
        _ => return Ok(vec![]),
    };
    let entrance = directory.integrations.get(&integration).and_then(|known| known.entrance.as_ref());
    let service = entrance.and_then(|entrance| directory.services.get(&entrance.service));
    let people = members(directory, service.and_then(|service| service.team)).into_iter();
    let day: String = at.to_string().chars().take_while(|letter| *letter != 'T').collect();
    let about = About::IntegrationTroubled { integration, trouble, day };
    Ok(people.map(|user| Due { at, matter: Matter { user, schedule: None, about: about.clone() } }).collect())
}
