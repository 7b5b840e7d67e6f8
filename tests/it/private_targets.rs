//! Addresses of one's own network are not called unless the operator allows it.

use serde_json::{Value, json};

use crate::support::{Phone, Server, text};

#[tokio::test]
async fn a_private_address_is_not_paged_by_default_and_the_page_says_why() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let phone = Phone::listen().await;
    let server = Server::start_guarded(&database).await;
    // By its address, and by a name that only resolving leads there.
    let targets = [phone.url.clone(), phone.url.replace("127.0.0.1", "localhost")];
    let person = json!({ "name": "on call", "email": "oncall@example.org",
        "contacts": targets.map(|url| json!({ "webhook": { "url": url } })),
        "notificationRules": [{ "delaySeconds": 0, "contactIndex": 0 }, { "delaySeconds": 0, "contactIndex": 1 }] });
    let user = text(&server.create("createUser", "user { id }", person).await["user"]["id"]);
    let policy =
        json!({ "name": "on call", "levels": [{ "targets": [{ "userId": user }], "timeoutSeconds": 3600 }] });
    let policy = server.create("createEscalationPolicy", "escalationPolicy { id }", policy).await;
    let service = json!({ "name": "checkout", "escalationPolicyId": policy["escalationPolicy"]["id"] });
    let service = server.create("createService", "service { id }", service).await["service"]["id"].take();
    let incident = json!({ "serviceId": service, "title": "disk" });
    server.create("createIncident", "incident { id }", incident).await;

    let pages = async || -> Vec<Value> {
        let query = "{ incidents { nodes { pages { status failure } } } }";
        let mut data = server.query(query, json!({})).await;
        data["incidents"]["nodes"][0]["pages"].as_array_mut().map(std::mem::take).unwrap_or_default()
    };
    let failed = || async {
        let pages = pages().await;
        pages.len() == 2 && pages.iter().all(|page| page["status"] == "FAILED")
    };
    server.until("both pages have failed", failed).await;
    for page in pages().await {
        let why = text(&page["failure"]);
        assert!(why.contains("private") && why.contains("not allowed"), "it says why: {page}");
    }
    assert!(phone.pages().is_empty(), "nothing was called");
}
