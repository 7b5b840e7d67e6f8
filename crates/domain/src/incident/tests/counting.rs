//! Nobody is paged before so many alerts came in so short a time.

use proptest::prelude::*;

use super::{
    terms::{THREE_IN_TEN, decide, held, opening, over, own},
    *,
};

/// An alert at a minute that is counted.
fn firing(number: u128, minutes: u64) -> IncidentCommand {
    opening(vec![alert(number, Severity::High)], held(THREE_IN_TEN), minute(minutes))
}

/// The monitoring tool says at a minute that it is over.
fn ended(number: u128, minutes: u64) -> IncidentCommand {
    over(alert(number, Severity::High), minute(minutes))
}

fn arrived(incident: &Incident) -> Vec<Timestamp> {
    match &incident.open().expect("it is open").situation {
        Situation::Held { arrived, .. } => arrived.clone(),
        other => panic!("it is not held: {other:?}"),
    }
}

#[test]
fn enough_alerts_in_time_page() {
    let at = |number: u128, minutes| {
        opening(vec![alert(number, Severity::High)], held(THREE_IN_TEN), minute(minutes))
    };
    let two = given(&[at(1, 0), at(2, 4)]);
    assert_eq!(reached(&decide(&two, &at(3, 9))), Some((1, 1, 1, vec![ADA])));
    let at_once = (1..=3).map(|number| alert(number, Severity::High)).collect();
    let events = decide(&Incident::default(), &opening(at_once, held(THREE_IN_TEN), minute(0)));
    assert_eq!(reached(&events), Some((1, 1, 1, vec![ADA])));
}

#[test]
fn enough_alerts_page_whoever_is_on_the_ladder_that_the_incident_opened_with() {
    let opened = opening(vec![alert(1, Severity::High)], held(THREE_IN_TEN), minute(0));
    let waiting = given(&[opened]);
    let more = (2..=3).map(|number| alert(number, Severity::High)).collect();
    let IncidentCommand::Open(joining) = opening(more, held(THREE_IN_TEN), minute(1)) else {
        unreachable!("it opens")
    };
    let edited = OpenIncident { ladder: Ladder::default(), roster: roster_of(&[]), ..*joining };
    let events = decide(&waiting, &IncidentCommand::Open(Box::new(edited)));
    assert_eq!(reached(&events), None);
    let mut due = waiting;
    events.iter().for_each(|event| due.evolve(event));
    assert_eq!(reached(&decide(&due, &overdue(0, 0, 0, minute(1)))), Some((1, 1, 1, vec![ADA])));
}

#[test]
fn alerts_that_came_too_long_ago_do_not_count() {
    let at = |number: u128, minutes| {
        opening(vec![alert(number, Severity::High)], held(THREE_IN_TEN), minute(minutes))
    };
    let two = given(&[at(1, 0), at(2, 8)]);
    let events = decide(&two, &overdue(0, 0, 0, minute(10)));
    let [IncidentEvent::Held { arrived, until, .. }] = &events[..] else { panic!("it waits on: {events:?}") };
    assert_eq!((arrived.as_slice(), *until), (&[minute(8)][..], minute(18)));
    let waiting = given(&[at(1, 0), at(2, 8), overdue(0, 0, 0, minute(10))]);
    assert_eq!(reached(&decide(&waiting, &at(3, 12))), None, "two in ten minutes");
    let events = decide(&waiting, &overdue(0, 0, 0, minute(18)));
    let [IncidentEvent::Resolved { note: Some(note), .. }] = &events[..] else {
        panic!("it ends: {events:?}")
    };
    assert_eq!(note, "there were never 3 alerts within 600 seconds");
}

#[test]
fn what_comes_and_goes_is_counted_and_pages() {
    let flaps = [firing(1, 0), ended(2, 1), firing(3, 2), ended(4, 3)];
    let gone = given(&flaps);
    assert_eq!(arrived(&gone), [minute(0), minute(2)]);
    let last = decide(&given(&flaps[..3]), &flaps[3]);
    assert!(matches!(&last[..], [IncidentEvent::AlertEnded { remaining: 0, .. }]), "{last:?}");
    let events = decide(&gone, &firing(5, 9));
    assert_eq!(reached(&events), Some((1, 1, 1, vec![ADA])));
    assert!(
        matches!(&events[..], [_, IncidentEvent::Escalated { cause: Cause::Threshold, .. }]),
        "{events:?}"
    );
    let paged = given(&[&flaps[..], &[firing(5, 9), ended(6, 10)]].concat());
    assert!(matches!(paged, Incident::Resolved { .. }), "once it pages, its end is the incident's");
}

#[test]
fn what_comes_and_goes_too_seldom_ends_silently_when_the_last_of_it_counts_no_more() {
    let flaps = [firing(1, 0), ended(2, 1), firing(3, 8), ended(4, 9)];
    let events = decide(&given(&flaps), &overdue(0, 0, 0, minute(10)));
    let [IncidentEvent::Held { arrived, until, .. }] = &events[..] else { panic!("it waits on: {events:?}") };
    assert_eq!((arrived.as_slice(), *until), (&[minute(8)][..], minute(18)));
    let waiting = given(&[&flaps[..], &[overdue(0, 0, 0, minute(10))]].concat());
    let events = decide(&waiting, &overdue(0, 0, 0, minute(18)));
    assert!(matches!(&events[..], [IncidentEvent::Resolved { by: Actor::Reactor { .. }, .. }]), "{events:?}");
}

#[test]
fn people_end_what_is_counted_and_take_it() {
    let flaps = [firing(1, 0), ended(2, 1)];
    assert!(matches!(&decide(&given(&flaps), &resolved())[..], [IncidentEvent::Resolved { .. }]));
    let taken = given(&[&flaps[..], &[acknowledged_by(ADA), firing(3, 2), ended(4, 3)]].concat());
    assert!(matches!(taken, Incident::Resolved { .. }), "what somebody has is counted no more");
}

#[test]
fn a_tool_has_no_more_to_say_of_what_is_over() {
    let gone = given(&[firing(1, 0), ended(2, 1)]);
    assert_eq!(decide(&gone, &ended(3, 2)), [], "it is over already");
    assert_eq!(decide(&gone, &ended(2, 1)), [], "the same message again");
    assert_eq!(decide(&given(&[firing(1, 0), ended(2, 1), firing(3, 2)]), &ended(2, 1)), []);
    let (by, via, alert) = (user(ADA), Channel::Alert, Some(alert(3, Severity::High)));
    let acknowledged =
        IncidentCommand::AcknowledgeIncident { by: by.clone(), via, alert: alert.clone(), at: minute(2) };
    let until = minute(60);
    let snoozed = IncidentCommand::SnoozeIncident { by, until, reason: None, via, alert, at: minute(2) };
    for word in [acknowledged, snoozed] {
        assert_eq!(gone.decide(&word), Err(IncidentRejection::NotAMember));
        assert_eq!(decide(&given(&[firing(1, 0)]), &word).len(), 1);
    }
}

#[test]
fn a_group_that_is_counted_goes_on_when_all_of_its_problems_are_over() {
    let joined = |number, key: &str| opening(vec![own(number, key)], held(THREE_IN_TEN), minute(0));
    let both = [joined(1, "a"), joined(2, "b"), over(own(3, "a"), minute(1)), over(own(4, "b"), minute(2))];
    let remaining = |events: &[IncidentEvent]| match events {
        [IncidentEvent::AlertEnded { remaining, .. }] => *remaining,
        other => panic!("an alert ends: {other:?}"),
    };
    assert_eq!(remaining(&decide(&given(&both[..2]), &both[2])), 1);
    assert_eq!(remaining(&decide(&given(&both[..3]), &both[3])), 0);
    assert_eq!(given(&both[..3]).decide(&over(own(5, "a"), minute(2))), Err(IncidentRejection::NotAMember));
    let events = decide(&given(&both), &joined(6, "c"));
    assert_eq!(reached(&events), Some((1, 1, 1, vec![ADA])));
    let paged = given(&[&both[..], &[joined(6, "c"), over(own(7, "c"), minute(3))]].concat());
    assert!(matches!(paged, Incident::Resolved { .. }), "a and b are over");
}

#[test]
fn an_earlier_word_that_comes_late_counts_and_wakes_nobody_for_what_is_over() {
    let told = |number, at| Alert { at: minute(at), ordered: true, ..alert(number, Severity::High) };
    let firing = |number, at| opening(vec![told(number, at)], held(THREE_IN_TEN), minute(5));
    let gone = [firing(1, 0), firing(2, 1), over(told(3, 4), minute(5))];
    let late = decide(&given(&gone), &firing(4, 2));
    assert!(matches!(&late[..], [IncidentEvent::AlertsJoined { .. }]), "{late:?}");
    let three = given(&[&gone[..], &[firing(4, 2)]].concat());
    assert_eq!(decide(&three, &over(told(5, 4), minute(5))), [], "it is over still");
    assert_eq!(reached(&decide(&three, &firing(6, 5))), Some((1, 1, 1, vec![ADA])));
}

#[test]
fn no_more_arrivals_are_kept_than_are_waited_for_and_none_where_nothing_is_counted() {
    let told = |number, at| Alert { at: minute(at), ordered: true, ..alert(number, Severity::High) };
    let late = |number| opening(vec![told(number, 2)], held(THREE_IN_TEN), minute(5));
    let gone = [opening(vec![told(1, 0)], held(THREE_IN_TEN), minute(0)), over(told(2, 4), minute(4))];
    let many = given(&[&gone[..], &[late(3), late(4), late(5), late(6)]].concat());
    assert_eq!(arrived(&many), [minute(5); 3]);
    let waited = given(&[firing(1, 0), firing(2, 11)]);
    assert_eq!(arrived(&waited), [minute(11)], "the first one counts no more");
    let suspended = held(Hold::Suspend { seconds: 3600 });
    let joined = |number: u128| opening(vec![alert(number, Severity::High)], suspended, minute(1));
    assert_eq!(arrived(&given(&[joined(1), joined(2), joined(3)])), []);
}

#[test]
fn what_was_stored_of_a_group_before_ends_of_ungrouped_alerts_were_is_as_it_was() {
    let stored = given(&[
        opening(vec![own(1, "a")], Terms::default(), minute(0)),
        opening(vec![own(2, "b")], Terms::default(), minute(0)),
        over(own(3, "a"), minute(1)),
    ]);
    let open = stored.open().expect("it is open");
    assert!(open.members.contains("b") && !open.members.contains("a"));
}

/// What a tool says at some minute: of one of two problems of a group, or of the only one, that it is there or over.
fn word() -> impl Strategy<Value = (bool, Option<bool>, u64)> {
    (any::<bool>(), any::<Option<bool>>(), 0_u64..4)
}

proptest! {
    #[test]
    fn only_the_clock_ends_what_is_counted_and_nobody_is_paged_before_enough_came(
        words in prop::collection::vec(word(), 1..40),
    ) {
        let (mut incident, mut now, mut came) = (Incident::default(), 0, vec![]);
        for (number, (fires, problem, later)) in (1..).zip(words) {
            now += later;
            let about = match problem {
                Some(which) => own(number, if which { "a" } else { "b" }),
                None => alert(number, Severity::High),
            };
            let command = if fires {
                came.push(now);
                opening(vec![about], held(THREE_IN_TEN), minute(now))
            } else {
                over(about, minute(now))
            };
            let Ok(events) = incident.decide(&command) else { continue };
            events.iter().for_each(|event| incident.evolve(event));
            prop_assert_eq!(incident.decide(&command).unwrap_or_default(), [], "once is enough");
            let enough = came.iter().filter(|at| **at + 10 > now).count() >= 3;
            let is_reached = reached(&events).is_some();
            prop_assert_eq!(is_reached, fires && enough, "{:?} at {}", events, now);
            if is_reached {
                break;
            }
            if !fires && came.is_empty() {
                continue;
            }
            let open = incident.open().expect("no tool ends it");
            let Situation::Held { until, .. } = open.situation else { panic!("it waits: {open:?}") };
            prop_assert_eq!(decide(&incident, &overdue(0, 0, 0, until.max(minute(now)))).len(), 1);
        }
    }
}
