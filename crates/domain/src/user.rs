//! Users: the people who are paged, how to reach them, and in which order.

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, ConfigRejection, ContactId, Fact, Invalid, SecretId, Subject, Timestamp, UserId,
    notice::ShiftNotices, validate,
};

/// Contacts that one user may have.
const MAX_CONTACTS: usize = 20;
/// Steps that one user's rules may have.
const MAX_RULES: usize = 30;
/// The longest delay of a step, in seconds: one day.
const MAX_DELAY: u32 = 24 * 3600;

/// What a user may do everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Read.
    Observer,
    /// Read, and act on incidents.
    #[default]
    Responder,
    /// Everything; paged when an escalation is exhausted.
    Administrator,
}

/// A way to reach somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ContactMethod {
    /// By mail.
    Email {
        /// The mail address.
        address: String,
    },
    /// By an HTTP request signed as Standard Webhooks.
    Webhook {
        /// Where to.
        url: String,
        /// The signing secret in the vault.
        secret: SecretId,
    },
}

/// A contact method with a name of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Its id, stable over edits.
    pub id: ContactId,
    /// How to reach the user through it.
    #[serde(flatten)]
    pub method: ContactMethod,
}

/// One step of paging: this long after the level is reached, use this contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationRule {
    /// Seconds after the level was reached.
    pub delay_seconds: u32,
    /// Which contact.
    pub contact: ContactId,
}

/// What the user is called and where they live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The name people see.
    pub name: String,
    /// The address that identifies the person; not a contact method by itself.
    pub email: String,
    /// The IANA zone in which times are shown to them.
    pub time_zone: String,
    /// What they may do.
    pub role: Role,
}

/// What can be asked of a user.
#[derive(Clone, Debug, PartialEq)]
pub enum UserCommand {
    /// Add a person.
    CreateUser {
        /// Who they are.
        profile: Profile,
        /// How to reach them.
        contacts: Vec<Contact>,
        /// In which order; none: every contact at once.
        rules: Vec<NotificationRule>,
    },
    /// Change what is given.
    UpdateUser {
        /// Who they are from now on.
        profile: Option<Profile>,
        /// How to reach them from now on.
        contacts: Option<Vec<Contact>>,
        /// In which order from now on.
        rules: Option<Vec<NotificationRule>>,
    },
    /// Choose what they are told about their time on call.
    SetShiftNotices {
        /// What, and through which contact.
        notices: ShiftNotices,
    },
    /// Stop paging them; their name stays in every history.
    DeactivateUser {
        /// When.
        at: Timestamp,
    },
}

/// What can happen to a user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum UserEvent {
    /// The person was added.
    #[serde(rename = "user.created.v1")]
    Created {
        /// Who they are.
        profile: Profile,
        /// How to reach them.
        contacts: Vec<Contact>,
        /// In which order.
        rules: Vec<NotificationRule>,
    },
    /// Name, address, zone or role are different.
    #[serde(rename = "user.profile_changed.v1")]
    ProfileChanged {
        /// Who they are from now on.
        profile: Profile,
    },
    /// They are to be reached differently.
    #[serde(rename = "user.reachability_changed.v1")]
    ReachabilityChanged {
        /// How to reach them from now on.
        contacts: Vec<Contact>,
        /// In which order from now on.
        rules: Vec<NotificationRule>,
    },
    /// They are told something else about their time on call.
    #[serde(rename = "user.shift_notices_set.v1")]
    ShiftNoticesSet {
        /// What, and through which contact.
        notices: ShiftNotices,
    },
    /// They are no longer paged.
    #[serde(rename = "user.deactivated.v1")]
    Deactivated {
        /// When.
        at: Timestamp,
    },
}

impl Fact for UserEvent {
    fn subjects(&self) -> Vec<Subject> {
        vec![]
    }
}

/// A person.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct User {
    /// Who they are; none before they were added.
    pub profile: Option<Profile>,
    /// How to reach them.
    pub contacts: Vec<Contact>,
    /// In which order.
    pub rules: Vec<NotificationRule>,
    /// What they are told about their time on call.
    pub notices: ShiftNotices,
    /// Since when they are no longer paged.
    pub deactivated_at: Option<Timestamp>,
}

impl User {
    /// Whether they can be paged.
    pub fn is_active(&self) -> bool {
        self.profile.is_some() && self.deactivated_at.is_none()
    }

    /// The steps to take when they are paged. Nobody is unreachable for want of a rule: without
    /// one, every contact is used at once.
    pub fn steps(&self) -> Vec<NotificationRule> {
        if self.rules.is_empty() {
            self.contacts
                .iter()
                .map(|contact| NotificationRule { delay_seconds: 0, contact: contact.id })
                .collect()
        } else {
            self.rules.clone()
        }
    }

    /// Through which contact they are told about their time on call; none: not at all.
    pub fn notice_contact(&self) -> Option<&Contact> {
        self.notices.contact_among(&self.contacts).filter(|_| self.is_active())
    }

    fn active(&self) -> Result<(), ConfigRejection> {
        match self.deactivated_at {
            _ if self.profile.is_none() => Err(ConfigRejection::NotFound(UserId::CATEGORY)),
            Some(at) => Err(ConfigRejection::Retired { what: UserId::CATEGORY, at }),
            None => Ok(()),
        }
    }
}

impl Aggregate for User {
    const CATEGORY: &'static str = UserId::CATEGORY;
    type Id = UserId;
    type Command = UserCommand;
    type Event = UserEvent;
    type Rejection = ConfigRejection;

    fn evolve(&mut self, event: &UserEvent) {
        match event {
            UserEvent::Created { profile, contacts, rules } => {
                self.profile = Some(profile.clone());
                self.contacts.clone_from(contacts);
                self.rules.clone_from(rules);
            }
            UserEvent::ProfileChanged { profile } => self.profile = Some(profile.clone()),
            UserEvent::ReachabilityChanged { contacts, rules } => {
                self.contacts.clone_from(contacts);
                self.rules.clone_from(rules);
            }
            UserEvent::ShiftNoticesSet { notices } => self.notices.clone_from(notices),
            UserEvent::Deactivated { at } => self.deactivated_at = Some(*at),
        }
    }

    fn decide(&self, command: &UserCommand) -> Result<Vec<UserEvent>, ConfigRejection> {
        match command {
            UserCommand::CreateUser { profile, contacts, rules } => create(self, profile, contacts, rules),
            UserCommand::UpdateUser { profile, contacts, rules } => {
                update(self, profile.as_ref(), contacts.as_ref(), rules.as_ref())
            }
            UserCommand::SetShiftNotices { notices } => {
                self.active()?;
                let notices = notices.checked(&self.contacts)?;
                let news = notices != self.notices;
                Ok(news.then_some(UserEvent::ShiftNoticesSet { notices }).into_iter().collect())
            }
            UserCommand::DeactivateUser { at } => match self.active() {
                Err(ConfigRejection::Retired { .. }) => Ok(vec![]),
                active => active.map(|()| vec![UserEvent::Deactivated { at: *at }]),
            },
        }
    }
}

fn create(
    user: &User,
    profile: &Profile,
    contacts: &[Contact],
    rules: &[NotificationRule],
) -> Result<Vec<UserEvent>, ConfigRejection> {
    check_profile(profile)?;
    check_reachability(contacts, rules)?;
    if let Some(existing) = &user.profile {
        let same = existing == profile && user.contacts == contacts && user.rules == rules;
        return if same { Ok(vec![]) } else { Err(ConfigRejection::AlreadyExists(UserId::CATEGORY)) };
    }
    let (contacts, rules) = (contacts.to_vec(), rules.to_vec());
    Ok(vec![UserEvent::Created { profile: profile.clone(), contacts, rules }])
}

fn update(
    user: &User,
    profile: Option<&Profile>,
    contacts: Option<&Vec<Contact>>,
    rules: Option<&Vec<NotificationRule>>,
) -> Result<Vec<UserEvent>, ConfigRejection> {
    user.active()?;
    let mut events = vec![];
    if let Some(profile) = profile.filter(|profile| user.profile.as_ref() != Some(profile)) {
        check_profile(profile)?;
        events.push(UserEvent::ProfileChanged { profile: profile.clone() });
    }
    let (contacts, rules) = (contacts.unwrap_or(&user.contacts), rules.unwrap_or(&user.rules));
    if (contacts, rules) != (&user.contacts, &user.rules) {
        check_reachability(contacts, rules)?;
        events.push(UserEvent::ReachabilityChanged { contacts: contacts.clone(), rules: rules.clone() });
    }
    Ok(events)
}

fn check_profile(profile: &Profile) -> Result<(), Invalid> {
    validate::line("name", &profile.name, 100)?;
    check_email("email", &profile.email)?;
    profile
        .time_zone
        .parse::<Tz>()
        .map(drop)
        .map_err(|_| Invalid::new("timeZone", format!("must be an IANA zone, not `{}`", profile.time_zone)))
}

fn check_reachability(contacts: &[Contact], rules: &[NotificationRule]) -> Result<(), Invalid> {
    validate::within("contacts", contacts.len(), 0, MAX_CONTACTS)?;
    validate::within("rules", rules.len(), 0, MAX_RULES)?;
    for (index, contact) in contacts.iter().enumerate() {
        match &contact.method {
            ContactMethod::Email { address } => check_email(&format!("contacts[{index}].address"), address)?,
            ContactMethod::Webhook { url, .. } => check_url(&format!("contacts[{index}].url"), url)?,
        }
        if contacts[..index].iter().any(|earlier| earlier.id == contact.id) {
            return Err(Invalid::new(format!("contacts[{index}].id"), "must not be repeated"));
        }
    }
    for (index, rule) in rules.iter().enumerate() {
        validate::within(&format!("rules[{index}].delaySeconds"), rule.delay_seconds, 0, MAX_DELAY)?;
        if !contacts.iter().any(|contact| contact.id == rule.contact) {
            let field = format!("rules[{index}].contact");
            return Err(Invalid::new(field, "must name one of the user's contacts"));
        }
    }
    Ok(())
}

/// What a mail server will surely refuse; the rest is for the mail server to judge.
fn check_email(field: &str, address: &str) -> Result<(), Invalid> {
    validate::line(field, address, 254)?;
    let good = address.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty() && !host.is_empty() && !host.contains('@') && !address.contains(char::is_whitespace)
    });
    if good { Ok(()) } else { Err(Invalid::new(field, "must be a mail address such as name@example.org")) }
}

fn check_url(field: &str, url: &str) -> Result<(), Invalid> {
    validate::line(field, url, 2000)?;
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    match host {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !url.contains(char::is_whitespace) => {
            Ok(())
        }
        _ => Err(Invalid::new(field, "must be an http or https address")),
    }
}
