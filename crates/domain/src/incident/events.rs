//! What can happen to an incident.

use serde::{Deserialize, Serialize};

use super::{Attributes, Hold};
use crate::{
    Actor, Alert, Channel, Fact, Ladder, NoteId, Responder, ServiceId, Severity, Subject, Target, TeamId,
    Timestamp, UserId,
};

/// Why a level was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The incident opened.
    Opened,
    /// Nobody acknowledged in time.
    Timeout,
    /// Somebody asked for it.
    Manual,
    /// Others are to be paged.
    Reassigned,
    /// An acknowledgement was taken back.
    Unacknowledged,
    /// It was held back for long enough, and is not over.
    Suspended,
    /// As many alerts came as were waited for.
    Threshold,
    /// An alert came that its rule does not hold back.
    Unheld,
    /// It is worse than ever before.
    Worsened,
    /// It was snoozed for long enough, and is not over.
    SnoozeEnded,
}

/// What can happen to an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum IncidentEvent {
    /// Something is wrong.
    #[serde(rename = "incident.triggered.v1")]
    Triggered {
        /// What is broken.
        service: ServiceId,
        /// Who looks after it.
        team: Option<TeamId>,
        /// What makes two alerts the same problem.
        key: String,
        /// How often this key has been a problem on this service, from 1.
        episode: u32,
        /// What is wrong, in one line.
        title: String,
        /// Longer words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        details: Option<String>,
        /// How bad it is.
        severity: Severity,
        /// What monitoring tools said; none: a person opened it.
        alerts: Vec<Alert>,
        /// Whom to page.
        ladder: Ladder,
        /// When it is over by itself unless another alert comes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resolve_at: Option<Timestamp>,
        /// When.
        at: Timestamp,
    },
    /// Nobody is paged yet.
    #[serde(rename = "incident.held.v1")]
    Held {
        /// Why.
        hold: Hold,
        /// When the alerts came that count, if they are counted.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        arrived: Vec<Timestamp>,
        /// Until when.
        until: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// More alerts of the same problem arrived.
    #[serde(rename = "incident.alerts_joined.v1")]
    AlertsJoined {
        /// What is broken.
        service: ServiceId,
        /// What monitoring tools said, oldest first.
        alerts: Vec<Alert>,
        /// When it is over by itself unless another alert comes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resolve_at: Option<Timestamp>,
        /// When.
        at: Timestamp,
    },
    /// One of its problems is over, and it is not: others remain, or its alerts are counted before anybody is paged.
    #[serde(rename = "incident.alert_ended.v1")]
    AlertEnded {
        /// The alert that said so.
        alert: Alert,
        /// How many problems remain.
        remaining: u32,
        /// When.
        at: Timestamp,
    },
    /// It shows something else than before.
    #[serde(rename = "incident.attributes_merged.v1")]
    AttributesMerged {
        /// What it shows.
        shown: Attributes,
        /// When.
        at: Timestamp,
    },
    /// It is worse than it was.
    #[serde(rename = "incident.severity_raised.v1")]
    SeverityRaised {
        /// How bad it was.
        from: Severity,
        /// How bad it is.
        to: Severity,
        /// Who says so; none: an alert did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
        /// Why, in the words of whoever says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// It is less bad than it was.
    #[serde(rename = "incident.severity_lowered.v1")]
    SeverityLowered {
        /// How bad it was.
        from: Severity,
        /// How bad it is.
        to: Severity,
        /// Who says so; none: an alert did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
        /// Why, in the words of whoever says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// A level was reached: page these people.
    #[serde(rename = "incident.escalated.v1")]
    Escalated {
        /// Which pass over the levels in the incident's life, from 1.
        cycle: u32,
        /// Which pass since the climb last began, from 1.
        pass: u32,
        /// Which level, from 1.
        level: u32,
        /// Whom to page.
        responders: Vec<Responder>,
        /// Levels passed over because nobody was on them.
        skipped: Vec<u32>,
        /// When the next level is reached if nobody acknowledges.
        next_at: Timestamp,
        /// Why.
        cause: Cause,
        /// Who asked for it, if a person did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
        /// The log position of the configuration that was read.
        decided_at: u64,
        /// When.
        at: Timestamp,
    },
    /// The ladder has ended: page the administrators.
    #[serde(rename = "incident.exhausted.v1")]
    Exhausted {
        /// Which pass over the levels in the incident's life was the last, from 1.
        cycle: u32,
        /// Levels passed over because nobody was on them.
        skipped: Vec<u32>,
        /// Whom to page.
        administrators: Vec<UserId>,
        /// Why the ladder was climbed.
        cause: Cause,
        /// Who asked for it, if a person did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
        /// The log position of the configuration that was read.
        decided_at: u64,
        /// When.
        at: Timestamp,
    },
    /// Somebody has it.
    #[serde(rename = "incident.acknowledged.v1")]
    Acknowledged {
        /// Who.
        by: Actor,
        /// How they said so.
        via: Channel,
        /// The alert that said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alert: Option<Alert>,
        /// When.
        at: Timestamp,
    },
    /// Nobody is paged until a time.
    #[serde(rename = "incident.snoozed.v1")]
    Snoozed {
        /// Who says so.
        by: Actor,
        /// How they said so.
        via: Channel,
        /// Until when.
        until: Timestamp,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// The alert that said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alert: Option<Alert>,
        /// When.
        at: Timestamp,
    },
    /// Nobody has it any more.
    #[serde(rename = "incident.unacknowledged.v1")]
    Unacknowledged {
        /// Who gave it back.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// It is over.
    #[serde(rename = "incident.resolved.v1")]
    Resolved {
        /// Who says so.
        by: Actor,
        /// How they said so.
        via: Channel,
        /// What it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// The alert that said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alert: Option<Alert>,
        /// When.
        at: Timestamp,
    },
    /// Others are to be paged.
    #[serde(rename = "incident.reassigned.v1")]
    Reassigned {
        /// Who says so.
        by: Actor,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Whom to page from now on.
        ladder: Ladder,
        /// When.
        at: Timestamp,
    },
    /// Somebody wrote something down.
    #[serde(rename = "incident.note_added.v1")]
    NoteAdded {
        /// Its id.
        note: NoteId,
        /// Who.
        by: Actor,
        /// What.
        text: String,
        /// When.
        at: Timestamp,
    },
}

impl Fact for IncidentEvent {
    fn subjects(&self) -> Vec<Subject> {
        match self {
            Self::Triggered { service, team, alerts, .. } => std::iter::once((*service).into())
                .chain(team.map(Into::into))
                .chain(alerts.iter().map(|alert| alert.delivery.into()))
                .collect(),
            Self::AlertsJoined { alerts, .. } => alerts.iter().map(|alert| alert.delivery.into()).collect(),
            Self::AlertEnded { alert, .. } => vec![alert.delivery.into()],
            Self::Acknowledged { by, alert, .. }
            | Self::Snoozed { by, alert, .. }
            | Self::Resolved { by, alert, .. } => {
                person(by).into_iter().chain(alert.as_ref().map(|alert| alert.delivery.into())).collect()
            }
            Self::Escalated { responders, by, .. } => {
                let mut subjects: Vec<Subject> = by
                    .iter()
                    .filter_map(person)
                    .chain(responders.iter().map(|one| one.user.into()))
                    .collect();
                for responder in responders {
                    if let Target::Schedule { id } = responder.through {
                        subjects.push(id.into());
                    }
                }
                subjects
            }
            Self::Exhausted { administrators, .. } => {
                administrators.iter().map(|user| (*user).into()).collect()
            }
            Self::Unacknowledged { by, .. } | Self::Reassigned { by, .. } | Self::NoteAdded { by, .. } => {
                person(by).into_iter().collect()
            }
            Self::SeverityRaised { by, .. } | Self::SeverityLowered { by, .. } => {
                by.iter().filter_map(person).collect()
            }
            Self::AttributesMerged { .. } | Self::Held { .. } => vec![],
        }
    }
}

fn person(actor: &Actor) -> Option<Subject> {
    match actor {
        Actor::User { id } => Some((*id).into()),
        Actor::ApiKey { .. } | Actor::Integration { .. } | Actor::Administrator | Actor::Reactor { .. } => {
            None
        }
    }
}
