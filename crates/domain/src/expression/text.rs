//! What functions make of texts. Parts of a text of the message are borrowed from it.

use std::{borrow::Cow, ops::Range, sync::Arc};

use super::{EvaluationError, Scope, Value, evaluate::Outcome, items::Items, operate::ITEM_BYTES};

/// A part of a text. The range is one of whole characters.
fn part<'v>(whole: &Cow<'v, str>, range: Range<usize>, scope: &Scope<'_>) -> Outcome<'v> {
    let text = match whole {
        Cow::Borrowed(whole) => Cow::Borrowed(whole.get(range).unwrap_or_default()),
        Cow::Owned(whole) => {
            scope.make(range.len())?;
            Cow::Owned(whole.get(range).unwrap_or_default().to_owned())
        }
    };
    Ok(Value::Text(text))
}

/// A text with letters of the other case, or itself where there are none.
pub(super) fn changed<'v>(text: Cow<'v, str>, scope: &Scope<'_>, change: fn(&str) -> String) -> Outcome<'v> {
    scope.scan(text.len())?;
    scope.make(text.len())?;
    let changed = change(&text);
    Ok(Value::Text(if changed == *text { text } else { Cow::Owned(changed) }))
}

/// A text without space around it.
pub(super) fn trimmed<'v>(text: &Cow<'v, str>, scope: &Scope<'_>) -> Outcome<'v> {
    scope.scan(text.len())?;
    let start = text.len() - text.trim_start().len();
    let end = text.trim_end().len().max(start);
    part(text, start..end, scope)
}

/// The parts between separators, the last one with all that is left if there is a limit.
pub(super) fn split<'v>(
    whole: &Cow<'v, str>,
    separator: &str,
    limit: Option<i128>,
    scope: &Scope<'_>,
) -> Outcome<'v> {
    scope.scan(whole.len())?;
    let limit = usize::try_from(limit.unwrap_or(-1)).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let mut start = 0;
    for cut in cuts(whole, separator) {
        if parts.len() + 1 >= limit {
            break;
        }
        scope.step()?;
        scope.make(ITEM_BYTES)?;
        parts.push(part(whole, start..cut.start, scope)?);
        start = cut.end;
    }
    // Between the characters of an empty text there is nothing to cut.
    if limit > 0 && !(separator.is_empty() && whole.is_empty()) {
        scope.make(ITEM_BYTES)?;
        parts.push(part(whole, start..whole.len(), scope)?);
    }
    Ok(Value::List(Arc::new(parts)))
}

/// Where a text is cut: at every separator, or between all characters.
fn cuts(whole: &str, separator: &str) -> impl Iterator<Item = Range<usize>> {
    whole
        .match_indices(separator)
        .map(|(at, found)| at..at + found.len())
        .filter(move |cut| !cut.is_empty() || (cut.start > 0 && cut.end < whole.len()))
}

/// Texts one after another; numbers and truth values count as what they look like.
pub(super) fn join<'v>(list: &Value<'v>, separator: &str, scope: &Scope<'_>) -> Outcome<'v> {
    let Some(items) = Items::of_list(list) else {
        return Err(EvaluationError::WrongType { what: "join", wanted: "a list", found: list.kind() });
    };
    let mut joined = String::new();
    for index in 0..items.len() {
        scope.step()?;
        let Some(item) = items.get(index, scope)? else { break };
        if matches!(item, Value::Null | Value::List(_) | Value::Map(_) | Value::Json(_)) {
            let (wanted, found) = ("a list of strings", item.kind());
            return Err(EvaluationError::WrongType { what: "join", wanted, found });
        }
        let text = item.name();
        let separator = if index == 0 { "" } else { separator };
        scope.make(separator.len() + text.len())?;
        joined.push_str(separator);
        joined.push_str(&text);
    }
    Ok(Value::Text(Cow::Owned(joined)))
}

/// A text with another one in the place of a part, everywhere or a number of times.
pub(super) fn replace<'v>(
    whole: Cow<'v, str>,
    old: &str,
    new: &str,
    limit: Option<i128>,
    scope: &Scope<'_>,
) -> Outcome<'v> {
    scope.scan(whole.len())?;
    let limit = usize::try_from(limit.unwrap_or(-1)).unwrap_or(usize::MAX);
    let found = whole.matches(old).take(limit).count();
    if found == 0 {
        return Ok(Value::Text(whole));
    }
    scope.steps(found)?;
    // What goes away is not made, and everything else must be paid for before it is.
    scope.make((whole.len() - found * old.len()).saturating_add(found.saturating_mul(new.len())))?;
    Ok(Value::Text(Cow::Owned(whole.replacen(old, new, limit))))
}

/// The characters from one place up to another, or to the end.
pub(super) fn substring<'v>(
    whole: &Cow<'v, str>,
    start: Option<i128>,
    end: Option<i128>,
    scope: &Scope<'_>,
) -> Outcome<'v> {
    scope.scan(whole.len())?;
    let start = byte(whole, start.unwrap_or(0)).ok_or(EvaluationError::OutOfRange)?;
    let end = end.map_or(Some(whole.len()), |end| byte(whole, end)).ok_or(EvaluationError::OutOfRange)?;
    if start > end { Err(EvaluationError::OutOfRange) } else { part(whole, start..end, scope) }
}

/// The byte at which a character begins; the end of the text counts as one more.
fn byte(text: &str, character: i128) -> Option<usize> {
    let character = usize::try_from(character).ok()?;
    text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(character)
}
