//! What happened, in words: one sentence for each event, worded for a timeline.

use std::collections::HashSet;

use commands::Directory;
use domain::{
    Actor, Alert, Channel, Fact, Responder, Timestamp, UserId,
    api_key::ApiKeyEvent,
    calendar_feed::{CalendarFeedEvent, Scope},
    delivery::{DeliveryEvent, Envelope, Verdict},
    incident::{Cause, Hold, IncidentEvent},
    integration::{IntegrationEvent, RateLimit, SilenceEnd},
    notice::{About, NoticeEvent, SwapStep, Withheld},
    on_call::{self, OnCallEvent},
    organization::OrganizationEvent,
    page::{PageEvent, Withdrawal},
    policy::PolicyEvent,
    schedule::{Change, ScheduleEvent, Span, Version},
    service::ServiceEvent,
    team::TeamEvent,
    user::UserEvent,
};
use store::Recorded;

use super::{actor::actor_name, user::user_name};

/// What happened, in one sentence without a full stop.
pub fn sentence(directory: &Directory, event: &Recorded) -> String {
    let words = Words { directory, by: &event.metadata.actor };
    let (kind, payload) = (&*event.kind, &event.payload[..]);
    let told = match event.category() {
        "incident" => Fact::decode(kind, payload).map(|fact| words.incident(&fact)),
        "page" => Fact::decode(kind, payload).map(|fact| words.page(&fact)),
        "notice" => Fact::decode(kind, payload).map(|fact| words.notice(&fact)),
        "delivery" => Fact::decode(kind, payload).map(|fact| words.delivery(&fact)),
        "team" => Fact::decode(kind, payload).map(|fact| words.team(&fact)),
        "user" => Fact::decode(kind, payload).map(|fact| words.user(&fact)),
        "service" => Fact::decode(kind, payload).map(|fact| words.service(&fact)),
        "integration" => Fact::decode(kind, payload).map(|fact| words.integration(&fact)),
        "policy" => Fact::decode(kind, payload).map(|fact| words.policy(&fact)),
        "schedule" => Fact::decode(kind, payload).map(|fact| words.schedule(&fact)),
        "oncall" => Fact::decode(kind, payload).map(|fact| words.on_call(&fact)),
        "organization" => Fact::decode(kind, payload).map(|fact| words.organization(&fact)),
        "calendarfeed" => Fact::decode(kind, payload).map(|fact| words.calendar_feed(&fact)),
        "apikey" => Fact::decode(kind, payload).map(|fact| words.api_key(&fact)),
        _ => return kind.to_owned(),
    };
    // An event of a newer Midwatch still has its name.
    told.unwrap_or_else(|_| kind.to_owned())
}

/// Names for ids, as of now.
struct Words<'a> {
    directory: &'a Directory,
    by: &'a Actor,
}

impl Words<'_> {
    fn who(&self, actor: &Actor) -> String {
        capital(&actor_name(self.directory, actor))
    }

    fn somebody(&self) -> String {
        self.who(self.by)
    }

    fn person(&self, id: UserId) -> String {
        user_name(self.directory, id)
    }

    fn people<'u>(&self, ids: impl IntoIterator<Item = &'u UserId>) -> String {
        let names: Vec<_> = ids.into_iter().map(|id| self.person(*id)).collect();
        match names.as_slice() {
            [] => "nobody".to_owned(),
            [one] => one.clone(),
            [others @ .., last] => format!("{} and {last}", others.join(", ")),
        }
    }

    fn incident(&self, event: &IncidentEvent) -> String {
        match event {
            IncidentEvent::Triggered { title, severity, alerts, .. } => match alerts.first() {
                Some(Alert { integration, .. }) => {
                    let tool = self.who(&Actor::Integration { id: *integration });
                    format!("{tool} reported “{title}” ({severity})")
                }
                None => format!("{} opened “{title}” ({severity})", self.somebody()),
            },
            IncidentEvent::AlertsJoined { alerts, .. } => match alerts.as_slice() {
                [one] => format!("Another alert joined: “{}”", one.title),
                many => format!("{} more alerts joined", many.len()),
            },
            IncidentEvent::SeverityRaised { from, to, .. } => {
                format!("The severity rose from {from} to {to}")
            }
            IncidentEvent::SeverityLowered { from, to, .. } => {
                format!("The severity fell from {from} to {to}")
            }
            IncidentEvent::AttributesMerged { shown, .. } => {
                format!("An alert changed what is shown: “{}”", shown.title)
            }
            IncidentEvent::AlertEnded { alert, remaining, .. } => {
                let are = if *remaining == 1 { "problem remains" } else { "problems remain" };
                format!("“{}” is over, {remaining} {are}", alert.title)
            }
            IncidentEvent::Held { hold, until, .. } => match hold {
                Hold::Suspend { .. } => format!("Nobody is paged before {until}"),
                Hold::Threshold { alerts, within_seconds } => {
                    format!("Nobody is paged before {alerts} alerts came within {within_seconds} seconds")
                }
            },
            IncidentEvent::Escalated { level, pass, responders, skipped, cause, .. } => {
                let users = responders.iter().map(|Responder { user, .. }| user);
                let again = if *pass > 1 { format!(", pass {pass}") } else { String::new() };
                let skipped = match skipped.as_slice() {
                    [] => String::new(),
                    [one] => format!("; level {one} has nobody on it"),
                    many => format!("; levels {} have nobody on them", list(many)),
                };
                format!(
                    "Level {level}{again}: {} to be paged{}{skipped}",
                    self.people(users),
                    because(*cause)
                )
            }
            IncidentEvent::Exhausted { administrators, cause, .. } => {
                let people = self.people(administrators);
                format!(
                    "Nobody is left on the ladder{}: administrators to be paged: {people}",
                    because(*cause)
                )
            }
            IncidentEvent::Acknowledged { by, via, .. } => {
                format!("{} acknowledged{}", self.who(by), through(*via))
            }
            IncidentEvent::Unacknowledged { by, .. } => {
                format!("{} took the acknowledgement back", self.who(by))
            }
            IncidentEvent::Resolved { by, via, note, .. } => {
                let note = note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
                format!("{} resolved{}{note}", self.who(by), through(*via))
            }
            IncidentEvent::Reassigned { by, reason, .. } => {
                let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                format!("{} reassigned{reason}", self.who(by))
            }
            IncidentEvent::NoteAdded { by, text, .. } => format!("{} noted: {text}", self.who(by)),
        }
    }

    fn page(&self, event: &PageEvent) -> String {
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

    fn notice(&self, event: &NoticeEvent) -> String {
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

    fn delivery(&self, event: &DeliveryEvent) -> String {
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
            DeliveryEvent::Concluded { verdict, reason, .. } => {
                let verdict = match verdict {
                    Verdict::Suppressed => "suppressed",
                    Verdict::Ignored => "ignored",
                    Verdict::Rejected => "rejected",
                    Verdict::Recorded => "recorded",
                };
                format!("The message was {verdict}: {reason}")
            }
            DeliveryEvent::ReplayRequested { by, .. } => {
                format!("{} asked for the message to be decided again", self.who(by))
            }
        }
    }

    fn team(&self, event: &TeamEvent) -> String {
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

    fn user(&self, event: &UserEvent) -> String {
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

    fn service(&self, event: &ServiceEvent) -> String {
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

    fn integration(&self, event: &IntegrationEvent) -> String {
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

    fn policy(&self, event: &PolicyEvent) -> String {
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

    fn schedule(&self, event: &ScheduleEvent) -> String {
        let by = self.somebody();
        match event {
            ScheduleEvent::Created { name, .. } => format!("{by} made the schedule {name}"),
            ScheduleEvent::Renamed { name } => format!("{by} named the schedule {name}"),
            ScheduleEvent::VersionAdded { version } => {
                format!("{by} changed the turns from {} on: {}", version.effective_from, self.turns(version))
            }
            ScheduleEvent::VersionReplaced { version } => {
                let (from, turns) = (version.effective_from, self.turns(version));
                format!("{by} changed what was planned for the turns from {from} on: {turns}")
            }
            ScheduleEvent::VersionDropped { effective_from } => {
                format!("{by} gave up the change of turns that was planned for {effective_from}")
            }
            ScheduleEvent::OverrideAdded { change, span, .. } => {
                let what = match change {
                    Change::Set { users } => format!("put {} alone on call", self.people(users)),
                    Change::Replace { from, to } => {
                        format!("put {} on call instead of {}", self.person(*to), self.person(*from))
                    }
                    Change::Add { user } => format!("put {} on call as well", self.person(*user)),
                    Change::Remove { user } => format!("took {} off call", self.person(*user)),
                };
                format!("{by} {what} from {} to {}", span.start, span.end)
            }
            ScheduleEvent::OverrideCancelled { .. } => format!("{by} cancelled an override"),
            ScheduleEvent::SwapRequested { from, to, give, .. } => {
                let whom = to.map_or("anybody".to_owned(), |to| self.person(to));
                let (who, Span { start, end }) = (self.person(*from), give);
                format!("{by} asked {whom} to take over from {who} from {start} to {end}")
            }
            ScheduleEvent::SwapAccepted { by: taker, .. } => {
                format!("{} agreed to take over a shift", self.person(*taker))
            }
            ScheduleEvent::SwapDeclined { by: asked, .. } => {
                format!("{} declined to take over a shift", self.person(*asked))
            }
            ScheduleEvent::SwapWithdrawn { .. } => format!("{by} withdrew the request to take over a shift"),
            ScheduleEvent::SwapUndone { .. } => format!("{by} undid a swap of shifts"),
            ScheduleEvent::Retired { .. } => format!("{by} retired the schedule"),
        }
    }

    fn on_call(&self, event: &OnCallEvent) -> String {
        let OnCallEvent::Changed { schedule, at, users, cause, .. } = event;
        let schedule = self.directory.schedules.get(schedule);
        let name = schedule.map_or("a schedule", |schedule| schedule.name.as_str());
        let because = match cause {
            on_call::Cause::Turn => "",
            on_call::Cause::Override { .. } => " because of an override",
            on_call::Cause::Swap { .. } => " because of a swap",
            on_call::Cause::Edit => " because the schedule was edited",
        };
        let verb = if users.len() > 1 { "are" } else { "is" };
        // An entry that was written down late is still about its instant.
        format!("{} {verb} on call for {name} from {at} on{because}", capital(&self.people(users)))
    }

    /// Everybody who takes turns.
    fn turns(&self, version: &Version) -> String {
        let mut people: Vec<_> =
            version.layers.iter().flat_map(|layer| layer.participants.iter().flatten()).collect();
        let mut seen = HashSet::new();
        people.retain(|user| seen.insert(**user));
        self.people(people)
    }

    fn organization(&self, event: &OrganizationEvent) -> String {
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

    fn api_key(&self, event: &ApiKeyEvent) -> String {
        let by = self.somebody();
        match event {
            ApiKeyEvent::Issued { name, .. } => format!("{by} issued the API key {name}"),
            ApiKeyEvent::Revoked { .. } => format!("{by} revoked the API key"),
        }
    }

    fn calendar_feed(&self, event: &CalendarFeedEvent) -> String {
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

/// The same words with a capital at the beginning.
fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
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
    }
}

const fn because(cause: Cause) -> &'static str {
    match cause {
        Cause::Opened => "",
        Cause::Timeout => " because nobody acknowledged in time",
        Cause::Manual => " on request",
        Cause::Reassigned => " after the reassignment",
        Cause::Unacknowledged => " because the acknowledgement was taken back",
        Cause::Suspended => " because it was not over in time",
        Cause::Threshold => " because enough alerts came",
    }
}

const fn through(via: Channel) -> &'static str {
    match via {
        Channel::Alert => " in the monitoring tool",
        Channel::Api | Channel::Unknown => "",
    }
}

fn list(levels: &[u32]) -> String {
    levels.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}
