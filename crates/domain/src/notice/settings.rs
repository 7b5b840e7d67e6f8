//! What a person wants to be told about their time on call.

use serde::{Deserialize, Serialize};

use super::About;
use crate::{
    ContactId, Invalid,
    user::{Contact, ContactMethod},
    validate,
};

/// The longest time before a shift, in minutes: one week.
pub const MAX_LEAD: u32 = 7 * 24 * 60;
/// How many times before one shift.
const MAX_LEADS: usize = 5;

/// What a person wants to be told about their time on call, and through what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "they are switches, each by itself")]
pub struct ShiftNotices {
    /// Whether they are told anything.
    pub enabled: bool,
    /// How many minutes before a shift begins, longest first.
    pub start_lead_minutes: Vec<u32>,
    /// How many minutes before a shift ends, longest first.
    pub end_lead_minutes: Vec<u32>,
    /// Whether they get a summary when a shift begins.
    pub handoffs: bool,
    /// Whether they are told of edits, overrides and swaps that concern their shifts.
    pub changes: bool,
    /// Whether they are told of times without anybody on call.
    pub gaps: bool,
    /// Through which of their contacts; none: the first mail address among them.
    pub contact: Option<ContactId>,
}

impl Default for ShiftNotices {
    /// A day and an hour before, and everything else.
    fn default() -> Self {
        Self {
            enabled: true,
            start_lead_minutes: vec![24 * 60, 60],
            end_lead_minutes: vec![24 * 60, 60],
            handoffs: true,
            changes: true,
            gaps: true,
            contact: None,
        }
    }
}

impl ShiftNotices {
    /// The longest time before a shift at which anything is told, in minutes.
    pub fn longest(&self) -> u32 {
        self.start_lead_minutes.iter().chain(&self.end_lead_minutes).copied().max().unwrap_or(0)
    }

    /// Whether they want to be told this.
    pub fn wants(&self, about: &About) -> bool {
        self.enabled
            && match about {
                About::ShiftStarts { lead_minutes, .. } => self.start_lead_minutes.contains(lead_minutes),
                About::ShiftEnds { lead_minutes, .. } => self.end_lead_minutes.contains(lead_minutes),
                About::ShiftBegan { .. } => self.handoffs,
                About::GapsAhead { .. } => self.gaps,
                About::ShiftsMoved { .. }
                | About::SwapChanged { .. }
                | About::OverrideIdle { .. }
                | About::SwapIdle { .. }
                | About::ZoneDataChanged { .. } => self.changes,
                // Nobody looks for it unless they are told.
                About::IntegrationTroubled { .. } => true,
            }
    }

    /// Through which contact they are told. A webhook rings phones, so it is used only where it was chosen.
    pub fn contact_among<'a>(&self, contacts: &'a [Contact]) -> Option<&'a Contact> {
        let chosen = self.contact.and_then(|id| contacts.iter().find(|contact| contact.id == id));
        let mail = |contact: &&Contact| matches!(contact.method, ContactMethod::Email { .. });
        chosen.or_else(|| contacts.iter().find(mail))
    }

    /// The same with times in order; refused if a value breaks a rule.
    pub(crate) fn checked(&self, contacts: &[Contact]) -> Result<Self, Invalid> {
        let lists =
            [("startLeadMinutes", &self.start_lead_minutes), ("endLeadMinutes", &self.end_lead_minutes)];
        for (field, leads) in lists {
            validate::within(field, leads.len(), 0, MAX_LEADS)?;
            for (index, lead) in leads.iter().enumerate() {
                let field = format!("{field}[{index}]");
                validate::within(&field, *lead, 1, MAX_LEAD)?;
                if leads[..index].contains(lead) {
                    return Err(Invalid::new(field, "must not be repeated"));
                }
            }
        }
        let known = |id: ContactId| contacts.iter().any(|contact| contact.id == id);
        if self.contact.is_some_and(|id| !known(id)) {
            return Err(Invalid::new("contactId", "must name one of the user's contacts"));
        }
        let mut checked = self.clone();
        checked.start_lead_minutes.sort_unstable_by(|one, other| other.cmp(one));
        checked.end_lead_minutes.sort_unstable_by(|one, other| other.cmp(one));
        Ok(checked)
    }
}
