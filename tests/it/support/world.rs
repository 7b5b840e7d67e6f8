//! A small organisation, made by ordinary mutations: two people, a policy, a service, an entrance.

use serde_json::{Value, json};

use super::{TestApp, app::TOKEN};

/// What a story is told with.
pub(crate) struct World {
    /// The first on the ladder; paged by mail at `first@example.org`.
    pub(crate) first: String,
    /// The second on the ladder; paged by mail at `second@example.org`.
    pub(crate) second: String,
    /// The administrator; paged by mail at `boss@example.org`.
    pub(crate) boss: String,
    /// The service; its policy pages first for 5 minutes, then second for 10, and does not repeat.
    pub(crate) service: String,
}

impl World {
    /// Makes it.
    pub(crate) async fn make(app: &TestApp) -> Self {
        let first = app.create_user("first", "RESPONDER").await;
        let second = app.create_user("second", "RESPONDER").await;
        let boss = app.create_user("boss", "ADMINISTRATOR").await;
        let levels = json!([
            { "targets": [{ "userId": first }], "timeoutSeconds": 300 },
            { "targets": [{ "userId": second }], "timeoutSeconds": 600 },
        ]);
        let policy = app.create_policy("Checkout", levels, 0).await;
        let service = app.create_service("checkout", &policy).await;
        Self { first, second, boss, service }
    }
}

/// A mutation with one input, by name, with what is selected beside the position and the rejection.
pub(crate) fn mutation(name: &str, selection: &str) -> String {
    format!(
        "mutation($input: {}{}Input!) {{ {name}(input: $input) {{
            {selection} position rejection {{ code message field }} }} }}",
        name[..1].to_ascii_uppercase(),
        &name[1..]
    )
}

impl TestApp {
    /// Runs a mutation with a token and returns its payload, rejection included; faults fail the test.
    pub(crate) async fn mutate(&self, token: &str, name: &str, selection: &str, input: Value) -> Value {
        let mut answer = self.query_as(token, &mutation(name, selection), json!({ "input": input })).await;
        assert_eq!(answer["errors"], Value::Null, "{name}: {answer}");
        answer["data"][name].take()
    }

    /// The same as the administrator.
    pub(crate) async fn administer(&self, name: &str, selection: &str, input: Value) -> Value {
        self.mutate(TOKEN, name, selection, input).await
    }

    /// A person with one mail address, `<name>@example.org`, paged at once.
    pub(crate) async fn create_user(&self, name: &str, role: &str) -> String {
        let address = format!("{name}@example.org");
        let input = json!({
            "name": name, "email": address, "role": role, "contacts": [{ "email": { "address": address } }],
        });
        self.create("createUser", "user", "CreateUserInput", input).await
    }

    /// A policy with these levels.
    pub(crate) async fn create_policy(&self, name: &str, levels: Value, repeat: u32) -> String {
        let input = json!({ "name": name, "levels": levels, "repeat": repeat });
        self.create("createEscalationPolicy", "escalationPolicy", "CreateEscalationPolicyInput", input).await
    }

    /// A service that pages by a policy.
    pub(crate) async fn create_service(&self, name: &str, policy: &str) -> String {
        let input = json!({ "name": name, "escalationPolicyId": policy });
        self.create("createService", "service", "CreateServiceInput", input).await
    }

    /// An entrance, and the key that opens it.
    pub(crate) async fn create_integration(&self, kind: &str, service: &str) -> (String, String) {
        self.create_integration_with(kind, service, Value::Null).await
    }

    /// The same with a reading of its own.
    pub(crate) async fn create_integration_with(
        &self,
        kind: &str,
        service: &str,
        reading: Value,
    ) -> (String, String) {
        let query = "mutation($input: CreateIntegrationInput!) { createIntegration(input: $input) {
            integration { id } key rejection { code message field } } }";
        let input = json!({ "name": kind, "kind": kind, "serviceId": service, "reading": reading });
        let payload = self.query(query, json!({ "input": input })).await["createIntegration"].take();
        assert_eq!(payload["rejection"], Value::Null);
        let text = |value: &Value| value.as_str().expect("it was created").to_owned();
        (text(&payload["integration"]["id"]), text(&payload["key"]))
    }

    /// Runs a create mutation and returns the new id.
    pub(crate) async fn create(&self, mutation: &str, noun: &str, input_type: &str, input: Value) -> String {
        let query = format!(
            "mutation($input: {input_type}!) {{ {mutation}(input: $input) {{
                {noun} {{ id }} position rejection {{ code message field }} }} }}"
        );
        let payload = self.query(&query, json!({ "input": input })).await[mutation].take();
        assert_eq!(payload["rejection"], Value::Null, "{mutation}");
        payload[noun]["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{mutation} made nothing: {payload}"))
            .to_owned()
    }

    /// Runs a mutation on an incident and returns its payload, rejection included.
    pub(crate) async fn act(&self, mutation: &str, mut input: Value, incident: &str) -> Value {
        let mut words = mutation.chars();
        let input_type = format!(
            "{}{}Input",
            words.next().expect("a mutation has a name").to_ascii_uppercase(),
            words.as_str()
        );
        input["incidentId"] = incident.into();
        let query = format!(
            "mutation($input: {input_type}!) {{ {mutation}(input: $input) {{
                incident {{ id status }} position rejection {{ code message field }} }} }}"
        );
        self.query(&query, json!({ "input": input })).await[mutation].take()
    }

    /// Every incident, newest first: id, title, status and count of alerts.
    pub(crate) async fn incidents(&self) -> Vec<Value> {
        let query = "{ incidents(first: 200) { nodes { id number title status severity alertCount } } }";
        let mut data = self.query(query, json!({})).await;
        data["incidents"]["nodes"].as_array_mut().map(std::mem::take).expect("it is a list")
    }

    /// One incident with what stories look at.
    pub(crate) async fn incident(&self, id: &str) -> Value {
        let query = "query($id: ID!) { incident(id: $id) {
            id number title status severity alertCount openedAt resolvedAt
            escalation { level cycle nextAt }
            acknowledgedBy { name }
            timeline(first: 100) { nodes { kind message at } } } }";
        self.query(query, json!({ "id": id })).await["incident"].take()
    }

    /// The stored names of an incident's timeline, oldest first.
    pub(crate) async fn story(&self, id: &str) -> Vec<String> {
        let incident = self.incident(id).await;
        let entries = incident["timeline"]["nodes"].as_array().expect("it has a timeline").clone();
        entries.iter().map(|entry| entry["kind"].as_str().expect("an entry has a kind").to_owned()).collect()
    }
}
