//! What an event means to the read models: only the fields they need, which costs a fraction of reading it all.
//!
//! Each variant stands for a stored name. A test holds these shapes against the domain's own events.

use std::borrow::Cow;

use domain::{
    Actor, Channel, DeliveryId, IncidentId, IntegrationId, PolicyId, ScheduleId, ServiceId, Severity, TeamId,
    Timestamp, Update, UserId,
    delivery::Verdict,
    incident::Attributes,
    on_call::Cause,
    page::{PageStep, Withdrawal},
};
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use store::{Filter, Recorded};

use crate::ReadError;

/// One event, as far as read models look at it.
#[derive(Debug)]
pub(crate) enum News<'a> {
    Received(Received<'a>),
    Concluded(Concluded),
    Replayed(Replayed),
    Triggered(Box<Triggered>),
    Joined(Joined),
    Ended(Box<Ended>),
    Merged(Box<Merged>),
    Graded(Graded),
    Held(Held),
    Escalated(Escalated),
    Exhausted(Exhausted),
    Acknowledged(Box<Said>),
    Snoozed(Snoozed),
    Unacknowledged,
    Resolved(Box<Said>),
    Reassigned(Reassigned),
    Noted,
    Requested(Requested),
    Sent(Sent),
    Failed(Failed),
    Withdrawn(Withdrawn),
    OnCallChanged(OnCallChanged),
    /// Configuration, which is read elsewhere, or an event of a newer Midwatch.
    Other,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Received<'a> {
    pub(crate) integration: IntegrationId,
    #[serde(borrow)]
    pub(crate) format: Cow<'a, str>,
    pub(crate) service: ServiceId,
    #[serde(borrow)]
    pub(crate) proof: Cow<'a, str>,
    pub(crate) at: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Concluded {
    pub(crate) verdict: Verdict,
    pub(crate) reason: String,
    pub(crate) incident: Option<IncidentId>,
    #[serde(default)]
    pub(crate) problems: Vec<IgnoredAny>,
    pub(crate) at: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Replayed {
    pub(crate) at: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(crate) struct AlertNews {
    pub(crate) delivery: DeliveryId,
    pub(crate) integration: IntegrationId,
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) details: Option<String>,
    pub(crate) severity: Severity,
    #[serde(default)]
    pub(crate) source: Option<String>,
    #[serde(default)]
    pub(crate) component: Option<String>,
    #[serde(default)]
    pub(crate) key: Option<String>,
    #[serde(default)]
    pub(crate) rule: Option<String>,
    #[serde(default)]
    pub(crate) update: Option<Update>,
    pub(crate) at: Timestamp,
    #[serde(default)]
    pub(crate) ordered: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Triggered {
    pub(crate) service: ServiceId,
    pub(crate) team: Option<TeamId>,
    pub(crate) key: String,
    pub(crate) episode: u32,
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) details: Option<String>,
    pub(crate) severity: Severity,
    pub(crate) alerts: Vec<AlertNews>,
    pub(crate) ladder: LadderNews,
    #[serde(default)]
    pub(crate) resolve_at: Option<Timestamp>,
    pub(crate) at: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(crate) struct LadderNews {
    pub(crate) policy: Option<PolicyId>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Joined {
    pub(crate) alerts: Vec<AlertNews>,
    #[serde(default)]
    pub(crate) resolve_at: Option<Timestamp>,
    pub(crate) at: Timestamp,
}

/// One of several problems is over.
#[derive(Debug, Deserialize)]
pub(crate) struct Ended {
    pub(crate) alert: AlertNews,
    pub(crate) at: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Merged {
    pub(crate) shown: Attributes,
}

/// It is worse or less bad than before.
#[derive(Debug, Deserialize)]
pub(crate) struct Graded {
    pub(crate) to: Severity,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Held {
    pub(crate) until: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Escalated {
    pub(crate) cycle: u32,
    pub(crate) pass: u32,
    pub(crate) level: u32,
    pub(crate) next_at: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Exhausted {
    pub(crate) cycle: u32,
    pub(crate) at: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Said {
    pub(crate) by: Actor,
    pub(crate) via: Channel,
    #[serde(default)]
    pub(crate) note: Option<String>,
    #[serde(default)]
    pub(crate) alert: Option<AlertNews>,
    pub(crate) at: Timestamp,
}

/// Somebody has it until a time.
#[derive(Debug, Deserialize)]
pub(crate) struct Snoozed {
    pub(crate) until: Timestamp,
    #[serde(flatten)]
    pub(crate) said: Box<Said>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Reassigned {
    pub(crate) ladder: LadderNews,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Requested {
    #[serde(flatten)]
    pub(crate) step: PageStep,
    pub(crate) channel: String,
    pub(crate) due_at: Timestamp,
    pub(crate) at: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Sent {
    pub(crate) attempt: u32,
    pub(crate) provider: String,
    pub(crate) reference: Option<String>,
    pub(crate) at: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Failed {
    pub(crate) attempt: u32,
    pub(crate) code: String,
    pub(crate) detail: String,
    pub(crate) retry_at: Option<Timestamp>,
    pub(crate) at: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Withdrawn {
    pub(crate) reason: Withdrawal,
    pub(crate) at: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(crate) struct OnCallChanged {
    pub(crate) schedule: ScheduleId,
    pub(crate) at: Timestamp,
    pub(crate) users: Vec<UserId>,
    pub(crate) cause: Cause,
    pub(crate) tzdb: String,
}

impl<'a> News<'a> {
    /// Understands one event. Fails if its name is known but its payload is not what the name promises.
    pub(crate) fn of(recorded: &'a Recorded) -> Result<Self, ReadError> {
        read(&recorded.kind, &recorded.payload).map_err(|error| {
            let Recorded { position, kind, stream, .. } = recorded;
            let why =
                format!("the event `{kind}` at position {position} of `{stream}` cannot be read: {error}");
            ReadError::Damaged(why.into())
        })
    }

    /// Whether the event belongs to the traffic that read models must know all about, but is not known.
    pub(crate) fn is_unknown(&self, recorded: &Recorded) -> bool {
        matches!(self, Self::Other) && Filter::TRAFFIC.contains(&recorded.category())
    }
}

fn read<'a>(kind: &str, payload: &'a [u8]) -> Result<News<'a>, serde_json::Error> {
    fn from<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Result<T, serde_json::Error> {
        serde_json::from_slice(payload)
    }
    Ok(match kind {
        "delivery.received.v1" => News::Received(from(payload)?),
        "delivery.concluded.v1" => News::Concluded(from(payload)?),
        "delivery.replay_requested.v1" => News::Replayed(from(payload)?),
        "incident.triggered.v1" => News::Triggered(from(payload)?),
        "incident.alerts_joined.v1" => News::Joined(from(payload)?),
        "incident.alert_ended.v1" => News::Ended(from(payload)?),
        "incident.attributes_merged.v1" => News::Merged(from(payload)?),
        "incident.severity_raised.v1" | "incident.severity_lowered.v1" => News::Graded(from(payload)?),
        "incident.held.v1" => News::Held(from(payload)?),
        "incident.escalated.v1" => News::Escalated(from(payload)?),
        "incident.exhausted.v1" => News::Exhausted(from(payload)?),
        "incident.acknowledged.v1" => News::Acknowledged(from(payload)?),
        "incident.snoozed.v1" => News::Snoozed(from(payload)?),
        "incident.unacknowledged.v1" => News::Unacknowledged,
        "incident.resolved.v1" => News::Resolved(from(payload)?),
        "incident.reassigned.v1" => News::Reassigned(from(payload)?),
        "incident.note_added.v1" => News::Noted,
        "page.requested.v1" => News::Requested(from(payload)?),
        "page.sent.v1" => News::Sent(from(payload)?),
        "page.failed.v1" => News::Failed(from(payload)?),
        "page.withdrawn.v1" => News::Withdrawn(from(payload)?),
        "oncall.changed.v1" => News::OnCallChanged(from(payload)?),
        _ => News::Other,
    })
}

/// A unit variant by the word that is stored for it.
pub(crate) fn variant<'de, T: Deserialize<'de>>(word: &'de str) -> Result<T, ReadError> {
    let word: serde::de::value::StrDeserializer<'de, serde::de::value::Error> =
        serde::de::IntoDeserializer::into_deserializer(word);
    deserialize(word)
}

fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(word: D) -> Result<T, ReadError> {
    T::deserialize(word).map_err(|error| ReadError::Damaged(error.to_string().into()))
}

#[cfg(test)]
mod tests {
    use domain::{
        Fact, delivery::DeliveryEvent, incident::IncidentEvent, on_call::OnCallEvent, page::PageEvent,
    };

    use super::*;

    /// The stored names of all events of a kind, which serde lists when it is given another one.
    fn names<F: Fact>() -> Vec<String> {
        let error = F::decode("", b"{}").expect_err("there is no event without a name");
        let words = std::error::Error::source(&error).expect("serde's words").to_string();
        words.split('`').filter(|word| word.contains('.')).map(str::to_owned).collect()
    }

    #[test]
    fn every_event_of_the_traffic_means_something() {
        let names = [
            names::<DeliveryEvent>(),
            names::<IncidentEvent>(),
            names::<PageEvent>(),
            names::<OnCallEvent>(),
        ];
        let names = names.concat();
        assert_eq!(names.len(), 23, "{names:?}");
        for name in names {
            let news = read(&name, b"{}");
            assert!(!matches!(news, Ok(News::Other)), "`{name}` is not understood");
        }
    }
}
