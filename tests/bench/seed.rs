//! Long histories, written through the log itself with the events that alerts leave behind.

use bytes::Bytes;
use commands::{Clock, MetadataExt, SystemClock, mint};
use domain::{
    Actor, Alert, Channel, DeliveryId, Fact, IncidentId, NoteId, PageId, Responder, Severity, Target,
    Timestamp,
    delivery::{DeliveryEvent, Envelope, Proof, RawBody},
    incident::{Cause, IncidentEvent},
    integration::IntegrationKind,
    page::{PageEvent, PageStep},
};
use futures::{StreamExt, TryStreamExt, stream};
use projections::ReadModels;
use store::{Append, Metadata, NewEvent, Store, StoreError};

use crate::{Outcome, alerts, database::Database, world::World};

/// Histories written side by side.
const AT_ONCE: usize = 256;

/// How an incident went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Story {
    /// Nineteen events: six deliveries, a page, five joined alerts, a note, acknowledged, resolved.
    Long,
    /// Opened by an alert and paged; every tenth still open, two in ten acknowledged, the others resolved.
    Short,
    /// Opened by a person and waiting for its next level at this time; nobody is paged.
    Waiting { until: Timestamp },
}

/// Writes the histories of the incidents with these numbers.
pub(crate) async fn incidents(
    store: &Store,
    world: &World,
    numbers: std::ops::Range<usize>,
    story: Story,
) -> Outcome<()> {
    let writing = numbers.map(|number| write(store, world, number, story));
    stream::iter(writing).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    Ok(())
}

async fn write(store: &Store, world: &World, number: usize, story: Story) -> Result<(), StoreError> {
    let scribe = Scribe { store, world, number, at: SystemClock.now() };
    match story {
        Story::Long => scribe.long().await,
        Story::Short => scribe.short().await,
        Story::Waiting { until } => scribe.waiting(until).await,
    }
}

/// Writes the history of one incident.
struct Scribe<'a> {
    store: &'a Store,
    world: &'a World,
    number: usize,
    at: Timestamp,
}

impl Scribe<'_> {
    async fn long(&self) -> Result<(), StoreError> {
        let incident = self.incident();
        self.opened_by_alert(incident).await?;
        self.paged(incident).await?;
        let (mut joined, at) = (vec![], self.at);
        for _ in 0..5 {
            joined.push(self.delivered().await?);
        }
        let mut events: Vec<_> = joined
            .into_iter()
            .map(|alert| IncidentEvent::AlertsJoined {
                service: self.world.service,
                alerts: vec![alert],
                resolve_at: None,
                at,
            })
            .collect();
        let (from, to) = (Severity::High, Severity::Critical);
        events.push(IncidentEvent::SeverityRaised { from, to, by: None, reason: None, at });
        let (note, text) = (NoteId::new(mint::uuid()), "the payment provider confirms an outage".to_owned());
        events.push(IncidentEvent::NoteAdded { note, by: self.person(), text, at });
        events.extend([self.acknowledged(), self.resolved()]);
        self.append(incident.stream(), 2, &events).await
    }

    async fn short(&self) -> Result<(), StoreError> {
        let incident = self.incident();
        self.opened_by_alert(incident).await?;
        self.paged(incident).await?;
        match self.number % 10 {
            0 => Ok(()),
            1 | 2 => self.append(incident.stream(), 2, &[self.acknowledged()]).await,
            _ => self.append(incident.stream(), 2, &[self.acknowledged(), self.resolved()]).await,
        }
    }

    async fn waiting(&self, until: Timestamp) -> Result<(), StoreError> {
        self.append(self.incident().stream(), 0, &self.opened(vec![], until)).await
    }

    async fn opened_by_alert(&self, incident: IncidentId) -> Result<(), StoreError> {
        let alert = self.delivered().await?;
        self.append(incident.stream(), 0, &self.opened(vec![alert], self.at.plus_seconds(3600))).await
    }

    fn incident(&self) -> IncidentId {
        IncidentId::of_episode(self.world.service, &self.key(), 1)
    }

    fn key(&self) -> String {
        format!("seeded/payment-latency/{:08}", self.number)
    }

    fn opened(&self, alerts: Vec<Alert>, next_at: Timestamp) -> [IncidentEvent; 2] {
        let World { service, user, ref ladder, .. } = *self.world;
        let through = Target::User { id: user };
        let triggered = IncidentEvent::Triggered {
            service,
            team: None,
            key: self.key(),
            episode: 1,
            title: alerts::title(self.number),
            details: alerts.first().and_then(|alert| alert.details.clone()),
            severity: if self.number.is_multiple_of(3) { Severity::Critical } else { Severity::High },
            alerts,
            ladder: ladder.clone(),
            resolve_at: None,
            at: self.at,
        };
        let escalated = IncidentEvent::Escalated {
            cycle: 1,
            pass: 1,
            level: 1,
            responders: vec![Responder { user, through }],
            skipped: vec![],
            next_at,
            cause: Cause::Opened,
            by: None,
            decided_at: 4,
            at: self.at,
        };
        [triggered, escalated]
    }

    /// A message arrives; the alert that it carries.
    async fn delivered(&self) -> Result<Alert, StoreError> {
        let World { service, integration, .. } = *self.world;
        let delivery = DeliveryId::new(mint::uuid());
        let (title, details) = (alerts::title(self.number), alerts::details(self.number));
        let body = RawBody::Text(serde_json::json!({"title": title, "details": details}).to_string());
        let received = DeliveryEvent::Received {
            integration,
            format: IntegrationKind::Generic,
            service,
            proof: Proof::Signature,
            body,
            envelope: Envelope::default(),
            mistimed: None,
            at: self.at,
        };
        self.append(delivery.stream(), 0, &[received]).await?;
        Ok(Alert {
            details: Some(details),
            source: Some("payments.eu-west-1.example.org".to_owned()),
            ..Alert::new(delivery, integration, title, Severity::High, self.at)
        })
    }

    async fn paged(&self, incident: IncidentId) -> Result<(), StoreError> {
        let World { user, contact, .. } = *self.world;
        let through = Some(Target::User { id: user });
        let step = PageStep { incident, cycle: 1, level: 1, user, step: 0, contact, through };
        let page: PageId = step.id();
        let (channel, at) = ("webhook".to_owned(), self.at);
        let requested = PageEvent::Requested { step, channel, due_at: at, decided_at: 4, at };
        self.append(page.stream(), 0, &[requested]).await?;
        let (provider, reference) = ("webhook".to_owned(), Some("204".to_owned()));
        let sent = PageEvent::Sent { incident, user, attempt: 1, provider, reference, at };
        self.append(page.stream(), 1, &[sent]).await
    }

    fn person(&self) -> Actor {
        Actor::User { id: self.world.user }
    }

    fn acknowledged(&self) -> IncidentEvent {
        IncidentEvent::Acknowledged { by: self.person(), via: Channel::Api, alert: None, at: self.at }
    }

    fn resolved(&self) -> IncidentEvent {
        let note = Some("the provider recovered".to_owned());
        IncidentEvent::Resolved { by: self.person(), via: Channel::Api, note, alert: None, at: self.at }
    }

    async fn append<F: Fact>(&self, stream: String, expected: u64, facts: &[F]) -> Result<(), StoreError> {
        let events = facts
            .iter()
            .map(|fact| {
                let (kind, payload) = fact.encode();
                NewEvent { kind: kind.into(), payload: Bytes::from(payload), subjects: fact.subjects() }
            })
            .collect();
        let metadata = Metadata::of(self.person(), mint::uuid());
        self.store.append(Append { stream, expected, events, metadata, recorded_at: self.at }).await?;
        Ok(())
    }
}

/// Tells the reactors that they have seen all of a seeded history, as they would have if they had made it.
pub(crate) async fn caught_up(database: &Database) -> Outcome<()> {
    let store = database.open().await?;
    let reads = ReadModels::open(store.clone(), &database.reads()).await?;
    reads.set_checkpoints([("pager", store.head())]).await?;
    store.close().await;
    Ok(())
}
