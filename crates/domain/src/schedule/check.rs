//! What a version may say. Each refusal names the field and the rule.

use chrono::{Datelike, NaiveDateTime, NaiveTime, Timelike};
use chrono_tz::Tz;

use super::{
    model::{Layer, Rotation, Span, Unit, Version, Window},
    recurrence::Rule,
};
use crate::{Invalid, validate};

/// Layers that one version may have.
pub const MAX_LAYERS: usize = 30;
/// Slots that one layer may have.
pub const MAX_SLOTS: usize = 200;
/// People who may share a slot, or whom an override may put on call.
pub const MAX_SHARING: usize = 50;
/// Restrictions that one layer may have.
pub const MAX_WINDOWS: usize = 50;
/// The most units that a turn may last.
const MAX_EVERY: u32 = 365;
/// The most hours that a turn may last: a year.
const MAX_HOURS: u32 = 366 * 24;
/// The longest part of a turn, in minutes: a year.
const MAX_SHIFT: u32 = 366 * 24 * 60;
/// How far priorities may lie from zero.
const MAX_PRIORITY: i32 = 1_000_000_000;

/// Checks all that a version says. `layers[1].participants` is how a refusal names a field.
pub fn check_version(version: &Version) -> Result<(), Invalid> {
    check_zone("timeZone", &version.time_zone)?;
    let layers = &version.layers;
    validate::within("layers", layers.len(), 0, MAX_LAYERS)?;
    for (index, layer) in layers.iter().enumerate() {
        let path = format!("layers[{index}]");
        if layers[..index].iter().any(|earlier| earlier.id == layer.id) {
            return Err(Invalid::new(format!("{path}.id"), "must not be repeated"));
        }
        check_layer(layer).map_err(|why| Invalid::new(format!("{path}.{}", why.field), why.rule))?;
    }
    Ok(())
}

fn check_layer(layer: &Layer) -> Result<(), Invalid> {
    validate::line("name", &layer.name, 100)?;
    validate::within("priority", layer.priority, -MAX_PRIORITY, MAX_PRIORITY)?;
    layer.time_zone.as_ref().map_or(Ok(()), |name| check_zone("timeZone", name))?;
    check_start(layer.rotation_start)?;
    check_rotation(&layer.rotation, layer.rotation_start)?;
    layer.shift_minutes.map_or(Ok(()), |minutes| validate::within("shiftMinutes", minutes, 1, MAX_SHIFT))?;
    validate::within("participants", layer.participants.len(), 1, MAX_SLOTS)?;
    for (index, slot) in layer.participants.iter().enumerate() {
        validate::within(&format!("participants[{index}]"), slot.len(), 0, MAX_SHARING)?;
        if let Some(place) = (1..slot.len()).find(|place| slot[..*place].contains(&slot[*place])) {
            let field = format!("participants[{index}][{place}]");
            return Err(Invalid::new(field, "must not be repeated within a slot"));
        }
    }
    let slots = u32::try_from(layer.participants.len()).unwrap_or(u32::MAX);
    validate::within("firstSlot", layer.first_slot, 0, slots - 1)?;
    validate::within("restrictions", layer.restrictions.len(), 0, MAX_WINDOWS)?;
    for (index, window) in layer.restrictions.iter().enumerate() {
        let (Window::Daily { from, to, .. } | Window::Weekly { from, to, .. }) = window;
        for (name, time) in [("from", from), ("to", to)] {
            if !whole_minute(*time) {
                let field = format!("restrictions[{index}].{name}");
                return Err(Invalid::new(field, "must be a time of day in whole minutes"));
            }
        }
    }
    Ok(())
}

fn check_rotation(rotation: &Rotation, start: NaiveDateTime) -> Result<(), Invalid> {
    match rotation {
        Rotation::Daily { every } | Rotation::Weekly { every } => {
            validate::within("rotation.every", *every, 1, MAX_EVERY)
        }
        Rotation::Custom { every, unit } => {
            let most = if *unit == Unit::Hours { MAX_HOURS } else { MAX_EVERY };
            validate::within("rotation.every", *every, 1, most)
        }
        Rotation::Rrule { rule } => {
            Rule::read(rule, start).map(drop).map_err(|why| Invalid::new("rotation.rrule", why))
        }
    }
}

fn check_start(start: NaiveDateTime) -> Result<(), Invalid> {
    if (1970..=2200).contains(&start.year()) && whole_minute(start.time()) {
        return Ok(());
    }
    Err(Invalid::new("rotationStart", "must be a local time in whole minutes, from the year 1970 to 2200"))
}

fn check_zone(field: &str, name: &str) -> Result<(), Invalid> {
    name.parse::<Tz>().map(drop).map_err(|_| unknown_zone(field.to_owned(), name))
}

/// Says that there is no zone of a name.
pub(super) fn unknown_zone(field: String, name: &str) -> Invalid {
    let shown: String = name.chars().filter(|char| !char.is_control()).take(60).collect();
    Invalid::new(field, format!("must be an IANA zone such as Europe/Berlin, not `{shown}`"))
}

/// Checks that a stretch of time has a beginning before its end.
pub fn check_span(field: &str, span: Span) -> Result<(), Invalid> {
    if span.start < span.end {
        return Ok(());
    }
    Err(Invalid::new(format!("{field}end"), format!("must be later than the start, {}", span.start)))
}

fn whole_minute(time: NaiveTime) -> bool {
    time.second() == 0 && time.nanosecond() == 0
}
