//! Calendar feeds: secret addresses under which calendars read who is on call when.

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, CalendarFeedId, ConfigRejection, Fact, Invalid, ScheduleId, Subject, Timestamp, Unknown,
    UserId, validate,
};

/// What a feed tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Scope {
    /// When a person is on call, in every schedule.
    User {
        /// Who.
        id: UserId,
    },
    /// When anybody is on call in a schedule.
    Schedule {
        /// Which.
        id: ScheduleId,
    },
}

/// What can be asked of a calendar feed.
#[derive(Clone, Debug, PartialEq)]
pub enum CalendarFeedCommand {
    /// Open one.
    CreateCalendarFeed {
        /// What it tells of.
        scope: Scope,
        /// SHA-256 of the secret in its address, in lower-case hexadecimal: the secret is shown once and kept
        /// nowhere.
        hash: String,
        /// The person who asks, if it is one.
        by: Option<UserId>,
        /// Whether who asks may do everything.
        administrator: bool,
        /// References among these that do not exist.
        unknown: Vec<Unknown>,
        /// Now.
        at: Timestamp,
    },
    /// Close it for ever.
    RevokeCalendarFeed {
        /// Who asks; none: somebody who may do everything.
        by: Option<UserId>,
        /// Now.
        at: Timestamp,
    },
}

/// What can happen to a calendar feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CalendarFeedEvent {
    /// It was opened.
    #[serde(rename = "calendar_feed.created.v1")]
    Created {
        /// What it tells of.
        scope: Scope,
        /// SHA-256 of the secret in its address.
        hash: String,
        /// The person whose it is.
        owner: Option<UserId>,
        /// When.
        at: Timestamp,
    },
    /// Its address leads nowhere any more.
    #[serde(rename = "calendar_feed.revoked.v1")]
    Revoked {
        /// When.
        at: Timestamp,
    },
}

impl Fact for CalendarFeedEvent {
    fn subjects(&self) -> Vec<Subject> {
        match *self {
            Self::Created { scope: Scope::User { id }, .. } => vec![id.into()],
            Self::Created { scope: Scope::Schedule { id }, owner, .. } => {
                owner.map(Into::into).into_iter().chain([id.into()]).collect()
            }
            Self::Revoked { .. } => vec![],
        }
    }
}

/// A calendar feed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CalendarFeed {
    /// What it tells of; none before it was opened.
    pub scope: Option<Scope>,
    /// SHA-256 of the secret in its address.
    pub hash: String,
    /// The person whose it is: it leads nowhere once they have left.
    pub owner: Option<UserId>,
    /// Since when it tells.
    pub created_at: Timestamp,
    /// Since when it leads nowhere.
    pub revoked_at: Option<Timestamp>,
}

impl Aggregate for CalendarFeed {
    const CATEGORY: &'static str = CalendarFeedId::CATEGORY;
    type Id = CalendarFeedId;
    type Command = CalendarFeedCommand;
    type Event = CalendarFeedEvent;
    type Rejection = ConfigRejection;

    fn evolve(&mut self, event: &CalendarFeedEvent) {
        match event {
            CalendarFeedEvent::Created { scope, hash, owner, at } => {
                self.hash.clone_from(hash);
                (self.scope, self.owner, self.created_at) = (Some(*scope), *owner, *at);
            }
            CalendarFeedEvent::Revoked { at } => self.revoked_at = Some(*at),
        }
    }

    fn decide(&self, command: &CalendarFeedCommand) -> Result<Vec<CalendarFeedEvent>, ConfigRejection> {
        match command {
            CalendarFeedCommand::CreateCalendarFeed { scope, hash, by, administrator, unknown, at } => {
                validate::known(unknown)?;
                if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Err(Invalid::new("hash", "must be 64 hexadecimal digits").into());
                }
                let owner = owner(*scope, *by, *administrator)?;
                match self.scope {
                    None => {
                        let (scope, hash) = (*scope, hash.clone());
                        Ok(vec![CalendarFeedEvent::Created { scope, hash, owner, at: *at }])
                    }
                    // A repeated request arrives later.
                    Some(known) if (known, &self.hash, self.owner) == (*scope, hash, owner) => Ok(vec![]),
                    Some(_) => Err(ConfigRejection::AlreadyExists(WHAT)),
                }
            }
            CalendarFeedCommand::RevokeCalendarFeed { by, at } => {
                if self.scope.is_none() {
                    return Err(ConfigRejection::NotFound(WHAT));
                }
                if by.is_some() && *by != self.owner {
                    return Err(ConfigRejection::NotAllowed(
                        "only whose it is and administrators can revoke a calendar feed",
                    ));
                }
                let revoked = CalendarFeedEvent::Revoked { at: *at };
                Ok(if self.revoked_at.is_some() { vec![] } else { vec![revoked] })
            }
        }
    }
}

/// What rejections call it.
const WHAT: &str = "calendar feed";

/// Whose a new feed is, or why they may not have it.
fn owner(scope: Scope, by: Option<UserId>, administrator: bool) -> Result<Option<UserId>, ConfigRejection> {
    match scope {
        _ if by.is_none() && !administrator => {
            Err(ConfigRejection::NotAllowed("only people and administrators can make a calendar feed"))
        }
        Scope::User { id } if !administrator && by != Some(id) => {
            Err(ConfigRejection::NotAllowed("only administrators can make a calendar feed of somebody else"))
        }
        Scope::User { id } => Ok(Some(id)),
        Scope::Schedule { .. } => Ok(by),
    }
}
