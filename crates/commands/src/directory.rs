//! The directory: teams, people, schedules, policies and services, folded from the log.

mod handle;
mod on_call;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use domain::{
    Aggregate, ApiKeyId, CalendarFeedId, Fact, FactError, IntegrationId, OrganizationId, PolicyId,
    ScheduleId, ServiceId, TeamId, Timestamp, Translated, UserId,
    api_key::ApiKey,
    calendar_feed::CalendarFeed,
    integration::{Entrance, Integration},
    organization::Organization,
    policy::Policy,
    schedule::{History, Schedule, ScheduleEvent, Timetable, Zones},
    service::Service,
    team::Team,
    user::User,
};
use ring::digest;
use store::{Position, Recorded};

pub use handle::DirectoryHandle;

/// All configuration as it stood at one position of the log; an immutable snapshot.
#[derive(Clone, Debug)]
pub struct Directory {
    /// The last event of configuration that is folded in.
    pub position: Position,
    /// The organisation.
    pub organization: Organization,
    /// Teams, retired ones included.
    pub teams: HashMap<TeamId, Arc<Team>>,
    /// Users, deactivated ones included.
    pub users: HashMap<UserId, Arc<User>>,
    /// Services, retired ones included.
    pub services: HashMap<ServiceId, Arc<Service>>,
    /// Integrations, disabled ones included.
    pub integrations: HashMap<IntegrationId, Arc<Integration>>,
    /// Escalation policies, retired ones included.
    pub policies: HashMap<PolicyId, Arc<Policy>>,
    /// Schedules, retired ones included.
    pub schedules: HashMap<ScheduleId, Arc<Schedule>>,
    /// API keys, revoked ones included.
    pub api_keys: HashMap<ApiKeyId, Arc<ApiKey>>,
    /// Calendar feeds, revoked ones included.
    pub calendar_feeds: HashMap<CalendarFeedId, Arc<CalendarFeed>>,
    /// Everything that happened to each schedule: calendars are told what was said and is no more.
    pub histories: HashMap<ScheduleId, Arc<History>>,
    /// The zones of today.
    pub zones: Arc<dyn Zones>,
    /// Schedules made ready for questions, each when it is first asked for; none: it cannot be.
    timetables: HashMap<ScheduleId, Arc<OnceLock<Option<Timetable>>>>,
    integrations_by_key: HashMap<String, IntegrationId>,
    /// Services by their routing keys in lower case.
    services_by_routing_key: HashMap<String, ServiceId>,
    api_keys_by_hash: HashMap<String, ApiKeyId>,
    calendar_feeds_by_hash: HashMap<String, CalendarFeedId>,
}

/// SHA-256 of a key, in lower-case hexadecimal: the form in which keys are remembered. Keys are
/// random and long, so a fast hash without salt gives nothing away.
pub fn key_hash(key: &str) -> String {
    use std::fmt::Write;
    let digest = digest::digest(&digest::SHA256, key.as_bytes());
    digest.as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Directory {
    /// Nothing is configured yet.
    pub fn new(zones: Arc<dyn Zones>) -> Self {
        Self {
            position: Position::default(),
            organization: Organization::default(),
            teams: HashMap::new(),
            users: HashMap::new(),
            services: HashMap::new(),
            integrations: HashMap::new(),
            policies: HashMap::new(),
            schedules: HashMap::new(),
            api_keys: HashMap::new(),
            calendar_feeds: HashMap::new(),
            histories: HashMap::new(),
            zones,
            timetables: HashMap::new(),
            integrations_by_key: HashMap::new(),
            services_by_routing_key: HashMap::new(),
            api_keys_by_hash: HashMap::new(),
            calendar_feeds_by_hash: HashMap::new(),
        }
    }

    /// The enabled integration that this key opens at that time.
    pub fn integration_by_key(&self, key: &str, at: Timestamp) -> Option<(IntegrationId, &Entrance)> {
        let hash = key_hash(key);
        let id = *self.integrations_by_key.get(&hash)?;
        let integration = self.integrations.get(&id)?;
        let entrance = integration.entrance.as_ref()?;
        (integration.disabled_at.is_none() && entrance.opens(&hash, at)).then_some((id, entrance))
    }

    /// The service that alerts name by this routing key.
    pub fn service_by_routing_key(&self, key: &str) -> Option<ServiceId> {
        let id = *self.services_by_routing_key.get(&key.trim().to_lowercase())?;
        self.services.get(&id).is_some_and(|service| service.retired_at.is_none()).then_some(id)
    }

    /// What an alert is about: what its rule says, or else what it names itself, or else its integration's. A routing key
    /// that no service has leaves a remark.
    pub fn service_of(&self, usual: ServiceId, alert: &mut Translated) -> ServiceId {
        if let Some(chosen) = alert.ruling.service {
            return chosen;
        }
        let Some(named) = &alert.routing_key else { return usual };
        self.service_by_routing_key(named).unwrap_or_else(|| {
            alert.ruling.remarks.push(format!("no service has the routing key `{named}`"));
            usual
        })
    }

    /// Whether alerts can name any service by a routing key.
    pub fn has_routing_keys(&self) -> bool {
        !self.services_by_routing_key.is_empty()
    }

    /// The API key that this secret is, unless it was revoked.
    pub fn api_key(&self, key: &str) -> Option<(ApiKeyId, &ApiKey)> {
        let id = *self.api_keys_by_hash.get(&key_hash(key))?;
        let api_key = self.api_keys.get(&id)?;
        api_key.revoked_at.is_none().then_some((id, api_key))
    }

    /// The calendar feed that this secret opens, unless it was revoked or whose it is has left.
    pub fn calendar_feed(&self, secret: &str) -> Option<(CalendarFeedId, &CalendarFeed)> {
        let id = *self.calendar_feeds_by_hash.get(&key_hash(secret))?;
        let feed = self.calendar_feeds.get(&id)?;
        let is_there = |owner| self.users.get(&owner).is_some_and(|user| user.is_active());
        (feed.revoked_at.is_none() && feed.owner.is_none_or(is_there)).then_some((id, feed))
    }

    /// Folds one event of configuration in.
    fn apply(&mut self, event: &Recorded) -> Result<(), FactError> {
        self.position = event.position;
        let Some(uuid) = event.stream_uuid() else { return Ok(()) };
        match event.category() {
            OrganizationId::CATEGORY => {
                self.organization.evolve(&Fact::decode(&event.kind, &event.payload)?);
            }
            TeamId::CATEGORY => fold(&mut self.teams, TeamId::new(uuid), event)?,
            UserId::CATEGORY => fold(&mut self.users, UserId::new(uuid), event)?,
            ServiceId::CATEGORY => self.fold_service(ServiceId::new(uuid), event)?,
            PolicyId::CATEGORY => fold(&mut self.policies, PolicyId::new(uuid), event)?,
            ScheduleId::CATEGORY => {
                let id = ScheduleId::new(uuid);
                let fact = ScheduleEvent::decode(&event.kind, &event.payload)?;
                Arc::make_mut(self.schedules.entry(id).or_default()).evolve(&fact);
                let history = Arc::make_mut(self.histories.entry(id).or_default());
                history.record(event.version, event.recorded_at, fact);
                self.timetables.insert(id, Arc::default());
            }
            IntegrationId::CATEGORY => self.fold_integration(IntegrationId::new(uuid), event)?,
            ApiKeyId::CATEGORY => self.fold_api_key(ApiKeyId::new(uuid), event)?,
            CalendarFeedId::CATEGORY => self.fold_calendar_feed(CalendarFeedId::new(uuid), event)?,
            // Events of a newer Midwatch are not ours to understand.
            _ => {}
        }
        Ok(())
    }

    fn fold_service(&mut self, id: ServiceId, event: &Recorded) -> Result<(), FactError> {
        let before = self.services.get(&id).and_then(|service| routing_key(service));
        fold(&mut self.services, id, event)?;
        let after = self.services.get(&id).and_then(|service| routing_key(service));
        if before != after {
            // Two nodes may give one key to two services at once: whoever had it first keeps it, and the other one gets it
            // when it is given up.
            if let Some(before) = before.filter(|key| self.services_by_routing_key.get(key) == Some(&id)) {
                match self.service_with(&before) {
                    Some(heir) => self.services_by_routing_key.insert(before, heir),
                    None => self.services_by_routing_key.remove(&before),
                };
            }
            if let Some(after) = after {
                self.services_by_routing_key.entry(after).or_insert(id);
            }
        }
        Ok(())
    }

    /// The service in use that was given this routing key, in lower case; of several the one that was made first.
    fn service_with(&self, key: &str) -> Option<ServiceId> {
        let with = self.services.iter().filter(|(_, service)| routing_key(service).as_deref() == Some(key));
        with.map(|(id, _)| *id).min()
    }

    fn fold_integration(&mut self, id: IntegrationId, event: &Recorded) -> Result<(), FactError> {
        let hashes = |directory: &Self| {
            let entrance = directory.integrations.get(&id)?.entrance.as_ref()?;
            let previous = entrance.previous_key.as_ref().map(|(hash, _)| hash.clone());
            Some([Some(entrance.key_hash.clone()), previous])
        };
        let before = hashes(self);
        fold(&mut self.integrations, id, event)?;
        let after = hashes(self);
        if before != after {
            for hash in before.into_iter().flatten().flatten() {
                self.integrations_by_key.remove(&hash);
            }
            for hash in after.into_iter().flatten().flatten() {
                self.integrations_by_key.insert(hash, id);
            }
        }
        Ok(())
    }

    fn fold_api_key(&mut self, id: ApiKeyId, event: &Recorded) -> Result<(), FactError> {
        fold(&mut self.api_keys, id, event)?;
        if let Some(api_key) = self.api_keys.get(&id) {
            self.api_keys_by_hash.insert(api_key.hash.clone(), id);
        }
        Ok(())
    }

    fn fold_calendar_feed(&mut self, id: CalendarFeedId, event: &Recorded) -> Result<(), FactError> {
        fold(&mut self.calendar_feeds, id, event)?;
        if let Some(feed) = self.calendar_feeds.get(&id) {
            self.calendar_feeds_by_hash.insert(feed.hash.clone(), id);
        }
        Ok(())
    }
}

/// The routing key of a service in use, in lower case.
fn routing_key(service: &Service) -> Option<String> {
    service.routing_key.as_deref().filter(|_| service.retired_at.is_none()).map(str::to_lowercase)
}

fn fold<A: Aggregate>(all: &mut HashMap<A::Id, Arc<A>>, id: A::Id, event: &Recorded) -> Result<(), FactError>
where
    A::Id: std::hash::Hash + Eq,
{
    let fact = A::Event::decode(&event.kind, &event.payload)?;
    Arc::make_mut(all.entry(id).or_default()).evolve(&fact);
    Ok(())
}
