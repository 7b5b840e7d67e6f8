//! What a version must not say: each refusal names the field and the rule.

use domain::LayerId;
use domain::schedule::{Layer, Rotation, Schedule, Unit, Window};
use uuid::Uuid;

use crate::world::*;

/// The field and the words of the refusal of a schedule with one layer.
fn refusal(change: impl FnOnce(&mut Layer)) -> (String, String) {
    let mut layer = weekly(&[ADA, BOB]);
    change(&mut layer);
    let (code, field, why) =
        refused(&Schedule::default(), &create(version("2026-01-01T00:00:00Z", vec![layer])));
    assert_eq!(code, "INVALID");
    (field, why)
}

fn rule(rule: &str) -> (String, String) {
    refusal(|layer| layer.rotation = Rotation::Rrule { rule: rule.to_owned() })
}

fn good(rule: &str) {
    let mut layer = weekly(&[ADA, BOB]);
    layer.rotation = Rotation::Rrule { rule: rule.to_owned() };
    after(&Schedule::default(), &create(version("2026-01-01T00:00:00Z", vec![layer])));
}

#[test]
fn fields_are_named() {
    let field = |change: fn(&mut Layer)| refusal(change).0;
    assert_eq!(field(|layer| layer.name = String::new()), "layers[0].name");
    assert_eq!(field(|layer| layer.priority = i32::MAX), "layers[0].priority");
    assert_eq!(field(|layer| layer.time_zone = Some("Mars/Olympus".into())), "layers[0].timeZone");
    assert_eq!(field(|layer| layer.rotation = Rotation::Daily { every: 0 }), "layers[0].rotation.every");
    assert_eq!(field(|layer| layer.rotation = Rotation::Weekly { every: 366 }), "layers[0].rotation.every");
    let hours = |layer: &mut Layer| layer.rotation = Rotation::Custom { every: 0, unit: Unit::Hours };
    assert_eq!(field(hours), "layers[0].rotation.every");
    assert_eq!(field(|layer| layer.rotation_start = local("2026-01-05T09:00:30")), "layers[0].rotationStart");
    assert_eq!(field(|layer| layer.rotation_start = local("1960-01-05T09:00:00")), "layers[0].rotationStart");
    assert_eq!(field(|layer| layer.shift_minutes = Some(0)), "layers[0].shiftMinutes");
    assert_eq!(field(|layer| layer.participants = vec![]), "layers[0].participants");
    assert_eq!(field(|layer| layer.participants = vec![vec![]; 201]), "layers[0].participants");
    assert_eq!(field(|layer| layer.participants[1] = vec![ADA, ADA]), "layers[0].participants[1][1]");
    assert_eq!(field(|layer| layer.first_slot = 2), "layers[0].firstSlot");
    let window = |layer: &mut Layer| {
        let (from, to) = (local("2026-01-05T09:00:30").time(), local("2026-01-05T10:00:00").time());
        layer.restrictions = vec![Window::Daily { from, to, days: vec![] }];
    };
    assert_eq!(field(window), "layers[0].restrictions[0].from");
}

#[test]
fn versions_and_their_layers_are_checked_too() {
    let make = |layers| create(version("2026-01-01T00:00:00Z", layers));
    let field = |command| refused(&Schedule::default(), &command).1;
    assert_eq!(field(make(vec![weekly(&[ADA]), weekly(&[BOB])])), "layers[1].id");
    let many = (0..31).map(|number| Layer { id: LayerId::new(Uuid::from_u128(number)), ..weekly(&[ADA]) });
    assert_eq!(field(make(many.collect())), "layers");
    let mut nowhere = version("2026-01-01T00:00:00Z", vec![weekly(&[ADA])]);
    nowhere.time_zone = "Europe/Nowhere".to_owned();
    assert_eq!(field(create(nowhere)), "timeZone");
    // Nobody takes turns yet: legal, and nobody is on call.
    let empty = after(&Schedule::default(), &make(vec![]));
    assert!(on_call(&empty, "2026-01-06T12:00:00Z").is_empty());
}

#[test]
fn rules_that_are_not_on_the_list_are_refused() {
    for (text, said) in [
        ("FREQ=DAILY;COUNT=5", "COUNT"),
        ("FREQ=DAILY;UNTIL=20270101T000000Z", "UNTIL"),
        ("FREQ=DAILY;BYSECOND=30", "BYSECOND"),
        ("FREQ=YEARLY;BYEASTER=1", "BYEASTER"),
        ("FREQ=YEARLY;BYWEEKNO=20", "BYWEEKNO"),
        ("FREQ=YEARLY;BYYEARDAY=20", "BYYEARDAY"),
        ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY"),
        ("FREQ=DAILY;BYDAY=-1FR", "BYDAY"),
        ("FREQ=MINUTELY", "hourly"),
        ("FREQ=SECONDLY", "hourly"),
        ("FREQ=HOURLY;BYMINUTE=0,30", "hourly"),
        ("FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12;BYMINUTE=0,30", "hourly"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL"),
        ("FREQ=DAILY;INTERVAL=70000", "INTERVAL"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "five years"),
        ("FREQ=YEARLY;INTERVAL=6", "five years"),
        ("FREQ=DAILY;BYHOUR=24", "RFC 5545"),
        ("FREQ=DAILY;FREQ=DAILY", "twice"),
        ("BYDAY=MO", "RFC 5545"),
        ("FREQ=OFTEN", "RFC 5545"),
        ("DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY", "must"),
        ("FREQ=DAILY;X-NEW=1", "X-NEW"),
        ("daily", "such as"),
        ("", "such as"),
    ] {
        let (field, why) = rule(text);
        assert_eq!(field, "layers[0].rotation.rrule", "{text}");
        assert!(why.contains(said), "{text}: {why}");
    }
    assert!(rule(&"FREQ=DAILY;".repeat(100)).1.contains("500"));
}

#[test]
fn rules_on_the_list_are_accepted() {
    for text in [
        "FREQ=HOURLY",
        "FREQ=HOURLY;INTERVAL=5;BYDAY=MO,TU",
        "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR",
        "FREQ=DAILY;BYHOUR=8,20;BYMINUTE=15",
        "freq=weekly;byday=mo,fr;wkst=su",
        "FREQ=MONTHLY;BYDAY=1MO,-1FR",
        "FREQ=MONTHLY;BYMONTHDAY=-1",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=YEARLY;BYDAY=20MO",
    ] {
        good(text);
    }
}

#[test]
fn weekday_turns_give_the_weekend_to_whoever_had_friday() {
    let mut layer = weekly(&[ADA, BOB, EVE, DAN]);
    layer.rotation = Rotation::Rrule { rule: "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR".to_owned() };
    let state = after(&Schedule::default(), &create(version("2026-01-01T00:00:00Z", vec![layer])));
    assert_eq!(on_call(&state, "2026-01-09T12:00:00Z"), [ADA]);
    assert_eq!(on_call(&state, "2026-01-11T12:00:00Z"), [ADA]);
    assert_eq!(on_call(&state, "2026-01-12T12:00:00Z"), [BOB]);
    // Years later it is a search, not a walk: 261 turns a year.
    assert_eq!(on_call(&state, "2056-01-03T12:00:00Z").len(), 1);
}

#[test]
fn a_rule_that_is_a_period_equals_the_period() {
    for (rule, rotation) in [
        ("FREQ=HOURLY;INTERVAL=7", Rotation::Custom { every: 7, unit: Unit::Hours }),
        ("FREQ=DAILY;INTERVAL=3", Rotation::Daily { every: 3 }),
        ("FREQ=WEEKLY;INTERVAL=2;WKST=SU", Rotation::Weekly { every: 2 }),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", Rotation::Weekly { every: 2 }),
        ("FREQ=DAILY;BYHOUR=9", Rotation::Daily { every: 1 }),
    ] {
        let made = |rotation| {
            let layer = Layer { rotation, ..weekly(&[ADA, BOB, EVE]) };
            timetable(&after(&Schedule::default(), &create(version("2026-01-01T00:00:00Z", vec![layer]))))
        };
        let (one, other) = (made(Rotation::Rrule { rule: rule.to_owned() }), made(rotation));
        let (from, to) = (at("2026-01-01T00:00:00Z"), at("2027-06-01T00:00:00Z"));
        assert_eq!(one.timeline(from, to), other.timeline(from, to), "{rule}");
    }
}

#[test]
fn a_question_about_too_much_says_so() {
    let mut layer = weekly(&[ADA, BOB]);
    layer.rotation = Rotation::Custom { every: 1, unit: Unit::Hours };
    let state = after(&Schedule::default(), &create(version("2026-01-01T00:00:00Z", vec![layer])));
    let timetable = timetable(&state);
    let asked = timetable.timeline(at("2026-01-01T00:00:00Z"), at("2126-01-01T00:00:00Z"));
    assert!(asked.expect_err("a century of hours").to_string().contains("200000"));
    assert!(timetable.timeline(at("2026-01-01T00:00:00Z"), at("2046-01-01T00:00:00Z")).is_ok());
}

#[test]
fn the_end_of_time_is_reached() {
    let timetable = timetable(&three());
    let end = at("9999-12-31T23:59:59Z");
    assert_eq!(timetable.on_call(end).len(), 1);
    assert_eq!(timetable.next_boundary(end), None);
    assert_eq!(timetable.on_call(at("0001-01-01T00:00:00Z")), []);
}
