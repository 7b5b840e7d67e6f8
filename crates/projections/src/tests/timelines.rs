//! Given events, what is the story of a subject?

use bytes::Bytes;
use domain::{Severity, Subject};
use store::NewEvent;

use super::{
    place::{Place, each},
    world::{START, World, delivery, integration, service, user},
};
use crate::ReadModels;

/// The kinds of a subject's events, read in pages of this size.
async fn kinds(models: &ReadModels, subject: impl Into<Subject>, size: usize) -> Vec<String> {
    let (subject, mut kinds, mut after) = (subject.into(), Vec::new(), None);
    loop {
        let slice = models.timeline(&subject, size, after.as_deref()).await.expect("a page");
        assert!(slice.items.len() <= size);
        kinds.extend(slice.items.iter().map(|(_, event)| event.kind.to_string()));
        if !slice.has_next {
            return kinds;
        }
        after = slice.items.last().map(|(cursor, _)| cursor.clone());
    }
}

#[tokio::test]
async fn a_timeline_shows_everything_that_concerns_a_subject_page_by_page() {
    let mut world = World::new();
    let id = world.trigger("disk").await;
    world.trigger("other").await;
    let page = world.request(World::step(id, 0), START).await;
    world.sent(page, 1).await;
    world.acknowledge(id).await;
    for (_, models) in each(&world).await {
        let story = [
            "incident.triggered.v1",
            "incident.escalated.v1",
            "page.requested.v1",
            "page.sent.v1",
            "incident.acknowledged.v1",
        ];
        for size in 1..=6 {
            assert_eq!(kinds(&models, id, size).await, story);
        }
        assert_eq!(kinds(&models, page, 1).await, ["page.requested.v1", "page.sent.v1"]);
        assert_eq!(kinds(&models, service(0), 10).await, ["incident.triggered.v1"; 2]);
        assert_eq!(kinds(&models, user(1), 10).await.len(), 5);
    }
}

#[tokio::test]
async fn the_story_of_a_delivery_is_its_own_and_that_of_the_incidents_it_led_to() {
    let mut world = World::new();
    world.receive(delivery(1), integration(0)).await;
    for key in ["disk", "network"] {
        let alert = world.alert(delivery(1), key, Severity::High);
        let opening = world.opening(service(0), key, key, vec![alert]);
        world.open(opening).await;
    }
    let story = ["delivery.received.v1", "incident.triggered.v1", "incident.triggered.v1"];
    for (_, models) in each(&world).await {
        for size in 1..=4 {
            assert_eq!(kinds(&models, delivery(1), size).await, story);
        }
    }
}

#[tokio::test]
async fn nothing_is_shown_before_what_might_still_come_before_it() {
    let mut world = World::new();
    world.receive(delivery(1), integration(0)).await;
    for place in Place::all().await {
        let models = place.open(&world.store).await;
        assert!(kinds(&models, delivery(1), 10).await.is_empty(), "nothing is folded yet");
    }
}

#[tokio::test]
async fn a_story_that_goes_through_a_long_log_is_told_whole() {
    const CHAPTERS: usize = 40;
    let mut world = World::new();
    let filler =
        || NewEvent { kind: "tea.made.v1".into(), payload: Bytes::from_static(b"{}"), subjects: vec![] };
    for chapter in 0..CHAPTERS {
        world.trigger(&format!("disk {chapter}")).await;
        let stream = format!("tea-00000000-0000-0000-0000-{chapter:012}");
        world.record(&stream, 0, (0..700).map(|_| filler()).collect()).await;
    }
    for (_, models) in each(&world).await {
        for size in [1, 7, 50] {
            assert_eq!(kinds(&models, service(0), size).await, ["incident.triggered.v1"; CHAPTERS]);
        }
    }
}
