//! The engine against the simplest reading of its rules: minute by minute, and nothing clever.
//!
//! The oracle knows zones from jiff alone, walks the clock, tries every window, and counts turns by
//! stepping through them. It shares no line with the engine.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Weekday};
use chrono_tz::TZ_VARIANTS;
use domain::{
    LayerId, Timestamp, UserId,
    schedule::{
        Adjustment, Change, Layer, Rotation, Segment, Source, Span, Timetable, Unit, Version, Window,
    },
};
use jiff::tz::TimeZone;
use proptest::{prelude::*, sample::select};
use uuid::Uuid;

use crate::world::*;

/// How many minutes are compared: two and a half days.
const MINUTES: i64 = 3_600;
/// How long before the range clocks are followed, in minutes: longer than any fold.
const BEFORE: i64 = 2 * 1440;

fn person(number: u8) -> UserId {
    UserId::new(Uuid::from_u128(number.into()))
}

/// The schedule clock of one zone, by walking it.
struct Clock {
    zone: TimeZone,
    highest: NaiveDateTime,
}

impl Clock {
    fn new(name: &str) -> Self {
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(name).expect("a zone");
        Self { zone, highest: NaiveDateTime::MIN }
    }

    fn step(&mut self, minute: i64) -> NaiveDateTime {
        let instant = jiff::Timestamp::from_second(minute * 60).expect("in range");
        let shown = minute * 60 + i64::from(self.zone.to_offset(instant).seconds());
        let shown = DateTime::from_timestamp(shown, 0).expect("in range").naive_utc();
        self.highest = self.highest.max(shown);
        self.highest
    }
}

fn period(rotation: &Rotation) -> Option<TimeDelta> {
    let (every, unit) = match rotation {
        Rotation::Daily { every } => (*every, Unit::Days),
        Rotation::Weekly { every } => (*every, Unit::Weeks),
        Rotation::Custom { every, unit } => (*every, *unit),
        Rotation::Rrule { .. } => return None,
    };
    Some(match unit {
        Unit::Hours => TimeDelta::hours(every.into()),
        Unit::Days => TimeDelta::days(every.into()),
        Unit::Weeks => TimeDelta::weeks(every.into()),
    })
}

/// Whether a rule of this test names a local time that is later than its start.
fn named(rule: &str, start: NaiveDateTime, local: NaiveDateTime) -> bool {
    let weekday = !matches!(local.weekday(), Weekday::Sat | Weekday::Sun);
    match rule {
        "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR" => weekday && local.time() == start.time(),
        "FREQ=WEEKLY;BYDAY=MO,FR" => {
            matches!(local.weekday(), Weekday::Mon | Weekday::Fri) && local.time() == start.time()
        }
        "FREQ=MONTHLY;BYMONTHDAY=1,15" => matches!(local.day(), 1 | 15) && local.time() == start.time(),
        "FREQ=HOURLY;BYHOUR=6,7,8" => matches!(local.hour(), 6..=8) && local.minute() == start.minute(),
        _ => unreachable!("no such rule in this test"),
    }
}

/// The number and the start of a turn, by stepping through all of them.
fn turn(layer: &Layer, shown: NaiveDateTime) -> Option<(i64, NaiveDateTime)> {
    let mut last = layer.rotation_start;
    if shown < last {
        return None;
    }
    let mut number = 0;
    match (period(&layer.rotation), &layer.rotation) {
        (Some(period), _) => {
            while last + period <= shown {
                last += period;
                number += 1;
            }
        }
        (None, Rotation::Rrule { rule }) => {
            // Handoffs of all rules here share the minute of the start.
            let mut next = last + TimeDelta::hours(1);
            while next <= shown {
                if named(rule, layer.rotation_start, next) {
                    last = next;
                    number += 1;
                }
                next += TimeDelta::hours(1);
            }
        }
        (None, _) => unreachable!("only rules have no period"),
    }
    Some((number, last))
}

fn is_open(window: &Window, shown: NaiveDateTime) -> bool {
    let opens = |day: NaiveDateTime, from: NaiveTime, to: NaiveTime, length: i64| {
        let start = day.date().and_time(from);
        let mut end = day.date().and_time(to) + TimeDelta::days(length);
        if end <= start {
            end += TimeDelta::days(if length == 0 { 1 } else { 7 });
        }
        start <= shown && shown < end
    };
    // Whatever is open now opened at most a week ago.
    (0..=7).map(|days| shown - TimeDelta::days(days)).any(|day| match window {
        Window::Daily { from, to, days } => {
            (days.is_empty() || days.contains(&day.weekday())) && opens(day, *from, *to, 0)
        }
        Window::Weekly { from_day, from, to_day, to } => {
            let length = (7 + i64::from(to_day.num_days_from_monday())
                - i64::from(from_day.num_days_from_monday()))
                % 7;
            // Of a window that ends on its own weekday, an earlier time of day is in the next week.
            let length = if length == 0 && to <= from { 7 } else { length };
            day.weekday() == *from_day && opens(day, *from, *to, length)
        }
    })
}

/// Who a layer has on call.
fn on_layer(layer: &Layer, shown: NaiveDateTime, now: Timestamp) -> BTreeSet<UserId> {
    let nobody = BTreeSet::new();
    if layer.end.is_some_and(|end| now >= end) {
        return nobody;
    }
    let Some((number, since)) = turn(layer, shown) else { return nobody };
    if layer.shift_minutes.is_some_and(|minutes| shown >= since + TimeDelta::minutes(minutes.into())) {
        return nobody;
    }
    if !layer.restrictions.is_empty() && !layer.restrictions.iter().any(|window| is_open(window, shown)) {
        return nobody;
    }
    let slots = i64::try_from(layer.participants.len()).expect("small");
    let slot = usize::try_from((i64::from(layer.first_slot) + number) % slots).expect("small");
    layer.participants[slot].iter().copied().collect()
}

fn adjusted(mut on_call: BTreeSet<UserId>, adjustments: &[Adjustment], now: Timestamp) -> BTreeSet<UserId> {
    // The test makes them in the order in which they apply.
    for one in adjustments.iter().filter(|one| one.span.start <= now && now < one.span.end) {
        match &one.change {
            Change::Set { users } => on_call = users.iter().copied().collect(),
            Change::Add { user } => {
                on_call.insert(*user);
            }
            Change::Remove { user } => {
                on_call.remove(user);
            }
            Change::Replace { from, to } => {
                if on_call.remove(from) {
                    on_call.insert(*to);
                }
            }
        }
    }
    on_call
}

/// Who is on call at each minute from `first` on.
fn walk(versions: &[Version], adjustments: &[Adjustment], first: i64) -> Vec<Vec<UserId>> {
    let mut clocks: Vec<Vec<Clock>> = vec![];
    for version in versions {
        let zone = |layer: &Layer| Clock::new(layer.time_zone.as_ref().unwrap_or(&version.time_zone));
        clocks.push(version.layers.iter().map(zone).collect());
    }
    let mut answers = vec![];
    for minute in first - BEFORE..first + MINUTES {
        let shown: Vec<Vec<_>> = clocks
            .iter_mut()
            .map(|clocks| clocks.iter_mut().map(|clock| clock.step(minute)).collect())
            .collect();
        if minute < first {
            continue;
        }
        let now = Timestamp::from_millis(minute * 60_000);
        let mut on_call = BTreeSet::new();
        if let Some(place) = versions.iter().rposition(|version| version.effective_from <= now) {
            let layers = versions[place].layers.iter().zip(&shown[place]);
            let yields: Vec<_> =
                layers.map(|(layer, shown)| (layer.priority, on_layer(layer, *shown, now))).collect();
            let filled = yields.iter().filter(|(_, people)| !people.is_empty());
            let highest = filled.clone().map(|(priority, _)| *priority).max();
            on_call = filled
                .filter(|(priority, _)| Some(*priority) == highest)
                .flat_map(|(_, people)| people.clone())
                .collect();
        }
        answers.push(adjusted(on_call, adjustments, now).into_iter().collect());
    }
    answers
}

fn times() -> impl Strategy<Value = NaiveTime> {
    (0_u32..24, select(vec![0_u32, 15, 30, 59]))
        .prop_map(|(hour, minute)| NaiveTime::from_hms_opt(hour, minute, 0).expect("a time"))
}

fn days() -> impl Strategy<Value = Weekday> {
    (0_u8..7).prop_map(|day| Weekday::try_from(day).expect("a day"))
}

fn windows() -> impl Strategy<Value = Window> {
    prop_oneof![
        (times(), times(), prop::collection::vec(days(), 0..4)).prop_map(|(from, to, days)| Window::Daily {
            from,
            to,
            days
        }),
        (days(), times(), days(), times()).prop_map(|(from_day, from, to_day, to)| Window::Weekly {
            from_day,
            from,
            to_day,
            to
        }),
    ]
}

fn rotations() -> impl Strategy<Value = Rotation> {
    let rules = vec![
        "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR",
        "FREQ=WEEKLY;BYDAY=MO,FR",
        "FREQ=MONTHLY;BYMONTHDAY=1,15",
        "FREQ=HOURLY;BYHOUR=6,7,8",
    ];
    prop_oneof![
        2 => (1_u32..4).prop_map(|every| Rotation::Daily { every }),
        1 => (1_u32..3).prop_map(|every| Rotation::Weekly { every }),
        3 => (1_u32..30).prop_map(|every| Rotation::Custom { every, unit: Unit::Hours }),
        1 => (1_u32..4).prop_map(|every| Rotation::Custom { every, unit: Unit::Days }),
        2 => select(rules).prop_map(|rule| Rotation::Rrule { rule: rule.to_owned() }),
    ]
}

prop_compose! {
    /// A layer that begins up to ten days before the range, or a day after its beginning.
    fn layers(first: i64)(
        priority in -1_i32..3,
        zone in prop::option::weighted(0.3, select(TZ_VARIANTS.to_vec())),
        rotation in rotations(),
        begins in -14_400_i64..1_440,
        quarter in any::<bool>(),
        end in prop::option::weighted(0.2, 0_i64..MINUTES),
        shift_minutes in prop::option::weighted(0.3, 1_u32..3_000),
        participants in prop::collection::vec(prop::collection::btree_set(0_u8..5, 0..3), 1..5),
        first_slot in 0_u32..4,
        restrictions in prop::collection::vec(windows(), 0..3),
    ) -> Layer {
        let start = DateTime::from_timestamp((first + begins).div_euclid(15) * 900, 0).expect("in range");
        let slots: Vec<Vec<UserId>> =
            participants.into_iter().map(|slot| slot.into_iter().map(person).collect()).collect();
        Layer {
            id: LayerId::ONLY,
            name: "layer".to_owned(),
            priority,
            time_zone: zone.map(|zone| zone.name().to_owned()),
            rotation,
            rotation_start: start.naive_utc() + TimeDelta::minutes(if quarter { 0 } else { 7 }),
            end: end.map(|end| Timestamp::from_millis((first + end) * 60_000)),
            shift_minutes,
            first_slot: first_slot % u32::try_from(slots.len()).expect("small"),
            participants: slots,
            restrictions,
        }
    }
}

fn changes() -> impl Strategy<Value = Change> {
    let people = || (0_u8..5).prop_map(person);
    prop_oneof![
        prop::collection::btree_set(people(), 0..3)
            .prop_map(|users| Change::Set { users: users.into_iter().collect() }),
        (people(), people()).prop_map(|(from, to)| Change::Replace { from, to }),
        people().prop_map(|user| Change::Add { user }),
        people().prop_map(|user| Change::Remove { user }),
    ]
}

prop_compose! {
    fn adjustments(first: i64)(
        all in prop::collection::vec((changes(), 0_i64..MINUTES, 1_i64..2_000, prop::option::of(0_i64..MINUTES)), 0..5),
    ) -> Vec<Adjustment> {
        let instant = |minute: i64| Timestamp::from_millis((first + minute) * 60_000);
        let one = |(number, (change, start, length, cancelled)): (u32, (Change, i64, i64, Option<i64>))| {
            let window = Span { start: instant(start), end: instant(start + length) };
            // Made in turn, the later ones while the earlier ones may act already.
            let made = instant(i64::from(number) * 500 - 700);
            Adjustment::new(Source::Override(override_id(number.into())), change, window, made, cancelled.map(instant))
        };
        (0..).zip(all).map(one).collect()
    }
}

prop_compose! {
    /// The first minute of a range: half of them a day before a change of the clock, if there is one.
    fn begins()(zone in select(TZ_VARIANTS.to_vec()), day in 0_i64..2_500, near in any::<bool>())
        -> (String, i64) {
        let first = 1_704_067_200 / 60 + day * 1_440;
        let data = jiff::tz::TimeZoneDatabase::bundled().get(zone.name()).expect("a zone");
        let after = jiff::Timestamp::from_second(first * 60).expect("in range");
        let change = data.following(after).next().filter(|_| near).map(|change| change.timestamp().as_second() / 60);
        (zone.name().to_owned(), change.filter(|change| *change < 1_924_992_000 / 60).unwrap_or(first) - 1_440)
    }
}

prop_compose! {
    fn schedules()((zone, first) in begins())(
        layers in prop::collection::vec(layers(first), 1..4),
        edited in prop::option::of((0_i64..MINUTES, prop::collection::vec(layers(first), 0..3))),
        adjustments in adjustments(first),
        zone in Just(zone),
        first in Just(first),
        begins in -2_000_i64..700,
    ) -> (Vec<Version>, Vec<Adjustment>, i64) {
        let instant = |minute: i64| Timestamp::from_millis((first + minute) * 60_000);
        let version = |minute, layers| Version { effective_from: instant(minute), time_zone: zone.clone(), layers };
        let mut versions = vec![version(begins, layers)];
        versions.extend(edited.map(|(minute, layers)| version(begins + 1 + minute, layers)));
        (versions, adjustments, first)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_minute_is_answered_as_the_rules_say((versions, adjustments, first) in schedules()) {
        let expected = walk(&versions, &adjustments, first);
        let timetable = Timetable::new(&versions, adjustments, None, &*tzdb()).expect("it can be read");
        let instant = |minute: i64| Timestamp::from_millis((first + minute) * 60_000);
        let timeline = timetable.timeline(instant(0), instant(MINUTES)).expect("short");
        let mut segments = timeline.iter();
        let mut segment = segments.next().expect("a range has a segment");
        for (minute, people) in (0..).zip(&expected) {
            let now = instant(minute);
            prop_assert_eq!(&timetable.on_call(now), people, "{}", now);
            let late = Timestamp::from_millis(now.millis() + 59_999);
            prop_assert_eq!(&timetable.on_call(late), people, "{}", late);
            if segment.end <= now {
                segment = segments.next().expect("the timeline goes on");
                prop_assert_eq!(segment.start, now);
            }
            prop_assert_eq!(&segment.users, people, "the timeline at {}", now);
        }
        prop_assert!(segments.next().is_none());
        let runs = expected.chunk_by(|one, next| one == next);
        let runs: Vec<_> = runs.map(<[_]>::len).collect();
        let minutes = |one: &Segment| usize::try_from((one.end.millis() - one.start.millis()) / 60_000).expect("small");
        prop_assert_eq!(timeline.iter().map(minutes).collect::<Vec<_>>(), runs);
    }
}
