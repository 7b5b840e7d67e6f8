//! Mapping, event rules and grouping, from a message to the page it leads to, or does not.

use serde_json::{Value, json};

use crate::support::{TestApp, World};

/// A generic entrance that handles its messages in this way.
pub(super) async fn entrance(app: &TestApp, world: &World, handling: Value) -> (String, String) {
    let (id, path) = plain_entrance(app, world).await;
    let changed = handle(app, &id, handling).await;
    assert_eq!(changed["rejection"], Value::Null);
    (id, path)
}

async fn plain_entrance(app: &TestApp, world: &World) -> (String, String) {
    let (id, key) = app.create_integration("GENERIC", &world.service).await;
    (id, format!("/hooks/generic/{key}"))
}

async fn handle(app: &TestApp, integration: &str, handling: Value) -> Value {
    let query = "mutation($input: UpdateIntegrationHandlingInput!) { updateIntegrationHandling(input: $input) {
        integration { unknownSeverities { word } routing { rules { name condition take { groupBy suspendSeconds } }
            catchAll { severity } } severities { word severity } mapping { title } merging { title } }
        rejection { code message field } } }";
    let mut input = handling;
    input["integrationId"] = integration.into();
    app.query(query, json!({ "input": input })).await["updateIntegrationHandling"].take()
}

pub(super) async fn send(app: &TestApp, path: &str, message: Value) {
    let (status, answer) = app.post(path, message.to_string()).await;
    assert_eq!(status, 202, "{answer}");
    app.settle().await;
}

/// What came through an entrance, newest first.
pub(super) async fn log(app: &TestApp, integration: &str) -> Vec<Value> {
    let query = "query($id: ID!) { deliveries(integrationId: $id, first: 50) { nodes { id
        verdict reason incident { id status severity title service { id } alerts { rule remarks ownKey } } } } }";
    let mut data = app.query(query, json!({ "id": integration })).await;
    data["deliveries"]["nodes"].as_array_mut().map(std::mem::take).expect("a list")
}

pub(super) fn paged(app: &TestApp) -> usize {
    app.outbox.sent().len()
}

#[tokio::test]
async fn the_first_rule_decides_and_every_delivery_shows_which() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let rules = json!({ "routing": { "rules": [
        { "name": "tests", "condition": "alert.labels.env == 'test'", "drop": true },
        { "name": "disks", "condition": "alert.title.contains('disk')", "take": { "severity": "CRITICAL" } },
        { "name": "broken", "condition": "payload.title > 3", "drop": true },
    ], "catchAll": { "severity": "LOW" } } });
    let (id, path) = entrance(&app, &world, rules).await;
    send(&app, &path, json!({ "title": "disk full", "labels": { "env": "test" } })).await;
    send(&app, &path, json!({ "title": "disk full", "labels": { "env": "prod" } })).await;
    send(&app, &path, json!({ "title": "slow", "labels": { "env": "prod" }, "severity": "critical" })).await;
    let log = log(&app, &id).await;
    assert_eq!(
        (&log[2]["verdict"], &log[2]["reason"], &log[2]["incident"]),
        (&json!("SUPPRESSED"), &json!("the rule `tests` drops “disk full”"), &Value::Null)
    );
    let incident = &log[1]["incident"];
    assert_eq!((&log[1]["verdict"], &incident["severity"]), (&json!("OPENED"), &json!("CRITICAL")));
    assert_eq!(incident["alerts"][0]["rule"], "disks");
    let incident = &log[0]["incident"];
    assert_eq!((&log[0]["verdict"], &incident["severity"]), (&json!("OPENED"), &json!("LOW")));
    assert_eq!(incident["alerts"][0]["rule"], "everything else");
    let remark = incident["alerts"][0]["remarks"][0].as_str().expect("a remark");
    assert!(remark.starts_with("the rule `broken` was passed over: "), "{remark}");
    assert_eq!(paged(&app), 2, "doubt pages, and what is dropped does not");
}

#[tokio::test]
async fn problems_of_a_group_share_an_incident_until_all_of_them_are_over() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let rules =
        json!({ "routing": { "catchAll": { "groupBy": "alert.labels.cluster", "windowSeconds": 600 } } });
    let (id, path) = entrance(&app, &world, rules).await;
    let say = |key: &str, status: &str| json!({ "title": format!("{key} is down"), "dedup_key": key, "status": status, "labels": { "cluster": "eu" } });
    send(&app, &path, say("a", "firing")).await;
    send(&app, &path, say("b", "firing")).await;
    send(&app, &path, say("a", "firing")).await;
    assert_eq!((app.incidents().await.len(), paged(&app)), (1, 1));
    send(&app, &path, say("a", "resolved")).await;
    assert_eq!(log(&app, &id).await[0]["verdict"], "ENDED");
    send(&app, &path, say("z", "resolved")).await;
    assert_eq!(log(&app, &id).await[0]["verdict"], "IGNORED");
    assert_eq!(app.incidents().await[0]["status"], "TRIGGERED");

    app.advance_minutes(11).await;
    send(&app, &path, say("c", "firing")).await;
    assert_eq!(app.incidents().await.len(), 2, "the window is over: another incident");
    send(&app, &path, say("b", "firing")).await;
    app.advance_minutes(11).await;
    send(&app, &path, say("b", "firing")).await;
    let counts: Vec<_> = app.incidents().await.iter().map(|one| one["alertCount"].clone()).collect();
    assert_eq!(
        counts,
        [1, 5],
        "what is open in a group is told of there, however long ago and beside which other"
    );
    send(&app, &path, say("b", "resolved")).await;
    let statuses: Vec<_> = app.incidents().await.iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, ["TRIGGERED", "RESOLVED"]);
    send(&app, &path, say("c", "resolved")).await;
    let statuses: Vec<_> = app.incidents().await.iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, ["RESOLVED", "RESOLVED"]);
}

#[tokio::test]
async fn a_suspended_alert_that_is_over_in_time_wakes_nobody() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (_, path) =
        entrance(&app, &world, json!({ "routing": { "catchAll": { "suspendSeconds": 120 } } })).await;
    send(&app, &path, json!({ "title": "blip", "dedup_key": "blip" })).await;
    app.advance_minutes(1).await;
    send(&app, &path, json!({ "title": "blip", "dedup_key": "blip", "status": "resolved" })).await;
    app.advance_minutes(60).await;
    assert_eq!(paged(&app), 0);
    send(&app, &path, json!({ "title": "real", "dedup_key": "real" })).await;
    app.advance_minutes(1).await;
    assert_eq!(paged(&app), 0);
    app.advance_minutes(1).await;
    assert_eq!(paged(&app), 1);
    let incident = app.incidents().await[0]["id"].as_str().expect("an id").to_owned();
    let story = app.story(&incident).await;
    assert_eq!(story[..3], ["incident.triggered.v1", "incident.held.v1", "incident.escalated.v1"]);
}

#[tokio::test]
async fn nobody_is_paged_before_enough_alerts_came() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let threshold = json!({ "threshold": { "alerts": 3, "withinSeconds": 300 } });
    let (_, path) = entrance(&app, &world, json!({ "routing": { "catchAll": threshold } })).await;
    let flap = json!({ "title": "flap", "dedup_key": "flap" });
    send(&app, &path, flap.clone()).await;
    app.advance_minutes(2).await;
    send(&app, &path, flap.clone()).await;
    assert_eq!(paged(&app), 0);
    send(&app, &path, flap.clone()).await;
    assert_eq!(paged(&app), 1);

    send(&app, &path, json!({ "title": "once", "dedup_key": "once" })).await;
    app.advance_minutes(6).await;
    let incidents = app.incidents().await;
    let once = incidents.iter().find(|one| one["title"] == "once").expect("it is there");
    assert_eq!(once["status"], "RESOLVED");
    assert_eq!(paged(&app), 2, "the other one was paged for flapping");
}

#[tokio::test]
async fn an_incident_that_hears_nothing_more_ends_by_itself() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let quiet = json!({ "routing": { "catchAll": { "resolveAfterSeconds": 3600 } } });
    let (_, path) = entrance(&app, &world, quiet).await;
    let event = json!({ "title": "event", "dedup_key": "event" });
    send(&app, &path, event.clone()).await;
    app.advance_minutes(50).await;
    send(&app, &path, event).await;
    app.advance_minutes(59).await;
    assert_eq!(app.incidents().await[0]["status"], "TRIGGERED");
    app.advance_minutes(1).await;
    assert_eq!(app.incidents().await[0]["status"], "RESOLVED");
}

#[tokio::test]
async fn what_a_format_cannot_read_is_mapped_and_pages_in_any_case() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let mapping = json!({ "mapping": {
        "title": "payload.problem.what", "dedupKey": "payload.problem.id", "severity": "payload.problem.grade",
        "labels": "payload.problem.where" } });
    let (id, path) = entrance(&app, &world, mapping).await;
    let message = json!({ "problem": { "what": "pump 7 stands still", "id": 7, "grade": "dire", "where": { "hall": "B" } } });
    send(&app, &path, message).await;
    send(&app, &path, json!({ "other": "nonsense" })).await;
    let log = log(&app, &id).await;
    assert_eq!(log[1]["incident"]["title"], "pump 7 stands still");
    assert_eq!(log[0]["verdict"], "OPENED", "a mapping that fails still pages");
    assert_eq!(log[0]["incident"]["alerts"][0]["remarks"].as_array().map(Vec::len), Some(5));
    assert_eq!(paged(&app), 2);

    let warnings = "query($id: ID!) { integration(id: $id) { unknownSeverities { word } } }";
    let shown = app.query(warnings, json!({ "id": id })).await;
    assert_eq!(shown["integration"]["unknownSeverities"], json!([{ "word": "dire" }]));
    let severities = json!({ "severities": [{ "word": "Dire", "severity": "CRITICAL" }] });
    let changed = handle(&app, &id, severities).await;
    assert_eq!(changed["integration"]["unknownSeverities"], json!([]));
    assert_eq!(changed["integration"]["severities"], json!([{ "word": "dire", "severity": "CRITICAL" }]));
}

#[tokio::test]
async fn a_draft_is_tried_on_what_came_before_and_records_nothing() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (id, path) = plain_entrance(&app, &world).await;
    send(&app, &path, json!({ "title": "disk full", "host": "db-1", "routing_key": "nobody" })).await;
    // What is changed meanwhile counts, as it does when messages are decided again.
    let service = app.administer("createService", "service { id }", json!({ "name": "Storage" })).await;
    let service = service["service"]["id"].clone();
    let input = json!({ "integrationId": id, "serviceId": service });
    app.administer("updateIntegration", "integration { id }", input).await;
    let query = "query($id: ID!, $handling: HandlingInput!) { handlingPreview(integrationId: $id, handling: $handling) {
        deliveries { alerts { title severity rule dropped suspendSeconds remarks service { id } } reason }
        rejection { field message } } }";
    let handling = json!({ "mapping": { "title": "payload.host + ': ' + payload.title" }, "routing": { "rules": [
        { "name": "hosts", "condition": "payload.host.startsWith('db')", "take": { "suspendSeconds": 60 } } ] } });
    let shown = app.query(query, json!({ "id": id, "handling": handling })).await["handlingPreview"].take();
    assert_eq!(
        shown["deliveries"],
        json!([{ "alerts": [{ "title": "db-1: disk full", "severity": "MEDIUM", "rule": "hosts", "dropped": false,
            "suspendSeconds": 60, "remarks": ["no service has the routing key `nobody`"], "service": { "id": service } }],
            "reason": null }])
    );
    let draft = json!({ "mapping": { "title": "payload.title +" } });
    let shown = app.query(query, json!({ "id": id, "handling": draft })).await["handlingPreview"].take();
    assert_eq!(shown["rejection"]["field"], "mapping.title");
    let changed =
        handle(&app, &id, json!({ "routing": { "rules": [{ "name": "a", "condition": "unknown == 1" }] } }))
            .await;
    assert_eq!(changed["rejection"]["field"], "routing.rules[0].condition");
    let kept = handle(&app, &id, json!({})).await;
    assert_eq!(kept["integration"]["mapping"]["title"], Value::Null);
}

#[tokio::test]
async fn a_test_says_whether_it_would_join_and_what_would_not_go_as_it_is_set_up() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let handling = json!({ "mapping": { "title": "payload.nothing", "routingKey": "'nobody'" },
        "routing": { "catchAll": { "groupBy": "'all of them'" } } });
    let (id, path) = entrance(&app, &world, handling).await;
    let test = async || {
        app.administer("sendTestAlert", "delivery { id }", json!({ "integrationId": id })).await;
        app.settle().await;
        log(&app, &id).await[0]["reason"].as_str().expect("a reason").to_owned()
    };
    let told = test().await;
    let (outcome, remarks) = told.split_once("; remarks: ").expect("there are remarks");
    let opens =
        "a test: the rule `everything else` would open an incident on checkout, key group:all of them, ";
    assert!(outcome.starts_with(opens) && outcome.ends_with("paging first on level 1"), "{told}");
    assert!(remarks.starts_with("the mapping of title failed: "), "{told}");
    assert!(remarks.ends_with("; no service has the routing key `nobody`"), "{told}");

    let joins = "a test: the rule `everything else` would join the open incident “disk full” on checkout, ";
    let severities =
        [("low", "it would be worse than ever", "first on level 1"), ("critical", "it is bad", "nobody")];
    for (round, (severity, why, whom)) in severities.into_iter().enumerate() {
        send(&app, &path, json!({ "title": "disk full", "dedup_key": severity, "severity": severity })).await;
        let told = test().await;
        let paging = format!(", paging {whom}; remarks: ");
        assert!(told.starts_with(joins) && told.contains(&paging), "{why}: {told}");
        assert_eq!((app.incidents().await.len(), paged(&app)), (1, 1 + round), "a test changes nothing");
    }
}

#[tokio::test]
async fn a_test_says_whom_it_would_page_where_alerts_are_counted_first() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let counted = json!({ "routing": { "catchAll": {
        "groupBy": "'all of them'", "threshold": { "alerts": 3, "withinSeconds": 600 } } } });
    let (id, path) = entrance(&app, &world, counted).await;
    for (came, whom) in [
        (0, "first on level 1 once 3 alerts came within 600 seconds"),
        (1, "nobody"),
        (2, "first on level 1"),
    ] {
        if came > 0 {
            send(&app, &path, json!({ "title": "link down", "dedup_key": format!("link {came}") })).await;
        }
        app.administer("sendTestAlert", "delivery { id }", json!({ "integrationId": id })).await;
        app.settle().await;
        let told = log(&app, &id).await[0]["reason"].as_str().expect("a reason").to_owned();
        assert!(told.ends_with(&format!(", paging {whom}")), "after {came}: {told}");
        assert_eq!(paged(&app), 0, "a test changes nothing");
    }
}

#[tokio::test]
async fn an_alert_names_its_service_by_a_routing_key() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (id, path) = plain_entrance(&app, &world).await;
    let other = json!({ "name": "Storage", "routingKey": "Storage" });
    let other = app.administer("createService", "service { id }", other).await["service"]["id"].clone();
    send(&app, &path, json!({ "title": "disk full", "routing_key": "storage" })).await;
    send(&app, &path, json!({ "title": "disk full", "routing_key": "nowhere" })).await;
    let log = log(&app, &id).await;
    assert_eq!(log[1]["incident"]["service"]["id"], other);
    assert_eq!(log[0]["incident"]["service"]["id"], world.service);
    assert_eq!(
        log[0]["incident"]["alerts"][0]["remarks"],
        json!(["no service has the routing key `nowhere`"])
    );
    let taken = json!({ "name": "Again", "routingKey": "STORAGE" });
    let refused = app.administer("createService", "service { id } rejection { code field }", taken).await;
    let rejection = &refused["rejection"];
    assert_eq!((&rejection["code"], &rejection["field"]), (&json!("CONFLICT"), &json!("routingKey")));
}

#[tokio::test]
async fn merging_shows_what_the_last_alert_said() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let merging = json!({ "merging": { "title": "LAST", "severity": "LAST", "labels": "APPEND" } });
    let (_, path) = entrance(&app, &world, merging).await;
    let say = |title: &str, severity: &str, labels: Value| json!({ "title": title, "dedup_key": "disk", "severity": severity, "labels": labels });
    send(&app, &path, say("disk at 91%", "high", json!({ "team": "db" }))).await;
    send(&app, &path, say("disk at 80%", "low", json!({ "disk": "/var" }))).await;
    let query = "{ incidents { nodes { title severity attributes { labels { name value } } } } }";
    let shown = app.query(query, json!({})).await["incidents"]["nodes"][0].take();
    assert_eq!(
        shown,
        json!({ "title": "disk at 80%", "severity": "LOW", "attributes": { "labels": [
            { "name": "disk", "value": "/var" }, { "name": "team", "value": "db" } ] } })
    );
}

#[tokio::test]
async fn a_mapping_or_rule_that_loops_throws_or_yields_nonsense_still_pages() {
    // For each of three hundred items, through all of them, and again: 27 million steps, if it were let.
    const LOOPS: &str = "payload.items.all(a, payload.items.all(b, payload.items.all(c, c >= 0)))";
    // Three times as long with each of its parts: 28 MB in the end.
    let grows = (0..14).fold("payload.title".to_owned(), |text, _| format!("[{text}].map(x, x + x + x)[0]"));
    let loops_into_text = format!("{LOOPS} ? 'never' : 'never'");
    let loops = [loops_into_text.as_str(), &grows];
    let throws =
        ["payload.missing.field", "string(1 / payload.items[0])", "payload.items[999]", "int(payload.title)"];
    let nonsense = ["payload.items", "{'a': payload}", "null", "''", "'   '", "[]", r"'\u0000\n'", "true"];
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    for (number, title) in [&loops[..], &throws, &nonsense].concat().into_iter().enumerate() {
        let mapping = json!({ "title": title, "dedupKey": title, "severity": title, "labels": title, "details": title });
        let rules = json!([
            { "name": "loops", "condition": LOOPS, "drop": true },
            { "name": "throws", "condition": "payload.missing == 1", "drop": true },
            { "name": "divides", "condition": "1 / (payload.items[0]) == 1", "drop": true },
        ]);
        let (id, path) = plain_entrance(&app, &world).await;
        let handling = json!({ "mapping": mapping, "routing": { "rules": rules } });
        let changed = handle(&app, &id, handling).await;
        assert_eq!(changed["rejection"], Value::Null, "{title}");
        let named = format!("pump {number}");
        let items: Vec<u32> = (0..300).collect();
        send(&app, &path, json!({ "title": named, "dedup_key": named, "items": items })).await;
        let log = log(&app, &id).await;
        assert_eq!((log.len(), &log[0]["verdict"]), (1, &json!("OPENED")), "{title}: {log:?}");
        let incident = &log[0]["incident"];
        assert!(!incident["title"].as_str().unwrap_or_default().trim().is_empty(), "{title}: {incident}");
        assert_eq!((&incident["status"], paged(&app)), (&json!("TRIGGERED"), number + 1), "{title}");
        let remarks = incident["alerts"][0]["remarks"].to_string();
        assert!(remarks.contains("`loops` was passed over"), "{title}: {remarks}");
    }
    app.stop().await;
}
