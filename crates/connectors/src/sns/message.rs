//! The wrapping of a message, and what of it is signed.

use serde::Deserialize;

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
        serde_json::from_slice(body).map_err(|error| format!("it is no message of the service: {error}"))
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
            other => return Err(format!("`{other}` is no type of message")),
        };
        let present = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        Ok(present.fold(String::new(), |text, (name, value)| text + name + "\n" + value + "\n"))
    }
}
