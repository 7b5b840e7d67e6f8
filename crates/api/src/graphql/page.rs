//! Pages: who was to wake up, and whether they were reached.

use async_graphql::{Context, ID, Object};
use projections::{PageState, PageView};

use super::{
    caller::app,
    fault::Fault,
    scalar::DateTime,
    user::User,
    words::{ContactKind, PageStatus},
};

/// One person, one contact, one reason to wake up.
pub(super) struct Page(pub(super) PageView);

/// One person, one contact, one reason to wake up.
#[Object]
impl Page {
    /// Its id, such as `pag_…`.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// Who is to wake up.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>, Fault> {
        Ok(User::find(&app(ctx)?.directory.now(), self.0.step.user))
    }

    /// Through which contact of theirs.
    async fn contact_id(&self) -> ID {
        self.0.step.contact.into()
    }

    /// Through what sort of contact; null for one that this version does not know.
    async fn channel(&self) -> Option<ContactKind> {
        match self.0.channel.as_str() {
            "email" => Some(ContactKind::Email),
            "webhook" => Some(ContactKind::Webhook),
            _ => None,
        }
    }

    /// Which pass over the levels in the incident's life asked for it, from 1.
    async fn cycle(&self) -> u32 {
        self.0.step.cycle
    }

    /// Which level, from 1; 0: the ladder had ended and administrators are asked.
    async fn level(&self) -> u32 {
        self.0.step.level
    }

    /// How it stands.
    async fn status(&self) -> PageStatus {
        match self.0.state {
            PageState::Waiting => PageStatus::Waiting,
            PageState::Sent { .. } => PageStatus::Sent,
            PageState::Retrying { .. } => PageStatus::Retrying,
            PageState::Failed { .. } => PageStatus::Failed,
            PageState::Withdrawn { .. } => PageStatus::Withdrawn,
        }
    }

    /// When it was asked for.
    async fn requested_at(&self) -> DateTime {
        DateTime(self.0.requested_at)
    }

    /// When it is or was to be sent; the next attempt while it is being retried.
    async fn due_at(&self) -> DateTime {
        DateTime(match self.0.state {
            PageState::Retrying { retry_at, .. } => retry_at,
            _ => self.0.due_at,
        })
    }

    /// When a provider took it.
    async fn sent_at(&self) -> Option<DateTime> {
        match self.0.state {
            PageState::Sent { at, .. } => Some(DateTime(at)),
            _ => None,
        }
    }

    /// The provider that took it.
    async fn provider(&self) -> Option<&str> {
        match &self.0.state {
            PageState::Sent { provider, .. } => Some(provider),
            _ => None,
        }
    }

    /// The provider's answer or number for it.
    async fn reference(&self) -> Option<&str> {
        match &self.0.state {
            PageState::Sent { reference, .. } => reference.as_deref(),
            _ => None,
        }
    }

    /// Attempts made so far.
    async fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// What the last failure was, in a word and in the provider's own words.
    async fn failure(&self) -> Option<String> {
        match &self.0.state {
            PageState::Retrying { code, detail, .. } | PageState::Failed { code, detail, .. } => {
                Some(format!("{code}: {detail}"))
            }
            PageState::Waiting | PageState::Sent { .. } | PageState::Withdrawn { .. } => None,
        }
    }
}
