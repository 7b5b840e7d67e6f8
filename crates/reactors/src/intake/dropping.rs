//! What is said of alerts that rules drop.

use domain::{
    Translated,
    delivery::{Finding, Verdict},
};

/// Titles that a reason names, and characters of each.
const TITLES: (usize, usize) = (5, 100);

/// One finding for each rule that drops some of these alerts, in the order of the alerts.
pub(super) fn findings(dropped: &[Translated]) -> Vec<Finding> {
    let mut by_rule: Vec<(&str, Vec<&Translated>)> = vec![];
    for alert in dropped {
        let rule = alert.ruling.rule.as_deref().unwrap_or_default();
        match by_rule.iter_mut().find(|(known, _)| *known == rule) {
            Some((_, alerts)) => alerts.push(alert),
            None => by_rule.push((rule, vec![alert])),
        }
    }
    by_rule.into_iter().map(|(rule, alerts)| finding(rule, &alerts)).collect()
}

fn finding(rule: &str, alerts: &[&Translated]) -> Finding {
    let (most, length) = TITLES;
    let quote = |alert: &&Translated| format!("“{}”", alert.title.chars().take(length).collect::<String>());
    let titles: Vec<_> = alerts.iter().take(most).map(quote).collect();
    let titles = titles.join(", ");
    let reason = match alerts.len() {
        1 => format!("the rule `{rule}` drops {titles}"),
        all if all <= most => format!("the rule `{rule}` drops {all} alerts: {titles}"),
        all => format!("the rule `{rule}` drops {all} alerts: {titles} and {} more", all - most),
    };
    Finding {
        rule: Some(rule.to_owned()),
        problems: alerts.iter().map(|alert| alert.own_key().to_owned()).collect(),
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
