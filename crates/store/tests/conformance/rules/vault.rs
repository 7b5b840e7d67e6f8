//! Secrets.

use domain::SecretId;
use store::{Options, StoreError};
use uuid::Uuid;

use crate::place::{Durable, Place};

fn id(n: u128) -> SecretId {
    SecretId::new(Uuid::from_u128(n))
}

pub(crate) async fn a_secret_comes_back_as_it_was_sealed(place: &impl Place) {
    let store = place.open().await;
    let large = vec![7; 100_000];
    for (n, secret) in [&b"hush"[..], b"", &large].into_iter().enumerate() {
        store.vault().seal(id(n as u128), secret).await.expect("sealed");
        assert_eq!(store.vault().open(id(n as u128)).await.expect("opens").as_deref(), Some(secret));
    }
    assert_eq!(store.vault().open(id(9)).await.expect("looked for"), None);
}

pub(crate) async fn a_secret_sealed_again_is_replaced(place: &impl Place) {
    let store = place.open().await;
    store.vault().seal(id(1), b"old").await.expect("sealed");
    store.vault().seal(id(1), b"new").await.expect("sealed");
    assert_eq!(store.vault().open(id(1)).await.expect("opens").as_deref(), Some(&b"new"[..]));
}

pub(crate) async fn the_key_is_kept_beside_the_data(place: &impl Durable) {
    for round in 0..3 {
        let store = place.open().await;
        if round == 0 {
            store.vault().seal(id(1), b"hush").await.expect("sealed");
        }
        assert_eq!(store.vault().open(id(1)).await.expect("opens").as_deref(), Some(&b"hush"[..]));
        store.close().await;
    }
}

pub(crate) async fn a_secret_does_not_open_with_another_key(place: &impl Durable) {
    let with = |key: u8| Options { vault_key: Some([key; 32]), ..Options::default() };
    let store = place.open_with(with(1)).await.expect("opens");
    store.vault().seal(id(1), b"hush").await.expect("sealed");
    store.close().await;

    let store = place.open_with(with(2)).await.expect("opens");
    let error = store.vault().open(id(1)).await.expect_err("another key");
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    assert!(error.to_string().contains(&id(1).to_string()), "{error}");
    store.close().await;

    let store = place.open_with(with(1)).await.expect("opens");
    assert_eq!(store.vault().open(id(1)).await.expect("opens").as_deref(), Some(&b"hush"[..]));
    store.close().await;
}
