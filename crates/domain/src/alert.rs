//! An alert after translation: what every monitoring tool says, in one vocabulary.

use serde::{Deserialize, Serialize};

use crate::{DeliveryId, IncidentId, IntegrationId, Severity, Timestamp, delivery::Verdict};

/// What the monitoring tool wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertAction {
    /// Something is wrong, still or again.
    Trigger,
    /// Somebody took it in the monitoring tool.
    Acknowledge,
    /// It is over.
    Resolve,
    /// Whoever took it gives it back.
    Unacknowledge,
    /// There is more to say about it, if it is still open: the alert joins the incident, and opens none.
    Update,
    /// Somebody wrote something down about it.
    Note,
}

/// A link that helps the responder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Where to.
    pub href: String,
    /// What it shows.
    pub text: String,
}

/// One alert, as an incident remembers it. The raw message stays with the delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// The message that carried it.
    pub delivery: DeliveryId,
    /// The entrance it came through.
    pub integration: IntegrationId,
    /// What is wrong, in one line of at most [`Alert::MAX_TITLE`] characters.
    pub title: String,
    /// Longer words of the monitoring tool, at most [`Alert::MAX_DETAILS`] characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// The word for the severity that was not understood, so that [`Severity::Medium`] was assumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown_severity: Option<String>,
    /// The part of the world it is about, such as a host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Where to read on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// When it happened by the monitoring tool's clock, or arrived if the tool does not say.
    pub at: Timestamp,
    /// Whether that tells what the tool said first of one problem, in whatever order its messages come.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ordered: bool,
}

impl Alert {
    /// Characters in a title; longer ones are cut with an ellipsis.
    pub const MAX_TITLE: usize = 1024;
    /// Characters in the details; longer ones are cut with an ellipsis.
    pub const MAX_DETAILS: usize = 8192;
    /// Characters in a grouping key.
    pub const MAX_KEY: usize = 1024;
}

/// What one message says about one problem, before it is known whose incident it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translated {
    /// What the monitoring tool wants done.
    pub action: AlertAction,
    /// What makes two alerts the same problem, at most [`Alert::MAX_KEY`] characters.
    pub key: String,
    /// The incident, where the monitoring tool names it by the id that we gave it rather than by a key.
    pub incident: Option<IncidentId>,
    /// What is wrong, in one line of at most [`Alert::MAX_TITLE`] characters.
    pub title: String,
    /// Longer words, at most [`Alert::MAX_DETAILS`] characters.
    pub details: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// The word for the severity that was not understood.
    pub unknown_severity: Option<String>,
    /// The part of the world it is about.
    pub source: Option<String>,
    /// Where to read on.
    pub links: Vec<Link>,
    /// When it happened by the monitoring tool's clock, if it says.
    pub at: Option<Timestamp>,
    /// Whether that tells what the tool said first of one problem, in whatever order its messages come.
    pub ordered: bool,
}

/// What a message means, once translated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It speaks of problems.
    Alerts(Vec<Translated>),
    /// It is understood, and asks for nothing.
    Nothing {
        /// What becomes of it.
        verdict: Verdict,
        /// Why, in words.
        reason: String,
    },
}

impl Meaning {
    /// It is kept for its own sake.
    pub fn recorded(reason: impl Into<String>) -> Self {
        Self::Nothing { verdict: Verdict::Recorded, reason: reason.into() }
    }

    /// There is nothing to do.
    pub fn ignored(reason: impl Into<String>) -> Self {
        Self::Nothing { verdict: Verdict::Ignored, reason: reason.into() }
    }

    /// What it says of problems; nothing if it asks for nothing.
    pub fn alerts(&self) -> &[Translated] {
        match self {
            Self::Alerts(alerts) => alerts,
            Self::Nothing { .. } => &[],
        }
    }
}

impl From<Translated> for Meaning {
    fn from(one: Translated) -> Self {
        Self::Alerts(vec![one])
    }
}

impl Translated {
    /// How far the clock of a monitoring tool may run ahead of ours before its times order nothing.
    const AHEAD_SECONDS: u64 = 300;

    /// The alert as an incident remembers it. A time of the tool that is far ahead of when the message came orders
    /// nothing: everything that is told until then would count as outdated.
    pub fn received(self, delivery: DeliveryId, integration: IntegrationId, at: Timestamp) -> Alert {
        let latest = at.plus_seconds(Self::AHEAD_SECONDS);
        Alert {
            delivery,
            integration,
            title: self.title,
            details: self.details,
            severity: self.severity,
            unknown_severity: self.unknown_severity,
            source: self.source,
            links: self.links,
            at: self.at.unwrap_or(at),
            ordered: self.ordered && self.at.is_some_and(|told| told <= latest),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_time_far_ahead_of_the_message_orders_nothing() {
        let came = Timestamp::from_millis(1_764_000_000_000);
        let ordered = |told: Option<Timestamp>| {
            let translated = Translated {
                action: AlertAction::Trigger,
                key: "disk".to_owned(),
                incident: None,
                title: "disk full".to_owned(),
                details: None,
                severity: Severity::default(),
                unknown_severity: None,
                source: None,
                links: vec![],
                at: told,
                ordered: true,
            };
            let (delivery, integration) =
                (DeliveryId::new(Uuid::from_u128(1)), IntegrationId::new(Uuid::from_u128(2)));
            let alert = translated.received(delivery, integration, came);
            assert_eq!(alert.at, told.unwrap_or(came), "what the tool said stays");
            alert.ordered
        };
        let told = |millis: i64| Some(Timestamp::from_millis(came.millis() + millis));
        assert!(ordered(told(-86_400_000)) && ordered(told(0)) && ordered(told(300_000)));
        assert!(!ordered(told(300_001)) && !ordered(told(3_600_000)) && !ordered(None));
        let far: Timestamp = "9999-12-31T23:59:59Z".parse().expect("a time");
        assert!(!ordered(Some(far)));
    }
}
