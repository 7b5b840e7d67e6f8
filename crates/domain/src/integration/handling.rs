//! What an integration makes of what its messages say: mapping, severities, rules and merging.

use std::{borrow::Cow, sync::Arc};

use super::{Mapping, Routing, Severities};
use crate::{
    Invalid, Link, Translated,
    expression::{Budget, Scope},
    incident::Merging,
    json::Json,
};

/// What an integration makes of what its messages say. Unlike [`super::Reading`] it is not kept with each message: a
/// message that is replayed is handled as the integration is set up by then.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Handling {
    /// How messages are read, beyond their format.
    pub mapping: Arc<Mapping>,
    /// What words for severities mean.
    pub severities: Arc<Severities>,
    /// What becomes of alerts.
    pub routing: Arc<Routing>,
    /// What an incident shows when its alerts say different things.
    pub merging: Merging,
}

/// A change of the handling; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HandlingChange {
    /// How messages are read from now on.
    pub mapping: Option<Mapping>,
    /// What words for severities mean from now on.
    pub severities: Option<Severities>,
    /// What becomes of alerts from now on.
    pub routing: Option<Routing>,
    /// What an incident shows from now on.
    pub merging: Option<Merging>,
}

impl HandlingChange {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        self.mapping.as_ref().map_or(Ok(()), Mapping::check)?;
        self.severities.as_ref().map_or(Ok(()), Severities::check)?;
        self.routing.as_ref().map_or(Ok(()), Routing::check)?;
        self.merging.map_or(Ok(()), Merging::check)
    }
}

impl Handling {
    /// Whether a message must be looked at to know what becomes of it.
    pub fn reads_messages(&self) -> bool {
        !self.mapping.is_empty() || !self.severities.is_empty() || !self.routing.is_usual()
    }

    /// Whether it is one and the same as set up, unchanged since. Handlings that are merely equal may say no.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.mapping, &other.mapping)
            && Arc::ptr_eq(&self.severities, &other.severities)
            && Arc::ptr_eq(&self.routing, &other.routing)
            && self.merging == other.merging
    }

    /// Whether two messages about one problem may go to different places, or nowhere.
    pub fn scatters(&self) -> bool {
        self.routing.scatters() || self.mapping.routing_key.is_some()
    }

    /// The handling as it would be after a change. Fails if the change breaks a rule.
    pub fn changed(&self, change: &HandlingChange) -> Result<Self, Invalid> {
        change.check()?;
        let mut changed = self.clone();
        if let Some(mapping) = &change.mapping {
            changed.mapping = Arc::new(mapping.clone());
        }
        if let Some(severities) = &change.severities {
            changed.severities = Arc::new(severities.clone());
        }
        if let Some(routing) = &change.routing {
            changed.routing = Arc::new(routing.clone());
        }
        changed.merging = change.merging.unwrap_or(changed.merging);
        Ok(changed)
    }

    /// Decides about what a message says of problems. Whatever fails leaves a remark, and the alert pages. However many
    /// alerts there are, the work is bounded.
    pub fn apply(&self, payload: &Json<'_>, alerts: &mut [Translated]) {
        for alert in alerts.iter_mut() {
            alert.update = alert.said_anew();
            self.severities.apply(alert);
        }
        let (maps, routes) = (!self.mapping.is_empty(), !self.routing.is_usual());
        let mut budget = Budget::of_alerts(alerts.len());
        for alert in alerts {
            if maps {
                let (read, left) = look(payload, alert, budget, |scope| self.mapping.read(scope));
                Mapping::apply(read, &self.severities, alert);
                budget = left;
            }
            if routes {
                let (judged, left) = look(payload, alert, budget, |scope| self.routing.judge(scope));
                judged.apply(alert);
                budget = left;
            }
        }
    }
}

/// What expressions say of an alert as it is, and what is left of the budget.
fn look<T>(
    payload: &Json<'_>,
    alert: &Translated,
    budget: Budget,
    ask: impl FnOnce(&Scope<'_>) -> T,
) -> (T, Budget) {
    let said = as_json(alert);
    let scope = Scope::within(payload, &said, budget);
    let answer = ask(&scope);
    (answer, scope.left())
}

/// An alert as expressions see it.
fn as_json(alert: &Translated) -> Json<'_> {
    let text = |words| Json::Text(Cow::Borrowed(words));
    let labels =
        alert.labels.iter().map(|(name, value)| (Cow::Borrowed(name.as_str()), text(value.as_str())));
    Json::Object(vec![
        named("action", text(alert.action.word())),
        named("key", text(&alert.key)),
        named("title", text(&alert.title)),
        named("details", optional(alert.details.as_deref())),
        named("severity", text(alert.severity.word())),
        named("source", optional(alert.source.as_deref())),
        named("component", optional(alert.component.as_deref())),
        named("routing_key", optional(alert.routing_key.as_deref())),
        named("at", alert.at.map_or(Json::Null, |at| Json::Text(Cow::Owned(at.to_string())))),
        named("labels", Json::Object(labels.collect())),
        named("links", links(&alert.links)),
        named("images", links(&alert.images)),
    ])
}

fn named<'a>(name: &'static str, value: Json<'a>) -> (Cow<'a, str>, Json<'a>) {
    (Cow::Borrowed(name), value)
}

fn optional(words: Option<&str>) -> Json<'_> {
    words.map_or(Json::Null, |words| Json::Text(Cow::Borrowed(words)))
}

fn links(links: &[Link]) -> Json<'_> {
    let shown = links.iter().map(|link| {
        let parts = [named("href", optional(Some(&link.href))), named("text", optional(Some(&link.text)))];
        Json::Object(parts.into())
    });
    Json::List(shown.collect())
}
