//! What is held back, and for how long.

use std::sync::Arc;

use commands::{MetadataExt, mint};
use domain::{
    Actor, Alert, AlertAction, DeliveryId, IntegrationId, ServiceId, Severity, Timestamp, incident::Terms,
};
use store::{Metadata, Recorded};
use tokio::time::{Duration, Instant};
use uuid::Uuid;

use super::{Problem, Request, joins::Joins, settling::because_of, unanimous};

fn request(key: &str, action: AlertAction) -> Request {
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
    Request { service, action, key, incident: None, alert, terms, replayed: None, cause }
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
    assert_eq!(sizes(&joins.admit(vec![trigger("open"), trigger("new")], true, now, is_open)), [1]);
    assert!(joins.admit(vec![trigger("open")], true, now, is_open).is_empty());

    let ripe_at = joins.ripe_at().expect("something is held");
    assert!(ripe_at - now <= Duration::from_millis(500));
    assert!(joins.ripe(now).is_empty());
    assert_eq!(sizes(&joins.ripe(ripe_at)), [2]);
    assert_eq!(joins.ripe_at(), None);
}

#[test]
fn whatever_ends_a_problem_takes_along_what_was_held_of_it_in_order() {
    let (mut joins, now) = (Joins::default(), Instant::now());
    joins.admit(vec![trigger("disk")], true, now, |_| true);
    let decided = joins.admit(vec![vec![request("disk", AlertAction::Resolve)]], true, now, |_| true);
    let actions: Vec<_> = decided.iter().flatten().map(|request| request.action).collect();
    assert_eq!(actions, [AlertAction::Trigger, AlertAction::Resolve]);
    assert!(joins.ripe(now + Duration::from_secs(1)).is_empty());
}

#[test]
fn the_end_of_the_load_is_the_end_of_holding() {
    let (mut joins, now) = (Joins::default(), Instant::now());
    joins.admit(vec![trigger("disk"), trigger("cpu")], true, now, |_| true);
    assert_eq!(joins.oldest(), Some(1));
    // What was held of a problem goes before what came of it now, in one piece.
    let last = vec![request("disk", AlertAction::Resolve)];
    let decided = joins.admit(vec![last], false, now, |_| true);
    assert_eq!(sizes(&decided), [2, 1]);
    assert_eq!(decided[0][1].action, AlertAction::Resolve);
    assert_eq!((joins.ripe_at(), joins.oldest()), (None, None));
}

#[test]
fn of_what_one_message_says_of_one_problem_the_alarm_stands() {
    let both = vec![request("disk", AlertAction::Resolve), request("disk", AlertAction::Trigger)];
    let actions: Vec<_> = unanimous(both).iter().map(|request| request.action).collect();
    assert_eq!(actions, [AlertAction::Trigger]);
    let two = vec![request("disk", AlertAction::Resolve), request("cpu", AlertAction::Trigger)];
    assert_eq!(unanimous(two).len(), 2);
}

#[test]
fn one_problem_holds_so_many_alerts_and_no_more() {
    let (mut joins, now) = (Joins::default(), Instant::now());
    let mut decided = vec![];
    for _ in 0..200 {
        decided.extend(joins.admit(vec![trigger("storm")], true, now, |_| true));
    }
    assert_eq!(sizes(&decided), [64, 64, 64]);
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
