//! What a delivery means, under the handling that its integration has by now. Pure but for what the directory knows.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    Alert, DeliveryId, Fact, IntegrationId, Meaning, ServiceId, Severity, Timestamp, Translated,
    delivery::{DeliveryEvent, Finding, RawBody, Test, Verdict},
    incident::{Merging, Terms},
    integration::{Handling, Ruling},
};
use store::Recorded;

use super::{Conclusion, Request, dropping, rehearsal};
use crate::{Parts, parts::Message};

/// What an event of a delivery's stream means to us.
pub(super) enum Reading {
    /// What it asks for, and what is to be said of its other alerts, such as those that rules drop.
    Requests(Vec<Request>, Vec<Conclusion>),
    /// A test, of which is only to be told what would come of it: of what it asks for, and of what rules drop.
    Rehearsal(Vec<Request>, Vec<Conclusion>),
    /// It asks for nothing.
    Nothing(Conclusion),
    NotForUs,
}

pub(super) fn understand(parts: &Parts, event: &Arc<Recorded>) -> Reading {
    let (Some(delivery), Ok(fact)) =
        (event.stream_uuid().map(DeliveryId::new), DeliveryEvent::decode(&event.kind, &event.payload))
    else {
        tracing::error!(position = event.position, kind = %event.kind, "a delivery's event cannot be read");
        metrics::counter!("midwatch_intake_unreadable_total").increment(1);
        return Reading::NotForUs;
    };
    let DeliveryEvent::Received { integration, format, service, body, envelope, at, .. } = fact else {
        return Reading::NotForUs;
    };
    let bytes = match body {
        RawBody::Text(text) => text.into_bytes(),
        RawBody::Base64(text) => STANDARD.decode(text).unwrap_or_default(),
    };
    let concluded = |finding| Conclusion { integration, finding, cause: Arc::clone(event) };
    let nothing = |verdict, reason: String| Reading::Nothing(concluded(Finding::whole(verdict, reason)));
    let directory = parts.directory.now();
    let entrance = directory.integrations.get(&integration).and_then(|known| known.entrance.as_ref());
    let handling = entrance.map_or_else(Handling::default, |entrance| entrance.handling.clone());
    let again = event.version > 1;
    let message = Message { format, envelope: &envelope, body: &bytes, delivery, again };
    // Doubt pages: a translator that fails is our fault, not the sender's, who was told 2xx or 500.
    let translated = catch_unwind(AssertUnwindSafe(|| (parts.translate)(message, &handling)))
        .unwrap_or_else(|_| Ok(unintelligible(&bytes).into()));
    let translated = match translated {
        Err(reason) => return nothing(Verdict::Rejected, reason),
        Ok(Meaning::Nothing { verdict, reason }) => return nothing(verdict, reason),
        Ok(Meaning::Alerts(translated)) if translated.is_empty() => {
            return nothing(Verdict::Ignored, "the message asks for nothing".to_owned());
        }
        Ok(Meaning::Alerts(translated)) => translated,
    };
    let is_silent = envelope.test == Some(Test::Silent);
    let waits = !is_silent && dropping::waits(&translated);
    let (dropped, taken): (Vec<_>, Vec<_>) =
        translated.into_iter().partition(|one| one.ruling.dropped && !waits);
    let requests = taken.into_iter().map(|mut one| {
        let service = directory.service_of(service, &mut one);
        request(one, handling.merging, service, delivery, integration, at, event)
    });
    if is_silent {
        let dropped = dropped.iter().map(rehearsal::dropped).map(concluded);
        return Reading::Rehearsal(requests.collect(), dropped.collect());
    }
    let dropped = dropping::findings(&dropped).into_iter().map(concluded);
    Reading::Requests(requests.collect(), dropped.collect())
}

fn request(
    mut translated: Translated,
    merging: Merging,
    service: ServiceId,
    delivery: DeliveryId,
    integration: IntegrationId,
    at: Timestamp,
    event: &Arc<Recorded>,
) -> Request {
    let (action, incident) = (translated.action, translated.incident);
    let key = std::mem::take(&mut translated.key);
    let Ruling { dropped, hold, window_seconds, resolve_after_seconds, .. } = translated.ruling;
    let terms = Terms { hold, window_seconds, resolve_after_seconds, merging };
    let alert = translated.received(delivery, integration, at);
    let cause = Arc::clone(event);
    Request { service, action, key, incident, alert, terms, dropped, answer: None, belated: None, cause }
}

fn unintelligible(bytes: &[u8]) -> Translated {
    metrics::counter!("midwatch_intake_translator_failures_total").increment(1);
    tracing::error!("a translator failed: the alert pages as it is");
    Translated {
        key: "midwatch:unintelligible".to_owned(),
        title: "An alert could not be understood".to_owned(),
        details: Some(String::from_utf8_lossy(bytes).chars().take(Alert::MAX_DETAILS).collect()),
        severity: Severity::High,
        ..Translated::default()
    }
}
