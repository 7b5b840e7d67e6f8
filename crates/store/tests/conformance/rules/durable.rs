//! What is there when a log is opened again.

use futures::{FutureExt, future::join_all};
use store::{Filter, Verified};

use crate::{
    place::Durable,
    told::{append, append_all, event, fill, follow, positions, stream, version},
};

pub(crate) async fn a_log_opened_again_is_as_it_was_left(place: &impl Durable) {
    let store = place.open().await;
    fill(&store, 1, 50).await;
    let before = store.read(0, 100, &Filter::All).await.expect("readable");
    store.close().await;

    let store = place.open().await;
    assert_eq!(store.head(), 50);
    assert_eq!(store.read(0, 100, &Filter::All).await.expect("readable"), before);
    assert_eq!(follow(&mut store.tail(0, Filter::All), 50, 7).await, (1..=50).collect::<Vec<_>>());
    let verified = store.verify(&mut |_| {}).await.expect("readable");
    assert!(matches!(verified, Verified::Intact { events: 50, .. }), "{verified:?}");
    store.close().await;
}

pub(crate) async fn a_command_recorded_before_the_log_was_closed_is_known(place: &impl Durable) {
    let store = place.open().await;
    let two = || append_all(1, stream("incident", 1), 0, vec![event("{}"), event("{}")]);
    let first = store.append(two()).await.expect("wins");
    store.append(append(2, stream("incident", 1), 2)).await.expect("wins");
    store.close().await;

    let store = place.open().await;
    let again = store.append(two()).await.expect("known");
    assert!(again.already);
    assert_eq!((again.position, again.version), (first.position, first.version));
    // The same when the version would fit.
    let elsewhere = store.append(append(1, stream("incident", 5), 0)).await.expect("known");
    assert!(elsewhere.already);
    assert_eq!((elsewhere.position, elsewhere.version), (first.position, first.version));
    assert_eq!(store.head(), 3);
    store.close().await;
}

pub(crate) async fn positions_and_versions_go_on_after_opening_again(place: &impl Durable) {
    for round in 0..4 {
        let store = place.open().await;
        store.append(append(1000 + round, "incident-x", version(round))).await.expect("wins");
        store.append(append(2000 + round, "incident-x", version(round))).await.expect_err("lost");
        fill(&store, round * 10, 4).await;
        store.close().await;
    }
    let store = place.open().await;
    let events = store.read(0, 100, &Filter::All).await.expect("readable");
    assert_eq!(positions(&events), (1..=20).collect::<Vec<_>>());
    assert_eq!(positions(&store.load("incident-x", 0).await.expect("readable")), [1, 6, 11, 16]);
    store.close().await;
}

pub(crate) async fn closing_settles_what_waits(place: &impl Durable) {
    let store = place.open().await;
    let waiting = (0..500).map(|n| store.append(append(n, stream("incident", n), 0)));
    // Handed in, and nobody listens to the answers.
    assert!(join_all(waiting).now_or_never().is_none());
    store.close().await;
    let store = place.open().await;
    assert_eq!(store.head(), 500);
    store.close().await;
}
