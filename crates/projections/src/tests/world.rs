//! A log that is filled by ordinary commands.

use bytes::Bytes;
use domain::{
    Actor, Aggregate, AggregateId, Alert, Channel, ContactId, DeliveryId, Fact, IncidentId, IntegrationId,
    Ladder, Level, PageId, Responder, Roster, ServiceId, Severity, Target, TeamId, Timestamp, UserId,
    delivery::{Delivery, DeliveryCommand, Envelope, Proof, RawBody},
    incident::{Incident, IncidentCommand, OpenIncident, Terms},
    integration::IntegrationKind,
    page::{Page, PageCommand, PageStep},
};
use store::{Append, Metadata, NewEvent, Position, Store};
use uuid::Uuid;

/// When the world began; each event comes a second after the one before.
pub(super) const START: Timestamp = Timestamp::from_millis(1_764_000_000_000);

/// An event store with something in it.
pub(super) struct World {
    pub(super) store: Store,
    now: Timestamp,
    commands: u128,
}

pub(super) fn service(number: u128) -> ServiceId {
    ServiceId::new(Uuid::from_u128(0x5_0000 + number))
}

pub(super) fn team(number: u128) -> TeamId {
    TeamId::new(Uuid::from_u128(0x6_0000 + number))
}

pub(super) fn user(number: u128) -> UserId {
    UserId::new(Uuid::from_u128(0x7_0000 + number))
}

pub(super) fn integration(number: u128) -> IntegrationId {
    IntegrationId::new(Uuid::from_u128(0x8_0000 + number))
}

pub(super) fn delivery(number: u128) -> DeliveryId {
    DeliveryId::new(Uuid::from_u128(0x9_0000 + number))
}

pub(super) fn somebody() -> Actor {
    Actor::User { id: user(1) }
}

fn ladder() -> Ladder {
    let targets = vec![Target::User { id: user(1) }];
    Ladder { policy: None, levels: vec![Level { targets, timeout_seconds: 300 }; 2], repeat: 0 }
}

pub(super) fn roster() -> Roster {
    let one = vec![Responder { user: user(1), through: Target::User { id: user(1) } }];
    Roster { levels: vec![one.clone(), one], administrators: vec![user(9)], decided_at: 1 }
}

impl World {
    pub(super) fn new() -> Self {
        Self { store: Store::memory(), now: START, commands: 0 }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// Judges a command and records what it leads to; a refusal leads to nothing.
    pub(super) async fn execute<A: Aggregate>(&mut self, id: A::Id, command: &A::Command) -> Position {
        let history = self.store.load(&id.stream(), 0).await.expect("the log answers");
        let mut state = A::default();
        for event in &history {
            state.evolve(&A::Event::decode(&event.kind, &event.payload).expect("an event of ours"));
        }
        let Ok(events) = state.decide(command) else { return self.store.head() };
        let events = events.iter().map(|event| {
            let (kind, payload) = event.encode();
            NewEvent { kind: kind.into(), payload: payload.into(), subjects: event.subjects() }
        });
        self.record(&id.stream(), history.len() as u64, events.collect()).await
    }

    /// Records events that need not make sense.
    pub(super) async fn record(&mut self, stream: &str, expected: u64, events: Vec<NewEvent>) -> Position {
        self.now = self.now.plus_seconds(1);
        if events.is_empty() {
            return self.store.head();
        }
        self.commands += 1;
        let command_id = Uuid::from_u128(self.commands);
        let metadata = Metadata {
            actor: somebody(),
            command_id,
            correlation_id: command_id,
            causation_id: None,
            trace: None,
        };
        let append = Append { stream: stream.to_owned(), expected, events, metadata, recorded_at: self.now };
        self.store.append(append).await.expect("the log takes it").position
    }

    /// Records one event of any name.
    pub(super) async fn record_raw(&mut self, stream: &str, kind: &'static str, payload: &'static str) {
        let event =
            NewEvent { kind: kind.into(), payload: Bytes::from_static(payload.as_bytes()), subjects: vec![] };
        self.record(stream, 0, vec![event]).await;
    }

    pub(super) async fn receive(&mut self, id: DeliveryId, through: IntegrationId) -> Position {
        let command = DeliveryCommand::ReceiveDelivery {
            integration: through,
            format: IntegrationKind::Generic,
            service: service(0),
            proof: Proof::Key,
            body: RawBody::Text("{\"title\": \"disk\"}".into()),
            envelope: Envelope::default(),
            mistimed: None,
            at: self.now,
        };
        self.execute::<Delivery>(id, &command).await
    }

    pub(super) fn alert(&self, carried_by: DeliveryId, title: &str, severity: Severity) -> Alert {
        Alert::new(carried_by, integration(0), title, severity, self.now)
    }

    /// What opens an incident, or joins it.
    pub(super) fn opening(&self, on: ServiceId, key: &str, title: &str, alerts: Vec<Alert>) -> OpenIncident {
        OpenIncident {
            service: on,
            team: Some(team(on.uuid().as_u128() % 3)),
            key: key.into(),
            episode: 1,
            title: title.into(),
            details: None,
            severity: alerts.first().map_or(Severity::High, |alert| alert.severity),
            alerts,
            ladder: ladder(),
            roster: roster(),
            terms: Terms::default(),
            at: self.now,
        }
    }

    pub(super) async fn open(&mut self, opening: OpenIncident) -> IncidentId {
        let id = IncidentId::of_episode(opening.service, &opening.key, opening.episode);
        self.execute::<Incident>(id, &IncidentCommand::Open(Box::new(opening))).await;
        id
    }

    /// Opens an incident by hand.
    pub(super) async fn trigger(&mut self, key: &str) -> IncidentId {
        let opening = self.opening(service(0), key, &format!("{key} is broken"), vec![]);
        self.open(opening).await
    }

    pub(super) async fn acknowledge(&mut self, id: IncidentId) -> Position {
        let (by, via, at) = (somebody(), Channel::Api, self.now);
        self.execute::<Incident>(id, &IncidentCommand::AcknowledgeIncident { by, via, alert: None, at }).await
    }

    pub(super) async fn resolve(&mut self, id: IncidentId) -> Position {
        let (by, via, at, note) = (somebody(), Channel::Api, self.now, Some("restarted".to_owned()));
        let command = IncidentCommand::ResolveIncident { by, via, note, alert: None, at };
        self.execute::<Incident>(id, &command).await
    }

    pub(super) fn step(incident: IncidentId, number: u32) -> PageStep {
        PageStep {
            incident,
            cycle: 1,
            level: 1,
            user: user(1),
            step: number,
            contact: ContactId::new(Uuid::from_u128(3)),
            through: None,
        }
    }

    pub(super) async fn request(&mut self, step: PageStep, due_at: Timestamp) -> PageId {
        let channel = "email".into();
        let command = PageCommand::RequestPage { step, channel, due_at, decided_at: 1, at: self.now };
        self.execute::<Page>(step.id(), &command).await;
        step.id()
    }

    pub(super) async fn sent(&mut self, page: PageId, attempt: u32) -> Position {
        let (provider, reference) = ("smtp".into(), Some("250 ok".into()));
        self.execute::<Page>(page, &PageCommand::RecordSent { attempt, provider, reference, at: self.now })
            .await
    }

    pub(super) async fn failed(&mut self, page: PageId, attempt: u32, permanent: bool) -> Position {
        let (code, detail) = ("unreachable".into(), "no route\u{0}".into());
        let at = self.now;
        let command = PageCommand::RecordFailed { attempt, code, detail, permanent, retry_after: None, at };
        self.execute::<Page>(page, &command).await
    }
}
