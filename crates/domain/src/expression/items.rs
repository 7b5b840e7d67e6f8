//! Lists and maps alike, whether they came in the message or were made.

use std::{borrow::Cow, sync::Arc};

use crate::json::Json;

use super::{EvaluationError, Scope, Value, number, operate::equal};

/// What can be gone through: the items of a list, or the keys of a map.
pub(super) enum Items<'v> {
    Json(&'v [Json<'v>]),
    Names(&'v [(Cow<'v, str>, Json<'v>)]),
    Made(Arc<Vec<Value<'v>>>),
    Keys(Arc<Vec<(Value<'v>, Value<'v>)>>),
}

impl<'v> Items<'v> {
    /// The items of a list or the keys of a map; `None` for anything else.
    pub(super) fn of(value: &Value<'v>) -> Option<Self> {
        match value {
            Value::Json(Json::Object(fields)) => Some(Self::Names(fields)),
            Value::Map(entries) => Some(Self::Keys(Arc::clone(entries))),
            list => Self::of_list(list),
        }
    }

    /// The items of a list; `None` for anything else.
    pub(super) fn of_list(value: &Value<'v>) -> Option<Self> {
        match value {
            Value::Json(Json::List(items)) => Some(Self::Json(items)),
            Value::List(items) => Some(Self::Made(Arc::clone(items))),
            _ => None,
        }
    }

    /// The keys of a map; `None` for anything else.
    pub(super) fn of_map(value: &Value<'v>) -> Option<Self> {
        Self::of(value).filter(|items| matches!(items, Self::Names(_) | Self::Keys(_)))
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Json(items) => items.len(),
            Self::Names(fields) => fields.len(),
            Self::Made(items) => items.len(),
            Self::Keys(entries) => entries.len(),
        }
    }

    /// What is found out about one of them, without a copy; `None` beyond the end.
    pub(super) fn look<T>(&self, index: usize, ask: impl FnOnce(&Value<'v>) -> T) -> Option<T> {
        match self {
            Self::Json(items) => items.get(index).map(|item| ask(&Value::from(item))),
            Self::Names(fields) => fields.get(index).map(|(name, _)| ask(&Value::Text(Cow::Borrowed(name)))),
            Self::Made(items) => items.get(index).map(ask),
            Self::Keys(entries) => entries.get(index).map(|(key, _)| ask(key)),
        }
    }

    /// One of them. A text that was made is copied, at the expense of the budget.
    pub(super) fn get(&self, index: usize, scope: &Scope<'_>) -> Result<Option<Value<'v>>, EvaluationError> {
        self.look(index, |item| copy(item, scope)).transpose()
    }
}

/// A copy, which costs only where text was made.
pub(super) fn copy<'v>(value: &Value<'v>, scope: &Scope<'_>) -> Result<Value<'v>, EvaluationError> {
    if let Value::Text(Cow::Owned(text)) = value {
        scope.make(text.len())?;
    }
    Ok(value.clone())
}

/// What a map has under a key; `None` where it has none, or where the value is no map.
pub(super) fn look_up<'v>(
    map: &Value<'v>,
    key: &Value<'_>,
    scope: &Scope<'_>,
) -> Result<Option<Value<'v>>, EvaluationError> {
    match (map, key) {
        (Value::Json(Json::Object(_)), Value::Text(name)) => field(map, name, scope),
        (Value::Map(entries), _) => {
            for (known, value) in entries.iter() {
                if equal(known, key, scope)? {
                    return copy(value, scope).map(Some);
                }
            }
            Ok(None)
        }
        _ => Ok(None),
    }
}

/// The field of a map; `None` where it has none, or where the value is no map.
pub(super) fn field<'v>(
    map: &Value<'v>,
    name: &str,
    scope: &Scope<'_>,
) -> Result<Option<Value<'v>>, EvaluationError> {
    match map {
        Value::Json(json @ Json::Object(fields)) => {
            scope.steps(fields.len() / 16)?;
            Ok(json.field(name).map(Value::from))
        }
        Value::Map(_) => look_up(map, &Value::Text(Cow::Borrowed(name)), scope),
        _ => Ok(None),
    }
}

/// What `of[at]` is.
pub(super) fn item<'v>(
    of: &Value<'v>,
    at: &Value<'v>,
    scope: &Scope<'_>,
) -> Result<Value<'v>, EvaluationError> {
    if let Some(items) = Items::of_list(of) {
        let Some(index) = number::whole(at) else {
            return Err(EvaluationError::WrongType { what: "[ ]", wanted: "an int", found: at.kind() });
        };
        let item = match usize::try_from(index) {
            Ok(index) => items.get(index, scope)?,
            Err(_) => None,
        };
        return item.ok_or_else(|| EvaluationError::NoSuchIndex { index: index.to_string() });
    }
    if Items::of_map(of).is_none() {
        return Err(EvaluationError::WrongType { what: "[ ]", wanted: "a list or a map", found: of.kind() });
    }
    look_up(of, at, scope)?.ok_or_else(|| EvaluationError::NoSuchField { name: shortened(&at.name()) })
}

/// Enough of a text to recognise it by in an error.
pub(super) fn shortened(text: &str) -> String {
    const MAX_CHARACTERS: usize = 60;
    match text.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
