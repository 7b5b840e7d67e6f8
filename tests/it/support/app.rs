//! One node with a virtual clock and recorded pages.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use commands::{Clock, MetadataExt, VirtualClock};
use connectors::Connectors;
use domain::{Actor, Aggregate, Timestamp, UserId};
use serde_json::{Value, json};
use store::Metadata;

use super::Outbox;

/// How long real time may take for something that must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running node, its clock, and what it sent.
pub(crate) struct TestApp {
    running: midwatch::Running,
    /// The clock of the node.
    pub(crate) clock: VirtualClock,
    /// What it sent.
    pub(crate) outbox: Outbox,
    http: reqwest::Client,
    /// Keeps the database until the end.
    folder: Option<tempfile::TempDir>,
}

/// The administrator's token in tests.
pub(crate) const TOKEN: &str = "the-token-of-the-tests";

impl TestApp {
    /// A node on a fresh database: SQLite, or PostgreSQL where the test run provides one and asks for it.
    pub(crate) async fn start() -> Self {
        Self::start_fresh(at_night(), Outbox::default()).await
    }

    /// The same, with mail that goes through the relay at this address rather than into the outbox.
    pub(crate) async fn start_with_relay(relay: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
        let config = midwatch::Config { smtp_url: Some(relay.to_owned()), ..Self::config(&database) };
        let mut app = Self::start_among(config, at_night(), Outbox::default(), None).await;
        app.folder = Some(folder);
        app
    }

    /// The same with another clock and outbox.
    pub(crate) async fn start_fresh(clock: VirtualClock, outbox: Outbox) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut app = Self::start_on(&folder.path().join("midwatch.db"), clock, outbox).await;
        app.folder = Some(folder);
        app
    }

    /// A node on this SQLite file.
    pub(crate) async fn start_on(file: &Path, clock: VirtualClock, outbox: Outbox) -> Self {
        Self::start_with(Self::config(&format!("sqlite:{}", file.display())), clock, outbox).await
    }

    /// The configuration of a node on this database.
    pub(crate) fn config(database: &str) -> midwatch::Config {
        midwatch::Config::for_tests(database, TOKEN)
    }

    /// A node with this configuration.
    pub(crate) async fn start_with(config: midwatch::Config, clock: VirtualClock, outbox: Outbox) -> Self {
        let connectors = outbox.connectors();
        Self::start_among(config, clock, outbox, Some(connectors)).await
    }

    /// A node with these connectors, or with those of its configuration.
    async fn start_among(
        config: midwatch::Config,
        clock: VirtualClock,
        outbox: Outbox,
        connectors: Option<Connectors>,
    ) -> Self {
        let parts = midwatch::Parts { clock: Arc::new(clock.clone()), connectors };
        let running = midwatch::start(config, parts).await.expect("the node starts");
        connectors::install_tls();
        Self { running, clock, outbox, http: reqwest::Client::new(), folder: None }
    }

    /// Stops the node in good order.
    pub(crate) async fn stop(self) {
        self.running.shutdown().await.expect("the node stops");
        drop(self.folder);
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.running.address
    }

    /// The port at which it takes mail.
    pub(crate) fn mail_port(&self) -> u16 {
        self.running.mail_address.expect("it takes mail").port()
    }

    /// A request without a token, to be completed and sent.
    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address()))
    }

    /// Decides a command as the administrator does, and waits until the directory knows what it led to.
    pub(crate) async fn decide<A: Aggregate>(&self, id: A::Id, command: &A::Command) {
        let app = &self.running.app;
        let metadata = Metadata::of(Actor::Administrator, commands::mint::uuid());
        let done = app.engine.execute::<A>(id, command, &metadata).await.expect("it is accepted");
        assert!(app.directory.reach(done.position, PATIENCE).await, "the directory follows");
    }

    /// Whether it projects and reacts.
    pub(crate) fn leads(&self) -> bool {
        self.running.health.leads()
    }

    /// What `/readyz` says.
    pub(crate) async fn ready(&self) -> Value {
        let answer = self.http.get(format!("http://{}/readyz", self.address())).send().await;
        answer.expect("an answer").json().await.expect("it is JSON")
    }

    /// Sends a body to a path, without a token.
    pub(crate) async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (u16, String) {
        let url = format!("http://{}{path}", self.address());
        let request = self.http.post(url).header("content-type", "application/json").body(body);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    }

    /// Calls a path as a tool of others would, without a token of ours.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> (u16, String) {
        let url = format!("http://{}{path}", self.address());
        let method = method.parse().expect("a method");
        let request = self.http.request(method, url).body(body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    }

    /// Runs a GraphQL operation as the administrator; faults fail the test.
    pub(crate) async fn query(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.query_as(TOKEN, query, variables).await;
        assert_eq!(answer["errors"], Value::Null, "{query}: {answer}");
        answer["data"].take()
    }

    /// Runs a GraphQL operation with a token and returns the whole answer.
    pub(crate) async fn query_as(&self, token: &str, query: &str, variables: Value) -> Value {
        let request = self
            .http
            .post(format!("http://{}/graphql", self.address()))
            .bearer_auth(token)
            .json(&json!({ "query": query, "variables": variables }));
        request.send().await.expect("an answer").json().await.expect("it is JSON")
    }

    /// How many pages are due and not sent, as far as the read models know; at most `limit`.
    pub(crate) async fn due_pages(&self, limit: usize) -> usize {
        let due = self.running.app.reads.due_pages(self.clock.now(), None, limit).await;
        due.expect("deadlines can be read").len()
    }

    /// Lets time pass, stopping at every deadline on the way, until everything that follows has happened.
    pub(crate) async fn advance(&self, by: Duration) {
        let reads = &self.running.app.reads;
        let end = self.clock.now() + by;
        loop {
            self.settle().await;
            let now = self.clock.now();
            let escalation = reads.next_escalation().await.expect("deadlines can be read");
            let quiet = reads.next_quiet().await.expect("deadlines can be read");
            let page = reads.next_page(now).await.expect("deadlines can be read");
            let notice = self.running.notices.next_at();
            let watch = self.running.watching.next_at();
            let next = escalation
                .into_iter()
                .chain(quiet)
                .chain(page)
                .chain(notice)
                .chain(watch)
                .min()
                .filter(|next| *next <= end)
                .unwrap_or(end);
            self.clock.advance(next.since(now));
            if next == end {
                return self.settle().await;
            }
        }
    }

    /// Lets minutes pass.
    pub(crate) async fn advance_minutes(&self, minutes: u64) {
        self.advance(Duration::from_secs(minutes * 60)).await;
    }

    /// Waits until read models and reactors have done all that the log asks for now.
    pub(crate) async fn settle(&self) {
        let settled = async {
            while !self.is_settled().await {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let outcome = tokio::time::timeout(PATIENCE, settled).await;
        assert!(outcome.is_ok(), "it did not settle within {PATIENCE:?}");
    }

    async fn is_settled(&self) -> bool {
        let (app, now) = (&self.running.app, self.clock.now());
        let head = app.engine.store().head();
        app.reads.reach(head, PATIENCE).await
            && app.reads.undecided(0, 1).await.is_ok_and(|rows| rows.is_empty())
            // A message of which the first alert is decided may ask for more.
            && app.reads.checkpoint("intake").await.is_ok_and(|position| position >= head)
            && app.reads.checkpoint("pager").await.is_ok_and(|position| position >= head)
            && app.reads.due_escalations(now, 1).await.is_ok_and(|rows| rows.is_empty())
            && app.reads.due_quiet(now, 1).await.is_ok_and(|rows| rows.is_empty())
            && app.reads.due_pages(now, None, 1).await.is_ok_and(|rows| rows.is_empty())
            && self.has_written_down(now).await
            && self.running.notices.is_done(head, now)
            && self.running.watching.is_done(head, now)
            && app.engine.store().head() == head
    }

    /// Whether nobody who left is in a schedule, and who is on call is written down up to now.
    async fn has_written_down(&self, now: Timestamp) -> bool {
        let app = &self.running.app;
        if !app.directory.reach(app.engine.store().head(), PATIENCE).await {
            return false;
        }
        let directory = app.directory.now();
        let left =
            |user: &UserId| directory.users.get(user).is_some_and(|user| user.deactivated_at.is_some());
        for (id, schedule) in &directory.schedules {
            if schedule.retired_at.is_none() && schedule.involved(now).iter().any(left) {
                return false;
            }
            let Some(timetable) = directory.timetable(*id) else { continue };
            let until = Timestamp::from_millis(now.millis() + 1);
            let settled = match app.reads.last_on_call(*id).await {
                Ok(Some(last)) => timetable
                    .timeline(last.at, until)
                    .is_ok_and(|timeline| timeline.iter().all(|segment| segment.users == last.users)),
                Ok(None) => schedule.version_at(now).is_none(),
                Err(_) => false,
            };
            if !settled {
                return false;
            }
        }
        true
    }
}

fn at_night() -> VirtualClock {
    VirtualClock::at("2026-11-24T03:00:00Z".parse::<Timestamp>().expect("a time"))
}
