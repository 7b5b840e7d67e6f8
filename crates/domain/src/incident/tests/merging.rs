//! What an incident shows of alerts that say different things.

use proptest::prelude::*;

use super::{
    terms::{decide, opening},
    *,
};

#[test]
fn merging_says_what_is_shown_of_several_alerts() {
    let merging = Merging {
        title: Merge::Last,
        details: Merge::Append,
        severity: Merge::Last,
        labels: Merge::Append,
        ..Merging::default()
    };
    let terms = Terms { merging, ..Terms::default() };
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let second = Alert {
        title: "disk at 99%".to_owned(),
        details: Some("it grows".to_owned()),
        labels: [label("team", "db"), label("disk", "/var")].into(),
        ..alert(2, Severity::Low)
    };
    let first = Alert { labels: [label("team", "core")].into(), ..alert(1, Severity::High) };
    let open = given(&[opening(vec![first], terms, minute(0))]);
    let events = decide(&open, &opening(vec![second.clone()], terms, minute(1)));
    let [_, IncidentEvent::AttributesMerged { shown, .. }, IncidentEvent::SeverityLowered { to, .. }] =
        &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((shown.title.as_str(), shown.details.as_deref()), ("disk at 99%", Some("it grows")));
    assert_eq!(shown.labels, [label("team", "core"), label("disk", "/var")].into());
    assert_eq!(*to, Severity::Low);
    let usual = decide(&open, &opening(vec![second], Terms::default(), minute(1)));
    assert!(matches!(&usual[..], [IncidentEvent::AlertsJoined { .. }]), "{usual:?}");
}

/// Terms under which titles, sources and components are kept beside each other.
fn beside() -> Terms {
    let append = Merge::Append;
    let merging = Merging { title: append, source: append, component: append, ..Merging::default() };
    Terms { merging, ..Terms::default() }
}

/// What is shown once an incident that the first of these opened took in the others, one by one.
fn shown(said: &[(&str, Option<&str>)]) -> Attributes {
    let command = |(number, (title, word)): (u128, &(&str, Option<&str>))| {
        let word = word.map(str::to_owned);
        let title = (*title).to_owned();
        let alert = alert(number, Severity::High);
        let alert = Alert { title: title.clone(), source: word.clone(), component: word, ..alert };
        let IncidentCommand::Open(open) = opening(vec![alert], beside(), minute(0)) else {
            unreachable!("it opens")
        };
        IncidentCommand::Open(Box::new(OpenIncident { title, ..*open }))
    };
    let commands: Vec<_> = (1..).zip(said).map(command).collect();
    let Incident::Open(open) = given(&commands) else { panic!("it is open") };
    open.shown.clone()
}

#[test]
fn titles_and_sources_are_kept_beside_each_other_each_once_in_order() {
    let shown = shown(&[
        ("disk full", Some("db1")),
        ("disk full", None),
        ("disk slow", Some("db10")),
        ("disk full", Some("db1")),
        ("full", Some("db10")),
    ]);
    assert_eq!(shown.title, "disk full; disk slow; full");
    assert_eq!((shown.source.as_deref(), shown.component.as_deref()), (Some("db1, db10"), Some("db1, db10")));
}

#[test]
fn where_there_is_no_room_for_a_value_the_list_ends_at_the_one_before_and_says_so() {
    let long = "x".repeat(200);
    let fits = "y".repeat(256 - 200 - 2 - 3);
    let seen = shown(&[("a", Some(&long)), ("a", Some(&fits)), ("a", Some("z")), ("a", Some("w"))]);
    assert_eq!(seen.source, Some(format!("{long}, {fits}, …")));
    assert_eq!(seen.source.map(|source| source.chars().count()), Some(256));
    let seen = shown(&[("a", Some(&long)), ("a", Some(&format!("{fits}y"))), ("a", Some("z"))]);
    assert_eq!(seen.source, Some(format!("{long}, …")), "no later one is taken in place of an earlier one");
    let whole = "x".repeat(256);
    assert_eq!(shown(&[("a", Some(&whole)), ("a", Some("z"))]).source, Some(whole));
}

proptest! {
    #[test]
    fn what_is_kept_beside_each_other_has_an_end_and_says_each_once(
        // Each value is bounded where it is read.
        first in "[a-c]{1,3}",
        more in prop::collection::vec("[a-c]{1,3}( [ab]{20,250})?", 0..60),
    ) {
        let said = [vec![first], more].concat();
        let alerts: Vec<_> = said.iter().map(|word| (word.as_str(), Some(word.as_str()))).collect();
        let shown = shown(&alerts);
        let source = shown.source.unwrap_or_default();
        for (list, between, most) in [(&shown.title, "; ", Alert::MAX_TITLE), (&source, ", ", 256)] {
            prop_assert!(list.chars().count() <= most, "{}", list);
            let mut values: Vec<_> = list.split(between).collect();
            let mut expected: Vec<&str> = vec![];
            for word in &said {
                if !expected.contains(&word.as_str()) {
                    expected.push(word);
                }
            }
            if values.last() == Some(&"…") {
                values.pop();
                prop_assert!(values.len() < expected.len(), "it says that there are more");
            } else {
                prop_assert_eq!(values.len(), expected.len(), "nothing is left out unsaid");
            }
            prop_assert_eq!(&values[..], &expected[..values.len()], "whole values, in order");
        }
    }
}

#[test]
fn what_cannot_be_merged_is_refused_by_name_with_what_can() {
    let refused = |merging: Merging| merging.check().expect_err("refused").to_string();
    let only = "must be `first`, `last` or `append`, not `max`: only severities are better or worse";
    for (field, merging) in [
        ("title", Merging { title: Merge::Max, ..Merging::default() }),
        ("source", Merging { source: Merge::Max, ..Merging::default() }),
        ("labels", Merging { labels: Merge::Max, ..Merging::default() }),
    ] {
        assert_eq!(refused(merging), format!("merging.{field} {only}"));
    }
    assert_eq!(
        refused(Merging { severity: Merge::Append, ..Merging::default() }),
        "merging.severity must be `first`, `last`, `max` or `min`, not `append`: an incident has one severity"
    );
    assert_eq!(beside().merging.check(), Ok(()));
}
