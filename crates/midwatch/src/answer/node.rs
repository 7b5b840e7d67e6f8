//! A value in JSON that knows where it stands, so that each refusal names its field.

use std::collections::BTreeSet;

use chrono::{NaiveDateTime, NaiveTime, Weekday};
use domain::{Invalid, LayerId, OverrideId, SwapId, Timestamp, UserId};
use serde_json::Value;
use uuid::Uuid;

/// A value and its path.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    value: Option<&'a Value>,
    pub(super) path: String,
}

impl<'a> Node<'a> {
    pub(super) const fn root(value: &'a Value) -> Self {
        Self { value: Some(value), path: String::new() }
    }

    /// The value under a name; whether there is one shows when it is read.
    pub(super) fn at(&self, name: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        let value = self.value.and_then(|value| value.get(name)).filter(|value| !value.is_null());
        Self { value, path: format!("{}{dot}{name}", self.path) }
    }

    /// The value, unless it is left out or null.
    pub(super) fn given(self) -> Option<Self> {
        self.value.is_some().then_some(self)
    }

    pub(super) fn wrong(&self, rule: impl Into<String>) -> Invalid {
        let path = if self.path.is_empty() { "the line" } else { &self.path };
        Invalid::new(path, rule)
    }

    fn value(&self) -> Result<&'a Value, Invalid> {
        self.value.ok_or_else(|| self.wrong("is missing"))
    }

    pub(super) fn object(&self) -> Result<(), Invalid> {
        self.value()?.as_object().map(drop).ok_or_else(|| self.wrong("must be an object"))
    }

    pub(super) fn text(&self) -> Result<&'a str, Invalid> {
        self.value()?.as_str().ok_or_else(|| self.wrong("must be a text"))
    }

    pub(super) fn flag(&self) -> Result<bool, Invalid> {
        self.value()?.as_bool().ok_or_else(|| self.wrong("must be true or false"))
    }

    pub(super) fn number<T: TryFrom<i64>>(&self) -> Result<T, Invalid> {
        let number = self.value()?.as_i64().ok_or_else(|| self.wrong("must be a whole number"))?;
        T::try_from(number).map_err(|_| self.wrong("is out of range"))
    }

    /// The items of a list; none, if it is left out.
    pub(super) fn items(&self, most: usize) -> Result<Vec<Node<'a>>, Invalid> {
        let Some(value) = self.value else { return Ok(vec![]) };
        let items = value.as_array().ok_or_else(|| self.wrong("must be a list"))?;
        if items.len() > most {
            return Err(self.wrong(format!("must have at most {most} entries, not {}", items.len())));
        }
        let item = |(index, value)| Node { value: Some(value), path: format!("{}[{index}]", self.path) };
        Ok(items.iter().enumerate().map(item).collect())
    }

    pub(super) fn list(&self, most: usize) -> Result<Vec<Node<'a>>, Invalid> {
        self.value()?;
        self.items(most)
    }

    pub(super) fn instant(&self) -> Result<Timestamp, Invalid> {
        let rule = "must be an instant in RFC 3339 such as 2026-11-23T08:00:00Z";
        self.text()?.parse().map_err(|_| self.wrong(rule))
    }

    pub(super) fn local(&self) -> Result<NaiveDateTime, Invalid> {
        let rule = "must be a local time such as 2026-11-23T09:00:00";
        NaiveDateTime::parse_from_str(self.text()?, "%Y-%m-%dT%H:%M:%S").map_err(|_| self.wrong(rule))
    }

    pub(super) fn time_of_day(&self) -> Result<NaiveTime, Invalid> {
        let rule = "must be a time of day such as 09:00";
        let text = self.text()?;
        let time = NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| self.wrong(rule))?;
        if text.len() == 5 { Ok(time) } else { Err(self.wrong(rule)) }
    }

    pub(super) fn day(&self) -> Result<Weekday, Invalid> {
        match self.text()? {
            "mon" => Ok(Weekday::Mon),
            "tue" => Ok(Weekday::Tue),
            "wed" => Ok(Weekday::Wed),
            "thu" => Ok(Weekday::Thu),
            "fri" => Ok(Weekday::Fri),
            "sat" => Ok(Weekday::Sat),
            "sun" => Ok(Weekday::Sun),
            _ => Err(self.wrong("must be one of mon, tue, wed, thu, fri, sat, sun")),
        }
    }
}

/// Ids for the names that people gave, in the order of their bytes.
pub(super) struct Names(Vec<String>);

impl Names {
    /// Every text in a value may be a name.
    pub(super) fn of(value: &Value) -> Self {
        let mut names = BTreeSet::new();
        collect(value, &mut names);
        Self(names.into_iter().collect())
    }

    fn id(&self, node: &Node<'_>) -> Result<Uuid, Invalid> {
        let name = node.text()?;
        if name.is_empty() {
            return Err(node.wrong("must not be empty"));
        }
        let place = self.0.partition_point(|known| known.as_str() < name);
        Ok(Uuid::from_u128(place as u128))
    }

    pub(super) fn user(&self, node: &Node<'_>) -> Result<UserId, Invalid> {
        self.id(node).map(UserId::new)
    }

    pub(super) fn users(&self, node: &Node<'_>, most: usize) -> Result<Vec<UserId>, Invalid> {
        let mut users = node.list(most)?.iter().map(|one| self.user(one)).collect::<Result<Vec<_>, _>>()?;
        users.sort_unstable();
        users.dedup();
        Ok(users)
    }

    pub(super) fn layer(&self, node: &Node<'_>) -> Result<LayerId, Invalid> {
        self.id(node).map(LayerId::new)
    }

    pub(super) fn r#override(&self, node: &Node<'_>) -> Result<OverrideId, Invalid> {
        self.id(node).map(OverrideId::new)
    }

    pub(super) fn swap(&self, node: &Node<'_>) -> Result<SwapId, Invalid> {
        self.id(node).map(SwapId::new)
    }

    /// The name behind an id.
    pub(super) fn name(&self, user: UserId) -> &str {
        let place = usize::try_from(user.uuid().as_u128()).unwrap_or(usize::MAX);
        self.0.get(place).map_or("", String::as_str)
    }
}

fn collect(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            names.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
