//! What a schedule says: versions, layers, rotations and restrictions.

use std::sync::Arc;

use async_graphql::{ID, Object, SimpleObject};
use commands::Directory;
use domain::{
    Timestamp, UserId,
    schedule::{Layer, Rotation, Version, Window},
};

use crate::graphql::{
    scalar::{DateTime, LocalDateTime, TimeOfDay},
    user::User,
    words,
};

/// What a schedule says from an instant on, until the next version begins.
pub(super) struct ScheduleVersion {
    pub(super) directory: Arc<Directory>,
    pub(super) version: Version,
    /// When the next one begins.
    pub(super) until: Option<Timestamp>,
    pub(super) now: Timestamp,
}

impl ScheduleVersion {
    /// All versions, by their beginnings.
    pub(super) fn all(
        directory: &Arc<Directory>,
        state: &domain::schedule::Schedule,
        now: Timestamp,
    ) -> Vec<Self> {
        let ends = state.versions.iter().skip(1).map(|next| Some(next.effective_from)).chain([None]);
        let shown = |(version, until): (&Version, Option<Timestamp>)| Self {
            directory: Arc::clone(directory),
            version: version.clone(),
            until: until.or(state.retired_at),
            now,
        };
        state.versions.iter().zip(ends).map(shown).collect()
    }
}

/// What a schedule says from an instant on, until the next version begins.
#[Object]
impl ScheduleVersion {
    /// From when on it holds.
    async fn effective_from(&self) -> DateTime {
        DateTime(self.version.effective_from)
    }

    /// Until when it holds; null if nothing is planned after it.
    async fn effective_until(&self) -> Option<DateTime> {
        self.until.map(DateTime)
    }

    /// Whether it holds now.
    async fn current(&self) -> bool {
        self.version.effective_from <= self.now && self.until.is_none_or(|until| self.now < until)
    }

    /// The IANA zone whose wall clock its layers follow.
    async fn time_zone(&self) -> &str {
        &self.version.time_zone
    }

    /// Who takes turns; their order means nothing.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn layers(&self) -> Vec<ScheduleLayer> {
        ScheduleLayer::all(&self.directory, &self.version)
    }
}

/// People who take turns.
#[derive(SimpleObject)]
pub(in crate::graphql) struct ScheduleLayer {
    /// Its id, such as `lay_…`, stable over edits.
    id: ID,
    /// Its name.
    name: String,
    /// The highest priority wins; equal ones are on call together.
    priority: i32,
    /// The zone whose wall clock it follows, if that is not the version's.
    time_zone: Option<String>,
    /// The rhythm of handoffs.
    rotation: LayerRotation,
    /// The first handoff on the wall clock; it fixes the time of day and the weekday.
    rotation_start: LocalDateTime,
    /// When it ends, itself excluded.
    end: Option<DateTime>,
    /// On call only for so many minutes from the beginning of each turn.
    shift_minutes: Option<u32>,
    /// Whose turn the first one is, as an index into the participants.
    first_slot: u32,
    /// Who takes turns, in order; several people share a slot, an empty slot is nobody's.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    participants: Vec<Vec<User>>,
    /// When the layer has somebody on call, all of them united; always, if there are none.
    restrictions: Vec<LayerRestriction>,
}

impl ScheduleLayer {
    pub(super) fn all(directory: &Directory, version: &Version) -> Vec<Self> {
        version.layers.iter().map(|layer| Self::shown(directory, layer)).collect()
    }

    fn shown(directory: &Directory, layer: &Layer) -> Self {
        Self {
            id: layer.id.into(),
            name: layer.name.clone(),
            priority: layer.priority,
            time_zone: layer.time_zone.clone(),
            rotation: LayerRotation::shown(&layer.rotation),
            rotation_start: LocalDateTime(layer.rotation_start),
            end: layer.end.map(DateTime),
            shift_minutes: layer.shift_minutes,
            first_slot: layer.first_slot,
            participants: slots(directory, layer),
            restrictions: layer.restrictions.iter().map(LayerRestriction::shown).collect(),
        }
    }
}

/// The people of a layer's slots.
pub(super) fn slots(directory: &Directory, layer: &Layer) -> Vec<Vec<User>> {
    let people = |slot: &Vec<UserId>| slot.iter().filter_map(|id| User::find(directory, *id)).collect();
    layer.participants.iter().map(people).collect()
}

/// The rhythm of a layer's handoffs.
#[derive(SimpleObject)]
struct LayerRotation {
    /// What sort of rhythm it is.
    kind: words::RotationKind,
    /// How many days, weeks or units a turn lasts; null for a rule.
    every: Option<u32>,
    /// What a custom rotation counts.
    unit: Option<words::Unit>,
    /// The recurrence rule, such as `FREQ=WEEKLY;BYDAY=MO,FR`.
    rrule: Option<String>,
}

impl LayerRotation {
    fn shown(rotation: &Rotation) -> Self {
        use words::RotationKind as Kind;
        let (kind, every, unit, rrule) = match rotation {
            Rotation::Daily { every } => (Kind::Daily, Some(*every), None, None),
            Rotation::Weekly { every } => (Kind::Weekly, Some(*every), None, None),
            Rotation::Custom { every, unit } => (Kind::Custom, Some(*every), Some((*unit).into()), None),
            Rotation::Rrule { rule } => (Kind::Rrule, None, None, Some(rule.clone())),
        };
        Self { kind, every, unit, rrule }
    }
}

/// A part of every day, from a time of day to another, or of every week.
#[derive(SimpleObject)]
struct LayerRestriction {
    /// When it opens.
    from: TimeOfDay,
    /// When it closes; if that is not later, on the next day or in the next week.
    to: TimeOfDay,
    /// The days on which it opens; every day, if none is named. Empty for a part of the week.
    days: Vec<words::Weekday>,
    /// The day on which a part of the week opens.
    from_day: Option<words::Weekday>,
    /// The day on which a part of the week closes.
    to_day: Option<words::Weekday>,
}

impl LayerRestriction {
    fn shown(window: &Window) -> Self {
        match window {
            Window::Daily { from, to, days } => Self {
                from: TimeOfDay(*from),
                to: TimeOfDay(*to),
                days: days.iter().map(|day| (*day).into()).collect(),
                from_day: None,
                to_day: None,
            },
            Window::Weekly { from_day, from, to_day, to } => Self {
                from: TimeOfDay(*from),
                to: TimeOfDay(*to),
                days: vec![],
                from_day: Some((*from_day).into()),
                to_day: Some((*to_day).into()),
            },
        }
    }
}
