#[path = "../../midwatch/src/answer/mod.rs"]
mod answer;
use std::time::Instant;
#[test]
fn cases() {
    let zones = domain::schedule::Tzdb::bundled();
    let text = include_str!("../../midwatch/tests/schedule_cases.jsonl");
    let t = Instant::now();
    let mut bad = 0;
    for line in text.lines() {
        let c: serde_json::Value = serde_json::from_str(line).unwrap();
        let got = answer::answer_line(line.as_bytes(), &zones);
        if got["answer"] != c["expected"] { bad += 1; println!("{} {}\n  got {}\n  exp {}", c["id"], c["note"], got, c["expected"]); }
    }
    println!("{:?}", t.elapsed());
    assert_eq!(bad, 0);
}
