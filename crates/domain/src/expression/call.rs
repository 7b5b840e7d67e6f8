//! Calls of functions: what each needs, and who does it.

use std::borrow::Cow;

use super::{
    EvaluationError, Scope, Value,
    convert::{to_bool, to_double, to_text, to_whole},
    evaluate::{Evaluation, Outcome},
    function::Function,
    items::Items,
    number,
    text::{changed, join, replace, split, substring, trimmed},
    tree::Node,
};

/// Calls a function with arguments that are still to be evaluated. The parser checked how many there are.
pub(super) fn call<'v>(
    evaluation: &mut Evaluation<'_, 'v>,
    function: Function,
    arguments: &'v [Node],
) -> Outcome<'v> {
    let scope = evaluation.scope;
    let [subject, first, second, third] = evaluated(evaluation, arguments)?;
    let name = function.name();
    let subject = subject.unwrap_or(Value::Null);
    match function {
        Function::Size => size(&subject, scope),
        Function::Contains => tested(&subject, first.as_ref(), name, scope, |text, part| text.contains(part)),
        Function::StartsWith => {
            tested(&subject, first.as_ref(), name, scope, |text, part| text.starts_with(part))
        }
        Function::EndsWith => {
            tested(&subject, first.as_ref(), name, scope, |text, part| text.ends_with(part))
        }
        Function::LowerAscii => changed(text(subject, name)?, scope, str::to_ascii_lowercase),
        Function::UpperAscii => changed(text(subject, name)?, scope, str::to_ascii_uppercase),
        Function::Trim => trimmed(&text(subject, name)?, scope),
        Function::Split => {
            let (whole, separator) = (text(subject, name)?, given(first, name)?);
            split(&whole, &separator, count(second.as_ref(), name)?, scope)
        }
        Function::Join => {
            let separator = if first.is_some() { given(first, name)? } else { Cow::Borrowed("") };
            join(&subject, &separator, scope)
        }
        Function::Replace => {
            let (whole, old, new) = (text(subject, name)?, given(first, name)?, given(second, name)?);
            replace(whole, &old, &new, count(third.as_ref(), name)?, scope)
        }
        Function::Substring => {
            let (start, end) = (count(first.as_ref(), name)?, count(second.as_ref(), name)?);
            substring(&text(subject, name)?, start, end, scope)
        }
        Function::Text => to_text(subject, scope),
        Function::Int => to_whole(&subject, "an int", |whole| i64::try_from(whole).ok().map(Value::Int)),
        Function::Uint => to_whole(&subject, "a uint", |whole| u64::try_from(whole).ok().map(Value::Uint)),
        Function::Double => to_double(&subject),
        Function::Bool => to_bool(&subject),
    }
}

/// The arguments; nothing for those that were not given.
fn evaluated<'v>(
    evaluation: &mut Evaluation<'_, 'v>,
    arguments: &'v [Node],
) -> Result<[Option<Value<'v>>; 4], EvaluationError> {
    let mut values = [None, None, None, None];
    for (value, argument) in values.iter_mut().zip(arguments) {
        *value = Some(evaluation.evaluate(argument)?);
    }
    Ok(values)
}

fn wrong(what: &'static str, wanted: &'static str, value: &Value<'_>) -> EvaluationError {
    EvaluationError::WrongType { what, wanted, found: value.kind() }
}

fn text<'v>(value: Value<'v>, name: &'static str) -> Result<Cow<'v, str>, EvaluationError> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(wrong(name, "a string", &other)),
    }
}

fn given<'v>(value: Option<Value<'v>>, name: &'static str) -> Result<Cow<'v, str>, EvaluationError> {
    text(value.unwrap_or(Value::Null), name)
}

/// A number that says how often or where; nothing if it was not given.
fn count(value: Option<&Value<'_>>, name: &'static str) -> Result<Option<i128>, EvaluationError> {
    value.map(|value| number::whole(value).ok_or_else(|| wrong(name, "an int", value))).transpose()
}

/// A question about a text and a part of it.
fn tested<'v>(
    subject: &Value<'v>,
    part: Option<&Value<'v>>,
    name: &'static str,
    scope: &Scope<'_>,
    test: fn(&str, &str) -> bool,
) -> Outcome<'v> {
    let part = part.unwrap_or(&Value::Null);
    let text = subject.text().ok_or_else(|| wrong(name, "a string", subject))?;
    let part = part.text().ok_or_else(|| wrong(name, "a string", part))?;
    scope.scan(text.len())?;
    Ok(Value::Bool(test(text, part)))
}

/// Characters of a text, items of a list, entries of a map.
fn size<'v>(subject: &Value<'v>, scope: &Scope<'_>) -> Outcome<'v> {
    let size = match (subject, Items::of(subject)) {
        (Value::Text(text), _) => {
            scope.scan(text.len())?;
            text.chars().count()
        }
        (_, Some(items)) => items.len(),
        (other, None) => return Err(wrong("size", "a string, a list or a map", other)),
    };
    i64::try_from(size).map(Value::Int).map_err(|_| EvaluationError::Overflow)
}
