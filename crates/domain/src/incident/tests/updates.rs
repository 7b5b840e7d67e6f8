//! What a tool says anew of a problem that is there: it is no alert of a rule, and says one thing.

use super::{
    terms::{THREE_IN_TEN, decide, held, opening, over},
    *,
};
use crate::Update;

/// What a call that says one thing comes as: the rest are words of its format.
fn update(number: u128, says: Update) -> Alert {
    Alert {
        title: "words of the format".to_owned(),
        details: Some("the vendor knows".to_owned()),
        update: Some(says),
        ..alert(number, Severity::Info)
    }
}

#[test]
fn what_is_said_anew_counts_for_no_threshold_and_ends_no_wait() {
    let firing = |number: u128| opening(vec![alert(number, Severity::Low)], held(THREE_IN_TEN), minute(0));
    let said = |number| opening(vec![update(number, Update::Title)], Terms::default(), minute(0));
    let history = [firing(1), said(2), said(3), said(4)];
    for end in 1..history.len() {
        assert_eq!(reached(&decide(&given(&history[..end]), &history[end])), None, "{end}");
    }
    let waiting = given(&history);
    assert_eq!(reached(&decide(&waiting, &firing(5))), None, "two came");
    assert_eq!(
        reached(&decide(&given(&[&history[..], &[firing(5)]].concat()), &firing(6))),
        Some((1, 1, 1, vec![ADA]))
    );
}

#[test]
fn nothing_is_said_anew_of_what_is_over_while_its_alerts_are_counted() {
    let gone = given(&[
        opening(vec![alert(1, Severity::Low)], held(THREE_IN_TEN), minute(0)),
        over(alert(2, Severity::Low), minute(1)),
    ]);
    let said = opening(vec![update(3, Update::Title)], Terms::default(), minute(2));
    assert_eq!(gone.decide(&said), Err(IncidentRejection::NotAMember));
}

#[test]
fn what_is_said_anew_changes_that_and_nothing_else() {
    let last =
        Merging { title: Merge::Last, details: Merge::Last, severity: Merge::Last, ..Merging::default() };
    let least = Merging { severity: Merge::Min, ..last };
    let terms = |merging| Terms { merging, ..Terms::default() };
    let opened = given(&[opening(vec![alert(1, Severity::High)], Terms::default(), minute(0))]);
    for merging in [last, least] {
        for (says, title, details, severity) in [
            (Update::Title, "words of the format", None, Severity::Medium),
            (Update::Details, "disk full", Some("the vendor knows"), Severity::Medium),
            (Update::Severity, "disk full", None, Severity::Info),
        ] {
            let mut incident = opened.clone();
            for event in decide(&incident, &opening(vec![update(2, says)], terms(merging), minute(1))) {
                incident.evolve(&event);
            }
            let open = incident.open().expect("it is open");
            let shown = (&*open.shown.title, open.shown.details.as_deref(), open.severity);
            assert_eq!(shown, (title, details, severity), "{says:?} {merging:?}");
        }
    }
}

#[test]
fn a_persons_word_on_how_bad_it_is_stands_when_a_tool_says_something_else_anew() {
    let (by, severity, reason) = (user(ADA), Severity::Low, None);
    let graded =
        IncidentCommand::ChangeIncidentSeverity { by, severity, reason, roster: roster(), at: minute(1) };
    let history = [opening(vec![alert(1, Severity::Medium)], Terms::default(), minute(0)), graded];
    let said = |says| {
        let worse = Alert { severity: Severity::Critical, ..update(2, says) };
        decide(&given(&history), &opening(vec![worse], Terms::default(), minute(2)))
    };
    assert_eq!(said(Update::Details).len(), 1, "it says nothing of that");
    assert_eq!(reached(&said(Update::Severity)), Some((2, 1, 1, vec![ADA])));
}
