//! The hash chain.

use sha2::{Digest, Sha256};
use store::{Filter, Verified};

use crate::{
    place::{Durable, Place, TAMPERINGS, Tampering},
    told::{append, append_all, event, fill, stream},
};

pub(crate) async fn each_hash_follows_from_the_one_before(place: &impl Place) {
    let store = place.open().await;
    fill(&store, 1, 5).await;
    store.append(append_all(10, "incident-x", 0, vec![event("{}"), event("{}")])).await.expect("wins");
    let mut previous = [0; 32];
    for event in store.read(0, 10, &Filter::All).await.expect("readable") {
        let mut content = Sha256::new();
        let metadata = serde_json::to_vec(&event.metadata).expect("JSON");
        let subjects = serde_json::to_vec(&event.subjects).expect("JSON");
        let (version, at) = (event.version.to_be_bytes(), event.recorded_at.millis().to_be_bytes());
        let parts: [&[u8]; 8] = [
            event.stream.as_bytes(),
            &version,
            event.id.as_bytes(),
            event.kind.as_bytes(),
            &at,
            &metadata,
            &event.payload,
            &subjects,
        ];
        for part in parts {
            content.update((part.len() as u64).to_be_bytes());
            content.update(part);
        }
        let mut hash = Sha256::new();
        hash.update(previous);
        hash.update(event.position.to_be_bytes());
        hash.update(content.finalize());
        previous = hash.finalize().into();
        assert_eq!(event.hash, previous, "at position {}", event.position);
    }
    let intact = Verified::Intact { events: 7, hash: previous };
    assert_eq!(store.verify(&mut |_| {}).await.expect("readable"), intact);
}

pub(crate) async fn an_untouched_log_is_intact(place: &impl Place) {
    let store = place.open().await;
    let empty = Verified::Intact { events: 0, hash: [0; 32] };
    assert_eq!(store.verify(&mut |_| {}).await.expect("readable"), empty);
    fill(&store, 1, 1500).await;
    let mut steps = Vec::new();
    let verified = store.verify(&mut |position| steps.push(position)).await.expect("readable");
    assert!(matches!(verified, Verified::Intact { events: 1500, .. }), "{verified:?}");
    assert_eq!(steps.last(), Some(&1500));
    assert!(steps.len() > 1 && steps.is_sorted(), "{steps:?}");
}

pub(crate) async fn every_tampering_is_named_with_its_first_position<P: Durable>(_: &P) {
    for how in TAMPERINGS {
        for position in [1, 7, 19] {
            // Putting in a copy of the event before needs one.
            let position = if matches!(how, Tampering::Insert) { position.max(2) } else { position };
            let place = P::fresh().await;
            let store = place.open().await;
            fill(&store, 1, 20).await;
            store.close().await;
            place.tamper(position, how).await;

            let store = place.open().await;
            let verified = store.verify(&mut |_| {}).await.expect("the walk itself goes well");
            let Verified::Tampered { position: named, why } = verified else {
                panic!("{how:?} at {position} went unnoticed: {verified:?}");
            };
            assert_eq!(named, position, "{how:?}: {why}");
            store.close().await;
        }
    }
}

pub(crate) async fn a_log_goes_on_after_any_tampering<P: Durable>(_: &P) {
    for how in TAMPERINGS {
        let place = P::fresh().await;
        let store = place.open().await;
        fill(&store, 1, 5).await;
        store.close().await;
        place.tamper(4, how).await;
        // Alerts must be taken whatever was done to old ones.
        let store = place.open().await;
        let outcome = store.append(append(10, stream("incident", 10), 0)).await;
        let position = outcome.unwrap_or_else(|error| panic!("after {how:?}: {error}")).position;
        assert!(position >= 5, "after {how:?}: {position}");
        assert_eq!(store.at(&[position]).await.expect("readable").len(), 1);
        store.close().await;
    }
}
