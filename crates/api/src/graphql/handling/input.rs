//! What an integration makes of its messages, as it is given.

use async_graphql::{Enum, ID, InputObject};
use domain::{
    ServiceId,
    expression::Expression,
    incident::{Hold, Merge as DomainMerge, Merging as DomainMerging},
    integration::{
        Grouping, HandlingChange, Mapping as DomainMapping, Outcome, Routing as DomainRouting, Rule,
        Severities, Treatment,
    },
};

use super::super::{rejection::Rejection, words::Severity};

/// Parts of what an integration makes of its messages.
#[derive(Default, InputObject)]
pub(in crate::graphql) struct HandlingInput {
    /// How messages are read.
    mapping: Option<MappingInput>,
    /// Words that mean another severity than they usually do, or that usually mean nothing.
    severities: Option<Vec<SeverityWordInput>>,
    /// What becomes of alerts.
    routing: Option<RoutingInput>,
    /// What an incident shows when its alerts say different things.
    merging: Option<MergingInput>,
}

/// Expressions (CEL) over `payload`, the message as it came, and `alert`, what its format says; one for each part of an
/// alert. What is left out stays as the format has it.
#[derive(InputObject)]
struct MappingInput {
    /// What is to be done: `"trigger"`, `"acknowledge"` or `"resolve"`.
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
    /// Names and values: a map.
    labels: Option<String>,
    /// Addresses: a list of texts, or of maps with `href` and `text`.
    links: Option<String>,
    /// Addresses of pictures, in the same ways.
    images: Option<String>,
    /// When it happened: RFC 3339, or seconds since 1970.
    at: Option<String>,
}

/// A word and the severity that it means.
#[derive(InputObject)]
struct SeverityWordInput {
    /// The word; case is of no consequence.
    word: String,
    /// What it means.
    severity: Severity,
}

/// Rules in order: the first one whose condition holds decides.
#[derive(InputObject)]
struct RoutingInput {
    /// The rules, at most 100.
    #[graphql(default)]
    rules: Vec<RuleInput>,
    /// What becomes of alerts for which none of them holds.
    catch_all: Option<TreatmentInput>,
}

/// One rule: what becomes of the alerts for which a condition holds.
#[derive(InputObject)]
struct RuleInput {
    /// Its name, one line.
    name: String,
    /// An expression (CEL) over `payload` and `alert` that is true or false.
    condition: String,
    /// Whether such alerts are recorded and lead to nothing.
    #[graphql(default)]
    drop: bool,
    /// How such alerts are taken, unless they are dropped; left out: as usual.
    take: Option<TreatmentInput>,
}

/// How alerts are taken; what is left out is as usual.
#[derive(Default, InputObject)]
struct TreatmentInput {
    /// What they are about, whatever they say themselves.
    service_id: Option<ID>,
    /// How bad they are.
    severity: Option<Severity>,
    /// An expression (CEL): alerts for which it says the same text share an incident, which is over when all of them
    /// are.
    group_by: Option<String>,
    /// For how long after the last alert of a group another one joins; left out: as long as the incident is open.
    window_seconds: Option<u32>,
    /// For how long nobody is paged; what is over by then never pages anybody.
    suspend_seconds: Option<u32>,
    /// How many alerts must come before anybody is paged.
    threshold: Option<ThresholdInput>,
    /// After how long without another alert the incident is over by itself.
    resolve_after_seconds: Option<u32>,
}

/// So many alerts in so short a time.
#[derive(InputObject)]
struct ThresholdInput {
    /// How many.
    alerts: u32,
    /// In which time.
    within_seconds: u32,
}

/// For each part of an alert, what is kept when the same problem is reported again; left out: as usual.
#[derive(InputObject)]
struct MergingInput {
    /// Of titles: FIRST, LAST or APPEND (each once, parted by semicolons, as far as there is room).
    title: Option<Merge>,
    /// Of details: FIRST, LAST or APPEND.
    details: Option<Merge>,
    /// Of severities: FIRST, LAST, MAX (as usual) or MIN.
    severity: Option<Merge>,
    /// Of sources: FIRST, LAST or APPEND (each once, parted by commas, as far as there is room).
    source: Option<Merge>,
    /// Of components: FIRST, LAST or APPEND (each once, parted by commas, as far as there is room).
    component: Option<Merge>,
    /// Of links: FIRST, LAST or APPEND.
    links: Option<Merge>,
    /// Of images: FIRST, LAST or APPEND.
    images: Option<Merge>,
    /// Of labels: FIRST, LAST or APPEND.
    labels: Option<Merge>,
}

/// What is kept of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::incident::Merge")]
pub(in crate::graphql) enum Merge {
    /// The one that came first.
    First,
    /// The one that came last.
    Last,
    /// Both.
    Append,
    /// The worse one.
    Max,
    /// The less bad one.
    Min,
}

impl HandlingInput {
    pub(super) fn into_domain(self) -> Result<HandlingChange, Rejection> {
        let word = |given: SeverityWordInput| (given.word, given.severity.into());
        Ok(HandlingChange {
            mapping: self.mapping.map(MappingInput::into_domain).transpose()?,
            severities: self.severities.map(|words| Severities::new(words.into_iter().map(word))),
            routing: self.routing.map(RoutingInput::into_domain).transpose()?,
            merging: self.merging.map(MergingInput::into_domain),
        })
    }
}

fn expression(field: &str, text: &str) -> Result<Expression, Rejection> {
    Expression::parse(text).map_err(|error| Rejection::invalid(field, &format!("cannot be used: {error}")))
}

impl MappingInput {
    fn into_domain(self) -> Result<DomainMapping, Rejection> {
        let read = |name: &str, text: Option<String>| {
            text.map(|text| expression(&format!("mapping.{name}"), &text)).transpose()
        };
        Ok(DomainMapping {
            action: read("action", self.action)?,
            key: read("dedupKey", self.dedup_key)?,
            title: read("title", self.title)?,
            details: read("details", self.details)?,
            severity: read("severity", self.severity)?,
            source: read("source", self.source)?,
            component: read("component", self.component)?,
            routing_key: read("routingKey", self.routing_key)?,
            labels: read("labels", self.labels)?,
            links: read("links", self.links)?,
            images: read("images", self.images)?,
            at: read("at", self.at)?,
        })
    }
}

impl RoutingInput {
    fn into_domain(self) -> Result<DomainRouting, Rejection> {
        let rules = self.rules.into_iter().enumerate().map(|(index, rule)| {
            let field = format!("routing.rules[{index}]");
            rule.into_domain(&field)
        });
        let rules = rules.collect::<Result<_, _>>()?;
        let catch_all = self.catch_all.unwrap_or_default().into_domain("routing.catchAll")?;
        Ok(DomainRouting { rules, catch_all })
    }
}

impl RuleInput {
    fn into_domain(self, field: &str) -> Result<Rule, Rejection> {
        let condition = expression(&format!("{field}.condition"), &self.condition)?;
        let outcome = match (self.drop, self.take) {
            (true, None) => Outcome::Drop,
            (true, Some(_)) => {
                let rule = "has no meaning beside `drop`";
                return Err(Rejection::invalid(&format!("{field}.take"), rule));
            }
            (false, take) => Outcome::Take(take.unwrap_or_default().into_domain(&format!("{field}.take"))?),
        };
        Ok(Rule { name: self.name, condition, outcome })
    }
}

impl TreatmentInput {
    fn into_domain(self, field: &str) -> Result<Treatment, Rejection> {
        let service: Option<ServiceId> = self
            .service_id
            .map(|id| id.parse())
            .transpose()
            .map_err(|error| Rejection::not_an_id(&format!("{field}.serviceId"), &error))?;
        let grouping = match (self.group_by, self.window_seconds) {
            (Some(by), window_seconds) => {
                Some(Grouping { by: expression(&format!("{field}.groupBy"), &by)?, window_seconds })
            }
            (None, Some(_)) => {
                let rule = "has no meaning without `groupBy`";
                return Err(Rejection::invalid(&format!("{field}.windowSeconds"), rule));
            }
            (None, None) => None,
        };
        let hold = match (self.suspend_seconds, self.threshold) {
            (Some(_), Some(_)) => {
                let rule = "cannot be combined with `suspendSeconds`";
                return Err(Rejection::invalid(&format!("{field}.threshold"), rule));
            }
            (Some(seconds), None) => Some(Hold::Suspend { seconds }),
            (None, Some(ThresholdInput { alerts, within_seconds })) => {
                Some(Hold::Threshold { alerts, within_seconds })
            }
            (None, None) => None,
        };
        let (severity, resolve_after_seconds) = (self.severity.map(Into::into), self.resolve_after_seconds);
        Ok(Treatment { service, severity, grouping, hold, resolve_after_seconds })
    }
}

impl MergingInput {
    fn into_domain(self) -> DomainMerging {
        let usual = DomainMerging::default();
        let chosen = |given: Option<Merge>, usual: DomainMerge| given.map_or(usual, Into::into);
        DomainMerging {
            title: chosen(self.title, usual.title),
            details: chosen(self.details, usual.details),
            severity: chosen(self.severity, usual.severity),
            source: chosen(self.source, usual.source),
            component: chosen(self.component, usual.component),
            links: chosen(self.links, usual.links),
            images: chosen(self.images, usual.images),
            labels: chosen(self.labels, usual.labels),
        }
    }
}
