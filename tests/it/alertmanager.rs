//! An unmodified Alertmanager, told to use us as a webhook and as PagerDuty: fired, restarted, refused, resolved.

use std::{fs, path::Path, process::Command, time::Duration};

use commands::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::support::{Furnished, Peer, Phone, Server, alertmanager, amtool, free_port};

/// Alertmanager on loopback, with everything short, and its data in a folder that outlives it.
pub(crate) struct Alertmanager {
    url: String,
    peer: Option<Peer>,
    command: Box<dyn Fn() -> Command>,
}

impl Alertmanager {
    /// Starts it, told to send everything to both entrances of `server`.
    async fn start(folder: &Path, server: &Server, furnished: &Furnished) -> Self {
        let (webhook, pagerduty) = (&furnished.alertmanager, &furnished.pagerduty);
        let receiver = json!({ "name": "midwatch",
                "webhook_configs": [{ "url": format!("{}/hooks/alertmanager/{webhook}", server.url),
                    "send_resolved": true }],
                "pagerduty_configs": [{ "url": format!("{}/v2/enqueue", server.url), "routing_key": pagerduty,
                    "send_resolved": true, "severity": "{{ .CommonLabels.severity }}",
                    "description": "{{ .CommonAnnotations.summary }}",
                    "links": [{ "href": "https://runbooks.example.org/disk", "text": "Runbook" }] }] });
        Self::start_with(folder, &receiver).await
    }

    /// Starts it, told to send everything to this receiver.
    pub(crate) async fn start_with(folder: &Path, receiver: &Value) -> Self {
        let configuration = json!({
            "route": { "receiver": "midwatch", "group_by": ["alertname"],
                "group_wait": "1s", "group_interval": "1s", "repeat_interval": "1h" },
            "receivers": [receiver],
        });
        // JSON is YAML.
        let file = folder.join("alertmanager.yml");
        fs::write(&file, configuration.to_string()).expect("the folder can be written");
        let (port, data, log) = (free_port(), folder.join("data"), folder.join("log"));
        let command = move || {
            let mut command = alertmanager();
            command
                .arg(format!("--config.file={}", file.display()))
                .arg(format!("--storage.path={}", data.display()))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .arg("--cluster.listen-address=")
                .stderr(fs::File::create(&log).expect("the folder can be written"));
            command
        };
        let url = format!("http://127.0.0.1:{port}");
        let mut it = Self { url, peer: None, command: Box::new(command) };
        it.begin().await;
        it
    }

    async fn begin(&mut self) {
        self.peer = Some(Peer::start((self.command)()));
        let ready = format!("{}/-/ready", self.url);
        let mut patience = 500;
        while !reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(patience > 0, "Alertmanager is not ready after 10 s");
            patience -= 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends it in good order and starts it again with the same data.
    async fn restart(&mut self) {
        self.peer.take().expect("it runs").stop();
        self.begin().await;
    }

    /// Fires an alert with `amtool`, as a script would.
    pub(crate) fn fire(&self, name: &str, instance: &str, more: &[&str]) {
        let output = amtool()
            .args(["alert", "add", "--alertmanager.url", &self.url])
            .args([
                format!("alertname={name}"),
                format!("instance={instance}"),
                "severity=critical".to_owned(),
            ])
            .arg(format!("--annotation=summary={name} in Frankfurt"))
            .arg("--annotation=runbook_url=https://runbooks.example.org/disk")
            .arg("--generator-url=http://prometheus.example.org/graph")
            .args(more)
            .output()
            .expect("amtool runs");
        assert!(output.status.success(), "amtool: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Says that an alert is over.
    pub(crate) fn resolve(&self, name: &str, instance: &str) {
        let now = SystemClock.now();
        self.fire(name, instance, &[&format!("--end={now}")]);
    }

    /// How often something of ours did not take a message.
    pub(crate) async fn failures(&self) -> f64 {
        let metrics = reqwest::get(format!("{}/metrics", self.url)).await.expect("it answers");
        let metrics = metrics.text().await.expect("it is text");
        let failed = |line: &&str| line.starts_with("alertmanager_notification_requests_failed_total");
        let count = |line: &str| line.rsplit(' ').next().and_then(|count| count.parse::<f64>().ok());
        metrics.lines().filter(failed).filter_map(count).sum()
    }
}

/// Everything that is told about the incidents of one Alertmanager.
async fn incidents(server: &Server) -> Vec<Value> {
    let query = "{ incidents(first: 50) { nodes { id title severity status alertCount
        alerts { links { href text } integration { kind } }
        timeline(first: 100) { nodes { position at kind } } } } }";
    let mut data = server.query(query, json!({})).await;
    data["incidents"]["nodes"].as_array_mut().map(std::mem::take).expect("it is a list")
}

fn count(incidents: &[Value], title: &str, status: &str) -> usize {
    incidents.iter().filter(|one| one["title"] == title && one["status"] == status).count()
}

#[tokio::test]
async fn an_unmodified_alertmanager_fires_retries_and_resolves() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let phone = Phone::listen().await;
    let server = Server::start(&database, &[]).await;
    let furnished = server.furnish(&phone.url, 3600).await;
    let mut alertmanager = Alertmanager::start(folder.path(), &server, &furnished).await;

    // Two alerts are one group, and each entrance makes one incident of a group.
    alertmanager.fire("DiskFull", "web-1", &[]);
    alertmanager.fire("DiskFull", "web-2", &[]);
    let disk = "DiskFull in Frankfurt";
    let opened = || async { count(&incidents(&server).await, disk, "TRIGGERED") == 2 };
    server.until("each entrance opened an incident for the group", opened).await;
    let rung = || async { phone.pages().len() == 2 };
    server.until("each incident rang the phone", rung).await;

    // It remembers what it sent and says it again when asked; nothing doubles.
    alertmanager.restart().await;
    alertmanager.fire("DiskFull", "web-1", &[]);
    alertmanager.fire("DiskFull", "web-2", &[]);

    // While nobody listens, another group fires; it is told again and again until somebody does.
    server.kill();
    let failures = alertmanager.failures().await;
    alertmanager.fire("NoBackup", "db-1", &[]);
    let refused = || async { alertmanager.failures().await >= failures + 2.0 };
    server.until("Alertmanager found nobody, on both ways", refused).await;
    let server = Server::start_at(server.port, &database, &[]).await;
    let backup = "NoBackup in Frankfurt";
    let opened = || async { count(&incidents(&server).await, backup, "TRIGGERED") == 2 };
    server.until("the second group arrived after all", opened).await;

    for (name, instance) in [("DiskFull", "web-1"), ("DiskFull", "web-2"), ("NoBackup", "db-1")] {
        alertmanager.resolve(name, instance);
    }
    let over = || async {
        let incidents = incidents(&server).await;
        count(&incidents, disk, "RESOLVED") == 2 && count(&incidents, backup, "RESOLVED") == 2
    };
    server.until("everything is resolved", over).await;

    let incidents = incidents(&server).await;
    assert_eq!(incidents.len(), 4, "one incident for each group and entrance: {incidents:?}");
    for incident in &incidents {
        check_incident(incident);
    }
    assert_eq!(phone.pages().len(), 4, "every incident paged once");
    check_deliveries(&server).await;
}

#[tokio::test]
async fn an_unmodified_alertmanager_is_a_client_of_opsgenie_and_sends_a_token() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let phone = Phone::listen().await;
    let server = Server::start(&database, &[]).await;
    let service = server.furnish(&phone.url, 3600).await.service;
    let opsgenie = json!({ "name": "Opsgenie", "kind": "OPSGENIE", "serviceId": service });
    let opsgenie = server.create("createIntegration", "key", opsgenie).await;
    let each = json!({ "name": "each", "kind": "ALERTMANAGER", "serviceId": service,
        "verification": { "bearer": true }, "reading": { "identity": "ALERT" } });
    let each = server.create("createIntegration", "key signingSecret", each).await;
    let webhook = format!("{}/hooks/alertmanager/{}", server.url, each["key"].as_str().expect("a key"));
    let receiver = json!({ "name": "midwatch",
        "webhook_configs": [{ "url": webhook, "send_resolved": true,
            "http_config": { "authorization": { "credentials": each["signingSecret"] } } }],
        "opsgenie_configs": [{ "api_url": format!("{}/", server.url), "api_key": opsgenie["key"],
            "message": "{{ .CommonAnnotations.summary }}", "priority": "P1", "send_resolved": true }] });
    let alertmanager = Alertmanager::start_with(folder.path(), &receiver).await;

    alertmanager.fire("DiskFull", "web-1", &[]);
    alertmanager.fire("DiskFull", "web-2", &[]);
    let disk = "DiskFull in Frankfurt";
    let opened = || async { count(&incidents(&server).await, disk, "TRIGGERED") == 3 };
    server.until("one incident for the group, and one for each alert", opened).await;
    alertmanager.resolve("DiskFull", "web-1");
    let one_over = || async { count(&incidents(&server).await, disk, "RESOLVED") == 1 };
    server.until("one alert is over", one_over).await;
    alertmanager.resolve("DiskFull", "web-2");
    let over = || async { count(&incidents(&server).await, disk, "RESOLVED") == 3 };
    server.until("everything is over", over).await;
    assert_eq!(incidents(&server).await.len(), 3);
}

fn check_incident(incident: &Value) {
    assert_eq!(incident["severity"], "CRITICAL", "{incident}");
    let alerts = incident["alerts"].as_array().expect("it is a list");
    let links = |alert: &Value| alert["links"].as_array().expect("it is a list").clone();
    let runbook =
        |alert: &Value| links(alert).iter().any(|link| link["href"] == "https://runbooks.example.org/disk");
    assert!(!alerts.is_empty() && alerts.iter().all(runbook), "every alert links to its runbook: {alerts:?}");
    let kind = &alerts[0]["integration"]["kind"];
    assert!(
        alerts.iter().all(|alert| alert["integration"]["kind"] == *kind),
        "entrances do not mix: {alerts:?}"
    );

    let entries = incident["timeline"]["nodes"].as_array().expect("it is a list");
    let positions: Vec<u64> = entries.iter().map(|entry| position(&entry["position"])).collect();
    assert!(positions.is_sorted_by(|one, next| one < next), "in the order of the log: {positions:?}");
    let times: Vec<&str> = entries.iter().filter_map(|entry| entry["at"].as_str()).collect();
    assert!(times.is_sorted(), "and of time: {times:?}");
    let at = |kind: &str| entries.iter().position(|entry| entry["kind"] == kind);
    let story =
        ["incident.triggered.v1", "page.requested.v1", "page.sent.v1", "incident.resolved.v1"].map(at);
    assert!(story.iter().all(Option::is_some) && story.is_sorted(), "opened, paged, resolved: {entries:?}");
}

fn position(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).expect("a position is a number")
}

async fn check_deliveries(server: &Server) {
    let query = "{ integrations { nodes { kind deliveries(first: 100) { nodes { verdict reason } } } } }";
    let mut data = server.query(query, json!({})).await;
    for integration in data["integrations"]["nodes"].as_array_mut().expect("it is a list") {
        let deliveries = integration["deliveries"]["nodes"].as_array().expect("it is a list");
        assert_eq!(
            deliveries.is_empty(),
            integration["kind"] == "GENERIC",
            "both ways were used: {deliveries:?}"
        );
        let verdicts = |verdict: &str| deliveries.iter().filter(|one| one["verdict"] == verdict).count();
        if integration["kind"] != "GENERIC" {
            assert_eq!((verdicts("OPENED"), verdicts("RESOLVED")), (2, 2), "{deliveries:?}");
        }
        assert!(
            deliveries.iter().all(|one| !one["verdict"].is_null()),
            "every message came to something: {deliveries:?}"
        );
    }
}
