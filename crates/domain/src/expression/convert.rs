//! Values of one type made into another.

use super::{EvaluationError, Scope, Value, evaluate::Outcome, items::shortened, number};

fn failed(value: &Value<'_>, into: &'static str) -> EvaluationError {
    let value = match value {
        Value::List(_) | Value::Map(_) | Value::Json(_) => format!("a {}", value.kind()),
        other => shortened(&other.name()),
    };
    EvaluationError::Conversion { value, into }
}

/// A scalar as a text.
pub(super) fn to_text<'v>(value: Value<'v>, scope: &Scope<'_>) -> Outcome<'v> {
    match value {
        Value::Text(_) => Ok(value),
        Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Double(_) => {
            let text = value.name();
            scope.make(text.len())?;
            Ok(Value::Text(text))
        }
        other => Err(failed(&other, "a string")),
    }
}

/// A whole number of the type that `fit` makes, from any number or its digits; fractions are cut off.
pub(super) fn to_whole<'v>(
    value: &Value<'v>,
    into: &'static str,
    fit: fn(i128) -> Option<Value<'static>>,
) -> Outcome<'v> {
    let whole = match value {
        Value::Double(double) => number::truncated(*double),
        Value::Text(text) => text.parse().ok(),
        other => number::whole(other),
    };
    whole.and_then(fit).ok_or_else(|| failed(value, into))
}

/// Any number, or what its digits say, as a double.
pub(super) fn to_double<'v>(value: &Value<'v>) -> Outcome<'v> {
    let double = match value {
        Value::Text(text) => text.parse().ok().filter(|double: &f64| double.is_finite()),
        other => number::double(other),
    };
    double.map(Value::Double).ok_or_else(|| failed(value, "a double"))
}

/// What a word for yes or no means.
pub(super) fn to_bool<'v>(value: &Value<'v>) -> Outcome<'v> {
    let truth = match (value, value.text()) {
        (Value::Bool(value), _) => Some(*value),
        (_, Some("true" | "True" | "TRUE" | "t" | "T" | "1")) => Some(true),
        (_, Some("false" | "False" | "FALSE" | "f" | "F" | "0")) => Some(false),
        _ => None,
    };
    truth.map(Value::Bool).ok_or_else(|| failed(value, "a bool"))
}
