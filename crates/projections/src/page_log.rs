//! Who was paged for an incident, and did it arrive?

use domain::{
    PageId, Timestamp,
    page::{PageStep, Withdrawal},
};
use serde::{Deserialize, Serialize};
use store::Position;

/// What became of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PageState {
    /// It is to be sent when it is due.
    Waiting,
    /// A provider took it.
    Sent {
        /// The provider's name.
        provider: String,
        /// The provider's answer or number for it.
        reference: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// A provider did not take it, and it is tried again.
    Retrying {
        /// One of a closed list of words.
        code: String,
        /// What the provider said.
        detail: String,
        /// When it is tried again.
        retry_at: Timestamp,
        /// When it failed.
        at: Timestamp,
    },
    /// It is given up.
    Failed {
        /// One of a closed list of words.
        code: String,
        /// What the provider said.
        detail: String,
        /// When.
        at: Timestamp,
    },
    /// It is not needed any more.
    Withdrawn {
        /// Why.
        reason: Withdrawal,
        /// When.
        at: Timestamp,
    },
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageView {
    /// Which page.
    pub id: PageId,
    /// The position of the event that requested it.
    pub position: Position,
    /// Whom, why and through what.
    pub step: PageStep,
    /// The word for the contact method, such as `email`.
    pub channel: String,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Not before this instant it was to be sent first.
    pub due_at: Timestamp,
    /// Attempts made so far.
    pub attempts: u32,
    /// What became of it.
    pub state: PageState,
}
