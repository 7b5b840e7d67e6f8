//! Several nodes on one database.

use futures::future::join_all;
use store::{Filter, Options, StoreError, Verified};

use super::Postgres;
use crate::{
    place::Place,
    told::{append, append_all, event, fill, follow, positions, stream},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tail_sees_what_every_node_writes_once_and_in_order() {
    let place = Postgres::fresh().await;
    let nodes = join_all((0..3).map(|_| place.open())).await;
    let following = nodes.iter().map(|node| {
        let mut tail = node.tail(0, Filter::All);
        async move { follow(&mut tail, 3000, 100).await }
    });
    let writing = nodes.iter().zip(0..).map(|(node, number)| async move {
        for n in 0..100 {
            fill(node, 1 + number * 100_000 + n * 10, 10).await;
        }
    });
    let (seen, _) = futures::join!(join_all(following), join_all(writing));
    for seen in seen {
        assert_eq!(seen, (1..=3000).collect::<Vec<_>>());
    }
    let verified = nodes[0].verify(&mut |_| {}).await.expect("readable");
    assert!(matches!(verified, Verified::Intact { events: 3000, .. }), "{verified:?}");
}

#[tokio::test]
async fn a_node_whose_notifications_are_lost_follows_all_the_same() {
    let place = Postgres::fresh().await;
    let (writer, reader) = (place.open().await, place.open().await);
    let mut tail = reader.tail(0, Filter::All);
    let shell = place.shell().await;
    for round in 0..5_u32 {
        let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'LISTEN%'";
        shell.batch_execute(ended).await.expect("ended");
        fill(&writer, u128::from(1 + round * 10), 10).await;
        let seen = follow(&mut tail, u64::from(round + 1) * 10, 100).await;
        assert_eq!(seen.last(), Some(&(u64::from(round + 1) * 10)));
    }
}

#[tokio::test]
async fn nodes_that_start_together_migrate_once() {
    let place = Postgres::fresh().await;
    let nodes = join_all((0..6).map(|_| place.open_with(Options { readers: 1, ..Options::default() }))).await;
    for (node, n) in nodes.into_iter().zip(1..) {
        fill(&node.expect("opens"), n * 10, 1).await;
    }
}

#[tokio::test]
async fn a_command_retried_on_another_node_is_recorded_once() {
    let place = Postgres::fresh().await;
    let (one, other) = (place.open().await, place.open().await);
    let two = || append_all(7, stream("incident", 1), 0, vec![event("{}"), event("{}")]);
    let first = one.append(two()).await.expect("wins");
    let again = other.append(two()).await.expect("known");
    assert!(again.already);
    assert_eq!((again.position, again.version), (first.position, first.version));
    assert!(other.head() >= again.position, "what was answered can be waited for");
}

#[tokio::test]
async fn values_that_the_server_refuses_cost_nobody_else_anything() {
    let place = Postgres::fresh().await;
    let store = place.open().await;
    place
        .shell()
        .await
        .batch_execute("ALTER TABLE events ADD CHECK (1 / (length(payload::text) - 17) IS NOT NULL)")
        .await
        .expect("altered");
    // One payload has the length that cannot be divided by.
    let appends = (0..50).map(|n| {
        let payload = if n == 20 { r#"{"a":"123456789"}"# } else { "{}" };
        store.append(append_all(n, stream("incident", n), 0, vec![event(payload)]))
    });
    let outcomes = join_all(appends).await;
    for (outcome, n) in outcomes.into_iter().zip(0..) {
        match outcome {
            Ok(_) => assert_ne!(n, 20),
            Err(StoreError::Refused(why)) => assert_eq!(n, 20, "{why}"),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(store.head(), 49);
    let events = store.read(0, 100, &Filter::All).await.expect("readable");
    assert_eq!(positions(&events), (1..=49).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_database_set_to_another_isolation_level_is_as_safe() {
    let place = Postgres::fresh().await;
    let shell = place.shell().await;
    shell
        .batch_execute(
            "DO $$ BEGIN
                 EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable',
                     current_database());
             END $$",
        )
        .await
        .expect("altered");
    let nodes = join_all((0..2).map(|_| place.open())).await;
    for round in 0..100_u64 {
        let attempts = nodes.iter().zip(0..).map(|(node, number)| {
            node.append(append(u128::from(round) * 10 + number, stream("incident", 1), round))
        });
        let won = join_all(attempts).await.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(won, 1, "in round {round}");
    }
}
