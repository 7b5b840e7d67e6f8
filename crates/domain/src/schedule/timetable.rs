//! A schedule made ready for questions: the one place that says who is on call.
//!
//! Screen, API, calendars, notices and the pager all ask here. Nothing is stored of where a rotation
//! stands: the answer follows from what the schedule says and the instant alone.

use std::sync::Arc;

use chrono_tz::Tz;

use super::{
    adjustment::{Adjustment, Log, Source},
    model::{Layer, Version},
    recurrence::Rules,
    rota::Rota,
    tzdb::Zones,
    zone::Zone,
};
use crate::{Invalid, LayerId, Timestamp, UserId};

/// A schedule made ready for questions.
#[derive(Debug)]
pub struct Timetable {
    /// By their beginnings.
    pub(super) eras: Vec<Era>,
    pub(super) log: Log,
    /// From when on nobody is on call.
    pub(super) retired_at: Option<Timestamp>,
}

/// A version made ready for questions.
#[derive(Debug)]
pub(super) struct Era {
    pub(super) from: Timestamp,
    pub(super) zone: Arc<Zone>,
    pub(super) rotas: Vec<Rota>,
}

/// What made somebody's time on call begin or end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A turn, a restriction, or the beginning or end of a layer.
    Turn,
    /// An override began, ended or was cancelled.
    Override(crate::OverrideId),
    /// A swap began, ended or was undone.
    Swap(crate::SwapId),
    /// Another version began, or the schedule was retired.
    Edit,
}

impl Timetable {
    /// Makes a schedule ready. Versions are in the order of their beginnings.
    pub fn new<'a>(
        versions: impl IntoIterator<Item = &'a Version>,
        adjustments: impl IntoIterator<Item = Adjustment>,
        retired_at: Option<Timestamp>,
        zones: &dyn Zones,
    ) -> Result<Self, Invalid> {
        let (mut eras, mut rules) = (vec![], Rules::default());
        for (index, version) in versions.into_iter().enumerate() {
            eras.push(Era::new(version, zones, &mut rules, &format!("versions[{index}]"))?);
        }
        Ok(Self { eras, log: Log::new(adjustments), retired_at })
    }

    /// Who is on call at an instant, past or future, in the order of ids. Nobody before the first version.
    pub fn on_call(&self, at: Timestamp) -> Vec<UserId> {
        let mut on_call = vec![];
        if let Some(era) = self.era(at) {
            era.turn_of(at, &mut on_call);
        }
        if self.is_open(at) {
            self.log.adjust(at, &mut on_call);
        }
        on_call
    }

    /// The first instant after `at` at which anything may change; none if nothing ever will.
    pub fn next_boundary(&self, at: Timestamp) -> Option<Timestamp> {
        if !self.is_open(at) {
            return None;
        }
        let layers = self.era(at).into_iter().flat_map(|era| &era.rotas);
        let layers = layers.filter_map(|rota| rota.next_boundary(at));
        let version = self.eras.iter().map(|era| era.from).find(|from| *from > at);
        layers.chain(version).chain(self.log.next_bound(at)).chain(self.retired_at).min()
    }

    /// Who would be on call by the turns alone, before overrides and swaps.
    pub fn turns(&self, at: Timestamp) -> Vec<UserId> {
        let mut on_call = vec![];
        if let Some(era) = self.era(at) {
            era.turn_of(at, &mut on_call);
        }
        on_call
    }

    /// Overrides and swaps that act at an instant, in the order in which they apply.
    pub fn acting(&self, at: Timestamp) -> Vec<Source> {
        if self.is_open(at) { self.log.acting(at).map(|one| one.source).collect() } else { vec![] }
    }

    /// The number of a layer's turn at an instant, from 0; none if it has not begun or is not there.
    pub fn turn_number(&self, layer: LayerId, at: Timestamp) -> Option<i64> {
        self.era(at)?.rotas.iter().find(|rota| rota.id == layer)?.turn(at)
    }

    /// Overrides and swaps that act at an instant or later, and never find the one whom they are to relieve.
    /// What is too long to look through is taken to find somebody.
    pub fn idle(&self, from: Timestamp) -> Vec<Source> {
        const LOOKS: usize = 5_000;
        let finds = |place: usize, adjustment: &Adjustment| {
            let Some(relieved) = adjustment.change.relieves() else { return true };
            let mut at = from.max(adjustment.span.start);
            for _ in 0..LOOKS {
                if at >= adjustment.span.end || !self.is_open(at) {
                    return false;
                }
                let mut on_call = self.turns(at);
                self.log.adjust_before(place, at, &mut on_call);
                if on_call.contains(&relieved) {
                    return true;
                }
                at = self.next_boundary(at).unwrap_or(adjustment.span.end);
            }
            true
        };
        let ahead = self.log.entries().iter().enumerate().filter(|(_, one)| one.span.end > from);
        let mut idle: Vec<Source> = vec![];
        let mut busy = vec![];
        for (place, one) in ahead {
            if finds(place, one) { busy.push(one.source) } else { idle.push(one.source) }
        }
        // A swap of which one leg acts is not idle.
        idle.retain(|source| !busy.contains(source));
        idle.dedup();
        idle
    }

    /// What makes who is on call change at an instant at which it does.
    pub fn cause(&self, at: Timestamp) -> Cause {
        let bound = |one: &&Adjustment| one.span.start == at || one.span.end == at;
        match self.log.entries().iter().rev().find(bound).map(|one| one.source) {
            Some(Source::Override(id)) => Cause::Override(id),
            Some(Source::Swap(id)) => Cause::Swap(id),
            None if self.retired_at == Some(at) || self.eras.iter().any(|era| era.from == at) => Cause::Edit,
            None => Cause::Turn,
        }
    }

    /// The wall clock of the version that holds at an instant.
    pub fn zone(&self, at: Timestamp) -> Option<&Zone> {
        self.era(at).map(|era| &*era.zone)
    }

    pub(super) fn era(&self, at: Timestamp) -> Option<&Era> {
        let next = self.eras.partition_point(|era| era.from <= at);
        next.checked_sub(1).filter(|_| self.is_open(at)).map(|last| &self.eras[last])
    }

    pub(super) fn is_open(&self, at: Timestamp) -> bool {
        self.retired_at.is_none_or(|retired_at| at < retired_at)
    }
}

impl Era {
    pub(super) fn new(
        version: &Version,
        zones: &dyn Zones,
        rules: &mut Rules,
        path: &str,
    ) -> Result<Self, Invalid> {
        let zone = zone(&version.time_zone, zones, || format!("{path}.timeZone"))?;
        let rota = |(index, layer): (usize, &Layer)| {
            let path = format!("{path}.layers[{index}]");
            let own = layer.time_zone.as_ref();
            let own = own.map(|name| self::zone(name, zones, || format!("{path}.timeZone"))).transpose()?;
            let rota = Rota::new(layer, own.unwrap_or_else(|| Arc::clone(&zone)), rules);
            rota.map_err(|why| Invalid::new(format!("{path}.{}", why.field), why.rule))
        };
        let rotas = version.layers.iter().enumerate().map(rota).collect::<Result<_, _>>()?;
        Ok(Self { from: version.effective_from, zone, rotas })
    }

    /// Adds the people whose turn it is to nobody.
    fn turn_of(&self, at: Timestamp, on_call: &mut Vec<UserId>) {
        unite(self.rotas.iter().map(|rota| (rota, rota.slot_at(at))), on_call);
    }
}

/// The zone of a name, or which field is wrong.
fn zone(name: &str, zones: &dyn Zones, field: impl FnOnce() -> String) -> Result<Arc<Zone>, Invalid> {
    match name.parse::<Tz>() {
        Ok(name) => Ok(zones.zone(name)),
        Err(_) => Err(super::check::unknown_zone(field(), name)),
    }
}

/// Lets the highest priority among the layers that yield somebody win; equal ones are united.
pub(super) fn unite<'a>(
    layers: impl IntoIterator<Item = (&'a Rota, Option<usize>)>,
    on_call: &mut Vec<UserId>,
) {
    let mut winner: Option<i32> = None;
    let mut united = false;
    for (rota, slot) in layers {
        let people = slot.map_or(&[] as &[_], |slot| rota.people(slot));
        if people.is_empty() || winner.is_some_and(|priority| priority > rota.priority) {
            continue;
        }
        if winner == Some(rota.priority) {
            united = true;
        } else {
            on_call.clear();
            united = false;
        }
        winner = Some(rota.priority);
        on_call.extend_from_slice(people);
    }
    if united {
        on_call.sort_unstable();
        on_call.dedup();
    }
}
