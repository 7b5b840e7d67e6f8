//! JSON, and the key in PagerDuty's events, beside what `serde_json` reads there by itself.

use api::webhooks::translate::routing_key;
use domain::json::Json;
use serde_json::{Map, Number, Value};

/// How `serde_json` asks for its own kinds of values. A message that does so means something else to it.
const PRIVATE: &[u8] = b"$serde_json";

/// Panics unless the JSON in `data` is what `serde_json` reads.
///
/// # Panics
///
/// If it does not hold.
pub fn check(data: &[u8]) {
    let body = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    if body.windows(PRIVATE.len()).any(|window| window == PRIVATE) {
        return;
    }
    let found = routing_key(data);
    match (Json::read(data), serde_json::from_slice::<Value>(body)) {
        (Ok(json), Ok(value)) => {
            assert_eq!(plain(&json), value, "the last of equal keys wins");
            fields(&json, &value);
            assert_eq!(found, json.get("routing_key").text().map(String::from), "the key is where it is");
            let written = serde_json::to_string(&json).expect("JSON can be written");
            Json::read(written.as_bytes()).expect("what was written can be read");
        }
        (Err(why), Err(_)) => assert!(!why.to_string().is_empty(), "a refusal has a reason"),
        (json, value) => panic!("one of them refuses: {json:?} and {value:?}"),
    }
}

fn fields(json: &Json<'_>, value: &Value) {
    for (name, _) in json.fields() {
        assert_eq!(plain(json.get(name)), value[&**name], "the field {name:?}");
        let said = json.any(&[name]);
        assert!(*said == Json::Null || !said.is_blank(), "whoever asks for words is given some");
    }
}

fn plain(json: &Json<'_>) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Integer(value) => Value::from(*value),
        Json::Unsigned(value) => Value::from(*value),
        Json::Float(value) => Value::Number(Number::from_f64(*value).expect("a number is finite")),
        Json::Text(text) => Value::String(text.clone().into_owned()),
        Json::List(items) => Value::Array(items.iter().map(plain).collect()),
        // Whatever is put in later replaces what was there.
        Json::Object(fields) => Value::Object(
            fields.iter().map(|(name, value)| (name.to_string(), plain(value))).collect::<Map<_, _>>(),
        ),
    }
}
