//! Messages that come in another order than they were sent.

use super::*;

/// What a tool says at a minute of its own clock, by which its messages can be ordered.
fn told(number: u128, at: u64) -> Alert {
    Alert { at: minute(at), ordered: true, ..alert(number, Severity::High) }
}

fn over(alert: Alert) -> IncidentCommand {
    let (by, via) = (user(ADA), Channel::Alert);
    IncidentCommand::ResolveIncident { by, via, note: None, alert: Some(alert), at: minute(30) }
}

#[test]
fn an_earlier_word_of_a_tool_does_not_end_what_began_anew() {
    let began = [
        open_with(vec![told(1, 0)], roster(), minute(20)),
        open_with(vec![told(2, 10)], roster(), minute(21)),
    ];
    let outdated = Err(IncidentRejection::Outdated { until: minute(10) });
    assert_eq!(given(&began).decide(&over(told(3, 5))), outdated);
    for last_word in [told(3, 10), told(3, 11), Alert { ordered: false, ..told(3, 5) }] {
        assert!(given(&began).decide(&over(last_word)).is_ok_and(|events| events.len() == 1));
    }
    assert!(given(&began).decide(&resolved()).is_ok_and(|events| events.len() == 1), "people may");
}

#[test]
fn an_earlier_word_of_a_tool_does_not_open_what_is_over() {
    let incident = given(&[open_with(vec![told(1, 0)], roster(), minute(20)), over(told(2, 10))]);
    let open = |alerts| incident.decide(&open_with(alerts, roster(), minute(40)));
    let next_episode = Err(IncidentRejection::AlreadyResolved { at: minute(30) });
    assert_eq!(open(vec![told(3, 5)]), Err(IncidentRejection::Outdated { until: minute(10) }));
    assert_eq!(open(vec![told(3, 5), told(4, 11)]), next_episode);
    assert_eq!(open(vec![Alert { ordered: false, ..told(3, 5) }]), next_episode);
    assert_eq!(open(vec![]), next_episode, "people may");
}

/// The same of one problem of a group.
fn own(number: u128, key: &str, at: u64) -> Alert {
    Alert { key: Some(key.to_owned()), ..told(number, at) }
}

fn opening(alert: Alert) -> IncidentCommand {
    open_with(vec![alert], roster(), minute(20))
}

#[test]
fn what_is_told_of_one_problem_of_a_group_says_nothing_about_another() {
    let both = [opening(own(1, "a", 0)), opening(own(2, "b", 1)), opening(own(3, "a", 10))];
    let ended = given(&both).decide(&over(own(4, "b", 5))).expect("it is the last word on b");
    assert!(matches!(ended[..], [IncidentEvent::AlertEnded { remaining: 1, .. }]), "{ended:?}");
    let outdated = Err(IncidentRejection::Outdated { until: minute(10) });
    assert_eq!(given(&both).decide(&over(own(4, "a", 5))), outdated);

    let resolved = given(&[opening(own(1, "a", 0)), over(own(2, "a", 10))]);
    assert_eq!(resolved.decide(&opening(own(3, "a", 5))), outdated);
    let next_episode = Err(IncidentRejection::AlreadyResolved { at: minute(30) });
    assert_eq!(resolved.decide(&opening(own(3, "b", 5))), next_episode, "a new problem pages");
}

#[test]
fn an_earlier_word_does_not_begin_a_problem_of_a_group_anew() {
    let history = [
        opening(own(1, "a", 0)),
        opening(own(2, "b", 0)),
        over(own(3, "a", 10)),
        opening(own(4, "a", 5)),
        over(own(5, "b", 10)),
    ];
    assert!(matches!(given(&history), Incident::Resolved { .. }), "b was the last of them");
    let again = [&history[..3], &[opening(own(4, "a", 11))], &history[4..]].concat();
    assert!(given(&again).open().is_some(), "a later word does");
}

#[test]
fn what_is_shown_is_the_last_word_and_not_what_came_last() {
    let merging =
        Merging { title: Merge::Last, labels: Merge::Last, severity: Merge::Last, ..Merging::default() };
    let joining = |alerts| {
        let IncidentCommand::Open(open) = open_with(alerts, roster(), minute(21)) else {
            unreachable!("it opens")
        };
        let terms = Terms { merging, ..Terms::default() };
        IncidentCommand::Open(Box::new(OpenIncident { terms, ..*open }))
    };
    let say = |number, at, title: &str, severity| {
        let labels = [(title.to_owned(), String::new())].into();
        Alert { title: title.to_owned(), labels, severity, ..told(number, at) }
    };
    let first = say(1, 1, "first", Severity::High);
    let (early, late) = (say(2, 5, "early", Severity::Info), say(3, 10, "late", Severity::Low));
    let labelled = |incident: &Incident| {
        let open = incident.open().expect("it is open").clone();
        (open.shown.title, open.shown.labels.into_keys().next(), open.severity)
    };
    let expected = ("late".to_owned(), Some("late".to_owned()), Severity::Low);
    for joins in [
        vec![joining(vec![early.clone()]), joining(vec![late.clone()])],
        vec![joining(vec![late.clone()]), joining(vec![early.clone()])],
        vec![joining(vec![early.clone(), late.clone()])],
        vec![joining(vec![late, early])],
    ] {
        let history = [vec![joining(vec![first.clone()])], joins].concat();
        assert_eq!(labelled(&given(&history)), expected);
    }
}
