//! Following the log.

use futures::FutureExt;
use store::{Filter, Options};
use tokio::task::JoinSet;

use crate::{
    place::Place,
    told::{append, fill, follow, stream},
};

/// A memory of recent events that is overrun all the time.
fn forgetful() -> Options {
    Options { recent_events: 3, ..Options::default() }
}

pub(crate) async fn a_tail_sees_each_event_once_while_others_write(place: &impl Place) {
    const WRITERS: u128 = 4;
    const EACH: u128 = 100;
    let store = place.open_with(Options { recent_events: 64, ..Options::default() }).await.expect("opens");
    fill(&store, 1_000_000, 100).await;
    let head = 100 + u64::try_from(WRITERS * EACH).expect("small");

    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        writers.spawn(async move {
            for n in writer * EACH..(writer + 1) * EACH {
                store.append(append(n, stream("incident", n), 0)).await.expect("wins");
            }
        });
    }
    // Tails that begin at several places and moments, some of them slow, each with steps of its own.
    let mut tails = JoinSet::new();
    let places = [Some(0), Some(1), Some(50), Some(100), None];
    for (place, limit) in places.into_iter().cycle().zip([1, 7, 1000].into_iter().cycle()).take(15) {
        let after = place.unwrap_or_else(|| store.head());
        let mut tail = store.tail(after, Filter::All);
        tails.spawn(async move { (after, follow(&mut tail, head, limit).await) });
        tokio::task::yield_now().await;
    }
    while let Some(result) = tails.join_next().await {
        let (after, seen) = result.expect("the tail ends");
        assert_eq!(seen, (after + 1..=head).collect::<Vec<_>>(), "after {after}");
    }
    writers.join_all().await;
}

pub(crate) async fn a_tail_starts_at_every_position(place: &impl Place) {
    let store = place.open_with(forgetful()).await.expect("opens");
    fill(&store, 1, 12).await;
    for after in 0..12 {
        for limit in [1, 5, 100] {
            let seen = follow(&mut store.tail(after, Filter::All), 12, limit).await;
            assert_eq!(seen, (after + 1..=12).collect::<Vec<_>>());
        }
    }
}

pub(crate) async fn a_tail_resumes_where_it_was_left(place: &impl Place) {
    let store = place.open().await;
    fill(&store, 1, 10).await;
    let mut through = 0;
    let mut seen = Vec::new();
    while through < 10 {
        let batch = store.tail(through, Filter::All).next(3).await.expect("there are more");
        seen.extend(batch.events.iter().map(|event| event.position));
        through = batch.through;
    }
    assert_eq!(seen, (1..=10).collect::<Vec<_>>());
}

pub(crate) async fn a_tail_waits_for_the_next_event(place: &impl Place) {
    let store = place.open().await;
    fill(&store, 1, 3).await;
    let mut tail = store.tail(3, Filter::All);
    let mut from_the_future = store.tail(4, Filter::All);
    assert!(tail.next(10).now_or_never().is_none());
    let (batch, outcome) = tokio::join!(tail.next(10), store.append(append(10, "incident-x", 0)));
    assert_eq!(outcome.expect("wins").position, 4);
    assert_eq!(batch.expect("an event").events[0].position, 4);
    assert!(tail.next(10).now_or_never().is_none());
    assert!(from_the_future.next(10).now_or_never().is_none());
    store.append(append(11, "incident-y", 0)).await.expect("wins");
    assert_eq!(from_the_future.next(10).await.expect("an event").events[0].position, 5);
}

pub(crate) async fn a_filtered_tail_passes_over_what_it_leaves_out(place: &impl Place) {
    for recent_events in [0, 1000] {
        let options = Options { recent_events, ..Options::default() };
        let store = place.open_with(options).await.expect("opens");
        let before = store.head();
        fill(&store, u128::from(before) + 1, 20).await;
        let head = store.head();
        for filter in [Filter::Configuration, Filter::Categories(vec!["team"])] {
            let mut tail = store.tail(before, filter);
            assert!(follow(&mut tail, head, 1000).await.is_empty());
            assert!(tail.next(1000).now_or_never().is_none(), "everything was considered");
        }
        let team = 1_000_000 + u128::from(head);
        let mut tail = store.tail(before, Filter::Configuration);
        store.append(append(team, stream("team", team), 0)).await.expect("wins");
        fill(&store, team + 1, 5).await;
        assert_eq!(follow(&mut tail, head + 6, 4).await, [head + 1]);
        store.close().await;
    }
}

pub(crate) async fn a_tail_falls_back_to_the_database_when_memory_is_overrun(place: &impl Place) {
    let store = place.open_with(forgetful()).await.expect("opens");
    let mut tail = store.tail(0, Filter::All);
    let mut seen = Vec::new();
    for round in 0..10 {
        fill(&store, round * 10 + 1, 10).await;
        // Falls further behind each round, then catches up.
        let batch = tail.next(4).await.expect("there are more");
        seen.extend(batch.events.iter().map(|event| event.position));
    }
    seen.extend(follow(&mut tail, 100, 7).await);
    assert_eq!(seen, (1..=100).collect::<Vec<_>>());
}

pub(crate) async fn an_abandoned_wait_loses_nothing(place: &impl Place) {
    let store = place.open_with(forgetful()).await.expect("opens");
    let mut tail = store.tail(0, Filter::All);
    let mut seen = Vec::new();
    for round in 0..20 {
        fill(&store, round * 5 + 1, 5).await;
        if let Some(batch) = tail.next(2).now_or_never() {
            seen.extend(batch.expect("the tail goes on").events.iter().map(|event| event.position));
        }
    }
    if seen.last() != Some(&100) {
        seen.extend(follow(&mut tail, 100, 9).await);
    }
    assert_eq!(seen, (1..=100).collect::<Vec<_>>());
}

pub(crate) async fn the_head_shown_can_be_read(place: &impl Place) {
    let store = place.open_with(Options { recent_events: 0, ..Options::default() }).await.expect("opens");
    let mut head = store.watch_head();
    let writer = store.clone();
    let writing = tokio::spawn(async move {
        for n in 0..200 {
            let outcome = writer.append(append(n, stream("incident", n), 0)).await.expect("wins");
            assert!(writer.head() >= outcome.position);
        }
    });
    while *head.borrow_and_update() < 200 {
        head.changed().await.expect("the log is open");
        let shown = *head.borrow_and_update();
        assert_eq!(store.at(&[shown]).await.expect("readable").len(), 1);
    }
    writing.await.expect("the writer ends");
}
