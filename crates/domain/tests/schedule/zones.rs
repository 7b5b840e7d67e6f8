//! The schedule clock, on today's law and over every kind of change.

use chrono::NaiveDateTime;
use chrono_tz::{TZ_VARIANTS, Tz};
use domain::{
    Timestamp,
    schedule::{Tzdb, Written, Zones},
};
use proptest::prelude::*;

use crate::world::{at, local, tzdb};

fn offset(zone: Tz, when: &str) -> i32 {
    tzdb().zone(zone).offset_at(at(when))
}

fn resolve(zone: Tz, written: &str) -> Timestamp {
    tzdb().zone(zone).resolve(local(written))
}

#[test]
fn every_zone_that_can_be_named_has_data() {
    let data = jiff::tz::TimeZoneDatabase::bundled();
    let missing: Vec<_> = TZ_VARIANTS.iter().filter(|zone| data.get(zone.name()).is_err()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_law_of_today_is_known() {
    assert!(tzdb().version() >= "2026f", "{}", tzdb().version());
    let hours = |zone, when| offset(zone, when) / 3600;
    // Summer time stayed for good in the autumn of 2026.
    assert_eq!(hours(Tz::America__Vancouver, "2026-11-23T12:00:00Z"), -7);
    assert_eq!(hours(Tz::America__Edmonton, "2026-11-23T12:00:00Z"), -6);
    assert_eq!(hours(Tz::America__Winnipeg, "2026-11-23T12:00:00Z"), -5);
    // Morocco returned to UTC for good on 2026-09-20.
    assert_eq!(hours(Tz::Africa__Casablanca, "2026-11-23T12:00:00Z"), 0);
    assert_eq!(hours(Tz::Africa__Casablanca, "2026-09-19T12:00:00Z"), 1);
    let stale = |zone: Tz| {
        use chrono::{Offset, TimeZone};
        zone.offset_from_utc_datetime(&at("2026-11-23T12:00:00Z").utc().naive_utc()).fix().local_minus_utc()
    };
    for zone in [
        Tz::America__Vancouver,
        Tz::America__Edmonton,
        Tz::America__Winnipeg,
        Tz::Africa__Casablanca,
        Tz::America__Havana,
    ] {
        // Should chrono-tz catch up one day, this test says that its own offsets would do again.
        assert_ne!(offset(zone, "2026-11-23T12:00:00Z"), stale(zone), "{zone}");
    }
    assert_eq!(hours(Tz::Europe__Berlin, "2026-11-23T12:00:00Z"), 1);
}

#[test]
fn what_is_written_inside_a_gap_happens_right_after_it() {
    assert_eq!(resolve(Tz::Europe__Berlin, "2026-03-29T02:30:00"), at("2026-03-29T01:00:00Z"));
    // These change at midnight, so a handoff at midnight must not get lost.
    assert_eq!(resolve(Tz::Africa__Cairo, "2024-04-26T00:00:00"), at("2024-04-25T22:00:00Z"));
    assert_eq!(resolve(Tz::Africa__Cairo, "2024-04-26T00:30:00"), at("2024-04-25T22:00:00Z"));
    assert_eq!(resolve(Tz::America__Santiago, "2025-09-07T00:00:00"), at("2025-09-07T04:00:00Z"));
    assert_eq!(resolve(Tz::America__Havana, "2024-03-10T00:00:00"), at("2024-03-10T05:00:00Z"));
    assert_eq!(resolve(Tz::Asia__Beirut, "2025-03-30T00:00:00"), at("2025-03-29T22:00:00Z"));
    assert_eq!(resolve(Tz::America__Asuncion, "2024-10-06T00:00:00"), at("2024-10-06T04:00:00Z"));
    // Half an hour, two hours, and a whole day.
    assert_eq!(resolve(Tz::Australia__Lord_Howe, "2024-10-06T02:15:00"), at("2024-10-05T15:30:00Z"));
    assert_eq!(resolve(Tz::Antarctica__Troll, "2024-03-31T02:00:00"), at("2024-03-31T01:00:00Z"));
    assert_eq!(resolve(Tz::Pacific__Apia, "2011-12-30T09:00:00"), at("2011-12-30T10:00:00Z"));
}

#[test]
fn what_is_written_inside_a_fold_happens_at_its_first_pass_and_not_again() {
    let berlin = tzdb().zone(Tz::Europe__Berlin);
    assert_eq!(berlin.resolve(local("2026-10-25T02:30:00")), at("2026-10-25T00:30:00Z"));
    // On the second pass the clock stands still at the last minute of the first.
    assert_eq!(berlin.reading(at("2026-10-25T01:15:00Z")), local("2026-10-25T02:59:00"));
    assert_eq!(berlin.reading(at("2026-10-25T02:00:00Z")), local("2026-10-25T03:00:00"));
    assert_eq!(berlin.reading(at("2026-10-25T00:15:30Z")), local("2026-10-25T02:15:30"));
    assert_eq!(resolve(Tz::Antarctica__Troll, "2024-10-27T01:30:00"), at("2024-10-26T23:30:00Z"));
    assert_eq!(resolve(Tz::Asia__Beirut, "2025-10-25T23:30:00"), at("2025-10-25T20:30:00Z"));
}

#[test]
fn a_person_is_told_when_a_time_is_skipped_or_comes_twice() {
    let berlin = tzdb().zone(Tz::Europe__Berlin);
    let written = |text| berlin.written(local(text));
    assert_eq!(written("2026-03-29T02:30:00"), Written::Skipped(at("2026-03-29T01:00:00Z")));
    assert_eq!(written("2026-03-29T03:00:00"), Written::Once(at("2026-03-29T01:00:00Z")));
    assert_eq!(written("2026-10-25T02:30:00"), Written::Twice(at("2026-10-25T00:30:00Z")));
    assert_eq!(written("2026-10-25T02:00:00"), Written::Twice(at("2026-10-25T00:00:00Z")));
    assert_eq!(written("2026-10-25T03:00:00"), Written::Once(at("2026-10-25T02:00:00Z")));
    assert_eq!(written("2026-10-25T01:59:00"), Written::Once(at("2026-10-24T23:59:00Z")));
}

#[test]
fn the_rules_of_a_zone_go_on_for_ever() {
    let berlin = tzdb().zone(Tz::Europe__Berlin);
    for year in [2040, 2499, 2500, 2501, 2900, 4321, 9998] {
        let summer = format!("{year}-07-01T12:00:00Z");
        assert_eq!(berlin.offset_at(at(&summer)), 7200, "{year}");
        assert_eq!(berlin.offset_at(at(&format!("{year}-01-15T12:00:00Z"))), 3600, "{year}");
        assert_eq!(berlin.resolve(local(&format!("{year}-07-01T14:00:00"))), at(&summer), "{year}");
    }
}

#[test]
fn files_of_the_operator_are_used_and_others_are_refused() {
    // A zone of TZif version 1 that is ahead of UTC by one hour, always.
    let mut file = b"TZif\0".to_vec();
    file.extend([0; 15]);
    for count in [0_u32, 0, 0, 0, 1, 4] {
        file.extend(count.to_be_bytes());
    }
    file.extend(3600_i32.to_be_bytes());
    file.extend([0, 0]);
    file.extend(b"ONE\0");
    let zones = Tzdb::supplied("9999z", [("Europe/Berlin", file.as_slice())]).expect("a file");
    assert_eq!(zones.version(), "9999z");
    assert_eq!(zones.zone(Tz::Europe__Berlin).offset_at(at("2026-07-01T12:00:00Z")), 3600);
    assert_eq!(zones.zone(Tz::Europe__Paris).offset_at(at("2026-07-01T12:00:00Z")), 7200);
    let wrong = Tzdb::supplied("9999z", [("Europe/Berlin", b"no zone".as_slice())]).expect_err("no file");
    assert!(wrong.to_string().contains("Europe/Berlin"), "{wrong}");
}

fn minutes(local: NaiveDateTime) -> i64 {
    local.and_utc().timestamp().div_euclid(60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_schedule_clock_never_runs_backwards_and_decides_what_has_happened(
        zone in prop::sample::select(TZ_VARIANTS.to_vec()),
        start in 1_300_000_000_i64..1_950_000_000,
        steps in prop::collection::vec(1_i64..90_000, 1..60),
        ahead in -3_000_i64..3_000,
    ) {
        let clock = tzdb().zone(zone);
        let known = jiff::tz::TimeZoneDatabase::bundled().get(zone.name()).expect("data");
        let mut seconds = start;
        let mut shown = i64::MIN;
        for step in steps {
            seconds += step;
            let now = Timestamp::from_millis(seconds * 1000);
            let of_jiff = known.to_offset(jiff::Timestamp::from_second(seconds).expect("in range")).seconds();
            prop_assert_eq!(clock.offset_at(now), of_jiff);
            let reading = clock.reading(now);
            prop_assert!(minutes(reading) >= shown, "{zone} {now}");
            shown = minutes(reading);
            // D3: a local time has happened if and only if the clock shows it or more.
            let written = chrono::DateTime::from_timestamp((shown + ahead) * 60, 0).expect("a time").naive_utc();
            let happens = clock.resolve(written);
            prop_assert_eq!(happens <= now, minutes(written) <= shown, "{} {} {}", zone, now, written);
            prop_assert_eq!(clock.written(written).at(), happens);
            let later = clock.resolve(written + chrono::TimeDelta::minutes(1));
            prop_assert!(happens <= later);
        }
    }
}
