//! Watching: how long an integration may be silent, and what is known of its silence.

use serde::{Deserialize, Serialize};

use super::{Entrance, Integration, IntegrationEvent, IntegrationKind};
use crate::{Actor, ConfigRejection, IncidentId, IntegrationId, Invalid, Timestamp, validate};

/// How long an integration may be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// After how many seconds without a message it is silent.
    pub after_seconds: u32,
}

impl Watch {
    /// The fewest seconds: less, and a slow network is an alarm.
    pub const SHORTEST_SECONDS: u32 = 30;
    /// The most seconds: 90 days.
    pub const LONGEST_SECONDS: u32 = 90 * 86_400;
    /// What a heartbeat has unless it is told otherwise.
    pub const USUAL: Self = Self { after_seconds: 300 };

    /// What integrations of this kind have unless they are told otherwise: only heartbeats are watched by themselves.
    pub const fn usual(kind: IntegrationKind) -> Option<Self> {
        match kind {
            IntegrationKind::Heartbeat => Some(Self::USUAL),
            _ => None,
        }
    }

    pub(super) fn check(self) -> Result<(), Invalid> {
        validate::within(
            "silentAfterSeconds",
            self.after_seconds,
            Self::SHORTEST_SECONDS,
            Self::LONGEST_SECONDS,
        )
    }
}

/// What an update does to the watch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WatchChange {
    /// It stays.
    #[default]
    Keep,
    /// Nobody waits for messages from now on.
    Stop,
    /// It may be silent for so long from now on.
    Start(Watch),
}

/// That a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// When, by the clock of the node that took it.
    pub at: Timestamp,
    /// Where it lies in the log, which knows better than clocks what came last.
    pub position: u64,
}

/// What can be asked about an integration's silence.
#[derive(Clone, Debug, PartialEq)]
pub enum WatchCommand {
    /// Do not alarm for a while.
    MuteIntegration {
        /// Why, one line.
        reason: String,
        /// Until when; none: until somebody ends it.
        until: Option<Timestamp>,
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// Alarm again.
    UnmuteIntegration {
        /// When.
        at: Timestamp,
    },
    /// Note that it is silent, if it is.
    NoteSilence {
        /// When it was heard last; none: never.
        heard: Option<Heard>,
        /// When.
        at: Timestamp,
    },
    /// Note which incident a silence is.
    NoteReport {
        /// When the silence was noted.
        fell_at: Timestamp,
        /// The incident.
        incident: IncidentId,
        /// When.
        at: Timestamp,
    },
    /// Note that a silence is over.
    EndSilence {
        /// When the silence was noted.
        fell_at: Timestamp,
        /// Why it is over.
        reason: SilenceEnd,
        /// When.
        at: Timestamp,
    },
}

/// Why a silence is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SilenceEnd {
    /// A message came.
    Heard,
    /// Somebody muted the integration.
    Muted,
    /// It takes no messages any more.
    Disabled,
    /// Nobody waits for its messages any more.
    Unwatched,
}

/// How an integration is watched, and what is known of its silence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vigil {
    /// How long it may be silent; none: as long as it likes.
    pub watch: Option<Watch>,
    /// From when on it is waited for: when the watch was set, or the integration unmuted or enabled.
    pub from: Timestamp,
    /// Why there is no alarm, if somebody muted it; perhaps long ago.
    pub mute: Option<Mute>,
    /// The silence that was noted and is not over.
    pub silence: Option<Silence>,
}

/// Why there is no alarm.
#[derive(Clone, Debug, PartialEq)]
pub struct Mute {
    /// Why.
    pub reason: String,
    /// Until when; none: until somebody ends it.
    pub until: Option<Timestamp>,
    /// Who muted it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// A silence that was noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// When the last message came; if none ever did, from when on one was waited for.
    pub since: Timestamp,
    /// Where in the log the last message lies, zero if none ever came; none: that was not kept yet.
    pub last: Option<u64>,
    /// When it was noted.
    pub fell_at: Timestamp,
    /// The incident that tells people, once there is one.
    pub incident: Option<IncidentId>,
}

impl Vigil {
    /// The mute that is in force at that time.
    pub fn muted(&self, at: Timestamp) -> Option<&Mute> {
        self.mute.as_ref().filter(|mute| mute.until.is_none_or(|until| at < until))
    }

    pub(super) fn evolve(&mut self, event: &IntegrationEvent) {
        match event {
            IntegrationEvent::WatchSet { watch, at } => {
                (self.watch, self.from) = (*watch, *at);
                if watch.is_none() {
                    self.mute = None;
                }
            }
            IntegrationEvent::WatchMuted { reason, until, by, at } => {
                let (reason, by) = (reason.clone(), by.clone());
                self.mute = Some(Mute { reason, until: *until, by, at: *at });
            }
            IntegrationEvent::WatchUnmuted { at } => (self.mute, self.from) = (None, *at),
            IntegrationEvent::Enabled { at } => self.from = *at,
            IntegrationEvent::FellSilent { since, last, at } => {
                self.silence = Some(Silence { since: *since, last: *last, fell_at: *at, incident: None });
            }
            IntegrationEvent::SilenceReported { incident, .. } => {
                if let Some(silence) = &mut self.silence {
                    silence.incident = Some(*incident);
                }
            }
            IntegrationEvent::SilenceEnded { .. } => self.silence = None,
            _ => {}
        }
    }
}

impl Integration {
    /// When it counts as silent unless it is heard before; none: never, as things are, or it is silent already.
    pub fn silent_at(&self, heard: Option<Timestamp>) -> Option<Timestamp> {
        let Vigil { watch, from, mute, silence } = &self.vigil;
        let watch = watch.filter(|_| silence.is_none() && self.disabled_at.is_none())?;
        let unmuted = match mute {
            Some(mute) => mute.until?,
            None => *from,
        };
        let from = heard.into_iter().fold(unmuted.max(*from), Timestamp::max);
        Some(from.plus_seconds(watch.after_seconds.into()))
    }

    /// Why the silence that was noted is over, if it is. A message that came since ends it, also if a clock was set back.
    pub fn silence_over(&self, heard: Option<Heard>, at: Timestamp) -> Option<SilenceEnd> {
        let silence = self.vigil.silence?;
        let is_since = |heard: Heard| match silence.last {
            Some(last) => heard.position > last,
            None => heard.at > silence.since,
        };
        if heard.is_some_and(is_since) {
            Some(SilenceEnd::Heard)
        } else if self.disabled_at.is_some() {
            Some(SilenceEnd::Disabled)
        } else if self.vigil.watch.is_none() {
            Some(SilenceEnd::Unwatched)
        } else {
            self.vigil.muted(at).map(|_| SilenceEnd::Muted)
        }
    }
}

pub(super) fn decide(
    integration: &Integration,
    command: &WatchCommand,
) -> Result<Vec<IntegrationEvent>, ConfigRejection> {
    if integration.entrance.is_none() {
        return Err(ConfigRejection::NotFound(IntegrationId::CATEGORY));
    }
    let Vigil { watch, silence, .. } = &integration.vigil;
    let noted = |fell_at: Timestamp| silence.filter(|silence| silence.fell_at == fell_at);
    Ok(match command {
        WatchCommand::MuteIntegration { reason, until, by, at } => {
            validate::line("reason", reason, MAX_REASON)?;
            if until.is_some_and(|until| until <= *at) {
                return Err(Invalid::new("until", "must be in the future").into());
            }
            if watch.is_none() {
                return Err(ConfigRejection::conflict("integrationId", "names what nobody watches"));
            }
            let same = |mute: &Mute| mute.reason == *reason && mute.until == *until;
            if integration.vigil.muted(*at).is_some_and(same) {
                return Ok(vec![]);
            }
            let (reason, by) = (reason.clone(), by.clone());
            vec![IntegrationEvent::WatchMuted { reason, until: *until, by, at: *at }]
        }
        WatchCommand::UnmuteIntegration { at } => {
            let muted = integration.vigil.muted(*at).is_some();
            muted.then_some(IntegrationEvent::WatchUnmuted { at: *at }).into_iter().collect()
        }
        WatchCommand::NoteSilence { heard, at } => {
            let heard_at = heard.map(|heard| heard.at);
            let is_silent = integration.silent_at(heard_at).is_some_and(|due_at| due_at <= *at);
            let since = heard_at.unwrap_or(integration.vigil.from);
            let last = Some(heard.map_or(0, |heard| heard.position));
            is_silent.then_some(IntegrationEvent::FellSilent { since, last, at: *at }).into_iter().collect()
        }
        WatchCommand::NoteReport { fell_at, incident, at } => noted(*fell_at)
            .filter(|silence| silence.incident.is_none())
            .map(|_| IntegrationEvent::SilenceReported { incident: *incident, at: *at })
            .into_iter()
            .collect(),
        WatchCommand::EndSilence { fell_at, reason, at } => noted(*fell_at)
            .map(|_| IntegrationEvent::SilenceEnded { reason: *reason, at: *at })
            .into_iter()
            .collect(),
    })
}

/// What a new integration's watch is: what was asked for, or what is usual for its kind.
pub(super) fn begin(
    kind: IntegrationKind,
    asked: Option<Watch>,
    at: Timestamp,
) -> Result<Option<IntegrationEvent>, Invalid> {
    let watch = asked.or_else(|| Watch::usual(kind));
    watch.map_or(Ok(()), Watch::check)?;
    Ok(watch.map(|_| IntegrationEvent::WatchSet { watch, at }))
}

/// What an update does to the watch.
pub(super) fn change(
    entrance: &Entrance,
    vigil: &Vigil,
    change: WatchChange,
    at: Timestamp,
) -> Result<Option<IntegrationEvent>, Invalid> {
    let watch = match change {
        WatchChange::Keep => return Ok(None),
        WatchChange::Stop if entrance.kind == IntegrationKind::Heartbeat => {
            return Err(Invalid::new(
                "silentAfterSeconds",
                "must not be 0: a heartbeat is there to be watched",
            ));
        }
        WatchChange::Stop => None,
        WatchChange::Start(watch) => {
            watch.check()?;
            Some(watch)
        }
    };
    Ok((watch != vigil.watch).then_some(IntegrationEvent::WatchSet { watch, at }))
}

/// Characters in the reason of a mute.
const MAX_REASON: usize = 500;
