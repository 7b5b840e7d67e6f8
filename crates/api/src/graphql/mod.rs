//! GraphQL: queries, mutations and subscriptions, over HTTP and over sockets on the same path.
//!
//! Queries are answered by the read models and the directory, never by aggregates. A mutation translates its input
//! into a command, and answers with what the command did once the read models show it; what rules refuse is data,
//! what fails is an error. Subscriptions follow the log as far as the read models have come, so that whoever asks
//! again always sees the change, and subscribers that ask the same share one execution.

#![expect(clippy::unused_async, reason = "fields of the schema are asynchronous, whether or not they wait")]

mod actor;
mod alert_record;
mod alert_statistics;
mod api_key;
mod calendar_feed;
mod caller;
mod delivery;
mod delivery_counts;
mod delivery_decision;
mod delivery_mutation;
mod event;
mod fault;
mod feed;
mod follower;
mod handling;
mod http;
mod incident;
mod incident_filter;
mod incident_mutation;
mod integration;
mod integration_mutation;
mod negotiate;
mod notices;
mod on_call;
mod page;
mod payloads;
mod policy;
mod rejection;
mod scalar;
mod schedule;
mod secrets;
mod sentence;
mod service;
mod slice;
mod socket;
mod socket_messages;
mod subscription;
mod team;
#[cfg(test)]
mod tests;
mod user;
mod user_mutation;
mod verification;
mod watch;
mod words;

use std::sync::Arc;

use async_graphql::{MergedObject, SDLExportOptions, SchemaBuilder};
use axum::{Router, routing};

pub use sentence::sentence;

use crate::{App, Limits};

/// What can be asked. Every field says who may ask and fails otherwise; `waitFor` makes a field wait, a few seconds at
/// most, until everything up to a position of the log can be seen.
#[derive(Default, MergedObject)]
struct Query(
    incident::IncidentQuery,
    alert_record::AlertQuery,
    alert_statistics::AlertStatisticsQuery,
    on_call::OnCallQuery,
    service::ServiceQuery,
    team::TeamQuery,
    user::UserQuery,
    schedule::ScheduleQuery,
    schedule::PreviewQuery,
    schedule::OnCallLogQuery,
    policy::PolicyQuery,
    integration::IntegrationQuery,
    delivery::DeliveryQuery,
    handling::HandlingQuery,
    event::EventQuery,
    notices::TimeZoneDataQuery,
    api_key::ApiKeyQuery,
);

/// What can be done. A payload holds the changed object, the position that the change led to, and a rejection if rules
/// refuse it. With a `commandId` a request may be repeated until it is answered: it is recorded once.
#[derive(Default, MergedObject)]
struct Mutation(
    incident_mutation::IncidentMutation,
    service::ServiceMutation,
    team::TeamMutation,
    user_mutation::UserMutation,
    notices::ShiftNoticesMutation,
    schedule::ScheduleMutation,
    schedule::OverrideMutation,
    schedule::SwapMutation,
    policy::PolicyMutation,
    integration_mutation::IntegrationMutation,
    handling::HandlingMutation,
    watch::WatchMutation,
    delivery_mutation::DeliveryMutation,
    api_key::ApiKeyMutation,
    calendar_feed::CalendarFeedMutation,
);

type Schema = async_graphql::Schema<Query, Mutation, subscription::Subscription>;

fn schema(limits: &Limits) -> SchemaBuilder<Query, Mutation, subscription::Subscription> {
    Schema::build(Query::default(), Mutation::default(), subscription::Subscription)
        .limit_depth(limits.query_depth)
        .limit_complexity(limits.query_cost)
        .limit_directives(16)
        .data(secrets::Draws::default())
}

/// What all requests share.
struct Gateway {
    app: App,
    schema: Schema,
    feed: Arc<feed::Feed>,
}

/// The schema in GraphQL's own language.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().prefer_single_line_descriptions();
    let sdl = schema(&Limits::default()).finish().sdl_with_options(options);
    // The committed file ends with one line end and has no spaces before line ends.
    sdl.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned() + "\n"
}

/// `/graphql`, over HTTP and sockets. Starts a follower of the log, which ends with the app's shutdown token; call
/// it inside a runtime.
pub fn routes(app: App) -> Router {
    let schema = schema(&app.settings.limits).data(app.clone()).finish();
    let feed = feed::Feed::start(app.clone(), schema.clone());
    let gateway = Arc::new(Gateway { app, schema, feed });
    Router::new().route("/graphql", routing::get(http::get).post(http::post)).with_state(gateway)
}
