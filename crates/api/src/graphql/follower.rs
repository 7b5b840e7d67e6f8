//! One subscription under way: its cursor, and what it is to be sent next.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use async_graphql::{
    Request, Response, ServerError, Variables,
    parser::{
        parse_query,
        types::{ExecutableDocument, OperationDefinition, OperationType, Selection},
    },
};
use axum::body::Bytes;
use futures::StreamExt;
use projections::{IncidentFilter, IncidentView};
use sha2::{Digest, Sha256};
use store::{Position, Recorded};
use tokio::{sync::watch, time};

use super::{
    fault::Fault,
    feed::Feed,
    payloads::{Occasion, Question},
    subscription::{Moment, Plan, ResetReason, Topic, Turn},
};
use crate::Viewer;

/// The wait before a payload is tried again that could not be made.
const RETRY: Duration = Duration::from_millis(250);

/// What a client sends to ask for something.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    pub(super) query: String,
    #[serde(default)]
    pub(super) operation_name: Option<String>,
    #[serde(default)]
    pub(super) variables: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(default)]
    #[serde(rename = "extensions")]
    _extensions: Option<serde_json::Map<String, serde_json::Value>>,
}

impl Asked {
    pub(super) fn new(
        query: String,
        operation_name: Option<String>,
        variables: Option<serde_json::Map<String, serde_json::Value>>,
    ) -> Self {
        Self { query, operation_name, variables, _extensions: None }
    }

    /// The request as the schema takes it.
    pub(super) fn request(&self, viewer: Viewer) -> Request {
        let variables = self.variables.clone().map(serde_json::Value::Object).unwrap_or_default();
        let mut request = Request::new(&self.query).variables(Variables::from_json(variables)).data(viewer);
        request.operation_name.clone_from(&self.operation_name);
        request
    }

    /// The first variable that the operation needs and that is not given, as an error of the request
    /// (GraphQL, section 6.1.2). The executor would only notice where it is used.
    pub(super) fn missing_variable(&self) -> Option<ServerError> {
        let document = parse_query(&self.query).ok()?;
        let operation = selected(&document, self.operation_name.as_deref())?;
        let given = |name: &str| {
            let value = self.variables.as_ref().and_then(|variables| variables.get(name));
            value.is_some_and(|value| !value.is_null())
        };
        operation.variable_definitions.iter().map(|definition| &definition.node).find_map(|variable| {
            let (name, kind) = (&variable.name.node, &variable.var_type.node);
            let needed = !kind.nullable && variable.default_value.is_none() && !given(name);
            needed.then(|| {
                ServerError::new(
                    format!("the variable ${name} of type {kind} is missing"),
                    Some(variable.name.pos),
                )
            })
        })
    }

    /// Whether the operation would be a subscription.
    pub(super) fn is_subscription(&self) -> bool {
        self.selects(OperationType::Subscription)
    }

    /// Whether the operation would be a mutation.
    pub(super) fn is_mutation(&self) -> bool {
        self.selects(OperationType::Mutation)
    }

    /// A document that cannot be read selects nothing.
    fn selects(&self, kind: OperationType) -> bool {
        parse_query(&self.query).is_ok_and(|document| {
            selected(&document, self.operation_name.as_deref()).is_some_and(|operation| operation.ty == kind)
        })
    }

    /// What the payloads depend on besides what happened: the text, the variables and the rights; not where the client
    /// goes on. `after` is left out if it is given by a variable that is used for nothing else.
    fn question(&self, viewer: &Viewer) -> Question {
        let mut variables = self.variables.clone().unwrap_or_default();
        if let Some(name) = self.variable_of_after() {
            variables.remove(&name);
        }
        let parts =
            serde_json::json!([self.query, self.operation_name, variables, format!("{:?}", viewer.role)]);
        Sha256::digest(parts.to_string()).into()
    }

    fn variable_of_after(&self) -> Option<String> {
        let document = parse_query(&self.query).ok()?;
        let operation = selected(&document, self.operation_name.as_deref())?;
        let field =
            operation.selection_set.node.items.iter().find_map(|selection| match &selection.node {
                Selection::Field(field) => Some(&field.node),
                Selection::FragmentSpread(_) | Selection::InlineFragment(_) => None,
            })?;
        let (_, value) = field.arguments.iter().find(|(name, _)| name.node == "after")?;
        let value = value.node.to_string();
        let name = value.strip_prefix('$')?;
        // Once where it is declared and once here.
        let mention = format!("${name}");
        let mentions = self.query.match_indices(&mention).filter(|(at, text)| {
            let next = self.query[at + text.len()..].chars().next();
            !next.is_some_and(|next| next.is_ascii_alphanumeric() || next == '_')
        });
        (mentions.count() == 2).then(|| name.to_string())
    }
}

/// The operation that a request selects.
fn selected<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Option<&'a OperationDefinition> {
    let mut operations = document.operations.iter();
    let (_, operation) = match name {
        Some(wanted) => operations.find(|(name, _)| name.is_some_and(|name| name == wanted))?,
        None => operations.next()?,
    };
    Some(&operation.node)
}

/// One subscription under way.
pub(super) struct Follower {
    feed: Arc<Feed>,
    asked: Asked,
    viewer: Viewer,
    question: Question,
    topic: Topic,
    /// Everything up to here was sent or is none of the subscriber's business.
    cursor: Position,
    /// What is to be sent next, in order; after it the cursor is at `pending_through`.
    pending: VecDeque<Arc<Recorded>>,
    pending_through: Position,
    reset: Option<ResetReason>,
    wake: watch::Receiver<Position>,
}

impl Follower {
    /// Begins where the plan says, or with a reset.
    pub(super) fn new(feed: Arc<Feed>, asked: Asked, viewer: Viewer, plan: Plan) -> Self {
        let wake = match plan.topic {
            Topic::Incidents(_) => feed.watch_incidents(),
            Topic::Events => feed.watch_all(),
        };
        let (now, head) = (feed.position(), feed.app.engine.store().head());
        let (cursor, reset) = match plan.after {
            None => (now, None),
            Some(after) if after > head.max(now) => (now, Some(ResetReason::Ahead)),
            Some(after) if now.saturating_sub(after) > feed.app.settings.limits.resume_horizon => {
                (now, Some(ResetReason::TooOld))
            }
            Some(after) => (after, None),
        };
        let question = asked.question(&viewer);
        let pending = VecDeque::new();
        Self {
            feed,
            asked,
            viewer,
            question,
            topic: plan.topic,
            cursor,
            pending,
            pending_through: cursor,
            reset,
            wake,
        }
    }

    /// The next payload, as the bytes of a GraphQL response. Waits until there is one; a database that does not answer
    /// is waited for, too.
    pub(super) async fn next(&mut self) -> Bytes {
        loop {
            match self.step().await {
                Ok(Some(payload)) => return payload,
                Ok(None) => {}
                Err(fault) => {
                    tracing::debug!(code = fault.code(), "a subscription waits");
                    time::sleep(RETRY).await;
                }
            }
        }
    }

    async fn step(&mut self) -> Result<Option<Bytes>, Fault> {
        if let Some(reason) = self.reset {
            let (occasion, moment) =
                (Occasion::Reset(self.cursor, reason), Moment::Reset(self.cursor, reason));
            let payload = self.payload(occasion, async || Ok(Some(moment))).await?;
            self.reset = None;
            return Ok(payload);
        }
        if let Some(event) = self.pending.front().cloned() {
            let payload = self.change(&event).await?;
            self.pending.pop_front();
            self.cursor = event.position;
            return Ok(payload);
        }
        self.cursor = self.cursor.max(self.pending_through);
        let through = *self.wake.borrow_and_update();
        if through > self.cursor {
            let only_incidents = matches!(self.topic, Topic::Incidents(_));
            let part = self.feed.between(self.cursor, through, only_incidents).await?;
            (self.pending, self.pending_through) = (part.events.into(), part.through);
            return Ok(None);
        }
        let heartbeat = self.feed.app.settings.limits.heartbeat;
        match time::timeout(heartbeat, self.wake.changed()).await {
            Ok(Ok(())) => Ok(None),
            // The feed lives as long as this does.
            Ok(Err(_)) => std::future::pending().await,
            Err(_) => self.heartbeat().await,
        }
    }

    async fn heartbeat(&mut self) -> Result<Option<Bytes>, Fault> {
        let seen = self.feed.position();
        // Read after `seen`: if it is not beyond the cursor, nothing up to `seen` concerns this subscriber.
        if *self.wake.borrow() > self.cursor {
            return Ok(None);
        }
        let position = self.cursor.max(seen);
        let moment = Moment::Heartbeat(position);
        let payload = self.payload(Occasion::Heartbeat(position), async || Ok(Some(moment))).await?;
        self.cursor = position;
        Ok(payload)
    }

    async fn change(&self, event: &Arc<Recorded>) -> Result<Option<Bytes>, Fault> {
        let moment = async || match &self.topic {
            Topic::Events => Ok(Some(Moment::Event(Arc::clone(event)))),
            Topic::Incidents(filter) => {
                let view = self.feed.view(event).await?;
                let view = view.filter(|view| admits(filter, view));
                Ok(view.map(|view| Moment::Incident(event.position, view)))
            }
        };
        self.payload(Occasion::Change(event.position), moment).await
    }

    /// The payload of an occasion, made once for all who ask the same.
    async fn payload(
        &self,
        occasion: Occasion,
        moment: impl AsyncFnOnce() -> Result<Option<Moment>, Fault>,
    ) -> Result<Option<Bytes>, Fault> {
        let make = async || {
            let Some(moment) = moment().await? else { return Ok(None) };
            let request = self.asked.request(self.viewer.clone()).data(Turn::Show(moment));
            let response = self.feed.schema.execute_stream(request).next().await;
            let response = response.ok_or(Fault::Internal)?;
            if is_transient(&response) {
                return Err(Fault::Unavailable);
            }
            serde_json::to_vec(&response).map(|bytes| Some(bytes.into())).map_err(|_| Fault::Internal)
        };
        self.feed.payloads.get(self.question, occasion, make).await
    }
}

/// Whether a payload is worth another try.
fn is_transient(response: &Response) -> bool {
    let unavailable = async_graphql::Value::from(Fault::Unavailable.code());
    let code = |error: &ServerError| {
        error.extensions.as_ref().is_some_and(|extensions| extensions.get("code") == Some(&unavailable))
    };
    response.errors.iter().any(code)
}

/// Whether a filter admits an incident, as the read model would have it.
fn admits(filter: &IncidentFilter, view: &IncidentView) -> bool {
    fn of<T: PartialEq>(wanted: &[T], is: &T) -> bool {
        wanted.is_empty() || wanted.contains(is)
    }
    of(&filter.status, &view.status)
        && of(&filter.severity, &view.severity)
        && of(&filter.service, &view.service)
        && (filter.team.is_empty() || view.team.is_some_and(|team| filter.team.contains(&team)))
        && filter.opened_after.is_none_or(|after| view.opened_at >= after)
        && filter.opened_before.is_none_or(|before| view.opened_at < before)
        && filter.text.as_ref().is_none_or(|text| {
            let (title, key) = (view.title.to_lowercase(), view.key.to_lowercase());
            text.to_lowercase().split_whitespace().all(|word| title.contains(word) || key.contains(word))
        })
}

#[cfg(test)]
mod tests {
    use domain::{Actor, user::Role};

    use super::*;

    fn asked(query: &str, after: &str) -> Asked {
        let variables = serde_json::json!({ "after": after, "other": 1 });
        Asked::new(query.to_owned(), None, variables.as_object().cloned())
    }

    fn viewer(role: Role) -> Viewer {
        Viewer { actor: Actor::Administrator, role, user: None }
    }

    #[test]
    fn those_who_come_back_at_different_places_ask_the_same() {
        let query = "subscription($after: Position) { incidentChanged(after: $after) { position } }";
        let question = |after: &str, role| asked(query, after).question(&viewer(role));
        assert_eq!(question("1", Role::Observer), question("2", Role::Observer));
        assert_ne!(question("1", Role::Observer), question("1", Role::Responder));
    }

    #[test]
    fn a_variable_that_is_used_elsewhere_makes_a_difference() {
        let query = "subscription($after: String) { incidentChanged(after: $after) {
            incident { timeline(after: $after) { nodes { kind } } } } }";
        let question = |after: &str| asked(query, after).question(&viewer(Role::Observer));
        assert_ne!(question("1"), question("2"));
    }

    #[test]
    fn another_variable_with_a_longer_name_is_no_mention() {
        let query =
            "subscription($after: Position, $after_all: Int) { incidentChanged(after: $after) { position } }";
        assert_eq!(asked(query, "1").variable_of_after().as_deref(), Some("after"));
    }
}
