//! Numbers of three types, compared and reckoned with by value.

use std::cmp::Ordering;

use super::{EvaluationError, Value, tree::Operator};

/// A whole number of either type; a double that happens to be whole counts too.
pub(super) fn whole(value: &Value<'_>) -> Option<i128> {
    match *value {
        Value::Int(value) => Some(value.into()),
        Value::Uint(value) => Some(value.into()),
        Value::Double(value) if value.fract() == 0.0 => truncated(value),
        _ => None,
    }
}

/// A double without its fraction, unless it is beyond what any whole number here holds.
pub(super) fn truncated(value: f64) -> Option<i128> {
    const BEYOND: f64 = 1e30;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the fraction goes on purpose, and the range is checked"
    )]
    (value.abs() < BEYOND).then_some(value as i128)
}

/// How two numbers compare; `None` if one of them is none.
pub(super) fn compare(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (exact(left), exact(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        (Some(left), None) => Some(compare_with_double(left, double(right)?)),
        (None, Some(right)) => Some(compare_with_double(right, double(left)?).reverse()),
        (None, None) => double(left)?.partial_cmp(&double(right)?),
    }
}

/// Exactly: as doubles, large whole numbers would be equal to their neighbours.
fn compare_with_double(whole: i128, double: f64) -> Ordering {
    match truncated(double) {
        Some(truncated) => {
            let fraction = 0.0f64.partial_cmp(&double.fract());
            whole.cmp(&truncated).then(fraction.unwrap_or(Ordering::Equal))
        }
        None if double > 0.0 => Ordering::Less,
        None => Ordering::Greater,
    }
}

fn exact(value: &Value<'_>) -> Option<i128> {
    match *value {
        Value::Int(value) => Some(value.into()),
        Value::Uint(value) => Some(value.into()),
        _ => None,
    }
}

/// A number as a double.
pub(super) fn double(value: &Value<'_>) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a double holds what it can of a large number")]
    match *value {
        Value::Double(value) => Some(value),
        Value::Int(value) => Some(value as f64),
        Value::Uint(value) => Some(value as f64),
        _ => None,
    }
}

/// What an operator makes of two numbers; `None` if one of them is none, or for the remainder of a fraction.
pub(super) fn reckon(
    operator: Operator,
    left: &Value<'_>,
    right: &Value<'_>,
) -> Option<Result<Value<'static>, EvaluationError>> {
    if let (Some(whole), Some(other)) = (exact(left), exact(right)) {
        let both_unsigned = matches!((left, right), (Value::Uint(_), Value::Uint(_)));
        let either_unsigned = matches!(left, Value::Uint(_)) || matches!(right, Value::Uint(_));
        return Some(whole_result(operator, whole, other).and_then(|result| {
            let signed = i64::try_from(result).ok().filter(|_| !both_unsigned).map(Value::Int);
            let unsigned = || u64::try_from(result).ok().filter(|_| either_unsigned).map(Value::Uint);
            signed.or_else(unsigned).ok_or(EvaluationError::Overflow)
        }));
    }
    let (left, right) = (double(left)?, double(right)?);
    let result = match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide if right == 0.0 => return Some(Err(EvaluationError::DivisionByZero)),
        Operator::Divide => left / right,
        _ => return None,
    };
    Some(if result.is_finite() { Ok(Value::Double(result)) } else { Err(EvaluationError::Overflow) })
}

fn whole_result(operator: Operator, left: i128, right: i128) -> Result<i128, EvaluationError> {
    let result = match operator {
        Operator::Divide | Operator::Remainder if right == 0 => return Err(EvaluationError::DivisionByZero),
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide => left.checked_div(right),
        Operator::Remainder => left.checked_rem(right),
        _ => None,
    };
    result.ok_or(EvaluationError::Overflow)
}
