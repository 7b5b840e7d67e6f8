//! What a schedule says: versions, layers, rotations and restrictions.

use chrono::{NaiveDateTime, NaiveTime, Weekday};
use serde::{Deserialize, Serialize};

use crate::{LayerId, Timestamp, UserId};

/// What a schedule says from an instant on, until the next version begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "super::stored::StoredVersion")]
pub struct Version {
    /// From when on it holds.
    pub effective_from: Timestamp,
    /// The IANA zone whose wall clock the layers follow.
    pub time_zone: String,
    /// Who takes turns; their order means nothing.
    pub layers: Vec<Layer>,
}

/// People who take turns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Its id, stable over edits.
    pub id: LayerId,
    /// Its name, one line.
    pub name: String,
    /// The highest priority wins; equal ones are on call together.
    #[serde(default)]
    pub priority: i32,
    /// The zone whose wall clock it follows, if that is not the version's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The rhythm of handoffs.
    pub rotation: Rotation,
    /// The first handoff on the wall clock; it fixes the time of day and the weekday.
    pub rotation_start: NaiveDateTime,
    /// When it ends, itself excluded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
    /// On call only for so many minutes from the beginning of each turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift_minutes: Option<u32>,
    /// Whose turn the first one is, as an index into the participants.
    #[serde(default)]
    pub first_slot: u32,
    /// Who takes turns, in order; several people share a slot, an empty slot is nobody's.
    pub participants: Vec<Vec<UserId>>,
    /// When the layer has somebody on call, all of them united; always, if there are none. The turns go
    /// on underneath.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restrictions: Vec<Window>,
}

impl Layer {
    /// People who take turns by a rhythm, and nothing more.
    pub fn simple(
        id: LayerId,
        name: &str,
        rotation: Rotation,
        rotation_start: NaiveDateTime,
        participants: Vec<Vec<UserId>>,
    ) -> Self {
        Self {
            id,
            name: name.to_owned(),
            priority: 0,
            time_zone: None,
            rotation,
            rotation_start,
            end: None,
            shift_minutes: None,
            first_slot: 0,
            participants,
            restrictions: vec![],
        }
    }
}

/// The rhythm of handoffs, on the wall clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Every so many hours, days or weeks.
    Custom {
        /// How many.
        every: u32,
        /// Of what.
        unit: Unit,
    },
    /// By a rule of RFC 5545 that begins with the first handoff. After 127 years it has ended.
    Rrule {
        /// The rule, such as `FREQ=WEEKLY;BYDAY=MO,FR`.
        rule: String,
    },
}

/// What a custom rotation counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Hours.
    Hours,
    /// Days.
    Days,
    /// Weeks.
    Weeks,
}

/// A part of every day or week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Window {
    /// From a time of day to another; if that is not later, on the next day.
    Daily {
        /// When it opens.
        from: NaiveTime,
        /// When it closes.
        to: NaiveTime,
        /// The days on which it opens; every day, if none is named.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        days: Vec<Weekday>,
    },
    /// From a time of the week to another; if that is not later, in the next week.
    Weekly {
        /// The day on which it opens.
        from_day: Weekday,
        /// When it opens.
        from: NaiveTime,
        /// The day on which it closes.
        to_day: Weekday,
        /// When it closes.
        to: NaiveTime,
    },
}

/// A stretch of time, its end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// When it begins.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
}

impl Span {
    /// Whether an instant lies in it.
    pub fn contains(self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }

    /// Whether some instant lies in both.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}
