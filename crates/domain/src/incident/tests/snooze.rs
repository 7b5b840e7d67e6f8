//! Incidents that page nobody until a time.

use super::*;

fn snoozed(by: UserId, until: u64) -> IncidentCommand {
    IncidentCommand::SnoozeIncident {
        by: user(by),
        until: minute(until),
        reason: Some("the vendor looks at it".to_owned()),
        via: Channel::Api,
        alert: None,
        at: minute(6),
    }
}

fn decide(history: &[IncidentCommand], command: &IncidentCommand) -> Vec<IncidentEvent> {
    given(history).decide(command).expect("it is accepted")
}

/// What becomes of a snooze when it is over: the time alone says so.
fn woken(at: u64) -> IncidentCommand {
    overdue(0, 0, 0, minute(at))
}

fn worse(number: u128, severity: Severity) -> IncidentCommand {
    open_with(vec![alert(number, severity)], roster(), minute(8))
}

#[test]
fn a_snoozed_incident_pages_nobody_until_the_time_and_then_from_the_beginning() {
    let history = [opened(), overdue(1, 1, 1, minute(5)), snoozed(ADA, 60)];
    let open = given(&history).open().expect("it is open").clone();
    assert_eq!(open.situation, Situation::Snoozed { by: user(ADA), at: minute(6), until: minute(60) });
    assert!(open.situation.is_taken());
    for early in [overdue(1, 1, 2, minute(15)), woken(59)] {
        assert_eq!(decide(&history, &early), []);
    }
    let events = decide(&history, &woken(60));
    assert!(
        matches!(&events[..], [IncidentEvent::Escalated { cause: Cause::SnoozeEnded, .. }]),
        "{events:?}"
    );
    assert_eq!(reached(&events), Some((2, 1, 1, vec![ADA])));
}

#[test]
fn whoever_snoozes_it_has_that_in_their_timeline() {
    let events = decide(&[opened()], &snoozed(ADA, 60));
    assert_eq!(crate::Fact::subjects(&events[0]), [crate::Subject::from(ADA)]);
}

#[test]
fn a_snooze_ends_in_the_future_and_within_a_week() {
    const WEEK: u64 = 7 * 24 * 60;
    let refused = |until| given(&[opened()]).decide(&snoozed(ADA, until)).expect_err("it is refused");
    let (now, late) = (refused(6), refused(6 + WEEK + 1));
    assert_eq!(now.to_string(), format!("until must be in the future, not {}", minute(6)));
    let rule = format!("until must be at most 7 days ahead, which is {}", minute(6 + WEEK));
    assert_eq!(late.to_string(), rule);
    assert_eq!(crate::Rejection::field(&late).as_deref(), Some("until"));
    assert_eq!(decide(&[opened()], &snoozed(ADA, 6 + WEEK)).len(), 1);
}

#[test]
fn a_snooze_is_replaced_by_another_and_not_by_the_same() {
    let history = [opened(), snoozed(ADA, 60), snoozed(ADA, 30)];
    assert_eq!(decide(&history, &snoozed(ADA, 30)), []);
    assert_eq!(decide(&history, &woken(29)), []);
    assert!(reached(&decide(&history, &woken(30))).is_some(), "it is earlier now");
    let longer = [opened(), snoozed(ADA, 30), snoozed(GRACE, 60)];
    assert_eq!(decide(&longer, &woken(30)), [], "the deadline of the first decides nothing");
    assert!(reached(&decide(&longer, &woken(60))).is_some());
}

#[test]
fn acknowledging_a_snoozed_incident_is_for_good() {
    for by in [ADA, GRACE] {
        let history = [opened(), snoozed(ADA, 60), acknowledged_by(by)];
        let situation = given(&history).open().expect("it is open").situation.clone();
        assert_eq!(situation, Situation::Acknowledged { by: user(by), at: minute(1) });
        assert_eq!(decide(&history, &woken(60)), []);
    }
    let taken = [opened(), acknowledged_by(ADA), snoozed(GRACE, 60)];
    assert!(reached(&decide(&taken, &woken(60))).is_some(), "what somebody has may be snoozed, too");
}

#[test]
fn giving_a_snoozed_incident_back_pages_from_the_beginning_at_once() {
    let back = IncidentCommand::UnacknowledgeIncident { by: user(GRACE), roster: roster(), at: minute(7) };
    let events = decide(&[opened(), overdue(1, 1, 1, minute(5)), snoozed(ADA, 60)], &back);
    assert_eq!(reached(&events), Some((2, 1, 1, vec![ADA])));
    assert_eq!(decide(&[opened(), snoozed(ADA, 60), back], &woken(60)), [], "the snooze is over already");
}

#[test]
fn a_snoozed_incident_can_be_escalated_reassigned_and_resolved() {
    let history = [opened(), snoozed(ADA, 60)];
    assert_eq!(reached(&decide(&history, &escalated_now())), Some((1, 1, 2, vec![GRACE])));
    let (by, reason, at) = (user(ADA), None, minute(7));
    let ladder = Ladder { levels: ladder().levels.split_off(1), ..ladder() };
    let others = IncidentCommand::ReassignIncident { by, reason, ladder, roster: roster_of(&[&[GRACE]]), at };
    assert_eq!(reached(&decide(&history, &others)), Some((2, 1, 1, vec![GRACE])));
    assert!(matches!(&decide(&history, &resolved())[..], [IncidentEvent::Resolved { .. }]));
    let over = [&history[..], &[resolved()]].concat();
    assert_eq!(decide(&over, &woken(60)), []);
    let refused = given(&over).decide(&snoozed(ADA, 60));
    assert_eq!(refused, Err(IncidentRejection::AlreadyResolved { at: minute(2) }));
}

#[test]
fn what_gets_worse_than_ever_ends_the_snooze_and_pages_the_last_level_again() {
    let history = [opened(), overdue(1, 1, 1, minute(5)), snoozed(ADA, 60)];
    assert!(matches!(
        &decide(&history, &worse(2, Severity::Medium))[..],
        [IncidentEvent::AlertsJoined { .. }]
    ));
    let joined = decide(&history, &worse(2, Severity::Critical));
    assert_eq!(reached(&joined), Some((2, 1, 2, vec![GRACE])));
    let (by, severity, reason) = (user(BOSS), Severity::Critical, None);
    let said =
        IncidentCommand::ChangeIncidentSeverity { by, severity, reason, roster: roster(), at: minute(8) };
    assert_eq!(reached(&decide(&history, &said)), Some((2, 1, 2, vec![GRACE])));
    let ended = [&history[..], &[worse(2, Severity::Critical)]].concat();
    assert_eq!(decide(&ended, &woken(17)), [], "Grace has her full time");
    assert_eq!(reached(&decide(&ended, &overdue(2, 1, 2, minute(18)))), Some((3, 2, 1, vec![ADA])));
}

#[test]
fn what_never_paged_and_what_paged_everybody_begins_anew_after_a_snooze() {
    let IncidentCommand::Open(open) = opened() else { unreachable!("it opens") };
    let terms = Terms { hold: Some(Hold::Suspend { seconds: 3600 }), ..Terms::default() };
    let held = IncidentCommand::Open(Box::new(OpenIncident { terms, ..*open }));
    let exhausted = open_with(vec![alert(1, Severity::Medium)], roster_of(&[&[], &[]]), minute(0));
    for (history, cycle) in [([held, snoozed(ADA, 30)], 1), ([exhausted, snoozed(ADA, 30)], 2)] {
        assert_eq!(reached(&decide(&history, &woken(30))), Some((cycle, 1, 1, vec![ADA])));
        let joined = decide(&history, &worse(2, Severity::Critical));
        assert_eq!(reached(&joined), Some((cycle, 1, 1, vec![ADA])), "there is no level to page again");
    }
}

#[test]
fn a_snoozed_incident_ends_by_itself_when_no_alert_comes() {
    let IncidentCommand::Open(open) = opened() else { unreachable!("it opens") };
    let terms = Terms { resolve_after_seconds: Some(1200), ..Terms::default() };
    let history = [IncidentCommand::Open(Box::new(OpenIncident { terms, ..*open })), snoozed(ADA, 60)];
    let quiet = IncidentCommand::ResolveQuiet { resolve_at: minute(20), at: minute(20) };
    assert!(matches!(&decide(&history, &quiet)[..], [IncidentEvent::Resolved { .. }]));
}
