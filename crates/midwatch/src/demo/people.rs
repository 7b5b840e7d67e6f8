//! The people of the demo, by their duties, each with the demo phone as contact.

use anyhow::Result;
use domain::{
    ContactId, LayerId, ScheduleId, SecretId, TeamId, UserId,
    schedule::{Layer, Rotation, Schedule, ScheduleCommand, Version},
    team::{Team, TeamCommand},
    user::{Contact, ContactMethod, NotificationRule, Profile, Role, User, UserCommand},
};

use super::record::{self, Recorder};

/// Who there is.
pub(super) struct People {
    pub(super) payments: TeamId,
    pub(super) platform: TeamId,
    pub(super) payments_schedule: ScheduleId,
    pub(super) platform_schedule: ScheduleId,
    pub(super) payments_lead: UserId,
    pub(super) platform_lead: UserId,
    pub(super) primary_sre: UserId,
}

/// The secret that pages to the phone are signed with.
pub(super) fn secret_id() -> SecretId {
    SecretId::new(record::id("secret of the phone"))
}

/// Makes people, teams and schedules.
pub(super) async fn create(recorder: &Recorder, inbox: &str) -> Result<People> {
    let payments_primary = user(recorder, inbox, "Payments on-call", Role::Responder).await?;
    let payments_secondary = user(recorder, inbox, "Payments backup", Role::Responder).await?;
    let payments_lead = user(recorder, inbox, "Payments lead", Role::Responder).await?;
    let primary_sre = user(recorder, inbox, "Primary SRE", Role::Responder).await?;
    let secondary_sre = user(recorder, inbox, "Secondary SRE", Role::Responder).await?;
    let platform_lead = user(recorder, inbox, "Platform lead", Role::Administrator).await?;

    let pay = [payments_primary, payments_secondary, payments_lead];
    let payments =
        team(recorder, "Payments", "Checkout, billing and everything with money in it", &pay).await?;
    let sre = [primary_sre, secondary_sre, platform_lead];
    let platform =
        team(recorder, "Platform", "Clusters, databases, search and the status page", &sre).await?;

    let daily = Rotation::Daily { every: 1 };
    let weekly = Rotation::Weekly { every: 1 };
    let payments_slots = vec![vec![payments_primary], vec![payments_secondary]];
    let platform_slots = vec![vec![primary_sre], vec![secondary_sre]];
    Ok(People {
        payments,
        platform,
        payments_schedule: schedule(recorder, "Payments primary", payments, daily, payments_slots).await?,
        platform_schedule: schedule(recorder, "Platform primary", platform, weekly, platform_slots).await?,
        payments_lead,
        platform_lead,
        primary_sre,
    })
}

async fn user(recorder: &Recorder, inbox: &str, name: &str, role: Role) -> Result<UserId> {
    let id = UserId::new(record::id(&format!("user {name}")));
    let contact = ContactId::new(record::id(&format!("phone of {name}")));
    let url = format!("{inbox}/{id}");
    let contacts = vec![Contact { id: contact, method: ContactMethod::Webhook { url, secret: secret_id() } }];
    let rules = vec![NotificationRule { delay_seconds: 0, contact }];
    let email = format!("{}@demo.example", name.to_lowercase().replace(' ', "-"));
    let profile = Profile { name: name.to_owned(), email, time_zone: "Etc/UTC".to_owned(), role };

    let directory = recorder.app.directory.now();
    if let Some(known) = directory.users.get(&id) {
        // The server may listen elsewhere today.
        if known.is_active() && known.contacts.first() != contacts.first() {
            let (contacts, rules) = (Some(contacts), Some(rules));
            recorder.again::<User>(id, &UserCommand::UpdateUser { profile: None, contacts, rules }).await?;
        }
        return Ok(id);
    }
    let command = UserCommand::CreateUser { profile, contacts, rules };
    recorder.once::<User>(&format!("create user {name}"), id, &command).await?;
    Ok(id)
}

async fn team(recorder: &Recorder, name: &str, description: &str, members: &[UserId]) -> Result<TeamId> {
    let id = TeamId::new(record::id(&format!("team {name}")));
    let command = TeamCommand::CreateTeam {
        name: name.to_owned(),
        description: description.to_owned(),
        members: members.to_vec(),
        unknown: vec![],
    };
    recorder.once::<Team>(&format!("create team {name}"), id, &command).await?;
    Ok(id)
}

async fn schedule(
    recorder: &Recorder,
    name: &str,
    team: TeamId,
    rotation: Rotation,
    participants: Vec<Vec<UserId>>,
) -> Result<ScheduleId> {
    /// A Monday.
    const FIRST_HANDOFF: &str = "2024-01-01T09:00:00Z";
    let id = ScheduleId::new(record::id(&format!("schedule {name}")));
    let effective_from: domain::Timestamp = FIRST_HANDOFF.parse()?;
    let rotation_start = effective_from.utc().naive_utc();
    let version = Version {
        effective_from,
        time_zone: "Etc/UTC".to_owned(),
        layers: vec![Layer::simple(LayerId::ONLY, "On call", rotation, rotation_start, participants)],
    };
    let command = ScheduleCommand::CreateSchedule {
        name: name.to_owned(),
        team: Some(team),
        version,
        unknown: vec![],
        // The demo has a past.
        at: effective_from,
    };
    recorder.once::<Schedule>(&format!("create schedule {name}"), id, &command).await?;
    Ok(id)
}
