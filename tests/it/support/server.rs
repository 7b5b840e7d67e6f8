//! The real binary as a process of its own: started, killed, started again.

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// How long a start may take on a machine that is busy with other tests.
const START: Duration = Duration::from_secs(30);
/// The administrator's token of spawned servers.
pub(crate) const TOKEN: &str = "the-token-of-the-process-tests";

/// The built binary beside the test's own executable.
pub(crate) fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test has an executable");
    let folder = test.ancestors().nth(2).expect("it lies in target/<profile>/deps");
    let binary = folder.join("midwatch");
    assert!(binary.exists(), "{} is missing: `./dev test` builds it", binary.display());
    binary
}

/// Runs a subcommand to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).stdin(Stdio::null()).output().expect("the binary runs")
}

/// A running server process; killed when dropped.
pub(crate) struct Server {
    child: Mutex<Child>,
    /// `http://127.0.0.1:<port>`
    pub(crate) url: String,
    http: reqwest::Client,
}

impl Server {
    /// Starts a server on a database and waits until it is ready.
    pub(crate) async fn start(database: &str, arguments: &[&str]) -> Self {
        let server = Self::spawn(database, arguments);
        let begun = Instant::now();
        while !server.is_ready().await {
            let ended = server.child().try_wait().expect("it can be asked");
            assert!(ended.is_none(), "the server ended: {ended:?}");
            assert!(begun.elapsed() < START, "the server is not ready after {START:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        server
    }

    fn spawn(database: &str, arguments: &[&str]) -> Self {
        connectors::install_tls();
        let port = free_port();
        let listen = format!("127.0.0.1:{port}");
        let child = Command::new(binary())
            .args(["serve", "--listen", &listen, "--database", database])
            .args(["--allow-private-targets", "all"])
            .args(arguments)
            .env("MIDWATCH_ADMIN_TOKEN", TOKEN)
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary starts");
        Self { child: Mutex::new(child), url: format!("http://{listen}"), http: reqwest::Client::new() }
    }

    /// Ends it as a power failure would.
    pub(crate) fn kill(&self) {
        let mut child = self.child();
        child.kill().expect("it was running");
        child.wait().expect("it ended");
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it says that it is ready.
    pub(crate) async fn is_ready(&self) -> bool {
        let answer = self.http.get(format!("{}/readyz", self.url)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// Posts a body; the status, or none if there was no answer.
    pub(crate) async fn post(&self, path: &str, body: String) -> Option<u16> {
        let request =
            self.http.post(format!("{}{path}", self.url)).header("content-type", "application/json");
        let answer = request.body(body).timeout(Duration::from_secs(10)).send().await.ok()?;
        let status = answer.status().as_u16();
        // An answer that breaks off was no answer.
        answer.bytes().await.ok().map(|_| status)
    }

    /// Runs a GraphQL operation as the administrator; faults fail the test.
    pub(crate) async fn query(&self, query: &str, variables: Value) -> Value {
        let request = self
            .http
            .post(format!("{}/graphql", self.url))
            .bearer_auth(TOKEN)
            .json(&json!({ "query": query, "variables": variables }));
        let mut answer: Value = request.send().await.expect("an answer").json().await.expect("it is JSON");
        assert_eq!(answer["errors"], Value::Null, "{query}: {answer}");
        answer["data"].take()
    }

    /// Runs a mutation that makes something and returns its payload.
    pub(crate) async fn create(&self, mutation: &str, selection: &str, input: Value) -> Value {
        let mut words = mutation.chars();
        let first = words.next().expect("a mutation has a name").to_ascii_uppercase();
        let query = format!(
            "mutation($input: {first}{}Input!) {{ {mutation}(input: $input) {{
                {selection} rejection {{ code message field }} }} }}",
            words.as_str()
        );
        let payload = self.query(&query, json!({ "input": input })).await[mutation].take();
        assert_eq!(payload["rejection"], Value::Null, "{mutation}: {payload}");
        payload
    }

    /// A person paged by webhook at `phone`, alone on a policy with this timeout, a service, and the key
    /// of its generic entrance.
    pub(crate) async fn furnish(&self, phone: &str, timeout_seconds: u32) -> Furnished {
        let text = |value: &Value| value.as_str().expect("it was made").to_owned();
        let person = json!({ "name": "on call", "email": "oncall@example.org",
            "contacts": [{ "webhook": { "url": phone } }] });
        let user = text(&self.create("createUser", "user { id }", person).await["user"]["id"]);
        let levels = json!([{ "targets": [{ "userId": user }], "timeoutSeconds": timeout_seconds }]);
        let policy = json!({ "name": "on call", "levels": levels, "repeat": 9 });
        let policy = self.create("createEscalationPolicy", "escalationPolicy { id }", policy).await;
        let policy = text(&policy["escalationPolicy"]["id"]);
        let service = json!({ "name": "checkout", "escalationPolicyId": policy });
        let service = text(&self.create("createService", "service { id }", service).await["service"]["id"]);
        let mut keys = vec![];
        for kind in ["GENERIC", "ALERTMANAGER", "PAGERDUTY"] {
            let input = json!({ "name": kind, "kind": kind, "serviceId": service });
            keys.push(text(&self.create("createIntegration", "key integration { id }", input).await["key"]));
        }
        let [generic, alertmanager, pagerduty] = keys.try_into().expect("three were made");
        Furnished { service, generic, alertmanager, pagerduty }
    }

    /// Every incident, by pages: id, title, status, alert count, and what it is waiting for.
    pub(crate) async fn incidents(&self) -> Vec<Value> {
        let query = "query($after: String) { incidents(first: 200, after: $after) {
            nodes { id title status alertCount dedupKey escalation { level cycle nextAt exhaustedAt } }
            pageInfo { hasNextPage endCursor } } }";
        let (mut all, mut after) = (vec![], Value::Null);
        loop {
            let mut page = self.query(query, json!({ "after": after })).await["incidents"].take();
            all.extend(page["nodes"].as_array().expect("it is a list").iter().cloned());
            if page["pageInfo"]["hasNextPage"] != json!(true) {
                return all;
            }
            after = page["pageInfo"]["endCursor"].take();
        }
    }

    /// Waits until a condition holds; gives up after half a minute with what it was.
    pub(crate) async fn until<F: Future<Output = bool>>(&self, what: &str, mut holds: impl FnMut() -> F) {
        let begun = Instant::now();
        while !holds().await {
            assert!(begun.elapsed() < START, "after {START:?} it is still not so: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let mut child = self.child();
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// What a furnished server can be told about.
pub(crate) struct Furnished {
    /// The service's id.
    pub(crate) service: String,
    /// The key of the generic entrance.
    pub(crate) generic: String,
    /// The key of the Alertmanager entrance.
    pub(crate) alertmanager: String,
    /// The routing key of the PagerDuty entrance.
    pub(crate) pagerduty: String,
}

/// A port that nobody listens on at this moment.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
    listener.local_addr().expect("it is bound").port()
}
