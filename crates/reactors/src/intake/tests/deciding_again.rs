//! What a crash interrupted is decided once, whatever it is decided with, and no earlier than what came before it.

use std::fmt::Write;

use domain::{
    delivery::{DeliveryEvent, Verdict},
    incident::IncidentEvent,
};
use store::Options;

use super::stand::Stand;
use crate::intake::recovery::{complete, recover};

/// What a message says of problems with these numbers, all of one group.
fn group(action: &str, numbers: std::ops::Range<u32>) -> String {
    numbers.fold(String::new(), |mut lines, number| {
        let _ = writeln!(lines, "{action} host{number} eu");
        lines
    })
}

async fn decide_again(stand: &Stand) {
    let head = stand.known().await;
    recover(&stand.parts, head).await;
    complete(&stand.parts, 0, head).await;
}

#[tokio::test]
async fn alerts_that_were_decided_by_themselves_join_once_when_they_are_decided_with_others() {
    let stand = Stand::set(Options::default()).await;
    stand.take(&group("trigger", 0..10)).await;
    stand.take(&group("trigger", 10..210)).await;
    let head = stand.known().await;
    decide_again(&stand).await;
    assert_eq!((stand.alerts("eu", 1).await, stand.known().await), (210, head), "nothing is recorded twice");

    // A part of it was decided.
    let interrupted = stand.store(&group("trigger", 210..400)).await;
    stand.decide_some(&interrupted, 70).await;
    assert_eq!(stand.alerts("eu", 1).await, 280);
    decide_again(&stand).await;
    assert_eq!(stand.alerts("eu", 1).await, 400);
}

#[tokio::test]
async fn what_began_and_ended_before_a_crash_does_not_begin_again() {
    let stand = Stand::set(Options::default()).await;
    stand.take(&group("trigger", 0..10)).await;
    stand.take(&group("trigger", 10..150)).await;
    stand.take(&group("resolve", 0..60)).await;
    let head = stand.known().await;
    decide_again(&stand).await;
    assert_eq!(stand.known().await, head, "members that ended do not join again");

    stand.take(&group("resolve", 60..150)).await;
    let story = stand.incident("eu", 1).await;
    assert!(story.iter().any(|event| matches!(event, IncidentEvent::Resolved { .. })), "{story:?}");
    let head = stand.known().await;
    decide_again(&stand).await;
    assert_eq!(stand.known().await, head);
    assert_eq!(stand.incident("eu", 2).await, [], "what is over opens no other incident");
}

#[tokio::test]
async fn a_resolution_that_is_recorded_has_its_verdict_and_gets_no_other() {
    let stand = Stand::set(Options::default()).await;
    stand.take("trigger disk").await;
    let over = stand.take("resolve disk").await;
    stand.take("trigger disk").await;
    let head = stand.known().await;
    stand.decide(&over).await;
    assert_eq!((stand.said(&over).await, stand.known().await), (vec![], head));
    assert_eq!(stand.incident("disk", 2).await.len(), 2, "it opened and paged, and is not over");
}

/// The read models may lag behind at the start: then new messages do not wait for old ones.
#[tokio::test]
async fn an_old_resolution_ends_nothing_that_was_opened_after_it_came() {
    let stand = Stand::set(Options::default()).await;
    let early = stand.take("trigger cpu").await;
    stand.take("trigger host1 eu\ntrigger net").await;
    let vain = [
        stand.store("resolve disk").await,
        stand.store("resolve host2 eu").await,
        stand.store("resolve net").await,
        stand.store("resolve host1 eu").await,
    ];
    let over = stand.store("resolve cpu").await;
    stand.take("trigger disk\ntrigger net").await;
    stand.take("trigger host2 eu\ntrigger host1 eu").await;
    let head = stand.known().await;
    recover(&stand.parts, head).await;
    let again = "a later message says that the problem is there";
    let reasons = [
        "the incident began after this message came",
        "the problem began after this message came",
        again,
        again,
    ];
    for (message, expected) in vain.iter().zip(reasons) {
        let said = stand.said(message).await;
        let [DeliveryEvent::Concluded { verdict: Verdict::Ignored, reason, .. }] = &said[..] else {
            panic!("one thing is said: {said:?}");
        };
        assert_eq!(reason, expected);
    }
    assert_eq!((stand.said(&over).await, stand.said(&early).await), (vec![], vec![]));
    let ends = |story: Vec<IncidentEvent>| {
        let is_end = |event: &IncidentEvent| {
            matches!(event, IncidentEvent::Resolved { .. } | IncidentEvent::AlertEnded { .. })
        };
        story.iter().filter(|event| is_end(event)).count()
    };
    let ended = [
        ends(stand.incident("disk", 1).await),
        ends(stand.incident("eu", 1).await),
        ends(stand.incident("net", 1).await),
        ends(stand.incident("cpu", 1).await),
    ];
    assert_eq!(ended, [0, 0, 0, 1], "what was open when it came is over");
}
