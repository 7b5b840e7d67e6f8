//! The engine over a log in memory: races, repeats and stale memories.

use std::sync::Arc;

use commands::{CommandError, Engine, MetadataExt, VirtualClock, mint};
use domain::{
    Actor, ConfigRejection, LayerId, OverrideId, Rejection, ScheduleId, TeamId, Timestamp, UserId,
    schedule::{Change, Layer, Rotation, Schedule, ScheduleCommand, Span, Version},
    team::{Team, TeamCommand},
};
use futures::future::join_all;
use store::{Filter, Metadata, Store};
use uuid::Uuid;

fn engine(store: &Store) -> Engine {
    Engine::new(store.clone(), Arc::new(VirtualClock::at(Timestamp::from_millis(0))))
}

fn create(name: &str) -> TeamCommand {
    TeamCommand::CreateTeam {
        name: name.into(),
        description: String::new(),
        members: vec![],
        unknown: vec![],
    }
}

fn rename(name: &str) -> TeamCommand {
    TeamCommand::UpdateTeam { name: Some(name.into()), description: None, members: None, unknown: vec![] }
}

fn metadata(command: u128) -> Metadata {
    Metadata::of(Actor::Administrator, Uuid::from_u128(command))
}

const TEAM: TeamId = TeamId::new(Uuid::from_u128(1));

#[tokio::test]
async fn commands_that_race_for_one_thing_all_come_through_in_some_order() {
    let store = Store::memory();
    let nodes = [engine(&store), engine(&store)];
    nodes[0].execute::<Team>(TEAM, &create("team"), &metadata(0)).await.expect("it is created");
    let renames = (1..=40_u32).map(|number| {
        let (node, metadata) = (&nodes[number as usize % 2], metadata(number.into()));
        async move { node.execute::<Team>(TEAM, &rename(&format!("team {number}")), &metadata).await }
    });
    for outcome in join_all(renames).await {
        outcome.expect("nobody is refused");
    }
    let history = store.load(&TEAM.stream(), 0).await.expect("it can be read");
    assert_eq!(history.len(), 41);
}

#[tokio::test]
async fn a_command_that_is_made_for_the_state_is_made_anew_after_a_lost_race() {
    let store = Store::memory();
    let nodes = [engine(&store), engine(&store)];
    nodes[0].execute::<Team>(TEAM, &create("t"), &metadata(0)).await.expect("it is created");
    let longer = (1..=40_u32).map(|number| {
        let (node, metadata) = (&nodes[number as usize % 2], metadata(number.into()));
        let made = |team: &Team| rename(&format!("{}e", team.name));
        async move { node.execute_made::<Team>(TEAM, made, &metadata).await }
    });
    for outcome in join_all(longer).await {
        outcome.expect("nobody is refused");
    }
    let (team, _) = nodes[1].load::<Team>(TEAM).await.expect("it can be read");
    assert_eq!(team.name, format!("t{}", "e".repeat(40)));
}

#[tokio::test]
async fn a_command_sent_twice_is_recorded_once_and_answers_the_same() {
    let store = Store::memory();
    let engine = engine(&store);
    let first = engine.execute::<Team>(TEAM, &create("team"), &metadata(1)).await.expect("it is created");
    engine.execute::<Team>(TEAM, &rename("other"), &metadata(2)).await.expect("it is renamed");
    engine.execute::<Team>(TEAM, &rename("third"), &metadata(3)).await.expect("it is renamed");
    // The same command again would rename it back if it were judged by the rules alone.
    let again = engine.execute::<Team>(TEAM, &rename("other"), &metadata(2)).await.expect("it is answered");
    assert!(again.events.is_empty());
    assert_eq!(again.position, first.position + 1);
    assert_eq!(again.state.name, "third");
}

#[tokio::test]
async fn a_command_sent_again_after_the_world_moved_on_is_answered_as_at_first() {
    let store = Store::memory();
    let engine = engine(&store);
    engine.execute::<Team>(TEAM, &create("team"), &metadata(1)).await.expect("it is created");
    let first = engine.execute::<Team>(TEAM, &rename("other"), &metadata(2)).await.expect("it is renamed");
    let retire = TeamCommand::RetireTeam { at: Timestamp::from_millis(1) };
    engine.execute::<Team>(TEAM, &retire, &metadata(3)).await.expect("it is retired");
    let again = engine.execute::<Team>(TEAM, &rename("other"), &metadata(2)).await.expect("it is answered");
    assert_eq!((again.position, again.events.len()), (first.position, 0));
}

#[tokio::test]
async fn a_refusal_is_made_from_fresh_history() {
    let store = Store::memory();
    let (ours, theirs) = (engine(&store), engine(&store));
    ours.execute::<Team>(TEAM, &create("team"), &metadata(1)).await.expect("it is created");
    theirs
        .execute::<Team>(TEAM, &TeamCommand::RetireTeam { at: Timestamp::from_millis(1) }, &metadata(2))
        .await
        .expect("it is retired");
    let refused = ours.execute::<Team>(TEAM, &rename("x"), &metadata(3)).await;
    assert!(matches!(refused, Err(CommandError::Rejected(ConfigRejection::Retired { .. }))), "{refused:?}");
}

#[tokio::test]
async fn a_command_on_what_its_sender_has_seen_is_judged_by_what_there_is() {
    let store = Store::memory();
    let (ours, theirs) = (engine(&store), engine(&store));
    let made = ours.execute::<Team>(TEAM, &create("team"), &metadata(1)).await.expect("it is created");
    let seen = || (Team::clone(&made.state), made.version);
    let described = TeamCommand::UpdateTeam {
        name: None,
        description: Some("on call".into()),
        members: None,
        unknown: vec![],
    };
    // The node has never looked at it; what was seen is as it is.
    let first = theirs.execute_on::<Team>(TEAM, seen(), &described, &metadata(2)).await.expect("it is taken");
    assert_eq!((first.version, first.state.description.as_str()), (2, "on call"));
    // By now it is out of date, for a node that remembers more and for one that remembers as little.
    for (number, node) in [(3, &theirs), (4, &ours), (5, &engine(&store))] {
        let name = format!("team {number}");
        let done = node.execute_on::<Team>(TEAM, seen(), &rename(&name), &metadata(number)).await;
        let done = done.expect("it is taken");
        assert_eq!((done.version, &done.state.name), (u64::try_from(number).expect("small"), &name));
        assert_eq!(done.state.description, "on call");
    }
}

#[tokio::test]
async fn a_refusal_names_its_field_and_leaves_no_trace() {
    let store = Store::memory();
    let refused = engine(&store).execute::<Team>(TEAM, &create(" "), &metadata(1)).await;
    let Err(CommandError::Rejected(rejection)) = refused else { panic!("it is refused, not {refused:?}") };
    assert_eq!((rejection.code(), rejection.field().as_deref()), ("INVALID", Some("name")));
    assert!(store.read(0, 10, &Filter::All).await.expect("it can be read").is_empty());
}

#[tokio::test]
async fn of_twenty_overlapping_overrides_from_two_nodes_exactly_one_succeeds() {
    let store = Store::memory();
    let nodes = [engine(&store), engine(&store)];
    let (id, at) = (ScheduleId::new(Uuid::from_u128(1)), Timestamp::from_millis(0));
    let user = |number: u32| UserId::new(Uuid::from_u128(number.into()));
    let daily = Rotation::Daily { every: 1 };
    let layer = Layer::simple(LayerId::ONLY, "Base", daily, at.utc().naive_utc(), vec![vec![user(1)]]);
    let version = Version { effective_from: at, time_zone: "UTC".into(), layers: vec![layer] };
    let create =
        ScheduleCommand::CreateSchedule { name: "Primary".into(), team: None, version, unknown: vec![], at };
    nodes[0].execute::<Schedule>(id, &create, &metadata(0)).await.expect("it is created");
    let overrides = (1..=20_u32).map(|number| {
        let (node, metadata) = (&nodes[number as usize % 2], metadata(number.into()));
        let start = at.plus_seconds(1_000 + u64::from(number));
        let command = ScheduleCommand::AddOverride {
            id: OverrideId::new(Uuid::from_u128(number.into())),
            change: Change::Replace { from: user(1), to: user(number + 1) },
            span: Span { start, end: start.plus_seconds(3_600) },
            reason: String::new(),
            by: Actor::Administrator,
            unknown: vec![],
            at,
        };
        async move { node.execute::<Schedule>(id, &command, &metadata).await }
    });
    let outcomes = join_all(overrides).await;
    let refused = |outcome: &Result<_, CommandError<ConfigRejection>>| {
        matches!(outcome, Err(CommandError::Rejected(ConfigRejection::Conflict(_))))
    };
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| refused(outcome)).count(), 19);
}

#[tokio::test]
async fn derived_ids_depend_on_the_command_and_the_purpose() {
    let (one, two) = (mint::uuid(), mint::uuid());
    assert_ne!(one, two);
    assert_eq!(mint::derived(one, "team"), mint::derived(one, "team"));
    assert_ne!(mint::derived(one, "team"), mint::derived(one, "user"));
    assert_ne!(mint::derived(one, "team"), mint::derived(two, "team"));
    let at = |millis| mint::derived_at(Timestamp::from_millis(millis), one, "decide");
    assert_eq!(at(1), at(1));
    assert!(at(1) < at(2) && at(2) < at(1_764_000_000_000), "later ones sort after earlier ones");
}
