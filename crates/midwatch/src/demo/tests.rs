//! The demo as a newcomer meets it.

use std::{path::Path, time::Duration};

use domain::{Severity, Timestamp};
use projections::{IncidentFilter, PageState, Status};

use crate::{Config, Parts, Running, start};

async fn demo_on(file: &Path) -> Running {
    let database = format!("sqlite:{}", file.display());
    let config = Config {
        demo: true,
        allow_private_targets: String::new(),
        ..Config::for_tests(&database, "demo-token")
    };
    let mut running = start(config, Parts::default()).await.expect("the demo starts");
    running.demo.as_mut().expect("a demo").complete().await;
    settle(&running).await;
    running
}

/// Waits until read models and reactors have done all that the log asks for.
async fn settle(running: &Running) {
    let (reads, store) = (&running.app.reads, running.app.engine.store());
    let now = || Timestamp::from_millis(running.app.engine.now().millis());
    let settled = async || {
        let head = store.head();
        reads.reach(head, Duration::from_secs(30)).await
            && reads.undecided(0, 1).await.is_ok_and(|rows| rows.is_empty())
            && reads.checkpoint("pager").await.is_ok_and(|position| position >= head)
            && reads.due_pages(now(), None, 1).await.is_ok_and(|rows| rows.is_empty())
            && store.head() == head
    };
    let waiting = async {
        while !settled().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waiting).await.expect("the demo settles");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_shows_every_state_and_a_second_start_adds_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("demo.db");
    let running = demo_on(&file).await;
    let slice = running.app.reads.incidents(&IncidentFilter::default(), 10, None).await.expect("incidents");
    let mut states: Vec<_> =
        slice.items.iter().map(|(_, view)| (view.severity, view.status, view.escalation.level)).collect();
    states.sort_by_key(|(severity, ..)| *severity);
    assert_eq!(
        states,
        [
            (Severity::Low, Status::Resolved, 1),
            (Severity::Medium, Status::Triggered, 1),
            (Severity::High, Status::Acknowledged, 1),
            (Severity::Critical, Status::Triggered, 2),
        ]
    );
    for (_, view) in &slice.items {
        let pages = running.app.reads.pages(view.id).await.expect("pages");
        assert!(
            pages
                .iter()
                .all(|page| matches!(page.state, PageState::Sent { .. } | PageState::Withdrawn { .. })),
            "the phone takes every page: {pages:?}"
        );
    }
    let head = running.app.engine.store().head();
    running.shutdown().await.expect("it stops");

    // On another port, so every contact moves; apart from that nothing happens.
    let again = demo_on(&file).await;
    let events = again.app.engine.store().read(head, 100, &store::Filter::All).await.expect("events");
    let kinds: Vec<_> = events.iter().map(|event| &*event.kind).collect();
    assert!(kinds.iter().all(|kind| *kind == "user.reachability_changed.v1"), "{kinds:?}");
    again.shutdown().await.expect("it stops");
}
