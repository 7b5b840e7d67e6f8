//! Calendars that subscribe, as Python's readers, vdirsyncer and khal read them.

use std::collections::BTreeMap;

use commands::{Clock, VirtualClock};
use domain::{
    Actor, OverrideId, SwapId, Timestamp, UserId,
    schedule::{Change, Schedule, ScheduleCommand, Span, Tzdb},
};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{APP_TOKEN, Outbox, Peer, Server, TestApp, database, python};

/// A name with everything that must be escaped.
const ZOE: &str = "Zoë, \"the\" crane; \\ 🚒";

/// Three people who take turns of a week from Monday at nine in London, and a reader of calendars.
struct Watch {
    app: TestApp,
    reader: Peer,
    people: [String; 3],
    schedule: String,
}

impl Watch {
    async fn start() -> Self {
        Self::on(TestApp::start().await).await
    }

    async fn on(app: TestApp) -> Self {
        let zoe = json!({ "name": ZOE, "email": "zoe@example.org",
            "contacts": [{ "email": { "address": "zoe@example.org" } }] });
        let people = [
            app.create_user("Ada", "RESPONDER").await,
            app.create_user("Bob", "RESPONDER").await,
            app.create("createUser", "user", "CreateUserInput", zoe).await,
        ];
        let input = json!({ "name": "Primary", "timeZone": "Europe/London", "rotation": "WEEKLY",
            "rotationStart": "2026-11-23T09:00", "participants": people });
        let schedule = app.create("createSchedule", "schedule", "CreateScheduleInput", input).await;
        let reader = Peer::start(python("calendar_readers.py"));
        Self { app, reader, people, schedule }
    }

    /// The path of a new feed.
    async fn subscribe(&self, input: Value) -> String {
        let (path, rejection) = subscribe_as(&self.app, APP_TOKEN, input).await;
        assert_eq!(rejection, Value::Null);
        path
    }

    /// What the reader finds at a path, with what occurs from now to a day so long ahead.
    fn read_ahead(&mut self, path: &str, days: u64) -> Value {
        let now = self.app.clock.now();
        self.read(path, now, now.plus_seconds(days * 86_400))
    }

    fn read(&mut self, path: &str, from: Timestamp, to: Timestamp) -> Value {
        let url = format!("http://{}{path}", self.app.address());
        self.reader.tell(&json!({ "url": url, "from": from, "to": to }).to_string());
        let found = self.reader.next().expect("the reader reads");
        assert_eq!(found["errors"], json!([]), "{path}");
        assert_eq!(found["round"], json!(true), "it is written as it was read");
        let lines = found["lines"].as_array().expect("lines").iter();
        assert!(lines.clone().all(|length| length.as_u64() <= Some(75)), "{lines:?}");
        found
    }

    async fn change(&self, command: ScheduleCommand) {
        self.app.decide::<Schedule>(self.schedule.parse().expect("an id"), &command).await;
    }

    fn person(&self, number: usize) -> UserId {
        self.people[number].parse().expect("an id")
    }
}

async fn subscribe_as(app: &TestApp, token: &str, input: Value) -> (String, Value) {
    let query = "mutation($input: CreateCalendarFeedInput!) { createCalendarFeed(input: $input) {
        calendarFeed { id } url rejection { code message field } } }";
    let mut answer = app.query_as(token, query, json!({ "input": input })).await;
    assert_eq!(answer["errors"], Value::Null, "{answer}");
    let payload = answer["data"]["createCalendarFeed"].take();
    let url = payload["url"].as_str().unwrap_or_default();
    let path = url.find("/calendar/").map(|at| url[at..].to_owned()).unwrap_or_default();
    (path, payload["rejection"].clone())
}

/// The events of an answer by their ids, which must not repeat.
fn by_id(found: &Value) -> BTreeMap<String, Value> {
    let events = found["events"].as_array().expect("events");
    let by_id: BTreeMap<_, _> = events.iter().map(|event| (text(&event["uid"]), event.clone())).collect();
    assert_eq!(by_id.len(), events.len(), "no id comes twice");
    by_id
}

/// The event with a title that begins at an instant.
fn event(found: &Value, title: &str, start: &str) -> Value {
    let events = found["events"].as_array().expect("events").iter();
    let mut matching = events.filter(|event| event["title"] == title && event["start"] == start);
    let event = matching.next().unwrap_or_else(|| panic!("no {title} from {start}: {found:#}"));
    assert!(matching.next().is_none(), "{title} comes twice");
    event.clone()
}

/// Beginnings and ends, and titles, of what occurs.
fn occurring(found: &Value) -> Vec<(String, String, String)> {
    let events = found["occurring"].as_array().expect("events").iter();
    events.map(|event| (text(&event["start"]), text(&event["end"]), text(&event["title"]))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn span(start: &str, end: &str) -> Span {
    Span { start: start.parse().expect("a time"), end: end.parse().expect("a time") }
}

fn instance(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_read_by_others_as_the_schedule_says() {
    let mut watch = Watch::start().await;
    let all = watch.subscribe(json!({ "scheduleId": watch.schedule })).await;
    let hers = watch.subscribe(json!({ "userId": watch.people[2] })).await;

    let found = watch.read_ahead(&all, 365);
    assert_eq!(found["kind"], "text/calendar; charset=utf-8");
    assert_eq!((&found["name"], &found["refresh"]), (&json!("On call: Primary"), &json!(3600.0)));
    assert_eq!(found["parts"], json!(["VCALENDAR", "VEVENT"]), "no zone is described");
    let events = found["events"].as_array().expect("events");
    for event in events {
        assert_eq!((&event["status"], &event["transparency"]), (&json!("CONFIRMED"), &json!("TRANSPARENT")));
        assert_eq!((&event["modified"], &event["sequence"]), (&event["stamp"], &json!(1)));
    }
    // Who was on call before the schedule was made is nobody, so the first shift begins with it.
    assert_eq!(events[0]["start"], "2026-11-24T03:00:00+00:00");
    assert!(events.windows(2).all(|two| two[0]["end"] == two[1]["start"]), "one follows on the other");
    assert_eq!(events.len(), 53);
    // The clocks go forward on 2027-03-28: nine in London is eight in UTC from then on.
    let summer: Vec<_> = events.iter().map(|event| text(&event["start"])[11..16].to_owned()).collect();
    assert_eq!((summer[17].as_str(), summer[18].as_str()), ("09:00", "08:00"));
    assert_eq!(events[17]["start"], "2027-03-22T09:00:00+00:00");
    // And the timeline that the pager goes by says the same.
    let query =
        "query($id: ID!, $at: DateTime!) { schedule(id: $id) { onCall(at: $at) { users { name } } } }";
    for event in events.iter().step_by(7) {
        let variables = json!({ "id": watch.schedule, "at": event["start"] });
        let said = watch.app.query(query, variables).await;
        let name = text(&said["schedule"]["onCall"]["users"][0]["name"]);
        assert_eq!(text(&event["title"]), format!("Primary: {name}"));
    }
    assert_eq!(found["occurring"].as_array().map(Vec::len), Some(53), "each occurs once");

    let found = watch.read_ahead(&hers, 30);
    assert_eq!(found["name"], format!("On call: {ZOE}"));
    let shift = ("2026-12-07T09:00:00+00:00", "2026-12-14T09:00:00+00:00", "On call: Primary");
    assert_eq!(occurring(&found), [(shift.0.to_owned(), shift.1.to_owned(), shift.2.to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn overrides_swaps_and_edits_change_cancel_and_bring_back_events_under_stable_ids() {
    let mut watch = Watch::start().await;
    let path = watch.subscribe(json!({ "scheduleId": watch.schedule })).await;
    let first = watch.read_ahead(&path, 30);
    let bobs = event(&first, "Primary: Bob", "2026-11-30T09:00:00+00:00");

    // Ada stands in for Bob for two days.
    watch.app.advance_minutes(1).await;
    let window = span("2026-12-02T09:00:00Z", "2026-12-04T09:00:00Z");
    let change = Change::Replace { from: watch.person(1), to: watch.person(0) };
    let id = OverrideId::new(instance(1));
    let (reason, unknown, at) = (String::new(), vec![], watch.app.clock.now());
    let by = Actor::Administrator;
    watch.change(ScheduleCommand::AddOverride { id, change, span: window, reason, by, unknown, at }).await;
    let second = watch.read_ahead(&path, 30);
    let cut = event(&second, "Primary: Bob", "2026-11-30T09:00:00+00:00");
    assert_eq!((&cut["uid"], &cut["end"]), (&bobs["uid"], &json!("2026-12-02T09:00:00+00:00")));
    assert_eq!((&cut["sequence"], &cut["modified"]), (&json!(2), &json!("2026-11-24T03:01:00+00:00")));
    let stand_in = event(&second, "Primary: Ada", "2026-12-02T09:00:00+00:00");
    let rest = event(&second, "Primary: Bob", "2026-12-04T09:00:00+00:00");
    assert_eq!((&stand_in["end"], &rest["end"]), (&rest["start"], &bobs["end"]));
    // Nothing else has changed.
    let (before, mut after) = (by_id(&first), by_id(&second));
    for new in [&cut, &stand_in, &rest] {
        after.remove(&text(&new["uid"]));
    }
    assert_eq!(before.len(), after.len() + 1);
    assert!(after.iter().all(|(id, event)| before[id] == *event), "{after:#?}");

    // It is cancelled, and a swap of whole weeks is agreed instead.
    watch.app.advance_minutes(1).await;
    watch.change(ScheduleCommand::CancelOverride { id, by: None, at: watch.app.clock.now() }).await;
    let (id, zones) = (SwapId::new(instance(2)), std::sync::Arc::new(Tzdb::bundled()));
    let (from, by, at) = (watch.person(1), watch.person(2), watch.app.clock.now());
    let give = span("2026-11-30T09:00:00Z", "2026-12-07T09:00:00Z");
    let take = Some(span("2026-12-07T09:00:00Z", "2026-12-14T09:00:00Z"));
    let (to, reason, unknown) = (None, String::new(), vec![]);
    let request =
        ScheduleCommand::RequestSwap { id, from, to, give, take, reason, unknown, at, zones: zones.clone() };
    watch.change(request).await;
    watch.change(ScheduleCommand::AcceptSwap { id, by, unknown: vec![], at, zones }).await;
    let third = watch.read_ahead(&path, 30);
    let zoes = format!("Primary: {ZOE}");
    let zoe = zoes.as_str();
    for (title, start, status, sequence) in [
        ("Primary: Ada", "2026-12-02T09:00:00+00:00", "CANCELLED", 3),
        ("Primary: Bob", "2026-12-04T09:00:00+00:00", "CANCELLED", 3),
        ("Primary: Bob", "2026-11-30T09:00:00+00:00", "CANCELLED", 5),
        (zoe, "2026-11-30T09:00:00+00:00", "CONFIRMED", 5),
        ("Primary: Bob", "2026-12-07T09:00:00+00:00", "CONFIRMED", 5),
        (zoe, "2026-12-07T09:00:00+00:00", "CANCELLED", 5),
    ] {
        let event = event(&third, title, start);
        assert_eq!((&event["status"], &event["sequence"]), (&json!(status), &json!(sequence)), "{event}");
    }
    let known = by_id(&third);
    assert!(by_id(&second).keys().all(|id| known.contains_key(id)), "nothing is gone without a word");

    // Another order from next week on; what Bob had given is his again, under the id that it had.
    watch.app.advance_minutes(1).await;
    watch.change(ScheduleCommand::UndoSwap { id, by: None, at: watch.app.clock.now() }).await;
    let fourth = watch.read_ahead(&path, 30);
    let again = event(&fourth, "Primary: Bob", "2026-11-30T09:00:00+00:00");
    assert_eq!(again["uid"], bobs["uid"]);
    assert_eq!((&again["status"], &again["end"]), (&json!("CONFIRMED"), &bobs["end"]));
    assert_eq!(again["sequence"], 6);
    let input = json!({ "scheduleId": watch.schedule, "effectiveFrom": "2026-12-07T00:00:00Z",
        "rotationStart": "2026-11-23T12:00" });
    watch.app.create("updateSchedule", "schedule", "UpdateScheduleInput", input).await;
    let fifth = watch.read_ahead(&path, 400);
    let live = |found: &Value| {
        let events = found["events"].as_array().expect("events").iter();
        events.filter(|event| event["status"] == "CONFIRMED").cloned().collect::<Vec<_>>()
    };
    let (was, is) = (live(&fourth), live(&fifth));
    assert!(is.windows(2).all(|two| two[0]["end"] == two[1]["start"]), "one follows on the other: {is:#?}");
    let known = by_id(&fifth);
    for event in was.iter().filter(|event| text(&event["start"]).as_str() > "2026-12-07T10") {
        let now = &known[&text(&event["uid"])];
        assert_eq!((&now["status"], &now["sequence"]), (&json!("CANCELLED"), &json!(7)), "{now}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_the_same_after_a_restart_and_forgets_what_is_long_over() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("midwatch.db");
    let clock = VirtualClock::at("2026-11-24T03:00:00Z".parse::<Timestamp>().expect("a time"));
    let mut watch = Watch::on(TestApp::start_on(&file, clock.clone(), Outbox::default()).await).await;
    let path = watch.subscribe(json!({ "scheduleId": watch.schedule })).await;
    for number in 1..=8 {
        watch.app.advance_minutes(600).await;
        let now = watch.app.clock.now();
        let window = Span { start: now.plus_seconds(86_400), end: now.plus_seconds(3 * 86_400) };
        let id = OverrideId::new(instance(number));
        let users = vec![watch.person(usize::try_from(number % 3).expect("small"))];
        let (change, reason) = (Change::Set { users }, String::new());
        let (by, unknown) = (Actor::Administrator, vec![]);
        let add = ScheduleCommand::AddOverride { id, change, span: window, reason, by, unknown, at: now };
        // Each overlaps the one before, which therefore makes room.
        if number > 1 {
            let id = OverrideId::new(instance(number - 1));
            watch.change(ScheduleCommand::CancelOverride { id, by: None, at: now }).await;
        }
        watch.change(add).await;
        if number % 3 == 0 {
            watch.read_ahead(&path, 30);
        }
    }
    let before = watch.read_ahead(&path, 400);
    assert!(before["events"].as_array().expect("events").iter().any(|event| event["status"] == "CANCELLED"));
    let Watch { app, mut reader, people, schedule } = watch;
    app.stop().await;
    let app = TestApp::start_on(&file, clock.clone(), Outbox::default()).await;
    let mut restarted = Watch { app, reader, people, schedule };
    assert_eq!(restarted.read_ahead(&path, 400), before);

    // Two months on, what was in November is not shown any more, nor is what was cancelled then.
    restarted.app.advance_minutes(60 * 24 * 60).await;
    let later = restarted.read_ahead(&path, 400);
    let events = later["events"].as_array().expect("events");
    assert!(events.iter().all(|event| event["status"] == "CONFIRMED"), "{events:#?}");
    assert!(events[0]["end"].as_str() > Some("2026-12-26"), "{}", events[0]);
    let known = by_id(&before);
    for event in events {
        if let Some(was) = known.get(&text(&event["uid"])) {
            assert_eq!(was, event, "nothing has changed since");
        }
    }
    Watch { reader, .. } = restarted;
    reader.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_the_calendar_is_told_whether_it_still_holds() {
    let watch = Watch::start().await;
    let path = watch.subscribe(json!({ "scheduleId": watch.schedule })).await;
    let get = || watch.app.request(Method::GET, &path);
    let whole = get().send().await.expect("an answer");
    assert_eq!(whole.status(), StatusCode::OK);
    assert_eq!(whole.headers()[header::CACHE_CONTROL], "private, no-cache");
    let tag = whole.headers()[header::ETAG].clone();
    let length = whole.headers()[header::CONTENT_LENGTH].clone();
    let body = whole.bytes().await.expect("a body");
    assert!(body.ends_with(b"END:VCALENDAR\r\n"));

    let head = watch.app.request(Method::HEAD, &path).send().await.expect("an answer");
    assert_eq!((&head.headers()[header::ETAG], &head.headers()[header::CONTENT_LENGTH]), (&tag, &length));
    assert!(head.bytes().await.expect("no body").is_empty());

    watch.app.advance_minutes(60).await;
    let same = get().header(header::IF_NONE_MATCH, &tag).send().await.expect("an answer");
    assert_eq!((same.status(), &same.headers()[header::ETAG]), (StatusCode::NOT_MODIFIED, &tag));
    assert!(same.bytes().await.expect("no body").is_empty());

    let rename = json!({ "scheduleId": watch.schedule, "name": "Nights" });
    watch.app.create("updateSchedule", "schedule", "UpdateScheduleInput", rename).await;
    let new = get().header(header::IF_NONE_MATCH, &tag).send().await.expect("an answer");
    assert_eq!(new.status(), StatusCode::OK);
    assert_ne!(new.headers()[header::ETAG], tag);
    let body = new.text().await.expect("a body");
    assert!(body.contains("SUMMARY:Nights: Ada\r\n") && body.contains("SEQUENCE:2\r\n"), "{body}");

    let post = watch.app.request(Method::POST, &path).send().await.expect("an answer");
    assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_opens_with_its_secret_until_it_is_revoked_or_its_owner_leaves() {
    let watch = Watch::start().await;
    let app = &watch.app;
    let status = async |path: &str| {
        let answer = app.request(Method::GET, path).send().await.expect("an answer");
        let (status, kind) = (answer.status().as_u16(), answer.headers()[header::CONTENT_TYPE].clone());
        assert_eq!(kind == "application/problem+json", status == 404, "{path}");
        (status, answer.text().await.expect("a body"))
    };
    let mut tokens = vec![];
    for person in &watch.people[..2] {
        let input = json!({ "name": "key", "role": "RESPONDER", "userId": person });
        let query = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { key } }";
        tokens.push(text(&app.query(query, json!({ "input": input })).await["createApiKey"]["key"]));
    }
    let [ada, bob] = tokens.as_slice() else { panic!("two keys were made") };

    // A person may have their own and those of schedules; others' are for administrators.
    let (own, rejection) = subscribe_as(app, ada, json!({ "userId": watch.people[0] })).await;
    assert_eq!(rejection, Value::Null);
    let (shared, rejection) = subscribe_as(app, ada, json!({ "scheduleId": watch.schedule })).await;
    assert_eq!(rejection, Value::Null);
    let nobody = format!("usr_{:032x}", 7);
    for (input, code, field) in [
        (json!({ "userId": watch.people[1] }), "NOT_ALLOWED", Value::Null),
        (json!({ "userId": nobody }), "UNKNOWN_REFERENCE", json!("userId")),
        (json!({ "userId": "x" }), "NOT_FOUND", json!("userId")),
        (json!({ "scheduleId": format!("sch_{:032x}", 7) }), "UNKNOWN_REFERENCE", json!("scheduleId")),
        (json!({}), "INVALID", json!("userId")),
        (json!({ "userId": watch.people[0], "scheduleId": watch.schedule }), "INVALID", json!("scheduleId")),
    ] {
        let (path, rejection) = subscribe_as(app, ada, input.clone()).await;
        assert_eq!((&rejection["code"], &rejection["field"]), (&json!(code), &field), "{input}: {rejection}");
        assert_eq!(path, "");
    }
    for path in [&own, &shared] {
        assert_eq!(status(path).await.0, 200, "{path}");
    }

    // They are listed without their secrets, and revoked by whose they are and by administrators.
    let query = "query($user: ID!, $schedule: ID!) { user(id: $user) { calendarFeeds { id createdAt
        user { name } schedule { name } owner { name } } }
        schedule(id: $schedule) { calendarFeeds { id } } }";
    let variables = json!({ "user": watch.people[0], "schedule": watch.schedule });
    let listed = app.query(query, variables.clone()).await;
    let feeds = &listed["user"]["calendarFeeds"];
    assert_eq!(feeds.as_array().map(Vec::len), Some(2), "{listed}");
    assert!(feeds.as_array().expect("a list").iter().all(|feed| feed["owner"]["name"] == "Ada"));
    let of_schedule = &listed["schedule"]["calendarFeeds"][0]["id"];
    let own_id = &feeds
        .as_array()
        .and_then(|all| all.iter().find(|one| one["user"]["name"] == "Ada"))
        .expect("it is listed")["id"];
    let revoke = "mutation($id: ID!) { revokeCalendarFeed(input: { calendarFeedId: $id }) {
        calendarFeed { revokedAt } rejection { code } } }";
    let refused = app.query_as(bob, revoke, json!({ "id": own_id })).await;
    assert_eq!(refused["data"]["revokeCalendarFeed"]["rejection"]["code"], "NOT_ALLOWED", "{refused}");
    assert_eq!(status(&own).await.0, 200);
    let revoked = app.query_as(ada, revoke, json!({ "id": own_id })).await;
    assert_eq!(revoked["data"]["revokeCalendarFeed"]["rejection"], Value::Null, "{revoked}");
    let gone = status(&own).await;
    assert_eq!(gone.0, 404);
    for path in [
        own.replace(".ics", ""),
        shared.replace(".ics", ""),
        shared.replace(".ics", ".ICS"),
        shared[..shared.len() - 5].to_owned() + ".ics",
        "/calendar/.ics".to_owned(),
        "/calendar/%ff.ics".to_owned(),
        format!("/calendar/{}.ics", "0".repeat(32)),
    ] {
        assert_eq!(status(&path).await, gone, "{path}");
    }
    app.query(revoke, json!({ "id": own_id })).await;

    // Once she has left, what she shared leads nowhere either.
    let left = "mutation($id: ID!) { deactivateUser(input: { userId: $id }) { rejection { code } } }";
    assert_eq!(status(&shared).await.0, 200);
    app.query(left, json!({ "id": watch.people[0] })).await;
    assert_eq!(status(&shared).await, gone);
    app.query(revoke, json!({ "id": of_schedule })).await;
    assert_eq!(app.query(query, variables).await["user"]["calendarFeeds"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn vdirsyncer_and_khal_follow_a_feed() {
    let watch = Watch::start().await;
    let path = watch.subscribe(json!({ "scheduleId": watch.schedule })).await;
    let mut program = python("calendar_clients.py");
    program.arg(format!("http://{}{path}", watch.app.address()));
    let mut clients = Peer::start(program);
    let mut list = |from: &str, to: &str| {
        clients.tell(&json!({ "from": from, "to": to }).to_string());
        let listed = clients.next().expect("khal lists it");
        let event = |event: &Value| {
            let field = |name: &str| text(&event[name]);
            format!("{} {} {}", field("start-long-full"), field("end-long-full"), field("title"))
        };
        let events = listed["events"].as_array().expect("events").iter();
        let confirmed = events.filter(|event| event["status"] == "CONFIRMED").map(event).collect::<Vec<_>>();
        (confirmed, listed["files"].as_u64())
    };
    // A week over the change of clocks, which readers of rules get wrong.
    let (events, files) = list("2027-03-22", "2027-03-23");
    assert_eq!(
        events,
        [
            "2027-03-15 09:00 2027-03-22 09:00 Primary: Bob".to_owned(),
            format!("2027-03-22 09:00 2027-03-29 08:00 Primary: {ZOE}"),
        ]
    );
    assert_eq!(files, Some(53));

    watch.app.advance_minutes(1).await;
    let id = OverrideId::new(instance(1));
    let change = Change::Set { users: vec![watch.person(0)] };
    let span = span("2027-03-22T09:00:00Z", "2027-03-25T09:00:00Z");
    let (reason, by, unknown) = (String::new(), Actor::Administrator, vec![]);
    let at = watch.app.clock.now();
    watch.change(ScheduleCommand::AddOverride { id, change, span, reason, by, unknown, at }).await;
    let (events, files) = list("2027-03-22", "2027-03-26");
    assert_eq!(
        events,
        [
            "2027-03-15 09:00 2027-03-22 09:00 Primary: Bob".to_owned(),
            "2027-03-22 09:00 2027-03-25 09:00 Primary: Ada".to_owned(),
            format!("2027-03-25 09:00 2027-03-29 08:00 Primary: {ZOE}"),
        ]
    );
    // One was cancelled, two were added.
    assert_eq!(files, Some(55));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_say_the_same() {
    let database = database().await;
    let nodes = [Server::start(&database, &[]).await, Server::start(&database, &[]).await];
    let id = |payload: &Value, noun: &str| text(&payload[noun]["id"]);
    let mut people = vec![];
    for name in ["Ada", "Bob"] {
        let input = json!({ "name": name, "email": format!("{name}@example.org") });
        people.push(id(&nodes[0].create("createUser", "user { id }", input).await, "user"));
    }
    let input = json!({ "name": "Primary", "timeZone": "Africa/Cairo", "rotation": "DAILY",
        "rotationStart": "2026-01-01T00:00", "participants": people });
    let schedule = id(&nodes[0].create("createSchedule", "schedule { id }", input).await, "schedule");
    let feed = nodes[0].create("createCalendarFeed", "url", json!({ "scheduleId": schedule })).await;
    let path = text(&feed["url"]).replace(&nodes[0].url, "");
    for (node, every) in [(1, 2), (0, 3), (1, 1)] {
        let known = || async {
            let query = "query($id: ID!) { schedule(id: $id) { name } }";
            nodes[node].query(query, json!({ "id": schedule })).await["schedule"]["name"] == "Primary"
        };
        nodes[node].until("the node knows the schedule", known).await;
        let edit = json!({ "scheduleId": schedule, "every": every });
        nodes[node].create("updateSchedule", "schedule { id }", edit).await;
    }
    let read = async |node: &Server| {
        let answer = node.request(Method::GET, &path).send().await.expect("an answer");
        answer.text().await.expect("a body")
    };
    let agreed = || async {
        let (one, other) = (read(&nodes[0]).await, read(&nodes[1]).await);
        one == other && one.contains("STATUS:CANCELLED") && one.contains("SEQUENCE:4\r\n")
    };
    nodes[0].until("both say the same, to the byte", agreed).await;
}
