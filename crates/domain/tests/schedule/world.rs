//! What the tests share: people, times, and a schedule with a history.

use std::sync::{Arc, LazyLock};

use chrono::NaiveDateTime;
use domain::{
    Actor, Aggregate, ConfigRejection, LayerId, OverrideId, Rejection, SwapId, Timestamp, UserId,
    schedule::{
        Edit, Layer, Rotation, Schedule, ScheduleCommand, ScheduleEvent, Span, Timetable, Tzdb, Version,
        Zones,
    },
};
use uuid::Uuid;

static TZDB: LazyLock<Arc<Tzdb>> = LazyLock::new(|| Arc::new(Tzdb::bundled()));

pub(crate) fn tzdb() -> Arc<dyn Zones> {
    Arc::<Tzdb>::clone(&TZDB)
}

pub(crate) const ADA: UserId = UserId::new(Uuid::from_u128(1));
pub(crate) const BOB: UserId = UserId::new(Uuid::from_u128(2));
pub(crate) const EVE: UserId = UserId::new(Uuid::from_u128(3));
pub(crate) const DAN: UserId = UserId::new(Uuid::from_u128(4));

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub(crate) fn local(text: &str) -> NaiveDateTime {
    text.parse().expect("a local time")
}

pub(crate) fn span(start: &str, end: &str) -> Span {
    Span { start: at(start), end: at(end) }
}

pub(crate) const fn override_id(number: u128) -> OverrideId {
    OverrideId::new(Uuid::from_u128(number))
}

pub(crate) const fn swap_id(number: u128) -> SwapId {
    SwapId::new(Uuid::from_u128(number))
}

pub(crate) fn by(user: UserId) -> Actor {
    Actor::User { id: user }
}

/// A layer in which each person has a turn of a week from Monday at nine.
pub(crate) fn weekly(people: &[UserId]) -> Layer {
    let slots = people.iter().map(|one| vec![*one]).collect();
    Layer::simple(LayerId::ONLY, "Base", Rotation::Weekly { every: 1 }, local("2026-01-05T09:00:00"), slots)
}

pub(crate) fn version(effective_from: &str, layers: Vec<Layer>) -> Version {
    Version { effective_from: at(effective_from), time_zone: "Europe/London".to_owned(), layers }
}

pub(crate) fn create(version: Version) -> ScheduleCommand {
    let at = version.effective_from;
    ScheduleCommand::CreateSchedule { name: "Primary".to_owned(), team: None, version, unknown: vec![], at }
}

/// Ada, Bob and Eve, a week each; made on New Year's Day. Ada has the week of 2026-01-26.
pub(crate) fn three() -> Schedule {
    after(&Schedule::default(), &create(version("2026-01-01T00:00:00Z", vec![weekly(&[ADA, BOB, EVE])])))
}

pub(crate) fn edit(layers: Vec<Layer>, effective_from: Option<&str>) -> Edit {
    Edit {
        effective_from: effective_from.map(at),
        time_zone: "Europe/London".to_owned(),
        layers,
        keep_current: true,
        revision: None,
        zones: tzdb(),
    }
}

pub(crate) fn update(edit: Edit, now: &str) -> ScheduleCommand {
    ScheduleCommand::UpdateSchedule { name: None, edit: Some(edit), unknown: vec![], at: at(now) }
}

/// The state after a command, which must be accepted, be news, and be no news a second time.
pub(crate) fn after(schedule: &Schedule, command: &ScheduleCommand) -> Schedule {
    let events = accepted(schedule, command);
    assert!(!events.is_empty(), "{command:?} is news");
    let mut state = schedule.clone();
    events.iter().for_each(|event| state.evolve(event));
    assert_eq!(accepted(&state, command), [], "a repetition is no news");
    state
}

pub(crate) fn accepted(schedule: &Schedule, command: &ScheduleCommand) -> Vec<ScheduleEvent> {
    schedule.decide(command).unwrap_or_else(|why| panic!("{command:?} was refused: {why}"))
}

/// The code, the field and the words of a refusal.
pub(crate) fn refused(schedule: &Schedule, command: &ScheduleCommand) -> (&'static str, String, String) {
    let why: ConfigRejection = schedule.decide(command).expect_err("it is refused");
    (why.code(), why.field().unwrap_or_default(), why.to_string())
}

pub(crate) fn timetable(schedule: &Schedule) -> Timetable {
    schedule.timetable(&*tzdb()).expect("an accepted schedule can be read")
}

pub(crate) fn on_call(schedule: &Schedule, when: &str) -> Vec<UserId> {
    timetable(schedule).on_call(at(when))
}
