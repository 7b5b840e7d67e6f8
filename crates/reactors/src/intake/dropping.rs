//! What is said of alerts that rules drop.

use domain::{
    AlertAction, Translated,
    delivery::{Finding, Verdict},
};

use super::{Conclusion, Request};

/// Titles that a reason names, and characters of each.
const TITLES: (usize, usize) = (5, 100);

/// An alert that a rule drops.
struct Dropped<'a> {
    rule: &'a str,
    title: &'a str,
    key: &'a str,
}

/// Whether it must wait until it is known where the problems are open that these alerts of one message speak of: a rule may
/// drop what says that a problem is over only if it is open nowhere. Then all that is dropped is told of together.
pub(super) fn waits(alerts: &[Translated]) -> bool {
    alerts.iter().any(|alert| alert.ruling.dropped && alert.action != AlertAction::Trigger)
}

/// One finding for each rule that drops some of these alerts, in the order of the alerts.
pub(super) fn findings(alerts: &[Translated]) -> Vec<Finding> {
    let dropped = alerts.iter().map(|alert| Dropped {
        rule: alert.ruling.rule.as_deref().unwrap_or_default(),
        title: &alert.title,
        key: alert.own_key(),
    });
    by_rule(dropped)
}

/// The same for what waited; all of one message.
pub(super) fn conclusions(requests: &[Request]) -> Vec<Conclusion> {
    let Some(first) = requests.first() else { return vec![] };
    let dropped = requests.iter().map(|request| Dropped {
        rule: request.alert.rule.as_deref().unwrap_or_default(),
        title: &request.alert.title,
        key: request.own_key(),
    });
    let conclusion =
        |finding| Conclusion { finding, ..first.conclusion(Verdict::Suppressed, String::new(), None) };
    by_rule(dropped).into_iter().map(conclusion).collect()
}

fn by_rule<'a>(dropped: impl Iterator<Item = Dropped<'a>>) -> Vec<Finding> {
    let mut by_rule: Vec<(&str, Vec<Dropped<'_>>)> = vec![];
    for alert in dropped {
        let rule = alert.rule;
        match by_rule.iter_mut().find(|(known, _)| *known == rule) {
            Some((_, alerts)) => alerts.push(alert),
            None => by_rule.push((rule, vec![alert])),
        }
    }
    by_rule.into_iter().map(|(rule, alerts)| finding(rule, &alerts)).collect()
}

fn finding(rule: &str, alerts: &[Dropped<'_>]) -> Finding {
    let (most, length) = TITLES;
    let quote = |alert: &Dropped<'_>| format!("“{}”", alert.title.chars().take(length).collect::<String>());
    let titles: Vec<_> = alerts.iter().take(most).map(quote).collect();
    let titles = titles.join(", ");
    let reason = match alerts.len() {
        1 => format!("the rule `{rule}` drops {titles}"),
        all if all <= most => format!("the rule `{rule}` drops {all} alerts: {titles}"),
        all => format!("the rule `{rule}` drops {all} alerts: {titles} and {} more", all - most),
    };
    Finding {
        rule: Some(rule.to_owned()),
        problems: alerts.iter().map(|alert| alert.key.to_owned()).collect(),
        ..Finding::whole(Verdict::Suppressed, reason)
    }
}

#[cfg(test)]
mod tests {
    use domain::integration::Ruling;

    use super::*;

    fn dropped(number: usize, rule: &str) -> Translated {
        let rule = Some(rule.to_owned());
        Translated {
            key: format!("host {number}"),
            title: format!("host {number} is down"),
            ruling: Ruling { rule, dropped: true, ..Ruling::default() },
            ..Translated::default()
        }
    }

    #[test]
    fn each_rule_says_what_it_drops() {
        let findings = findings(&[dropped(1, "tests"), dropped(2, "noise"), dropped(3, "tests")]);
        let said: Vec<_> = findings.iter().map(|one| (one.rule.as_deref(), &*one.reason)).collect();
        assert_eq!(
            said,
            [
                (Some("tests"), "the rule `tests` drops 2 alerts: “host 1 is down”, “host 3 is down”"),
                (Some("noise"), "the rule `noise` drops “host 2 is down”"),
            ]
        );
        let keys: Vec<_> = findings.iter().map(|one| &one.problems[..]).collect();
        assert_eq!(keys, [&["host 1".to_owned(), "host 3".to_owned()][..], &["host 2".to_owned()]]);
        assert!(findings.iter().all(|one| one.verdict == Verdict::Suppressed));
    }

    #[test]
    fn of_many_alerts_some_are_named_in_words_and_all_by_their_keys() {
        let all: Vec<_> = (0..2000).map(|number| dropped(number, "tests")).collect();
        let [finding] = &findings(&all)[..] else { panic!("it is one rule") };
        assert!(
            finding.reason.starts_with("the rule `tests` drops 2000 alerts: “host 0 is down”, "),
            "{}",
            finding.reason
        );
        assert!(finding.reason.ends_with("“host 4 is down” and 1995 more"), "{}", finding.reason);
        assert_eq!(finding.problems.len(), 2000);
    }
}
