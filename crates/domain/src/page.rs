//! Pages: one person, one contact, one reason to wake up. Intent first, result after.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Aggregate, ContactId, Fact, IncidentId, PageId, Rejection, Subject, Target, Timestamp, UserId};

/// Attempts before a page is given up.
pub const MAX_ATTEMPTS: u32 = 8;
/// The wait before the first retry.
const FIRST_RETRY: Duration = Duration::from_secs(2);
/// The longest wait between two attempts that the backoff asks for.
const LONGEST_RETRY: Duration = Duration::from_mins(5);
/// The longest wait that a provider may ask for.
const LONGEST_ASKED: Duration = Duration::from_mins(15);

/// What the page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageStep {
    /// What is wrong.
    pub incident: IncidentId,
    /// Which pass over the levels in the incident's life asked for it, from 1.
    pub cycle: u32,
    /// Which level, from 1; zero: the ladder had ended and administrators are asked.
    pub level: u32,
    /// Who is to wake up.
    pub user: UserId,
    /// Which of the user's rules, from 0.
    pub step: u32,
    /// Which of the user's contacts.
    pub contact: ContactId,
    /// The target that named the user; none for administrators.
    pub through: Option<Target>,
}

impl PageStep {
    /// The only id this page can have.
    pub fn id(&self) -> PageId {
        PageId::of_step(self.incident, self.cycle, self.level, self.user, self.step, self.contact)
    }
}

/// Why a page is not sent after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Withdrawal {
    /// Somebody has the incident.
    Acknowledged,
    /// It is over.
    Resolved,
    /// Others are to be paged now.
    Superseded,
    /// The person or the contact is no more.
    ContactGone,
}

/// What can be asked of a page.
#[derive(Clone, Debug, PartialEq)]
pub enum PageCommand {
    /// Intend to page somebody.
    RequestPage {
        /// Whom, why and through what.
        step: PageStep,
        /// The word for the contact method, such as `email`.
        channel: String,
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
    WithdrawPage {
        /// Why not.
        reason: Withdrawal,
        /// When.
        at: Timestamp,
    },
}

/// What can happen to a page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PageEvent {
    /// Somebody is to be paged.
    #[serde(rename = "page.requested.v1")]
    Requested {
        /// Whom, why and through what.
        #[serde(flatten)]
        step: PageStep,
        /// The word for the contact method.
        channel: String,
        /// Not before.
        due_at: Timestamp,
        /// The log position of the configuration that was read.
        decided_at: u64,
        /// When it was asked for.
        at: Timestamp,
    },
    /// A provider took it.
    #[serde(rename = "page.sent.v1")]
    Sent {
        /// What is wrong.
        incident: IncidentId,
        /// Who was paged.
        user: UserId,
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
    #[serde(rename = "page.failed.v1")]
    Failed {
        /// What is wrong.
        incident: IncidentId,
        /// Who was not paged.
        user: UserId,
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
    /// It is not needed any more.
    #[serde(rename = "page.withdrawn.v1")]
    Withdrawn {
        /// What was wrong.
        incident: IncidentId,
        /// Who sleeps on.
        user: UserId,
        /// Why.
        reason: Withdrawal,
        /// When.
        at: Timestamp,
    },
}

impl Fact for PageEvent {
    fn subjects(&self) -> Vec<Subject> {
        let (incident, user) = match self {
            Self::Requested { step, .. } => (step.incident, step.user),
            Self::Sent { incident, user, .. }
            | Self::Failed { incident, user, .. }
            | Self::Withdrawn { incident, user, .. } => (*incident, *user),
        };
        vec![incident.into(), user.into()]
    }
}

/// A page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// Nobody asked for it.
    #[default]
    Absent,
    /// It is to be sent.
    Open {
        /// Whom, why and through what.
        step: PageStep,
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

/// Why a page refused a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageRejection {
    /// Nobody asked for it.
    #[error("there is no such page")]
    NotFound,
}

impl Rejection for PageRejection {
    fn code(&self) -> &'static str {
        "NOT_FOUND"
    }
}

impl Aggregate for Page {
    const CATEGORY: &'static str = PageId::CATEGORY;
    type Id = PageId;
    type Command = PageCommand;
    type Event = PageEvent;
    type Rejection = PageRejection;

    fn evolve(&mut self, event: &PageEvent) {
        *self = match (*self, event) {
            (_, PageEvent::Requested { step, due_at, at, .. }) => {
                Self::Open { step: *step, failed: 0, due_at: *due_at, requested_at: *at }
            }
            (
                Self::Open { step, requested_at, .. },
                PageEvent::Failed { attempt, retry_at: Some(retry_at), .. },
            ) => Self::Open { step, failed: *attempt, due_at: *retry_at, requested_at },
            _ => Self::Done,
        };
    }

    fn decide(&self, command: &PageCommand) -> Result<Vec<PageEvent>, PageRejection> {
        let (step, failed) = match (self, command) {
            (Self::Absent, PageCommand::RequestPage { step, channel, due_at, decided_at, at }) => {
                return Ok(vec![PageEvent::Requested {
                    step: *step,
                    channel: channel.clone(),
                    due_at: *due_at,
                    decided_at: *decided_at,
                    at: *at,
                }]);
            }
            (Self::Absent, _) => return Err(PageRejection::NotFound),
            (Self::Done, _) | (Self::Open { .. }, PageCommand::RequestPage { .. }) => return Ok(vec![]),
            (Self::Open { step, failed, .. }, _) => (step, *failed),
        };
        let (incident, user) = (step.incident, step.user);
        Ok(match command {
            PageCommand::RecordSent { attempt, provider, reference, at } => vec![PageEvent::Sent {
                incident,
                user,
                attempt: *attempt,
                provider: provider.clone(),
                reference: reference.clone(),
                at: *at,
            }],
            // The same failure reported twice is not a second failure.
            PageCommand::RecordFailed { attempt, .. } if *attempt <= failed => vec![],
            PageCommand::RecordFailed { attempt, code, detail, permanent, retry_after, at } => {
                let again = !permanent && *attempt < MAX_ATTEMPTS;
                vec![PageEvent::Failed {
                    incident,
                    user,
                    attempt: *attempt,
                    code: code.clone(),
                    detail: detail.clone(),
                    retry_at: again.then(|| *at + retry_delay(step.id().uuid(), *attempt, *retry_after)),
                    at: *at,
                }]
            }
            PageCommand::WithdrawPage { reason, at } => {
                vec![PageEvent::Withdrawn { incident, user, reason: *reason, at: *at }]
            }
            PageCommand::RequestPage { .. } => vec![],
        })
    }
}

/// Exponential backoff with jitter: 2 s doubled for each failure up to 5 min, then between half and
/// the whole of it. The jitter comes from the page's id, so that pages spread out but deciding stays
/// repeatable. A provider that asks for a longer wait gets it, up to 15 min.
pub(crate) fn retry_delay(page: Uuid, attempt: u32, asked: Option<Duration>) -> Duration {
    let backoff = FIRST_RETRY.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(LONGEST_RETRY);
    let spread = page.as_bytes()[attempt as usize % 16];
    let jittered = backoff / 2 + backoff / 2 * u32::from(spread) / 255;
    jittered.max(asked.unwrap_or_default().min(LONGEST_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_764_000_000_000);

    fn step() -> PageStep {
        PageStep {
            incident: IncidentId::new(Uuid::from_u128(1)),
            cycle: 1,
            level: 1,
            user: UserId::new(Uuid::from_u128(2)),
            step: 0,
            contact: ContactId::new(Uuid::from_u128(3)),
            through: None,
        }
    }

    fn request() -> PageCommand {
        PageCommand::RequestPage { step: step(), channel: "email".into(), due_at: AT, decided_at: 1, at: AT }
    }

    fn fail(attempt: u32, permanent: bool) -> PageCommand {
        let (code, detail) = ("unreachable".into(), String::new());
        PageCommand::RecordFailed { attempt, code, detail, permanent, retry_after: None, at: AT }
    }

    fn after(commands: &[PageCommand]) -> Page {
        commands.iter().fold(Page::default(), |mut page, command| {
            for event in page.decide(command).expect("no command is refused") {
                page.evolve(&event);
            }
            page
        })
    }

    #[test]
    fn asking_twice_requests_once() {
        assert_eq!(after(&[request()]).decide(&request()), Ok(vec![]));
    }

    #[test]
    fn a_failure_is_retried_later_and_later_until_it_is_given_up() {
        let mut page = after(&[request()]);
        let mut waits = vec![];
        for attempt in 1..=MAX_ATTEMPTS {
            let events = page.decide(&fail(attempt, false)).expect("a failure is recorded");
            let [event @ PageEvent::Failed { retry_at, .. }] = events.as_slice() else {
                panic!("one failure, not {events:?}");
            };
            waits.extend(retry_at.map(|retry_at| retry_at.since(AT)));
            page.evolve(event);
        }
        assert_eq!(waits.len(), MAX_ATTEMPTS as usize - 1);
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1] * 2), "{waits:?}");
        assert!(waits.iter().all(|wait| *wait >= FIRST_RETRY / 2 && *wait <= LONGEST_RETRY), "{waits:?}");
        assert_eq!(page, Page::Done);
    }

    #[test]
    fn a_permanent_failure_is_given_up_at_once() {
        assert_eq!(after(&[request(), fail(1, true)]), Page::Done);
    }

    #[test]
    fn the_same_failure_reported_twice_counts_once() {
        assert_eq!(after(&[request(), fail(1, false)]).decide(&fail(1, false)), Ok(vec![]));
    }

    #[test]
    fn a_sent_page_is_not_withdrawn() {
        let sent = PageCommand::RecordSent { attempt: 1, provider: "smtp".into(), reference: None, at: AT };
        let withdraw = PageCommand::WithdrawPage { reason: Withdrawal::Acknowledged, at: AT };
        assert_eq!(after(&[request(), sent]).decide(&withdraw), Ok(vec![]));
    }

    #[test]
    fn a_provider_may_ask_for_a_longer_wait_within_reason() {
        let asked = |seconds| retry_delay(step().id().uuid(), 1, Some(Duration::from_secs(seconds)));
        assert_eq!(asked(60), Duration::from_mins(1));
        assert_eq!(asked(86_400), LONGEST_ASKED);
    }
}
