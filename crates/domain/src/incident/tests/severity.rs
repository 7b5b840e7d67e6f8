//! How bad an incident is, by the word of people and of alerts.

use super::*;

fn graded(severity: Severity) -> IncidentCommand {
    let (by, reason) = (user(ADA), Some("customers call".to_owned()));
    IncidentCommand::ChangeIncidentSeverity { by, severity, reason, roster: roster(), at: minute(6) }
}

fn joining(number: u128, severity: Severity, merge: Merge) -> IncidentCommand {
    let IncidentCommand::Open(open) = open_with(vec![alert(number, severity)], roster(), minute(7)) else {
        unreachable!("it opens")
    };
    let terms = Terms { merging: Merging { severity: merge, ..Merging::default() }, ..open.terms };
    IncidentCommand::Open(Box::new(OpenIncident { terms, ..*open }))
}

fn severity(incident: &Incident) -> Severity {
    incident.open().expect("it is open").severity
}

#[test]
fn a_person_says_how_bad_it_is_and_why() {
    let (from, at, by) = (Severity::Medium, minute(6), Some(user(ADA)));
    let reason = Some("customers call".to_owned());
    let lowered = IncidentEvent::SeverityLowered { from, to: Severity::Low, by, reason, at };
    assert_eq!(crate::Fact::subjects(&lowered), [crate::Subject::from(ADA)], "it is in her timeline");
    assert_eq!(given(&[opened()]).decide(&graded(Severity::Low)), Ok(vec![lowered]));
    assert_eq!(given(&[opened()]).decide(&graded(Severity::Medium)), Ok(vec![]), "it is that bad already");
}

#[test]
fn what_a_person_says_is_worse_than_ever_pages_the_same_level_again() {
    let climbed = given(&[opened(), overdue(1, 1, 1, minute(5))]);
    let events = climbed.decide(&graded(Severity::Critical)).expect("it is graded");
    let [
        IncidentEvent::SeverityRaised { by: Some(_), .. },
        IncidentEvent::Escalated { cycle: 2, pass: 1, level: 2, cause: Cause::Worsened, by: Some(_), .. },
    ] = &events[..]
    else {
        panic!("it pages: {events:?}")
    };
    let again = given(&[opened(), graded(Severity::Low)]).decide(&graded(Severity::Medium));
    assert_eq!(again.expect("it is graded").len(), 1, "it was as bad before");
}

#[test]
fn an_exhausted_incident_that_is_worse_than_ever_climbs_anew() {
    let exhausted = given(&[open_with(vec![], roster_of(&[&[], &[]]), minute(0))]);
    let events = exhausted.decide(&graded(Severity::Critical)).expect("it is graded");
    assert_eq!(reached(&events), Some((2, 1, 1, vec![ADA])));
}

#[test]
fn nobody_is_paged_while_somebody_has_it_or_it_is_held_back() {
    let IncidentCommand::Open(open) = opened() else { unreachable!("it opens") };
    let terms = Terms { hold: Some(Hold::Suspend { seconds: 3600 }), ..Terms::default() };
    let held = IncidentCommand::Open(Box::new(OpenIncident { terms, ..*open }));
    for history in [vec![opened(), acknowledged_by(GRACE)], vec![held]] {
        let events = given(&history).decide(&graded(Severity::Critical)).expect("it is graded");
        assert!(matches!(&events[..], [IncidentEvent::SeverityRaised { .. }]), "{events:?}");
    }
}

#[test]
fn a_persons_word_stands_until_an_alert_is_worse_than_it_ever_was() {
    for merge in [Merge::First, Merge::Last, Merge::Max, Merge::Min] {
        let lowered = [opened(), graded(Severity::Low)];
        let after = |alerts: &[IncidentCommand]| given(&[&lowered, alerts].concat());
        let (as_bad, worse) = (joining(2, Severity::Medium, merge), joining(3, Severity::High, merge));
        let less_bad = joining(4, Severity::Info, merge);
        assert_eq!(severity(&after(&[as_bad.clone(), less_bad.clone()])), Severity::Low, "{merge:?}");
        let paged = after(&[as_bad]).decide(&worse).expect("it joins");
        assert_eq!(reached(&paged), Some((2, 1, 1, vec![ADA])), "{merge:?}");
        assert_eq!(severity(&after(&[worse, less_bad])), Severity::High, "{merge:?}");
    }
    let by_alerts = [opened(), joining(2, Severity::Info, Merge::Last)];
    assert_eq!(severity(&given(&by_alerts)), Severity::Info, "nobody said anything");
}

#[test]
fn how_bad_it_is_cannot_be_changed_when_it_is_over_and_a_reason_has_an_end() {
    let refused = given(&[opened(), resolved()]).decide(&graded(Severity::Low));
    assert_eq!(refused, Err(IncidentRejection::AlreadyResolved { at: minute(2) }));
    let reason = Some("x".repeat(10_001));
    let (by, severity) = (user(ADA), Severity::Low);
    let endless =
        IncidentCommand::ChangeIncidentSeverity { by, severity, reason, roster: roster(), at: minute(1) };
    let refused = given(&[opened()]).decide(&endless).expect_err("it is too long");
    assert_eq!(refused.to_string(), "reason must have at most 10000 characters, not 10001");
}

#[test]
fn what_an_alert_makes_worse_that_does_not_know_its_ladder_pages_the_same_level_again_at_once() {
    let IncidentCommand::Open(open) = open_with(vec![alert(2, Severity::Critical)], roster(), minute(6))
    else {
        unreachable!("it opens")
    };
    let (ladder, roster) = (Ladder::default(), Roster::default());
    let worse = IncidentCommand::Open(Box::new(OpenIncident { ladder, roster, ..*open }));
    let waiting = given(&[opened(), overdue(1, 1, 1, minute(5)), worse]);
    let events = waiting.decide(&overdue(0, 0, 0, minute(6))).expect("it is due");
    assert_eq!(reached(&events), Some((2, 1, 2, vec![GRACE])));
    assert!(matches!(&events[..], [IncidentEvent::Escalated { cause: Cause::Worsened, .. }]), "{events:?}");
}
