//! Layers as callers give them.

use std::sync::Arc;

use async_graphql::{ID, InputObject, SimpleObject};
use chrono_tz::Tz;
use domain::{
    LayerId, UserId,
    schedule::{Layer, Rotation, Unit, Version, Window, Written, Zones},
};
use uuid::Uuid;

use crate::graphql::{
    caller::{References, parse},
    rejection::Rejection,
    scalar::{DateTime, LocalDateTime, TimeOfDay},
    words,
};

/// People who take turns.
#[derive(InputObject)]
pub(in crate::graphql) struct ScheduleLayerInput {
    /// The layer of the schedule that this one is, edited; left out for a new one.
    id: Option<ID>,
    /// Its name, one line.
    #[graphql(default_with = "\"On call\".to_owned()")]
    name: String,
    /// The highest priority wins; equal ones are on call together.
    #[graphql(default)]
    priority: i32,
    /// The zone whose wall clock it follows, if that is not the schedule's.
    time_zone: Option<String>,
    /// The rhythm of handoffs.
    rotation: LayerRotationInput,
    /// The first handoff on the wall clock, such as `2026-11-23T09:00`. Nobody is on call before it.
    rotation_start: LocalDateTime,
    /// When it ends, itself excluded.
    end: Option<DateTime>,
    /// On call only for so many minutes from the beginning of each turn.
    shift_minutes: Option<u32>,
    /// Whose turn the first one is, as an index into the participants. Of no consequence where an edit keeps the
    /// current person.
    #[graphql(default)]
    first_slot: u32,
    /// Who takes turns, in order; several people share a slot, an empty slot is nobody's.
    participants: Vec<Vec<ID>>,
    /// When the layer has somebody on call, all of them united; always, if there are none. The turns go on underneath.
    #[graphql(default)]
    restrictions: Vec<LayerRestrictionInput>,
}

/// The rhythm of a layer's handoffs.
#[derive(InputObject)]
pub(in crate::graphql) struct LayerRotationInput {
    /// What sort of rhythm it is.
    kind: words::RotationKind,
    /// How many days, weeks or units a turn lasts; not for a rule.
    every: Option<u32>,
    /// What a custom rotation counts.
    unit: Option<words::Unit>,
    /// The recurrence rule of RFC 5545, such as `FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR` for turns on weekdays only. It begins
    /// with the first handoff.
    rrule: Option<String>,
}

/// A part of every day, from a time of day to another, or of every week.
#[derive(InputObject)]
pub(in crate::graphql) struct LayerRestrictionInput {
    /// When it opens, such as `22:00`.
    from: TimeOfDay,
    /// When it closes; if that is not later, on the next day or in the next week.
    to: TimeOfDay,
    /// The days on which it opens; every day, if none is named. Not for a part of the week.
    #[graphql(default)]
    days: Vec<words::Weekday>,
    /// The day on which a part of the week opens.
    from_day: Option<words::Weekday>,
    /// The day on which a part of the week closes.
    to_day: Option<words::Weekday>,
}

/// Something that was accepted, but that the caller may not have meant.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub(in crate::graphql) struct Warning {
    /// The input field, as a path such as `layers[0].rotationStart`.
    pub(in crate::graphql) field: String,
    /// What it is about, in words.
    pub(in crate::graphql) message: String,
    /// The instant that was chosen, or from which on it matters.
    pub(in crate::graphql) resolved_at: Option<DateTime>,
}

/// Reads layers. Ids of new ones follow from the command, so that a repeated request means the same layers; those that
/// are given must be among `known`.
pub(super) fn layers(
    given: Vec<ScheduleLayerInput>,
    known: &[LayerId],
    references: &mut References<'_>,
    command_id: Uuid,
) -> Result<Vec<Layer>, Rejection> {
    let mut layers = Vec::with_capacity(given.len());
    for (index, layer) in given.into_iter().enumerate() {
        let path = format!("layers[{index}]");
        let id = match &layer.id {
            Some(id) => {
                let field = format!("{path}.id");
                let id: LayerId = parse(&field, id)?;
                if !known.contains(&id) {
                    return Err(Rejection::invalid(&field, "must be that of a layer of this schedule"));
                }
                id
            }
            None => LayerId::new(commands::mint::derived(command_id, &format!("layer {index}"))),
        };
        layers.push(Layer {
            id,
            name: layer.name,
            priority: layer.priority,
            time_zone: layer.time_zone,
            rotation: rotation(layer.rotation, &path)?,
            rotation_start: layer.rotation_start.0,
            end: layer.end.map(|DateTime(end)| end),
            shift_minutes: layer.shift_minutes,
            first_slot: layer.first_slot,
            participants: participants(references, &format!("{path}.participants"), &layer.participants)?,
            restrictions: restrictions(layer.restrictions, &path)?,
        });
    }
    Ok(layers)
}

/// Reads who takes turns.
pub(super) fn participants(
    references: &mut References<'_>,
    path: &str,
    slots: &[Vec<ID>],
) -> Result<Vec<Vec<UserId>>, Rejection> {
    let mut participants = Vec::with_capacity(slots.len());
    for (index, slot) in slots.iter().enumerate() {
        let people = slot.iter().enumerate();
        let person = |(place, id)| references.active(format_args!("{path}[{index}][{place}]"), id);
        participants.push(people.map(person).collect::<Result<_, _>>()?);
    }
    Ok(participants)
}

fn rotation(given: LayerRotationInput, path: &str) -> Result<Rotation, Rejection> {
    use words::RotationKind as Kind;
    let LayerRotationInput { kind, every, unit, rrule } = given;
    let refuse = |field: &str, rule: &str| Err(Rejection::invalid(&format!("{path}.rotation.{field}"), rule));
    if unit.is_some() && kind != Kind::Custom {
        return refuse("unit", "must be left out unless the rotation is custom");
    }
    if rrule.is_some() && kind != Kind::Rrule {
        return refuse("rrule", "must be left out unless the rotation follows a rule");
    }
    Ok(match kind {
        Kind::Daily => Rotation::Daily { every: every.unwrap_or(1) },
        Kind::Weekly => Rotation::Weekly { every: every.unwrap_or(1) },
        Kind::Custom => {
            let Some(unit) = unit else {
                return refuse("unit", "must say what a custom rotation counts");
            };
            Rotation::Custom { every: every.unwrap_or(1), unit: unit.into() }
        }
        Kind::Rrule => {
            let Some(rule) = rrule else {
                return refuse("rrule", "must be a rule such as FREQ=WEEKLY;BYDAY=MO,FR");
            };
            if every.is_some() {
                return refuse("every", "must be left out, because the rule says it");
            }
            Rotation::Rrule { rule }
        }
    })
}

fn restrictions(given: Vec<LayerRestrictionInput>, path: &str) -> Result<Vec<Window>, Rejection> {
    let window = |(index, given): (usize, LayerRestrictionInput)| {
        let LayerRestrictionInput { from: TimeOfDay(from), to: TimeOfDay(to), days, from_day, to_day } =
            given;
        let refuse =
            |field, rule| Err(Rejection::invalid(&format!("{path}.restrictions[{index}].{field}"), rule));
        match (from_day, to_day) {
            (None, None) => {
                Ok(Window::Daily { from, to, days: days.into_iter().map(chrono::Weekday::from).collect() })
            }
            (Some(_), Some(_)) if !days.is_empty() => {
                refuse("days", "must be left out for a part of the week")
            }
            (Some(from_day), Some(to_day)) => {
                Ok(Window::Weekly { from_day: from_day.into(), from, to_day: to_day.into(), to })
            }
            (None, Some(_)) => refuse("fromDay", "must be given with toDay"),
            (Some(_), None) => refuse("toDay", "must be given with fromDay"),
        }
    };
    given.into_iter().enumerate().map(window).collect()
}

/// A rhythm in days or weeks, if it is one.
pub(super) const fn rhythm(rotation: &Rotation) -> Option<(words::Rotation, u32)> {
    match *rotation {
        Rotation::Daily { every } | Rotation::Custom { every, unit: Unit::Days } => {
            Some((words::Rotation::Daily, every))
        }
        Rotation::Weekly { every } | Rotation::Custom { every, unit: Unit::Weeks } => {
            Some((words::Rotation::Weekly, every))
        }
        Rotation::Custom { unit: Unit::Hours, .. } | Rotation::Rrule { .. } => None,
    }
}

/// Tells of local times that the wall clock skips or shows twice. They are accepted, so the caller is told which
/// instant they mean.
pub(super) fn warnings(version: &Version, zones: &Arc<dyn Zones>, short: Option<usize>) -> Vec<Warning> {
    let of_layer = |(index, layer): (usize, &Layer)| {
        let name = layer.time_zone.as_ref().unwrap_or(&version.time_zone);
        let start = layer.rotation_start;
        let why = match zones.zone(name.parse::<Tz>().ok()?).written(start) {
            Written::Once(_) => return None,
            Written::Skipped(at) => (at, "skips", "the first handoff is at the first instant after the gap"),
            Written::Twice(at) => (at, "shows", "the first handoff is the first time"),
        };
        let (at, verb, chosen) = why;
        let twice = if verb == "shows" { " twice" } else { "" };
        let field = if short == Some(index) {
            "rotationStart".to_owned()
        } else {
            format!("layers[{index}].rotationStart")
        };
        let message = format!("the wall clock of {name} {verb} {start}{twice}: {chosen}, {at}");
        Some(Warning { field, message, resolved_at: Some(DateTime(at)) })
    };
    version.layers.iter().enumerate().filter_map(of_layer).collect()
}
