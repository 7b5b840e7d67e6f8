//! Loading and reading what is stored.

use domain::{Actor, Subject, Timestamp};
use futures::future::join_all;
use store::{Append, Filter, MAX_PAYLOAD, Metadata, NewEvent};
use uuid::Uuid;

use crate::{
    place::Place,
    told::{append, append_all, event, fill, positions, stream, version},
};

pub(crate) async fn a_stream_is_loaded_after_a_version(place: &impl Place) {
    let store = place.open().await;
    for n in 0..5 {
        store.append(append(n, "incident-a", version(n))).await.expect("wins");
        store.append(append(100 + n, "incident-b", version(n))).await.expect("wins");
    }
    let from = async |after| positions(&store.load("incident-a", after).await.expect("readable"));
    assert_eq!(from(0).await, [1, 3, 5, 7, 9]);
    assert_eq!(from(3).await, [7, 9]);
    assert!(from(5).await.is_empty());
    assert!(from(u64::MAX).await.is_empty());
    assert!(store.load("incident-c", 0).await.expect("readable").is_empty());
}

pub(crate) async fn streams_that_are_loaded_at_once_are_told_apart(place: &impl Place) {
    let store = place.open().await;
    // Streams of 0 to 49 events: some are short, some are long.
    for n in 1..50_u128 {
        let events = (0..n).map(|_| event("{}")).collect();
        store.append(append_all(n, stream("incident", n), 0, events)).await.expect("the stream is new");
    }
    let loads = (0..250_u64).map(|number| {
        let (n, after) = (number % 50, number % 7);
        let stream = stream("incident", n.into());
        let store = &store;
        async move {
            let events = store.load(&stream, after).await.expect("readable");
            let versions: Vec<_> = events.iter().map(|event| event.version).collect();
            assert_eq!(versions, (after + 1..=n).collect::<Vec<_>>(), "{stream} after {after}");
            assert!(events.iter().all(|event| *event.stream == *stream));
        }
    });
    join_all(loads).await;
}

pub(crate) async fn every_field_comes_back(place: &impl Place) {
    let store = place.open().await;
    let subject = |text: &str| text.parse::<Subject>().expect("an id");
    let told = Append {
        stream: stream("policy", 9),
        expected: 0,
        events: vec![NewEvent {
            kind: "policy.changed.v3".into(),
            payload: "{\"naïve\":\"\\ud83d\\ude00 ☎\"}".into(),
            subjects: vec![
                subject("usr_00000000000000000000000000000001"),
                subject("tem_00000000000000000000000000000002"),
            ],
        }],
        metadata: Metadata {
            actor: Actor::User { id: "usr_00000000000000000000000000000003".parse().expect("an id") },
            command_id: Uuid::from_u128(1),
            correlation_id: Uuid::from_u128(2),
            causation_id: Some(Uuid::from_u128(3)),
            trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        },
        recorded_at: Timestamp::from_millis(-1),
    };
    store.append(told.clone()).await.expect("wins");

    let live = store.tail(0, Filter::All).next(1).await.expect("there is an event").events;
    let read = store.read(0, 1, &Filter::All).await.expect("readable");
    let loaded = store.load(&told.stream, 0).await.expect("readable");
    assert_eq!(*live[0], read[0]);
    assert_eq!(loaded, read);
    let found = &read[0];
    assert_eq!(found.position, 1);
    assert_eq!(*found.stream, *told.stream);
    assert_eq!(found.version, 1);
    assert_eq!(*found.kind, *told.events[0].kind);
    assert_eq!(found.payload, told.events[0].payload);
    assert_eq!(found.subjects, told.events[0].subjects);
    assert_eq!(found.metadata, told.metadata);
    assert_eq!(found.recorded_at, told.recorded_at);
}

pub(crate) async fn payloads_keep_their_exact_bytes(place: &impl Place) {
    let store = place.open().await;
    let payloads = [
        "{}",
        "{ \"b\" : 1,\n\t\"a\":1.50 , \"a\":2e400 }",
        "{\"n\":123456789012345678901234567890.000000000000000000001}",
        r#"{"escaped":"\u0000\u00e9\/\ud800","plain":"é/"}"#,
        "{\"quote\":\"it's $1 \\\\ '' \\\"\"}",
    ];
    let events = payloads.iter().map(|payload| event(*payload)).collect();
    store.append(append_all(1, "delivery-1", 0, events)).await.expect("wins");
    let found = store.load("delivery-1", 0).await.expect("readable");
    assert_eq!(found.iter().map(|event| &event.payload[..]).collect::<Vec<_>>(), payloads.map(str::as_bytes));
}

pub(crate) async fn large_payloads_are_kept_and_read_in_bounded_pages(place: &impl Place) {
    let store = place.open().await;
    let large = format!("{{\"x\":\"{}\"}}", "y".repeat(MAX_PAYLOAD - 8));
    assert_eq!(large.len(), MAX_PAYLOAD);
    let appends =
        (0..12).map(|n| store.append(append_all(n, stream("delivery", n), 0, vec![event(large.clone())])));
    for outcome in join_all(appends).await {
        outcome.expect("wins");
    }
    let events = store.read(0, 12, &Filter::All).await.expect("readable");
    assert_eq!(positions(&events), (1..=12).collect::<Vec<_>>());
    assert!(events.iter().all(|event| event.payload == large));

    // More than the memory of recent events holds, so this comes from the database.
    let first = store.tail(0, Filter::All).next(12).await.expect("there are events");
    assert_eq!(first.events[0].position, 1);
    assert!(first.events.len() < 12, "{} large events in one step", first.events.len());
}

pub(crate) async fn a_filter_leaves_out_other_categories(place: &impl Place) {
    let store = place.open().await;
    let categories = ["team", "incident", "page", "user", "delivery", "incident", "team", "notice"];
    for (n, category) in (0..).zip(categories) {
        store.append(append(n, stream(category, n), 0)).await.expect("wins");
    }
    let read =
        async |filter, after, limit| positions(&store.read(after, limit, &filter).await.expect("readable"));
    assert_eq!(read(Filter::All, 0, 10).await, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(read(Filter::Configuration, 0, 10).await, [1, 4, 7]);
    assert_eq!(read(Filter::Configuration, 1, 1).await, [4]);
    assert_eq!(read(Filter::Categories(vec!["incident"]), 0, 10).await, [2, 6]);
    assert_eq!(read(Filter::Categories(vec!["notice"]), 0, 10).await, [8]);
    assert_eq!(read(Filter::Categories(vec!["page", "team"]), 1, 10).await, [3, 7]);
    assert!(read(Filter::Categories(vec![]), 0, 10).await.is_empty());
    assert!(read(Filter::Categories(vec!["schedule"]), 0, 10).await.is_empty());
}

pub(crate) async fn a_read_returns_fewer_only_at_the_head(place: &impl Place) {
    let store = place.open().await;
    assert!(store.read(0, 10, &Filter::All).await.expect("readable").is_empty());
    fill(&store, 1, 25).await;
    let read =
        async |after, limit| positions(&store.read(after, limit, &Filter::All).await.expect("readable"));
    assert_eq!(read(0, 10).await, (1..=10).collect::<Vec<_>>());
    assert_eq!(read(10, 10).await, (11..=20).collect::<Vec<_>>());
    assert_eq!(read(20, 10).await, (21..=25).collect::<Vec<_>>());
    assert!(read(25, 10).await.is_empty());
    assert!(read(u64::MAX, 10).await.is_empty());
    assert!(read(0, 0).await.is_empty());
}

pub(crate) async fn events_are_found_by_position(place: &impl Place) {
    let store = place.open().await;
    fill(&store, 1, 10).await;
    let found = store.at(&[7, 3, 99, 7, 0, 10]).await.expect("readable");
    assert_eq!(positions(&found), [3, 7, 10]);
    assert!(store.at(&[]).await.expect("readable").is_empty());
}
