//! The projector: it loses nothing, doubles nothing, and says when it cannot go on.

use std::{sync::Arc, time::Duration};

use store::Filter;
use tokio_util::sync::CancellationToken;

use super::{place::Place, world::World};
use crate::{IncidentFilter, ReadError, ReadModels, db::Side, projection::Projection};

const SOON: Duration = Duration::from_secs(20);

async fn projection(models: &ReadModels) -> Projection {
    Projection::new(models.db().clone(), Side::Live, models.live().await.expect("a place"))
}

#[tokio::test]
async fn of_two_projectors_one_wins_each_batch() {
    for place in Place::all().await {
        let mut world = World::new();
        world.trigger("disk").await;
        let models = place.open(&world.store).await;
        let events: Vec<_> = world.store.read(0, 10, &Filter::All).await.expect("the log answers");
        let events: Vec<_> = events.into_iter().map(Arc::new).collect();
        let (mut one, mut other) = (projection(&models).await, projection(&models).await);
        one.fold(&events).await.expect("it folds");
        other.fold(&events).await.expect("it folds");
        assert!(one.write().await.expect("the database answers"));
        assert!(!other.write().await.expect("the database answers"));
        let page = models.incidents(&IncidentFilter::default(), 10, None).await.expect("a page");
        assert_eq!(page.items.len(), 1);
    }
}

#[tokio::test]
async fn two_projectors_that_follow_together_do_everything_once() {
    for place in Place::all().await {
        let mut world = World::new();
        let models = place.open(&world.store).await;
        let shutdown = CancellationToken::new();
        let spawn = |models: ReadModels| {
            let shutdown = shutdown.clone();
            tokio::spawn(async move { models.follow(shutdown).await })
        };
        let (one, other) = (spawn(models.clone()), spawn(models.clone()));
        for number in 0..40 {
            world.trigger(&format!("disk {number}")).await;
        }
        assert!(models.reach(world.store.head(), SOON).await);
        shutdown.cancel();
        one.await.expect("no panic").expect("no fault");
        other.await.expect("no panic").expect("no fault");
        let page = models.incidents(&IncidentFilter::default(), 100, None).await.expect("a page");
        let numbers: Vec<_> = page.items.iter().map(|(_, view)| view.number).collect();
        assert_eq!(numbers, (1..=40).rev().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn other_nodes_see_how_far_the_projector_is() {
    let place = Place::sqlite();
    let mut world = World::new();
    let (projecting, observing) = (place.open(&world.store).await, place.open(&world.store).await);
    let shutdown = CancellationToken::new();
    let tasks = [
        tokio::spawn({
            let shutdown = shutdown.clone();
            async move { projecting.follow(shutdown).await.expect("no fault") }
        }),
        tokio::spawn({
            let (shutdown, observing) = (shutdown.clone(), observing.clone());
            async move { observing.observe(shutdown).await }
        }),
    ];
    world.trigger("disk").await;
    assert!(observing.reach(world.store.head(), SOON).await);
    shutdown.cancel();
    for task in tasks {
        task.await.expect("no panic");
    }
}

#[tokio::test]
async fn an_event_that_cannot_be_read_stops_the_projector_out_loud() {
    let mut world = World::new();
    world.trigger("disk").await;
    let readable = world.store.head();
    world.record_raw("incident-00000000-0000-0000-0000-000000000001", "incident.triggered.v1", "{}").await;
    let place = Place::sqlite();
    let models = place.open(&world.store).await;
    let fault = models.follow(CancellationToken::new()).await.expect_err("it stops");
    assert!(matches!(fault, ReadError::Damaged(_)), "{fault}");
    let told = models.fault().expect("a fault");
    assert!(told.contains(&format!("`incident.triggered.v1` at position {}", readable + 1)), "{told}");
}

#[tokio::test]
async fn an_event_of_a_newer_version_is_passed_over() {
    let mut world = World::new();
    let stream = "incident-00000000-0000-0000-0000-000000000001";
    world.record_raw(stream, "incident.praised.v1", "{\"by\": 1}").await;
    world.record_raw("tea-00000000-0000-0000-0000-000000000001", "tea.made.v1", "{}").await;
    let id = world.trigger("disk").await;
    let place = Place::sqlite();
    let models = place.open(&world.store).await;
    models.rebuild(&mut |_| {}).await.expect("it rebuilds");
    assert_eq!(models.position(), world.store.head());
    assert!(models.incident(id).await.expect("an answer").is_some());
    let subject = "inc_00000000000000000000000000000001".parse().expect("an id");
    assert_eq!(models.timeline(&subject, 10, None).await.expect("a page").items.len(), 1);
}

#[tokio::test]
async fn tables_of_another_log_are_refused() {
    let place = Place::sqlite();
    let mut world = World::new();
    world.trigger("disk").await;
    place.open(&world.store).await.rebuild(&mut |_| {}).await.expect("it rebuilds");
    let mut other = World::new();
    for key in ["one", "two", "three"] {
        other.trigger(key).await;
    }
    let models = place.open(&other.store).await;
    let fault = models.follow(CancellationToken::new()).await.expect_err("it stops");
    assert!(fault.to_string().contains("another log"), "{fault}");
    models.rebuild(&mut |_| {}).await.expect("it rebuilds");
    let page = models.incidents(&IncidentFilter::default(), 10, None).await.expect("a page");
    assert_eq!(page.items.len(), 3);
}

#[tokio::test]
async fn reactors_checkpoints_outlive_a_rebuild() {
    for place in Place::all().await {
        let world = World::new();
        let models = place.open(&world.store).await;
        assert_eq!(models.checkpoint("pager").await.expect("an answer"), 0);
        models.set_checkpoints([("pager", 7)]).await.expect("it is kept");
        models.set_checkpoints([("pager", 9), ("intake", 8)]).await.expect("they are kept");
        models.rebuild(&mut |_| {}).await.expect("it rebuilds");
        assert_eq!(models.checkpoint("pager").await.expect("an answer"), 9);
        assert_eq!(models.checkpoint("intake").await.expect("an answer"), 8);
    }
}
