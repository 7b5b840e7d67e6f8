//! The guide to schedules is right: each of its examples is run as it stands, only with other ids.

use serde_json::{Value, json};

use crate::support::TestApp;

const GUIDE: &str = include_str!("../../docs/guides/schedules.md");

/// The examples, in their order.
fn examples() -> Vec<&'static str> {
    let fenced = GUIDE.split("```graphql\n").skip(1);
    fenced.map(|rest| rest.split("```").next().expect("a fence ends")).collect()
}

/// What an example made, by the word that later ones name it with.
fn made(data: &Value) -> Option<(&'static str, String)> {
    let id = |value: &Value| value["id"].as_str().map(str::to_owned);
    let schedule = &data["createSchedule"]["schedule"];
    let first = schedule["onCallNow"].is_array().then(|| id(schedule)).flatten();
    first
        .map(|id| ("sch_primary", id))
        .or_else(|| Some(("ovr_dentist", id(&data["createScheduleOverride"]["scheduleOverride"])?)))
        .or_else(|| Some(("swp_concert", id(&data["requestShiftSwap"]["shiftSwap"])?)))
}

#[tokio::test]
async fn every_example_of_the_guide_works() {
    let app = TestApp::start().await;
    let mut names = vec![];
    for (word, name) in [("usr_ada", "ada"), ("usr_bob", "bob"), ("usr_cy", "cy")] {
        names.push((word, app.create_user(name, "RESPONDER").await));
    }
    let levels = json!([{ "targets": [{ "userId": names[0].1 }], "timeoutSeconds": 300 }]);
    let policy = app.create_policy("Shop", levels, 0).await;
    names.push(("svc_shop", app.create_service("shop", &policy).await));
    let examples = examples();
    assert!(examples.len() > 12, "the guide has examples");
    for example in examples {
        let query = names.iter().fold(example.to_owned(), |text, (word, id)| text.replace(word, id));
        let data = app.query(&query, json!({})).await;
        for (field, payload) in data.as_object().expect("fields") {
            assert_eq!(payload.get("rejection").unwrap_or(&Value::Null), &Value::Null, "{field}: {example}");
            assert!(!payload.is_null(), "{field}: {example}");
        }
        names.extend(made(&data));
        app.settle().await;
    }
    app.stop().await;
}
