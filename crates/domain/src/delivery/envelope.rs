//! What came around the bytes of a message.

use serde::{Deserialize, Serialize};

use crate::integration::Reading;

/// What came around the bytes of a message, as far as its format has to know it to understand them. It is kept with
/// the bytes, so that they are understood in the same way for ever.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Envelope {
    /// What was called, for formats in which the path says what is asked: `POST /v2/alerts/disk/close?…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// What kind of message it is, for senders that say so in a header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The sender's own id of the message, the same again when it is repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender_id: Option<String>,
    /// Who sent a mail, as its envelope says; empty for one that reports what became of another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail_from: Option<String>,
    /// Whether the bytes are fields of a form rather than JSON.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub form: bool,
    /// How the entrance read its messages at that time.
    #[serde(skip_serializing_if = "Reading::is_usual")]
    pub reading: Reading,
    /// How many bytes the message had, if only the first of them were kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whole_bytes: Option<u64>,
    /// What it may do, if no tool sent it but somebody who asked for a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Test>,
}

/// What a test alert may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// Nothing: its verdict says what would have happened.
    Silent,
    /// Whatever an alert does: people are paged.
    Paging,
}

impl Envelope {
    /// Whether there is nothing to know, as with most messages.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// That the sender's clock and ours are further apart than usual for a message, by its signed time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mistimed {
    /// It was signed this many seconds before it came.
    LateBySeconds(u64),
    /// It was signed this many seconds after it came, by the clock of the sender.
    EarlyBySeconds(u64),
}
