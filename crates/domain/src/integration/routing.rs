//! Event rules: what becomes of alerts, by what they say. The first rule whose condition holds decides.

use serde::{Deserialize, Serialize};

use crate::{
    Invalid, ServiceId, Severity, Translated,
    expression::{Expression, Scope},
    incident::Hold,
    text, validate,
};

/// The rules of an integration, in order, and what becomes of alerts for which no condition holds. There is always
/// that last rule, and it drops nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Routing {
    /// The rules with a condition; the first one that holds decides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// What becomes of all other alerts.
    #[serde(skip_serializing_if = "Treatment::is_usual")]
    pub catch_all: Treatment,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Its name, one line.
    pub name: String,
    /// For which alerts it decides.
    pub condition: Expression,
    /// What becomes of them.
    pub outcome: Outcome,
}

/// What becomes of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is recorded, and leads to nothing.
    Drop,
    /// It opens an incident or joins one.
    Take(Treatment),
}

/// How an alert is taken; what is left out is as usual.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Treatment {
    /// What it is about; none: the service that it names by a routing key, or else that of the integration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceId>,
    /// How bad it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// What other alerts it shares an incident with, besides those of the same problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grouping: Option<Grouping>,
    /// Whether paging waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// After how many seconds without another alert its incident is over by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolve_after_seconds: Option<u32>,
}

/// Which alerts share an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grouping {
    /// Those for which this says the same.
    pub by: Expression,
    /// For how long after the last one another one joins, in seconds; none: as long as the incident is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_seconds: Option<u32>,
}

/// What an integration makes of one alert.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruling {
    /// The rule that decided; none: there are no rules.
    pub rule: Option<String>,
    /// Whether it leads to nothing.
    pub dropped: bool,
    /// What it is about, if the rule says so.
    pub service: Option<ServiceId>,
    /// Its own key, if it is grouped with other problems.
    pub own_key: Option<String>,
    /// Whether paging waits.
    pub hold: Option<Hold>,
    /// For how long after the last alert another one joins, in seconds.
    pub window_seconds: Option<u32>,
    /// After how many seconds without another alert its incident is over by itself.
    pub resolve_after_seconds: Option<u32>,
    /// What did not go as the integration is set up, in words.
    pub remarks: Vec<String>,
}

/// The name of the last rule of every integration.
const CATCH_ALL: &str = "everything else";

impl Routing {
    /// Rules of one integration.
    const MOST_RULES: usize = 100;

    /// Whether every alert is taken as usual.
    pub fn is_usual(&self) -> bool {
        self.rules.is_empty() && self.catch_all.is_usual()
    }

    /// The services that it names.
    pub fn services(&self) -> impl Iterator<Item = ServiceId> {
        let of = |outcome: &Outcome| match outcome {
            Outcome::Drop => None,
            Outcome::Take(treatment) => treatment.service,
        };
        self.rules.iter().filter_map(move |rule| of(&rule.outcome)).chain(self.catch_all.service)
    }

    /// Whether two messages about one problem may go to different places, or nowhere: what says that it is over may look
    /// otherwise than what began it.
    pub fn scatters(&self) -> bool {
        let moves = |rule: &Rule| match &rule.outcome {
            Outcome::Drop => true,
            Outcome::Take(treatment) => treatment.service.is_some() || treatment.grouping.is_some(),
        };
        let catch_all_moves = !self.rules.is_empty() && self.catch_all.service.is_some();
        self.catch_all.grouping.is_some() || catch_all_moves || self.rules.iter().any(moves)
    }

    pub(super) fn check(&self) -> Result<(), Invalid> {
        if self.rules.len() > Self::MOST_RULES {
            return Err(Invalid::new("routing.rules", format!("must be at most {}", Self::MOST_RULES)));
        }
        for (index, rule) in self.rules.iter().enumerate() {
            let field = format!("routing.rules[{index}]");
            validate::line(&format!("{field}.name"), &rule.name, 100)?;
            usable(&format!("{field}.condition"), &rule.condition)?;
            if self.rules[..index].iter().any(|earlier| earlier.name == rule.name) {
                return Err(Invalid::new(format!("{field}.name"), "must not be that of an earlier rule"));
            }
            if let Outcome::Take(treatment) = &rule.outcome {
                treatment.check(&format!("{field}.take"))?;
            }
        }
        self.catch_all.check("routing.catchAll")
    }

    /// Decides about one alert. A condition that asks for what is not there does not hold; one that fails otherwise does
    /// not either, and leaves a remark: doubt pages.
    pub(super) fn judge(&self, scope: &Scope<'_>) -> Judged<'_> {
        let mut remarks = vec![];
        let (rule, outcome) = self.deciding(scope, &mut remarks);
        let taken = match outcome {
            None => Some(&self.catch_all),
            Some(Outcome::Take(treatment)) => Some(treatment),
            Some(Outcome::Drop) => None,
        };
        let group =
            taken.and_then(|treatment| treatment.grouping.as_ref()).and_then(|grouping| {
                match grouping.group(scope) {
                    Ok(group) => Some(group),
                    Err(why) => {
                        remarks.push(text::line(&format!("the alert is not grouped: {why}"), 300));
                        None
                    }
                }
            });
        Judged { rule, taken, group, remarks }
    }

    fn deciding(&self, scope: &Scope<'_>, remarks: &mut Vec<String>) -> (&str, Option<&Outcome>) {
        for rule in &self.rules {
            match rule.condition.holds(scope) {
                Ok(true) => return (&rule.name, Some(&rule.outcome)),
                Ok(false) => {}
                Err(error) if error.is_missing() => {}
                Err(error) => {
                    let remark = format!("the rule `{}` was passed over: {error}", rule.name);
                    remarks.push(text::line(&remark, 300));
                }
            }
        }
        (CATCH_ALL, None)
    }
}

/// What rules decided about an alert.
pub(super) struct Judged<'r> {
    rule: &'r str,
    /// How it is taken; none: it is dropped.
    taken: Option<&'r Treatment>,
    /// What it shares with others.
    group: Option<String>,
    remarks: Vec<String>,
}

impl Judged<'_> {
    pub(super) fn apply(self, alert: &mut Translated) {
        alert.ruling.rule = Some(self.rule.to_owned());
        alert.ruling.remarks.extend(self.remarks);
        let Some(treatment) = self.taken else {
            alert.ruling.dropped = true;
            return;
        };
        alert.severity = treatment.severity.unwrap_or(alert.severity);
        alert.ruling.service = treatment.service;
        alert.ruling.hold = treatment.hold;
        alert.ruling.resolve_after_seconds = treatment.resolve_after_seconds;
        if let Some(group) = self.group {
            let own = std::mem::replace(&mut alert.key, text::key(&format!("group:{group}")));
            alert.ruling.own_key = Some(own);
            alert.ruling.window_seconds =
                treatment.grouping.as_ref().and_then(|grouping| grouping.window_seconds);
        }
    }
}

impl Grouping {
    /// What an alert says, or why it says nothing.
    fn group(&self, scope: &Scope<'_>) -> Result<String, String> {
        let value = self.by.evaluate(scope).map_err(|error| error.to_string())?;
        let words = value.as_text().map(std::borrow::Cow::into_owned);
        words.ok_or_else(|| "it does not say a text".to_owned())
    }
}

impl Treatment {
    /// The longest of all times, in seconds: 30 days.
    const LONGEST_SECONDS: u32 = 30 * 86_400;

    /// Whether nothing is unusual about it.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    fn check(&self, field: &str) -> Result<(), Invalid> {
        if let Some(Grouping { by, window_seconds }) = &self.grouping {
            usable(&format!("{field}.groupBy"), by)?;
            if let Some(seconds) = window_seconds {
                let field = format!("{field}.windowSeconds");
                validate::within(&field, *seconds, 1, Self::LONGEST_SECONDS)?;
            }
        }
        if let Some(hold) = self.hold {
            hold.check(field)?;
        }
        if let Some(seconds) = self.resolve_after_seconds {
            let field = format!("{field}.resolveAfterSeconds");
            validate::within(&field, seconds, 60, Self::LONGEST_SECONDS)?;
        }
        Ok(())
    }
}

fn usable(field: &str, expression: &Expression) -> Result<(), Invalid> {
    match expression.error() {
        Some(error) => Err(Invalid::new(field, format!("cannot be used: {error}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn rule(outcome: Outcome) -> Rule {
        let condition = Expression::parse("alert.severity == 'critical'").expect("an expression");
        Rule { name: "critical".to_owned(), condition, outcome }
    }

    #[test]
    fn rules_scatter_where_messages_about_one_problem_may_go_apart() {
        let usual = Treatment::default;
        let elsewhere = || Treatment { service: Some(ServiceId::new(Uuid::from_u128(1))), ..usual() };
        let by = Expression::parse("alert.labels.cluster").expect("an expression");
        let grouped =
            || Treatment { grouping: Some(Grouping { by: by.clone(), window_seconds: None }), ..usual() };
        let worse = Treatment {
            severity: Some(Severity::Critical),
            hold: Some(Hold::Suspend { seconds: 60 }),
            ..usual()
        };
        let take = |treatment: &Treatment| vec![rule(Outcome::Take(treatment.clone()))];
        for (rules, catch_all, scatters) in [
            (vec![], usual(), false),
            (take(&worse), worse.clone(), false),
            (vec![], elsewhere(), false),
            (take(&worse), elsewhere(), true),
            (vec![], grouped(), true),
            (take(&elsewhere()), usual(), true),
            (take(&grouped()), usual(), true),
            (vec![rule(Outcome::Drop)], usual(), true),
        ] {
            let routing = Routing { rules, catch_all };
            assert_eq!(routing.scatters(), scatters, "{routing:?}");
        }
    }
}
