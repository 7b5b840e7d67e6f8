//! The main story: an alert pages, nobody answers, the next level is paged, somebody takes it.

use serde_json::json;

use crate::support::{TestApp, World};

/// What every story begins with: an alert for the checkout, sent to its generic entrance.
async fn alert(app: &TestApp, world: &World) -> String {
    let (_, key) = app.create_integration("GENERIC", &world.service).await;
    let body = json!({ "title": "payments fail", "severity": "critical", "dedup_key": "payments" });
    let (status, answer) = app.post(&format!("/hooks/generic/{key}"), body.to_string()).await;
    assert_eq!(status, 202, "{answer}");
    app.settle().await;
    let incidents = app.incidents().await;
    assert_eq!(incidents.len(), 1);
    incidents[0]["id"].as_str().expect("an incident has an id").to_owned()
}

#[tokio::test]
async fn an_alert_climbs_until_somebody_acknowledges() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let incident = alert(&app, &world).await;
    let page = &app.outbox.sent()[0];
    assert_eq!(
        (page.to.as_str(), page.level, page.title.as_str()),
        ("first@example.org", 1, "payments fail")
    );

    app.advance_minutes(4).await;
    assert_eq!(app.outbox.sent().len(), 1);
    app.advance_minutes(1).await;
    assert_eq!(app.outbox.sent_to("second@example.org").len(), 1);

    let payload = app.act("acknowledgeIncident", json!({ "onBehalfOf": world.second }), &incident).await;
    assert_eq!(payload["incident"]["status"], "ACKNOWLEDGED", "{payload}");
    app.advance_minutes(24 * 60).await;
    assert_eq!(app.outbox.sent().len(), 2, "no page begins after an acknowledgement");

    app.act("resolveIncident", json!({ "note": "restarted it" }), &incident).await;
    app.settle().await;
    let story = app.story(&incident).await;
    let expected = [
        "incident.triggered.v1",
        "incident.escalated.v1",
        "page.requested.v1",
        "page.sent.v1",
        "incident.escalated.v1",
        "page.requested.v1",
        "page.sent.v1",
        "incident.acknowledged.v1",
        "incident.resolved.v1",
    ];
    assert_eq!(story, expected);
    app.stop().await;
}

#[tokio::test]
async fn an_exhausted_ladder_pages_the_administrators_once() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let incident = alert(&app, &world).await;
    app.advance_minutes(15).await;
    let last = app.outbox.sent_to("boss@example.org");
    assert_eq!(last.len(), 1);
    assert!(last[0].reason.contains("last resort"), "{}", last[0].reason);
    assert!(app.story(&incident).await.contains(&"incident.exhausted.v1".to_owned()));
    app.advance_minutes(24 * 60).await;
    assert_eq!(app.outbox.sent().len(), 3);
    app.stop().await;
}

#[tokio::test]
async fn a_repeated_pass_pages_the_same_people_again() {
    let app = TestApp::start().await;
    let person = app.create_user("first", "RESPONDER").await;
    let levels = json!([{ "targets": [{ "userId": person }], "timeoutSeconds": 60 }]);
    let policy = app.create_policy("Insistent", levels, 2).await;
    let service = app.create_service("insistent", &policy).await;
    let input = json!({ "serviceId": service, "title": "disk" });
    let incident = app.create("createIncident", "incident", "CreateIncidentInput", input).await;
    app.settle().await;
    for passes in 1..=3_u64 {
        assert_eq!(app.outbox.sent_to("first@example.org").len() as u64, passes);
        assert_eq!(app.incident(&incident).await["escalation"]["cycle"], passes);
        app.advance_minutes(1).await;
    }
    assert_eq!(app.outbox.sent_to("first@example.org").len(), 3);
    app.stop().await;
}

#[tokio::test]
async fn an_alert_for_a_service_without_anybody_pages_the_administrators() {
    let app = TestApp::start().await;
    let boss = app.create_user("boss", "ADMINISTRATOR").await;
    assert!(boss.starts_with("usr_"));
    let service =
        app.create("createService", "service", "CreateServiceInput", json!({ "name": "orphan" })).await;
    let (_, key) = app.create_integration("GENERIC", &service).await;
    app.post(&format!("/hooks/generic/{key}"), r#"{"title":"help"}"#).await;
    app.settle().await;
    assert_eq!(app.outbox.sent_to("boss@example.org").len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn taking_back_an_acknowledgement_pages_from_the_beginning() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let incident = alert(&app, &world).await;
    app.act("acknowledgeIncident", json!({}), &incident).await;
    app.advance_minutes(60).await;
    app.act("unacknowledgeIncident", json!({}), &incident).await;
    app.settle().await;
    assert_eq!(app.outbox.sent_to("first@example.org").len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn reassigning_pages_the_other_person_at_once() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let incident = alert(&app, &world).await;
    let payload = app
        .act("reassignIncident", json!({ "userIds": [world.boss], "reason": "knows it" }), &incident)
        .await;
    assert_eq!(payload["rejection"], json!(null));
    app.settle().await;
    assert_eq!(app.outbox.sent_to("boss@example.org").len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn escalating_by_hand_does_not_wait() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let incident = alert(&app, &world).await;
    app.act("escalateIncident", json!({}), &incident).await;
    app.settle().await;
    assert_eq!(app.outbox.sent_to("second@example.org").len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_policy_with_nobody_on_it_leads_to_the_catch_all_policy() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let unreachable = json!({ "name": "Nomad", "email": "nomad@example.org", "role": "ADMINISTRATOR" });
    let nomad = app.create("createUser", "user", "CreateUserInput", unreachable).await;
    let level = |user: &str| json!([{ "targets": [{ "userId": user }], "timeoutSeconds": 300 }]);
    let deserted = app.create_policy("Deserted", level(&nomad), 0).await;
    let service = app.create_service("Archive", &deserted).await;
    let (_, key) = app.create_integration("GENERIC", &service).await;
    let path = format!("/hooks/generic/{key}");
    let on_call = "query($id: ID!) { onCall(serviceId: $id) { level uncovered } }";

    app.settle().await;
    let seen = app.query(on_call, json!({ "id": service })).await["onCall"].take();
    assert_eq!(seen[0]["uncovered"], true, "{seen}");
    app.post(&path, r#"{"title":"one"}"#).await;
    app.settle().await;
    let nobody = app.outbox.sent().iter().filter(|page| page.to == "nomad@example.org").count();
    assert_eq!(nobody, 0, "an administrator without a contact is nobody to page");
    let last_resort = app.outbox.sent().len();

    let everyone = app.create_policy("Catch-all", level(&world.second), 0).await;
    let input = json!({ "escalationPolicyId": everyone });
    let set = app.administer("setCatchAllPolicy", "escalationPolicy { catchAll }", input).await;
    assert_eq!(set["escalationPolicy"]["catchAll"], true, "{set}");
    app.settle().await;
    let seen = app.query(on_call, json!({ "id": service })).await["onCall"].take();
    assert_eq!(seen[0]["uncovered"], false, "what is shown is whom an alert would page: {seen}");
    app.post(&path, r#"{"title":"two"}"#).await;
    app.settle().await;
    let sent = app.outbox.sent();
    let pages: Vec<_> = sent[last_resort..].iter().map(|page| (page.to.as_str(), page.level)).collect();
    assert_eq!(pages, [("second@example.org", 1)]);
    app.stop().await;
}

#[tokio::test]
async fn an_incident_that_gets_worse_pages_again_until_somebody_has_it() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let (_, key) = app.create_integration("GENERIC", &world.service).await;
    let path = format!("/hooks/generic/{key}");
    let say = async |severity: &str| {
        app.post(&path, json!({ "title": "disk", "dedup_key": "disk", "severity": severity }).to_string())
            .await;
        app.settle().await;
        app.outbox.sent_to("first@example.org").len()
    };
    assert_eq!((say("low").await, say("low").await), (1, 1));
    assert_eq!((say("high").await, say("low").await, say("high").await), (2, 2, 2));
    let incident = app.incidents().await[0]["id"].as_str().expect("an id").to_owned();
    app.advance_minutes(4).await;
    assert_eq!(app.outbox.sent_to("second@example.org").len(), 0);
    app.advance_minutes(1).await;
    assert_eq!(app.outbox.sent_to("second@example.org").len(), 1, "the climb goes on from the last page");
    app.act("acknowledgeIncident", json!({}), &incident).await;
    assert_eq!(say("critical").await, 2, "who has it looks at it");
    assert_eq!(app.incidents().await[0]["severity"], "CRITICAL");
    app.stop().await;
}

#[tokio::test]
async fn an_empty_level_is_passed_over_at_once_and_the_timeline_says_so() {
    let app = TestApp::start().await;
    let [first, second] =
        [app.create_user("first", "RESPONDER").await, app.create_user("second", "RESPONDER").await];
    let team = app.create("createTeam", "team", "CreateTeamInput", json!({ "name": "Nobody yet" })).await;
    let levels = json!([
        { "targets": [{ "userId": first }], "timeoutSeconds": 300 },
        { "targets": [{ "teamId": team }], "timeoutSeconds": 300 },
        { "targets": [{ "userId": second }], "timeoutSeconds": 300 },
    ]);
    let service = app.create_service("checkout", &app.create_policy("Gap", levels, 0).await).await;
    let input = json!({ "serviceId": service, "title": "disk" });
    let incident = app.create("createIncident", "incident", "CreateIncidentInput", input).await;
    app.advance_minutes(5).await;
    let page = &app.outbox.sent_to("second@example.org")[0];
    assert_eq!(page.level, 3, "nobody is waited for who is not there");
    let timeline = app.incident(&incident).await["timeline"]["nodes"].take();
    let messages: Vec<_> =
        timeline.as_array().expect("a list").iter().map(|one| one["message"].to_string()).collect();
    let says = messages.iter().any(|message| message.contains("level 2 has nobody on it"));
    assert!(says, "{messages:?}");
    app.stop().await;
}

#[tokio::test]
async fn a_level_with_a_team_pages_each_of_its_members_at_once() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let input = json!({ "name": "Platform", "memberIds": [world.first, world.second] });
    let team = app.create("createTeam", "team", "CreateTeamInput", input).await;
    let levels = json!([{ "targets": [{ "teamId": team }], "timeoutSeconds": 300 }]);
    let service = app.create_service("platform", &app.create_policy("Platform", levels, 0).await).await;
    let input = json!({ "serviceId": service, "title": "disk" });
    app.create("createIncident", "incident", "CreateIncidentInput", input).await;
    app.settle().await;
    let mut sent: Vec<_> =
        app.outbox.sent().into_iter().map(|page| (page.to, page.level, page.reason)).collect();
    sent.sort();
    let page = |to: &str| (to.to_owned(), 1, "you are a member of Platform".to_owned());
    assert_eq!(sent, [page("first@example.org"), page("second@example.org")]);
    app.stop().await;
}

#[tokio::test]
async fn reassigning_to_a_policy_climbs_its_ladder_from_the_beginning_and_leaves_the_old_one() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let third = app.create_user("third", "RESPONDER").await;
    let levels = json!([
        { "targets": [{ "userId": world.boss }], "timeoutSeconds": 600 },
        { "targets": [{ "userId": third }], "timeoutSeconds": 600 },
    ]);
    let policy = app.create_policy("Databases", levels, 0).await;
    let incident = alert(&app, &world).await;
    app.advance_minutes(4).await;
    let payload = app.act("reassignIncident", json!({ "escalationPolicyId": policy }), &incident).await;
    assert_eq!(payload["rejection"], json!(null));
    app.settle().await;
    assert_eq!(app.outbox.sent_to("boss@example.org").len(), 1, "at once");
    app.advance_minutes(9).await;
    assert_eq!(app.outbox.sent().len(), 2, "what the old ladder waited for is over");
    app.advance_minutes(1).await;
    assert_eq!(app.outbox.sent_to("third@example.org").len(), 1);
    assert!(app.outbox.sent_to("second@example.org").is_empty());
    app.stop().await;
}
