//! The stock repository of `postgres-es` as a judge: it must be able to replay our table unchanged.

use std::{collections::BTreeSet, env, process::Stdio};

use domain::{
    Aggregate, Fact, Timestamp, UserId,
    team::{Team, TeamEvent},
};
use serde_json::Value;
use store::NewEvent;
use tokio::process::Command;
use uuid::Uuid;

use super::Postgres;
use crate::{
    place::Place,
    told::{append_all, fill, stream},
};

/// Names the program in `tests/oracle`, which has a lock file of its own.
const ORACLE: &str = "MIDWATCH_TEST_ORACLE";

#[tokio::test]
async fn the_stock_repository_of_postgres_es_replays_our_table() {
    let Some(oracle) = env::var_os(ORACLE) else {
        eprintln!("{ORACLE} names no program: the oracle was not asked");
        return;
    };
    let user = |n| UserId::new(Uuid::from_u128(n));
    let history = [
        TeamEvent::Created {
            name: "Zürich \"night\" 🌙".into(),
            description: String::new(),
            members: BTreeSet::from([user(1)]),
        },
        TeamEvent::MembersChanged { joined: BTreeSet::from([user(2)]), left: BTreeSet::from([user(1)]) },
        TeamEvent::Retired { at: Timestamp::from_millis(1_764_000_000_000) },
    ];
    let place = Postgres::fresh().await;
    let store = place.open().await;
    for (event, version) in history.iter().zip(0..) {
        let (kind, payload) = event.encode();
        let event = NewEvent { kind: kind.into(), payload: payload.into(), subjects: event.subjects() };
        let append = append_all(1000 + u128::from(version), stream("team", 7), version, vec![event]);
        store.append(append).await.expect("wins");
        fill(&store, 1 + u128::from(version) * 10, 5).await;
    }

    let output = Command::new(oracle)
        .args(["replay", &place.url, "team", &Uuid::from_u128(7).to_string()])
        .stderr(Stdio::inherit())
        .output()
        .await
        .expect("the oracle runs");
    assert!(output.status.success());
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(said["version"], 3);
    assert_eq!(said["state"], format!("{:?}", Team::replay(&history)));
    let replayed: Vec<TeamEvent> = said["events"]
        .as_array()
        .expect("events")
        .iter()
        .map(|event| serde_json::from_value(event["event"].clone()).expect("one of our events"))
        .collect();
    assert_eq!(replayed, history);
}
