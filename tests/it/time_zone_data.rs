//! Other time zone data: what it moves is recorded, shown and told.

use commands::VirtualClock;
use serde_json::{Value, json};

use crate::{
    notices::{cards, daily, folder, person, set, story, time},
    support::{Outbox, TestApp},
};

/// A zone file whose wall clock never changes.
fn fixed(offset_seconds: i32, rule: &str) -> Vec<u8> {
    let header = |version: u8| {
        let mut header = b"TZif".to_vec();
        header.push(version);
        header.extend([0; 15]);
        // Of UT and standard indicators, leap seconds and transitions there are none; one type, four letters.
        for count in [0_u32, 0, 0, 0, 1, 4] {
            header.extend(count.to_be_bytes());
        }
        header.extend(offset_seconds.to_be_bytes());
        header.extend([0, 0]);
        header.extend(b"XST\0");
        header
    };
    [header(b'2'), header(b'2'), format!("\n{rule}\n").into_bytes()].concat()
}

#[tokio::test]
async fn other_time_zone_data_is_noticed_and_told_to_those_whose_shifts_it_moves() {
    let folder = folder();
    let clock = VirtualClock::at(time("2027-03-20T12:00:00Z"));
    let (file, outbox) = (folder.path().join("midwatch.db"), Outbox::default());
    let app = TestApp::start_on(&file, clock.clone(), outbox.clone()).await;
    let (ada, bob) = (person(&app, "ada", "UTC").await, person(&app, "bob", "UTC").await);
    app.create_user("boss", "ADMINISTRATOR").await;
    let berlin = daily(&app, "Europe/Berlin", "2027-03-20T09:00", &[&ada, &bob]).await;
    daily(&app, "UTC", "2027-03-20T09:00", &[&bob]).await;
    for name in [&ada, &bob] {
        set(&app, json!({ "startLeadMinutes": [], "endLeadMinutes": [], "handoffs": false }), name).await;
    }
    app.settle().await;
    let query = "{ timeZoneData { version previous changedAt
        changedSchedules { schedule { id } users { name } } } }";
    let before = app.query(query, json!({})).await["timeZoneData"].take();
    let bundled = before["version"].as_str().expect("a version").to_owned();
    assert_eq!((&before["previous"], &before["changedSchedules"]), (&Value::Null, &json!([])));
    app.stop().await;

    // An edition in which Berlin gave up summer time.
    let data = folder.path().join("zoneinfo");
    std::fs::create_dir_all(data.join("Europe")).expect("a folder");
    std::fs::write(data.join("Europe/Berlin"), fixed(3600, "XST-1")).expect("it can be written");
    std::fs::write(data.join("+VERSION"), "2027z\n").expect("it can be written");
    let url = format!("sqlite:{}", file.display());
    let config = || midwatch::Config { tzdb: Some(data.clone()), ..TestApp::config(&url) };
    for start in ["the first", "another"] {
        let app = TestApp::start_with(config(), clock.clone(), outbox.clone()).await;
        app.settle().await;
        let after = app.query(query, json!({})).await["timeZoneData"].take();
        assert_eq!(
            (&after["version"], &after["previous"]),
            (&json!("2027z"), &json!(bundled)),
            "{start} start"
        );
        let changed = after["changedSchedules"].as_array().expect("a list").clone();
        assert_eq!(changed.len(), 1, "the schedule in UTC stays: {changed:?}");
        assert_eq!(changed[0]["schedule"]["id"], json!(berlin));
        let mut names: Vec<_> = changed[0]["users"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|user| user["name"].to_string())
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["\"ada\"", "\"bob\""]);
        assert_eq!(app.ready().await["checks"]["timeZoneData"]["version"], "2027z");
        let told = cards(&app, "ada");
        assert_eq!(told.len(), 1, "once, after {start} start");
        assert_eq!(told[0].subject, "Your shifts have changed with the time zone data: Primary");
        // From the 28th on, shifts begin and end an hour later: she loses the hour before and gains the one after.
        let first = "Sun 28 Mar 2027, 07:00 to Sun 28 Mar 2027, 08:00 (UTC+00:00) (1 hour)";
        let lists: Vec<_> = told[0].lists.iter().flat_map(|list| &list.lines).collect();
        assert!(lists.iter().any(|line| *line == first), "{lists:?}");
        let boss = cards(&app, "boss");
        assert_eq!(boss.iter().filter(|card| card.kind == "zone_data_changed").count(), 1);
        assert_eq!(boss[0].lists[0].lines, ["Primary: ada and bob"]);
        let story = story(&app, &berlin).await;
        let changes = story.iter().filter(|(kind, _)| kind == "organization.zone_data_changed.v1");
        assert_eq!(changes.count(), 1);
        app.stop().await;
    }
}
