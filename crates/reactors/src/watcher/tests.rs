//! What is heard, and what the silence of one integration asks for next.

use std::{collections::HashSet, sync::Arc};

use commands::MetadataExt;
use domain::{
    Actor, Aggregate, DeliveryId, Fact, IncidentId, IntegrationId, ServiceId, Subject, Timestamp,
    integration::{
        Heard, Integration, IntegrationCommand, IntegrationEvent, IntegrationKind, Reading, Silence,
        SilenceEnd, Watch,
    },
};
use store::{Metadata, Recorded};
use uuid::Uuid;

use super::{
    ears::Ears,
    steps::{Step, next},
};

const START: Timestamp = Timestamp::from_millis(1_764_000_000_000);
const INTEGRATION: IntegrationId = IntegrationId::new(Uuid::from_u128(2));
const INCIDENT: IncidentId = IncidentId::new(Uuid::from_u128(3));

fn at(seconds: u64) -> Timestamp {
    START.plus_seconds(seconds)
}

/// An integration that may be silent for a minute, after these events.
fn watched(events: &[IntegrationEvent]) -> Integration {
    let create = IntegrationCommand::CreateIntegration {
        name: "nightly".into(),
        kind: IntegrationKind::Heartbeat,
        service: ServiceId::new(Uuid::from_u128(5)),
        key_hash: "0".repeat(64),
        signing_secret: None,
        verification: None,
        reading: Reading::default(),
        rate_limit: None,
        watch: Some(Watch { after_seconds: 60 }),
        unknown: vec![],
        at: START,
    };
    let created = Integration::default().decide(&create).expect("it is accepted");
    Integration::replay(created.iter().chain(events))
}

fn fell_silent(since: u64, seconds: u64) -> IntegrationEvent {
    IntegrationEvent::FellSilent { since: at(since), last: Some(since), at: at(seconds) }
}

/// A message that came then; the log has as many events by then.
fn heard(seconds: u64) -> Heard {
    Heard { at: at(seconds), position: seconds }
}

fn event(stream: String, kind: &str, subjects: Vec<Subject>, seconds: u64) -> Arc<Recorded> {
    Arc::new(Recorded {
        position: 1,
        stream: stream.into(),
        version: 1,
        id: Uuid::nil(),
        kind: kind.into(),
        recorded_at: at(seconds),
        metadata: Metadata::of(Actor::Administrator, Uuid::nil()),
        subjects,
        payload: "not even JSON".into(),
        hash: [0; 32],
    })
}

fn message(seconds: u64) -> Arc<Recorded> {
    let stream = DeliveryId::new(Uuid::from_u128(seconds.into())).stream();
    let mut message = event(stream, "delivery.received.v1", vec![INTEGRATION.into()], seconds);
    let kept = Arc::make_mut(&mut message);
    (kept.metadata.actor, kept.position) = (Actor::Integration { id: INTEGRATION }, seconds);
    message
}

#[test]
fn messages_are_heard_without_being_read_and_concern_nobody_who_is_not_silent() {
    let mut ears = Ears::default();
    assert_eq!(ears.hear(&[message(5), message(7)], &HashSet::new()), HashSet::new());
    assert_eq!(ears.heard(INTEGRATION), Some(heard(7)));
    assert_eq!(ears.hear(&[message(9)], &HashSet::from([INTEGRATION])), HashSet::from([INTEGRATION]));
    ears.remember(INTEGRATION, Some(heard(8)));
    ears.remember(INTEGRATION, None);
    assert_eq!(ears.heard(INTEGRATION), Some(heard(9)));
}

#[test]
fn the_last_message_is_what_lies_last_in_the_log_whatever_the_clock_says() {
    let mut ears = Ears::default();
    let mut set_back = message(5);
    Arc::make_mut(&mut set_back).position = 8;
    ears.hear(&[message(7), set_back], &HashSet::new());
    assert_eq!(ears.heard(INTEGRATION), Some(Heard { at: at(5), position: 8 }));
}

#[test]
fn a_test_that_somebody_asked_for_is_no_sign_of_life() {
    let mut ears = Ears::default();
    let stream = DeliveryId::new(Uuid::from_u128(1)).stream();
    let test = event(stream, "delivery.received.v1", vec![INTEGRATION.into()], 5);
    assert_eq!(ears.hear(&[test], &HashSet::from([INTEGRATION])), HashSet::new());
    assert_eq!(ears.heard(INTEGRATION), None);
}

#[test]
fn verdicts_are_no_messages_and_changes_concern_their_integration() {
    let mut ears = Ears::default();
    let stream = DeliveryId::new(Uuid::from_u128(1)).stream();
    let verdict = event(stream, "delivery.concluded.v1", vec![INTEGRATION.into()], 5);
    assert_eq!(ears.hear(&[verdict], &HashSet::from([INTEGRATION])), HashSet::new());
    assert_eq!(ears.heard(INTEGRATION), None);
    let (kind, _) = IntegrationEvent::WatchUnmuted { at: at(5) }.encode();
    let changed = event(INTEGRATION.stream(), &kind, vec![], 5);
    assert_eq!(ears.hear(&[changed], &HashSet::new()), HashSet::from([INTEGRATION]));
}

#[test]
fn it_is_waited_for_until_its_time_is_over() {
    let state = watched(&[]);
    assert_eq!(next(&state, Some(heard(10)), START, at(69)), Step::Wait(Some(at(70))));
    assert_eq!(next(&state, Some(heard(10)), START, at(70)), Step::Note { due_at: at(70) });
}

#[test]
fn after_a_start_everybody_has_their_full_time_again() {
    let state = watched(&[]);
    let started = at(1000);
    assert_eq!(next(&state, Some(heard(10)), started, at(1059)), Step::Wait(Some(at(1060))));
    // The silence is as long as it is, whoever worked meanwhile.
    assert_eq!(next(&state, Some(heard(10)), started, at(1060)), Step::Note { due_at: at(70) });
    assert_eq!(next(&state, None, started, at(1060)), Step::Note { due_at: at(60) });
}

#[test]
fn what_a_crash_left_half_done_goes_on_where_it_was() {
    let silence = Silence { since: at(10), last: Some(10), fell_at: at(70), incident: None };
    // Even if it was heard meanwhile: its incident may be open.
    for heard in [Some(heard(10)), Some(heard(500))] {
        let state = watched(&[fell_silent(10, 70)]);
        assert_eq!(next(&state, heard, at(1000), at(1000)), Step::Report(silence));
    }
    let reported = IntegrationEvent::SilenceReported { incident: INCIDENT, at: at(70) };
    let silence = Silence { incident: Some(INCIDENT), ..silence };
    let state = watched(&[fell_silent(10, 70), reported]);
    assert_eq!(next(&state, Some(heard(10)), at(1000), at(1000)), Step::Wait(None));
    let end = Step::End(silence, INCIDENT, SilenceEnd::Heard);
    assert_eq!(next(&state, Some(heard(500)), at(1000), at(1000)), end);
}
