//! How fast it is known who is on call, in memory: what pages, screens and calendars wait for.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use chrono::NaiveDateTime;
use domain::{
    LayerId, OverrideId, Timestamp, UserId,
    schedule::{
        Adjustment, Change, Layer, Rotation, Source, Span, Timetable, Tzdb, Unit, Version, Window, Zones,
    },
};
use uuid::Uuid;

use crate::{
    Outcome,
    report::{Limit, Report},
};

const CASES: &str = include_str!("../../crates/midwatch/tests/schedule_cases.jsonl");

/// Microseconds for each layer.
const MOST_NOW: f64 = 2.0;
const MOST_YEAR: Duration = Duration::from_millis(5);
/// How many cases of the corpus's kind, and how long they may take.
const MANY: usize = 633;
const MOST_MANY: Duration = Duration::from_secs(1);

pub(crate) fn measure(report: &mut Report) -> Outcome<()> {
    let zones = Tzdb::bundled();
    report.note(&format!("time zone data: {}", zones.version()));
    for (age, start) in [("this year", "2026-01-05T09:00:00"), ("56 years", "1970-01-05T09:00:00")] {
        for (what, rotation) in rotations() {
            let layer = layer(1, rotation, start)?;
            let micros = now(&timetable(vec![layer], 0, &zones)?)?;
            let what = format!("on call now: {what}, anchor of {age}");
            report.line(&what, micros, "µs", Limit::AtMost(MOST_NOW));
        }
    }
    let layers = six_layers()?;
    let count = f64::from(u32::try_from(layers.len())?);
    let timetable = timetable(layers, 50, &zones)?;
    let micros = now(&timetable)? / count;
    report.line(
        "on call now: six layers and 50 overrides, each layer",
        micros,
        "µs",
        Limit::AtMost(MOST_NOW),
    );

    let (from, to) = ("2026-01-01T00:00:00Z".parse()?, "2027-01-01T00:00:00Z".parse()?);
    let segments = timetable.timeline(from, to)?.len();
    let took = best(20, || timetable.timeline(from, to).map(|timeline| timeline.len()))?;
    report.time(
        &format!("a year of six layers and 50 overrides: {segments} segments"),
        took,
        Some(MOST_YEAR),
    );

    let lines: Vec<&[u8]> = CASES.lines().map(str::as_bytes).cycle().take(MANY).collect();
    let fresh = Tzdb::bundled();
    let begun = Instant::now();
    let wrong = lines.iter().filter(|line| !midwatch::answer::answer_line(line, &fresh)["error"].is_null());
    let wrong = wrong.count();
    report.time(&format!("{MANY} cases, read, answered and written"), begun.elapsed(), Some(MOST_MANY));
    report.exactly("cases that are refused", wrong, 0);
    Ok(())
}

fn rotations() -> [(&'static str, Rotation); 5] {
    let rule = |rule: &str| Rotation::Rrule { rule: rule.to_owned() };
    [
        ("daily", Rotation::Daily { every: 1 }),
        ("weekly", Rotation::Weekly { every: 1 }),
        ("every 5 hours", Rotation::Custom { every: 5, unit: Unit::Hours }),
        ("weekdays by rule", rule("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR")),
        ("hourly by rule", rule("FREQ=HOURLY;BYMINUTE=0")),
    ]
}

/// Different rhythms, restrictions, zones and priorities.
fn six_layers() -> Outcome<Vec<Layer>> {
    let start = "2024-01-01T09:00:00";
    let mut layers = vec![];
    for (number, (_, rotation)) in (1..).zip(rotations()) {
        layers.push(layer(number, rotation, start)?);
    }
    layers[0].restrictions = vec![Window::Daily { from: time(22)?, to: time(6)?, days: vec![] }];
    layers[1].time_zone = Some("Asia/Kolkata".to_owned());
    layers[2].shift_minutes = Some(240);
    layers[3].participants.push(vec![]);
    let mut last = layer(6, Rotation::Daily { every: 2 }, start)?;
    last.restrictions = vec![Window::Weekly {
        from_day: chrono::Weekday::Fri,
        from: time(18)?,
        to_day: chrono::Weekday::Mon,
        to: time(9)?,
    }];
    layers.push(last);
    for (priority, layer) in (0..).zip(&mut layers) {
        layer.priority = priority / 2;
    }
    Ok(layers)
}

fn time(hour: u32) -> Outcome<chrono::NaiveTime> {
    Ok(chrono::NaiveTime::from_hms_opt(hour, 0, 0).ok_or("no time of day")?)
}

fn layer(number: u128, rotation: Rotation, start: &str) -> Outcome<Layer> {
    let start: NaiveDateTime = start.parse()?;
    let people = (0..5).map(|person| vec![UserId::new(Uuid::from_u128(number * 10 + person))]).collect();
    Ok(Layer::simple(LayerId::new(Uuid::from_u128(number)), "layer", rotation, start, people))
}

fn timetable(layers: Vec<Layer>, overrides: u32, zones: &dyn Zones) -> Outcome<Timetable> {
    let begin: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    let version =
        Version { effective_from: Timestamp::default(), time_zone: "America/New_York".to_owned(), layers };
    let adjustments = (0..overrides).map(|number| {
        let start = begin.plus_seconds(u64::from(number) * 7 * 86_400);
        let user = UserId::new(Uuid::from_u128(99));
        let change = if number % 2 == 0 { Change::Set { users: vec![user] } } else { Change::Add { user } };
        let source = Source::Override(OverrideId::new(Uuid::from_u128(number.into())));
        Adjustment::new(source, change, Span { start, end: start.plus_seconds(86_400) }, begin, None)
    });
    Ok(Timetable::new(&[version], adjustments.collect::<Vec<_>>(), None, zones)?)
}

/// Microseconds for asking who is on call at instants all over this year.
fn now(timetable: &Timetable) -> Outcome<f64> {
    const ASKED: u32 = 100_000;
    let begin: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    let took = best(5, || {
        for number in 0..ASKED {
            let at = begin.plus_seconds(u64::from(number) * 7919 % (365 * 86_400));
            black_box(timetable.on_call(at));
        }
        Ok::<_, std::convert::Infallible>(0)
    })?;
    Ok(took.as_secs_f64() * 1e6 / f64::from(ASKED))
}

/// The fastest of several tries: what else runs on the machine only ever adds.
fn best<E>(tries: u32, mut work: impl FnMut() -> Result<usize, E>) -> Result<Duration, E> {
    let mut best = Duration::MAX;
    for _ in 0..tries {
        let begun = Instant::now();
        black_box(work()?);
        best = best.min(begun.elapsed());
    }
    Ok(best)
}
