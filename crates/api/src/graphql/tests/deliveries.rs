//! Messages that are tests, and messages that are to be decided again, before anything reacts to them.

use domain::user::Role;
use serde_json::{Value, json};

use super::stand::{Stand, administrator, text, with_role};

const DELIVERY: &str =
    "delivery { id format proof verdict bodyText bodyHex bodyBytes truncated replayCount latencyMs
    decisions { verdict } alerts { title } }";

async fn entrance(stand: &Stand, service: &str, kind: &str) -> String {
    let input = json!({ "name": kind, "kind": kind, "serviceId": service });
    text(&stand.done("createIntegration", "integration { id }", input).await["integration"]["id"])
}

#[tokio::test]
async fn a_test_is_kept_once_as_a_message_of_its_entrance() {
    let stand = Stand::new().await;
    let (_, service) = stand.world().await;
    for (index, kind) in ["GENERIC", "SENTRY"].into_iter().enumerate() {
        let id = entrance(&stand, &service, kind).await;
        let command = format!("9b2f4a4e-6a5c-4d0e-8f57-00000000000{index}");
        let input = json!({ "integrationId": id, "commandId": command });
        let sent = stand.done("sendTestAlert", DELIVERY, input.clone()).await;
        let delivery = &sent["delivery"];
        assert_eq!((&delivery["format"], &delivery["proof"]), (&json!(kind), &json!("TEST")));
        let body = text(&delivery["bodyText"]);
        assert!(body.contains(&command.replace('-', "")), "it is a test of its own: {body}");
        assert_eq!(delivery["bodyBytes"], body.len());
        assert_eq!((&delivery["bodyHex"], &delivery["truncated"]), (&Value::Null, &json!(false)));
        assert_eq!((&delivery["verdict"], &delivery["latencyMs"]), (&Value::Null, &Value::Null));
        assert_eq!(delivery["alerts"], json!([{ "title": "[Test] Test alert from Midwatch" }]));
        let head = stand.app.engine.store().head();
        let again = stand.done("sendTestAlert", DELIVERY, input).await;
        assert_eq!((&again["delivery"], stand.app.engine.store().head()), (delivery, head));
    }
}

#[tokio::test]
async fn an_entrance_that_takes_no_messages_takes_no_test() {
    let stand = Stand::new().await;
    let (_, service) = stand.world().await;
    let id = entrance(&stand, &service, "GENERIC").await;
    let off = json!({ "integrationId": id, "enabled": false });
    stand.done("updateIntegration", "integration { id }", off).await;
    for (integration, code) in [(id, "INVALID"), (format!("int_{:032x}", 7), "NOT_FOUND")] {
        let input = json!({ "integrationId": integration });
        let answer = stand.mutate(administrator(), "sendTestAlert", DELIVERY, input).await;
        assert_eq!((&answer["delivery"], &answer["rejection"]["code"]), (&Value::Null, &json!(code)));
    }
}

#[tokio::test]
async fn only_messages_of_the_entrance_are_replayed_and_all_of_them_or_none() {
    let stand = Stand::new().await;
    let (_, service) = stand.world().await;
    let (one, other) =
        (entrance(&stand, &service, "GENERIC").await, entrance(&stand, &service, "GRAFANA").await);
    let mut sent = vec![];
    for integration in [&one, &one, &other] {
        let input = json!({ "integrationId": integration });
        sent.push(text(&stand.done("sendTestAlert", "delivery { id }", input).await["delivery"]["id"]));
    }
    let head = stand.app.engine.store().head();
    for (ids, code, field) in [
        (json!([]), "INVALID", "deliveryIds"),
        (json!(vec![&sent[0]; 501]), "INVALID", "deliveryIds"),
        (json!([sent[0], "nonsense"]), "NOT_FOUND", "deliveryIds[1]"),
        (json!([sent[0], sent[2]]), "NOT_FOUND", "deliveryIds[1]"),
        (json!([format!("dlv_{:032x}", 7)]), "NOT_FOUND", "deliveryIds[0]"),
    ] {
        let input = json!({ "integrationId": one, "deliveryIds": ids });
        let answer = stand.mutate(administrator(), "replayDeliveries", "replayed { id }", input).await;
        assert_eq!(answer["replayed"], Value::Null);
        assert_eq!(
            (&answer["rejection"]["code"], &answer["rejection"]["field"]),
            (&json!(code), &json!(field))
        );
    }
    assert_eq!(stand.app.engine.store().head(), head);

    let input = json!({ "integrationId": one, "deliveryIds": [sent[1], sent[0], sent[1]],
        "commandId": "9b2f4a4e-6a5c-4d0e-8f57-000000000009" });
    let selection = "replayed { id replayCount verdict }";
    let first = stand.done("replayDeliveries", selection, input.clone()).await;
    let expected = |id: &str| json!({ "id": id, "replayCount": 1, "verdict": null });
    assert_eq!(first["replayed"], json!([expected(&sent[0]), expected(&sent[1])]), "in the order of coming");
    assert_eq!(stand.done("replayDeliveries", selection, input).await, first);
    assert_eq!(stand.app.engine.store().head(), head + 2, "each is recorded once");
}

#[tokio::test]
async fn observers_see_that_a_message_came_and_not_what_it_was() {
    let stand = Stand::new().await;
    let (_, service) = stand.world().await;
    let id = entrance(&stand, &service, "GENERIC").await;
    stand.done("sendTestAlert", "delivery { id }", json!({ "integrationId": id })).await;
    let query = "query($id: ID!) { integration(id: $id) { deliveries(filter: { undecided: true }) {
        nodes { bodyBytes body bodyText bodyHex timeline { nodes { kind payload } } } } } }";
    for (role, shown) in [(Role::Observer, false), (Role::Responder, true)] {
        let answer = stand.ask(with_role(role), query, json!({ "id": id })).await;
        let node = &answer["data"]["integration"]["deliveries"]["nodes"][0];
        assert!(node["bodyBytes"].as_u64().is_some_and(|bytes| bytes > 0), "{answer}");
        assert_eq!((node["body"].is_string(), node["bodyText"].is_string()), (shown, shown), "{role:?}");
        let came = &node["timeline"]["nodes"][0];
        assert_eq!(came["kind"], "delivery.received.v1", "{answer}");
        assert!(came["payload"]["format"].is_string(), "{answer}");
        assert_eq!(came["payload"]["body"].is_object(), shown, "{role:?}");
    }
}
