//! In words, what was said to Midwatch and by it: deliveries, pages and notices.

use domain::{
    Actor,
    delivery::{DeliveryEvent, Envelope, Verdict},
    notice::{About, NoticeEvent, SwapStep, Trouble, Withheld},
    page::{PageEvent, Withdrawal},
};

use super::{super::actor::actor_name, Words};

impl Words<'_> {
    pub(super) fn delivery(&self, event: &DeliveryEvent) -> String {
        match event {
            DeliveryEvent::Received { integration, envelope: Envelope { test: Some(_), .. }, .. } => {
                let tool = actor_name(self.directory, &Actor::Integration { id: *integration });
                format!("{} asked for a test of {tool}", self.somebody())
            }
            DeliveryEvent::Received { integration, .. } => {
                format!(
                    "A message came from {}",
                    actor_name(self.directory, &Actor::Integration { id: *integration })
                )
            }
            DeliveryEvent::Concluded { verdict, reason, problems, .. } => {
                let what = match problems.len() {
                    0 => "The message was".to_owned(),
                    1 => "An alert of the message was".to_owned(),
                    several => format!("{several} alerts of the message were"),
                };
                let verdict = match verdict {
                    Verdict::Suppressed => "suppressed",
                    Verdict::Ignored => "ignored",
                    Verdict::Rejected => "rejected",
                    Verdict::Recorded => "recorded",
                };
                format!("{what} {verdict}: {reason}")
            }
            DeliveryEvent::ReplayRequested { by, .. } => {
                format!("{} asked for the message to be decided again", self.who(by))
            }
        }
    }

    pub(super) fn page(&self, event: &PageEvent) -> String {
        match event {
            PageEvent::Requested { step, channel, .. } => {
                format!("{} is to be paged by {channel}", self.person(step.user))
            }
            PageEvent::Sent { user, provider, attempt, .. } => {
                let again = if *attempt > 1 { format!(" at attempt {attempt}") } else { String::new() };
                format!("{} was paged through {provider}{again}", self.person(*user))
            }
            PageEvent::Failed { user, code, detail, retry_at, .. } => {
                let next = match retry_at {
                    Some(at) => format!("; next attempt at {at}"),
                    None => "; given up".to_owned(),
                };
                format!("{} could not be paged ({code}): {detail}{next}", self.person(*user))
            }
            PageEvent::Withdrawn { user, reason, .. } => {
                let reason = match reason {
                    Withdrawal::Acknowledged => "somebody has the incident",
                    Withdrawal::Resolved => "the incident is over",
                    Withdrawal::Superseded => "others are to be paged",
                    Withdrawal::ContactGone => "the person or the contact is gone",
                };
                format!("{} is not paged: {reason}", self.person(*user))
            }
        }
    }

    pub(super) fn notice(&self, event: &NoticeEvent) -> String {
        match event {
            NoticeEvent::Requested { matter, .. } => {
                format!("{} is to be told {}", self.person(matter.user), subject_of(&matter.about))
            }
            NoticeEvent::Sent { user, provider, attempt, .. } => {
                let again = if *attempt > 1 { format!(" at attempt {attempt}") } else { String::new() };
                format!("{} was told through {provider}{again}", self.person(*user))
            }
            NoticeEvent::Failed { user, code, detail, retry_at, .. } => {
                let next = match retry_at {
                    Some(at) => format!("; next attempt at {at}"),
                    None => "; given up".to_owned(),
                };
                format!("{} could not be told ({code}): {detail}{next}", self.person(*user))
            }
            NoticeEvent::Withdrawn { user, reason, .. } => {
                let reason = match reason {
                    Withheld::Moved => "the shift is at another time or somebody else's",
                    Withheld::TooLate => "it has begun or is over",
                    Withheld::Superseded => "a later notice says the same",
                    Withheld::Unchanged => "nothing is different after all",
                    Withheld::SwitchedOff => "they do not want to be told",
                    Withheld::Unreachable => "the person or the contact is gone",
                };
                format!("{} is not told: {reason}", self.person(*user))
            }
        }
    }
}

/// What a notice is about, to follow "to be told".
fn subject_of(about: &About) -> String {
    match about {
        About::ShiftStarts { start, .. } => format!("that their shift begins at {start}"),
        About::ShiftEnds { end, .. } => format!("that their shift ends at {end}"),
        About::ShiftBegan { start } => format!("that they are on call since {start}"),
        About::GapsAhead { .. } => "that nobody will be on call at some times".to_owned(),
        About::ShiftsMoved { .. } => "that their shifts have moved".to_owned(),
        About::SwapChanged { step, .. } => match step {
            SwapStep::Requested => "that a swap is asked for".to_owned(),
            SwapStep::Expired => "that nobody took a shift over in time".to_owned(),
            step => format!("that a swap was {}", step.word()),
        },
        About::OverrideIdle { .. } => "that an override finds nobody to relieve".to_owned(),
        About::SwapIdle { .. } => "that a swap finds nobody to relieve".to_owned(),
        About::ZoneDataChanged { version } => format!("that time zone data {version} moves shifts"),
        About::IntegrationTroubled { trouble: Trouble::SeverityUnknown, .. } => {
            "that an integration names a severity that nobody knows".to_owned()
        }
        About::IntegrationTroubled { trouble: Trouble::MessagesLimited, .. } => {
            "that an integration sends more than it may".to_owned()
        }
    }
}
