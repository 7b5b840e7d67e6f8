//! What an incident remembers in order to decide.

use std::{collections::VecDeque, time::Duration};

use super::{Attributes, Hold, IncidentEvent, Members, Told, holding};
use crate::{Actor, Alert, Ladder, NoteId, ServiceId, Severity, TeamId, Timestamp, alert::Mark};

/// Alerts and notes remembered so that repeating one changes nothing. Repetition happens
/// within moments (a lost answer, two nodes at work for a breath), so a short memory is enough.
const REMEMBERED: usize = 64;

/// An incident.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Incident {
    /// Nothing happened yet.
    #[default]
    Absent,
    /// Something is wrong.
    Open(Box<OpenState>),
    /// It is over.
    Resolved {
        /// Which episode of its key it was.
        episode: u32,
        /// When it ended.
        at: Timestamp,
        /// Alerts it has taken in lately.
        recent: VecDeque<Mark>,
        /// Notes added lately.
        notes: VecDeque<NoteId>,
        /// Until when monitoring tools have told what happened.
        told: Told,
    },
}

/// An open incident.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenState {
    /// What is broken.
    pub service: ServiceId,
    /// Who looks after it.
    pub team: Option<TeamId>,
    /// Which episode of its key it is.
    pub episode: u32,
    /// What it shows.
    pub shown: Attributes,
    /// How bad it is.
    pub severity: Severity,
    /// How bad it was at its worst.
    pub worst: Severity,
    /// Whether a person said how bad it is.
    pub graded_by_hand: bool,
    /// Whom to page.
    pub ladder: Ladder,
    /// Where on the ladder it stands.
    pub climb: Climb,
    /// What it is waiting for.
    pub situation: Situation,
    /// When it opened.
    pub opened_at: Timestamp,
    /// Alerts it has taken in lately.
    pub recent: VecDeque<Mark>,
    /// Notes added lately.
    pub notes: VecDeque<NoteId>,
    /// Until when monitoring tools have told what happened.
    pub told: Told,
    /// When the last alert came.
    pub heard_at: Timestamp,
    /// When it is over by itself unless another alert comes.
    pub resolve_at: Option<Timestamp>,
    /// How long it will have heard no alert by then.
    pub silence: Option<Duration>,
    /// Its problems that are not over.
    pub members: Members,
}

/// A place on the ladder. `cycle` counts the passes over the levels in the incident's whole life: it
/// rises with each pass and each time the climb begins anew, and never falls, so that a deadline or a
/// page of an earlier pass is recognised as stale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Climb {
    /// Which pass in the incident's life, from 1.
    pub cycle: u32,
    /// Which pass since the climb last began, from 1; what the ladder's `repeat` bounds.
    pub pass: u32,
    /// Which level, from 1; zero before the first and after the last.
    pub level: u32,
}

/// What an open incident is waiting for: exactly one thing.
#[derive(Clone, Debug, PartialEq)]
pub enum Situation {
    /// For what its rule asks for, before anybody is paged.
    Held {
        /// For what.
        hold: Hold,
        /// When the alerts came that count.
        arrived: Vec<Timestamp>,
        /// Until when.
        until: Timestamp,
    },
    /// For an acknowledgement, until this instant.
    Escalating {
        /// When the next level is paged.
        next_at: Timestamp,
    },
    /// For anybody: the ladder has ended and the administrators were paged.
    Exhausted {
        /// When.
        at: Timestamp,
    },
    /// For whoever took it.
    Acknowledged {
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// For whoever took it, until this instant.
    Snoozed {
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
        /// When the ladder is climbed from the beginning.
        until: Timestamp,
    },
}

impl Situation {
    /// Whether somebody has it, for good or for a while, so that nobody is paged.
    pub const fn is_taken(&self) -> bool {
        match self {
            Self::Acknowledged { .. } | Self::Snoozed { .. } => true,
            Self::Held { .. } | Self::Escalating { .. } | Self::Exhausted { .. } => false,
        }
    }
}

impl Incident {
    pub(super) fn apply(&mut self, event: &IncidentEvent) {
        if let Some(open) = OpenState::triggered(event) {
            *self = Self::Open(Box::new(open));
            return;
        }
        let open = match self {
            Self::Open(open) => open,
            Self::Absent => return,
            // Once it is over, only notes are still added.
            Self::Resolved { notes, .. } => {
                if let IncidentEvent::NoteAdded { note, .. } = event {
                    remember(notes, *note);
                }
                return;
            }
        };
        match event {
            // What is paged after an acknowledgement was taken back follows in the same append.
            IncidentEvent::Triggered { .. } | IncidentEvent::Unacknowledged { .. } => {}
            IncidentEvent::AlertsJoined { alerts, resolve_at, at, .. } => {
                open.hear(alerts, *at);
                open.resolve_at = resolve_at.or(open.resolve_at);
                open.silence = resolve_at.map(|due| due.since(*at)).or(open.silence);
                if let Situation::Held { hold, arrived, .. } = &mut open.situation {
                    let told = alerts.iter().filter(|alert| alert.update.is_none());
                    holding::count(arrived, *hold, told.count(), *at);
                }
            }
            IncidentEvent::AlertEnded { alert, remaining, .. } => {
                open.cite(Some(alert));
                open.told.hear(std::slice::from_ref(alert));
                open.members.leave(alert, *remaining);
            }
            IncidentEvent::AttributesMerged { shown, .. } => open.shown.clone_from(shown),
            IncidentEvent::SeverityRaised { to, by, .. } | IncidentEvent::SeverityLowered { to, by, .. } => {
                open.severity = *to;
                open.worst = open.worst.max(*to);
                open.graded_by_hand |= by.is_some();
            }
            IncidentEvent::Held { hold, arrived, until, .. } => {
                let (hold, arrived, until) = (*hold, arrived.clone(), *until);
                open.situation = Situation::Held { hold, arrived, until };
            }
            IncidentEvent::Escalated { cycle, pass, level, next_at, .. } => {
                open.climb = Climb { cycle: *cycle, pass: *pass, level: *level };
                open.situation = Situation::Escalating { next_at: *next_at };
            }
            IncidentEvent::Exhausted { cycle, at, .. } => {
                open.climb = Climb { cycle: *cycle, pass: 0, level: 0 };
                open.situation = Situation::Exhausted { at: *at };
            }
            IncidentEvent::Acknowledged { by, alert, at, .. } => {
                open.cite(alert.as_ref());
                open.situation = Situation::Acknowledged { by: by.clone(), at: *at };
            }
            IncidentEvent::Snoozed { by, until, alert, at, .. } => {
                open.cite(alert.as_ref());
                open.situation = Situation::Snoozed { by: by.clone(), at: *at, until: *until };
            }
            IncidentEvent::Reassigned { ladder, .. } => open.ladder.clone_from(ladder),
            IncidentEvent::NoteAdded { note, .. } => remember(&mut open.notes, *note),
            IncidentEvent::Resolved { alert, at, .. } => {
                let mut recent = std::mem::take(&mut open.recent);
                if let Some(alert) = alert {
                    remember(&mut recent, alert.mark());
                }
                let notes = std::mem::take(&mut open.notes);
                let mut told = std::mem::take(&mut open.told);
                told.hear(alert.as_slice());
                *self = Self::Resolved { episode: open.episode, at: *at, recent, notes, told };
            }
        }
    }

    /// Whether it remembers adding this note.
    pub(super) fn has_note(&self, note: NoteId) -> bool {
        match self {
            Self::Absent => false,
            Self::Open(open) => open.notes.contains(&note),
            Self::Resolved { notes, .. } => notes.contains(&note),
        }
    }

    /// The open incident, if it is open.
    pub fn open(&self) -> Option<&OpenState> {
        match self {
            Self::Open(open) => Some(open),
            Self::Absent | Self::Resolved { .. } => None,
        }
    }
}

impl OpenState {
    /// The incident that an event opens, if it opens one.
    fn triggered(event: &IncidentEvent) -> Option<Self> {
        let IncidentEvent::Triggered {
            service,
            team,
            episode,
            title,
            details,
            severity,
            alerts,
            ladder,
            resolve_at,
            at,
            ..
        } = event
        else {
            return None;
        };
        let mut open = Self {
            service: *service,
            team: *team,
            episode: *episode,
            shown: Attributes::opened(title, details.as_deref(), alerts.first()),
            severity: *severity,
            worst: *severity,
            graded_by_hand: false,
            ladder: ladder.clone(),
            climb: Climb::default(),
            situation: Situation::Exhausted { at: *at },
            opened_at: *at,
            recent: VecDeque::new(),
            notes: VecDeque::new(),
            told: Told::default(),
            heard_at: *at,
            resolve_at: *resolve_at,
            silence: resolve_at.map(|due| due.since(*at)),
            members: Members::default(),
        };
        open.hear(alerts, *at);
        Some(open)
    }

    /// Whether an alert is about a problem that is none of those that are open in the group.
    pub(super) fn is_news(&self, alert: &Alert) -> bool {
        alert.key.as_deref().is_some_and(|key| !self.members.contains(key))
    }

    /// Remembers the alert that said what happened, if one did.
    fn cite(&mut self, alert: Option<&Alert>) {
        if let Some(alert) = alert {
            remember(&mut self.recent, alert.mark());
        }
    }

    fn hear(&mut self, alerts: &[Alert], at: Timestamp) {
        for alert in alerts {
            remember(&mut self.recent, alert.mark());
        }
        // What is told late of a problem that is over does not begin it anew.
        let begins = |alert: &&Alert| alert.update.is_none() && self.told.past(alert).is_none();
        self.members.join(alerts.iter().filter(begins));
        self.told.hear(alerts);
        self.heard_at = at;
    }
}

fn remember<T: PartialEq>(recent: &mut VecDeque<T>, item: T) {
    if recent.len() == REMEMBERED {
        recent.pop_front();
    }
    recent.push_back(item);
}
