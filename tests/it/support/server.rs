//! The real binary as a process of its own: started, killed, started again.

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU16, Ordering},
    },
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
    /// Where it listens, so that another can take its place.
    pub(crate) port: u16,
    log: tempfile::NamedTempFile,
    http: reqwest::Client,
}

impl Server {
    /// Starts a server on a database and waits until it is ready.
    pub(crate) async fn start(database: &str, arguments: &[&str]) -> Self {
        Self::start_at(free_port(), database, arguments).await
    }

    /// Starts a server where monitoring tools and clients expect it, and waits until it is ready.
    pub(crate) async fn start_at(port: u16, database: &str, arguments: &[&str]) -> Self {
        let whole = [&["--allow-private-targets", "all"][..], arguments].concat();
        Self::spawn(port, database, &whole).ready().await
    }

    /// Starts a server that is not allowed to call this machine, and waits until it is ready.
    pub(crate) async fn start_guarded(database: &str) -> Self {
        Self::spawn(free_port(), database, &[]).ready().await
    }

    async fn ready(self) -> Self {
        let begun = Instant::now();
        while !self.is_ready().await {
            let ended = self.child().try_wait().expect("it can be asked");
            assert!(ended.is_none(), "the server ended: {ended:?}\n{}", self.log());
            assert!(begun.elapsed() < START, "the server is not ready after {START:?}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self
    }

    fn spawn(port: u16, database: &str, arguments: &[&str]) -> Self {
        connectors::install_tls();
        let log = tempfile::NamedTempFile::new().expect("a temporary file");
        let written = std::fs::OpenOptions::new().append(true).open(log.path()).expect("it can be written");
        let listen = format!("127.0.0.1:{port}");
        let child = Command::new(binary())
            .args(["serve", "--listen", &listen, "--database", database])
            .args(arguments)
            .env("MIDWATCH_ADMIN_TOKEN", TOKEN)
            .env("MIDWATCH_LOG_FILTER", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(written)
            .spawn()
            .expect("the binary starts");
        Self {
            child: Mutex::new(child),
            url: format!("http://{listen}"),
            port,
            log,
            http: reqwest::Client::new(),
        }
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        let text = std::fs::read(self.log.path()).expect("the log can be read");
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Asks it to end, as an operator does, and waits until it has.
    pub(crate) fn stop(&self) {
        let mut child = self.child();
        let asked = Command::new("kill").arg(child.id().to_string()).status();
        assert!(asked.is_ok_and(|status| status.success()), "the server had ended already");
        let ended = child.wait().expect("it can be waited for");
        assert!(ended.success(), "it did not stop in good order: {ended}");
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
        let (_, mut answer) = self.query_as(Some(TOKEN), query, variables).await;
        assert_eq!(answer["errors"], Value::Null, "{query}: {answer}");
        answer["data"].take()
    }

    /// Runs a GraphQL operation with a token or without one, and returns the status and the whole answer.
    pub(crate) async fn query_as(&self, token: Option<&str>, query: &str, variables: Value) -> (u16, Value) {
        let request = self
            .http
            .post(format!("{}/graphql", self.url))
            .json(&json!({ "query": query, "variables": variables }));
        let request = token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("it is JSON"))
    }

    /// A request with a path of this server, to be completed and sent.
    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
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

    /// Everything that came through an integration, newest first: id, what it says, and what was decided about it.
    pub(crate) async fn deliveries(&self, integration: &str) -> Vec<Value> {
        let query = "query($id: ID!, $after: String) { deliveries(integrationId: $id, first: 200, after: $after) {
            nodes { id verdict alerts { title } decisions { verdict } } pageInfo { hasNextPage endCursor } } }";
        let (mut all, mut after) = (vec![], Value::Null);
        loop {
            let variables = json!({ "id": integration, "after": after });
            let mut page = self.query(query, variables).await["deliveries"].take();
            all.extend(page["nodes"].as_array().expect("it is a list").iter().cloned());
            if page["pageInfo"]["hasNextPage"] != json!(true) {
                return all;
            }
            after = page["pageInfo"]["endCursor"].take();
        }
    }

    /// A generic integration that decides about its alerts by these rules: its id, and where it takes them.
    pub(crate) async fn integrate(&self, service: &str, routing: Value) -> (String, String) {
        let input = json!({ "name": "rules", "kind": "GENERIC", "serviceId": service });
        let made = self.create("createIntegration", "key integration { id }", input).await;
        let id = made["integration"]["id"].as_str().expect("it was made").to_owned();
        let handling = json!({ "integrationId": id, "routing": routing });
        self.create("updateIntegrationHandling", "integration { id }", handling).await;
        (id, format!("/hooks/generic/{}", made["key"].as_str().expect("it has a key")))
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
        drop(child);
        let log = self.log();
        if std::thread::panicking() {
            eprintln!("the log of {}:\n{log}", self.url);
        } else {
            assert!(!log.contains("panic"), "the server panicked:\n{log}");
        }
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

/// A port that nobody listens on at this moment, and that no outgoing connection takes by itself: a server that is
/// killed must find its port free again.
pub(crate) fn free_port() -> u16 {
    const FIRST: u16 = 10_000;
    const COUNT: u16 = 10_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test processes that run side by side begin at different places.
    let start = u16::try_from(std::process::id() * 37 % u32::from(COUNT)).unwrap_or(0);
    let candidates = std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed)).take(COUNT.into());
    let mut ports = candidates.map(|next| FIRST + (start + next % COUNT) % COUNT);
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("loopback has ports")
}
