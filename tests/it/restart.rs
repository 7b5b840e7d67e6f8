//! A node that stops in the middle goes on where it was.

use commands::{Clock, VirtualClock};
use domain::Timestamp;
use serde_json::json;
use std::time::Duration;

use crate::support::{Outbox, TestApp, World};

#[tokio::test]
async fn an_escalation_goes_on_after_a_restart_and_pages_nobody_twice() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("midwatch.db");
    let clock = VirtualClock::at("2026-11-24T03:00:00Z".parse::<Timestamp>().expect("a time"));
    let outbox = Outbox::default();

    let app = TestApp::start_on(&file, clock.clone(), outbox.clone()).await;
    let world = World::make(&app).await;
    let (_, key) = app.create_integration("GENERIC", &world.service).await;
    app.post(&format!("/hooks/generic/{key}"), r#"{"title":"disk full"}"#).await;
    app.settle().await;
    app.stop().await;

    // The level became overdue while nobody was looking.
    clock.advance(Duration::from_mins(7));
    let app = TestApp::start_on(&file, clock.clone(), outbox.clone()).await;
    app.settle().await;
    assert_eq!(outbox.sent_to("first@example.org").len(), 1);
    assert_eq!(outbox.sent_to("second@example.org").len(), 1);
    let incident = app.incidents().await[0]["id"].as_str().expect("an id").to_owned();
    let escalation = app.incident(&incident).await["escalation"].clone();
    // The second level's ten minutes begin when it was reached, not when the first one ended.
    let next_at: Timestamp = escalation["nextAt"].as_str().expect("a step is armed").parse().expect("a time");
    assert_eq!(next_at, clock.now() + Duration::from_mins(10));
    app.stop().await;
}

#[tokio::test]
async fn read_models_that_were_deleted_come_back_and_nobody_is_paged_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("midwatch.db");
    let clock = VirtualClock::at("2026-11-24T03:00:00Z".parse::<Timestamp>().expect("a time"));
    let outbox = Outbox::default();
    let app = TestApp::start_on(&file, clock.clone(), outbox.clone()).await;
    let world = World::make(&app).await;
    let (_, key) = app.create_integration("GENERIC", &world.service).await;
    for title in ["one", "two", "three"] {
        app.post(&format!("/hooks/generic/{key}"), json!({ "title": title }).to_string()).await;
    }
    app.settle().await;
    let before = app.incidents().await;
    app.stop().await;

    for entry in std::fs::read_dir(folder.path()).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().contains("-read")) {
            std::fs::remove_file(path).expect("it can be deleted");
        }
    }
    let app = TestApp::start_on(&file, clock, outbox.clone()).await;
    app.settle().await;
    assert_eq!(app.incidents().await, before);
    assert_eq!(outbox.sent().len(), 3);
    app.stop().await;
}
