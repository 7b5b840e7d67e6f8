//! Events: the log as an auditor reads it, and timelines as people read them.

use std::sync::Arc;

use async_graphql::{
    Context, ID, Json, Object,
    connection::{Connection, Edge},
};
use domain::{DeliveryId, Subject, user::Role};
use store::Recorded;

use super::{
    actor::Actor,
    caller::{Caller, app},
    fault::Fault,
    scalar::{CommandId, DateTime, Position},
    sentence::sentence,
    slice,
};
use crate::Viewer;

/// One event of the log, whole.
pub(super) struct Event(pub(super) Arc<Recorded>);

/// One event of the log, whole.
#[Object]
impl Event {
    /// Its place in the log.
    async fn position(&self) -> Position {
        Position(self.0.position)
    }

    /// The stream that it belongs to, such as `incident-…`.
    async fn stream(&self) -> &str {
        &self.0.stream
    }

    /// Its place in the stream, from 1.
    async fn version(&self) -> u64 {
        self.0.version
    }

    /// Its id.
    async fn id(&self) -> ID {
        self.0.id.hyphenated().into()
    }

    /// What happened, such as `incident.acknowledged.v1`.
    #[graphql(name = "type")]
    async fn kind(&self) -> &str {
        &self.0.kind
    }

    /// What happened, in words.
    async fn message(&self, ctx: &Context<'_>) -> Result<String, Fault> {
        Ok(sentence(&app(ctx)?.directory.now(), &self.0))
    }

    /// When it was recorded.
    async fn recorded_at(&self) -> DateTime {
        DateTime(self.0.recorded_at)
    }

    /// Who caused it.
    async fn actor(&self) -> Actor {
        Actor(self.0.metadata.actor.clone())
    }

    /// The command that led to it.
    async fn command_id(&self) -> CommandId {
        CommandId(self.0.metadata.command_id)
    }

    /// Ties together everything that one outside request led to.
    async fn correlation_id(&self) -> CommandId {
        CommandId(self.0.metadata.correlation_id)
    }

    /// The event that led to it, if one did.
    async fn causation_id(&self) -> Option<CommandId> {
        self.0.metadata.causation_id.map(CommandId)
    }

    /// Everything whose timeline shows it besides its own stream's.
    async fn subjects(&self) -> Vec<ID> {
        self.0.subjects.iter().map(Into::into).collect()
    }

    /// The facts, as recorded.
    async fn payload(&self) -> Json<serde_json::Value> {
        payload(&self.0)
    }

    /// SHA-256 over the previous event's hash and this event, in hexadecimal.
    async fn hash(&self) -> String {
        super::secrets::hex(&self.0.hash)
    }
}

/// What happened, as people read it.
pub(super) struct TimelineEntry(pub(super) Arc<Recorded>);

/// What happened, as people read it.
#[Object]
impl TimelineEntry {
    /// Its place in the log.
    async fn position(&self) -> Position {
        Position(self.0.position)
    }

    /// When.
    async fn at(&self) -> DateTime {
        DateTime(self.0.recorded_at)
    }

    /// What happened, such as `incident.acknowledged.v1`.
    async fn kind(&self) -> &str {
        &self.0.kind
    }

    /// Who caused it.
    async fn actor(&self) -> Actor {
        Actor(self.0.metadata.actor.clone())
    }

    /// What happened, in words.
    async fn message(&self, ctx: &Context<'_>) -> Result<String, Fault> {
        Ok(sentence(&app(ctx)?.directory.now(), &self.0))
    }

    /// The facts, as recorded. Of a monitoring tool's message, observers are not shown the `body`: some hold the key of
    /// their entrance.
    async fn payload(&self, ctx: &Context<'_>) -> Json<serde_json::Value> {
        let mut facts = payload(&self.0);
        let is_shown = ctx.data::<Viewer>().is_ok_and(|viewer| viewer.may(Role::Responder));
        if !is_shown
            && self.0.category() == DeliveryId::CATEGORY
            && let Some(facts) = facts.as_object_mut()
        {
            facts.remove("body");
        }
        facts
    }
}

fn payload(event: &Recorded) -> Json<serde_json::Value> {
    // What was recorded is JSON; anything else would have been refused.
    Json(serde_json::from_slice(&event.payload).unwrap_or_default())
}

/// Everything that concerns a subject, oldest first.
pub(super) async fn timeline(
    ctx: &Context<'_>,
    subject: &Subject,
    first: Option<i32>,
    after: Option<&str>,
) -> Result<Connection<String, TimelineEntry>, Fault> {
    let slice = app(ctx)?.reads.timeline(subject, slice::first(first)?, after).await?;
    Ok(slice::connection(slice, after.is_some(), TimelineEntry))
}

/// Reads of the log that one request for a page may lead to: rare types are far apart.
const MAX_READS: usize = 20;

#[derive(Default)]
pub(super) struct EventQuery;

#[Object]
impl EventQuery {
    /// The log, oldest first, for administrators: everything, or what concerns a subject such as `inc_…`, or
    /// only events of some types such as `incident.resolved.v1`. A page may be shorter than asked for although
    /// the log goes on: `pageInfo.hasNextPage` tells.
    #[graphql(complexity = "slice::cost(first, child_complexity)")]
    async fn events(
        &self,
        ctx: &Context<'_>,
        subject: Option<ID>,
        types: Option<Vec<String>>,
        after: Option<String>,
        first: Option<i32>,
        wait_for: Option<Position>,
    ) -> Result<Connection<String, Event>, Fault> {
        let caller = Caller::admit(ctx, Role::Administrator)?;
        caller.wait_for(wait_for).await?;
        let (first, types) = (slice::first(first)?, types.unwrap_or_default());
        match subject {
            Some(given) => {
                let subject =
                    given.parse().map_err(|error: domain::IdError| Fault::BadInput(error.to_string()))?;
                about(caller, &subject, &types, first, after).await
            }
            None => all(caller, &types, first, after).await,
        }
    }
}

async fn about(
    caller: Caller<'_>,
    subject: &Subject,
    types: &[String],
    first: usize,
    after: Option<String>,
) -> Result<Connection<String, Event>, Fault> {
    let mut connection = Connection::new(after.is_some(), false);
    let mut cursor = after;
    for _ in 0..MAX_READS {
        let slice = caller.app.reads.timeline(subject, slice::MAX_PAGE, cursor.as_deref()).await?;
        connection.has_next_page = slice.has_next;
        for (place, event) in slice.items {
            if connection.edges.len() == first {
                connection.has_next_page = true;
                return Ok(connection);
            }
            if types.is_empty() || types.iter().any(|wanted| **wanted == *event.kind) {
                connection.edges.push(Edge::new(place.clone(), Event(event)));
            }
            cursor = Some(place);
        }
        if !slice.has_next {
            break;
        }
    }
    Ok(connection)
}

async fn all(
    caller: Caller<'_>,
    types: &[String],
    first: usize,
    after: Option<String>,
) -> Result<Connection<String, Event>, Fault> {
    let bad = || Fault::BadInput("after is not a position of the log".to_owned());
    let mut through = after.as_deref().map_or(Ok(0), |text| text.parse().map_err(|_| bad()))?;
    let mut connection = Connection::new(after.is_some(), false);
    for _ in 0..MAX_READS {
        let page = caller.app.reads.events(types, through, first - connection.edges.len()).await?;
        connection
            .edges
            .extend(page.events.into_iter().map(|event| Edge::new(event.position.to_string(), Event(event))));
        (through, connection.has_next_page) = (page.through, page.has_next);
        if connection.edges.len() >= first || !page.has_next {
            break;
        }
    }
    Ok(connection)
}
