//! What the directory makes of configuration that two nodes changed at once.

use std::sync::Arc;

use domain::{
    Actor, ServiceId, Timestamp,
    schedule::Tzdb,
    service::{RoutingKey, Service, ServiceCommand},
};
use store::{Metadata, Store};
use uuid::Uuid;

use super::*;
use crate::{Engine, MetadataExt, VirtualClock};

const FIRST: ServiceId = ServiceId::new(Uuid::from_u128(1));
const SECOND: ServiceId = ServiceId::new(Uuid::from_u128(2));

fn key(key: &str) -> RoutingKey {
    RoutingKey { key: key.into(), taken: false }
}

fn create(routing_key: &str) -> ServiceCommand {
    ServiceCommand::CreateService {
        name: format!("Service {routing_key}"),
        description: String::new(),
        team: None,
        policy: None,
        routing_key: Some(key(routing_key)),
        unknown: vec![],
    }
}

fn assign(routing_key: Option<RoutingKey>) -> ServiceCommand {
    ServiceCommand::UpdateService {
        name: None,
        description: None,
        team: None,
        policy: None,
        routing_key: Some(routing_key),
        unknown: vec![],
    }
}

#[tokio::test]
async fn a_routing_key_of_two_services_goes_to_the_other_when_the_first_gives_it_up() {
    let store = Store::memory();
    let engine = Engine::new(store.clone(), Arc::new(VirtualClock::at(Timestamp::from_millis(0))));
    let retire = ServiceCommand::RetireService { at: Timestamp::from_millis(1) };
    let steps = [
        (FIRST, create("Payments"), Some(FIRST)),
        (SECOND, create("payments"), Some(FIRST)),
        (FIRST, assign(Some(key("billing"))), Some(SECOND)),
        (FIRST, assign(Some(key("PAYMENTS"))), Some(SECOND)),
        (SECOND, retire, Some(FIRST)),
        (FIRST, assign(None), None),
    ];
    for (number, (service, command, expected)) in (1..).zip(steps) {
        let metadata = Metadata::of(Actor::Administrator, Uuid::from_u128(number));
        engine.execute::<Service>(service, &command, &metadata).await.expect("nobody knew of the other");
        let directory =
            DirectoryHandle::start(store.clone(), Arc::new(Tzdb::bundled())).await.expect("folded");
        assert_eq!(directory.now().service_by_routing_key("payments"), expected, "after step {number}");
    }
}
