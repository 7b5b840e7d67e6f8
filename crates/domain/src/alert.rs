//! An alert after translation: what every monitoring tool says, in one vocabulary.

mod update;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::update::Update;
use crate::{
    DeliveryId, IncidentId, IntegrationId, Severity, Timestamp, delivery::Verdict, id::derived,
    integration::Ruling,
};

/// What the monitoring tool wants done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertAction {
    /// Something is wrong, still or again.
    #[default]
    Trigger,
    /// Somebody took it in the monitoring tool.
    Acknowledge,
    /// Nobody is to be paged for a while.
    Snooze {
        /// Until when.
        until: Timestamp,
    },
    /// It is over.
    Resolve,
    /// Whoever took it gives it back.
    Unacknowledge,
    /// There is more to say about it, if it is still open: the alert joins the incident, and opens none.
    Update,
    /// Somebody wrote something down about it.
    Note,
}

impl AlertAction {
    /// The stored word, which mapping and rules use too.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Acknowledge => "acknowledge",
            Self::Snooze { .. } => "snooze",
            Self::Resolve => "resolve",
            Self::Unacknowledge => "unacknowledge",
            Self::Update => "update",
            Self::Note => "note",
        }
    }
}

/// Names and values that tell an alert from others, such as `team` and `database`.
pub type Labels = BTreeMap<String, String>;

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
    /// What of that part is broken, such as a disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Where to read on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Pictures, such as a chart of the moment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Link>,
    /// What tells it from others.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Its own key, where several problems are grouped into one incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The rule of its integration that decided what becomes of it; none: there are no rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What alone it says, if it only says more of a problem that is there; none: it tells of a problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<Update>,
    /// What did not go as its integration is set up, and what was cut, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
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
    /// Labels of one alert; more are left out.
    pub const MAX_LABELS: usize = 50;
    /// Characters in the value of a label, and twice as many as in its name.
    pub const MAX_LABEL: usize = 256;
    /// Links, and images, of one alert; more are left out.
    pub const MAX_LINKS: usize = 10;
    /// Remarks on one alert; of more it is only said how many they are.
    pub const MAX_REMARKS: usize = 20;
}

/// What tells an alert from all others: its message, and its own key where one message may speak of several problems
/// that are grouped into one incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mark(Uuid);

impl Alert {
    /// An alert that says what is wrong, how bad it is and when, and nothing else.
    pub fn new(
        delivery: DeliveryId,
        integration: IntegrationId,
        title: impl Into<String>,
        severity: Severity,
        at: Timestamp,
    ) -> Self {
        Self {
            delivery,
            integration,
            title: title.into(),
            details: None,
            severity,
            unknown_severity: None,
            source: None,
            component: None,
            links: vec![],
            images: vec![],
            labels: Labels::new(),
            key: None,
            rule: None,
            update: None,
            remarks: vec![],
            at,
            ordered: false,
        }
    }

    /// What tells it from all others.
    pub fn mark(&self) -> Mark {
        let delivery = self.delivery.uuid();
        Mark(match &self.key {
            Some(key) => derived(&[b"alert", delivery.as_bytes(), key.as_bytes()]),
            None => delivery,
        })
    }
}

/// What one message says about one problem, before it is known whose incident it belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// The word for the severity, if the monitoring tool uses one: an integration may give it another meaning.
    pub severity_word: Option<String>,
    /// The word for the severity that was not understood.
    pub unknown_severity: Option<String>,
    /// The part of the world it is about.
    pub source: Option<String>,
    /// What of that part is broken.
    pub component: Option<String>,
    /// Where to read on.
    pub links: Vec<Link>,
    /// Pictures.
    pub images: Vec<Link>,
    /// What tells it from others.
    pub labels: Labels,
    /// The routing key of the service that it is about, if it names one.
    pub routing_key: Option<String>,
    /// When it happened by the monitoring tool's clock, if it says.
    pub at: Option<Timestamp>,
    /// Whether that tells what the tool said first of one problem, in whatever order its messages come.
    pub ordered: bool,
    /// What alone it says, if it only says more of a problem that is there and mapping or rules may change its words.
    pub update: Option<Update>,
    /// What its integration makes of it.
    pub ruling: Ruling,
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
    /// What tells its problem from others, also those that it is grouped with.
    pub fn own_key(&self) -> &str {
        self.ruling.own_key.as_deref().unwrap_or(&self.key)
    }

    /// How far the clock of a monitoring tool may run ahead of ours before its times order nothing.
    const AHEAD_SECONDS: u64 = 300;

    /// The alert as an incident remembers it. A time of the tool that is far ahead of when the message came orders
    /// nothing: everything that is told until then would count as outdated.
    pub fn received(self, delivery: DeliveryId, integration: IntegrationId, at: Timestamp) -> Alert {
        let latest = at.plus_seconds(Self::AHEAD_SECONDS);
        let (cut, update) = (self.cut(), self.update.or_else(|| self.said_anew()));
        let Ruling { own_key, rule, mut remarks, .. } = self.ruling;
        remarks.extend(cut);
        if let more @ 1.. = remarks.len().saturating_sub(Alert::MAX_REMARKS) {
            remarks.truncate(Alert::MAX_REMARKS);
            remarks.push(format!("further remarks, which are left out: {more}"));
        }
        Alert {
            delivery,
            integration,
            title: self.title,
            details: self.details,
            severity: self.severity,
            unknown_severity: self.unknown_severity,
            source: self.source,
            component: self.component,
            links: self.links,
            images: self.images,
            labels: self.labels,
            key: own_key,
            rule,
            update: update.filter(|_| self.action == AlertAction::Update),
            remarks,
            at: self.at.unwrap_or(at),
            ordered: self.ordered && self.at.is_some_and(|told| told <= latest),
        }
    }

    /// What was cut. Whoever cuts leaves an ellipsis as the last character that there is room for.
    fn cut(&self) -> impl Iterator<Item = String> + use<> {
        let is_cut = |text: &str, most: usize| text.ends_with('…') && text.chars().count() == most;
        let title = is_cut(&self.title, Alert::MAX_TITLE).then_some(("title", Alert::MAX_TITLE));
        let details = self.details.as_deref().is_some_and(|details| is_cut(details, Alert::MAX_DETAILS));
        let details = details.then_some(("details", Alert::MAX_DETAILS));
        let said =
            |(what, most)| format!("the {what} had more than {most} characters: the rest is in the message");
        title.into_iter().chain(details).map(said)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const DELIVERY: DeliveryId = DeliveryId::new(Uuid::from_u128(1));
    const INTEGRATION: IntegrationId = IntegrationId::new(Uuid::from_u128(2));

    #[test]
    fn what_was_cut_is_said() {
        let remarks = |title: String, details: &str| {
            let translated = Translated { title, details: Some(details.to_owned()), ..Translated::default() };
            translated.received(DELIVERY, INTEGRATION, Timestamp::default()).remarks
        };
        let long = format!("{}…", "ß".repeat(Alert::MAX_TITLE - 1));
        assert_eq!(
            remarks(long, "short…"),
            ["the title had more than 1024 characters: the rest is in the message"]
        );
        assert_eq!(remarks("disk full…".to_owned(), "words"), <[String; 0]>::default());
    }

    #[test]
    fn of_many_remarks_it_is_said_how_many_are_left_out() {
        let remarks = |count: usize| {
            let remarks = (0..count).map(|number| format!("the rule `{number}` was passed over")).collect();
            let ruling = Ruling { remarks, ..Ruling::default() };
            let translated = Translated { ruling, ..Translated::default() };
            translated.received(DELIVERY, INTEGRATION, Timestamp::default()).remarks
        };
        assert_eq!(remarks(20).len(), 20);
        let cut = remarks(112);
        assert_eq!((cut.len(), &*cut[19]), (21, "the rule `19` was passed over"));
        assert_eq!(cut[20], "further remarks, which are left out: 92");
    }

    #[test]
    fn a_time_far_ahead_of_the_message_orders_nothing() {
        let came = Timestamp::from_millis(1_764_000_000_000);
        let ordered = |told: Option<Timestamp>| {
            let translated = Translated {
                key: "disk".to_owned(),
                title: "disk full".to_owned(),
                at: told,
                ordered: true,
                ..Translated::default()
            };
            let alert = translated.received(DELIVERY, INTEGRATION, came);
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
