//! Reads the definition of a schedule.

use std::collections::HashSet;

use domain::{
    Invalid,
    schedule::{
        self, Adjustment, Change, Layer, MAX_LAYERS, MAX_SHARING, MAX_SLOTS, MAX_WINDOWS, Rotation, Source,
        Span, Unit, Version, Window, Zones, check_span, check_version,
    },
};

use super::{
    node::{Names, Node},
    question::Edit,
};

/// Versions that a schedule may have.
const MAX_VERSIONS: usize = 1000;
/// Layers that all versions may have together.
const MAX_LAYERS_IN_ALL: usize = 1000;
/// Overrides, and swaps, that a schedule may have.
const MAX_ADJUSTMENTS: usize = 10_000;

/// A schedule as it was written.
pub(super) struct Definition {
    pub(super) versions: Vec<Version>,
    pub(super) adjustments: Vec<Adjustment>,
}

impl Definition {
    pub(super) fn read(node: &Node<'_>, names: &Names) -> Result<Self, Invalid> {
        node.object()?;
        let mut versions: Vec<Version> = vec![];
        let mut layers = 0;
        for item in node.at("versions").list(MAX_VERSIONS)? {
            let version = version(&item, names)?;
            if versions.last().is_some_and(|last| last.effective_from >= version.effective_from) {
                return Err(item.at("effective_from").wrong("must be later than that of the version before"));
            }
            layers += version.layers.len();
            if layers > MAX_LAYERS_IN_ALL {
                return Err(item
                    .wrong(format!("must not bring the layers of all versions above {MAX_LAYERS_IN_ALL}")));
            }
            versions.push(version);
        }
        let mut adjustments = vec![];
        let mut known = HashSet::new();
        for item in node.at("overrides").items(MAX_ADJUSTMENTS)? {
            adjustments.push(unique(&item, &mut known).and_then(|()| read_override(&item, names))?);
        }
        for item in node.at("swaps").items(MAX_ADJUSTMENTS)? {
            unique(&item, &mut known)?;
            adjustments.extend(read_swap(&item, names)?);
        }
        Ok(Self { versions, adjustments })
    }

    /// Changes a layer from an instant on, and tells the first slot that it got.
    pub(super) fn edit(&mut self, edit: Edit, zones: &dyn Zones) -> Result<u32, Invalid> {
        let Edit { effective_from, keep_current, layer } = edit;
        let wrong = |field: &str, rule: &str| Invalid::new(format!("query.edit.{field}"), rule);
        let next = self.versions.partition_point(|one| one.effective_from <= effective_from);
        let Some(old) = next.checked_sub(1).map(|last| self.versions[last].clone()) else {
            return Err(wrong("effective_from", "must not be before the first version"));
        };
        let Some(place) = old.layers.iter().position(|one| one.id == layer.id) else {
            return Err(wrong("layer_id", "must name a layer of the version that is edited"));
        };
        let mut new = Version { effective_from, ..old.clone() };
        new.layers[place] = layer;
        if keep_current {
            new = schedule::keep_current(&old, &new, zones)?;
        }
        let first_slot = new.layers[place].first_slot;
        if old.effective_from == effective_from {
            self.versions[next - 1] = new;
        } else {
            self.versions.insert(next, new);
        }
        Ok(first_slot)
    }
}

fn unique<'a>(node: &Node<'a>, known: &mut HashSet<&'a str>) -> Result<(), Invalid> {
    let id = node.at("id");
    if known.insert(id.text()?) { Ok(()) } else { Err(id.wrong("must not be repeated")) }
}

fn version(node: &Node<'_>, names: &Names) -> Result<Version, Invalid> {
    node.object()?;
    let layers = node.at("layers").list(MAX_LAYERS)?;
    let version = Version {
        effective_from: node.at("effective_from").instant()?,
        time_zone: node.at("time_zone").text()?.to_owned(),
        layers: layers.iter().map(|item| layer(item, names)).collect::<Result<_, _>>()?,
    };
    check_version(&version).map_err(|why| node.at(&why.field).wrong(why.rule))?;
    Ok(version)
}

/// Reads a layer. What it says is checked with its version.
pub(super) fn layer(node: &Node<'_>, names: &Names) -> Result<Layer, Invalid> {
    node.object()?;
    let slots = node.at("participants").list(MAX_SLOTS)?;
    let participants: Vec<_> =
        slots.iter().map(|slot| names.users(slot, MAX_SHARING)).collect::<Result<_, _>>()?;
    let first_slot: u32 = node.at("first_slot").given().map_or(Ok(0), |first| first.number())?;
    let windows = node.at("restrictions").items(MAX_WINDOWS)?;
    Ok(Layer {
        id: names.layer(&node.at("id"))?,
        // The format has no names, only ids.
        name: "layer".to_owned(),
        priority: node.at("priority").given().map_or(Ok(0), |priority| priority.number())?,
        time_zone: node.at("time_zone").given().map(|zone| zone.text().map(str::to_owned)).transpose()?,
        rotation: rotation(&node.at("rotation"))?,
        rotation_start: node.at("rotation_start").local()?,
        end: node.at("end").given().map(|end| end.instant()).transpose()?,
        shift_minutes: node.at("shift_minutes").given().map(|minutes| minutes.number()).transpose()?,
        // The slot of a turn counts on from the first one, round and round.
        first_slot: first_slot % u32::try_from(participants.len()).unwrap_or(1).max(1),
        participants,
        restrictions: windows.iter().map(window).collect::<Result<_, _>>()?,
    })
}

fn rotation(node: &Node<'_>) -> Result<Rotation, Invalid> {
    node.object()?;
    let every = || node.at("every").given().map_or(Ok(1), |every| every.number());
    let kind = node.at("type");
    Ok(match kind.text()? {
        "daily" => Rotation::Daily { every: every()? },
        "weekly" => Rotation::Weekly { every: every()? },
        "custom" => {
            let unit = node.at("unit");
            let unit = match unit.text()? {
                "hours" => Unit::Hours,
                "days" => Unit::Days,
                "weeks" => Unit::Weeks,
                _ => return Err(unit.wrong("must be one of hours, days, weeks")),
            };
            Rotation::Custom { every: node.at("every").number()?, unit }
        }
        "rrule" => Rotation::Rrule { rule: node.at("rrule").text()?.to_owned() },
        _ => return Err(kind.wrong("must be one of daily, weekly, custom, rrule")),
    })
}

fn window(node: &Node<'_>) -> Result<Window, Invalid> {
    node.object()?;
    let (from, to) = (node.at("from").time_of_day()?, node.at("to").time_of_day()?);
    let (from_day, to_day) = (node.at("from_day").given(), node.at("to_day").given());
    if from_day.is_some() || to_day.is_some() {
        let (from_day, to_day) = (node.at("from_day").day()?, node.at("to_day").day()?);
        return Ok(Window::Weekly { from_day, from, to_day, to });
    }
    let days = node.at("days").items(7)?.iter().map(Node::day).collect::<Result<_, _>>()?;
    Ok(Window::Daily { from, to, days })
}

fn span(node: &Node<'_>) -> Result<Span, Invalid> {
    node.object()?;
    let span = Span { start: node.at("start").instant()?, end: node.at("end").instant()? };
    check_span("", span).map_err(|why| node.at(&why.field).wrong(why.rule))?;
    Ok(span)
}

fn read_override(node: &Node<'_>, names: &Names) -> Result<Adjustment, Invalid> {
    node.object()?;
    let kind = node.at("kind");
    let change = match kind.text()? {
        "set" => Change::Set { users: names.users(&node.at("users"), MAX_SHARING)? },
        "add" => Change::Add { user: names.user(&node.at("user"))? },
        "remove" => Change::Remove { user: names.user(&node.at("user"))? },
        "replace" => {
            let (from, to) = (names.user(&node.at("from_user"))?, names.user(&node.at("to_user"))?);
            Change::Replace { from, to }
        }
        _ => return Err(kind.wrong("must be one of set, replace, add, remove")),
    };
    let source = Source::Override(names.r#override(&node.at("id"))?);
    let cancelled_at = node.at("cancelled_at").given().map(|at| at.instant()).transpose()?;
    Ok(Adjustment::new(source, change, span(node)?, node.at("created_at").instant()?, cancelled_at))
}

fn read_swap(node: &Node<'_>, names: &Names) -> Result<Vec<Adjustment>, Invalid> {
    node.object()?;
    let source = Source::Swap(names.swap(&node.at("id"))?);
    let from = names.user(&node.at("from_user"))?;
    let to = node.at("to_user").given().map(|to| names.user(&to)).transpose()?;
    if to == Some(from) {
        return Err(node.at("to_user").wrong("must be somebody else than from_user"));
    }
    let give = span(&node.at("give"))?;
    let take = node.at("take").given().map(|take| span(&take)).transpose()?;
    if take.is_some_and(|take| take.overlaps(give)) {
        return Err(node.at("take").wrong("must not overlap give"));
    }
    let accepted_at = node.at("accepted_at").given().map(|at| at.instant()).transpose()?;
    let cancelled_at = node.at("cancelled_at").given().map(|at| at.instant()).transpose()?;
    let Some(accepted_at) = accepted_at else { return Ok(vec![]) };
    let to = to.ok_or_else(|| node.at("to_user").wrong("must say who accepted the swap"))?;
    let leg = |from, to, window| {
        Adjustment::new(source, Change::Replace { from, to }, window, accepted_at, cancelled_at)
    };
    let take = take.map(|take| leg(to, from, take).second());
    Ok([leg(from, to, give)].into_iter().chain(take).collect())
}
