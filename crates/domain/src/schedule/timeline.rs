//! Who is on call over a range: the timeline, and what can be derived from it.

use super::{
    model::Span,
    rota::Rota,
    timetable::{Era, Timetable, unite},
};
use crate::{LayerId, Timestamp, UserId};

/// The most boundaries that one question may make us look at.
const MAX_BOUNDARIES: u64 = 200_000;

/// A range in which too much happens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be shorter: more than {MAX_BOUNDARIES} changes may lie in it")]
pub struct TooLong;

/// A stretch of time with the same people on call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// When it begins.
    pub start: Timestamp,
    /// When it ends, itself excluded.
    pub end: Timestamp,
    /// Who is on call, in the order of ids; nobody in a gap.
    pub users: Vec<UserId>,
}

impl Segment {
    /// From when to when.
    pub const fn span(&self) -> Span {
        Span { start: self.start, end: self.end }
    }
}

/// What one layer yields over a range, whether or not it wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerTimeline {
    /// Which layer.
    pub layer: LayerId,
    /// Its people, gaps included.
    pub segments: Vec<Segment>,
}

/// An instant at which people's time on call begins or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handoff {
    /// When.
    pub at: Timestamp,
    /// Who is on call from then on and was not before.
    pub started: Vec<UserId>,
    /// Who was on call and is not any more.
    pub ended: Vec<UserId>,
}

impl Timetable {
    /// Who is on call from an instant to another: longest stretches with the same people, gaps included.
    pub fn timeline(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Segment>, TooLong> {
        let mut segments = Segments::default();
        let mut scratch = vec![];
        for (span, era) in self.parts(from, to) {
            let Some(era) = era else {
                // Overrides act before the first version too.
                let mut bounds = if self.is_open(span.start) { self.log.bounds(span) } else { vec![] };
                bounds.push(span.start);
                bounds.sort_unstable();
                for at in bounds {
                    segments.begin(at, &self.on_call(at));
                }
                continue;
            };
            let mut steps = era.steps(span)?;
            steps.extend(self.log.bounds(span).into_iter().map(|at| Step {
                at,
                rota: usize::MAX,
                slot: None,
            }));
            // Each layer's steps are in order already, which this sort makes use of.
            steps.sort_by_key(|step| step.at);
            let mut slots = vec![None; era.rotas.len()];
            for group in steps.chunk_by(|one, next| one.at == next.at) {
                let at = group[0].at;
                for step in group.iter().filter(|step| step.rota != usize::MAX) {
                    slots[step.rota] = step.slot;
                }
                scratch.clear();
                unite(era.rotas.iter().zip(slots.iter().copied()), &mut scratch);
                self.log.adjust(at, &mut scratch);
                segments.begin(at, &scratch);
            }
        }
        Ok(segments.end(to))
    }

    /// What each layer yields over a range, before priorities, overrides and swaps.
    pub fn layers(&self, from: Timestamp, to: Timestamp) -> Result<Vec<LayerTimeline>, TooLong> {
        let parts = self.parts(from, to);
        let mut ids: Vec<LayerId> = vec![];
        for rota in parts.iter().filter_map(|(_, era)| *era).flat_map(|era| &era.rotas) {
            if !ids.contains(&rota.id) {
                ids.push(rota.id);
            }
        }
        let of_layer = |layer: LayerId| {
            let mut segments = Segments::default();
            for (span, era) in &parts {
                segments.begin(span.start, &[]);
                let Some(rota) = era.and_then(|era| era.rotas.iter().find(|rota| rota.id == layer)) else {
                    continue;
                };
                for (at, slot) in runs(rota, *span)? {
                    segments.begin(at, slot.map_or(&[], |slot| rota.people(slot)));
                }
            }
            Ok(LayerTimeline { layer, segments: segments.end(to) })
        };
        ids.into_iter().map(of_layer).collect()
    }

    /// Stretches of a range in which nobody is on call.
    pub fn gaps(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Span>, TooLong> {
        Ok(gaps(&self.timeline(from, to)?))
    }

    /// When a person is on call within a range, cut to it.
    pub fn shifts(&self, user: UserId, from: Timestamp, to: Timestamp) -> Result<Vec<Span>, TooLong> {
        Ok(shifts(&self.timeline(from, to)?, user))
    }

    /// The first time on call of a person that begins in a range, cut at its end.
    pub fn next_shift(
        &self,
        user: UserId,
        from: Timestamp,
        horizon: Timestamp,
    ) -> Result<Option<Span>, TooLong> {
        let goes_on = self.on_call(just_before(from)).contains(&user);
        let begins = |shift: &Span| shift.start > from || !goes_on;
        Ok(self.shifts(user, from, horizon)?.into_iter().find(begins))
    }

    /// Every instant of a range at which somebody's time on call begins or ends.
    pub fn handoffs(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Handoff>, TooLong> {
        let mut before = self.on_call(just_before(from));
        let mut handoffs = vec![];
        for segment in self.timeline(from, to)? {
            let among = |people: &[UserId], others: &[UserId]| {
                people.iter().filter(|one| others.binary_search(one).is_err()).copied().collect()
            };
            let (started, ended) = (among(&segment.users, &before), among(&before, &segment.users));
            if segment.users != before {
                handoffs.push(Handoff { at: segment.start, started, ended });
            }
            before = segment.users;
        }
        Ok(handoffs)
    }

    /// The first instant after `at` and before a horizon at which others are on call than at `at`.
    pub fn next_change(&self, at: Timestamp, horizon: Timestamp) -> Option<Timestamp> {
        let now = self.on_call(at);
        let mut next = at;
        for _ in 0..MAX_BOUNDARIES {
            next = self.next_boundary(next).filter(|next| *next < horizon)?;
            if self.on_call(next) != now {
                return Some(next);
            }
        }
        None
    }

    /// A person's time on call around an instant, cut to a range; none if they are not on call then.
    pub fn shift_at(&self, user: UserId, at: Timestamp, within: Span) -> Result<Option<Span>, TooLong> {
        Ok(self.shifts(user, within.start, within.end)?.into_iter().find(|shift| shift.contains(at)))
    }

    /// The parts of a range by the version that holds; none before the first and after the end.
    pub(super) fn parts(&self, from: Timestamp, to: Timestamp) -> Vec<(Span, Option<&Era>)> {
        let mut parts = vec![];
        let mut start = from;
        while start < to {
            let next = self.eras.iter().map(|era| era.from).find(|next| *next > start);
            let end = next.into_iter().chain(self.retired_at.filter(|end| *end > start)).chain([to]).min();
            let end = end.unwrap_or(to);
            parts.push((Span { start, end }, self.era(start)));
            start = end;
        }
        parts
    }
}

/// Stretches of a timeline in which nobody is on call.
pub fn gaps(timeline: &[Segment]) -> Vec<Span> {
    timeline.iter().filter(|segment| segment.users.is_empty()).map(Segment::span).collect()
}

/// Stretches of a timeline in which a person is on call.
pub fn shifts(timeline: &[Segment], user: UserId) -> Vec<Span> {
    let mut shifts: Vec<Span> = vec![];
    for segment in timeline.iter().filter(|segment| segment.users.binary_search(&user).is_ok()) {
        match shifts.last_mut() {
            Some(last) if last.end == segment.start => last.end = segment.end,
            _ => shifts.push(segment.span()),
        }
    }
    shifts
}

fn just_before(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.millis() - 1)
}

/// An instant from which on a layer says something else.
struct Step {
    at: Timestamp,
    rota: usize,
    slot: Option<usize>,
}

impl Era {
    /// What every layer says at the beginning of a span, and each time it says something else.
    fn steps(&self, span: Span) -> Result<Vec<Step>, TooLong> {
        let effort: u64 = self.rotas.iter().map(|rota| rota.effort(span.start, span.end)).sum();
        if effort > MAX_BOUNDARIES {
            return Err(TooLong);
        }
        let mut steps = vec![Step { at: span.start, rota: usize::MAX, slot: None }];
        for (index, rota) in self.rotas.iter().enumerate() {
            let runs = runs(rota, span)?.into_iter();
            steps.extend(runs.map(|(at, slot)| Step { at, rota: index, slot }));
        }
        Ok(steps)
    }
}

/// The slot that a layer has on call at the beginning of a span, and each time that changes.
fn runs(rota: &Rota, span: Span) -> Result<Vec<(Timestamp, Option<usize>)>, TooLong> {
    if rota.effort(span.start, span.end) > MAX_BOUNDARIES {
        return Err(TooLong);
    }
    let (mut last, mut next) = rota.slot_and_next(span.start);
    let mut runs = vec![(span.start, last)];
    while let Some(at) = next.filter(|at| *at < span.end) {
        let (slot, after) = rota.slot_and_next(at);
        if slot != last {
            runs.push((at, slot));
            last = slot;
        }
        next = after;
    }
    Ok(runs)
}

/// Joins neighbours with the same people.
#[derive(Default)]
struct Segments(Vec<Segment>);

impl Segments {
    /// From here on these people are on call.
    fn begin(&mut self, at: Timestamp, users: &[UserId]) {
        if let Some(last) = self.0.last_mut() {
            if last.users == users {
                return;
            }
            last.end = at;
            if last.start == at {
                // What was said last about an instant holds.
                self.0.pop();
                return self.begin(at, users);
            }
        }
        self.0.push(Segment { start: at, end: at, users: users.to_vec() });
    }

    fn end(mut self, at: Timestamp) -> Vec<Segment> {
        if let Some(last) = self.0.last_mut() {
            last.end = at;
        }
        self.0
    }
}
