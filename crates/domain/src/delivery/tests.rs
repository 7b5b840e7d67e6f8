//! Given a delivery, when it is asked for something, then what happens.

use uuid::Uuid;

use super::*;
use crate::UserId;

const AT: Timestamp = Timestamp::from_millis(1_764_000_000_000);

fn through(number: u128) -> IntegrationId {
    IntegrationId::new(Uuid::from_u128(number))
}

fn received() -> DeliveryEvent {
    DeliveryEvent::Received {
        integration: through(7),
        format: IntegrationKind::Generic,
        service: ServiceId::new(Uuid::from_u128(4)),
        proof: Proof::Key,
        body: RawBody::Text("{}".to_owned()),
        envelope: Envelope::default(),
        mistimed: None,
        at: AT,
    }
}

fn conclude() -> DeliveryCommand {
    let (integration, verdict, reason) = (through(7), Verdict::Rejected, "no title".to_owned());
    DeliveryCommand::ConcludeDelivery { integration, verdict, reason, incident: None, at: AT }
}

fn concluded() -> DeliveryEvent {
    let (integration, verdict, reason) = (through(7), Verdict::Rejected, "no title".to_owned());
    DeliveryEvent::Concluded { integration, verdict, reason, incident: None, at: AT }
}

fn by() -> Actor {
    Actor::User { id: UserId::new(Uuid::from_u128(1)) }
}

fn replay(integration: IntegrationId) -> DeliveryCommand {
    DeliveryCommand::ReplayDelivery { integration, by: by(), at: AT }
}

fn replayed() -> DeliveryEvent {
    DeliveryEvent::ReplayRequested { integration: through(7), by: by(), at: AT }
}

fn given(history: &[DeliveryEvent]) -> Delivery {
    Delivery::replay(history)
}

#[test]
fn a_message_is_concluded_once() {
    assert_eq!(given(&[received()]).decide(&conclude()), Ok(vec![concluded()]));
    assert_eq!(given(&[received(), concluded()]).decide(&conclude()), Ok(vec![]));
    assert_eq!(given(&[]).decide(&conclude()), Err(DeliveryRejection::NotFound));
}

#[test]
fn a_message_can_be_decided_again_whatever_became_of_it() {
    for history in
        [vec![received()], vec![received(), concluded()], vec![received(), concluded(), replayed()]]
    {
        assert_eq!(given(&history).decide(&replay(through(7))), Ok(vec![replayed()]), "{history:?}");
    }
    let again = [received(), concluded(), replayed()];
    assert_eq!(given(&again).decide(&conclude()), Ok(vec![concluded()]), "each replay has its verdict");
}

#[test]
fn nothing_is_replayed_that_did_not_come_through_the_entrance() {
    assert_eq!(given(&[]).decide(&replay(through(7))), Err(DeliveryRejection::NotFound));
    assert_eq!(given(&[received()]).decide(&replay(through(8))), Err(DeliveryRejection::NotFound));
    assert_eq!(
        given(&[received(), concluded()]).decide(&replay(through(8))),
        Err(DeliveryRejection::NotFound)
    );
}

#[test]
fn a_replay_concerns_the_entrance_and_whoever_asked_for_it() {
    let told: Vec<_> = replayed().subjects().iter().map(|one| one.as_str()[..4].to_owned()).collect();
    assert_eq!(told, ["int_", "usr_"]);
}
