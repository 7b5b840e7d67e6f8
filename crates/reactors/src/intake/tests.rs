//! What is held back, and for how long; and, over a log in memory, what becomes of whole messages.

mod deciding_again;
mod handing_over;
mod stand;

use std::sync::Arc;

use commands::{MetadataExt, mint};
use domain::{
    Actor, Alert, AlertAction, DeliveryId, IntegrationId, ServiceId, Severity, Timestamp, delivery::Verdict,
    incident::Terms,
};
use store::{Metadata, Recorded};
use tokio::time::{Duration, Instant};
use uuid::Uuid;

use super::{
    Conclusion, Problem, Request,
    answers::{Answer, Answers},
    joins::Joins,
    settling::because_of,
    unanimous,
};

pub(super) fn request(key: &str, action: AlertAction) -> Request {
    let delivery = DeliveryId::new(Uuid::from_u128(1));
    let integration = IntegrationId::new(Uuid::from_u128(2));
    let alert = Alert::new(delivery, integration, "disk full", Severity::High, Timestamp::from_millis(0));
    let cause = Recorded {
        position: 1,
        stream: delivery_stream(delivery),
        version: 1,
        id: Uuid::nil(),
        kind: "delivery.received.v1".into(),
        recorded_at: Timestamp::from_millis(0),
        metadata: Metadata::of(Actor::Administrator, Uuid::nil()),
        subjects: vec![],
        payload: "{}".into(),
        hash: [0; 32],
    };
    let service = ServiceId::new(Uuid::from_u128(3));
    let (key, terms, cause) = (key.to_owned(), Terms::default(), Arc::new(cause));
    let (dropped, answer) = (false, None);
    Request { service, action, key, incident: None, alert, terms, dropped, answer, belated: None, cause }
}

fn delivery_stream(delivery: DeliveryId) -> Arc<str> {
    domain::AggregateId::stream(delivery).into()
}

fn trigger(key: &str) -> Problem {
    vec![request(key, AlertAction::Trigger)]
}

fn sizes(problems: &[Problem]) -> Vec<usize> {
    problems.iter().map(Vec::len).collect()
}

#[test]
fn joins_come_together_under_a_load_and_openings_never_wait() {
    let (mut joins, now) = (Joins::default(), Instant::now());
    let is_open = |key: &(ServiceId, String)| key.1 == "open";
    assert_eq!(sizes(&joins.admit(vec![trigger("open"), trigger("new")], 64, now, is_open)), [1]);
    assert!(joins.admit(vec![trigger("open")], 64, now, is_open).is_empty());

    let ripe_at = joins.ripe_at().expect("something is held");
    assert!(ripe_at - now <= Duration::from_millis(500));
    assert!(joins.ripe(now).is_empty());
    assert_eq!(sizes(&joins.ripe(ripe_at)), [2]);
    assert_eq!(joins.ripe_at(), None);
}

#[test]
fn whatever_ends_a_problem_takes_along_what_was_held_of_it_in_order() {
    let (mut joins, now) = (Joins::default(), Instant::now());
    joins.admit(vec![trigger("disk")], 64, now, |_| true);
    let decided = joins.admit(vec![vec![request("disk", AlertAction::Resolve)]], 64, now, |_| true);
    let actions: Vec<_> = decided.iter().flatten().map(|request| request.action).collect();
    assert_eq!(actions, [AlertAction::Trigger, AlertAction::Resolve]);
    assert!(joins.ripe(now + Duration::from_secs(1)).is_empty());
}

#[test]
fn the_end_of_the_load_is_the_end_of_holding() {
    let (mut joins, now) = (Joins::default(), Instant::now());
    joins.admit(vec![trigger("disk"), trigger("cpu")], 64, now, |_| true);
    assert_eq!(joins.oldest(), Some(1));
    // A moment later it is the same load still, and what is held goes when it would have gone.
    let (soon, later) = (now + Duration::from_millis(199), now + Duration::from_millis(200));
    assert!(joins.admit(vec![], 1, soon, |_| true).is_empty());
    assert!(joins.ripe_at().is_some_and(|ripe| ripe > later));
    // What was held of a problem goes before what came of it now, in one piece.
    let last = vec![request("disk", AlertAction::Resolve)];
    let decided = joins.admit(vec![last], 1, later, |_| true);
    assert_eq!(sizes(&decided), [2]);
    assert_eq!(decided[0][1].action, AlertAction::Resolve);
    assert_eq!(joins.ripe_at(), Some(later));
    assert_eq!(sizes(&joins.ripe(later)), [1]);
    assert_eq!((joins.ripe_at(), joins.oldest()), (None, None));
}

#[test]
fn what_keeps_coming_is_a_load_too() {
    let (mut joins, now) = (Joins::default(), Instant::now());
    let mut decided = |number: u64, millis: u64| {
        let at = now + Duration::from_millis(number * millis);
        joins.admit(vec![trigger("disk")], 1, at, |_| true).len()
    };
    assert!((0..500).all(|number| decided(number, 4) == 1), "250 in a second");
    let held = (1000..2000).filter(|number| decided(*number, 2) == 0).count();
    assert!(held > 900, "{held} of 1000 at 500 in a second");
}

#[test]
fn a_wave_of_joins_is_decided_a_few_problems_at_a_time() {
    let (mut joins, now) = (Joins::default(), Instant::now());
    let wave = (0..150).map(|number| trigger(&number.to_string())).collect();
    assert!(joins.admit(wave, 150, now, |_| true).is_empty());
    let ripe_at = joins.ripe_at().expect("something is held");
    let first = joins.ripe(ripe_at);
    assert_eq!((first.len(), &*first[0][0].key), (64, "0"), "the oldest first");
    // What comes between is decided with what is held of its problem still.
    let between = joins.admit(vec![vec![request("149", AlertAction::Resolve)]], 64, ripe_at, |_| true);
    assert_eq!(sizes(&between), [2]);
    let rest = [joins.ripe(ripe_at).len(), joins.ripe(ripe_at).len(), joins.ripe(ripe_at).len()];
    assert_eq!((rest, joins.oldest()), ([64, 21, 0], None));
}

#[test]
fn what_came_within_a_moment_is_decided_at_one() {
    let (mut joins, now) = (Joins::default(), Instant::now());
    for number in 0..100 {
        joins.admit(vec![trigger(&number.to_string())], 64, now + Duration::from_millis(number), |_| true);
    }
    let first = joins.ripe_at().expect("something is held");
    assert_eq!((first - now, joins.ripe(first).len()), (Duration::from_millis(400), 50));
    let second = joins.ripe_at().expect("more is held");
    assert_eq!((second - first, joins.ripe(second).len()), (Duration::from_millis(50), 50));
}

#[test]
fn so_many_alerts_are_held_and_no_more_and_the_oldest_go_first() {
    let (mut joins, now) = (Joins::default(), Instant::now());
    let all = (0..8192).map(|number| trigger(&number.to_string())).collect();
    assert!(joins.admit(all, 8192, now, |_| true).is_empty());
    let decided = joins.admit(vec![trigger("one more"), trigger("1")], 64, now, |_| true);
    let keys: Vec<_> = decided.iter().map(|problem| (problem.len(), &*problem[0].key)).collect();
    assert_eq!(keys, [(1, "0"), (2, "1")]);
}

#[test]
fn of_what_one_message_says_of_one_problem_the_alarm_stands_and_the_rest_is_told() {
    let both = vec![request("disk", AlertAction::Resolve), request("disk", AlertAction::Trigger)];
    let (stands, outdone) = unanimous(both);
    assert_eq!(stands.iter().map(|request| request.action).collect::<Vec<_>>(), [AlertAction::Trigger]);
    let [Conclusion { finding, .. }] = &outdone[..] else { panic!("one is told: {outdone:?}") };
    assert_eq!((finding.verdict, &finding.problems[..]), (Verdict::Ignored, &["disk".to_owned()][..]));
    assert_eq!(finding.reason, "the same message says that the problem is there");
    let two = vec![request("disk", AlertAction::Resolve), request("cpu", AlertAction::Trigger)];
    let (stands, outdone) = unanimous(two);
    assert_eq!((stands.len(), outdone.len()), (2, 0));
}

#[test]
fn one_problem_holds_so_many_alerts_and_no_more() {
    let (mut joins, now) = (Joins::default(), Instant::now());
    let mut decided = vec![];
    for _ in 0..200 {
        decided.extend(joins.admit(vec![trigger("storm")], 64, now, |_| true));
    }
    assert_eq!(sizes(&decided), [64, 64, 64]);
}

#[test]
fn all_words_of_an_alert_weigh_something() {
    let mut all = request("disk", AlertAction::Trigger);
    let Alert { unknown_severity, source, component, key, rule, remarks, .. } = &mut all.alert;
    for part in [unknown_severity, source, component, key, rule] {
        *part = Some("12345".to_owned());
    }
    *remarks = vec!["1234567890".to_owned(); 3];
    assert_eq!(all.weight(), "disk full".len() + 5 * 5 + 3 * 10);
}

#[test]
fn each_replay_leads_to_commands_of_its_own() {
    let first = request("disk", AlertAction::Trigger);
    let replay = |id: u128| {
        let (id, kind) = (Uuid::from_u128(id), "delivery.replay_requested.v1".into());
        let cause = Arc::new(Recorded { id, kind, ..Recorded::clone(&first.cause) });
        because_of(&Request { cause, ..request("disk", AlertAction::Trigger) }).command_id
    };
    assert_eq!(replay(8), replay(8));
    assert_ne!(replay(8), replay(9));
    // What was decided by an earlier version is known by this id.
    let (at, delivery) = (first.cause.recorded_at, first.alert.delivery.uuid());
    let known = because_of(&first).command_id;
    assert_eq!(known, mint::derived_at(at, delivery, "Trigger disk"));
    assert_ne!(known, replay(8));
}

#[test]
fn what_is_dropped_is_no_word_against_what_the_same_message_says() {
    let dropped = |action| Request { dropped: true, ..request("disk", action) };
    let (stands, outdone) =
        unanimous(vec![dropped(AlertAction::Trigger), request("disk", AlertAction::Resolve)]);
    assert_eq!((stands.len(), outdone.len()), (2, 0));
    let (stands, outdone) =
        unanimous(vec![request("disk", AlertAction::Trigger), dropped(AlertAction::Resolve)]);
    assert_eq!((stands.len(), outdone.len()), (1, 1), "what the rule drops would end what begins");
}

#[test]
fn one_word_to_several_places_has_one_answer() {
    let said = |verdict, reason: &str| {
        Some(request("disk", AlertAction::Resolve).conclusion(verdict, reason.to_owned(), None))
    };
    let nothing = || said(Verdict::Ignored, "nothing was ever opened for this key");
    let reasons = |given: Vec<(usize, Option<Conclusion>)>| {
        let of = Arc::new(Answers::default());
        for (number, conclusion) in given {
            Answer { number, of: Arc::clone(&of) }.give(conclusion);
        }
        let reasons: Vec<_> = of.take().into_iter().map(|one| one.finding.reason).collect();
        assert!(of.take().is_empty(), "it is said once");
        reasons
    };
    let over = said(Verdict::Ignored, "the incident is in that state already");
    let first = reasons(vec![(1, over), (0, nothing())]);
    assert_eq!(first, ["nothing was ever opened for this key"], "whichever was quicker");
    assert!(reasons(vec![(0, nothing()), (1, None)]).is_empty(), "the incident's own event is the answer");
    let noted = said(Verdict::Recorded, "recorded as a note");
    assert_eq!(reasons(vec![(1, noted), (0, nothing())]), ["recorded as a note"]);
}

#[test]
fn one_word_to_several_services_is_a_command_to_each() {
    let of = Arc::new(Answers::default());
    let to = |service: u128| {
        let answer = Some(Answer { number: 0, of: Arc::clone(&of) });
        let service = ServiceId::new(Uuid::from_u128(service));
        because_of(&Request { service, answer, ..request("disk", AlertAction::Resolve) }).command_id
    };
    assert_eq!(to(1), to(1));
    assert_ne!(to(1), to(2));
}
