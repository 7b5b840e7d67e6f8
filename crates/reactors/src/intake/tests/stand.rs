//! An intake over a log in memory, whose messages say what they ask for line by line.

use std::{sync::Arc, time::Duration};

use commands::{DirectoryHandle, Engine, EpisodeIndex, Intake, MetadataExt, Pace, VirtualClock, mint};
use connectors::{Connectors, Settings};
use domain::{
    Actor, AlertAction, DeliveryId, Fact, IncidentId, IntegrationId, Meaning, ServiceId, Severity, Timestamp,
    Translated,
    delivery::{Delivery, DeliveryCommand, DeliveryEvent, Envelope, Proof, RawBody, Test},
    incident::IncidentEvent,
    integration::{Handling, IntegrationKind, Ruling},
    json::Json,
    schedule::Tzdb,
};
use futures::{FutureExt, future::BoxFuture};
use projections::{ReadLocation, ReadModels};
use store::{Filter, Metadata, Options, Position, Recorded, Store, StoreError};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Parts,
    intake::{Reading, Whereabouts, decide, understand},
    notices::Desk,
    parts::Message,
    watcher::Lookout,
};

pub(super) const INTEGRATION: IntegrationId = IntegrationId::new(Uuid::from_u128(2));
pub(super) const SERVICE: ServiceId = ServiceId::new(Uuid::from_u128(3));
/// How long a part may take that answers in milliseconds.
const SOON: Duration = Duration::from_mins(1);

/// A node's intake, to be run piece by piece.
pub(super) struct Stand {
    pub(super) parts: Parts,
    stop: CancellationToken,
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Stand {
    /// An intake whose directory follows the log only once it is told to.
    pub(super) async fn set(options: Options) -> Self {
        let store = Store::memory_with(&options);
        let clock = VirtualClock::at(Timestamp::from_millis(1_764_000_000_000));
        let engine = Engine::new(store.clone(), Arc::new(clock));
        let reads = ReadModels::open(store.clone(), &ReadLocation::Memory).await.expect("read models");
        let zones = Arc::new(Tzdb::bundled());
        let directory = DirectoryHandle::start(store, zones).await.expect("it is folded");
        let index = Arc::new(Episodes(reads.clone()));
        let intake = Arc::new(Intake::new(engine.clone(), directory.clone(), index));
        let connectors = Connectors::new(&Settings::default()).expect("connectors");
        let stop = CancellationToken::new();
        let (following, until) = (reads.clone(), stop.clone());
        tokio::spawn(async move { following.follow(until).await });
        let parts = Parts {
            engine,
            pace: Pace::default(),
            directory,
            intake,
            reads,
            translate: Arc::new(translate),
            connectors,
            public_url: "http://localhost".to_owned(),
            desk: Desk::default(),
            lookout: Lookout::default(),
            whereabouts: Whereabouts::default(),
        };
        Self { parts, stop }
    }

    /// Stores a message with these lines.
    pub(super) async fn store(&self, lines: &str) -> Arc<Recorded> {
        self.store_in(lines, Envelope::default()).await
    }

    /// Stores a test that may do nothing.
    pub(super) async fn store_test(&self, lines: &str) -> Arc<Recorded> {
        self.store_in(lines, Envelope { test: Some(Test::Silent), ..Envelope::default() }).await
    }

    async fn store_in(&self, lines: &str, envelope: Envelope) -> Arc<Recorded> {
        let delivery = DeliveryId::new(mint::uuid());
        let command = DeliveryCommand::ReceiveDelivery {
            integration: INTEGRATION,
            format: IntegrationKind::Generic,
            service: SERVICE,
            proof: Proof::Key,
            body: RawBody::Text(lines.to_owned()),
            envelope,
            mistimed: None,
            at: self.parts.engine.now(),
        };
        let metadata = Metadata::of(Actor::Integration { id: INTEGRATION }, mint::uuid());
        let done = self.parts.engine.execute::<Delivery>(delivery, &command, &metadata).await;
        let position = done.expect("it is stored").position;
        let event = self.parts.engine.store().at(&[position]).await.expect("it can be read").pop();
        Arc::new(event.expect("it is there"))
    }

    /// Decides a message by itself, as when it comes.
    pub(super) async fn decide(&self, message: &Arc<Recorded>) {
        decide(&self.parts, vec![understand(&self.parts, message)]).await;
    }

    /// Decides the first things that a message asks for, and then there is a crash.
    pub(super) async fn decide_some(&self, message: &Arc<Recorded>, most: usize) {
        let Reading::Requests(mut requests, _) = understand(&self.parts, message) else {
            panic!("it asks for something");
        };
        requests.truncate(most);
        decide(&self.parts, vec![Reading::Requests(requests, vec![])]).await;
    }

    /// Stores a message and decides it.
    pub(super) async fn take(&self, lines: &str) -> Arc<Recorded> {
        let message = self.store(lines).await;
        self.decide(&message).await;
        message
    }

    /// The end of the log, once the read models are there.
    pub(super) async fn known(&self) -> Position {
        let head = self.parts.engine.store().head();
        assert!(self.parts.reads.reach(head, SOON).await, "the read models follow");
        head
    }

    /// What happened to the incident of a key, in an episode.
    pub(super) async fn incident(&self, key: &str, episode: u32) -> Vec<IncidentEvent> {
        let stream = IncidentId::of_episode(SERVICE, key, episode).stream();
        let history = self.parts.engine.store().load(&stream, 0).await.expect("it can be read");
        let decode = |event: &Recorded| IncidentEvent::decode(&event.kind, &event.payload).expect("a fact");
        history.iter().map(decode).collect()
    }

    /// How many alerts that incident took in.
    pub(super) async fn alerts(&self, key: &str, episode: u32) -> usize {
        let taken = |event: &IncidentEvent| match event {
            IncidentEvent::Triggered { alerts, .. } | IncidentEvent::AlertsJoined { alerts, .. } => {
                alerts.len()
            }
            _ => 0,
        };
        self.incident(key, episode).await.iter().map(taken).sum()
    }

    /// What was concluded about a message, once something is.
    pub(super) async fn concluded(&self, message: &Recorded) -> Vec<DeliveryEvent> {
        let looking = async {
            let mut tail = self.parts.engine.store().tail(0, Filter::All);
            loop {
                tail.next(100).await.expect("it can be read");
                let said = self.said(message).await;
                if !said.is_empty() {
                    return said;
                }
            }
        };
        tokio::time::timeout(SOON, looking).await.expect("something is concluded")
    }

    /// What was concluded about a message so far.
    pub(super) async fn said(&self, message: &Recorded) -> Vec<DeliveryEvent> {
        let history = self.parts.engine.store().load(&message.stream, 1).await.expect("it can be read");
        let decode = |event: &Recorded| DeliveryEvent::decode(&event.kind, &event.payload).expect("a fact");
        history.iter().map(decode).collect()
    }
}

/// Each line is an action and a key, and perhaps the key of a group. What is large has many words, and what is wide a long
/// key.
fn translate(message: Message<'_>, handling: &Handling) -> Result<Meaning, String> {
    let lines = std::str::from_utf8(message.body).map_err(|error| error.to_string())?;
    let mut alerts: Vec<_> = lines.lines().map(alert).collect();
    handling.apply(&Json::Null, &mut alerts);
    Ok(Meaning::Alerts(alerts))
}

fn alert(line: &str) -> Translated {
    let mut words = line.split(' ');
    let action = match words.next() {
        Some("resolve") => AlertAction::Resolve,
        _ => AlertAction::Trigger,
    };
    let mut key = words.next().unwrap_or_default().to_owned();
    if key.starts_with("wide") {
        key.push_str(&"k".repeat(1000));
    }
    let (key, own_key) = match words.next() {
        Some(group) => (group.to_owned(), Some(key)),
        None => (key, None),
    };
    let details = (key == "large").then(|| "x".repeat(domain::Alert::MAX_DETAILS));
    let ruling = Ruling { own_key, ..Ruling::default() };
    Translated {
        action,
        key,
        title: line.to_owned(),
        details,
        severity: Severity::High,
        ruling,
        ..Translated::default()
    }
}

struct Episodes(ReadModels);

impl EpisodeIndex for Episodes {
    fn latest<'a>(
        &'a self,
        service: ServiceId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<u32>, StoreError>> {
        let latest = async move { self.0.latest_episode(service, key).await };
        latest.map(|latest| latest.map_err(|fault| StoreError::Unavailable(fault.to_string().into()))).boxed()
    }
}
