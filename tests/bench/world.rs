//! The smallest organisation that pages: one person, one policy, one service, one entrance that wants signatures.

use std::sync::Arc;

use commands::{Engine, MetadataExt, SystemClock, key_hash, mint};
use domain::{
    Actor, Aggregate, ContactId, IntegrationId, Ladder, Level, PolicyId, SecretId, ServiceId, Target, UserId,
    integration::{Integration, IntegrationCommand, IntegrationKind, RateLimit, Reading},
    policy::{Policy, PolicyCommand},
    service::{Service, ServiceCommand},
    user::{Contact, ContactMethod, NotificationRule, Profile, Role, User, UserCommand},
};
use store::{Metadata, Store};

use crate::Outcome;

/// Nobody is paged a second time while a measurement runs.
const TIMEOUT_SECONDS: u32 = 3600;

/// What requests and seeded histories refer to.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) user: UserId,
    pub(crate) contact: ContactId,
    pub(crate) service: ServiceId,
    pub(crate) integration: IntegrationId,
    pub(crate) ladder: Ladder,
    /// The integration's key, as in the path.
    pub(crate) key: String,
    /// What messages are signed with.
    pub(crate) signing_secret: String,
}

/// Records the organisation by ordinary commands; pages go to `url`.
pub(crate) async fn found(store: &Store, url: String) -> Outcome<World> {
    let engine = Engine::new(store.clone(), Arc::new(SystemClock));
    let world = World {
        user: UserId::new(mint::uuid()),
        contact: ContactId::new(mint::uuid()),
        service: ServiceId::new(mint::uuid()),
        integration: IntegrationId::new(mint::uuid()),
        ladder: Ladder::default(),
        key: hexadecimal(mint::secret::<16>()),
        signing_secret: format!("mws_{}", hexadecimal(mint::secret::<32>())),
    };
    let (page_secret, hook_secret) = (SecretId::new(mint::uuid()), SecretId::new(mint::uuid()));
    store.vault().seal(page_secret, &mint::secret::<32>()).await?;
    store.vault().seal(hook_secret, world.signing_secret.as_bytes()).await?;

    let method = ContactMethod::Webhook { url, secret: page_secret };
    let person = UserCommand::CreateUser {
        profile: Profile {
            name: "Ada".to_owned(),
            email: "ada@example.org".to_owned(),
            time_zone: "UTC".to_owned(),
            role: Role::Responder,
        },
        contacts: vec![Contact { id: world.contact, method }],
        rules: vec![NotificationRule { delay_seconds: 0, contact: world.contact }],
    };
    record::<User>(&engine, world.user, &person).await?;

    let policy = PolicyId::new(mint::uuid());
    let level = Level { targets: vec![Target::User { id: world.user }], timeout_seconds: TIMEOUT_SECONDS };
    let levels = vec![level.clone(), level];
    let (name, team, repeat, unknown) = ("Payments".to_owned(), None, 0, vec![]);
    let ladder =
        PolicyCommand::CreateEscalationPolicy { name, team, levels: levels.clone(), repeat, unknown };
    record::<Policy>(&engine, policy, &ladder).await?;

    let (name, description, policy_of) = ("Checkout".to_owned(), String::new(), Some(policy));
    let service = ServiceCommand::CreateService {
        name,
        description,
        team: None,
        policy: policy_of,
        routing_key: None,
        unknown: vec![],
    };
    record::<Service>(&engine, world.service, &service).await?;

    let entrance = IntegrationCommand::CreateIntegration {
        name: "Prometheus".to_owned(),
        kind: IntegrationKind::Generic,
        service: world.service,
        key_hash: key_hash(&world.key),
        signing_secret: Some(hook_secret),
        verification: None,
        reading: Reading::default(),
        // Measurements are of what Midwatch can do, not of what it allows one integration.
        rate_limit: Some(RateLimit::MOST_PER_MINUTE),
        watch: None,
        unknown: vec![],
        at: engine.now(),
    };
    record::<Integration>(&engine, world.integration, &entrance).await?;
    Ok(World { ladder: Ladder { policy: Some(policy), levels, repeat: 0 }, ..world })
}

/// Records one command, which must not be refused.
pub(crate) async fn record<A: Aggregate>(engine: &Engine, id: A::Id, command: &A::Command) -> Outcome<()> {
    let metadata = Metadata::of(Actor::Administrator, mint::uuid());
    engine.execute::<A>(id, command, &metadata).await.map_err(|why| format!("{}: {why}", A::CATEGORY))?;
    Ok(())
}

fn hexadecimal<const N: usize>(bytes: [u8; N]) -> String {
    bytes.iter().fold(String::with_capacity(2 * N), |digits, byte| digits + &format!("{byte:02x}"))
}
