//! What changes people and the ways to reach them.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, SimpleObject};
use domain::{
    ContactId, UserId,
    user::{Contact, ContactMethod, NotificationRule, Profile, Role, UserCommand},
};
use uuid::Uuid;

use super::{
    caller::{Caller, command_id, parse},
    fault::Fault,
    rejection::{Recorded, Rejection, Stop, parts},
    scalar::{CommandId, Position},
    schedule::{OpenedGaps, Warning, opened_gaps},
    secrets::Draws,
    user::User,
    words,
};

/// A way to reach somebody.
#[derive(OneofObject)]
pub(super) enum ContactInput {
    /// By mail.
    Email(EmailContactInput),
    /// By an HTTP request signed as Standard Webhooks; its secret is shown once in the answer.
    Webhook(WebhookContactInput),
    /// A contact that the user has already, in an update.
    Keep(ID),
}

/// A mail address.
#[derive(InputObject)]
pub(super) struct EmailContactInput {
    /// The mail address.
    address: String,
}

/// An address for signed HTTP requests.
#[derive(InputObject)]
pub(super) struct WebhookContactInput {
    /// Where to, `https://…`.
    url: String,
}

/// One step of paging: this long after the level is reached, use this contact.
#[derive(InputObject)]
pub(super) struct NotificationRuleInput {
    /// Seconds after the level was reached.
    #[graphql(default)]
    delay_seconds: u32,
    /// Which contact, by its place in `contacts`, from 0.
    contact_index: Option<u32>,
    /// Which contact, by its id.
    contact_id: Option<ID>,
}

/// A new person.
#[derive(InputObject)]
pub(super) struct CreateUserInput {
    /// The name people see.
    name: String,
    /// The address that identifies the person; not a contact by itself.
    email: String,
    /// The IANA zone in which times are shown to them.
    #[graphql(default_with = "\"UTC\".to_owned()")]
    time_zone: String,
    /// What they may do.
    #[graphql(default_with = "words::Role::Responder")]
    role: words::Role,
    /// How to reach them.
    #[graphql(default)]
    contacts: Vec<ContactInput>,
    /// In which order; none: every contact at once.
    #[graphql(default)]
    notification_rules: Vec<NotificationRuleInput>,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// Changes of a person; what is left out stays.
#[derive(InputObject)]
pub(super) struct UpdateUserInput {
    /// Which person.
    user_id: ID,
    /// A new name.
    name: Option<String>,
    /// A new address.
    email: Option<String>,
    /// A new IANA zone.
    time_zone: Option<String>,
    /// A new role.
    role: Option<words::Role>,
    /// How to reach them from now on.
    contacts: Option<Vec<ContactInput>>,
    /// In which order from now on.
    notification_rules: Option<Vec<NotificationRuleInput>>,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// A person to page no more.
#[derive(InputObject)]
pub(super) struct DeactivateUserInput {
    /// Which person.
    user_id: ID,
    /// Makes repeating the request safe.
    command_id: Option<CommandId>,
}

/// The secret of a webhook contact.
#[derive(Clone, SimpleObject)]
pub(super) struct ContactSecret {
    /// Which contact.
    contact_id: ID,
    /// The secret with which requests are signed (Standard Webhooks, `whsec_…`). It is shown this once.
    secret: String,
}

/// The person as they are now, and what is shown once.
#[derive(SimpleObject)]
pub(super) struct CreateUserPayload {
    /// The new person; null if the request was rejected.
    user: Option<User>,
    /// Secrets of new webhook contacts, shown this once.
    contact_secrets: Vec<ContactSecret>,
    /// The position in the log that the request led to.
    position: Option<Position>,
    /// Why the request was refused; null if it was not.
    rejection: Option<Rejection>,
}

/// The person as changed, and what is shown once.
#[derive(SimpleObject)]
pub(super) struct UpdateUserPayload {
    /// The person; null if the request was rejected.
    user: Option<User>,
    /// Secrets of new webhook contacts, shown this once.
    contact_secrets: Vec<ContactSecret>,
    /// The position in the log that the request led to.
    position: Option<Position>,
    /// Why the request was refused; null if it was not.
    rejection: Option<Rejection>,
}

/// The deactivated person, and what becomes of their turns.
#[derive(SimpleObject)]
pub(super) struct DeactivateUserPayload {
    /// The person; null if the request was rejected.
    user: Option<User>,
    /// Schedules that have nobody on call at times of the next 90 days because the person left: their slots stay, empty
    /// where nobody shares them, so that nobody else's turns move.
    opened_gaps: Vec<OpenedGaps>,
    /// The same in words, one for each schedule.
    warnings: Vec<Warning>,
    /// The position in the log that the request led to.
    position: Option<Position>,
    /// Why the request was refused; null if it was not.
    rejection: Option<Rejection>,
}

#[derive(Default)]
pub(super) struct UserMutation;

#[Object]
impl UserMutation {
    /// Add a person.
    async fn create_user(
        &self,
        ctx: &Context<'_>,
        input: CreateUserInput,
    ) -> Result<CreateUserPayload, Fault> {
        let mut shown = Shown { draws: Draws::of(ctx)?, secrets: vec![] };
        let outcome = create(Caller::admit(ctx, Role::Administrator)?, input, &mut shown).await;
        let (user, position, rejection) = parts(outcome)?;
        let contact_secrets = if rejection.is_none() { shown.secrets } else { vec![] };
        Ok(CreateUserPayload { user, contact_secrets, position, rejection })
    }

    /// Change a person, their role or the ways to reach them.
    async fn update_user(
        &self,
        ctx: &Context<'_>,
        input: UpdateUserInput,
    ) -> Result<UpdateUserPayload, Fault> {
        let mut shown = Shown { draws: Draws::of(ctx)?, secrets: vec![] };
        let outcome = update(Caller::admit(ctx, Role::Administrator)?, input, &mut shown).await;
        let (user, position, rejection) = parts(outcome)?;
        let contact_secrets = if rejection.is_none() { shown.secrets } else { vec![] };
        Ok(UpdateUserPayload { user, contact_secrets, position, rejection })
    }

    /// Stop paging a person; their name stays in every history.
    async fn deactivate_user(
        &self,
        ctx: &Context<'_>,
        input: DeactivateUserInput,
    ) -> Result<DeactivateUserPayload, Fault> {
        let caller = Caller::admit(ctx, Role::Administrator)?;
        let directory = caller.configuration().await;
        let leaving = input.user_id.parse().ok();
        let (user, position, rejection) = parts(deactivate(caller, input).await)?;
        let leaving = leaving.filter(|_| rejection.is_none());
        let opened_gaps = leaving.map(|id| opened_gaps(&directory, id, caller.now())).unwrap_or_default();
        let warnings = opened_gaps.iter().map(|gaps| gaps.warning("userId")).collect();
        Ok(DeactivateUserPayload { user, opened_gaps, warnings, position, rejection })
    }
}

/// Where secrets come from, and those to be shown.
struct Shown<'a> {
    draws: &'a Draws,
    secrets: Vec<ContactSecret>,
}

async fn create(
    caller: Caller<'_>,
    input: CreateUserInput,
    shown: &mut Shown<'_>,
) -> Result<Recorded<User>, Stop> {
    let command_id = command_id(input.command_id);
    let id = UserId::new(commands::mint::derived(command_id, "user"));
    let contacts = contacts(caller, input.contacts, &[], command_id, shown).await?;
    let rules = rules(input.notification_rules, &contacts)?;
    let profile =
        Profile { name: input.name, email: input.email, time_zone: input.time_zone, role: input.role.into() };
    record(caller, id, UserCommand::CreateUser { profile, contacts, rules }, command_id).await
}

async fn update(
    caller: Caller<'_>,
    input: UpdateUserInput,
    shown: &mut Shown<'_>,
) -> Result<Recorded<User>, Stop> {
    let id: UserId = parse("userId", &input.user_id)?;
    let command_id = command_id(input.command_id);
    // The log is asked, not the directory: what is left out must stay what it is now.
    let (current, _) = caller.app.engine.load::<domain::user::User>(id).await?;
    let given =
        input.name.is_some() || input.email.is_some() || input.time_zone.is_some() || input.role.is_some();
    let profile = current.profile.clone().filter(|_| given).map(|old| Profile {
        name: input.name.unwrap_or(old.name),
        email: input.email.unwrap_or(old.email),
        time_zone: input.time_zone.unwrap_or(old.time_zone),
        role: input.role.map_or(old.role, Into::into),
    });
    let contacts = match input.contacts {
        Some(wanted) => Some(contacts(caller, wanted, &current.contacts, command_id, shown).await?),
        None => None,
    };
    let rules = match input.notification_rules {
        Some(wanted) => Some(rules(wanted, contacts.as_ref().unwrap_or(&current.contacts))?),
        None => None,
    };
    record(caller, id, UserCommand::UpdateUser { profile, contacts, rules }, command_id).await
}

async fn deactivate(caller: Caller<'_>, input: DeactivateUserInput) -> Result<Recorded<User>, Stop> {
    let id = parse("userId", &input.user_id)?;
    let command = UserCommand::DeactivateUser { at: caller.now() };
    record(caller, id, command, command_id(input.command_id)).await
}

async fn record(
    caller: Caller<'_>,
    id: UserId,
    command: UserCommand,
    command_id: Uuid,
) -> Result<Recorded<User>, Stop> {
    let done = caller.configure::<domain::user::User>(id, &command, command_id).await?;
    Ok((Some(User { id, state: done.state }), done.position))
}

/// The contacts that an input asks for. Ids follow from the command, so that a repeated request means the
/// same contacts; a webhook's secret is sealed before anything refers to it.
async fn contacts(
    caller: Caller<'_>,
    wanted: Vec<ContactInput>,
    current: &[Contact],
    command_id: Uuid,
    shown: &mut Shown<'_>,
) -> Result<Vec<Contact>, Stop> {
    let mut contacts = Vec::with_capacity(wanted.len());
    for (index, contact) in wanted.into_iter().enumerate() {
        let id = ContactId::new(commands::mint::derived(command_id, &format!("contact {index}")));
        contacts.push(match contact {
            ContactInput::Email(EmailContactInput { address }) => {
                Contact { id, method: ContactMethod::Email { address } }
            }
            ContactInput::Webhook(WebhookContactInput { url }) => {
                let (secret, text) =
                    shown.draws.webhook_secret(caller, command_id, &format!("contact {index}")).await?;
                shown.secrets.push(ContactSecret { contact_id: id.into(), secret: text });
                Contact { id, method: ContactMethod::Webhook { url, secret } }
            }
            ContactInput::Keep(kept) => {
                let field = format!("contacts[{index}].keep");
                let kept: ContactId = parse(&field, &kept)?;
                let found = current.iter().find(|contact| contact.id == kept);
                found
                    .cloned()
                    .ok_or_else(|| Rejection::invalid(&field, "must name one of the user's contacts"))?
            }
        });
    }
    Ok(contacts)
}

fn rules(wanted: Vec<NotificationRuleInput>, contacts: &[Contact]) -> Result<Vec<NotificationRule>, Stop> {
    let mut rules = Vec::with_capacity(wanted.len());
    for (index, rule) in wanted.into_iter().enumerate() {
        let contact = match (rule.contact_index, &rule.contact_id) {
            (Some(place), None) => {
                let field = format!("notificationRules[{index}].contactIndex");
                let contact = contacts.get(place as usize);
                contact.ok_or_else(|| Rejection::invalid(&field, "must be the place of a contact"))?.id
            }
            (None, Some(id)) => parse(&format!("notificationRules[{index}].contactId"), id)?,
            (None, None) | (Some(_), Some(_)) => {
                let field = format!("notificationRules[{index}]");
                return Err(Rejection::invalid(&field, "must have one of contactIndex and contactId").into());
            }
        };
        rules.push(NotificationRule { delay_seconds: rule.delay_seconds, contact });
    }
    Ok(rules)
}
