//! `midwatch schedule answer`: every case of the corpus, in any zone of the machine, and any input at all.

use std::{
    io::Write,
    process::{Command, Stdio},
    sync::LazyLock,
};

use domain::schedule::Tzdb;
use midwatch::answer::{answer, answer_line};
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

const CASES: &str = include_str!("schedule_cases.jsonl");

static ZONES: LazyLock<Tzdb> = LazyLock::new(Tzdb::bundled);

fn cases() -> impl Iterator<Item = Value> {
    CASES.lines().map(|line| serde_json::from_str(line).expect("a case is JSON"))
}

fn ask(line: &Value) -> Value {
    answer_line(line.to_string().as_bytes(), &*ZONES)
}

/// What the program prints, with something in its environment.
fn program(variables: &[(&str, &str)], arguments: &[&str], input: &str) -> (bool, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_midwatch"))
        .args(["schedule", "answer"])
        .args(arguments)
        .env_remove("MIDWATCH_TZDB")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("standard input");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        // It may end before it has read everything.
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().expect("the program ends");
    writer.join().expect("everything was written");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it is text");
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn every_case_is_answered_exactly() {
    let mut count = 0;
    for case in cases() {
        let answer = ask(&case);
        assert_eq!(answer, json!({ "id": case["id"], "answer": case["expected"] }), "{}", case["note"]);
        count += 1;
    }
    assert_eq!(count, 100);
}

#[test]
fn the_zone_of_the_machine_plays_no_part() {
    let expected: Vec<_> =
        cases().map(|case| json!({ "id": case["id"], "answer": case["expected"] })).collect();
    for zone in [
        "",
        "UTC",
        "America/Vancouver",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Mars/Olympus",
        ":/etc/passwd",
    ] {
        let (ended_well, out, err) = program(&[("TZ", zone), ("TZDIR", "/nowhere")], &[], CASES);
        assert!(ended_well, "TZ={zone}: {err}");
        let answers: Vec<Value> =
            out.lines().map(|line| serde_json::from_str(line).expect("an answer is JSON")).collect();
        assert_eq!(answers, expected, "TZ={zone}");
    }
}

#[test]
fn a_line_that_is_no_question_is_answered_with_what_is_wrong() {
    let input = "\nno json\n[1]\n{\"id\":7}\n{\"id\":\"a\",\"schedule\":{}}\n\u{1}\n";
    let (ended_well, out, _) = program(&[], &[], input);
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(ended_well);
    assert_eq!(
        lines.iter().map(|line| line["id"].clone()).collect::<Vec<_>>(),
        [json!(null), json!(null), json!(7), json!("a"), json!(null)]
    );
    assert!(lines.iter().all(|line| line["error"].is_string()), "{out}");
    assert_eq!(lines[2]["error"], "schedule is missing");
    assert_eq!(lines[3]["error"], "schedule.versions is missing");
}

#[test]
fn a_line_beyond_all_bounds_is_skipped_and_the_next_one_answered() {
    let case = cases().next().expect("a case").to_string();
    let mut input = vec![b'x'; 5 << 20];
    input.extend_from_slice(b"\n");
    input.extend_from_slice(case.as_bytes());
    let mut out = vec![];
    answer(&mut input.as_slice(), &mut out, &*ZONES).expect("memory can be read and written");
    let lines: Vec<Value> = out
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0]["error"].as_str().is_some_and(|why| why.contains("bytes")));
    assert!(lines[1]["answer"].is_object());
}

#[test]
fn a_folder_of_zone_files_is_checked() {
    let (ended_well, _, err) = program(&[], &["--tzdb", "/no/such/folder"], "");
    assert!(!ended_well && err.contains("--tzdb"), "{err}");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("text");
    let (ended_well, _, err) = program(&[("MIDWATCH_TZDB", path)], &[], "");
    assert!(!ended_well && err.contains("no time zone files"), "{err}");
    std::fs::write(folder.path().join("UTC"), "no zone").expect("written");
    let (ended_well, _, err) = program(&[], &["--tzdb", path], "");
    assert!(!ended_well && err.contains("UTC"), "{err}");
}

/// A line in which everything is right.
fn whole() -> Value {
    let layer = json!({ "id": "base", "priority": 0, "rotation": { "type": "daily", "every": 1 },
        "rotation_start": "2026-01-05T09:00:00", "participants": [["a"], ["b"]], "restrictions": [] });
    json!({ "id": 1,
        "schedule": { "versions": [
            { "effective_from": "2026-01-01T00:00:00Z", "time_zone": "Europe/Berlin", "layers": [layer.clone()] }],
            "overrides": [{ "id": "o1", "kind": "set", "users": ["x"], "start": "2026-02-01T00:00:00Z",
                "end": "2026-02-02T00:00:00Z", "created_at": "2026-01-01T00:00:00Z", "cancelled_at": null }],
            "swaps": [{ "id": "s1", "from_user": "a", "to_user": "b",
                "give": { "start": "2026-03-01T00:00:00Z", "end": "2026-03-02T00:00:00Z" },
                "take": { "start": "2026-03-03T00:00:00Z", "end": "2026-03-04T00:00:00Z" },
                "accepted_at": "2026-02-01T00:00:00Z", "cancelled_at": null }] },
        "query": { "type": "edit_timeline", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z",
            "edit": { "layer_id": "base", "effective_from": "2026-01-10T00:00:00Z", "keep_current": true,
                "layer": layer } } })
}

/// Puts a value somewhere into a line that is right, and expects to be told.
fn told(place: &str, value: Value, said: &str) {
    let mut line = whole();
    *line.pointer_mut(&format!("/{place}")).unwrap_or(&mut Value::Null) = value.clone();
    if line.pointer(&format!("/{place}")).is_none() {
        let (object, field) = place.rsplit_once('/').expect("a path");
        line.pointer_mut(&format!("/{object}")).expect("an object")[field] = value;
    }
    let answer = ask(&line);
    let why = answer["error"].as_str().unwrap_or_else(|| panic!("{place} was accepted: {answer}"));
    assert!(why.contains(said), "{place}: {why}");
}

#[test]
fn a_line_in_which_everything_is_right_is_answered() {
    assert!(ask(&whole())["answer"].is_object(), "{}", ask(&whole()));
}

#[test]
fn a_refusal_of_a_version_names_the_field_and_the_rule() {
    let base = "schedule/versions/0/layers/0";
    let rrule = |rule: &str| json!({ "type": "rrule", "rrule": rule });
    for (place, value, said) in [
        ("schedule/versions/0/time_zone", json!("Europe/Nowhere"), "time_zone must be an IANA zone"),
        ("schedule/versions/0/effective_from", json!("yesterday"), "effective_from must be an instant"),
        ("schedule/versions/0/layers", json!(null), "layers is missing"),
        (&format!("{base}/time_zone"), json!("Mars"), "layers[0].time_zone must be an IANA zone"),
        (&format!("{base}/participants"), json!([]), "layers[0].participants must be from 1"),
        (&format!("{base}/participants/0/0"), json!(""), "participants[0][0] must not be empty"),
        (
            &format!("{base}/rotation_start"),
            json!("2026-01-05T09:00:30"),
            "rotation_start must be a local time",
        ),
        (
            &format!("{base}/rotation_start"),
            json!("2026-01-05T09:00:00Z"),
            "rotation_start must be a local time",
        ),
        (&format!("{base}/rotation"), rrule("FREQ=DAILY;COUNT=3"), "rotation.rrule must not use COUNT"),
        (
            &format!("{base}/rotation"),
            rrule("FREQ=DAILY;UNTIL=20270101T000000Z"),
            "rotation.rrule must not use UNTIL",
        ),
        (&format!("{base}/rotation"), rrule("FREQ=WEEKLY;BYDAY=1MO"), "rotation.rrule must number the days"),
        (
            &format!("{base}/rotation"),
            rrule("FREQ=MINUTELY"),
            "rotation.rrule must not have handoffs more often",
        ),
        (&format!("{base}/rotation"), rrule("FREQ=DAILY;INTERVAL=0"), "rotation.rrule must have an INTERVAL"),
        (
            &format!("{base}/rotation"),
            rrule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31"),
            "rotation.rrule must have an occurrence",
        ),
        (&format!("{base}/rotation/every"), json!(0), "rotation.every must be from 1"),
        (&format!("{base}/rotation/every"), json!(1.5), "rotation.every must be a whole number"),
        (&format!("{base}/rotation/type"), json!("hourly"), "rotation.type must be one of"),
        (&format!("{base}/shift_minutes"), json!(0), "shift_minutes must be from 1"),
        (
            &format!("{base}/restrictions"),
            json!([{ "from": "9:00", "to": "10:00" }]),
            "restrictions[0].from must be a time",
        ),
        (
            &format!("{base}/restrictions"),
            json!([{ "from": "09:00", "to": "24:00" }]),
            "restrictions[0].to must be a time",
        ),
        (
            &format!("{base}/restrictions"),
            json!([{ "from": "09:00", "to": "10:00", "days": ["monday"] }]),
            "days[0] must be one of mon",
        ),
        (
            &format!("{base}/restrictions"),
            json!([{ "from": "09:00", "to": "10:00", "from_day": "mon" }]),
            "to_day is missing",
        ),
    ] {
        told(place, value, said);
    }
}

#[test]
fn a_refusal_of_an_adjustment_or_a_query_names_the_field_and_the_rule() {
    for (place, value, said) in [
        (
            "schedule/overrides/0/end",
            json!("2026-01-31T00:00:00Z"),
            "overrides[0].end must be later than the start",
        ),
        ("schedule/overrides/0/kind", json!("swap"), "overrides[0].kind must be one of set"),
        ("schedule/overrides/0/id", json!(null), "overrides[0].id is missing"),
        ("schedule/swaps/0/id", json!("o1"), "swaps[0].id must not be repeated"),
        ("schedule/swaps/0/to_user", json!("a"), "swaps[0].to_user must be somebody else"),
        ("schedule/swaps/0/to_user", json!(null), "swaps[0].to_user must say who accepted"),
        ("schedule/swaps/0/give/end", json!("2026-02-01T00:00:00Z"), "give.end must be later than the start"),
        ("schedule/swaps/0/take/start", json!("2026-03-01T12:00:00Z"), "take must not overlap give"),
        ("query/type", json!("who"), "query.type must be one of on_call_at"),
        ("query/to", json!("2025-01-01T00:00:00Z"), "query.to must not be before from"),
        ("query/edit/layer_id", json!("other"), "query.edit.layer.id must be the layer_id"),
        (
            "query/edit/effective_from",
            json!("2025-01-01T00:00:00Z"),
            "effective_from must not be before the first",
        ),
        ("query/edit/layer/participants", json!([]), "query.edit.layer.participants must be from 1"),
    ] {
        told(place, value, said);
    }
}

#[test]
fn a_question_about_too_much_is_refused_in_time() {
    let mut line = cases().next().expect("a case");
    line["schedule"]["versions"][0]["layers"][0]["rotation"] =
        json!({ "type": "custom", "every": 1, "unit": "hours" });
    line["query"] =
        json!({ "type": "timeline", "from": "2026-01-01T00:00:00Z", "to": "2126-01-01T00:00:00Z" });
    let answer = ask(&line);
    assert!(answer["error"].as_str().is_some_and(|why| why.starts_with("query.to ")), "{answer}");
}

/// Something else in the place of one value somewhere inside.
fn spoil(value: &mut Value, path: &[Index], put: &Value) {
    let Some((next, rest)) = path.split_first() else {
        *value = put.clone();
        return;
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            let place = next.index(items.len());
            spoil(&mut items[place], rest, put);
        }
        Value::Object(fields) if !fields.is_empty() => {
            let place = next.index(fields.len());
            let field = fields.iter_mut().nth(place).expect("it is there").1;
            spoil(field, rest, put);
        }
        _ => *value = put.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_line_makes_it_panic(
        which in any::<Index>(),
        path in prop::collection::vec(any::<Index>(), 1..9),
        put in prop::sample::select(vec![
            json!(null), json!(0), json!(-1), json!(u64::MAX), json!(i64::MIN), json!(1e300), json!(""), json!("x"),
            json!([]), json!({}), json!([[]]), json!(true), json!("9999-12-31T23:59:59Z"), json!("0000-01-01T00:00:00Z"),
            json!("9999-12-31T23:59:00"), json!("1970-01-01T00:00:00"), json!("23:59"), json!("FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=29"),
            json!("2026-06-30T23:59:60Z"), json!({ "type": "weekly", "every": 365 }), json!("\u{0}\u{202e}"),
        ]),
        cut in prop::option::weighted(0.1, any::<Index>()),
    ) {
        let mut case = which.get(&CASES.lines().collect::<Vec<_>>()).parse::<Value>().expect("JSON");
        spoil(&mut case, &path, &put);
        let line = case.to_string();
        let end = cut.map_or(line.len(), |cut| cut.index(line.len()));
        let answer = answer_line(&line.as_bytes()[..end], &*ZONES);
        prop_assert!(answer["answer"].is_object() != answer["error"].is_string(), "{answer}");
    }
}
