//! What an integration makes of its messages, as it is shown.

use async_graphql::{Context, Object, SimpleObject};
use domain::{
    expression::Expression,
    incident::{Hold, Merging as DomainMerging},
    integration::{
        Mapping as DomainMapping, Outcome, Routing as DomainRouting, Severities, Treatment as Taken,
    },
};

use super::super::{caller::app, fault::Fault, service::Service, words::Severity};
use super::input::Merge;

/// How messages are read: expressions (CEL), null where the format's own reading stays.
#[derive(SimpleObject)]
pub(in crate::graphql) struct Mapping {
    /// What is to be done.
    action: Option<String>,
    /// What makes two alerts the same problem.
    dedup_key: Option<String>,
    /// What is wrong, in one line.
    title: Option<String>,
    /// Longer words.
    details: Option<String>,
    /// How bad it is, as a word.
    severity: Option<String>,
    /// The part of the world it is about.
    source: Option<String>,
    /// What of that part is broken.
    component: Option<String>,
    /// The routing key of a service.
    routing_key: Option<String>,
    /// Names and values.
    labels: Option<String>,
    /// Addresses.
    links: Option<String>,
    /// Addresses of pictures.
    images: Option<String>,
    /// When it happened.
    at: Option<String>,
}

impl From<&DomainMapping> for Mapping {
    fn from(mapping: &DomainMapping) -> Self {
        let text = |part: &Option<Expression>| part.as_ref().map(|part| part.text().to_owned());
        Self {
            action: text(&mapping.action),
            dedup_key: text(&mapping.key),
            title: text(&mapping.title),
            details: text(&mapping.details),
            severity: text(&mapping.severity),
            source: text(&mapping.source),
            component: text(&mapping.component),
            routing_key: text(&mapping.routing_key),
            labels: text(&mapping.labels),
            links: text(&mapping.links),
            images: text(&mapping.images),
            at: text(&mapping.at),
        }
    }
}

/// A word and the severity that it means.
#[derive(SimpleObject)]
pub(in crate::graphql) struct SeverityWord {
    /// The word, in lower case.
    word: String,
    /// What it means.
    severity: Severity,
}

/// Words that mean another severity than they usually do, or that usually mean nothing.
pub(in crate::graphql) fn severity_words(severities: &Severities) -> Vec<SeverityWord> {
    let shown = |(word, severity): (&str, domain::Severity)| SeverityWord {
        word: word.to_owned(),
        severity: severity.into(),
    };
    severities.words().map(shown).collect()
}

/// Rules in order: the first one whose condition holds decides.
#[derive(SimpleObject)]
pub(in crate::graphql) struct Routing {
    /// The rules with a condition.
    rules: Vec<Rule>,
    /// What becomes of alerts for which none of them holds.
    catch_all: Treatment,
}

/// One rule: what becomes of the alerts for which a condition holds.
#[derive(SimpleObject)]
struct Rule {
    /// Its name.
    name: String,
    /// For which alerts it decides.
    condition: String,
    /// How they are taken; null: they are recorded and lead to nothing.
    take: Option<Treatment>,
}

/// How alerts are taken.
struct Treatment(Taken);

/// So many alerts in so short a time.
#[derive(SimpleObject)]
struct Threshold {
    /// How many.
    alerts: u32,
    /// In which time.
    within_seconds: u32,
}

impl From<&DomainRouting> for Routing {
    fn from(routing: &DomainRouting) -> Self {
        let rules = routing.rules.iter().map(|rule| Rule {
            name: rule.name.clone(),
            condition: rule.condition.text().to_owned(),
            take: match &rule.outcome {
                Outcome::Drop => None,
                Outcome::Take(treatment) => Some(Treatment(treatment.clone())),
            },
        });
        Self { rules: rules.collect(), catch_all: Treatment(routing.catch_all.clone()) }
    }
}

/// How alerts are taken.
#[Object]
impl Treatment {
    /// What they are about, whatever they say themselves; null: what they say, or else the integration's service.
    async fn service(&self, ctx: &Context<'_>) -> Result<Option<Service>, Fault> {
        let directory = app(ctx)?.directory.now();
        Ok(self.0.service.and_then(|id| Service::find(&directory, id)))
    }

    /// How bad they are; null: what they say.
    async fn severity(&self) -> Option<Severity> {
        self.0.severity.map(Into::into)
    }

    /// What alerts that share an incident say the same under; null: each problem has its own.
    async fn group_by(&self) -> Option<&str> {
        Some(self.0.grouping.as_ref()?.by.text())
    }

    /// For how long after the last alert of a group another one joins; null: as long as the incident is open.
    async fn window_seconds(&self) -> Option<u32> {
        self.0.grouping.as_ref()?.window_seconds
    }

    /// For how long nobody is paged; null: somebody is at once.
    async fn suspend_seconds(&self) -> Option<u32> {
        match self.0.hold? {
            Hold::Suspend { seconds } => Some(seconds),
            Hold::Threshold { .. } => None,
        }
    }

    /// How many alerts must come before anybody is paged; null: one.
    async fn threshold(&self) -> Option<Threshold> {
        match self.0.hold? {
            Hold::Suspend { .. } => None,
            Hold::Threshold { alerts, within_seconds } => Some(Threshold { alerts, within_seconds }),
        }
    }

    /// After how long without another alert the incident is over by itself; null: never.
    async fn resolve_after_seconds(&self) -> Option<u32> {
        self.0.resolve_after_seconds
    }
}

/// For each part of an alert, what is kept when the same problem is reported again.
#[derive(SimpleObject)]
pub(in crate::graphql) struct Merging {
    /// Of titles.
    title: Merge,
    /// Of details.
    details: Merge,
    /// Of severities.
    severity: Merge,
    /// Of sources.
    source: Merge,
    /// Of components.
    component: Merge,
    /// Of links.
    links: Merge,
    /// Of images.
    images: Merge,
    /// Of labels.
    labels: Merge,
}

impl From<DomainMerging> for Merging {
    fn from(merging: DomainMerging) -> Self {
        Self {
            title: merging.title.into(),
            details: merging.details.into(),
            severity: merging.severity.into(),
            source: merging.source.into(),
            component: merging.component.into(),
            links: merging.links.into(),
            images: merging.images.into(),
            labels: merging.labels.into(),
        }
    }
}
