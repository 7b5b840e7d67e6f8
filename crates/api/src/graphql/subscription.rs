//! Subscriptions as the schema has them.
//!
//! A subscription is executed once in order to learn what is wanted (its plan), and then once for each payload,
//! with that payload's content among the data of the request; [`super::follower`] decides when. So the payload of one
//! change can be made once for all subscribers that ask the same.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, Enum, SimpleObject, Subscription as SubscriptionMacro};
use domain::user::Role;
use futures::stream::{self, Stream};
use projections::{IncidentFilter, IncidentView};
use store::Recorded;

use super::{
    caller::Caller, event::Event, fault::Fault, incident::Incident, incident_filter::IncidentFilterInput,
    scalar::Position,
};

/// What one execution of a subscription is for.
#[derive(Clone)]
pub(super) enum Turn {
    /// Learn what is wanted.
    Learn(Arc<Wanted>),
    /// Show this.
    Show(Moment),
}

/// What a subscription wants; more than one entry if it selects more than one field.
#[derive(Default)]
pub(super) struct Wanted(Mutex<Vec<Plan>>);

impl Wanted {
    fn add(&self, plan: Plan) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(plan);
    }

    pub(super) fn take(&self) -> Vec<Plan> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a subscription wants.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    pub(super) topic: Topic,
    /// Where to go on; none: with what happens from now on.
    pub(super) after: Option<store::Position>,
}

/// Which events lead to a payload.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Topic {
    /// What happens to incidents that the filter admits.
    Incidents(Box<IncidentFilter>),
    /// Every event.
    Events,
}

/// What one payload shows.
#[derive(Clone)]
pub(super) enum Moment {
    /// An incident after a change.
    Incident(store::Position, Arc<IncidentView>),
    /// An event.
    Event(Arc<Recorded>),
    /// Nothing happened up to here.
    Heartbeat(store::Position),
    /// The subscription goes on from here, and what was before is not told.
    Reset(store::Position, ResetReason),
}

/// Why a subscription cannot go on where the client asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
pub(super) enum ResetReason {
    /// Too much happened since.
    TooOld,
    /// The log does not reach that far: it is another log, or an older copy of it.
    Ahead,
}

/// The subscription cannot go on where the client asked: fetch everything anew, then trust what follows.
#[derive(Clone, Copy, SimpleObject)]
pub(super) struct Reset {
    /// Why.
    reason: ResetReason,
}

/// One message of `incidentChanged`.
#[derive(SimpleObject)]
pub(super) struct IncidentChange {
    /// Where to go on: give it as `after` when you come back.
    position: Position,
    /// The incident after the change, or later; null in a heartbeat or a reset.
    incident: Option<Incident>,
    /// Whether this message only says that the subscription is alive.
    heartbeat: bool,
    /// Set if the subscription could not go on where the client asked.
    reset: Option<Reset>,
}

/// One message of `events`.
#[derive(SimpleObject)]
pub(super) struct EventMessage {
    /// Where to go on: give it as `after` when you come back.
    position: Position,
    /// The event; null in a heartbeat or a reset.
    event: Option<Event>,
    /// Whether this message only says that the subscription is alive.
    heartbeat: bool,
    /// Set if the subscription could not go on where the client asked.
    reset: Option<Reset>,
}

/// The root of all subscriptions.
pub(super) struct Subscription;

/// What can be followed, one field at a time. Every message has its position; who comes back with it as `after`
/// receives exactly what was missed, then what happens.
#[SubscriptionMacro]
impl Subscription {
    /// What happens to incidents, their pages included: one message for each change. The filter looks at the incident
    /// after the change. Without `after` it begins with what happens from now on.
    async fn incident_changed(
        &self,
        ctx: &Context<'_>,
        after: Option<Position>,
        filter: Option<IncidentFilterInput>,
    ) -> Result<impl Stream<Item = IncidentChange>, Fault> {
        Caller::admit(ctx, Role::Observer)?;
        let message = match turn(ctx)? {
            Turn::Learn(wanted) => {
                let topic = Topic::Incidents(Box::new(filter.unwrap_or_default().read()?));
                wanted.add(Plan { topic, after: after.map(|Position(position)| position) });
                None
            }
            Turn::Show(Moment::Incident(position, view)) => {
                let incident = Some(Incident(IncidentView::clone(view)));
                Some(IncidentChange {
                    position: Position(*position),
                    incident,
                    heartbeat: false,
                    reset: None,
                })
            }
            Turn::Show(Moment::Event(_)) => return Err(Fault::Internal),
            Turn::Show(Moment::Heartbeat(position)) => Some(IncidentChange {
                position: Position(*position),
                incident: None,
                heartbeat: true,
                reset: None,
            }),
            Turn::Show(Moment::Reset(position, reason)) => Some(IncidentChange {
                position: Position(*position),
                incident: None,
                heartbeat: false,
                reset: Some(Reset { reason: *reason }),
            }),
        };
        Ok(stream::iter(message))
    }

    /// Every event of the log, for administrators. Without `after` it begins with what happens from now on.
    async fn events(
        &self,
        ctx: &Context<'_>,
        after: Option<Position>,
    ) -> Result<impl Stream<Item = EventMessage>, Fault> {
        Caller::admit(ctx, Role::Administrator)?;
        let message = match turn(ctx)? {
            Turn::Learn(wanted) => {
                wanted.add(Plan { topic: Topic::Events, after: after.map(|Position(position)| position) });
                None
            }
            Turn::Show(Moment::Incident(..)) => return Err(Fault::Internal),
            Turn::Show(Moment::Event(event)) => {
                let position = Position(event.position);
                Some(EventMessage {
                    position,
                    event: Some(Event(Arc::clone(event))),
                    heartbeat: false,
                    reset: None,
                })
            }
            Turn::Show(Moment::Heartbeat(position)) => Some(EventMessage {
                position: Position(*position),
                event: None,
                heartbeat: true,
                reset: None,
            }),
            Turn::Show(Moment::Reset(position, reason)) => Some(EventMessage {
                position: Position(*position),
                event: None,
                heartbeat: false,
                reset: Some(Reset { reason: *reason }),
            }),
        };
        Ok(stream::iter(message))
    }
}

fn turn<'a>(ctx: &Context<'a>) -> Result<&'a Turn, Fault> {
    ctx.data::<Turn>().map_err(|_| Fault::BadInput("subscriptions need a socket".to_owned()))
}
