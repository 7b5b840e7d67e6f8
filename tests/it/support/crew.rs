//! People with a schedule, in a test's own node and in a process.

use domain::Timestamp;
use serde_json::{Value, json};

use super::{Server, TestApp, mutation};

/// People with keys of their own, and a schedule in which the first two take daily turns at noon UTC, on level 2 of a
/// service's policy after an hour. The clock shows 03:00 on 2026-11-24, in the first person's turn.
pub(crate) struct Crew {
    pub(crate) people: Vec<String>,
    pub(crate) keys: Vec<String>,
    pub(crate) schedule: String,
    pub(crate) service: String,
}

impl Crew {
    pub(crate) async fn of(app: &TestApp, size: usize) -> Self {
        let (mut people, mut keys) = (vec![], vec![]);
        for number in 0..size {
            let person = app.create_user(&format!("p{number}"), "RESPONDER").await;
            let key = json!({ "name": format!("p{number}"), "userId": person });
            keys.push(text(&app.administer("createApiKey", "key", key).await["key"]));
            people.push(person);
        }
        let input = json!({ "name": "Primary", "rotation": "DAILY", "rotationStart": "2026-11-23T12:00",
            "participants": people[..2] });
        let schedule = app.create("createSchedule", "schedule", "CreateScheduleInput", input).await;
        let watcher = app.create_user("watcher", "RESPONDER").await;
        let levels = json!([
            { "targets": [{ "userId": watcher }], "timeoutSeconds": 3600 },
            { "targets": [{ "scheduleId": schedule }], "timeoutSeconds": 3600 },
        ]);
        let policy = app.create_policy("Checkout", levels, 0).await;
        let service = app.create_service("checkout", &policy).await;
        Self { people, keys, schedule, service }
    }

    /// The payload of a mutation on the schedule by one of the people.
    pub(crate) async fn act(
        &self,
        app: &TestApp,
        person: usize,
        mutation: &str,
        selection: &str,
        mut input: Value,
    ) -> Value {
        input["scheduleId"] = json!(self.schedule);
        app.mutate(&self.keys[person], mutation, selection, input).await
    }

    /// What was written down: from when on, who by their places, and why.
    pub(crate) async fn log(&self, app: &TestApp) -> Vec<(String, Vec<usize>, String)> {
        let query = "query($id: ID!) { onCallLog(scheduleId: $id, from: \"2026-11-01T00:00:00Z\") {
            start end users { id } cause causeId timeZoneData } }";
        let mut data = app.query(query, json!({ "id": self.schedule })).await;
        let entries = data["onCallLog"].as_array_mut().map(std::mem::take).expect("entries");
        for pair in entries.windows(2) {
            assert_eq!(pair[0]["end"], pair[1]["start"], "each lasts until the next");
        }
        let shown =
            |entry: &Value| (text(&entry["start"]), self.places(&entry["users"]), text(&entry["cause"]));
        entries.iter().map(shown).collect()
    }

    fn places(&self, users: &Value) -> Vec<usize> {
        let ids = users.as_array().expect("users").iter().map(|user| text(&user["id"]));
        let mut places: Vec<_> =
            ids.map(|id| self.people.iter().position(|one| *one == id).expect("one of us")).collect();
        places.sort_unstable();
        places
    }

    /// Who was on call at some instants, by their places.
    pub(crate) async fn answers(&self, app: &TestApp, instants: &[Timestamp]) -> Vec<Vec<usize>> {
        let asked = instants
            .iter()
            .enumerate()
            .map(|(index, at)| format!("a{index}: onCall(at: \"{at}\") {{ users {{ id }} }} "));
        let query = format!("query($id: ID!) {{ schedule(id: $id) {{ {} }} }}", asked.collect::<String>());
        let data = app.query(&query, json!({ "id": self.schedule })).await;
        let of = |index| self.places(&data["schedule"][format!("a{index}")]["users"]);
        (0..instants.len()).map(of).collect()
    }

    /// The same instants as one timeline has them.
    pub(crate) async fn timeline(&self, app: &TestApp, from: Timestamp, to: Timestamp) -> Value {
        let query = "query($id: ID!, $from: DateTime, $to: DateTime) { schedule(id: $id) {
            finalTimeline(from: $from, to: $to) { entries { start end users { id } } } } }";
        let variables = json!({ "id": self.schedule, "from": from.to_string(), "to": to.to_string() });
        app.query(query, variables).await["schedule"]["finalTimeline"]["entries"].take()
    }
}

/// What must be a text.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}

/// An instant.
pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// The payload of a mutation that a running process answers.
pub(crate) async fn mutate(server: &Server, key: &str, name: &str, selection: &str, input: Value) -> Value {
    let query = mutation(name, selection);
    let (_, mut answer) = server.query_as(Some(key), &query, json!({ "input": input })).await;
    assert_eq!(answer["errors"], Value::Null, "{name}: {answer}");
    answer["data"][name].take()
}

/// A crew on a running process: daily turns of the first two that began long ago.
pub(crate) async fn crew_on(server: &Server, size: usize) -> Crew {
    let (mut people, mut keys) = (vec![], vec![]);
    for number in 0..size {
        let person = json!({ "name": format!("p{number}"), "email": format!("p{number}@example.org") });
        let person = text(&server.create("createUser", "user { id }", person).await["user"]["id"]);
        let key = json!({ "name": format!("p{number}"), "userId": person });
        keys.push(text(&server.create("createApiKey", "key", key).await["key"]));
        people.push(person);
    }
    let input = json!({ "name": "Primary", "rotation": "DAILY", "rotationStart": "2020-01-01T12:00",
        "participants": people[..2] });
    let made = server.create("createSchedule", "schedule { id }", input).await;
    Crew { people, keys, schedule: text(&made["schedule"]["id"]), service: String::new() }
}

/// What a process wrote down of a schedule in the last month.
pub(crate) async fn log_on(server: &Server, crew: &Crew) -> Vec<Value> {
    let query = "query($id: ID!) { onCallLog(scheduleId: $id) { start users { id } cause causeId } }";
    let mut data = server.query(query, json!({ "id": crew.schedule })).await;
    data["onCallLog"].as_array_mut().map(std::mem::take).expect("entries")
}
