//! Searching alerts, their history from the raw request to the pages, and statistics.

use std::{collections::BTreeSet, time::Duration};

use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::support::{APP_TOKEN, TestApp, World, text};

/// So many problems are told of.
const ALERTS: usize = 1000;
/// So many of them in each second.
const TOGETHER: usize = 100;
/// Senders at one time.
const SENDERS: usize = 16;

const SEVERITIES: [&str; 5] = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO"];

const SEARCH: &str = "query($filter: AlertFilterInput, $first: Int, $after: String) {
    alerts(filter: $filter, first: $first, after: $after) {
        nodes { id dedupKey firstSeenAt } pageInfo { hasNextPage endCursor } } }";

fn nodes(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// What was told of one problem, and by whom.
#[derive(Clone, Copy, Debug)]
struct Told {
    number: usize,
}

impl Told {
    fn all() -> impl Iterator<Item = Self> {
        (0..ALERTS).map(|number| Self { number })
    }

    fn key(self) -> String {
        format!("problem-{:04}", self.number)
    }

    /// Which entrance it comes through.
    fn entrance(self) -> usize {
        self.number % 4
    }

    fn severity(self) -> &'static str {
        SEVERITIES[self.number % 5]
    }

    fn host(self) -> usize {
        self.number % 7
    }

    /// In which second it is told of.
    fn second(self) -> usize {
        self.number / TOGETHER
    }

    fn status(self) -> &'static str {
        match self.number % 10 {
            0 => "RESOLVED",
            1 => "ACKNOWLEDGED",
            _ => "OPEN",
        }
    }

    fn message(self, action: &str) -> Value {
        json!({ "title": format!("Disk FULL on Host-{}", self.host()), "dedup_key": self.key(), "action": action,
            "severity": self.severity().to_lowercase(), "host": format!("host-{}", self.host()) })
    }
}

/// A node with 1,000 problems: four entrances to three services, two of which have teams.
struct Stage {
    app: TestApp,
    services: Vec<String>,
    teams: Vec<String>,
    integrations: Vec<String>,
    paths: Vec<String>,
}

impl Stage {
    async fn set() -> Self {
        let app = TestApp::start().await;
        World::make(&app).await;
        let policies = app.query("{ escalationPolicies { nodes { id } } }", json!({})).await;
        let policy = text(&policies["escalationPolicies"]["nodes"][0]["id"]);
        let (mut services, mut teams) = (vec![], vec![]);
        for name in ["databases", "network"] {
            let team = app.create("createTeam", "team", "CreateTeamInput", json!({ "name": name })).await;
            let service = json!({ "name": name, "escalationPolicyId": policy, "teamId": team });
            services.push(app.create("createService", "service", "CreateServiceInput", service).await);
            teams.push(team);
        }
        services.push(app.create_service("nobody's", &policy).await);
        let (mut integrations, mut paths) = (vec![], vec![]);
        for service in [0, 0, 1, 2] {
            let (id, key) = app.create_integration("GENERIC", &services[service]).await;
            integrations.push(id);
            paths.push(format!("/hooks/generic/{key}"));
        }
        Self { app, services, teams, integrations, paths }
    }

    /// Which service a problem is about.
    fn service(told: Told) -> usize {
        told.entrance().saturating_sub(1)
    }

    async fn send(&self, told: impl Iterator<Item = Told>, action: &str) {
        let sending = told.map(|told| {
            let (path, message) = (&self.paths[told.entrance()], told.message(action).to_string());
            async move { self.app.post(path, message).await.0 }
        });
        let answers: Vec<_> = stream::iter(sending).buffer_unordered(SENDERS).collect().await;
        assert!(answers.iter().all(|status| *status == 202), "{answers:?}");
        self.app.settle().await;
    }

    /// Everything is told of, a tenth of it in each second, and some of it is taken or ended.
    async fn tell_all(&self) {
        for second in 0..ALERTS / TOGETHER {
            self.send(Told::all().filter(|told| told.second() == second), "trigger").await;
            self.app.clock.advance(Duration::from_secs(1));
        }
        self.send(Told::all().filter(|told| told.status() == "ACKNOWLEDGED"), "acknowledge").await;
        self.send(Told::all().filter(|told| told.status() == "RESOLVED"), "resolve").await;
    }

    /// A page: keys and times, and where to go on.
    async fn page(
        &self,
        filter: &Value,
        first: usize,
        after: Option<&str>,
    ) -> (Vec<(String, String)>, Option<String>) {
        let variables = json!({ "filter": filter, "first": first, "after": after });
        let page = self.app.query(SEARCH, variables).await["alerts"].take();
        let shown = |node: &Value| (text(&node["dedupKey"]), text(&node["firstSeenAt"]));
        let next = page["pageInfo"]["hasNextPage"] == true;
        let next = next.then(|| text(&page["pageInfo"]["endCursor"]));
        (nodes(&page["nodes"]).iter().map(shown).collect(), next)
    }

    /// The keys of everything that a filter finds, newest first.
    async fn find(&self, filter: &Value) -> Vec<String> {
        let (mut found, mut next) = self.page(filter, 200, None).await;
        while let Some(after) = next {
            let (more, then) = self.page(filter, 200, Some(&after)).await;
            found.extend(more);
            next = then;
        }
        assert!(found.is_sorted_by(|(_, one), (_, other)| one >= other), "newest first");
        found.into_iter().map(|(key, _)| key).collect()
    }

    async fn statistics(&self, arguments: &str) -> Value {
        let query = format!(
            "{{ alertStatistics{arguments} {{ from to total bySeverity {{ severity count }}
            byStatus {{ status count }} byDay {{ day count }} byIntegration {{ integration {{ id }} count }} }} }}"
        );
        self.app.query(&query, json!({})).await["alertStatistics"].take()
    }
}

fn keys(wanted: impl Fn(Told) -> bool) -> BTreeSet<String> {
    Told::all().filter(|told| wanted(*told)).map(Told::key).collect()
}

#[tokio::test]
async fn each_filter_alone_and_several_together_find_exactly_what_they_should() {
    let stage = Stage::set().await;
    stage.tell_all().await;
    let Stage { services, teams, integrations, .. } = &stage;
    let incidents = "query { incidents(filter: { text: \"problem-0123\" }) { nodes { id } } }";
    let incidents = stage.app.query(incidents, json!({})).await;
    let incident = text(&incidents["incidents"]["nodes"][0]["id"]);
    let cases = [
        (json!({}), keys(|_| true)),
        (json!({ "status": ["OPEN"] }), keys(|told| told.status() == "OPEN")),
        (json!({ "status": ["ACKNOWLEDGED", "RESOLVED"] }), keys(|told| told.status() != "OPEN")),
        (json!({ "severity": ["HIGH", "INFO"] }), keys(|told| ["HIGH", "INFO"].contains(&told.severity()))),
        (json!({ "integrationIds": [integrations[1]] }), keys(|told| told.entrance() == 1)),
        (json!({ "serviceIds": [services[0], services[2]] }), keys(|told| Stage::service(told) != 1)),
        (json!({ "teamIds": [teams[0]] }), keys(|told| Stage::service(told) == 0)),
        (json!({ "incidentId": incident }), keys(|told| told.number == 123)),
        (json!({ "text": "hOST-3 disk" }), keys(|told| told.host() == 3)),
        (json!({ "text": "PROBLEM-000 full" }), keys(|told| told.number < 10)),
        (json!({ "text": "nothing has this" }), keys(|_| false)),
        (
            json!({ "from": "2026-11-24T03:00:03Z", "until": "2026-11-24T03:00:05Z" }),
            keys(|told| [3, 4].contains(&told.second())),
        ),
        (
            json!({ "status": ["RESOLVED"], "severity": ["CRITICAL"], "teamIds": [teams[0]] }),
            keys(|told| {
                (told.status(), told.severity(), Stage::service(told)) == ("RESOLVED", "CRITICAL", 0)
            }),
        ),
        (
            json!({ "text": "host-5", "integrationIds": [integrations[2]], "from": "2026-11-24T03:00:06Z" }),
            keys(|told| told.host() == 5 && told.entrance() == 2 && told.second() >= 6),
        ),
        (
            json!({ "status": ["OPEN"], "serviceIds": [services[2]], "text": "problem-09 DISK" }),
            keys(|told| told.status() == "OPEN" && Stage::service(told) == 2 && told.number >= 900),
        ),
    ];
    for (filter, expected) in cases {
        let found = stage.find(&filter).await;
        assert_eq!(found.len(), expected.len(), "{filter}");
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected, "{filter}");
    }
    let wrong =
        stage.app.query_as(APP_TOKEN, SEARCH, json!({ "filter": { "incidentId": "svc_1" }, "first": 10 }));
    assert_eq!(wrong.await["errors"][0]["extensions"]["code"], "BAD_INPUT");
    stage.app.stop().await;
}

#[tokio::test]
async fn a_walk_shows_each_alert_once_while_new_ones_come_and_statistics_count_them() {
    let stage = Stage::set().await;
    stage.tell_all().await;
    let (mut seen, mut next, mut more) = (vec![], None::<String>, ALERTS);
    loop {
        let (page, then) = stage.page(&json!({}), 50, next.as_deref()).await;
        seen.extend(page.into_iter().map(|(key, _)| key));
        next = then;
        if next.is_none() {
            break;
        }
        stage.send([Told { number: more }].into_iter(), "trigger").await;
        more += 1;
    }
    assert_eq!(seen.len(), ALERTS);
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), keys(|_| true));

    let told: Vec<_> = (0..more).map(|number| Told { number }).collect();
    let count = |wanted: &dyn Fn(&Told) -> bool| told.iter().filter(|told| wanted(told)).count();
    let counted = stage.statistics("").await;
    assert_eq!(
        (&counted["from"], &counted["to"]),
        (&json!("2026-11-18T00:00:00.000Z"), &json!("2026-11-25T00:00:00.000Z"))
    );
    assert_eq!(counted["total"], more);
    for (index, severity) in SEVERITIES.into_iter().enumerate() {
        let expected = json!({ "severity": severity, "count": count(&|told| told.severity() == severity) });
        assert_eq!(counted["bySeverity"][index], expected);
    }
    let status =
        |status: &str| nodes(&counted["byStatus"]).iter().find(|one| one["status"] == status).cloned();
    assert_eq!(status("RESOLVED").expect("a number")["count"], 100);
    assert_eq!(status("ACKNOWLEDGED").expect("a number")["count"], 100);
    assert_eq!(status("OPEN").expect("a number")["count"], more - 200);
    let days = nodes(&counted["byDay"]);
    assert_eq!((days.len(), &days[6]), (7, &json!({ "day": "2026-11-24T00:00:00.000Z", "count": more })));
    for (entrance, id) in stage.integrations.iter().enumerate() {
        let expected =
            json!({ "integration": { "id": id }, "count": count(&|told| told.entrance() == entrance) });
        assert!(nodes(&counted["byIntegration"]).contains(&expected), "{expected} in {counted}");
    }
    let part = stage.statistics(&format!("(serviceIds: [\"{}\"])", stage.services[0])).await;
    assert_eq!(part["total"], count(&|told| Stage::service(*told) == 0));
    let before = stage.statistics("(from: \"2026-11-01T00:00:00Z\", to: \"2026-11-24T00:00:00Z\")").await;
    assert_eq!((&before["total"], nodes(&before["byDay"]).len()), (&json!(0), 23));
    let long = "{ alertStatistics(from: \"2026-01-01T00:00:00Z\") { total } }";
    let long = stage.app.query_as(APP_TOKEN, long, json!({})).await;
    assert_eq!(long["errors"][0]["extensions"]["code"], "BAD_INPUT", "{long}");
    stage.app.stop().await;
}

const WHOLE: &str = "query($filter: AlertFilterInput) { alerts(filter: $filter) { nodes {
    id dedupKey grouped title details source status severity lastSeverity rule occurrences firstSeenAt lastSeenAt endedAt
    integration { id } service { id } team { id } incident { id status pages { status user { name } } }
    firstDelivery { bodyText proof alerts { title source } decisions { verdict alert { rule } incident { id } } }
    lastDelivery { verdict } } } }";

/// Every alert with all that is known of it, by its key.
async fn whole(app: &TestApp, key: &str) -> Value {
    let data = app.query(WHOLE, json!({ "filter": { "text": key } })).await;
    let found = nodes(&data["alerts"]["nodes"]).iter().find(|alert| alert["dedupKey"] == key).cloned();
    found.unwrap_or_else(|| panic!("no {key} in {data}"))
}

#[tokio::test]
async fn an_alert_of_a_group_leads_from_the_raw_request_to_the_pages_and_ends_by_itself() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (integration, key) = app.create_integration("GENERIC", &world.service).await;
    let path = format!("/hooks/generic/{key}");
    let rules = json!({ "integrationId": integration, "routing": { "rules": [
        { "name": "clusters", "condition": "has(alert.labels.cluster)", "take": { "groupBy": "alert.labels.cluster" } }
    ] } });
    let handled = app.administer("updateIntegrationHandling", "integration { id }", rules).await;
    assert_eq!(handled["rejection"], Value::Null);
    let send = async |key: &str, status: &str, severity: &str| {
        let body = json!({ "title": format!("{key} is {status}"), "dedup_key": key, "status": status,
            "severity": severity, "host": key, "labels": { "cluster": "eu" } });
        let (status, answer) = app.post(&path, body.to_string()).await;
        assert_eq!(status, 202, "{answer}");
        app.settle().await;
    };
    send("node-a", "firing", "critical").await;
    send("node-b", "firing", "low").await;
    app.clock.advance(Duration::from_secs(1));
    send("node-a", "firing", "high").await;
    send("node-b", "resolved", "low").await;

    let alert = whole(&app, "node-a").await;
    let facts = json!([
        alert["status"],
        alert["severity"],
        alert["lastSeverity"],
        alert["occurrences"],
        alert["grouped"]
    ]);
    assert_eq!(facts, json!(["OPEN", "CRITICAL", "HIGH", 2, true]));
    assert_eq!((&alert["title"], &alert["source"]), (&json!("node-a is firing"), &json!("node-a")));
    assert_eq!(
        (&alert["firstSeenAt"], &alert["lastSeenAt"]),
        (&json!("2026-11-24T03:00:00.000Z"), &json!("2026-11-24T03:00:01.000Z"))
    );
    let first = &alert["firstDelivery"];
    assert!(text(&first["bodyText"]).contains("\"dedup_key\":\"node-a\""), "{first}");
    assert_eq!((&first["proof"], &first["alerts"][0]["source"]), (&json!("KEY"), &json!("node-a")));
    assert_eq!(first["decisions"][0]["verdict"], "OPENED");
    assert_eq!(
        (&first["decisions"][0]["alert"]["rule"], &alert["rule"]),
        (&json!("clusters"), &json!("clusters"))
    );
    assert_eq!(first["decisions"][0]["incident"]["id"], alert["incident"]["id"]);
    assert_eq!(alert["lastDelivery"]["verdict"], "JOINED");
    assert_eq!(alert["incident"]["pages"], json!([{ "status": "SENT", "user": { "name": "first" } }]));
    assert_eq!(
        (&alert["integration"]["id"], &alert["service"]["id"]),
        (&json!(integration), &json!(world.service))
    );

    let ended = whole(&app, "node-b").await;
    assert_eq!(
        (&ended["status"], &ended["endedAt"]),
        (&json!("RESOLVED"), &json!("2026-11-24T03:00:01.000Z"))
    );
    assert_eq!(ended["incident"], alert["incident"]);

    let incident = text(&alert["incident"]["id"]);
    app.act("acknowledgeIncident", json!({}), &incident).await;
    app.settle().await;
    assert_eq!(whole(&app, "node-a").await["status"], "ACKNOWLEDGED");
    assert_eq!(whole(&app, "node-b").await["status"], "RESOLVED");
    send("node-b", "firing", "low").await;
    let again = whole(&app, "node-b").await;
    assert_eq!((&again["status"], &again["endedAt"]), (&json!("ACKNOWLEDGED"), &Value::Null));
    app.act("resolveIncident", json!({}), &incident).await;
    app.settle().await;
    assert_eq!(whole(&app, "node-a").await["status"], "RESOLVED");
    let query = "query($id: ID!) { alert(id: $id) { dedupKey status incidentId } }";
    let one = app.query(query, json!({ "id": alert["id"] })).await;
    assert_eq!(one["alert"], json!({ "dedupKey": "node-a", "status": "RESOLVED", "incidentId": incident }));
    app.stop().await;
}
