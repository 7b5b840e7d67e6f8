//! Conditions and mappings that administrators write, about messages that strangers send.
//!
//! The expression goes to the first NUL, and behind it comes the message.

use domain::{
    expression::{Expression, ExpressionError, Scope, Value},
    json::Json,
};

/// An alert, as expressions see one.
const ALERT: &[u8] = br#"{"action":"trigger","key":"k","title":"disk full","severity":"high","labels":{"team":"db"},"links":[]}"#;

/// Panics unless the expression in `data` is refused with a place, or yields the same each time.
///
/// # Panics
///
/// If it does not hold.
pub fn check(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let Ok(text) = std::str::from_utf8(&data[..end]) else { return };
    let payload = data.get(end + 1..).and_then(|message| Json::read(message).ok()).unwrap_or(Json::Null);
    match Expression::parse(text) {
        Ok(expression) => {
            kept(&expression, text);
            evaluated(&expression, &payload);
        }
        Err(error) => refused(&error, text),
    }
}

/// What was written is what is stored, and can be used when it is read again.
fn kept(expression: &Expression, text: &str) {
    assert_eq!(expression.text(), text);
    let stored = serde_json::to_string(expression).expect("an expression is a text");
    let read: Expression = serde_json::from_str(&stored).expect("what was stored can be read");
    assert_eq!((read.text(), read.error()), (text, None));
}

fn evaluated(expression: &Expression, payload: &Json<'_>) {
    let alert = Json::read(ALERT).expect("it is JSON");
    let value = expression.evaluate(&Scope::new(payload, &alert));
    let again = expression.evaluate(&Scope::new(payload, &alert));
    // By their looks: no number equals itself if it is none.
    assert_eq!(format!("{value:?}"), format!("{again:?}"), "the same expression yields the same");
    let holds = expression.holds(&Scope::new(payload, &alert));
    match &value {
        Ok(value) => {
            assert_eq!(value.as_bool(), holds.ok(), "a condition holds if it yields true");
            finite(value);
            serde_json::to_string(&value.to_json()).expect("a value can be shown");
            let _ = value.as_text();
        }
        Err(error) => {
            assert!(holds.is_err(), "what fails does not hold");
            assert!(!error.to_string().is_empty(), "a failure has words");
        }
    }
}

fn finite(value: &Value<'_>) {
    match value {
        Value::Double(number) => assert!(number.is_finite(), "a double is finite"),
        Value::List(items) => items.iter().for_each(finite),
        Value::Map(entries) => {
            entries.iter().for_each(|(key, value)| [key, value].into_iter().for_each(finite));
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Text(_) | Value::Json(_) => {}
    }
}

/// The place of a mistake is in the text, or right behind it.
fn refused(error: &ExpressionError, text: &str) {
    let ExpressionError { line, column, .. } = *error;
    let lines: Vec<_> = text.split('\n').collect();
    let there =
        lines.get(line.wrapping_sub(1)).is_some_and(|line| (1..=line.chars().count() + 1).contains(&column));
    assert!(there, "line {line}, column {column} of {text:?}: {error}");
    let stored = serde_json::to_string(text).expect("a text is JSON");
    let read: Expression = serde_json::from_str(&stored).expect("what was stored once can be read for ever");
    let refused = read.error();
    let too_long = text.chars().count() > Expression::MAX_CHARACTERS;
    assert!(too_long || refused.as_ref() == Some(error), "it is refused for the same reason: {refused:?}");
}
