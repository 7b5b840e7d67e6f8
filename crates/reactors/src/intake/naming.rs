//! Messages that name an incident by the id that we gave it, in place of the key of a problem.

use commands::EngineError;
use domain::{Fact, IncidentId, ServiceId, delivery::Verdict, incident::IncidentEvent};

use super::{Conclusion, Request, settling::futile};
use crate::{Parts, retry::Backoff};

/// The incident that an id names, as it began.
struct Named {
    service: ServiceId,
    key: String,
    /// Whether the request's own entrance had a part in it.
    is_own: bool,
}

/// Has a request be about the incident that it names, open or over, so that it is decided among what names its key, in the
/// order in which they came. An id is the incident's: what is asked of it is asked of all problems that are grouped there.
/// Where nothing has that id, it is a key that looks like one. An incident of another service is out of reach, unless it
/// was opened through the same entrance.
pub(super) async fn found(parts: &Parts, mut request: Request) -> Result<Request, Conclusion> {
    let Some(id) = request.incident else { return Ok(request) };
    let mut backoff = Backoff::default();
    let named = loop {
        match named(parts, &request, id).await {
            Ok(named) => break named,
            Err(fault) => match futile(&fault) {
                Some(why) => return Err(request.conclusion(Verdict::Rejected, why, None)),
                None => backoff.wait("intake", &fault).await,
            },
        }
    };
    match named {
        None => {
            request.incident = None;
            Ok(request)
        }
        Some(Named { service, key, is_own }) => {
            if !is_own && service != request.service && Some(service) != service_of_entrance(parts, &request)
            {
                let reason = "the id is that of an incident of another service".to_owned();
                return Err(request.conclusion(Verdict::Ignored, reason, None));
            }
            (request.service, request.key, request.alert.key) = (service, key, None);
            Ok(request)
        }
    }
}

async fn named(parts: &Parts, request: &Request, id: IncidentId) -> Result<Option<Named>, EngineError> {
    let history = parts.engine.store().load(&id.stream(), 0).await?;
    let Some(first) = history.first() else { return Ok(None) };
    Ok(match IncidentEvent::decode(&first.kind, &first.payload)? {
        IncidentEvent::Triggered { service, key, alerts, .. } => {
            let is_own = alerts.iter().any(|alert| alert.integration == request.alert.integration);
            Some(Named { service, key, is_own })
        }
        _ => None,
    })
}

/// The service that the request's entrance is for, whatever a rule says of the message.
fn service_of_entrance(parts: &Parts, request: &Request) -> Option<ServiceId> {
    let directory = parts.directory.now();
    let known = directory.integrations.get(&request.alert.integration)?;
    known.entrance.as_ref().map(|entrance| entrance.service)
}
