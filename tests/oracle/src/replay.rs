//! Our aggregates, loaded by the stock repository.
//!
//! `PersistedEventStore<PostgresEventRepository, _>` reads our table unchanged. Two things need saying to it, in one
//! upcaster, which is how `cqrs-es` wants to be told of other shapes: the payload is the object inside serde's
//! externally tagged form, whose tag is the event's type; and envelope metadata are strings.

use std::error::Error;

use cqrs_es::{
    AggregateContext, DomainEvent, EventStore,
    event_sink::EventSink,
    persist::{EventUpcaster, PersistedEventStore, SerializedEvent},
};
use domain::{Aggregate, Fact};
use postgres_es::{PostgresEventRepository, default_postgress_pool};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

/// Replays one aggregate; its type is the first part of the stream's name, its id the rest.
pub async fn replay(url: &str, kind: &str, id: &str) -> Result<Value, Box<dyn Error>> {
    use domain::{
        api_key, calendar_feed, delivery, incident, integration, notice, on_call, organization, page, policy,
        schedule, service, team, user,
    };
    match kind {
        api_key::ApiKey::CATEGORY => load::<api_key::ApiKey>(url, id).await,
        calendar_feed::CalendarFeed::CATEGORY => load::<calendar_feed::CalendarFeed>(url, id).await,
        delivery::Delivery::CATEGORY => load::<delivery::Delivery>(url, id).await,
        incident::Incident::CATEGORY => load::<incident::Incident>(url, id).await,
        integration::Integration::CATEGORY => load::<integration::Integration>(url, id).await,
        on_call::OnCallLog::CATEGORY => load::<on_call::OnCallLog>(url, id).await,
        notice::Notice::CATEGORY => load::<notice::Notice>(url, id).await,
        organization::Organization::CATEGORY => load::<organization::Organization>(url, id).await,
        page::Page::CATEGORY => load::<page::Page>(url, id).await,
        policy::Policy::CATEGORY => load::<policy::Policy>(url, id).await,
        schedule::Schedule::CATEGORY => load::<schedule::Schedule>(url, id).await,
        service::Service::CATEGORY => load::<service::Service>(url, id).await,
        team::Team::CATEGORY => load::<team::Team>(url, id).await,
        user::User::CATEGORY => load::<user::User>(url, id).await,
        other => Err(format!("there is no aggregate type `{other}`").into()),
    }
}

async fn load<A: Aggregate + PartialEq>(url: &str, id: &str) -> Result<Value, Box<dyn Error>> {
    let repository = PostgresEventRepository::new(default_postgress_pool(url).await);
    let store: PersistedEventStore<_, Replayed<A>> =
        PersistedEventStore::new_event_store(repository).with_upcasters(vec![Box::new(Tagging)]);
    let mut context = store.load_aggregate(id).await?;
    let envelopes = store.load_events(id).await?;
    let history: Vec<_> = envelopes.iter().map(|envelope| envelope.payload.0.clone()).collect();
    let state = &context.aggregate().0;
    if *state != A::replay(&history) {
        return Err("the aggregate loaded is not what its events make".into());
    }
    let events = envelopes.iter().map(|envelope| {
        json!({
            "sequence": envelope.sequence,
            "event_type": envelope.payload.event_type(),
            "event": envelope.payload,
            "metadata": envelope.metadata,
        })
    });
    Ok(json!({
        "aggregate_type": A::CATEGORY,
        "aggregate_id": id,
        "version": envelopes.len(),
        "state": format!("{state:?}"),
        "events": events.collect::<Vec<_>>(),
    }))
}

/// Puts the event's type back as the tag of its payload, and writes metadata that are not strings as JSON.
struct Tagging;

impl EventUpcaster for Tagging {
    fn can_upcast(&self, _: &str, _: &str) -> bool {
        true
    }

    fn upcast(&self, mut event: SerializedEvent) -> SerializedEvent {
        event.payload = Value::Object(Map::from_iter([(event.event_type.clone(), event.payload)]));
        if let Value::Object(metadata) = &mut event.metadata {
            for value in metadata.values_mut().filter(|value| !value.is_string()) {
                *value = Value::String(value.to_string());
            }
        }
        event
    }
}

/// One of our aggregates as `cqrs-es` wants it. It is only replayed, never asked to decide or be a snapshot.
#[derive(Default)]
struct Replayed<A>(A);

impl<A: Aggregate> cqrs_es::Aggregate for Replayed<A> {
    const TYPE: &'static str = A::CATEGORY;
    type Command = ();
    type Event = Recorded<A::Event>;
    type Error = std::convert::Infallible;
    type Services = ();

    async fn handle(&mut self, (): (), (): &(), _: &EventSink<Self>) -> Result<(), Self::Error> {
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        self.0.evolve(&event.0);
    }
}

impl<A> Serialize for Replayed<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de, A: Default> Deserialize<'de> for Replayed<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <()>::deserialize(deserializer).map(|()| Self(A::default()))
    }
}

/// One of our events as `cqrs-es` wants it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent, bound(serialize = "E: Serialize", deserialize = "E: serde::de::DeserializeOwned"))]
struct Recorded<E>(E);

impl<E: Fact> DomainEvent for Recorded<E> {
    fn event_type(&self) -> String {
        self.0.encode().0
    }

    fn event_version(&self) -> String {
        self.event_type().rsplit(".v").next().unwrap_or_default().to_owned()
    }
}
