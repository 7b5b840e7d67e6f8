//! What somebody is told about their time on call. A notice is no page: nobody has to answer it.

use crate::Destination;

/// One notice to hand to a provider.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The idempotency key: the notice's id. The same on every attempt, so that a receiver can drop a repeat.
    pub key: String,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// When the notice was asked for, in seconds since 1970. The same on every attempt.
    pub requested_at_unix: i64,
    /// When this attempt is made, in seconds since 1970, by the caller's clock.
    pub at_unix: i64,
    /// Where it goes.
    pub to: Destination,
    /// What it says.
    pub card: NoticeCard,
}

/// What a person is told. Names and reasons may come from anybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoticeCard {
    /// A word from a closed list, such as `shift_starts`.
    pub kind: String,
    /// What it is, in one line: the subject of a mail.
    pub subject: String,
    /// The same as a sentence or two.
    pub summary: String,
    /// What is known, as label and value, in the reader's zone.
    pub facts: Vec<(String, String)>,
    /// Lists, each under a heading.
    pub lists: Vec<NoticeList>,
    /// The id and the name of the schedule; notices about one schedule form one thread of mails.
    pub schedule: Option<(String, String)>,
    /// When the time that it is about begins and ends, as RFC 3339, for programs.
    pub times: (Option<String>, Option<String>),
    /// A link to the schedule or to where notices are chosen.
    pub url: String,
    /// The name of the person.
    pub recipient: String,
    /// Why this person, and how to be told less.
    pub reason: String,
}

/// Some lines under a heading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoticeList {
    /// What the lines are.
    pub heading: String,
    /// The lines.
    pub lines: Vec<String>,
    /// How many more there are.
    pub more: usize,
}
