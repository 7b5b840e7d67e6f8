//! Midwatch's deciders and log behind the traits of cqrs-es, in one generic place.
//!
//! The framework's executor, test kit and tools work on every aggregate through [`Adapted`], and on
//! the log through [`CqrsStore`]. Midwatch itself runs on [`Engine`](crate::Engine), which answers
//! with positions, repeats lost races and knows command ids.

use std::{collections::HashMap, fmt, marker::PhantomData};

use cqrs_es::{
    AggregateContext, AggregateError, DomainEvent, EventEnvelope, EventStore, event_sink::EventSink,
};
use domain::{Actor, Aggregate, AggregateId, Fact, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use store::{Append, Metadata, NewEvent, Recorded, Store, StoreError};
use uuid::Uuid;

/// An aggregate as cqrs-es sees it. It is always rebuilt from its events: a snapshot of it is refused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Adapted<A>(pub A);

impl<A: Aggregate> Serialize for Adapted<A> {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("states are folded from events and never stored"))
    }
}

impl<'de, A: Aggregate> Deserialize<'de> for Adapted<A> {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(de::Error::custom("states are folded from events and never stored"))
    }
}

/// An event as cqrs-es sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent, bound = "E: Fact")]
pub struct AdaptedEvent<E>(pub E);

impl<E: Fact> DomainEvent for AdaptedEvent<E> {
    fn event_type(&self) -> String {
        self.0.encode().0
    }

    fn event_version(&self) -> String {
        let (kind, _) = self.0.encode();
        kind.rsplit_once(".v").map_or_else(String::new, |(_, version)| version.to_owned())
    }
}

impl<A: Aggregate> cqrs_es::Aggregate for Adapted<A> {
    const TYPE: &'static str = A::CATEGORY;
    type Command = A::Command;
    type Event = AdaptedEvent<A::Event>;
    type Error = A::Rejection;
    type Services = ();

    async fn handle(
        &mut self,
        command: A::Command,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), A::Rejection> {
        for event in self.0.decide(&command)? {
            sink.write(AdaptedEvent(event), self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        self.0.evolve(&event.0);
    }
}

/// The log as a cqrs-es event store for one kind of aggregate. Aggregate ids are bare UUIDs.
pub struct CqrsStore<A> {
    store: Store,
    actor: Actor,
    now: Box<dyn Fn() -> Timestamp + Send + Sync>,
    aggregate: PhantomData<fn() -> A>,
}

impl<A> fmt::Debug for CqrsStore<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CqrsStore").field("actor", &self.actor).finish_non_exhaustive()
    }
}

impl<A: Aggregate> CqrsStore<A> {
    /// The log, written to in the name of `actor`, at the times that `now` tells.
    pub fn new(store: Store, actor: Actor, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { store, actor, now: Box::new(now), aggregate: PhantomData }
    }

    async fn recorded(&self, id: &str) -> Result<Vec<Recorded>, AggregateError<A::Rejection>> {
        let stream = format!("{}-{id}", A::CATEGORY);
        self.store
            .load(&stream, 0)
            .await
            .map_err(|fault| AggregateError::DatabaseConnectionError(fault.into()))
    }
}

/// A loaded aggregate and the version it was loaded at.
#[derive(Debug)]
pub struct CqrsContext<A: Aggregate> {
    id: String,
    version: u64,
    aggregate: Adapted<A>,
}

impl<A: Aggregate> AggregateContext<Adapted<A>> for CqrsContext<A> {
    fn aggregate(&mut self) -> &mut Adapted<A> {
        &mut self.aggregate
    }
}

impl<A: Aggregate> EventStore<Adapted<A>> for CqrsStore<A> {
    type AC = CqrsContext<A>;

    async fn load_events(
        &self,
        aggregate_id: &str,
    ) -> Result<Vec<EventEnvelope<Adapted<A>>>, AggregateError<A::Rejection>> {
        self.recorded(aggregate_id).await?.iter().map(|event| envelope(aggregate_id, event)).collect()
    }

    async fn load_aggregate(&self, aggregate_id: &str) -> Result<Self::AC, AggregateError<A::Rejection>> {
        let mut context: CqrsContext<A> =
            CqrsContext { id: aggregate_id.to_owned(), version: 0, aggregate: Adapted::default() };
        for event in self.load_events(aggregate_id).await? {
            context.aggregate.0.evolve(&event.payload.0);
            context.version += 1;
        }
        Ok(context)
    }

    /// Appends with the loaded version as the expected one. A `command_id` among the metadata makes
    /// the commit repeatable; without one each commit is a command of its own.
    async fn commit(
        &self,
        events: Vec<AdaptedEvent<A::Event>>,
        context: Self::AC,
        metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<Adapted<A>>>, AggregateError<A::Rejection>> {
        if events.is_empty() {
            return Ok(vec![]);
        }
        let command_id = metadata
            .get("command_id")
            .and_then(|id| Uuid::try_parse(id).ok())
            .unwrap_or_else(crate::mint::uuid);
        let append = Append {
            stream: format!("{}-{}", A::CATEGORY, context.id),
            expected: context.version,
            events: events.iter().map(|event| new_event(&event.0)).collect(),
            metadata: Metadata {
                actor: self.actor.clone(),
                command_id,
                correlation_id: command_id,
                causation_id: None,
                trace: None,
            },
            recorded_at: (self.now)(),
        };
        self.store.append(append).await.map_err(|fault| match fault {
            StoreError::Conflict { .. } => AggregateError::AggregateConflict,
            fault => AggregateError::DatabaseConnectionError(fault.into()),
        })?;
        let numbered = (context.version + 1..).zip(events);
        Ok(numbered
            .map(|(sequence, payload)| EventEnvelope {
                aggregate_id: context.id.clone(),
                sequence: usize::try_from(sequence).unwrap_or(usize::MAX),
                payload,
                metadata: metadata.clone(),
            })
            .collect())
    }
}

fn new_event<E: Fact>(event: &E) -> NewEvent {
    let (kind, payload) = event.encode();
    NewEvent { kind: kind.into(), payload: payload.into(), subjects: event.subjects() }
}

fn envelope<A: Aggregate>(
    id: &str,
    event: &Recorded,
) -> Result<EventEnvelope<Adapted<A>>, AggregateError<A::Rejection>> {
    let payload = A::Event::decode(&event.kind, &event.payload)
        .map_err(|fault| AggregateError::DeserializationError(fault.into()))?;
    Ok(EventEnvelope {
        aggregate_id: id.to_owned(),
        sequence: usize::try_from(event.version).unwrap_or(usize::MAX),
        payload: AdaptedEvent(payload),
        metadata: HashMap::from([("command_id".to_owned(), event.metadata.command_id.to_string())]),
    })
}

/// The id under which cqrs-es knows a thing.
pub fn aggregate_id<I: AggregateId>(id: I) -> String {
    id.uuid().hyphenated().to_string()
}
