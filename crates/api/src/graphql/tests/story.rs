//! The whole story of incidents, people and rights.

use domain::user::Role;
use serde_json::{Value, json};

use super::stand::{Stand, administrator, text, with_role};

const INCIDENT: &str = "query($id: ID!, $position: Position) { incident(id: $id, waitFor: $position) {
    id number title status severity alertCount episode openedAt resolvedAt resolution
    service { id name onCallNow { level users { name } empty } } acknowledgedBy { kind name user { email } }
    escalation { level cycle nextAt policy { name repeat levels { level timeoutSeconds targets { ... on User { name } } } } }
    alerts { title } pages { status }
    timeline(first: 20) { nodes { position at kind message actor { kind name } payload } pageInfo { hasNextPage } } } }";

#[tokio::test]
async fn an_incident_is_opened_taken_and_resolved() {
    let stand = Stand::new().await;
    let (ada, service) = stand.world().await;
    let opened = stand.incident(&service, "The shop is closed").await;
    assert_eq!(opened["incident"]["status"], "TRIGGERED");
    assert_eq!(opened["incident"]["number"], 1);
    let id = text(&opened["incident"]["id"]);

    let input = json!({ "incidentId": id, "onBehalfOf": ada });
    let taken =
        stand.done("acknowledgeIncident", "incident { status acknowledgedBy { id name } }", input).await;
    assert_eq!(
        taken["incident"],
        json!({ "status": "ACKNOWLEDGED", "acknowledgedBy": { "id": ada, "name": "Ada" } })
    );
    let note = json!({ "incidentId": id, "text": "the key was lost" });
    stand.done("addIncidentNote", "incident { id }", note).await;
    let over = json!({ "incidentId": id, "note": "found it" });
    let over = stand.done("resolveIncident", "incident { status resolution }", over).await;
    assert_eq!(over["incident"], json!({ "status": "RESOLVED", "resolution": "found it" }));

    let seen = stand.data(INCIDENT, json!({ "id": id, "position": over["position"] })).await;
    let incident = &seen["incident"];
    assert_eq!(incident["service"]["onCallNow"][0]["users"], json!([{ "name": "Ada" }]));
    assert_eq!(incident["escalation"]["policy"]["levels"][0]["timeoutSeconds"], 300);
    let told: Vec<_> = incident["timeline"]["nodes"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|one| text(&one["message"]))
        .collect();
    assert_eq!(
        told,
        [
            "The administrator opened “The shop is closed” (high)",
            "Level 1: Ada to be paged",
            "Ada acknowledged",
            "The administrator noted: the key was lost",
            "The administrator resolved: found it",
        ]
    );
}

#[tokio::test]
async fn what_rules_refuse_is_data() {
    let stand = Stand::new().await;
    let (_, service) = stand.world().await;
    let id = text(&stand.incident(&service, "Smoke").await["incident"]["id"]);
    stand.done("resolveIncident", "incident { id }", json!({ "incidentId": id })).await;
    for (input, code, field) in [
        (json!({ "incidentId": id }), "ALREADY_RESOLVED", Value::Null),
        (json!({ "incidentId": "nonsense" }), "NOT_FOUND", json!("incidentId")),
        (json!({ "incidentId": format!("inc_{:032x}", 7) }), "NOT_FOUND", Value::Null),
    ] {
        let payload = stand.mutate(administrator(), "acknowledgeIncident", "incident { id }", input).await;
        assert_eq!((&payload["incident"], &payload["position"]), (&Value::Null, &Value::Null));
        assert_eq!((&payload["rejection"]["code"], &payload["rejection"]["field"]), (&json!(code), &field));
    }
    let nowhere = json!({ "name": "Lost", "memberIds": [format!("usr_{:032x}", 7)] });
    let payload = stand.mutate(administrator(), "createTeam", "team { id }", nowhere).await;
    assert_eq!(payload["rejection"]["code"], "UNKNOWN_REFERENCE");
    assert_eq!(payload["rejection"]["field"], "memberIds[0]");
}

#[tokio::test]
async fn a_request_repeated_with_its_command_id_is_recorded_once_and_answered_alike() {
    let stand = Stand::new().await;
    let (user, service) = stand.world().await;
    let command = "9b2f4a4e-6a5c-4d0e-8f57-000000000001";
    let requests = [
        ("createTeam", "team { id }", json!({ "name": "Sea" })),
        (
            "createIntegration",
            "integration { id } key url signingSecret",
            json!({ "name": "Tool", "serviceId": service, "signed": true }),
        ),
        ("createApiKey", "apiKey { id } key", json!({ "name": "Robot" })),
        ("createCalendarFeed", "calendarFeed { id } url", json!({ "userId": user })),
        ("createIncident", "incident { id }", json!({ "serviceId": service, "title": "Once" })),
        (
            "createUser",
            "user { id } contactSecrets { secret }",
            json!({ "name": "Eve", "email": "eve@example.org",
            "contacts": [{ "webhook": { "url": "https://example.org/hook" } }] }),
        ),
    ];
    for (index, (mutation, selection, mut input)) in requests.into_iter().enumerate() {
        input["commandId"] = json!(format!("{}{index}", &command[..35]));
        let mut first = stand.done(mutation, selection, input.clone()).await;
        let head = stand.app.engine.store().head();
        let mut again = stand.done(mutation, selection, input).await;
        assert_eq!(stand.app.engine.store().head(), head, "{mutation} is recorded once");
        (first["position"], again["position"]) = (Value::Null, Value::Null);
        assert_eq!(first, again, "{mutation}");
    }
}

#[tokio::test]
async fn an_integration_shows_its_keys_once_and_they_open() {
    let stand = Stand::new().await;
    let (_, service) = stand.world().await;
    let input = json!({ "name": "Tool", "kind": "PAGERDUTY", "serviceId": service, "signed": true });
    let made = stand
        .done("createIntegration", "integration { id signed } key url routingKey signingSecret", input)
        .await;
    let key = text(&made["key"]);
    assert_eq!((key.len(), &made["routingKey"]), (32, &made["key"]));
    assert_eq!(made["url"], "https://midwatch.example.org/v2/enqueue");
    let directory = stand.app.directory.now();
    let (_, entrance) = directory.integration_by_key(&key, stand.app.engine.now()).expect("the key opens");
    let secret = entrance.signing_secret.expect("it is signed");
    let kept = stand.app.engine.store().vault().open(secret).await.expect("a vault");
    assert_eq!(kept.as_deref(), Some(text(&made["signingSecret"]).as_bytes()));

    let rotate = json!({ "integrationId": made["integration"]["id"], "rotateKey": true });
    let rotated = stand.done("updateIntegration", "key", rotate).await;
    let directory = stand.app.directory.now();
    assert!(directory.integration_by_key(&key, stand.app.engine.now()).is_none());
    assert!(directory.integration_by_key(&text(&rotated["key"]), stand.app.engine.now()).is_some());
}

#[tokio::test]
async fn everybody_may_do_what_their_role_allows_and_no_more() {
    let stand = Stand::new().await;
    let mutations = stand
        .data("{ __schema { mutationType { fields { name } } queryType { fields { name } } } }", json!({}))
        .await;
    let document = |name: &str| {
        let input = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
        format!("mutation($input: {input}!) {{ {name}(input: $input) {{ position }} }}")
    };
    let inputs: Value = json!({ "name": "x", "email": "x", "serviceId": "x", "title": "x", "incidentId": "x", "text": "x",
        "teamId": "x", "userId": "x", "integrationId": "x", "escalationPolicyId": "x", "scheduleId": "x", "apiKeyId": "x",
        "calendarFeedId": "x", "reason": "x", "deliveryIds": [],
        "levels": [], "participants": [], "rotationStart": "2026-01-01T00:00", "overrideId": "x", "swapId": "x",
        "severity": "HIGH", "until": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:00:00Z", "effectiveFrom": "2026-01-01T00:00:00Z",
        "give": { "start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z" } });
    for field in mutations["__schema"]["mutationType"]["fields"].as_array().expect("mutations") {
        let name = text(&field["name"]);
        let kind = format!(
            "{{ __type(name: \"{}{}Input\") {{ inputFields {{ name type {{ kind }} }} }} }}",
            name[..1].to_uppercase(),
            &name[1..]
        );
        let fields = stand.data(&kind, json!({})).await["__type"]["inputFields"].take();
        let required =
            fields.as_array().expect("fields").iter().filter(|field| field["type"]["kind"] == "NON_NULL");
        let mut input: serde_json::Map<_, _> = required
            .map(|field| text(&field["name"]))
            .filter_map(|name| inputs.get(&name).map(|value| (name, value.clone())))
            .collect();
        if name == "createScheduleOverride" {
            input.insert("kind".to_owned(), json!("SET"));
        }
        let responds = [
            "Incident",
            "Override",
            "Swap",
            "cover",
            "CalendarFeed",
            "muteIntegration",
            "unmuteIntegration",
            "replayDeliveries",
        ];
        let configures = !responds.iter().any(|word| name.contains(word));
        let roles = if configures { vec![Role::Observer, Role::Responder] } else { vec![Role::Observer] };
        for role in roles {
            let answer = stand.ask(with_role(role), &document(&name), json!({ "input": input })).await;
            assert_eq!(
                answer["errors"][0]["extensions"]["code"], "FORBIDDEN",
                "{name} as {role:?}: {answer}"
            );
        }
    }
    for query in ["{ events { nodes { position } } }", "{ apiKeys { nodes { id } } }"] {
        let answer = stand.ask(with_role(Role::Responder), query, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{query}");
    }
    let nobody = stand.schema.execute("{ teams { nodes { id } } }").await;
    let nobody = serde_json::to_value(nobody).expect("an answer is JSON");
    assert_eq!(nobody["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_schedule_says_who_is_on_call_and_until_when() {
    let stand = Stand::new().await;
    let (ada, _) = stand.world().await;
    let bob = json!({ "name": "Bob", "email": "bob@example.org" });
    let bob = text(&stand.done("createUser", "user { id }", bob).await["user"]["id"]);
    // 2026-09-21 is 2454 days later, an even number: it is the turn of the first.
    let schedule = json!({ "name": "Nights", "timeZone": "Europe/Berlin", "rotation": "DAILY",
        "rotationStart": "2020-01-02T09:00", "participants": [ada, bob] });
    let made = stand
        .done("createSchedule", "schedule { id rotation every rotationStart onCallNow { name } }", schedule)
        .await;
    assert_eq!(made["schedule"]["onCallNow"], json!([{ "name": "Ada" }]));
    assert_eq!((&made["schedule"]["rotation"], &made["schedule"]["every"]), (&json!("DAILY"), &json!(1)));
    let query = "query($id: ID!) { onCall(scheduleId: $id) { level users { name } until empty } }";
    let on_call = stand.data(query, json!({ "id": made["schedule"]["id"] })).await;
    assert_eq!(on_call["onCall"][0]["users"], json!([{ "name": "Ada" }]));
    assert_eq!(
        (&on_call["onCall"][0]["empty"], on_call["onCall"][0]["until"].is_string()),
        (&json!(false), true)
    );
    assert_eq!(on_call["onCall"][0]["until"], "2026-09-22T07:00:00.000Z");
    let neither = stand.ask(administrator(), "{ onCall { level } }", json!({})).await;
    assert_eq!(neither["errors"][0]["extensions"]["code"], "BAD_INPUT");
}

#[tokio::test]
async fn the_log_is_read_page_by_page() {
    let stand = Stand::new().await;
    let (ada, service) = stand.world().await;
    let id = text(&stand.incident(&service, "Smoke").await["incident"]["id"]);
    let query = "query($after: String, $subject: ID, $types: [String!], $position: Position) {
        events(first: 2, after: $after, subject: $subject, types: $types, waitFor: $position) {
            nodes { position type message hash payload } pageInfo { hasNextPage endCursor } } }";
    let (mut kinds, mut after) = (vec![], Value::Null);
    let position = json!(stand.app.engine.store().head());
    loop {
        let mut page =
            stand.data(query, json!({ "after": after, "position": position })).await["events"].take();
        kinds.extend(page["nodes"].as_array().expect("events").iter().map(|event| text(&event["type"])));
        after = page["pageInfo"]["endCursor"].take();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(
        kinds,
        [
            "user.created.v1",
            "policy.created.v1",
            "service.created.v1",
            "incident.triggered.v1",
            "incident.escalated.v1"
        ]
    );
    let about = stand.data(query, json!({ "subject": id, "types": ["incident.escalated.v1"] })).await;
    assert_eq!(about["events"]["nodes"].as_array().expect("events").len(), 1);
    let about = stand.data(query, json!({ "subject": ada })).await;
    assert_eq!(about["events"]["nodes"][0]["message"], "The administrator added Ada");
}
