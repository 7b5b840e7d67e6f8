//! What became of a message's alerts before, by the events that name them.

use std::collections::{HashMap, HashSet};

use domain::{
    Alert, AlertAction, DeliveryId, Fact, IncidentId, Mark, Subject,
    delivery::{DeliveryEvent, Verdict},
    incident::IncidentEvent,
};
use projections::ReadError;
use store::{Position, Recorded};

use super::Request;
use crate::Parts;

/// Events of a delivery's timeline that are read at a time.
const PAGE: usize = 500;

/// What became of the alerts of one message before a position in the log. The log before a position never changes, so that
/// asking again after a crash gives the same answer.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// To which incidents which alert did what.
    done: HashMap<(AlertAction, Mark), HashSet<IncidentId>>,
    /// On which incidents something was taken down of which problems; of all, where they are not named.
    taken_down: Vec<(IncidentId, Vec<String>)>,
}

impl Earlier {
    /// Reads the timeline of a message.
    pub(super) async fn of(parts: &Parts, delivery: DeliveryId, before: Position) -> Result<Self, ReadError> {
        let (mut earlier, subject, mut after) = (Self::default(), Subject::from(delivery), None);
        loop {
            let slice = parts.reads.timeline(&subject, PAGE, after.as_deref()).await?;
            for (place, event) in slice.items {
                if event.position >= before {
                    return Ok(earlier);
                }
                earlier.note(&event);
                after = Some(place);
            }
            if !slice.has_next {
                return Ok(earlier);
            }
        }
    }

    fn note(&mut self, event: &Recorded) {
        match event.category() {
            IncidentId::CATEGORY => {
                let fact = IncidentEvent::decode(&event.kind, &event.payload);
                if let (Ok(fact), Some(incident)) = (fact, event.stream_uuid().map(IncidentId::new)) {
                    self.note_incident(incident, &fact);
                }
            }
            DeliveryId::CATEGORY => {
                if let Ok(DeliveryEvent::Concluded {
                    verdict: Verdict::Recorded,
                    incident: Some(incident),
                    problems,
                    ..
                }) = DeliveryEvent::decode(&event.kind, &event.payload)
                {
                    self.taken_down.push((incident, problems));
                }
            }
            _ => {}
        }
    }

    fn note_incident(&mut self, incident: IncidentId, fact: &IncidentEvent) {
        let (actions, alerts): (&[AlertAction], &[Alert]) = match fact {
            IncidentEvent::Triggered { alerts, .. } | IncidentEvent::AlertsJoined { alerts, .. } => {
                (&[AlertAction::Trigger, AlertAction::Update], alerts)
            }
            IncidentEvent::Acknowledged { alert, .. } => (&[AlertAction::Acknowledge], alert.as_slice()),
            IncidentEvent::Snoozed { until, alert, .. } => {
                (&[AlertAction::Snooze { until: *until }], alert.as_slice())
            }
            IncidentEvent::Resolved { alert, .. } => (&[AlertAction::Resolve], alert.as_slice()),
            IncidentEvent::AlertEnded { alert, .. } => (&[AlertAction::Resolve], std::slice::from_ref(alert)),
            _ => return,
        };
        for (action, alert) in actions.iter().flat_map(|action| alerts.iter().map(move |it| (*action, it))) {
            self.done.entry((action, alert.mark())).or_default().insert(incident);
        }
    }

    /// The incidents to which this alert did this. Where nothing is grouped the alerts of a message are told apart by
    /// their incidents only, so that these are those of all of them.
    fn incidents(&self, request: &Request) -> HashSet<IncidentId> {
        let done = self.done.get(&(request.action, request.alert.mark()));
        let mut incidents = done.cloned().unwrap_or_default();
        if matches!(request.action, AlertAction::Note | AlertAction::Unacknowledge) {
            let own = |problems: &[String]| {
                problems.is_empty() || problems.iter().any(|key| key == request.own_key())
            };
            incidents.extend(self.taken_down.iter().filter(|(_, keys)| own(keys)).map(|(it, _)| *it));
        }
        incidents
    }

    /// The incident of the request's own problem that this was done to, in whatever episode.
    pub(super) async fn incident(
        &self,
        parts: &Parts,
        request: &Request,
    ) -> Result<Option<IncidentId>, ReadError> {
        let incidents = self.incidents(request);
        if incidents.is_empty() {
            return Ok(None);
        }
        if let Some(named) = request.incident.filter(|named| incidents.contains(named)) {
            return Ok(Some(named));
        }
        let latest = parts.reads.latest_episode(request.service, &request.key).await?.unwrap_or(0);
        let of = |episode| IncidentId::of_episode(request.service, &request.key, episode);
        Ok((1..=latest).map(of).find(|incident| incidents.contains(incident)))
    }

    /// Whether this was done already, to whatever incident if the alert has a name of its own.
    pub(super) async fn knows(&self, parts: &Parts, request: &Request) -> Result<bool, ReadError> {
        match request.alert.key {
            Some(_) => Ok(!self.incidents(request).is_empty()),
            None => Ok(self.incident(parts, request).await?.is_some()),
        }
    }
}
