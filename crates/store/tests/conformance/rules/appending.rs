//! What an append is answered.

use std::collections::HashMap;

use bytes::Bytes;
use futures::{FutureExt, future::join_all};
use store::{Filter, MAX_PAYLOAD, Options, StoreError};

use crate::{
    place::Place,
    told::{append, append_all, event, fill, positions, stream, version},
};

pub(crate) async fn positions_are_gapless_from_one(place: &impl Place) {
    let store = place.open().await;
    let appends = (0..600).map(|n| store.append(append(n, stream("incident", n % 20), version(n / 20))));
    let outcomes: Vec<_> =
        join_all(appends).await.into_iter().map(|outcome| outcome.expect("wins")).collect();

    let events = store.read(0, 1000, &Filter::All).await.expect("readable");
    assert_eq!(positions(&events), (1..=600).collect::<Vec<_>>());
    assert_eq!(store.head(), 600);
    let mut versions = HashMap::new();
    for event in &events {
        let version: &mut u64 = versions.entry(event.stream.to_string()).or_default();
        *version += 1;
        assert_eq!(event.version, *version, "versions of one stream are in order");
    }
    for (n, outcome) in (0_u128..).zip(outcomes) {
        let found = &store.at(&[outcome.position]).await.expect("readable")[0];
        assert_eq!(found.metadata.command_id.as_u128(), n);
        assert_eq!(found.version, outcome.version);
        assert!(!outcome.already);
    }
}

pub(crate) async fn an_append_on_another_version_is_a_conflict(place: &impl Place) {
    let store = place.open().await;
    let stream = stream("incident", 1);
    store.append(append(1, &stream, 0)).await.expect("the stream is new");
    for expected in [0, 2, 7] {
        let error = store.append(append(2, &stream, expected)).await.expect_err("another version");
        let StoreError::Conflict { stream: named, expected: told, actual } = error else {
            panic!("not a conflict: {error}");
        };
        assert_eq!((named, told, actual), (stream.clone(), expected, 1));
    }
    assert_eq!(store.append(append(2, &stream, 1)).await.expect("the right version").version, 2);
}

pub(crate) async fn an_append_of_several_events_is_recorded_as_one(place: &impl Place) {
    let store = place.open().await;
    let stream = stream("incident", 1);
    let three = || vec![event("{\"n\":0}"), event("{\"n\":1}"), event("{\"n\":2}")];
    fill(&store, 100, 2).await;
    let outcome = store.append(append_all(1, &stream, 0, three())).await.expect("wins");
    assert_eq!((outcome.position, outcome.version), (5, 3));
    store.append(append_all(2, &stream, 2, three())).await.expect_err("another version");

    let events = store.load(&stream, 0).await.expect("readable");
    assert_eq!(positions(&events), [3, 4, 5]);
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.id, uuid::Uuid::new_v5(&event.metadata.command_id, index.to_string().as_bytes()));
        assert_eq!(event.payload, format!("{{\"n\":{index}}}"));
    }
}

pub(crate) async fn a_conflict_does_not_hurt_the_others_in_its_group(place: &impl Place) {
    let store = place.open().await;
    // Every third one is wrong about its stream.
    let appends = (0..300).map(|n| store.append(append(n, stream("incident", n), u64::from(n % 3 == 0))));
    let outcomes = join_all(appends).await;
    for (n, outcome) in outcomes.iter().enumerate() {
        let lost = matches!(outcome, Err(StoreError::Conflict { actual: 0, .. }));
        assert_eq!(lost, n % 3 == 0, "{outcome:?}");
    }
    assert_eq!(store.head(), 200);
    let events = store.read(0, 1000, &Filter::All).await.expect("readable");
    assert_eq!(positions(&events), (1..=200).collect::<Vec<_>>());
}

pub(crate) async fn appends_to_one_stream_in_one_group_follow_each_other(place: &impl Place) {
    let store = place.open().await;
    let stream = stream("incident", 1);
    // In order 0, 1, 1, 2, 3, 3, …: the second of each pair comes too late.
    let expected = (0..60).map(|n| n / 3 * 2 + u64::from(n % 3 > 0));
    let appends = (0..).zip(expected).map(|(n, expected)| store.append(append(n, &stream, expected)));
    let outcomes = join_all(appends).await;
    for (n, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.is_err(), n % 3 == 2, "append {n}: {outcome:?}");
    }
    let events = store.load(&stream, 0).await.expect("readable");
    assert_eq!(events.iter().map(|event| event.version).collect::<Vec<_>>(), (1..=40).collect::<Vec<_>>());
}

pub(crate) async fn a_command_recorded_before_is_answered_with_its_first_outcome(place: &impl Place) {
    let store = place.open().await;
    let stream = stream("incident", 1);
    let first = store.append(append_all(1, &stream, 0, vec![event("{}"), event("{}")])).await.expect("wins");
    store.append(append(2, &stream, 2)).await.expect("wins");

    // Whatever it expects now, and whatever it would record now.
    for (expected, events) in [(0, 2), (3, 1), (9, 1)] {
        let again = append_all(1, &stream, expected, vec![event("{}"); events]);
        let answer = store.append(again).await.expect("known");
        assert!(answer.already);
        assert_eq!((answer.position, answer.version), (first.position, first.version));
    }
    let elsewhere = store.append(append(1, "incident-elsewhere", 0)).await.expect("known");
    assert!(elsewhere.already);
    assert_eq!(store.read(0, 10, &Filter::All).await.expect("readable").len(), 3);
}

pub(crate) async fn a_command_twice_in_one_group_is_recorded_once(place: &impl Place) {
    let store = place.open().await;
    let appends = (0..200).map(|n| store.append(append(n / 2, stream("incident", n / 2), 0)));
    let outcomes: Vec<_> =
        join_all(appends).await.into_iter().map(|outcome| outcome.expect("known")).collect();
    for pair in outcomes.chunks(2) {
        assert_eq!(pair[0].position, pair[1].position);
        assert_eq!((pair[0].already, pair[1].already), (false, true));
    }
    assert_eq!(store.head(), 100);
}

pub(crate) async fn a_command_that_lost_may_try_again(place: &impl Place) {
    let store = place.open().await;
    let stream = stream("incident", 1);
    store.append(append(1, &stream, 0)).await.expect("wins");
    store.append(append(2, &stream, 0)).await.expect_err("lost");
    let outcome = store.append(append(2, &stream, 1)).await.expect("wins now");
    assert!(!outcome.already);
    assert_eq!(outcome.version, 2);
}

pub(crate) async fn what_can_never_succeed_is_refused(place: &impl Place) {
    let store = place.open().await;
    let too_large = format!("{{\"x\":\"{}\"}}", "a".repeat(MAX_PAYLOAD));
    let hopeless = [
        append_all(1, "incident-1", 0, vec![]),
        append_all(2, "incident-1", 0, vec![event(too_large)]),
        append_all(3, "incident-1", 0, vec![event("[]")]),
        append_all(4, "incident-1", 0, vec![event("{\"x\":")]),
        append_all(5, "incident-1", 0, vec![event(Bytes::from_static(b"{\"x\":\"\xff\"}"))]),
        append_all(6, "", 0, vec![event("{}")]),
        append_all(7, "incident-\0", 0, vec![event("{}")]),
        append_all(8, "incident-1", u64::MAX, vec![event("{}")]),
        append_all(9, "incident-1", 0, vec![event("{}"); 10_000]),
    ];
    for append in hopeless {
        let command = append.metadata.command_id.as_u128();
        let error = store.append(append).await.expect_err("hopeless");
        assert!(matches!(error, StoreError::Refused(_)), "append {command}: {error}");
    }
    assert_eq!(store.head(), 0);
    fill(&store, 1, 10).await;
}

pub(crate) async fn a_full_queue_is_busy_and_loses_nothing(place: &impl Place) {
    let options = Options { queue_events: 4, ..Options::default() };
    let store = place.open_with(options).await.expect("the log opens");
    // All are handed in before the first of them can be answered.
    let appends = (0..2000).map(|n| store.append(append(n, stream("incident", n), 0)));
    let outcomes = join_all(appends).await;
    let (mut won, mut busy) = (0, 0);
    for outcome in outcomes {
        match outcome {
            Ok(_) => won += 1,
            Err(StoreError::Busy) => busy += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(won >= 4 && busy > 0, "{won} won, {busy} found it busy");
    assert_eq!(store.head(), won);
    store.append(append(5000, "incident-late", 0)).await.expect("there is room again");
}

pub(crate) async fn an_abandoned_append_is_recorded_all_the_same(place: &impl Place) {
    let store = place.open().await;
    let abandoned = store.append(append(1, stream("incident", 1), 0)).now_or_never();
    drop(abandoned);
    store.append(append(2, stream("incident", 1), 1)).await.expect("follows it");
    assert_eq!(store.load(&stream("incident", 1), 0).await.expect("readable").len(), 2);
}

pub(crate) async fn a_closed_log_takes_no_more_appends(place: &impl Place) {
    let store = place.open().await;
    let other = store.clone();
    store.close().await;
    let error = other.append(append(1, stream("incident", 1), 0)).await.expect_err("closed");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
}
