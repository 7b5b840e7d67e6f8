//! The wrapping of a message, and what of it is signed.

use serde::Deserialize;
use serde_json::error::Category;

use crate::text;

/// Characters of a word of the message that are repeated when it is not a right one.
const MAX_WORD: usize = 40;

/// A message as the service sends it: the fields that matter for its signature.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SnsMessage {
    /// What it is: `Notification`, `SubscriptionConfirmation` or `UnsubscribeConfirmation`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Its id, the same when it is sent again.
    pub message_id: String,
    /// The topic that it comes from.
    pub topic_arn: String,
    /// What was published.
    pub message: String,
    /// When.
    pub timestamp: String,
    /// `1` or `2`.
    pub signature_version: String,
    /// In base64.
    pub signature: String,
    /// Where the certificate lies.
    #[serde(rename = "SigningCertURL", alias = "SigningCertUrl")]
    pub signing_cert_url: String,
    /// What a notification is about.
    #[serde(default)]
    pub subject: Option<String>,
    /// Whom a confirmation is for.
    #[serde(default)]
    pub token: Option<String>,
    /// The link that confirms.
    #[serde(default, rename = "SubscribeURL", alias = "SubscribeUrl")]
    pub subscribe_url: Option<String>,
}

impl SnsMessage {
    /// Reads a message.
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        serde_json::from_slice(body).map_err(|error| explain(&error))
    }

    /// Whether it asks to confirm a subscription.
    pub fn asks_to_confirm(&self) -> bool {
        self.kind == "SubscriptionConfirmation"
    }

    /// What is signed: names and values, each on a line.
    pub(super) fn signed(&self) -> Result<String, String> {
        let fields = match self.kind.as_str() {
            "Notification" => vec![
                ("Message", Some(&self.message)),
                ("MessageId", Some(&self.message_id)),
                ("Subject", self.subject.as_ref()),
                ("Timestamp", Some(&self.timestamp)),
                ("TopicArn", Some(&self.topic_arn)),
                ("Type", Some(&self.kind)),
            ],
            "SubscriptionConfirmation" | "UnsubscribeConfirmation" => vec![
                ("Message", Some(&self.message)),
                ("MessageId", Some(&self.message_id)),
                ("SubscribeURL", self.subscribe_url.as_ref()),
                ("Timestamp", Some(&self.timestamp)),
                ("Token", self.token.as_ref()),
                ("TopicArn", Some(&self.topic_arn)),
                ("Type", Some(&self.kind)),
            ],
            other => return Err(format!("`{}` is no type of message", text::one_line(other, MAX_WORD))),
        };
        let present = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        Ok(present.fold(String::new(), |text, (name, value)| text + name + "\n" + value + "\n"))
    }
}

/// Where and how a message is none, without its own words: nobody knows yet whose they are, and they may be long.
fn explain(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        Category::Io | Category::Syntax => "it is not JSON",
        Category::Eof => "it breaks off",
        Category::Data => "a field is missing, twice there or not of its type",
    };
    let (line, column) = (error.line(), error.column());
    format!("it is no message of the service: {what} (line {line}, column {column})")
}

/// The version of a signature, as far as it can be repeated.
pub(super) fn no_version(word: &str) -> String {
    format!("`{}` is no version of signatures", text::one_line(word, MAX_WORD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_message_is_none_is_said_without_its_words() {
        let why = |body: &str| SnsMessage::parse(body.as_bytes()).expect_err("it is none");
        let fields = "a field is missing, twice there or not of its type";
        for (body, expected) in [
            ("{}".to_owned(), format!("{fields} (line 1, column 2)")),
            (format!("\n\"{}\"", "secret".repeat(1000)), format!("{fields} (line 2, column 6002)")),
            (
                format!(r#"{{"Type":{{"{}":1}}}}"#, "secret".repeat(1000)),
                format!("{fields} (line 1, column 8)"),
            ),
            (r#"{"Type": secret}"#.to_owned(), "it is not JSON (line 1, column 10)".to_owned()),
            (r#"{"Type": "secret"#.to_owned(), "it breaks off (line 1, column 16)".to_owned()),
        ] {
            assert_eq!(why(&body), format!("it is no message of the service: {expected}"));
        }
    }
}
