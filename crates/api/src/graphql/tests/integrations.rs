//! How entrances are opened and changed: proofs, secrets and their rotation, and how messages are read.

use domain::user::Role;
use serde_json::{Value, json};

use super::stand::{Stand, administrator, with_role};

fn text(value: &Value) -> String {
    value.as_str().expect("it is text").to_owned()
}

const VERIFICATION: &str = "integration { id signed rotatingUntil subscriptions refusals { count lastReason }
    verification { method user header topics signature { header prefix encoding algorithm content timestampHeader
        toleranceSeconds } } reading { identity insufficientData archivedIsOver } } signingSecret key";

#[tokio::test]
async fn an_entrance_proves_itself_as_it_was_told() {
    let stand = Stand::new().await;
    let (_, service) = stand.world().await;
    let input = |more: Value| {
        let mut input = json!({ "name": "Tool", "serviceId": service });
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        input
    };
    let made = stand.done("createIntegration", VERIFICATION, input(json!({ "signed": true }))).await;
    let signature = &made["integration"]["verification"]["signature"];
    assert_eq!(
        (&signature["header"], &signature["prefix"]),
        (&json!("x-midwatch-signature"), &json!("sha256="))
    );
    assert_eq!(text(&made["signingSecret"]).len(), 64);

    let own = json!({ "verification": { "signature": { "header": "X-Own", "encoding": "BASE64",
        "content": "{timestamp}.{body}", "timestampHeader": "X-Time", "toleranceSeconds": 60 } },
        "secret": "chosen by the sender" });
    let made = stand.done("createIntegration", VERIFICATION, input(own)).await;
    let verification = &made["integration"]["verification"];
    assert_eq!((&verification["method"], &made["signingSecret"]), (&json!("SIGNATURE"), &Value::Null));
    assert_eq!(
        verification["signature"],
        json!({ "header": "x-own", "prefix": "", "encoding": "BASE64", "algorithm": "SHA256",
            "content": "{timestamp}.{body}", "timestampHeader": "x-time", "toleranceSeconds": 60 })
    );
    let directory = stand.app.directory.now();
    let (_, entrance) =
        directory.integration_by_key(&text(&made["key"]), stand.app.engine.now()).expect("it opens");
    let secret = entrance.signing_secret.expect("it has a secret");
    let kept = stand.app.engine.store().vault().open(secret).await.expect("a vault");
    assert_eq!(kept.as_deref(), Some(&b"chosen by the sender"[..]));

    let basic =
        json!({ "verification": { "basic": { "user": "datadog" } }, "reading": { "identity": "ALERT" } });
    let made = stand.done("createIntegration", VERIFICATION, input(basic)).await;
    assert_eq!(made["integration"]["verification"]["user"], "datadog");
    assert_eq!(made["integration"]["reading"]["identity"], "ALERT");
    assert_eq!(text(&made["signingSecret"]).len(), 64);
}

#[tokio::test]
async fn an_entrance_for_mail_has_an_address_and_may_say_who_may_send() {
    let stand = Stand::new().await;
    let (_, service) = stand.world().await;
    let input = |more: Value| {
        let mut input = json!({ "name": "Mail", "serviceId": service });
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        input
    };
    let shown = "integration { id kind verification { method senders } } key url routingKey signingSecret";
    let listed = json!({ "kind": "EMAIL", "verification": { "mail": { "senders": ["Nagios@Example.org", " @b.example "] } } });
    let made = stand.done("createIntegration", shown, input(listed)).await;
    assert_eq!(made["url"], format!("mailto:{}@alerts.example.org", text(&made["key"])));
    assert_eq!((&made["routingKey"], &made["signingSecret"]), (&Value::Null, &Value::Null));
    let told = json!({ "method": "MAIL", "senders": ["nagios@example.org", "@b.example"] });
    assert_eq!(
        (&made["integration"]["kind"], &made["integration"]["verification"]),
        (&json!("EMAIL"), &told)
    );
    for (more, field) in [
        (json!({ "kind": "EMAIL", "signed": true }), "verification"),
        (json!({ "kind": "EMAIL", "secret": "chosen by the sender" }), "secret"),
        (json!({ "kind": "EMAIL", "verification": { "mail": { "senders": ["nobody"] } } }), "senders[0]"),
        (json!({ "kind": "GENERIC", "verification": { "mail": { "senders": [] } } }), "senders"),
    ] {
        let refused = stand.mutate(administrator(), "createIntegration", shown, input(more.clone())).await;
        assert_eq!(refused["rejection"]["field"], field, "{more}");
    }
}

#[tokio::test]
async fn a_secret_is_rotated_with_an_overlap() {
    let stand = Stand::new().await;
    let (_, service) = stand.world().await;
    let create = json!({ "name": "Tool", "serviceId": service });
    let made = stand.done("createIntegration", VERIFICATION, create).await;
    let id = &made["integration"]["id"];
    assert_eq!(made["integration"]["verification"]["method"], "KEY");

    let change = json!({ "integrationId": id, "verification": { "preset": "GITHUB" } });
    let first = stand.done("updateIntegration", VERIFICATION, change).await;
    assert_eq!(first["integration"]["verification"]["signature"]["header"], "x-hub-signature-256");
    assert_eq!(first["integration"]["rotatingUntil"], Value::Null);
    let rotate =
        json!({ "integrationId": id, "rotateSecret": true, "rotateKey": true, "keepOldSeconds": 86400 });
    let second = stand.done("updateIntegration", VERIFICATION, rotate).await;
    assert_ne!(text(&first["signingSecret"]), text(&second["signingSecret"]));
    assert!(second["integration"]["rotatingUntil"].is_string());
    let (directory, now) = (stand.app.directory.now(), stand.app.engine.now());
    for key in [&made["key"], &second["key"]] {
        let (_, entrance) = directory.integration_by_key(&text(key), now).expect("it opens");
        assert_eq!(entrance.secrets(now).count(), 2);
    }
}

#[tokio::test]
async fn responders_mute_what_administrators_watch_and_say_why() {
    let stand = Stand::new().await;
    let (_, service) = stand.world().await;
    let watch = "integration { id watch { silentAfterSeconds mutedReason mutedUntil silentSince } }";
    let none = json!({ "name": "Tool", "serviceId": service, "silentAfterSeconds": 0 });
    let none = stand.done("createIntegration", watch, none).await;
    assert_eq!(none["integration"]["watch"], Value::Null);
    let beat = json!({ "name": "Beat", "kind": "HEARTBEAT", "serviceId": service });
    let made = stand.done("createIntegration", &format!("{watch} url"), beat).await;
    assert!(text(&made["url"]).starts_with("https://midwatch.example.org/hooks/heartbeat/"));
    assert_eq!(made["integration"]["watch"]["silentAfterSeconds"], 300, "a heartbeat is always watched");

    let id = &made["integration"]["id"];
    for seconds in [-1, 0, 29] {
        let update = json!({ "integrationId": id, "silentAfterSeconds": seconds });
        let refused = stand.mutate(with_role(Role::Administrator), "updateIntegration", watch, update).await;
        assert_eq!(refused["rejection"]["field"], "silentAfterSeconds", "{seconds}");
    }
    let responder = || with_role(Role::Responder);
    let mute = |id: &Value, reason: &str| json!({ "integrationId": id, "reason": reason, "until": "2099-01-01T00:00:00Z" });
    for (id, reason, field) in [(id, " ", "reason"), (&none["integration"]["id"], "a move", "integrationId")]
    {
        let refused = stand.mutate(responder(), "muteIntegration", watch, mute(id, reason)).await;
        assert_eq!(refused["rejection"]["field"], field);
    }
    let muted = stand.mutate(responder(), "muteIntegration", watch, mute(id, "a move")).await;
    let watched = &muted["integration"]["watch"];
    assert_eq!(
        (&watched["mutedReason"], &watched["mutedUntil"]),
        (&json!("a move"), &json!("2099-01-01T00:00:00.000Z"))
    );
    let unmuted = stand.mutate(responder(), "unmuteIntegration", watch, json!({ "integrationId": id })).await;
    assert_eq!(unmuted["integration"]["watch"]["mutedReason"], Value::Null);
}
