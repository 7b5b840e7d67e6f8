//! What can happen to the file and those beside it.

use std::fs;

use domain::SecretId;
use store::{DatabaseUrl, Filter, Options, Store, StoreError, Verified};
use uuid::Uuid;

use super::Sqlite;
use crate::{
    place::Place,
    told::{append, append_all, event, fill, positions, stream},
};

fn unavailable(outcome: Result<store::Store, StoreError>) -> String {
    match outcome.expect_err("refused") {
        StoreError::Unavailable(why) => why.to_string(),
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_second_handle_on_the_file_is_refused() {
    let place = Sqlite::fresh().await;
    let store = place.open().await;
    let why = unavailable(place.open_with(Options::default()).await);
    assert!(why.contains("another process has") && why.contains("log.db"), "{why}");
    fill(&store, 1, 3).await;
    store.close().await;
    let store = place.open().await;
    assert_eq!(store.head(), 3);
}

#[tokio::test]
async fn a_link_leads_to_the_same_file_with_its_lock_and_its_key() {
    let place = Sqlite::fresh().await;
    let store = place.open().await;
    let link = place.folder.path().join("link.db");
    std::os::unix::fs::symlink(place.path(), &link).expect("linked");
    let link = DatabaseUrl::Sqlite(link);
    let by_link = || Store::open(&link, Options::default());
    let why = unavailable(by_link().await);
    assert!(why.contains("another process has"), "{why}");
    let id = SecretId::new(Uuid::from_u128(1));
    store.vault().seal(id, b"kept").await.expect("sealed");
    store.close().await;
    let store = by_link().await.expect("nobody has it");
    assert_eq!(store.vault().open(id).await.expect("it opens").as_deref(), Some(&b"kept"[..]));
}

#[tokio::test]
async fn a_file_in_no_folder_is_named_in_the_error() {
    let url = "sqlite:nowhere/at/all/log.db".parse().expect("a url");
    let why = unavailable(store::Store::open(&url, Options::default()).await);
    assert!(why.contains("nowhere/at/all/log.db"), "{why}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() {
    let place = Sqlite::fresh().await;
    let text = "not a database, but somebody's notes about one\n".repeat(100);
    fs::write(place.path(), &text).expect("written");
    let error = place.open_with(Options::default()).await.expect_err("no database");
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    assert_eq!(fs::read_to_string(place.path()).expect("still there"), text);
}

#[tokio::test]
async fn a_file_of_a_newer_midwatch_is_refused() {
    let place = Sqlite::fresh().await;
    place.open().await.close().await;
    let sql = "INSERT INTO refinery_schema_history VALUES (999, 'later', '2026-11-24T03:00:00Z', '1')";
    place.shell().execute(sql, []).expect("written");
    let error = place.open_with(Options::default()).await.expect_err("too new");
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_vault_key_is_for_its_owner_only_and_not_in_the_database() {
    use std::os::unix::fs::PermissionsExt;
    let place = Sqlite::fresh().await;
    let store = place.open().await;
    let id = SecretId::new(Uuid::from_u128(1));
    store.vault().seal(id, b"correct horse battery staple").await.expect("sealed");
    store.close().await;

    let key = place.folder.path().join("log.db.key");
    assert_eq!(fs::metadata(&key).expect("there").permissions().mode() & 0o777, 0o600);
    let stored = fs::read(place.path()).expect("readable");
    assert!(!stored.windows(13).any(|bytes| bytes == b"correct horse"));

    fs::write(&key, "not a key").expect("written");
    let error = place.open_with(Options::default()).await.expect_err("no key");
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    fs::remove_file(&key).expect("removed");
    let store = place.open().await;
    store.vault().open(id).await.expect_err("the key is gone");
}

#[tokio::test]
async fn a_fault_of_the_database_ends_without_opening_the_log_again() {
    let place = Sqlite::fresh().await;
    let store = place.open().await;
    fill(&store, 1, 10).await;
    // A trigger strikes in the middle of a group, as a full disk does, after the receipt was written.
    let shell = place.shell();
    let fault = "CREATE TRIGGER fault BEFORE INSERT ON events BEGIN SELECT raise(FAIL, 'disk full'); END";
    shell.execute_batch(fault).expect("created");
    for n in 100..110 {
        let error = store.append(append(n, stream("incident", n), 0)).await.expect_err("a fault");
        assert!(matches!(&error, StoreError::Unavailable(_)), "{error}");
    }
    assert_eq!(store.head(), 10);
    assert_eq!(store.read(0, 100, &Filter::All).await.expect("still readable").len(), 10);
    shell.execute_batch("DROP TRIGGER fault").expect("dropped");
    for n in 100..110 {
        let outcome = store.append(append(n, stream("incident", n), 0)).await.expect("it is over");
        assert!(!outcome.already, "nothing of it was kept");
    }
    let events = store.read(0, 100, &Filter::All).await.expect("readable");
    assert_eq!(positions(&events), (1..=20).collect::<Vec<_>>());
    let verified = store.verify(&mut |_| {}).await.expect("readable");
    assert!(matches!(verified, Verified::Intact { events: 20, .. }), "{verified:?}");
}

#[tokio::test]
async fn few_configuration_events_are_found_among_many_others_by_their_index() {
    let place = Sqlite::fresh().await;
    place.open().await.close().await;
    let shell = place.shell();
    let plan: String = shell
        .query_row(
            "EXPLAIN QUERY PLAN SELECT payload FROM events INDEXED BY events_configuration WHERE position > 0
             AND position <= 9 AND category NOT IN ('delivery', 'incident', 'oncall', 'page') ORDER BY position LIMIT 5",
            [],
            |row| row.get("detail"),
        )
        .expect("the index serves the query");
    assert!(plan.contains("events_configuration") && !plan.contains("TEMP"), "{plan}");
}

#[tokio::test]
async fn rare_events_are_found_across_many_pages() {
    let place = Sqlite::fresh().await;
    let store = place.open().await;
    store.append(append(1, stream("team", 1), 0)).await.expect("wins");
    store.close().await;
    place
        .shell()
        .execute_batch(
            "WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < 50000)
         INSERT INTO events SELECT n, 'incident', 'incident-' || n, 1, randomblob(16), kind, recorded_at,
             metadata, subjects, hash, payload FROM events, n WHERE position = 1;
         UPDATE log_head SET position = 50000",
        )
        .expect("written");
    let store = place.open().await;
    store.append(append(2, stream("team", 2), 0)).await.expect("wins");
    let rare = Filter::Categories(vec!["team"]);
    assert_eq!(positions(&store.read(0, 10, &rare).await.expect("readable")), [1, 50_001]);
    let mut tail = store.tail(1, rare);
    let mut steps = 0;
    let found = loop {
        let batch = tail.next(10).await.expect("the tail goes on");
        steps += 1;
        if let Some(event) = batch.events.first() {
            break event.position;
        }
    };
    assert_eq!(found, 50_001);
    assert!(steps > 1, "one step is bounded work");
}

#[tokio::test]
async fn the_write_ahead_log_stays_small_however_much_is_appended() {
    let place = Sqlite::fresh().await;
    let store = place.open().await;
    let wal = place.folder.path().join("log.db-wal");
    let large = format!("{{\"x\":\"{}\"}}", "y".repeat(1_000_000));
    for n in 0..250 {
        let append = append_all(n, stream("delivery", n), 0, vec![event(large.clone())]);
        store.append(append).await.expect("wins");
    }
    let bytes = fs::metadata(&wal).expect("there").len();
    assert!(bytes < 150_000_000, "{bytes} bytes for 250 MB of events");
    store.close().await;
    assert_eq!(fs::metadata(&wal).map_or(0, |file| file.len()), 0, "all of it was folded in");
}
