//! What the log hands over: after the configuration that precedes it, and whatever it leads to.

use std::sync::atomic::AtomicBool;

use commands::{MetadataExt, mint};
use domain::{
    Actor,
    delivery::{DeliveryEvent, Verdict},
    expression::Expression,
    integration::{
        HandlingChange, Integration, IntegrationCommand, IntegrationKind, Outcome, Reading, Routing, Rule,
    },
};
use store::{Metadata, Options};

use super::stand::{INTEGRATION, SERVICE, Stand};
use crate::{intake::follow, places::Places};

/// Records what another node answered for: an integration that drops everything.
async fn configure(stand: &Stand) {
    let at = stand.parts.engine.now();
    let create = IntegrationCommand::CreateIntegration {
        name: "tool".to_owned(),
        kind: IntegrationKind::Generic,
        service: SERVICE,
        key_hash: "0".repeat(64),
        signing_secret: None,
        verification: None,
        reading: Reading::default(),
        rate_limit: None,
        watch: None,
        unknown: vec![],
        at,
    };
    let condition = Expression::parse("true").expect("an expression");
    let rules = vec![Rule { name: "noise".to_owned(), condition, outcome: Outcome::Drop }];
    let routing = Some(Routing { rules, ..Routing::default() });
    let change = Box::new(HandlingChange { routing, ..HandlingChange::default() });
    for command in [create, IntegrationCommand::HandleDifferently { change, unknown: vec![] }] {
        let by = Metadata::of(Actor::Administrator, mint::uuid());
        stand.parts.engine.execute::<Integration>(INTEGRATION, &command, &by).await.expect("it is accepted");
    }
}

/// Decides what is stored, from the beginning of the log on.
fn start_following(stand: &Stand) {
    let parts = stand.parts.clone();
    tokio::spawn(async move {
        let places = Places::new(parts.reads.clone(), 0);
        follow(&parts, &places, 0, &AtomicBool::new(false)).await;
    });
}

#[tokio::test]
async fn a_message_waits_for_the_configuration_that_precedes_it_in_the_log() {
    let stand = Stand::set(Options::default()).await;
    configure(&stand).await;
    let message = stand.store("trigger disk").await;
    start_following(&stand);
    // As many turns as the intake likes, with a directory that has not seen the change.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert_eq!((stand.incident("disk", 1).await, stand.said(&message).await), (vec![], vec![]));
    let directory = stand.parts.directory.clone();
    tokio::spawn(async move { directory.follow().await });
    let said = stand.concluded(&message).await;
    let [DeliveryEvent::Concluded { verdict: Verdict::Suppressed, rule: Some(rule), .. }] = &said[..] else {
        panic!("the rule decides: {said:?}");
    };
    assert_eq!(rule, "noise");
}

#[tokio::test]
async fn what_the_log_never_takes_is_rejected_and_the_next_message_is_decided() {
    let stand = Stand::set(Options { queue_bytes: 10_000, ..Options::default() }).await;
    let directory = stand.parts.directory.clone();
    tokio::spawn(async move { directory.follow().await });
    let refused = stand.store("trigger large").await;
    let over = stand.store("resolve disk").await;
    start_following(&stand);
    let said = stand.concluded(&refused).await;
    let [DeliveryEvent::Concluded { verdict: Verdict::Rejected, reason, problems, .. }] = &said[..] else {
        panic!("it is rejected: {said:?}");
    };
    assert!(reason.starts_with("it cannot be recorded: the append is not acceptable: "), "{reason}");
    assert_eq!(problems[..], ["large"]);
    assert_eq!(stand.concluded(&over).await.len(), 1, "the intake goes on");
}

#[tokio::test]
async fn a_verdict_that_the_log_never_takes_is_said_in_brief() {
    let stand = Stand::set(Options { queue_bytes: 10_000, ..Options::default() }).await;
    let directory = stand.parts.directory.clone();
    tokio::spawn(async move { directory.follow().await });
    // Each of these ends nothing, and all of them together are more than the log takes at once.
    let lines: Vec<_> = (0..20).map(|number| format!("resolve wide{number}")).collect();
    let message = stand.store(&lines.join("\n")).await;
    start_following(&stand);
    let said = stand.concluded(&message).await;
    let [DeliveryEvent::Concluded { verdict: Verdict::Rejected, reason, problems, .. }] = &said[..] else {
        panic!("{} things are said", said.len());
    };
    assert_eq!((&**reason, problems.len()), ("what became of it cannot be recorded", 0));
}

/// What a test is told.
async fn told(stand: &Stand, lines: &str) -> Vec<String> {
    let test = stand.store_test(lines).await;
    stand.decide(&test).await;
    let told = stand.said(&test).await.into_iter().map(|said| match said {
        DeliveryEvent::Concluded { verdict: Verdict::Recorded, reason, .. } => reason,
        other => panic!("it is recorded: {other:?}"),
    });
    told.collect()
}

#[tokio::test]
async fn a_test_is_told_what_would_come_of_it_beside_what_is_open() {
    let stand = Stand::set(Options::default()).await;
    let place = format!("on {SERVICE}, key eu, severity high");
    let opening = format!("a test: would open an incident {place}, paging nobody");
    assert_eq!(told(&stand, "trigger host1 eu").await, [&*opening]);
    assert_eq!(
        told(&stand, "resolve host1 eu").await,
        ["a test: would lead to nothing: nothing was ever opened for this key"]
    );
    stand.take("trigger host1 eu\ntrigger host2 eu").await;
    let joining = format!("a test: would join the open incident “trigger host1 eu” {place}, paging nobody");
    assert_eq!(told(&stand, "trigger host3 eu").await, [joining]);
    assert_eq!(
        told(&stand, "resolve host1 eu").await,
        ["a test: would end one of the problems of an open incident"]
    );
    stand.take("resolve host1 eu\nresolve host2 eu").await;
    assert_eq!(told(&stand, "trigger host1 eu").await, [&*opening]);
    assert_eq!(stand.incident("eu", 2).await, [], "nothing came of it");
}
