//! Rotations in closed form: whose turn it is follows from the clock alone.

use chrono::{NaiveDateTime, TimeDelta};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{reading, resolve};
use crate::{Timestamp, UserId};

/// The rhythm of handoffs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Rotation {
    /// Every so many days.
    Daily {
        /// How many.
        every: u32,
    },
    /// Every so many weeks.
    Weekly {
        /// How many.
        every: u32,
    },
}

impl Rotation {
    /// The length of a turn on the wall clock.
    fn period(self) -> TimeDelta {
        match self {
            Self::Daily { every } => TimeDelta::days(every.max(1).into()),
            Self::Weekly { every } => TimeDelta::weeks(every.max(1).into()),
        }
    }
}

/// People who take turns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// The rhythm.
    pub rotation: Rotation,
    /// The first handoff on the wall clock of the zone; it fixes the time of day and the weekday.
    pub rotation_start: NaiveDateTime,
    /// Who takes turns, in order; several people share a slot, an empty slot is nobody's.
    pub participants: Vec<Vec<UserId>>,
}

impl Layer {
    /// Whose turn it is; nobody's before the first handoff.
    pub fn on_call(&self, zone: Tz, at: Timestamp) -> &[UserId] {
        let Some(turn) = self.turn(zone, at) else { return &[] };
        let slots = i64::try_from(self.participants.len()).unwrap_or(i64::MAX).max(1);
        let slot = usize::try_from(turn.rem_euclid(slots)).unwrap_or(0);
        self.participants.get(slot).map_or(&[], Vec::as_slice)
    }

    /// The first handoff after an instant.
    pub fn next_handoff(&self, zone: Tz, at: Timestamp) -> Timestamp {
        let Some(mut turn) = self.turn(zone, at) else { return resolve(zone, self.rotation_start) };
        loop {
            turn += 1;
            let minutes = self.rotation.period().num_minutes().saturating_mul(turn);
            let local = TimeDelta::try_minutes(minutes)
                .and_then(|wait| self.rotation_start.checked_add_signed(wait))
                .unwrap_or(NaiveDateTime::MAX);
            let handoff = resolve(zone, local);
            // A turn swallowed by a skipped day has no duration.
            if handoff > at || local == NaiveDateTime::MAX {
                return handoff;
            }
        }
    }

    /// How many whole periods of wall-clock time have passed since the first handoff.
    fn turn(&self, zone: Tz, at: Timestamp) -> Option<i64> {
        let since = reading(zone, at).signed_duration_since(self.rotation_start);
        (since >= TimeDelta::zero()).then(|| since.num_seconds() / self.rotation.period().num_seconds())
    }
}
