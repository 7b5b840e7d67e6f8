mod agreement;
mod budget;
mod depth;
mod guide;
mod mistakes;
mod random;
mod results;
mod stored;

use super::*;
use crate::json::Json;

/// A message of a monitoring tool, with the oddities that they have.
const PAYLOAD: &str = r#"{
    "status": "firing", "version": 4, "load": 1.5, "cores": 8, "big": 18446744073709551615, "nothing": null,
    "acknowledged": false, "blank": " ", "odd-name": "yes", "last": 1, "last": 2,
    "labels": {"team": "db", "severity": "page", "app.kubernetes.io/name": "orders"},
    "alerts": [
        {"name": "DiskFull", "host": "db1", "percent": 97},
        {"name": "DiskSlow", "host": "db2", "percent": 60.5},
        {"name": "Ping", "host": "web1"}
    ]
}"#;

const ALERT: &str = r#"{
    "action": "trigger", "key": "disk-db1", "title": "disk /var is full", "severity": "critical",
    "source": "db1", "labels": {"team": "db"}, "links": [{"href": "https://example.org", "text": "graph"}]
}"#;

fn json(text: &str) -> Json<'_> {
    Json::read(text.as_bytes()).expect("json")
}

/// What an expression yields about the message above: as JSON, or the words of the error.
fn outcome(text: &str) -> Result<String, String> {
    let expression = Expression::parse(text).map_err(|error| error.to_string())?;
    let (payload, alert) = (json(PAYLOAD), json(ALERT));
    let scope = Scope::new(&payload, &alert);
    let value = expression.evaluate(&scope).map_err(|error| error.to_string())?;
    Ok(serde_json::to_string(&value.to_json()).expect("a value is JSON"))
}

/// Each expression yields what stands beside it.
fn yields(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(outcome(text).as_deref(), Ok(*expected), "{text}");
    }
}

/// Each expression fails with what stands beside it.
fn fails(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(outcome(text).expect_err(text), *expected, "{text}");
    }
}
