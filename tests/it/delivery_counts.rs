//! How many messages came through an integration lately, and what became of them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{APP_TOKEN, TestApp, World, text};

#[tokio::test]
async fn an_integration_counts_what_came_lately_and_what_became_of_it() {
    let app = TestApp::start().await;
    let world = World::make(&app).await;
    let input = json!({ "name": "tool", "kind": "GENERIC", "serviceId": world.service, "verification": { "bearer": true } });
    let made = app.administer("createIntegration", "integration { id } key signingSecret", input).await;
    let (id, path) = (text(&made["integration"]["id"]), format!("/hooks/generic/{}", text(&made["key"])));
    let bearer = format!("Bearer {}", text(&made["signingSecret"]));
    let send = async |token: &str, body: &str| {
        app.call(
            "POST",
            &path,
            &[("authorization", token), ("content-type", "application/json")],
            body.to_owned(),
        )
        .await
        .0
    };
    let alert = r#"{"title":"disk","dedup_key":"disk"}"#;
    assert_eq!(send(&bearer, alert).await, 202);
    app.settle().await;
    app.clock.advance(Duration::from_hours(2));
    for (token, body, status) in
        [(&*bearer, alert, 202), (&bearer, "{", 400), (&bearer, "[", 400), ("Bearer wrong", alert, 401)]
    {
        assert_eq!(send(token, body).await, status);
    }
    app.settle().await;
    let counts = async |hours: &str| {
        let query = format!(
            "query($id: ID!) {{ integration(id: $id) {{ deliveryCounts{hours} {{ since undecided rejected refused
            limited exact verdicts {{ verdict count }} }} }} }}"
        );
        app.query_as(APP_TOKEN, &query, json!({ "id": id })).await
    };
    let whole = counts("").await["data"]["integration"]["deliveryCounts"].take();
    assert_eq!(whole["since"], "2026-11-23T05:00:00.000Z");
    let numbers =
        json!([whole["undecided"], whole["rejected"], whole["refused"], whole["limited"], whole["exact"]]);
    assert_eq!(numbers, json!([0, 2, 1, 0, true]));
    let came = |whole: &Value| -> Vec<(String, u64)> {
        let verdicts = whole["verdicts"].as_array().expect("verdicts").iter();
        let pairs = verdicts.map(|one| (text(&one["verdict"]), one["count"].as_u64().expect("a number")));
        pairs.filter(|(_, count)| *count > 0).collect()
    };
    let pairs = |pairs: &[(&str, u64)]| {
        pairs.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect::<Vec<_>>()
    };
    assert_eq!(came(&whole), pairs(&[("OPENED", 1), ("JOINED", 1), ("REJECTED", 2)]));
    let last = counts("(hours: 1)").await["data"]["integration"]["deliveryCounts"].take();
    assert_eq!(came(&last), pairs(&[("JOINED", 1), ("REJECTED", 2)]));
    let wrong = counts("(hours: 169)").await;
    assert_eq!(wrong["errors"][0]["message"], "hours must be from 1 to 168, not 169");
    app.stop().await;
}
