//! Edits that keep the person whose turn it is, and what an edit will change.

use super::{
    model::{Layer, Span, Version},
    recurrence::Rules,
    report::Report,
    rota::Rota,
    timeline::{Segment, TooLong, gaps, shifts},
    timetable::{Era, Timetable},
    tzdb::Zones,
};
use crate::{Invalid, Timestamp, UserId};

/// Gives every edited layer of a new version the first slot with which the running turn goes on, or,
/// if its people left, the turn of those who would have come next. Nobody is skipped or repeated.
pub fn keep_current(old: &Version, new: &Version, zones: &dyn Zones) -> Result<Version, Invalid> {
    let at = new.effective_from;
    let mut rules = Rules::default();
    let before = Era::new(old, zones, &mut rules, "before")?;
    let after = Era::new(new, zones, &mut rules, "version")?;
    let mut kept = new.clone();
    let edited = |layer: &&mut Layer| {
        let same = |one: &&Layer| one.id == layer.id;
        let unchanged = old.time_zone == new.time_zone || layer.time_zone.is_some();
        !old.layers.iter().find(same).is_some_and(|one| one == *layer && unchanged)
    };
    for layer in kept.layers.iter_mut().filter(edited) {
        let of = |era: &'_ Era| era.rotas.iter().position(|rota| rota.id == layer.id);
        if let (Some(old), Some(new)) = (of(&before), of(&after)) {
            layer.first_slot =
                first_slot(&before.rotas[old], &after.rotas[new], at).unwrap_or(layer.first_slot);
        }
    }
    Ok(kept)
}

/// The first slot with which a new layer goes on where an old one stands; none if one has not begun.
fn first_slot(old: &Rota, new: &Rota, at: Timestamp) -> Option<u32> {
    let running = old.slot_of(old.turn(at)?);
    let turn = new.turn(at)?;
    let (before, after) = (old.slots(), new.slots());
    let survivor = (0..before.len()).map(|step| (running + step) % before.len()).find_map(|place| {
        let people = &before[place];
        // The same place is preferred where several slots are alike.
        let there = after.get(place).filter(|slot| *slot == people).map(|_| place);
        there.or_else(|| after.iter().position(|slot| slot == people))
    });
    let place = i64::try_from(survivor.unwrap_or(0)).ok()?;
    let slots = i64::try_from(after.len()).ok()?;
    u32::try_from((place - turn).rem_euclid(slots)).ok()
}

/// What an edit will change for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Who.
    pub user: UserId,
    /// When they are on call and would not have been.
    pub gained: Vec<Span>,
    /// When they would have been on call and are not any more.
    pub lost: Vec<Span>,
}

/// What an edit will change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Who is on call after the edit.
    pub timeline: Vec<Segment>,
    /// Everybody whose shifts change, in the order of ids.
    pub moved: Vec<Moved>,
    /// When nobody is on call after the edit.
    pub gaps: Vec<Span>,
    /// Those of the gaps, or parts of them, that the edit opens.
    pub opened: Vec<Span>,
    /// How time was shared.
    pub before: Report,
    /// How time is shared after the edit.
    pub after: Report,
}

impl Preview {
    /// Compares a schedule with what it would become, within a range.
    pub fn of(before: &Timetable, after: &Timetable, within: Span) -> Result<Self, TooLong> {
        let old = before.timeline(within.start, within.end)?;
        let new = after.timeline(within.start, within.end)?;
        let gaps = gaps(&new);
        Ok(Self {
            moved: moved(&old, &new),
            opened: without(&gaps, &self::gaps(&old)),
            gaps,
            before: before.report_on(&old),
            after: after.report_on(&new),
            timeline: new,
        })
    }
}

/// Whose shifts differ between two timelines of one range, in the order of ids.
pub fn moved(before: &[Segment], after: &[Segment]) -> Vec<Moved> {
    let mut people: Vec<UserId> =
        before.iter().chain(after).flat_map(|segment| &segment.users).copied().collect();
    people.sort_unstable();
    people.dedup();
    let of_person = |user: UserId| {
        let (old, new) = (shifts(before, user), shifts(after, user));
        let (gained, lost) = (without(&new, &old), without(&old, &new));
        (!gained.is_empty() || !lost.is_empty()).then_some(Moved { user, gained, lost })
    };
    people.into_iter().filter_map(of_person).collect()
}

/// What lies in some spans and not in others; both in order and without overlaps.
fn without(spans: &[Span], others: &[Span]) -> Vec<Span> {
    let mut left = vec![];
    let mut next = 0;
    for span in spans {
        let mut start = span.start;
        while next < others.len() && others[next].end <= start {
            next += 1;
        }
        for other in others[next..].iter().take_while(|other| other.start < span.end) {
            if start < other.start {
                left.push(Span { start, end: other.start });
            }
            start = start.max(other.end);
        }
        if start < span.end {
            left.push(Span { start, end: span.end });
        }
    }
    left
}
