//! Notices: what people are told about their time on call. They are no pages: nobody has to answer them.
//!
//! Like a page, a notice is an intent first and a result after, under the only id it can have.

mod changes;
mod due;
mod gaps;
mod matter;
mod settings;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, Fact, NoticeId, Rejection, ScheduleId, Subject, Timestamp, UserId,
    page::{MAX_ATTEMPTS, retry_delay},
};

pub use changes::{AHEAD, after_event, told_of_swap};
pub use due::{Agenda, agenda, next_check};
pub use gaps::{Gaps, gaps_ahead};
pub use matter::{About, Due, Matter, SwapStep, Trouble};
pub use settings::{MAX_LEAD, ShiftNotices};

/// Why a notice is not sent after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Withheld {
    /// The shift does not begin or end then any more.
    Moved,
    /// What it announces has begun or is over.
    TooLate,
    /// A later notice says the same.
    Superseded,
    /// What it tells of is as it was before.
    Unchanged,
    /// The person does not want to be told.
    SwitchedOff,
    /// The person or the contact is no more.
    Unreachable,
}

/// What can be asked of a notice.
#[derive(Clone, Debug, PartialEq)]
pub enum NoticeCommand {
    /// Intend to tell somebody.
    RequestNotice {
        /// Whom, and what about.
        matter: Matter,
        /// Not before.
        due_at: Timestamp,
        /// The log position of the configuration that was read.
        decided_at: u64,
        /// When it was asked for.
        at: Timestamp,
    },
    /// A provider took it.
    RecordSent {
        /// Which attempt, from 1.
        attempt: u32,
        /// The provider's name.
        provider: String,
        /// The provider's answer or number for it.
        reference: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// A provider did not take it.
    RecordFailed {
        /// Which attempt, from 1.
        attempt: u32,
        /// One of a closed list of words.
        code: String,
        /// What the provider said.
        detail: String,
        /// Another attempt makes no sense.
        permanent: bool,
        /// How long the provider asked to wait.
        retry_after: Option<Duration>,
        /// When.
        at: Timestamp,
    },
    /// Do not send it.
    WithdrawNotice {
        /// Why not.
        reason: Withheld,
        /// When.
        at: Timestamp,
    },
}

/// What can happen to a notice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum NoticeEvent {
    /// Somebody is to be told.
    #[serde(rename = "notice.requested.v1")]
    Requested {
        /// Whom, and what about.
        #[serde(flatten)]
        matter: Matter,
        /// Not before.
        due_at: Timestamp,
        /// The log position of the configuration that was read.
        decided_at: u64,
        /// When it was asked for.
        at: Timestamp,
    },
    /// A provider took it.
    #[serde(rename = "notice.sent.v1")]
    Sent {
        /// Who was told.
        user: UserId,
        /// About which schedule.
        schedule: Option<ScheduleId>,
        /// Which attempt.
        attempt: u32,
        /// The provider's name.
        provider: String,
        /// The provider's answer or number for it.
        reference: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// A provider did not take it.
    #[serde(rename = "notice.failed.v1")]
    Failed {
        /// Who was not told.
        user: UserId,
        /// About which schedule.
        schedule: Option<ScheduleId>,
        /// Which attempt.
        attempt: u32,
        /// One of a closed list of words.
        code: String,
        /// What the provider said.
        detail: String,
        /// When it is tried again; none: it is given up.
        retry_at: Option<Timestamp>,
        /// When.
        at: Timestamp,
    },
    /// It is not sent.
    #[serde(rename = "notice.withdrawn.v1")]
    Withdrawn {
        /// Who is not told.
        user: UserId,
        /// About which schedule.
        schedule: Option<ScheduleId>,
        /// Why.
        reason: Withheld,
        /// When.
        at: Timestamp,
    },
}

impl Fact for NoticeEvent {
    fn subjects(&self) -> Vec<Subject> {
        let (user, schedule) = match self {
            Self::Requested { matter, .. } => (matter.user, matter.schedule),
            Self::Sent { user, schedule, .. }
            | Self::Failed { user, schedule, .. }
            | Self::Withdrawn { user, schedule, .. } => (*user, *schedule),
        };
        schedule.map(Into::into).into_iter().chain([user.into()]).collect()
    }
}

/// A notice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Notice {
    /// Nobody asked for it.
    #[default]
    Absent,
    /// It is to be sent.
    Open {
        /// Whom, and what about.
        matter: Matter,
        /// Attempts that failed so far.
        failed: u32,
        /// Not before.
        due_at: Timestamp,
        /// When it was asked for.
        requested_at: Timestamp,
    },
    /// It is sent, given up or withdrawn.
    Done,
}

/// Why a notice refused a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoticeRejection {
    /// Nobody asked for it.
    #[error("there is no such notice")]
    NotFound,
}

impl Rejection for NoticeRejection {
    fn code(&self) -> &'static str {
        "NOT_FOUND"
    }
}

impl Aggregate for Notice {
    const CATEGORY: &'static str = NoticeId::CATEGORY;
    type Id = NoticeId;
    type Command = NoticeCommand;
    type Event = NoticeEvent;
    type Rejection = NoticeRejection;

    fn evolve(&mut self, event: &NoticeEvent) {
        *self = match (std::mem::take(self), event) {
            (_, NoticeEvent::Requested { matter, due_at, at, .. }) => {
                Self::Open { matter: matter.clone(), failed: 0, due_at: *due_at, requested_at: *at }
            }
            (
                Self::Open { matter, requested_at, .. },
                NoticeEvent::Failed { attempt, retry_at: Some(retry_at), .. },
            ) => Self::Open { matter, failed: *attempt, due_at: *retry_at, requested_at },
            _ => Self::Done,
        };
    }

    fn decide(&self, command: &NoticeCommand) -> Result<Vec<NoticeEvent>, NoticeRejection> {
        let (matter, failed) = match (self, command) {
            (Self::Absent, NoticeCommand::RequestNotice { matter, due_at, decided_at, at }) => {
                let (matter, due_at, decided_at, at) = (matter.clone(), *due_at, *decided_at, *at);
                return Ok(vec![NoticeEvent::Requested { matter, due_at, decided_at, at }]);
            }
            (Self::Absent, _) => return Err(NoticeRejection::NotFound),
            (Self::Done, _) | (Self::Open { .. }, NoticeCommand::RequestNotice { .. }) => return Ok(vec![]),
            (Self::Open { matter, failed, .. }, _) => (matter, *failed),
        };
        let (user, schedule) = (matter.user, matter.schedule);
        Ok(match command {
            NoticeCommand::RecordSent { attempt, provider, reference, at } => vec![NoticeEvent::Sent {
                user,
                schedule,
                attempt: *attempt,
                provider: provider.clone(),
                reference: reference.clone(),
                at: *at,
            }],
            // The same failure reported twice is not a second failure.
            NoticeCommand::RecordFailed { attempt, .. } if *attempt <= failed => vec![],
            NoticeCommand::RecordFailed { attempt, code, detail, permanent, retry_after, at } => {
                let again = !permanent && *attempt < MAX_ATTEMPTS;
                vec![NoticeEvent::Failed {
                    user,
                    schedule,
                    attempt: *attempt,
                    code: code.clone(),
                    detail: detail.clone(),
                    retry_at: again.then(|| *at + retry_delay(matter.id().uuid(), *attempt, *retry_after)),
                    at: *at,
                }]
            }
            NoticeCommand::WithdrawNotice { reason, at } => {
                vec![NoticeEvent::Withdrawn { user, schedule, reason: *reason, at: *at }]
            }
            NoticeCommand::RequestNotice { .. } => vec![],
        })
    }
}
