//! Schedules, as callers see them: layers, edits, previews and timelines.

use std::time::Duration;

use domain::{Actor, user::Role};
use serde_json::{Value, json};

use super::stand::{Stand, administrator, text};
use crate::Viewer;

/// People and a weekly schedule of the first two, in Berlin, with handoffs on Mondays at nine. The stories begin on
/// Monday 2026-09-21 at 14:13:20 UTC, in the first person's turn.
pub(super) struct Crew {
    pub(super) stand: Stand,
    pub(super) people: Vec<String>,
    pub(super) schedule: String,
}

impl Crew {
    pub(super) async fn new() -> Self {
        let stand = Stand::new().await;
        let mut people = vec![];
        for name in ["Ada", "Bob", "Cy", "Di"] {
            let input = json!({ "name": name, "email": format!("{name}@example.org"),
                "contacts": [{ "email": { "address": format!("{name}@example.org") } }] });
            people.push(text(&stand.done("createUser", "user { id }", input).await["user"]["id"]));
        }
        let input = json!({ "name": "Primary", "timeZone": "Europe/Berlin", "rotationStart": "2026-09-21T09:00",
            "participants": [people[0], people[1]] });
        let made = stand.done("createSchedule", "schedule { id }", input).await;
        let schedule = text(&made["schedule"]["id"]);
        Self { stand, people, schedule }
    }

    pub(super) fn viewer(&self, person: usize) -> Viewer {
        let id = self.people[person].parse().expect("an id");
        Viewer { actor: Actor::User { id }, role: Role::Responder, user: Some(id) }
    }

    /// The payload of a mutation on the schedule by one of the people.
    pub(super) async fn act(
        &self,
        person: usize,
        mutation: &str,
        selection: &str,
        mut input: Value,
    ) -> Value {
        input["scheduleId"] = json!(self.schedule);
        self.stand.mutate(self.viewer(person), mutation, selection, input).await
    }

    /// Fields of the schedule, as the administrator sees them.
    pub(super) async fn see(&self, selection: &str) -> Value {
        let query = format!("query($id: ID!) {{ schedule(id: $id) {{ {selection} }} }}");
        self.stand.data(&query, json!({ "id": self.schedule })).await["schedule"].take()
    }

    /// The names of who is on call at an instant.
    pub(super) async fn on_call(&self, at: &str) -> Value {
        let seen = self.see(&format!("onCall(at: \"{at}\") {{ users {{ name }} }}")).await;
        let users = seen["onCall"]["users"].as_array().expect("users").iter();
        Value::Array(users.map(|user| user["name"].clone()).collect())
    }
}

pub(super) fn refusal(payload: &Value) -> (String, Option<String>) {
    let rejection = &payload["rejection"];
    assert!(rejection.is_object(), "it is refused: {payload}");
    (text(&rejection["code"]), rejection["field"].as_str().map(str::to_owned))
}

const LAYERS: &str = "schedule { id timeZone timeZoneData revision layers { id name priority timeZone
    rotation { kind every unit rrule } rotationStart end shiftMinutes firstSlot participants { name }
    restrictions { from to days fromDay toDay } } } warnings { field message resolvedAt }";

#[tokio::test]
async fn every_part_of_a_layer_is_kept_and_shown() {
    let crew = Crew::new().await;
    let [ada, bob, cy, di] = crew.people.as_slice() else { panic!("four people") };
    let layers = json!([
        { "name": "Days", "priority": 10, "rotation": { "kind": "RRULE", "rrule": "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR" },
          "rotationStart": "2026-09-21T09:00", "participants": [[ada], [bob, cy], []], "firstSlot": 1,
          "restrictions": [{ "from": "09:00", "to": "17:00", "days": ["MON", "TUE"] },
                           { "fromDay": "FRI", "from": "18:00", "toDay": "MON", "to": "09:00" }] },
        { "name": "Nights", "timeZone": "Asia/Tokyo", "rotation": { "kind": "CUSTOM", "every": 12, "unit": "HOURS" },
          "rotationStart": "2026-09-21T08:00", "shiftMinutes": 600, "end": "2027-01-01T00:00:00Z",
          "participants": [[di]] },
    ]);
    let input = json!({ "name": "Everything", "timeZone": "Europe/Berlin", "layers": layers });
    let made = crew.stand.done("createSchedule", LAYERS, input).await;
    let shown = &made["schedule"]["layers"];
    assert_eq!(shown[0]["rotation"]["rrule"], "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR");
    assert_eq!(
        shown[0]["participants"],
        json!([[{ "name": "Ada" }], [{ "name": "Bob" }, { "name": "Cy" }], []])
    );
    assert_eq!((&shown[0]["priority"], &shown[0]["firstSlot"]), (&json!(10), &json!(1)));
    let windows = json!([
        { "from": "09:00", "to": "17:00", "days": ["MON", "TUE"], "fromDay": null, "toDay": null },
        { "from": "18:00", "to": "09:00", "days": [], "fromDay": "FRI", "toDay": "MON" },
    ]);
    assert_eq!(shown[0]["restrictions"], windows);
    assert_eq!(
        shown[1]["rotation"],
        json!({ "kind": "CUSTOM", "every": 12, "unit": "HOURS", "rrule": null })
    );
    assert_eq!((&shown[1]["timeZone"], &shown[1]["shiftMinutes"]), (&json!("Asia/Tokyo"), &json!(600)));
    assert_eq!(shown[1]["end"], "2027-01-01T00:00:00.000Z");
    assert_eq!(made["schedule"]["timeZoneData"], crew.stand.app.directory.now().zones.version());

    let query = "query($id: ID!) { schedule(id: $id) { finalTimeline(from: \"2026-09-21T15:00:00Z\", to: \"2026-09-22T15:00:00Z\") {
        entries { start end gap users { name } } layers { name entries { start users { name } } } gaps { start end }
        coveragePercent fairness { gapMinutes shares { user { name } hours nightMinutes } } } } }";
    let seen = crew.stand.data(query, json!({ "id": made["schedule"]["id"] })).await;
    let timeline = &seen["schedule"]["finalTimeline"];
    let entries: Vec<_> = timeline["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| {
            (text(&entry["start"]), entry["users"].as_array().expect("users").len(), entry["gap"] == true)
        })
        .collect();
    // Tokyo's turns begin at 23:00 and 11:00 UTC and leave two hours free; on Tuesday the slot of the days is nobody's.
    let expected = [
        ("2026-09-21T15:00:00.000Z", 1, false),
        ("2026-09-21T21:00:00.000Z", 0, true),
        ("2026-09-21T23:00:00.000Z", 1, false),
        ("2026-09-22T09:00:00.000Z", 0, true),
        ("2026-09-22T11:00:00.000Z", 1, false),
    ];
    assert_eq!(entries, expected.map(|(start, users, gap)| (start.to_owned(), users, gap)));
    assert_eq!(timeline["layers"].as_array().expect("layers").len(), 2);
    assert_eq!(timeline["gaps"].as_array().expect("gaps").len(), 2);
    assert_eq!(timeline["fairness"]["gapMinutes"], 240);
    assert_eq!(timeline["coveragePercent"], json!(100.0 * 20.0 / 24.0));
    assert_eq!(timeline["fairness"]["shares"][0]["hours"], json!(20.0));
}

#[tokio::test]
async fn local_times_that_the_clock_skips_or_shows_twice_are_accepted_with_a_warning() {
    let crew = Crew::new().await;
    let create = async |start: &str| {
        let input = json!({ "name": "Odd", "timeZone": "Europe/Berlin", "rotationStart": start,
            "participants": [crew.people[0]] });
        crew.stand.done("createSchedule", "warnings { field message resolvedAt }", input).await["warnings"]
            .take()
    };
    assert_eq!(create("2027-03-28T03:00").await, json!([]));
    let skipped = create("2027-03-28T02:30").await;
    assert_eq!(skipped[0]["field"], "rotationStart");
    assert_eq!(skipped[0]["resolvedAt"], "2027-03-28T01:00:00.000Z");
    let twice = create("2026-10-25T02:30").await;
    assert_eq!(twice[0]["resolvedAt"], "2026-10-25T00:30:00.000Z");
    assert!(text(&twice[0]["message"]).contains("twice"), "{twice}");
}

#[tokio::test]
async fn a_preview_says_whom_an_edit_moves_and_records_nothing() {
    let crew = Crew::new().await;
    let head = crew.stand.app.engine.store().head();
    let query = "query($input: UpdateScheduleInput!) { previewScheduleEdit(input: $input) {
        from to moved { user { name } gained { start } lost { start } } gaps { start } openedGaps { start end }
        before { balancePercent } after { balancePercent shares { user { name } hours } } entries { start }
        warnings { field } rejection { code message field } } }";
    let preview = async |input: Value| {
        let mut input = input;
        input["scheduleId"] = json!(crew.schedule);
        crew.stand.data(query, json!({ "input": input })).await["previewScheduleEdit"].take()
    };
    let joined = preview(json!({ "participants": [crew.people[0], crew.people[1], crew.people[2]] })).await;
    assert_eq!(joined["rejection"], Value::Null);
    let names: Vec<_> =
        joined["moved"].as_array().expect("people").iter().map(|one| text(&one["user"]["name"])).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert_eq!(joined["openedGaps"], json!([]));
    let cy = joined["moved"].as_array().expect("people").iter().find(|one| one["user"]["name"] == "Cy");
    assert_eq!(
        cy.expect("Cy is moved")["gained"][0]["start"],
        "2026-10-05T07:00:00.000Z",
        "nobody is skipped"
    );
    let layers = json!([{ "rotation": { "kind": "WEEKLY" }, "rotationStart": "2026-09-21T09:00", "participants": [[crew.people[0]], []] }]);
    let gap = preview(json!({ "layers": layers })).await;
    assert_eq!(gap["openedGaps"][0]["start"], "2026-09-28T07:00:00.000Z");
    let bad = preview(json!({ "every": 0 })).await;
    assert_eq!(bad["rejection"]["field"], "every");
    assert_eq!(bad["rejection"]["message"], "every must be from 1 to 365, not 0");
    let new = json!({ "name": "New", "rotationStart": "2026-10-01T00:00", "participants": [crew.people[3]] });
    let query = "query($input: CreateScheduleInput!) { previewSchedule(input: $input) { gaps { start end } moved { user { name } } rejection { code } } }";
    let made = crew.stand.data(query, json!({ "input": new })).await["previewSchedule"].take();
    assert_eq!(made["moved"], json!([{ "user": { "name": "Di" } }]));
    assert_eq!(made["gaps"][0]["end"], "2026-10-01T00:00:00.000Z");
    assert_eq!(crew.stand.app.engine.store().head(), head, "nothing is recorded");
}

#[tokio::test]
async fn an_edit_keeps_whose_turn_it_is_and_refuses_one_made_from_an_older_revision() {
    let crew = Crew::new().await;
    crew.stand.clock.advance(Duration::from_hours(24 * 7));
    assert_eq!(crew.see("onCallNow { name }").await["onCallNow"], json!([{ "name": "Bob" }]));
    let people = json!([crew.people[2], crew.people[0], crew.people[1]]);
    let edit = json!({ "scheduleId": crew.schedule, "participants": people, "revision": 1 });
    let selection = "schedule { revision onCallNow { name } layers { firstSlot } versions { effectiveFrom effectiveUntil current } }";
    let edited = crew.stand.done("updateSchedule", selection, edit.clone()).await;
    assert_eq!(edited["schedule"]["onCallNow"], json!([{ "name": "Bob" }]));
    assert_eq!(edited["schedule"]["revision"], 2);
    let versions = edited["schedule"]["versions"].as_array().expect("versions");
    assert_eq!(versions.len(), 2);
    assert_eq!((&versions[0]["current"], &versions[1]["current"]), (&json!(false), &json!(true)));
    let stale = json!({ "scheduleId": crew.schedule, "participants": [crew.people[3]], "revision": 1 });
    let stale = crew.stand.mutate(administrator(), "updateSchedule", "schedule { id }", stale).await;
    assert_eq!(refusal(&stale), ("CONFLICT".to_owned(), Some("revision".to_owned())));

    let planned = json!({ "scheduleId": crew.schedule, "participants": [crew.people[3]], "effectiveFrom": "2026-11-02T08:00:00Z" });
    crew.stand.done("updateSchedule", "schedule { id }", planned).await;
    assert_eq!(crew.on_call("2026-11-02T08:00:00Z").await, json!(["Di"]));
    let gone = json!({ "scheduleId": crew.schedule, "effectiveFrom": "2026-11-02T08:00:00Z" });
    let gone = crew.stand.done("dropScheduleVersion", "schedule { versions { current } }", gone).await;
    assert_eq!(gone["schedule"]["versions"].as_array().expect("versions").len(), 2);
    assert_ne!(crew.on_call("2026-11-02T08:00:00Z").await, json!(["Di"]));
    let begun = json!({ "scheduleId": crew.schedule, "effectiveFrom": versions[0]["effectiveFrom"] });
    let begun = crew.stand.mutate(administrator(), "dropScheduleVersion", "schedule { id }", begun).await;
    assert_eq!(refusal(&begun), ("INVALID".to_owned(), Some("effectiveFrom".to_owned())));
}

#[tokio::test]
async fn what_was_known_at_a_position_can_be_asked_for() {
    let crew = Crew::new().await;
    let before = crew.stand.app.engine.store().head();
    let input =
        json!({ "kind": "SET", "users": [crew.people[0], crew.people[3]], "end": "2026-09-29T00:00:00Z" });
    crew.act(0, "createScheduleOverride", "scheduleOverride { id }", input).await;
    let query = "query($id: ID!, $asOf: Position) { schedule(id: $id) { onCall(at: \"2026-09-28T12:00:00Z\", asOf: $asOf) { users { name } } }
        then: schedule(id: $id, asOf: $asOf) { overrides { id } onCall(at: \"2026-09-28T12:00:00Z\") { users { name } } } }";
    let now = crew.stand.data(query, json!({ "id": crew.schedule })).await;
    let both = now["schedule"]["onCall"]["users"].as_array().expect("users");
    assert!(both.contains(&json!({ "name": "Ada" })) && both.contains(&json!({ "name": "Di" })), "{now}");
    let then = crew.stand.data(query, json!({ "id": crew.schedule, "asOf": before })).await;
    assert_eq!(then["schedule"]["onCall"]["users"], json!([{ "name": "Bob" }]));
    assert_eq!(then["then"], json!({ "overrides": [], "onCall": { "users": [{ "name": "Bob" }] } }));
    let never = crew.stand.data(query, json!({ "id": crew.schedule, "asOf": 1 })).await;
    assert_eq!(never["then"], Value::Null);
}

#[tokio::test]
async fn people_see_their_schedules_and_shifts() {
    let crew = Crew::new().await;
    let query = "query($id: ID!) { user(id: $id) { schedules { name }
        shifts(from: \"2026-09-21T15:00:00Z\", to: \"2026-10-20T00:00:00Z\") { schedule { name } start end }
        nextShift { start end schedule { id } } } }";
    let seen = crew.stand.data(query, json!({ "id": crew.people[1] })).await["user"].take();
    assert_eq!(seen["schedules"], json!([{ "name": "Primary" }]));
    let shifts: Vec<_> =
        seen["shifts"].as_array().expect("shifts").iter().map(|one| text(&one["start"])).collect();
    assert_eq!(shifts, ["2026-09-28T07:00:00.000Z", "2026-10-12T07:00:00.000Z"]);
    assert_eq!(seen["nextShift"]["end"], "2026-10-05T07:00:00.000Z");
    let seen = crew.stand.data(query, json!({ "id": crew.people[3] })).await["user"].take();
    assert_eq!(seen, json!({ "schedules": [], "shifts": [], "nextShift": null }));
    let id = &crew.people[1];
    let own = crew
        .see(&format!(
            "nextShift(userId: \"{id}\") {{ start }} shifts(userId: \"{id}\") {{ start }}
        handoffs {{ at started {{ name }} ended {{ name }} }}"
        ))
        .await;
    assert_eq!(own["nextShift"]["start"], "2026-09-28T07:00:00.000Z");
    let first = json!({ "at": "2026-09-28T07:00:00.000Z", "started": [{ "name": "Bob" }], "ended": [{ "name": "Ada" }] });
    assert_eq!(own["handoffs"][1], first);
}

#[tokio::test]
async fn windows_and_costs_have_limits_that_are_named() {
    let crew = Crew::new().await;
    for (arguments, message) in [
        ("from: \"2026-09-22T00:00:00Z\", to: \"2026-09-22T00:00:00Z\"", "to must be later than from"),
        (
            "from: \"2026-01-01T00:00:00Z\", to: \"2027-12-01T00:00:00Z\"",
            "to must be at most 400 days later than from",
        ),
    ] {
        for field in [
            "finalTimeline(ARGS) { coveragePercent }",
            "gaps(ARGS) { start }",
            "handoffs(ARGS) { at }",
            "coveragePercent(ARGS)",
        ] {
            let query =
                format!("query($id: ID!) {{ schedule(id: $id) {{ {} }} }}", field.replace("ARGS", arguments));
            let answer = crew.stand.ask(administrator(), &query, json!({ "id": crew.schedule })).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_INPUT", "{field}");
            assert!(text(&answer["errors"][0]["message"]).starts_with(message), "{answer}");
        }
    }
    let dear = "{ schedules(first: 2000) { nodes { finalTimeline { entries { users { id name } } } } } }";
    let answer = crew.stand.ask(administrator(), dear, json!({})).await;
    assert!(answer["errors"].is_array(), "2,000 timelines are too much for one question");
    let cheap = "{ schedules(first: 2000) { nodes { id name onCallNow { id name } } } }";
    let seen = crew.stand.data(cheap, json!({})).await;
    assert_eq!(seen["schedules"]["nodes"].as_array().expect("schedules").len(), 1);
}

#[tokio::test]
async fn every_refusal_names_the_field_and_the_rule() {
    let crew = Crew::new().await;
    let layer = |changes: Value| {
        let mut layer = json!({ "rotation": { "kind": "DAILY" }, "rotationStart": "2026-09-22T09:00", "participants": [[crew.people[0]]] });
        for (key, value) in changes.as_object().expect("changes") {
            layer[key] = value.clone();
        }
        json!({ "layers": [layer] })
    };
    let rule = |rule: &str| layer(json!({ "rotation": { "kind": "RRULE", "rrule": rule } }));
    let stranger = format!("usr_{:032x}", 7);
    for (changes, code, field) in [
        (json!({ "timeZone": "Europe/Atlantis" }), "INVALID", "timeZone"),
        (layer(json!({ "timeZone": "Mars/Olympus" })), "INVALID", "layers[0].timeZone"),
        (
            layer(json!({ "participants": [[crew.people[0]], [stranger]] })),
            "UNKNOWN_REFERENCE",
            "layers[0].participants[1][0]",
        ),
        (json!({ "participants": [stranger] }), "UNKNOWN_REFERENCE", "participants[0]"),
        (rule("FREQ=DAILY;COUNT=3"), "INVALID", "layers[0].rotation.rrule"),
        (rule("FREQ=DAILY;UNTIL=20270101T000000Z"), "INVALID", "layers[0].rotation.rrule"),
        (rule("FREQ=WEEKLY;BYDAY=1MO"), "INVALID", "layers[0].rotation.rrule"),
        (rule("FREQ=MINUTELY"), "INVALID", "layers[0].rotation.rrule"),
        (rule("FREQ=DAILY;INTERVAL=0"), "INVALID", "layers[0].rotation.rrule"),
        (rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), "INVALID", "layers[0].rotation.rrule"),
        (layer(json!({ "participants": [] })), "INVALID", "layers[0].participants"),
        (json!({ "participants": [] }), "INVALID", "participants"),
        (
            layer(json!({ "rotation": { "kind": "CUSTOM", "every": 2 } })),
            "INVALID",
            "layers[0].rotation.unit",
        ),
        (
            layer(json!({ "rotation": { "kind": "DAILY", "rrule": "FREQ=DAILY" } })),
            "INVALID",
            "layers[0].rotation.rrule",
        ),
        (
            layer(json!({ "restrictions": [{ "from": "09:00", "to": "17:00", "fromDay": "MON" }] })),
            "INVALID",
            "layers[0].restrictions[0].toDay",
        ),
        (layer(json!({ "id": format!("lay_{:032x}", 7) })), "INVALID", "layers[0].id"),
        (layer(json!({ "firstSlot": 1 })), "INVALID", "layers[0].firstSlot"),
        (
            json!({ "participants": [crew.people[1]], "effectiveFrom": "2026-09-21T14:13:19Z" }),
            "INVALID",
            "effectiveFrom",
        ),
    ] {
        let mut input = changes.clone();
        input["scheduleId"] = json!(crew.schedule);
        let payload = crew.stand.mutate(administrator(), "updateSchedule", "schedule { id }", input).await;
        assert_eq!(refusal(&payload), (code.to_owned(), Some(field.to_owned())), "{changes}");
        let message = text(&payload["rejection"]["message"]);
        assert!(message.contains(field) && message.len() > field.len() + 10, "{message}");
    }
}

#[tokio::test]
async fn a_service_shows_who_is_on_call_on_each_level_and_whether_nobody_is() {
    let crew = Crew::new().await;
    let levels = json!([{ "targets": [{ "scheduleId": crew.schedule }] }, { "targets": [{ "userId": crew.people[3] }] }]);
    let policy = json!({ "name": "Ladder", "levels": levels });
    let policy = crew.stand.done("createEscalationPolicy", "escalationPolicy { id }", policy).await;
    let policy = text(&policy["escalationPolicy"]["id"]);
    let service = json!({ "name": "Shop", "escalationPolicyId": policy });
    let service =
        text(&crew.stand.done("createService", "service { id uncovered }", service).await["service"]["id"]);
    let query = "query($id: ID, $policy: ID) { onCall(serviceId: $id, escalationPolicyId: $policy, at: \"2026-09-29T00:00:00Z\") {
        level users { name } until empty uncovered } }";
    let expected = json!([
        { "level": 1, "users": [{ "name": "Bob" }], "until": "2026-10-05T07:00:00.000Z", "empty": false, "uncovered": false },
        { "level": 2, "users": [{ "name": "Di" }], "until": null, "empty": false, "uncovered": false },
    ]);
    assert_eq!(crew.stand.data(query, json!({ "id": service })).await["onCall"], expected);
    assert_eq!(crew.stand.data(query, json!({ "policy": policy })).await["onCall"], expected);
    let orphan = crew
        .stand
        .done("createService", "service { uncovered onCallNow { level } }", json!({ "name": "Orphan" }))
        .await;
    assert_eq!(orphan["service"], json!({ "uncovered": true, "onCallNow": [] }));
}
