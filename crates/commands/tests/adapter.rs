//! cqrs-es on our aggregates and our log: its test kit and its framework run unchanged.

use commands::adapter::{Adapted, AdaptedEvent, CqrsStore, aggregate_id};
use cqrs_es::{AggregateError, CqrsFramework, EventStore, test::TestFramework};
use domain::{
    Actor, TeamId, Timestamp,
    team::{Team, TeamCommand, TeamEvent},
};
use store::Store;
use uuid::Uuid;

fn create() -> TeamCommand {
    TeamCommand::CreateTeam {
        name: "team".into(),
        description: String::new(),
        members: vec![],
        unknown: vec![],
    }
}

fn retire() -> TeamCommand {
    TeamCommand::RetireTeam { at: Timestamp::from_millis(5) }
}

fn store(log: &Store) -> CqrsStore<Team> {
    CqrsStore::new(log.clone(), Actor::Administrator, || Timestamp::from_millis(5))
}

#[test]
fn the_test_kit_of_cqrs_es_judges_our_deciders() {
    let created = AdaptedEvent(TeamEvent::Created {
        name: "team".into(),
        description: String::new(),
        members: [].into(),
    });
    TestFramework::<Adapted<Team>>::with(())
        .given(vec![created])
        .when(retire())
        .then_expect_events(vec![AdaptedEvent(TeamEvent::Retired { at: Timestamp::from_millis(5) })]);
}

#[tokio::test]
async fn the_framework_of_cqrs_es_runs_on_our_log() {
    let log = Store::memory();
    let id = aggregate_id(TeamId::new(Uuid::from_u128(1)));
    let framework = CqrsFramework::new(store(&log), vec![], ());
    framework.execute(&id, create()).await.expect("it is created");
    framework.execute(&id, retire()).await.expect("it is retired");
    let events = store(&log).load_events(&id).await.expect("they can be read");
    let numbered: Vec<_> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(numbered, [1, 2]);
    assert_eq!(log.head(), 2);
}

#[tokio::test]
async fn a_stale_commit_conflicts() {
    let log = Store::memory();
    let id = aggregate_id(TeamId::new(Uuid::from_u128(1)));
    let events =
        || vec![AdaptedEvent(TeamEvent::Renamed { name: "team".into(), description: String::new() })];
    let (ours, theirs) = (store(&log), store(&log));
    let stale = ours.load_aggregate(&id).await.expect("it can be read");
    let fresh = theirs.load_aggregate(&id).await.expect("it can be read");
    theirs.commit(events(), fresh, [].into()).await.expect("it is first");
    let refused = ours.commit(events(), stale, [].into()).await;
    assert!(matches!(refused, Err(AggregateError::AggregateConflict)), "{refused:?}");
}
