//! What an expression yields.

use std::{borrow::Cow, sync::Arc};

use crate::json::Json;

/// A value. What comes from the message or the expression is borrowed from there.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'v> {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number that is not negative.
    Uint(u64),
    /// A number with a fraction; never infinite.
    Double(f64),
    /// A text.
    Text(Cow<'v, str>),
    /// A list that the expression made.
    List(Arc<Vec<Value<'v>>>),
    /// A map that the expression made, in the order it was written.
    Map(Arc<Vec<(Value<'v>, Value<'v>)>>),
    /// A list or an object of the message.
    Json(&'v Json<'v>),
}

impl<'v> Value<'v> {
    /// The name of its type, as the language calls it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::Text(_) => "string",
            Self::List(_) | Self::Json(Json::List(_)) => "list",
            Self::Map(_) | Self::Json(_) => "map",
        }
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// A text without space around it, or what a number or a truth value looks like as one. Blank texts say nothing.
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) if !text.trim().is_empty() => Some(Cow::Borrowed(text.trim())),
            Self::Bool(value) => Some(value.to_string().into()),
            Self::Int(value) => Some(value.to_string().into()),
            Self::Uint(value) => Some(value.to_string().into()),
            Self::Double(value) => Some(value.to_string().into()),
            Self::Json(json) => json.text(),
            Self::Null | Self::Text(_) | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// The value as JSON. Keys that are no texts become what they look like as one.
    pub fn to_json(&self) -> Json<'v> {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Int(value) => Json::Integer(*value),
            Self::Uint(value) => i64::try_from(*value).map_or(Json::Unsigned(*value), Json::Integer),
            Self::Double(value) => Json::Float(*value),
            Self::Text(text) => Json::Text(text.clone()),
            Self::List(items) => Json::List(items.iter().map(Self::to_json).collect()),
            Self::Map(entries) => {
                Json::Object(entries.iter().map(|(key, value)| (key.name(), value.to_json())).collect())
            }
            Self::Json(json) => (*json).clone(),
        }
    }

    /// The text, whatever it says.
    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// What it is called as a field of an object or in an error.
    pub(super) fn name(&self) -> Cow<'v, str> {
        match self {
            Self::Text(text) => text.clone(),
            Self::Bool(value) => value.to_string().into(),
            Self::Int(value) => value.to_string().into(),
            Self::Uint(value) => value.to_string().into(),
            Self::Double(value) => value.to_string().into(),
            Self::Null | Self::List(_) | Self::Map(_) | Self::Json(_) => self.kind().into(),
        }
    }

    /// The same value without a copy: texts that were written in the expression are borrowed from there.
    pub(super) fn borrowed(&'v self) -> Self {
        match self {
            Self::Text(text) => Self::Text(Cow::Borrowed(text)),
            other => other.clone(),
        }
    }
}

impl<'v> From<&'v Json<'v>> for Value<'v> {
    fn from(json: &'v Json<'v>) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Integer(value) => Self::Int(*value),
            Json::Unsigned(value) => Self::Uint(*value),
            Json::Float(value) => Self::Double(*value),
            Json::Text(text) => Self::Text(Cow::Borrowed(text)),
            Json::List(_) | Json::Object(_) => Self::Json(json),
        }
    }
}
