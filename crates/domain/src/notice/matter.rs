//! What a notice is about, and the only id that it can have.

use serde::{Deserialize, Serialize};

use crate::{IntegrationId, NoticeId, OverrideId, ScheduleId, SwapId, Timestamp, UserId, id::derived};

/// Whom a notice tells what.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Matter {
    /// Who is told.
    pub user: UserId,
    /// About which schedule; none: about all of them.
    pub schedule: Option<ScheduleId>,
    /// What.
    #[serde(flatten)]
    pub about: About,
}

/// What somebody is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum About {
    /// Their shift will begin.
    ShiftStarts {
        /// When it begins.
        start: Timestamp,
        /// How many minutes before that they are told.
        lead_minutes: u32,
    },
    /// Their shift will end.
    ShiftEnds {
        /// When it ends.
        end: Timestamp,
        /// How many minutes before that they are told.
        lead_minutes: u32,
    },
    /// They are on call from now on, with these open incidents.
    ShiftBegan {
        /// When it began.
        start: Timestamp,
    },
    /// Nobody will be on call at some times.
    GapsAhead {
        /// The month, on the schedule's wall clock, in which this was found, such as `2026-11`.
        month: String,
        /// What the gaps look like; the same gaps are told once a month.
        shape: String,
    },
    /// Edits or overrides moved their shifts.
    ShiftsMoved {
        /// How many events the schedule had before.
        since_version: u64,
        /// What happens until then is told together.
        until: Timestamp,
    },
    /// Something became of a swap with them.
    SwapChanged {
        /// Which swap.
        swap: SwapId,
        /// What.
        step: SwapStep,
    },
    /// An override of theirs finds nobody to relieve any more.
    OverrideIdle {
        /// Which.
        #[serde(rename = "override")]
        id: OverrideId,
        /// How many events the schedule had when it came to that.
        version: u64,
    },
    /// A swap of theirs finds nobody to relieve any more.
    SwapIdle {
        /// Which.
        swap: SwapId,
        /// How many events the schedule had when it came to that.
        version: u64,
    },
    /// Other time zone data moved their shifts, or, to administrators, somebody's.
    ZoneDataChanged {
        /// The new edition.
        version: String,
    },
    /// Something is wrong with what comes through an integration that they look after.
    IntegrationTroubled {
        /// Which.
        integration: IntegrationId,
        /// What.
        trouble: Trouble,
        /// The day in UTC on which that was found, such as `2026-11-24`; it is told once a day.
        day: String,
    },
}

/// What is wrong with what comes through an integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// It uses a word for a severity that nobody knows.
    SeverityUnknown,
    /// It sends more messages than it may.
    MessagesLimited,
}

impl Trouble {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::SeverityUnknown => "severity_unknown",
            Self::MessagesLimited => "messages_limited",
        }
    }
}

/// What became of a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SwapStep {
    /// Somebody asks.
    Requested,
    /// Somebody takes the shift over.
    Accepted,
    /// Who was asked does not.
    Declined,
    /// Who asked does not ask any more.
    Withdrawn,
    /// It ends before its time.
    Undone,
    /// Nobody took it in time.
    Expired,
}

impl SwapStep {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Withdrawn => "withdrawn",
            Self::Undone => "undone",
            Self::Expired => "expired",
        }
    }
}

impl About {
    /// The word for it, as stored.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::ShiftStarts { .. } => "shift_starts",
            Self::ShiftEnds { .. } => "shift_ends",
            Self::ShiftBegan { .. } => "shift_began",
            Self::GapsAhead { .. } => "gaps_ahead",
            Self::ShiftsMoved { .. } => "shifts_moved",
            Self::SwapChanged { .. } => "swap_changed",
            Self::OverrideIdle { .. } => "override_idle",
            Self::SwapIdle { .. } => "swap_idle",
            Self::ZoneDataChanged { .. } => "zone_data_changed",
            Self::IntegrationTroubled { .. } => "integration_troubled",
        }
    }
}

impl Matter {
    /// The only id that a notice of this can have, so that asking for it twice records it once.
    pub fn id(&self) -> NoticeId {
        let instant = |at: &Timestamp| at.millis().to_be_bytes().to_vec();
        let (one, other): (Vec<u8>, Vec<u8>) = match &self.about {
            About::ShiftStarts { start, lead_minutes } => (instant(start), lead_minutes.to_be_bytes().into()),
            About::ShiftEnds { end, lead_minutes } => (instant(end), lead_minutes.to_be_bytes().into()),
            About::ShiftBegan { start } => (instant(start), vec![]),
            About::GapsAhead { month, shape } => (month.clone().into(), shape.clone().into()),
            About::ShiftsMoved { until, .. } => (instant(until), vec![]),
            About::SwapChanged { swap, step } => (swap.uuid().as_bytes().into(), step.word().into()),
            About::OverrideIdle { id, version } => {
                (id.uuid().as_bytes().into(), version.to_be_bytes().into())
            }
            About::SwapIdle { swap, version } => {
                (swap.uuid().as_bytes().into(), version.to_be_bytes().into())
            }
            About::ZoneDataChanged { version } => (version.clone().into(), vec![]),
            About::IntegrationTroubled { integration, trouble, day } => {
                (integration.uuid().as_bytes().into(), format!("{} {day}", trouble.word()).into())
            }
        };
        let schedule = self.schedule.map(ScheduleId::uuid);
        NoticeId::new(derived(&[
            b"notice",
            self.about.word().as_bytes(),
            schedule.as_ref().map_or(&[], |id| id.as_bytes().as_slice()),
            self.user.uuid().as_bytes(),
            &one,
            &other,
        ]))
    }
}

/// A notice that falls due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// When.
    pub at: Timestamp,
    /// Whom it tells what.
    pub matter: Matter,
}
