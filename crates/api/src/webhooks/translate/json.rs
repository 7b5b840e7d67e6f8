//! Messages as JSON, whether sent as such or in a form.

use domain::json::JsonError;

use super::Malformed;

pub(super) use domain::json::Json;

impl From<JsonError> for Malformed {
    fn from(error: JsonError) -> Self {
        Self::not_json(error.to_string())
    }
}

/// Reads a message.
pub(super) fn parse(body: &[u8]) -> Result<Json<'_>, Malformed> {
    Ok(Json::read(body)?)
}

/// What a form brings.
pub(super) enum Form<'a> {
    /// Its fields, all of them texts.
    Fields(Json<'a>),
    /// A message of JSON in its only field, or in the one that custom puts it in.
    Message(String),
}

/// Reads the fields of a form.
pub(super) fn from_form(body: &[u8]) -> Result<Form<'_>, Malformed> {
    let fields: Vec<_> = form_urlencoded::parse(body).collect();
    if fields.is_empty() {
        return Err(Malformed::not_json("the body is a form without fields"));
    }
    let message = fields.iter().find(|(name, _)| fields.len() == 1 || name == "payload");
    if let Some((_, text)) = message.filter(|(_, text)| text.trim_start().starts_with('{')) {
        return Ok(Form::Message(text.clone().into_owned()));
    }
    Ok(Form::Fields(Json::Object(
        fields.into_iter().map(|(name, value)| (name, Json::Text(value))).collect(),
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_json_says_so() {
        let why = |body: &[u8]| parse(body).expect_err("malformed").to_string();
        assert!(why(b"").starts_with("the body is not JSON: EOF"), "{}", why(b""));
        assert_eq!(why(b"\xff{}"), "the body is not UTF-8: byte 1 does not fit");
    }
}
