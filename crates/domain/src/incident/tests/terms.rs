//! What rules ask for: paging that waits, incidents that end by themselves, problems that share one, and what is shown.

use super::*;

pub(super) fn opening(alerts: Vec<Alert>, terms: Terms, at: Timestamp) -> IncidentCommand {
    let IncidentCommand::Open(open) = open_with(alerts, roster(), at) else { unreachable!("it opens") };
    IncidentCommand::Open(Box::new(OpenIncident { terms, ..*open }))
}

pub(super) fn held(hold: Hold) -> Terms {
    Terms { hold: Some(hold), ..Terms::default() }
}

pub(super) fn own(number: u128, key: &str) -> Alert {
    Alert { key: Some(key.to_owned()), ..alert(number, Severity::Medium) }
}

pub(super) fn over(alert: Alert, at: Timestamp) -> IncidentCommand {
    let by = Actor::Integration { id: alert.integration };
    IncidentCommand::ResolveIncident { by, via: Channel::Alert, note: None, alert: Some(alert), at }
}

pub(super) fn decide(incident: &Incident, command: &IncidentCommand) -> Vec<IncidentEvent> {
    incident.decide(command).expect("it is accepted")
}

pub(super) const SUSPEND: Hold = Hold::Suspend { seconds: 120 };
pub(super) const THREE_IN_TEN: Hold = Hold::Threshold { alerts: 3, within_seconds: 600 };

#[test]
fn a_suspended_incident_pages_when_the_time_is_over_and_not_before() {
    let suspended = given(&[opening(vec![alert(1, Severity::High)], held(SUSPEND), minute(0))]);
    let Incident::Open(open) = &suspended else { panic!("it is open") };
    assert_eq!(open.situation, Situation::Held { hold: SUSPEND, arrived: vec![], until: minute(2) });
    assert_eq!(decide(&suspended, &overdue(0, 0, 0, minute(1))), []);
    let events = decide(&suspended, &overdue(0, 0, 0, minute(2)));
    assert_eq!(reached(&events), Some((1, 1, 1, vec![ADA])));
}

#[test]
fn what_is_over_while_it_is_suspended_never_pages() {
    let opened = opening(vec![alert(1, Severity::High)], held(SUSPEND), minute(0));
    let resolved = given(&[opened, over(alert(2, Severity::High), minute(1))]);
    assert!(matches!(resolved, Incident::Resolved { .. }));
    assert_eq!(decide(&resolved, &overdue(0, 0, 0, minute(2))), []);
}

#[test]
fn somebody_may_take_a_suspended_incident_or_escalate_it() {
    let opened = opening(vec![alert(1, Severity::High)], held(SUSPEND), minute(0));
    let taken = given(&[opened.clone(), acknowledged_by(ADA)]);
    assert_eq!(decide(&taken, &overdue(0, 0, 0, minute(2))), [], "whoever has it is not woken");
    assert_eq!(reached(&decide(&given(&[opened]), &escalated_now())), Some((1, 1, 1, vec![ADA])));
}

#[test]
fn an_incident_that_hears_nothing_ends_by_itself() {
    let terms = Terms { resolve_after_seconds: Some(600), ..Terms::default() };
    let at = |number: u128, minutes| opening(vec![alert(number, Severity::High)], terms, minute(minutes));
    let quiet =
        |resolve_at, now| IncidentCommand::ResolveQuiet { resolve_at: minute(resolve_at), at: minute(now) };
    let heard = given(&[at(1, 0), acknowledged_by(ADA), at(2, 6)]);
    assert_eq!(decide(&heard, &quiet(10, 10)), [], "another alert came");
    assert_eq!(decide(&heard, &quiet(16, 15)), [], "it is not time yet");
    let events = decide(&heard, &quiet(16, 16));
    assert!(matches!(&events[..], [IncidentEvent::Resolved { by: Actor::Reactor { .. }, .. }]), "{events:?}");
    let for_ever = given(&[opened()]);
    assert_eq!(decide(&for_ever, &quiet(10, 10)), []);
}

#[test]
fn silence_counts_from_the_last_alert_whatever_its_own_rule_says() {
    let quiet_after = |seconds| Terms { resolve_after_seconds: Some(seconds), ..Terms::default() };
    let at =
        |number: u128, terms, minutes| opening(vec![alert(number, Severity::High)], terms, minute(minutes));
    let quiet = |minutes| IncidentCommand::ResolveQuiet { resolve_at: minute(minutes), at: minute(minutes) };
    let history = [at(1, quiet_after(600), 0), at(2, Terms::default(), 9), at(3, Terms::default(), 12)];
    assert_eq!(decide(&given(&history[..2]), &quiet(10)), [], "an alert came a minute ago");
    assert_eq!(decide(&given(&history), &quiet(19)), []);
    let events = decide(&given(&history), &quiet(22));
    let [IncidentEvent::Resolved { note: Some(note), .. }] = &events[..] else {
        panic!("it ends: {events:?}")
    };
    assert_eq!(*note, format!("no alert came since {}", minute(12)));
    let shorter = [&history[..], &[at(4, quiet_after(60), 13), at(5, Terms::default(), 14)]].concat();
    assert_eq!(decide(&given(&shorter), &quiet(15)).len(), 1, "the last setting counts");
}

#[test]
fn what_was_stored_before_silence_was_counted_from_every_alert_ends_when_it_did() {
    let terms = Terms { resolve_after_seconds: Some(600), ..Terms::default() };
    let mut stored = given(&[opening(vec![alert(1, Severity::High)], terms, minute(0))]);
    stored.evolve(&IncidentEvent::AlertsJoined {
        service: ServiceId::new(Uuid::from_u128(2)),
        alerts: vec![alert(2, Severity::High)],
        resolve_at: None,
        at: minute(9),
    });
    let quiet = |minutes| IncidentCommand::ResolveQuiet { resolve_at: minute(minutes), at: minute(minutes) };
    assert_eq!(decide(&stored, &quiet(10)).len(), 1, "the read model knows no other deadline");
    for event in decide(&stored, &opening(vec![alert(3, Severity::High)], Terms::default(), minute(9))) {
        stored.evolve(&event);
    }
    assert_eq!(decide(&stored, &quiet(19)).len(), 1);
}

#[test]
fn an_alert_that_its_rule_does_not_hold_back_pages_whatever_another_rule_waits_for() {
    let critical = |minutes| opening(vec![alert(9, Severity::Critical)], Terms::default(), minute(minutes));
    for hold in [SUSPEND, THREE_IN_TEN] {
        let waiting = given(&[opening(vec![alert(1, Severity::Low)], held(hold), minute(0))]);
        let events = decide(&waiting, &critical(1));
        let [
            IncidentEvent::AlertsJoined { .. },
            IncidentEvent::SeverityRaised { .. },
            IncidentEvent::Escalated { cycle: 1, pass: 1, level: 1, cause: Cause::Unheld, .. },
        ] = &events[..]
        else {
            panic!("it pages: {events:?}")
        };
        let worse = opening(vec![alert(9, Severity::Critical)], held(SUSPEND), minute(1));
        assert_eq!(reached(&decide(&waiting, &worse)), None, "its own rule holds it back");
    }
}

#[test]
fn an_alert_that_is_not_held_back_looks_up_a_ladder_that_it_does_not_know() {
    let mut waiting = given(&[opening(vec![alert(1, Severity::Low)], held(THREE_IN_TEN), minute(0))]);
    let other_ladder = |number| {
        let IncidentCommand::Open(open) =
            opening(vec![alert(number, Severity::Low)], Terms::default(), minute(1))
        else {
            unreachable!("it opens")
        };
        let (ladder, roster) = (Ladder::default(), Roster::default());
        IncidentCommand::Open(Box::new(OpenIncident { ladder, roster, ..*open }))
    };
    let events = decide(&waiting, &other_ladder(2));
    events.iter().for_each(|event| waiting.evolve(event));
    assert_eq!(decide(&waiting, &other_ladder(3)).len(), 1, "it is looked up once");
    assert_eq!(reached(&decide(&waiting, &overdue(0, 0, 0, minute(1)))), Some((1, 1, 1, vec![ADA])));
}

#[test]
fn a_group_is_over_when_all_its_problems_are() {
    let joined = |number, key: &str| opening(vec![own(number, key)], Terms::default(), minute(0));
    let two = given(&[joined(1, "a"), joined(2, "b")]);
    assert_eq!(two.decide(&over(own(3, "c"), minute(1))), Err(IncidentRejection::NotAMember));
    let first = decide(&two, &over(own(4, "a"), minute(1)));
    assert!(matches!(&first[..], [IncidentEvent::AlertEnded { remaining: 1, .. }]), "{first:?}");
    let one = given(&[joined(1, "a"), joined(2, "b"), over(own(4, "a"), minute(1))]);
    assert_eq!(decide(&one, &over(own(4, "a"), minute(1))), [], "the same message again");
    let last = decide(&one, &over(own(5, "b"), minute(2)));
    assert!(matches!(&last[..], [IncidentEvent::Resolved { .. }]), "{last:?}");
    assert!(
        matches!(&decide(&two, &resolved())[..], [IncidentEvent::Resolved { .. }]),
        "people end all of it"
    );
}

#[test]
fn one_message_may_bring_many_problems_of_a_group() {
    let many: Vec<_> = (0..200).map(|number| own(1, &format!("problem {number}"))).collect();
    let (first, rest) = many.split_at(64);
    let group = given(&[opening(first.to_vec(), Terms::default(), minute(0))]);
    let events = decide(&group, &opening(rest.to_vec(), Terms::default(), minute(0)));
    let [IncidentEvent::AlertsJoined { alerts, .. }] = &events[..] else { panic!("they join: {events:?}") };
    assert_eq!(alerts.len(), 136);
}

#[test]
fn a_group_with_a_window_takes_no_alerts_after_it() {
    let terms = Terms { window_seconds: Some(300), ..Terms::default() };
    let at = |number: u128, key: &str, minutes| opening(vec![own(number, key)], terms, minute(minutes));
    let group = given(&[at(1, "a", 0), at(2, "b", 4)]);
    assert_eq!(decide(&group, &at(3, "c", 9)).len(), 1, "the last alert came five minutes ago");
    let closed = IncidentRejection::WindowClosed { heard_at: minute(4) };
    assert_eq!(group.decide(&at(3, "c", 10)), Err(closed));
    assert_eq!(decide(&group, &at(2, "b", 10)), [], "a repeated message is no news");
    let again = decide(&group, &at(4, "a", 10));
    assert!(
        matches!(&again[..], [IncidentEvent::AlertsJoined { .. }]),
        "a problem that is open in it: {again:?}"
    );
}
