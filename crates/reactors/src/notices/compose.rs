//! From what a notice is about to what a connector sends, or why it is not sent after all.
//!
//! Everything is looked up when the notice is sent: it says what is so then, not what was so when it was asked for.

use commands::{Directory, EngineError};
use connectors::{Destination, Notice as Outgoing, NoticeCard, NoticeList, Secret};
use domain::{
    Timestamp,
    notice::{Matter, Withheld},
    user::ContactMethod,
};
use projections::ReadError;
use store::StoreError;

use super::{says, words::name};
use crate::Parts;

/// What to do with a notice that is due.
pub(super) enum Letter {
    /// Send it.
    Send(Box<Outgoing>),
    /// It is not to be sent.
    Withdraw(Withheld),
}

/// A part that failed; asking again may help.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Reads(#[from] ReadError),
}

impl From<StoreError> for Fault {
    fn from(fault: StoreError) -> Self {
        Self::Engine(fault.into())
    }
}

/// What a notice says, beside whom it is for.
#[derive(Default)]
pub(super) struct Said {
    pub(super) subject: String,
    pub(super) summary: String,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) lists: Vec<NoticeList>,
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
}

/// Writes the notice as things are now.
pub(super) async fn compose(
    parts: &Parts,
    matter: &Matter,
    attempt: u32,
    requested_at: Timestamp,
) -> Result<Letter, Fault> {
    let directory = parts.directory.now();
    let Some(user) = directory.users.get(&matter.user).filter(|user| user.is_active()) else {
        return Ok(Letter::Withdraw(Withheld::Unreachable));
    };
    if !user.notices.wants(&matter.about) {
        return Ok(Letter::Withdraw(Withheld::SwitchedOff));
    }
    let said = match says::say(parts, &directory, matter).await? {
        Ok(said) => said,
        Err(withheld) => return Ok(Letter::Withdraw(withheld)),
    };
    let Some(contact) = user.notice_contact() else { return Ok(Letter::Withdraw(Withheld::Unreachable)) };
    let to = match &contact.method {
        ContactMethod::Email { address } => Destination::Email { address: address.clone() },
        ContactMethod::Webhook { url, secret } => {
            let sealed = parts.engine.store().vault().open(*secret).await?;
            let secrets = sealed.and_then(|bytes| Secret::new(bytes).ok()).into_iter().collect();
            Destination::Webhook { url: url.clone(), secrets }
        }
    };
    Ok(Letter::Send(Box::new(Outgoing {
        key: matter.id().to_string(),
        attempt,
        requested_at_unix: requested_at.millis().div_euclid(1000),
        at_unix: parts.engine.now().millis().div_euclid(1000),
        to,
        card: card(parts, &directory, matter, said),
    })))
}

fn card(parts: &Parts, directory: &Directory, matter: &Matter, said: Said) -> NoticeCard {
    let schedule = matter
        .schedule
        .and_then(|id| directory.schedules.get(&id).map(|schedule| (id.to_string(), schedule.name.clone())));
    let url = match &schedule {
        Some((id, _)) => format!("{}/schedules/{id}", parts.public_url),
        None => parts.public_url.clone(),
    };
    NoticeCard {
        kind: matter.about.word().to_owned(),
        subject: said.subject,
        summary: said.summary,
        facts: said.facts.into_iter().map(|(label, value)| (label.to_owned(), value)).collect(),
        lists: said.lists,
        schedule,
        times: (said.start.map(|at| at.to_string()), said.end.map(|at| at.to_string())),
        url,
        recipient: name(directory, matter.user),
        reason:
            "This is a notice, no page: nobody has to answer it. What you are told, and when, is chosen by \
                 setShiftNotices."
                .to_owned(),
    }
}
