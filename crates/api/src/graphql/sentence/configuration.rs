//! In words, what people change that is not a schedule.

use domain::{
    Timestamp,
    api_key::ApiKeyEvent,
    calendar_feed::{CalendarFeedEvent, Scope},
    integration::{IntegrationEvent, RateLimit, SilenceEnd},
    organization::OrganizationEvent,
    policy::PolicyEvent,
    service::ServiceEvent,
    team::TeamEvent,
    user::UserEvent,
};

use super::{super::user::user_name, Words};

impl Words<'_> {
    pub(super) fn organization(&self, event: &OrganizationEvent) -> String {
        match event {
            OrganizationEvent::CatchAllSet { policy } => {
                let policy = policy.and_then(|id| self.directory.policies.get(&id));
                let name = policy.map_or("nobody but the administrators", |policy| policy.name.as_str());
                format!("{} sent alerts that nothing else covers to {name}", self.somebody())
            }
            OrganizationEvent::ZoneDataRecorded { data, .. } => {
                format!("Time zone data {} was taken note of", data.version)
            }
            OrganizationEvent::ZoneDataChanged { version, previous, schedules, .. } => {
                let moved = match schedules.len() {
                    0 => "moves no shift".to_owned(),
                    1 => "moves shifts on 1 schedule".to_owned(),
                    many => format!("moves shifts on {many} schedules"),
                };
                format!("Time zone data {version} is in use after {previous} and {moved}")
            }
        }
    }

    pub(super) fn team(&self, event: &TeamEvent) -> String {
        let by = self.somebody();
        match event {
            TeamEvent::Created { name, .. } => format!("{by} made the team {name}"),
            TeamEvent::Renamed { name, .. } => format!("{by} described the team as {name}"),
            TeamEvent::MembersChanged { joined, left } => {
                format!(
                    "{by} changed the members: {} joined, {} left",
                    self.people(joined),
                    self.people(left)
                )
            }
            TeamEvent::Retired { .. } => format!("{by} retired the team"),
        }
    }

    pub(super) fn user(&self, event: &UserEvent) -> String {
        let by = self.somebody();
        match event {
            UserEvent::Created { profile, .. } => format!("{by} added {}", profile.name),
            UserEvent::ProfileChanged { profile } => format!("{by} changed the profile of {}", profile.name),
            UserEvent::ReachabilityChanged { .. } => format!("{by} changed how to reach them"),
            UserEvent::ShiftNoticesSet { notices } if notices.enabled => {
                format!("{by} chose what they are told about their time on call")
            }
            UserEvent::ShiftNoticesSet { .. } => {
                format!("{by} switched off what they are told about their time on call")
            }
            UserEvent::Deactivated { .. } => format!("{by} deactivated them"),
        }
    }

    pub(super) fn service(&self, event: &ServiceEvent) -> String {
        let by = self.somebody();
        match event {
            ServiceEvent::Created { name, .. } => format!("{by} added the service {name}"),
            ServiceEvent::Renamed { name, .. } => format!("{by} described the service as {name}"),
            ServiceEvent::Transferred { to, .. } => {
                let team = to.and_then(|id| self.directory.teams.get(&id));
                format!("{by} gave the service to {}", team.map_or("nobody", |team| team.name.as_str()))
            }
            ServiceEvent::PolicyAssigned { policy } => {
                let policy = policy.and_then(|id| self.directory.policies.get(&id));
                let name = policy.map_or("the catch-all policy", |policy| policy.name.as_str());
                format!("{by} assigned the policy {name}")
            }
            ServiceEvent::RoutingKeyAssigned { routing_key: Some(key) } => {
                format!("{by} gave the service the routing key {key}")
            }
            ServiceEvent::RoutingKeyAssigned { routing_key: None } => {
                format!("{by} took the service's routing key away")
            }
            ServiceEvent::Retired { .. } => format!("{by} retired the service"),
        }
    }

    pub(super) fn integration(&self, event: &IntegrationEvent) -> String {
        let by = self.somebody();
        match event {
            IntegrationEvent::Created { name, .. } => format!("{by} opened the integration {name}"),
            IntegrationEvent::Renamed { name } => format!("{by} named the integration {name}"),
            IntegrationEvent::Rerouted { service } => {
                let service = self.directory.services.get(service);
                let name = service.map_or("another service", |service| service.name.as_str());
                format!("{by} pointed the integration at {name}")
            }
            IntegrationEvent::KeyRotated { previous_until, .. } => {
                format!("{by} made a new key{}", overlap(*previous_until))
            }
            IntegrationEvent::VerificationChanged { .. } => {
                format!("{by} changed how messages prove themselves")
            }
            IntegrationEvent::SecretRotated { previous_until, .. } => {
                format!("{by} set a new secret{}", overlap(*previous_until))
            }
            IntegrationEvent::ReadingChanged { .. } => format!("{by} changed how messages are read"),
            IntegrationEvent::MappingChanged { .. } => format!("{by} changed how messages are mapped"),
            IntegrationEvent::SeveritiesChanged { .. } => {
                format!("{by} changed what words for severities mean")
            }
            IntegrationEvent::RoutingChanged { routing } => match routing.rules.len() {
                0 => format!("{by} took all rules away but the last"),
                1 => format!("{by} changed the rules: one, and one for everything else"),
                rules => format!("{by} changed the rules: {rules}, and one for everything else"),
            },
            IntegrationEvent::MergingChanged { .. } => {
                format!("{by} changed what incidents show of several alerts")
            }
            IntegrationEvent::SeverityUnknown { word, .. } => {
                format!("A message called its severity “{word}”, which means nothing here")
            }
            IntegrationEvent::RateLimitSet { per_minute } => {
                let limit = RateLimit::of(*per_minute).per_minute();
                format!("{by} set the limit to {limit} messages a minute")
            }
            IntegrationEvent::MessagesLimited { count: 1, .. } => {
                "A message was refused: more came than the integration takes".to_owned()
            }
            IntegrationEvent::MessagesLimited { count, .. } => {
                format!("{count} messages were refused: more came than the integration takes")
            }
            IntegrationEvent::MessagesRefused { count: 1, reason, .. } => {
                format!("A message was refused: {reason}")
            }
            IntegrationEvent::MessagesRefused { count, reason, .. } => {
                format!("{count} messages were refused, the last one because {reason}")
            }
            IntegrationEvent::SubscriptionConfirmed { topic, .. } => {
                format!("The topic {topic} sends to the integration from now on")
            }
            IntegrationEvent::Disabled { .. } => format!("{by} disabled the integration"),
            IntegrationEvent::Enabled { .. } => format!("{by} enabled the integration"),
            IntegrationEvent::WatchSet { watch: Some(watch), .. } => {
                format!("{by} set an alarm for {} seconds of silence", watch.after_seconds)
            }
            IntegrationEvent::WatchSet { watch: None, .. } => {
                format!("{by} ended the alarm for silence")
            }
            IntegrationEvent::WatchMuted { reason, until, by, .. } => {
                let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
                format!("{} muted the alarm for silence{until}: {reason}", self.who(by))
            }
            IntegrationEvent::WatchUnmuted { .. } => format!("{by} unmuted the alarm for silence"),
            IntegrationEvent::FellSilent { since, .. } => {
                format!("The integration fell silent: nothing has come since {since}")
            }
            IntegrationEvent::SilenceReported { incident, .. } => {
                format!("The silence is reported as {incident}")
            }
            IntegrationEvent::SilenceEnded { reason, .. } => match reason {
                SilenceEnd::Heard => "The integration was heard again".to_owned(),
                SilenceEnd::Muted => "The silence is no alarm any more: the integration is muted".to_owned(),
                SilenceEnd::Disabled => {
                    "The silence is no alarm any more: the integration is disabled".to_owned()
                }
                SilenceEnd::Unwatched => {
                    "The silence is no alarm any more: nobody watches the integration".to_owned()
                }
            },
        }
    }

    pub(super) fn policy(&self, event: &PolicyEvent) -> String {
        let by = self.somebody();
        match event {
            PolicyEvent::Created { name, .. } => format!("{by} made the escalation policy {name}"),
            PolicyEvent::Renamed { name } => format!("{by} named the escalation policy {name}"),
            PolicyEvent::LadderReplaced { levels, .. } => {
                format!("{by} changed whom to page, on {} levels now", levels.len())
            }
            PolicyEvent::Retired { .. } => format!("{by} retired the escalation policy"),
        }
    }

    pub(super) fn api_key(&self, event: &ApiKeyEvent) -> String {
        let by = self.somebody();
        match event {
            ApiKeyEvent::Issued { name, .. } => format!("{by} issued the API key {name}"),
            ApiKeyEvent::Revoked { .. } => format!("{by} revoked the API key"),
        }
    }

    pub(super) fn calendar_feed(&self, event: &CalendarFeedEvent) -> String {
        let by = self.somebody();
        match event {
            CalendarFeedEvent::Created { scope: Scope::User { id }, .. } => {
                format!("{by} made a calendar feed of the shifts of {}", user_name(self.directory, *id))
            }
            CalendarFeedEvent::Created { scope: Scope::Schedule { id }, .. } => {
                let schedule = self.directory.schedules.get(id);
                let name = schedule.map_or_else(|| id.to_string(), |schedule| schedule.name.clone());
                format!("{by} made a calendar feed of the schedule {name}")
            }
            CalendarFeedEvent::Revoked { .. } => format!("{by} revoked the calendar feed"),
        }
    }
}

fn overlap(until: Option<Timestamp>) -> String {
    until.map(|until| format!("; the old one is good until {until}")).unwrap_or_default()
}
