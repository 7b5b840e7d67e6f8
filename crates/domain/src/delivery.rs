//! Deliveries: messages of monitoring tools, kept as they came before anybody understood them.
//!
//! A delivery ends in one verdict. When it opened, joined, acknowledged or resolved an incident,
//! the incident's own event names the delivery and is the verdict; otherwise the delivery's stream
//! says what became of it. Either way the fact and the verdict cannot come apart. A message may say several things:
//! then each of its alerts has a verdict in one of these ways, and what is concluded names the problems that it is about.
//!
//! Somebody may ask for a delivery to be decided again, after a mistake in the configuration was
//! mended. It then waits for a verdict as if it had just come.

mod envelope;
mod finding;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::{
    Actor, Aggregate, DeliveryId, Fact, IncidentId, IntegrationId, Rejection, ServiceId, Subject, Timestamp,
    integration::IntegrationKind,
};

pub use envelope::{Envelope, Mistimed, Test};
pub use finding::{Concluded, Finding};

/// The bytes of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RawBody {
    /// They are UTF-8, kept as it is.
    Text(String),
    /// They are not, or an event has no room for them as text; in base64 (RFC 4648, section 4).
    Base64(String),
}

/// How the sender proved itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// By knowing the integration's key.
    Key,
    /// By a signature over the bytes.
    Signature,
    /// By a secret in a header.
    Token,
    /// By a user's name and a password.
    Password,
    /// It needed no proof: an administrator asked for a test, and no tool sent it.
    Test,
}

/// Why a delivery led to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Understood, and a rule drops it.
    Suppressed,
    /// Understood, and there was nothing to do.
    Ignored,
    /// Not understood.
    Rejected,
    /// Kept for its own sake, such as a change; it was not meant to lead to anything.
    Recorded,
}

/// What can be asked of a delivery.
#[derive(Clone, Debug, PartialEq)]
pub enum DeliveryCommand {
    /// Keep a message.
    ReceiveDelivery {
        /// The entrance it came through.
        integration: IntegrationId,
        /// The format that the entrance understands.
        format: IntegrationKind,
        /// What the entrance's alerts are about.
        service: ServiceId,
        /// How the sender proved itself.
        proof: Proof,
        /// The bytes.
        body: RawBody,
        /// What came around them.
        envelope: Envelope,
        /// Whether its signed time was far off.
        mistimed: Option<Mistimed>,
        /// When.
        at: Timestamp,
    },
    /// Say why it, or some of its alerts, led to nothing.
    ConcludeDelivery {
        /// The entrance it came through.
        integration: IntegrationId,
        /// What became of it, or of which of its alerts.
        findings: Vec<Finding>,
        /// When.
        at: Timestamp,
    },
    /// Have it decided again, under the configuration of today.
    ReplayDelivery {
        /// The entrance that it is believed to have come through.
        integration: IntegrationId,
        /// Who asks for it.
        by: Actor,
        /// When.
        at: Timestamp,
    },
}

/// What can happen to a delivery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DeliveryEvent {
    /// It was stored as it came.
    #[serde(rename = "delivery.received.v1")]
    Received {
        /// The entrance it came through.
        integration: IntegrationId,
        /// The format that the entrance understood.
        format: IntegrationKind,
        /// What the entrance's alerts were about.
        service: ServiceId,
        /// How the sender proved itself.
        proof: Proof,
        /// The bytes.
        body: RawBody,
        /// What came around them.
        #[serde(default, skip_serializing_if = "Envelope::is_plain")]
        envelope: Envelope,
        /// Whether its signed time was far off.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mistimed: Option<Mistimed>,
        /// When.
        at: Timestamp,
    },
    /// It, or some of its alerts, led to nothing.
    #[serde(rename = "delivery.concluded.v1")]
    Concluded {
        /// The entrance it came through.
        integration: IntegrationId,
        /// What became of it.
        verdict: Verdict,
        /// Why, in words.
        reason: String,
        /// The rule of its integration that decided; none: no rule did, or it was not kept yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule: Option<String>,
        /// The incident that it was about, if one was found.
        incident: Option<IncidentId>,
        /// The own keys of the problems that it is about, at most [`Finding::MAX_PROBLEMS`]; empty: the whole message.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        problems: Vec<String>,
        /// When.
        at: Timestamp,
    },
    /// It is to be decided again, whatever became of it before.
    #[serde(rename = "delivery.replay_requested.v1")]
    ReplayRequested {
        /// The entrance it came through.
        integration: IntegrationId,
        /// Who asked for it.
        by: Actor,
        /// When.
        at: Timestamp,
    },
}

impl Fact for DeliveryEvent {
    fn subjects(&self) -> Vec<Subject> {
        match *self {
            Self::ReplayRequested { integration, by: Actor::User { id }, .. } => {
                vec![integration.into(), id.into()]
            }
            Self::Received { integration, .. } | Self::ReplayRequested { integration, .. } => {
                vec![integration.into()]
            }
            Self::Concluded { integration, incident, .. } => {
                std::iter::once(integration.into()).chain(incident.map(Into::into)).collect()
            }
        }
    }
}

/// A message, as far as deciding about it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// It never came.
    #[default]
    Absent,
    /// It is stored.
    Received {
        /// The entrance it came through.
        integration: IntegrationId,
        /// What of it led to nothing since it came or was last to be decided again. What an incident took in is the
        /// incident's to say.
        concluded: Concluded,
    },
}

/// Why a delivery refused a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryRejection {
    /// It never came.
    #[error("there is no such delivery")]
    NotFound,
}

impl Rejection for DeliveryRejection {
    fn code(&self) -> &'static str {
        "NOT_FOUND"
    }
}

impl Aggregate for Delivery {
    const CATEGORY: &'static str = DeliveryId::CATEGORY;
    type Id = DeliveryId;
    type Command = DeliveryCommand;
    type Event = DeliveryEvent;
    type Rejection = DeliveryRejection;

    fn evolve(&mut self, event: &DeliveryEvent) {
        match event {
            DeliveryEvent::Received { integration, .. }
            | DeliveryEvent::ReplayRequested { integration, .. } => {
                *self = Self::Received { integration: *integration, concluded: Concluded::Nothing };
            }
            DeliveryEvent::Concluded { problems, .. } => {
                if let Self::Received { concluded, .. } = self {
                    concluded.note(problems);
                }
            }
        }
    }

    fn decide(&self, command: &DeliveryCommand) -> Result<Vec<DeliveryEvent>, DeliveryRejection> {
        use DeliveryCommand as C;
        match (self, command.clone()) {
            (
                Self::Absent,
                C::ReceiveDelivery { integration, format, service, proof, body, envelope, mistimed, at },
            ) => Ok(vec![DeliveryEvent::Received {
                integration,
                format,
                service,
                proof,
                body,
                envelope,
                mistimed,
                at,
            }]),
            (Self::Received { concluded, .. }, C::ConcludeDelivery { integration, findings, at }) => {
                let news = concluded.news(&findings).into_iter();
                Ok(news.map(|finding| concluded_event(integration, finding, at)).collect())
            }
            // Whoever asks twice is answered twice; a command that is repeated is known by its id.
            (Self::Received { integration: through, .. }, C::ReplayDelivery { integration, by, at })
                if *through == integration =>
            {
                Ok(vec![DeliveryEvent::ReplayRequested { integration, by, at }])
            }
            (Self::Absent, C::ConcludeDelivery { .. }) | (_, C::ReplayDelivery { .. }) => {
                Err(DeliveryRejection::NotFound)
            }
            (Self::Received { .. }, C::ReceiveDelivery { .. }) => Ok(vec![]),
        }
    }
}

impl Delivery {
    /// Whether something is concluded about the problem with this own key, since the message came or was last to be
    /// decided again.
    pub fn has_concluded(&self, problem: &str) -> bool {
        match self {
            Self::Absent => false,
            Self::Received { concluded, .. } => concluded.covers(problem),
        }
    }
}

fn concluded_event(integration: IntegrationId, finding: Finding, at: Timestamp) -> DeliveryEvent {
    let Finding { verdict, reason, rule, incident, problems } = finding;
    DeliveryEvent::Concluded { integration, verdict, reason, rule, incident, problems, at }
}
