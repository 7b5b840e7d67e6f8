//! What operators with two sides make of them.

use std::{borrow::Cow, cmp::Ordering, sync::Arc};

use super::{
    EvaluationError, Scope, Value,
    items::{Items, look_up},
    number,
    tree::Operator,
};

/// What an item of a list costs of the budget for what is made.
pub(super) const ITEM_BYTES: usize = size_of::<Value<'static>>();

/// Both sides are evaluated.
pub(super) fn operate<'v>(
    operator: Operator,
    left: Value<'v>,
    right: Value<'v>,
    scope: &Scope<'_>,
) -> Result<Value<'v>, EvaluationError> {
    let ordered = |fits: fn(Ordering) -> bool| {
        let ordering = compare(&left, &right, scope)?.ok_or_else(|| mismatch(operator, &left, &right))?;
        Ok(Value::Bool(fits(ordering)))
    };
    match operator {
        Operator::Equal => equal(&left, &right, scope).map(Value::Bool),
        Operator::Differs => equal(&left, &right, scope).map(|equal| Value::Bool(!equal)),
        Operator::Less => ordered(Ordering::is_lt),
        Operator::AtMost => ordered(Ordering::is_le),
        Operator::Greater => ordered(Ordering::is_gt),
        Operator::AtLeast => ordered(Ordering::is_ge),
        Operator::In => contains(&right, &left, scope),
        Operator::Add => add(left, right, scope),
        Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
            number::reckon(operator, &left, &right).unwrap_or_else(|| Err(mismatch(operator, &left, &right)))
        }
    }
}

fn mismatch(operator: Operator, left: &Value<'_>, right: &Value<'_>) -> EvaluationError {
    EvaluationError::Operands { operator: operator.sign(), left: left.kind(), right: right.kind() }
}

/// Whether two values are the same. Numbers compare by value; values of different types differ.
pub(super) fn equal(left: &Value<'_>, right: &Value<'_>, scope: &Scope<'_>) -> Result<bool, EvaluationError> {
    scope.step()?;
    match (left, right) {
        (Value::Null, Value::Null) => Ok(true),
        (Value::Bool(left), Value::Bool(right)) => Ok(left == right),
        (Value::Text(left), Value::Text(right)) => {
            scope.scan(left.len().min(right.len()))?;
            Ok(left == right)
        }
        _ => match number::compare(left, right) {
            Some(ordering) => Ok(ordering.is_eq()),
            None => equal_inside(left, right, scope),
        },
    }
}

/// Whether two lists or two maps are the same.
fn equal_inside(left: &Value<'_>, right: &Value<'_>, scope: &Scope<'_>) -> Result<bool, EvaluationError> {
    if let (Some(items), Some(others)) = (Items::of_list(left), Items::of_list(right)) {
        if items.len() != others.len() {
            return Ok(false);
        }
        return all(items.len(), |index| {
            let equal = |item: &Value<'_>| others.look(index, |other| equal(item, other, scope));
            items.look(index, equal).flatten().unwrap_or(Ok(false))
        });
    }
    let (Some(keys), Some(others)) = (Items::of_map(left), Items::of_map(right)) else { return Ok(false) };
    if keys.len() != others.len() {
        return Ok(false);
    }
    all(keys.len(), |index| {
        let equal = |key: &Value<'_>| match (look_up(left, key, scope)?, look_up(right, key, scope)?) {
            (Some(value), Some(other)) => equal(&value, &other, scope),
            _ => Ok(false),
        };
        keys.look(index, equal).unwrap_or(Ok(false))
    })
}

/// Whether it holds for every index below.
fn all(
    count: usize,
    mut holds: impl FnMut(usize) -> Result<bool, EvaluationError>,
) -> Result<bool, EvaluationError> {
    for index in 0..count {
        if !holds(index)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn compare(
    left: &Value<'_>,
    right: &Value<'_>,
    scope: &Scope<'_>,
) -> Result<Option<Ordering>, EvaluationError> {
    Ok(match (left, right) {
        (Value::Text(left), Value::Text(right)) => {
            scope.scan(left.len().min(right.len()))?;
            Some(left.cmp(right))
        }
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        _ => number::compare(left, right),
    })
}

/// `item in list`, `key in map`.
fn contains<'v>(
    whole: &Value<'_>,
    part: &Value<'_>,
    scope: &Scope<'_>,
) -> Result<Value<'v>, EvaluationError> {
    if let Some(items) = Items::of_list(whole) {
        let differs = |index| {
            let equal = items.look(index, |item| equal(item, part, scope));
            equal.unwrap_or(Ok(false)).map(|equal| !equal)
        };
        return all(items.len(), differs).map(|absent| Value::Bool(!absent));
    }
    if Items::of_map(whole).is_none() {
        return Err(mismatch(Operator::In, part, whole));
    }
    Ok(Value::Bool(look_up(whole, part, scope)?.is_some()))
}

/// Sums of numbers, one text after another, one list after another.
fn add<'v>(left: Value<'v>, right: Value<'v>, scope: &Scope<'_>) -> Result<Value<'v>, EvaluationError> {
    match (left, right) {
        (Value::Text(Cow::Owned(mut made)), Value::Text(more)) => {
            scope.make(more.len())?;
            made.push_str(&more);
            Ok(Value::Text(Cow::Owned(made)))
        }
        (Value::Text(left), Value::Text(right)) => {
            scope.make(left.len() + right.len())?;
            Ok(Value::Text(Cow::Owned([left, right].concat())))
        }
        (left, right) => {
            if let Some(sum) = number::reckon(Operator::Add, &left, &right) {
                return sum;
            }
            let (Some(first), Some(second)) = (Items::of_list(&left), Items::of_list(&right)) else {
                return Err(mismatch(Operator::Add, &left, &right));
            };
            scope.steps(first.len() + second.len())?;
            scope.make(ITEM_BYTES * (first.len() + second.len()))?;
            let mut items = Vec::with_capacity(first.len() + second.len());
            for list in [first, second] {
                for index in 0..list.len() {
                    items.extend(list.get(index, scope)?);
                }
            }
            Ok(Value::List(Arc::new(items)))
        }
    }
}
