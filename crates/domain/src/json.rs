//! JSON as monitoring tools send it: borrowed where possible, the last of equal keys wins.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, Visitor},
    ser::{SerializeMap, SerializeSeq},
};

/// Why bytes are not such JSON, worded for whoever sent them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The bytes are not a text.
    #[error("the body is not UTF-8: byte {byte} does not fit")]
    NotUtf8 {
        /// The first byte that does not fit, counted from one.
        byte: usize,
    },
    /// The text is not JSON, or is nested too deeply, or has a number beyond a double.
    #[error("the body is not JSON: {why}")]
    NotJson {
        /// What is wrong with it, and where.
        why: String,
    },
}

/// One value. Strings without escapes borrow from the message; nothing is copied for fields that nobody asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A whole number beyond `i64::MAX`.
    Unsigned(u64),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// A list.
    List(Vec<Json<'a>>),
    /// An object: its fields in the order they came, with those that a later one of the same name replaces.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// Reads a message. `serde_json` refuses numbers beyond a double and nesting beyond 128 levels.
    pub fn read(body: &'a [u8]) -> Result<Self, JsonError> {
        // Some senders on Windows begin with a byte order mark.
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let text = std::str::from_utf8(body)
            .map_err(|error| JsonError::NotUtf8 { byte: error.valid_up_to() + 1 })?;
        serde_json::from_str(text).map_err(|error| JsonError::NotJson { why: error.to_string() })
    }

    /// The field `key` of an object; `Null` where there is none.
    pub fn get(&self, key: &str) -> &Self {
        self.field(key).unwrap_or(&Self::Null)
    }

    /// The field `key` of an object, even if it is null; `None` where there is none.
    pub fn field(&self, key: &str) -> Option<&Self> {
        self.fields().iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The first field that says something under one of these names, which are compared without case, underscores and
    /// hyphens: `dedup_key` finds `dedupKey` too.
    pub fn any(&self, names: &[&str]) -> &Self {
        let Self::Object(fields) = self else { return &Self::Null };
        let said = |name: &str| {
            fields
                .iter()
                .rev()
                .find(|(key, value)| same_name(key, name) && !value.is_blank())
                .map(|(_, value)| value)
        };
        names.iter().find_map(|name| said(name)).unwrap_or(&Self::Null)
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// The fields of an object; none of anything else.
    pub fn fields(&self) -> &[(Cow<'a, str>, Self)] {
        if let Self::Object(fields) = self { fields } else { &[] }
    }

    /// A text, or what a number or a truth value looks like as one. Blank texts say nothing.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) if !text.trim().is_empty() => Some(Cow::Borrowed(text.trim())),
            Self::Bool(value) => Some(value.to_string().into()),
            Self::Integer(value) => Some(value.to_string().into()),
            Self::Unsigned(value) => Some(value.to_string().into()),
            Self::Float(value) => Some(value.to_string().into()),
            Self::Null | Self::Text(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// Words for people: a text as it is, anything larger as indented JSON.
    pub fn prose(&self) -> Option<Cow<'_, str>> {
        match self {
            _ if self.is_blank() => None,
            Self::List(_) | Self::Object(_) => serde_json::to_string_pretty(self).ok().map(Cow::Owned),
            _ => self.text(),
        }
    }

    /// Whether it says nothing: null, a blank text, or empty.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.trim().is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Object(fields) => fields.is_empty(),
            Self::Bool(_) | Self::Integer(_) | Self::Unsigned(_) | Self::Float(_) => false,
        }
    }
}

/// Compared letter by letter: a name is looked for among all fields, and most differ in the first one.
fn same_name(key: &str, name: &str) -> bool {
    fn letters(text: &str) -> impl Iterator<Item = u8> {
        let letters = text.bytes().filter(|byte| !matches!(byte, b'_' | b'-'));
        letters.map(|byte| byte.to_ascii_lowercase())
    }
    key == name || (key.len().abs_diff(name.len()) <= 4 && letters(key).eq(letters(name)))
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(i64::try_from(value).map_or(Json::Unsigned(value), Json::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json<'de>, E> {
        Ok(Json::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(Name(name)) = map.next_key()? {
            fields.push((name, map.next_value()?));
        }
        Ok(Json::Object(fields))
    }
}

/// A field's name; `Cow` by itself would always copy.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_str(Anything)? {
            Json::Text(name) => Ok(Self(name)),
            _ => Err(serde::de::Error::custom("a field's name is a text")),
        }
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::Unsigned(value) => serializer.serialize_u64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Self::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                fields.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_equal_keys_wins() {
        let json = Json::read(br#"{"a":1,"a":"two"}"#).expect("json");
        assert_eq!(json.get("a").text().as_deref(), Some("two"));
    }

    #[test]
    fn texts_without_escapes_are_not_copied() {
        let json = Json::read(br#"{"plain":"text","escaped":"a\nb"}"#).expect("json");
        assert!(matches!(json.get("plain"), Json::Text(Cow::Borrowed("text"))));
        assert!(matches!(json.get("escaped"), Json::Text(Cow::Owned(_))));
        assert!(matches!(&json.fields()[0].0, Cow::Borrowed("plain")));
    }

    #[test]
    fn a_name_is_found_in_other_spellings() {
        let json = Json::read(br#"{"DedupKey":"k","external-id":7,"blank":" "}"#).expect("json");
        assert_eq!(json.any(&["dedup_key"]).text().as_deref(), Some("k"));
        assert_eq!(json.any(&["blank", "external_id"]).text().as_deref(), Some("7"));
    }

    #[test]
    fn what_is_not_json_says_so() {
        let why = |body: &[u8]| Json::read(body).expect_err("malformed").to_string();
        assert!(why(b"").starts_with("the body is not JSON"), "{}", why(b""));
        assert!(why(b"\xff{}").contains("not UTF-8: byte 1"), "{}", why(b"\xff{}"));
        assert!(why(b"{} {}").contains("trailing characters"));
        assert!(why(br#"{"n":1e999}"#).contains("number out of range"));
        assert!(why("[".repeat(200).as_bytes()).contains("recursion limit"));
        assert!(Json::read(b"\xef\xbb\xbf{}").is_ok());
    }
}
