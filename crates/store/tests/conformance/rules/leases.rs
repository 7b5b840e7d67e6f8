//! Leases.

use std::time::Duration;

use futures::future::join_all;
use store::{Lease, Store};
use uuid::Uuid;

use crate::{
    place::{Durable, Place},
    told::AT,
};

const TTL: Duration = Duration::from_secs(10);

async fn acquire(store: &Store, owner: u128, after_seconds: u64) -> Option<Lease> {
    let now = AT.plus_seconds(after_seconds);
    store.leases().acquire("clock", Uuid::from_u128(owner), now, TTL).await.expect("the database answers")
}

pub(crate) async fn a_lease_has_one_holder(place: &impl Place) {
    let store = place.open().await;
    let held = acquire(&store, 1, 0).await.expect("free");
    assert_eq!((held.epoch, held.until, held.owner), (1, AT + TTL, Uuid::from_u128(1)));
    assert_eq!(acquire(&store, 2, 9).await, None);
    let extended = acquire(&store, 1, 9).await.expect("held");
    assert_eq!((extended.epoch, extended.until), (1, AT.plus_seconds(9) + TTL));
    assert_eq!(acquire(&store, 2, 18).await, None, "it was extended");
    let other = store.leases().acquire("pager", Uuid::from_u128(2), AT, TTL).await.expect("answers");
    assert!(other.is_some(), "another name is another lease");
}

pub(crate) async fn an_expired_lease_is_taken_with_a_higher_epoch(place: &impl Place) {
    let store = place.open().await;
    acquire(&store, 1, 0).await.expect("free");
    assert_eq!(acquire(&store, 2, 10).await.expect("expired").epoch, 2);
    assert_eq!(acquire(&store, 1, 11).await, None);
    // Whoever let it expire may have been away: what it began then belongs to the old epoch.
    assert_eq!(acquire(&store, 2, 30).await.expect("expired").epoch, 3);
}

pub(crate) async fn a_released_lease_is_free_at_once(place: &impl Place) {
    let store = place.open().await;
    let held = acquire(&store, 1, 0).await.expect("free");
    store.leases().release(&held).await.expect("released");
    assert_eq!(acquire(&store, 2, 1).await.expect("free").epoch, 2);
}

pub(crate) async fn what_was_taken_cannot_be_released_by_its_old_holder(place: &impl Place) {
    let store = place.open().await;
    let old = acquire(&store, 1, 0).await.expect("free");
    let new = acquire(&store, 2, 10).await.expect("expired");
    store.leases().release(&old).await.expect("nothing happens");
    assert_eq!(acquire(&store, 1, 11).await, None);
    let stale = Lease { epoch: old.epoch, ..new };
    store.leases().release(&stale).await.expect("nothing happens");
    assert_eq!(acquire(&store, 1, 11).await, None);
}

pub(crate) async fn of_eight_owners_one_gets_the_lease(place: &impl Place) {
    let store = place.open().await;
    for round in 0..20 {
        let owners = (0..8).map(|owner| acquire(&store, owner, round * 10));
        let held: Vec<_> = join_all(owners).await.into_iter().flatten().collect();
        assert_eq!(held.len(), 1, "in round {round}: {held:?}");
        assert_eq!(held[0].epoch, round + 1);
    }
}

pub(crate) async fn epochs_survive_opening_again(place: &impl Durable) {
    for round in 0..3 {
        let store = place.open().await;
        let held = acquire(&store, 1, round).await.expect("free");
        assert_eq!(held.epoch, round + 1);
        store.leases().release(&held).await.expect("released");
        store.close().await;
    }
}
