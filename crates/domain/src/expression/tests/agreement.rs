//! Where we mean to say the same as another implementation of the language, we do.

use cel::{Context, Program, objects::Key};

use super::*;

/// What the other implementation yields about the same message, as JSON; `None` for an error.
fn theirs(text: &str) -> Option<serde_json::Value> {
    let mut context = Context::default();
    context.add_variable("payload", json(PAYLOAD)).expect("a payload");
    context.add_variable("alert", json(ALERT)).expect("an alert");
    Program::compile(text).expect(text).execute(&context).ok().map(|value| plain(&value))
}

fn plain(value: &cel::Value) -> serde_json::Value {
    match value {
        cel::Value::Null => serde_json::Value::Null,
        cel::Value::Bool(value) => (*value).into(),
        cel::Value::Int(value) => (*value).into(),
        cel::Value::UInt(value) => (*value).into(),
        cel::Value::Float(value) => (*value).into(),
        cel::Value::String(text) => text.as_str().into(),
        cel::Value::List(items) => items.iter().map(plain).collect(),
        cel::Value::Map(map) => map.map.iter().map(|(key, value)| (name(key), plain(value))).collect(),
        other => panic!("not a value of ours: {other:?}"),
    }
}

fn name(key: &Key) -> String {
    match key {
        Key::Int(value) => value.to_string(),
        Key::Uint(value) => value.to_string(),
        Key::Bool(value) => value.to_string(),
        Key::String(text) => text.to_string(),
    }
}

#[test]
fn both_yield_the_same() {
    let texts = [
        "payload.status",
        "payload.labels.team == \"db\"",
        "payload[\"odd-name\"]",
        "payload.alerts[0].percent + 3",
        "payload.nothing == null",
        "has(payload.labels.team) && !has(payload.labels.absent)",
        "payload.absent",
        "payload.absent == 1 || true",
        "payload.absent == 1 && false",
        "true || payload.absent == 1",
        "payload.absent == 1 || false",
        "true ? 1 : payload.absent",
        "1 + 2 * 3 - 4 / 2 % 3",
        "(1 + 2) * 3",
        "1 - 2 - 3",
        "7 / 2",
        "-7 / 2",
        "-7 % 3",
        "7u / 2u",
        "1.5 * 2.0",
        "1 / 0",
        "9223372036854775807 + 1",
        "1 < 2 == true",
        "1 < 1.5 && 2u > 1",
        "\"a\" + 'b'",
        r#"r"\d+""#,
        r#""tab\tquote\"""#,
        r#""\u00e9\x41\101""#,
        "\"a\" < \"b\"",
        "[1, 2] + [3]",
        "[1, 2] == [1, 2]",
        "{\"a\": 1}.a",
        "{\"a\": 1, \"b\": [true, null]}",
        "2 in [1, 2]",
        "\"team\" in payload.labels",
        "size(\"deja\") + size([1, 2]) + payload.labels.size()",
        "alert.title.contains(\"/var\")",
        "alert.title.startsWith(\"disk\") && alert.title.endsWith(\"full\")",
        "alert.title.matches(\"^disk .*full$\")",
        "payload.alerts.map(a, a.host)",
        "payload.alerts.map(a, has(a.percent), a.name)",
        "payload.alerts.filter(a, a.host.startsWith(\"db\")).map(a, a.name)",
        "payload.alerts.all(a, a.host != \"\")",
        "payload.alerts.exists(a, a.name == \"Ping\")",
        "payload.alerts.exists_one(a, a.host.contains(\"db\"))",
        "[[1], [2, 3]].map(x, x.map(y, y * 2))",
        "[1, 2, 3].exists(x, x > 2) ? \"some\" : \"none\"",
        "int(\"42\") + int(1.9)",
        "double(2) + double(\"0.5\")",
        "uint(7) + 1u",
        "string(42) + string(1.5)",
        "int(\"x\")",
        "!true || !false",
        "-(-3)",
    ];
    let mut differ = Vec::new();
    for text in texts {
        let ours: Option<serde_json::Value> =
            outcome(text).ok().map(|json| serde_json::from_str(&json).expect("JSON"));
        let theirs = theirs(text);
        if ours != theirs {
            differ.push((text, ours, theirs));
        }
    }
    assert!(differ.is_empty(), "{differ:#?}");
}
