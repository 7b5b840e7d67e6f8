//! A whole edge over a log in memory.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use commands::{DirectoryHandle, Engine, EpisodeIndex, Intake, VirtualClock};
use domain::{Actor, ServiceId, Timestamp, user::Role};
use futures::{FutureExt, future::BoxFuture};
use projections::{ReadLocation, ReadModels};
use serde_json::{Value, json};
use store::{Store, StoreError};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    App, Limits, Settings, TokenDigest, Viewer,
    graphql::{feed::Feed, follower::Asked, schema},
};

/// The token that opens everything.
pub(super) const TOKEN: &str = "test-token";
/// When the stories begin.
const BEGIN: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// A whole edge, followers included, until it is dropped.
pub(super) struct Stand {
    pub(super) app: App,
    pub(super) schema: crate::graphql::Schema,
    pub(super) clock: VirtualClock,
    _stop: DropGuard,
}

struct Episodes(ReadModels);

impl EpisodeIndex for Episodes {
    fn latest<'a>(
        &'a self,
        service: ServiceId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<u32>, StoreError>> {
        let latest = self.0.latest_episode(service, key);
        latest.map(|found| found.map_err(|error| StoreError::Unavailable(error.to_string().into()))).boxed()
    }
}

pub(super) fn administrator() -> Viewer {
    Viewer { actor: Actor::Administrator, role: Role::Administrator, user: None }
}

pub(super) fn with_role(role: Role) -> Viewer {
    Viewer { role, ..administrator() }
}

impl Stand {
    pub(super) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(super) async fn with(limits: Limits) -> Self {
        let store = Store::memory();
        let shutdown = CancellationToken::new();
        let clock = VirtualClock::at(BEGIN);
        let engine = Engine::new(store.clone(), Arc::new(clock.clone()));
        let directory = DirectoryHandle::start(store.clone(), Arc::new(domain::schedule::Tzdb::bundled()))
            .await
            .expect("an empty directory");
        let reads = ReadModels::open(store, &ReadLocation::Memory).await.expect("read models");
        let intake =
            Arc::new(Intake::new(engine.clone(), directory.clone(), Arc::new(Episodes(reads.clone()))));
        let public_url = "https://midwatch.example.org".to_owned();
        let settings = Settings {
            public_url,
            admin_token: Some(TokenDigest::of(TOKEN)),
            mail_domain: Some("alerts.example.org".to_owned()),
            limits,
        };
        let settings = Arc::new(settings);
        let (understood, pace) = (crate::webhooks::Understood::default(), commands::Pace::default());
        let sns = connectors::Sns::new(Arc::new(connectors::NoDownloads));
        let app = App {
            pace,
            understood,
            engine,
            directory,
            intake,
            reads,
            sns,
            settings,
            shutdown: shutdown.clone(),
        };
        let (following, projecting) = (app.clone(), app.clone());
        let (first, second) = (shutdown.clone(), shutdown.clone());
        tokio::spawn(async move { first.run_until_cancelled(following.directory.follow()).await });
        tokio::spawn(async move { projecting.reads.follow(second).await });
        let schema = schema(&app.settings.limits).data(app.clone()).finish();
        Self { app, schema, clock, _stop: shutdown.drop_guard() }
    }

    /// What a caller is answered, errors included.
    pub(super) async fn ask(&self, viewer: Viewer, query: &str, variables: Value) -> Value {
        let asked = Asked::new(query.to_owned(), None, variables.as_object().cloned());
        let answer = self.schema.execute(asked.request(viewer)).await;
        serde_json::to_value(answer).expect("an answer is JSON")
    }

    /// The data that the administrator is answered, without errors.
    pub(super) async fn data(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.ask(administrator(), query, variables).await;
        assert_eq!(answer["errors"], Value::Null, "{query}");
        answer["data"].take()
    }

    /// The payload of a mutation with one input, which must not be rejected.
    pub(super) async fn done(&self, mutation: &str, selection: &str, input: Value) -> Value {
        let payload = self.mutate(administrator(), mutation, selection, input).await;
        assert_eq!(payload["rejection"], Value::Null, "{mutation}");
        payload
    }

    /// The payload of a mutation with one input.
    pub(super) async fn mutate(
        &self,
        viewer: Viewer,
        mutation: &str,
        selection: &str,
        input: Value,
    ) -> Value {
        let query = format!(
            "mutation($input: {}{}Input!) {{ {mutation}(input: $input) {{ {selection} position rejection {{ code message field }} }} }}",
            mutation[..1].to_uppercase(),
            &mutation[1..]
        );
        let mut answer = self.ask(viewer, &query, json!({ "input": input })).await;
        assert_eq!(answer["errors"], Value::Null, "{mutation}");
        answer["data"][mutation].take()
    }

    /// Ada, on call for a service of her own: the ids of both.
    pub(super) async fn world(&self) -> (String, String) {
        let ada = json!({ "name": "Ada", "email": "ada@example.org", "role": "ADMINISTRATOR",
            "contacts": [{ "email": { "address": "ada@example.org" } }] });
        let ada = text(&self.done("createUser", "user { id }", ada).await["user"]["id"]);
        let levels = json!([{ "targets": [{ "userId": ada }], "timeoutMinutes": 5 }]);
        let policy = json!({ "name": "Ladder", "levels": levels, "repeat": 1 });
        let policy = self.done("createEscalationPolicy", "escalationPolicy { id }", policy).await;
        let service = json!({ "name": "Shop", "escalationPolicyId": policy["escalationPolicy"]["id"] });
        let service = text(&self.done("createService", "service { id }", service).await["service"]["id"]);
        (ada, service)
    }

    /// A new incident on a service.
    pub(super) async fn incident(&self, service: &str, title: &str) -> Value {
        let input = json!({ "serviceId": service, "title": title });
        self.done("createIncident", "incident { id number title status severity }", input).await
    }

    pub(super) fn feed(&self) -> Arc<Feed> {
        Feed::start(self.app.clone(), self.schema.clone())
    }

    /// Serves `/graphql` on a free port until the stand is dropped.
    pub(super) async fn serve(&self) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (router, shutdown) = (self.router(), self.app.shutdown.clone());
        tokio::spawn(async move {
            shutdown.run_until_cancelled(axum::serve(listener, router).into_future()).await
        });
        address
    }

    pub(super) fn router(&self) -> Router {
        crate::graphql::routes(self.app.clone())
    }
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}

/// Long enough for anything that happens, short enough for a test that fails.
pub(super) async fn soon<T>(happens: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), happens).await.expect("it happens soon")
}
