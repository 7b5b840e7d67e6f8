//! The terms on which an incident takes alerts: what the rule that decided about them asks for.

use serde::{Deserialize, Serialize};

use super::Merging;
use crate::{Invalid, validate};

/// The terms on which an incident takes alerts. Those of the alert that opens it say whether anybody is paged at once;
/// each alert that joins brings the others anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Whether paging waits.
    pub hold: Option<Hold>,
    /// How long after the last alert another one still joins, in seconds; none: as long as the incident is open.
    pub window_seconds: Option<u32>,
    /// After how many seconds without another alert it is over by itself; none: never.
    pub resolve_after_seconds: Option<u32>,
    /// What is shown when several alerts say different things.
    pub merging: Merging,
}

/// Why paging waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Nobody is paged for so long. What is over by then never wakes anybody.
    Suspend {
        /// How long.
        seconds: u32,
    },
    /// Nobody is paged until so many alerts came in so short a time. If the last of them came that long ago, the
    /// incident is over by itself.
    Threshold {
        /// How many.
        alerts: u32,
        /// In which time.
        within_seconds: u32,
    },
}

impl Hold {
    /// The longest wait, in seconds: a day.
    const LONGEST_SECONDS: u32 = 86_400;
    /// Most alerts that can be waited for: an incident remembers when each came.
    const MOST_ALERTS: u32 = 1000;

    /// How long it waits at first, in seconds.
    pub(super) const fn seconds(self) -> u64 {
        match self {
            Self::Suspend { seconds } => seconds as u64,
            Self::Threshold { within_seconds, .. } => within_seconds as u64,
        }
    }

    /// Whether so many alerts are enough.
    pub(super) const fn is_reached(self, count: usize) -> bool {
        match self {
            Self::Suspend { .. } => false,
            Self::Threshold { alerts, .. } => count >= alerts as usize,
        }
    }

    /// Checks the bounds; `field` is the path to it.
    pub(crate) fn check(self, field: &str) -> Result<(), Invalid> {
        match self {
            Self::Suspend { seconds } => {
                validate::within(&format!("{field}.suspendSeconds"), seconds, 1, Self::LONGEST_SECONDS)
            }
            Self::Threshold { alerts, within_seconds } => {
                validate::within(&format!("{field}.threshold.alerts"), alerts, 2, Self::MOST_ALERTS)?;
                let field = format!("{field}.threshold.withinSeconds");
                validate::within(&field, within_seconds, 1, Self::LONGEST_SECONDS)
            }
        }
    }
}
