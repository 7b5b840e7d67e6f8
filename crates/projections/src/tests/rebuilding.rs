//! Rebuilt equals live, byte for byte, however the live tables came to be.

use std::sync::Arc;

use proptest::{collection::vec, prelude::*};
use store::Filter;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::{
    history::{Step, happen, steps},
    place::{Place, try_in_postgres},
    world::World,
};
use crate::{ReadLocation, ReadModels, db::Side, projection::Projection};

/// How the live tables are folded: parts of the log by size, each written, lost before it is written, or followed by a
/// restart.
type Parts = Vec<(usize, u8)>;

async fn project(place: &Place, world: &World, parts: &Parts) -> ReadModels {
    let mut models = place.open(&world.store).await;
    let keeps = !matches!(place.location, ReadLocation::Memory);
    let mut projection = None;
    for (size, fate) in parts.iter().cycle() {
        let from = match projection {
            Some(projection) => projection,
            None => Projection::new(models.db().clone(), Side::Live, models.live().await.expect("a place")),
        };
        let mut going = from;
        let after = going.progress().position;
        let events = world.store.read(after, *size, &Filter::All).await.expect("the log answers");
        if events.is_empty() {
            break;
        }
        let events: Vec<_> = events.into_iter().map(Arc::new).collect();
        // In two folds, since one write may take in several.
        let (first, second) = events.split_at(events.len() / 2);
        going.fold(first).await.expect("it folds");
        going.fold(second).await.expect("it folds");
        let lost = *fate == 0 && parts.iter().any(|(_, fate)| *fate != 0);
        if !lost {
            assert!(going.write().await.expect("it is written"));
        }
        projection = if lost || *fate == 1 { None } else { Some(going) };
        if *fate == 1 && keeps {
            models = place.open(&world.store).await;
        }
    }
    models
}

async fn check(place: Place, steps: &[Step], parts: &Parts) -> Result<(), TestCaseError> {
    let mut world = World::new();
    happen(&mut world, steps).await;
    let models = project(&place, &world, parts).await;
    prop_assert_eq!(models.live().await.expect("a place").position, world.store.head());
    let live = models.digest().await.expect("a digest");

    let rebuilt = models.rebuild(&mut |_| {}).await.expect("it rebuilds");
    prop_assert_eq!(rebuilt.position, world.store.head());
    prop_assert_eq!(&models.digest().await.expect("a digest"), &live);
    // The names and indexes of the new tables allow another one.
    models.rebuild(&mut |_| {}).await.expect("it rebuilds again");
    prop_assert_eq!(&models.digest().await.expect("a digest"), &live);

    let memory = ReadModels::open(world.store.clone(), &ReadLocation::Memory).await.expect("it opens");
    memory.rebuild(&mut |_| {}).await.expect("it rebuilds");
    prop_assert_eq!(&memory.digest().await.expect("a digest"), &live);
    Ok(())
}

fn histories() -> impl Strategy<Value = (Vec<Step>, Parts)> {
    (steps(120), vec((1..40_usize, 0..6_u8), 1..8))
}

#[test]
fn rebuilt_tables_equal_live_ones_in_sqlite() {
    let runtime = Runtime::new().expect("a runtime");
    proptest!(ProptestConfig::with_cases(32), |((steps, parts) in histories())| {
        runtime.block_on(check(Place::sqlite(), &steps, &parts))?;
    });
}

#[test]
fn rebuilt_tables_equal_live_ones_in_postgres() {
    try_in_postgres(8, &histories(), async |place, (steps, parts)| check(place, &steps, &parts).await);
}

#[tokio::test]
async fn a_rebuild_while_the_projector_follows_is_taken_over_by_it() {
    for place in Place::all().await {
        let mut world = World::new();
        let first = world.trigger("disk").await;
        let models = place.open(&world.store).await;
        let shutdown = CancellationToken::new();
        let following = tokio::spawn({
            let (models, shutdown) = (models.clone(), shutdown.clone());
            async move { models.follow(shutdown).await }
        });
        for round in 0..5 {
            world.trigger(&format!("disk {round}")).await;
            models.rebuild(&mut |_| {}).await.expect("it rebuilds");
            let position = world.acknowledge(first).await.max(world.resolve(first).await);
            assert!(models.reach(position, std::time::Duration::from_secs(20)).await);
        }
        shutdown.cancel();
        following.await.expect("no panic").expect("no fault");
        let live = models.digest().await.expect("a digest");
        models.rebuild(&mut |_| {}).await.expect("it rebuilds");
        assert_eq!(models.digest().await.expect("a digest"), live, "{:?}", place.location);
    }
}

#[tokio::test]
async fn what_a_broken_off_rebuild_left_behind_does_not_disturb_the_next() {
    for place in Place::all().await {
        let mut world = World::new();
        world.trigger("disk").await;
        let models = place.open(&world.store).await;
        models.db().begin_next(&crate::projection::TABLES).await.expect("tables");
        models.rebuild(&mut |_| {}).await.expect("it rebuilds");
        assert_eq!(
            models.incidents(&crate::IncidentFilter::default(), 10, None).await.expect("a page").items.len(),
            1
        );
    }
}

#[tokio::test]
async fn of_two_rebuilds_the_later_one_wins() {
    for place in Place::all().await {
        let mut world = World::new();
        world.trigger("disk").await;
        let models = place.open(&world.store).await;
        let next = models.db().begin_next(&crate::projection::TABLES).await.expect("tables");
        let mut earlier = Projection::new(models.db().clone(), Side::Next, next);
        models.db().begin_next(&crate::projection::TABLES).await.expect("tables");
        let events = world.store.read(0, 10, &Filter::All).await.expect("the log answers");
        let events: Vec<_> = events.into_iter().map(Arc::new).collect();
        earlier.fold(&events).await.expect("it folds");
        assert!(!earlier.write().await.expect("the database answers"));
        let swapped = models.db().swap(&crate::projection::TABLES, earlier.progress(), 100).await;
        assert!(!swapped.expect("the database answers"));
    }
}
