//! A layer made ready for questions: whose turn it is follows from the clock alone.

use std::sync::Arc;

use super::{
    model::{Layer, Rotation, Unit},
    recurrence::{Handoffs, Rule, Rules},
    window::Week,
    zone::{LAST_MINUTE, Minute, Zone, minutes},
};
use crate::{Invalid, LayerId, Timestamp, UserId};

const HOUR: Minute = 60;
const DAY: Minute = 24 * HOUR;
const WEEK: Minute = 7 * DAY;

/// The number of a turn, and its first minute.
type Turn = (i64, Minute);

/// A layer made ready for questions.
#[derive(Debug)]
pub(super) struct Rota {
    pub(super) id: LayerId,
    pub(super) priority: i32,
    zone: Arc<Zone>,
    rhythm: Rhythm,
    start: Minute,
    end: Option<Timestamp>,
    shift: Option<Minute>,
    first_slot: i64,
    /// In the order of the turns; each in the order of the people's ids.
    slots: Vec<Vec<UserId>>,
    open: Option<Week>,
}

#[derive(Debug)]
enum Rhythm {
    /// So many minutes of the wall clock.
    Fixed(Minute),
    /// By a rule.
    Listed(Arc<Handoffs>),
}

impl Rota {
    /// Makes a layer ready, or says which field of it breaks which rule.
    pub(super) fn new(layer: &Layer, zone: Arc<Zone>, rules: &mut Rules) -> Result<Self, Invalid> {
        let rhythm = match &layer.rotation {
            Rotation::Daily { every } => Rhythm::Fixed(DAY * Minute::from(*every)),
            Rotation::Weekly { every } => Rhythm::Fixed(WEEK * Minute::from(*every)),
            Rotation::Custom { every, unit } => {
                let unit = match unit {
                    Unit::Hours => HOUR,
                    Unit::Days => DAY,
                    Unit::Weeks => WEEK,
                };
                Rhythm::Fixed(unit * Minute::from(*every))
            }
            Rotation::Rrule { rule } => match rules.read(rule, layer.rotation_start) {
                Ok(Rule::Every(period)) => Rhythm::Fixed(period),
                Ok(Rule::Listed(handoffs)) => Rhythm::Listed(handoffs),
                Err(why) => return Err(Invalid::new("rotation.rrule", why)),
            },
        };
        if matches!(rhythm, Rhythm::Fixed(..1)) {
            return Err(Invalid::new("rotation.every", "must be at least 1"));
        }
        if layer.participants.is_empty() {
            return Err(Invalid::new("participants", "must have at least one slot"));
        }
        Ok(Self {
            id: layer.id,
            priority: layer.priority,
            zone,
            rhythm,
            start: minutes(layer.rotation_start),
            end: layer.end,
            shift: layer.shift_minutes.map(Minute::from),
            first_slot: layer.first_slot.into(),
            slots: layer.participants.iter().map(|slot| sorted(slot)).collect(),
            open: Week::of(&layer.restrictions),
        })
    }

    /// The people of a slot.
    pub(super) fn people(&self, slot: usize) -> &[UserId] {
        self.slots.get(slot).map_or(&[], Vec::as_slice)
    }

    pub(super) fn slots(&self) -> &[Vec<UserId>] {
        &self.slots
    }

    /// The number of the turn at an instant, whether or not somebody is on call; none before the first.
    pub(super) fn turn(&self, at: Timestamp) -> Option<i64> {
        self.turn_of(self.zone.minute(at)).map(|(turn, _)| turn)
    }

    /// The slot whose turn it is.
    pub(super) fn slot_of(&self, turn: i64) -> usize {
        let slots = i64::try_from(self.slots.len()).unwrap_or(i64::MAX);
        usize::try_from((self.first_slot + turn).rem_euclid(slots)).unwrap_or(0)
    }

    /// The slot that is on call; none while the layer is silent.
    pub(super) fn slot_at(&self, at: Timestamp) -> Option<usize> {
        let minute = self.zone.minute(at);
        self.slot_on(minute, self.turn_of(minute)?, at)
    }

    /// The slot that is on call, and the first instant after that at which that may be different.
    pub(super) fn slot_and_next(&self, at: Timestamp) -> (Option<usize>, Option<Timestamp>) {
        let minute = self.zone.minute(at);
        let turn = self.turn_of(minute);
        (turn.and_then(|turn| self.slot_on(minute, turn, at)), self.boundary_after(minute, turn, at))
    }

    fn slot_on(&self, minute: Minute, (turn, since): Turn, at: Timestamp) -> Option<usize> {
        if self.end.is_some_and(|end| end <= at) {
            return None;
        }
        if self.shift.is_some_and(|shift| minute >= since + shift) {
            return None;
        }
        if self.open.as_ref().is_some_and(|open| !open.is_open(minute)) {
            return None;
        }
        Some(self.slot_of(turn))
    }

    /// The first instant after `at` at which the layer may say something else; none if it never will.
    pub(super) fn next_boundary(&self, at: Timestamp) -> Option<Timestamp> {
        let minute = self.zone.minute(at);
        self.boundary_after(minute, self.turn_of(minute), at)
    }

    fn boundary_after(&self, mut minute: Minute, mut turn: Option<Turn>, at: Timestamp) -> Option<Timestamp> {
        if self.end.is_some_and(|end| end <= at) {
            return None;
        }
        // Where the clock jumps, several boundaries in a row happen at one instant, which may have passed.
        let next = loop {
            let Some(next) = self.next_minute(minute, turn).filter(|next| *next <= LAST_MINUTE) else {
                break None;
            };
            let instant = self.zone.instant(next);
            if instant > at {
                break Some(instant);
            }
            (minute, turn) = (next, self.turn_of(next));
        };
        match (next, self.end) {
            (Some(next), Some(end)) => Some(next.min(end)),
            (next, end) => next.or(end),
        }
    }

    /// About how many boundaries lie in a range.
    pub(super) fn effort(&self, from: Timestamp, to: Timestamp) -> u64 {
        let minutes = to.since(from).as_secs() / 60;
        let turns = match &self.rhythm {
            Rhythm::Fixed(period) => minutes / u64::try_from(*period).unwrap_or(1).max(1),
            // At most hourly, which the check of rules makes sure of.
            Rhythm::Listed(handoffs) => {
                handoffs.between(self.zone.minute(from), self.zone.minute(to)).unwrap_or(minutes / 60)
            }
        };
        let edges = self.open.as_ref().map_or(0, Week::edges);
        let weeks = minutes / u64::try_from(WEEK).unwrap_or(1) + 1;
        turns * if self.shift.is_some() { 2 } else { 1 } + weeks * u64::try_from(edges).unwrap_or(u64::MAX)
    }

    /// The turn that a minute of the wall clock belongs to.
    fn turn_of(&self, minute: Minute) -> Option<Turn> {
        match &self.rhythm {
            Rhythm::Fixed(period) => {
                let turn = (minute - self.start).div_euclid(*period);
                (turn >= 0).then(|| (turn, self.start + turn * period))
            }
            Rhythm::Listed(handoffs) => handoffs.last(minute),
        }
    }

    fn next_minute(&self, minute: Minute, turn: Option<Turn>) -> Option<Minute> {
        let Some((turn, since)) = turn else { return Some(self.start) };
        let handoff = match &self.rhythm {
            Rhythm::Fixed(period) => Some(self.start + (turn + 1) * period),
            Rhythm::Listed(handoffs) => handoffs.after(minute),
        };
        let shift_end = self.shift.map(|shift| since + shift).filter(|end| *end > minute);
        let edge = self.open.as_ref().and_then(|open| open.next_edge(minute));
        [handoff, shift_end, edge].into_iter().flatten().min()
    }
}

/// People in the order of their ids, each once.
pub(super) fn sorted(people: &[UserId]) -> Vec<UserId> {
    let mut people = people.to_vec();
    people.sort_unstable();
    people.dedup();
    people
}
