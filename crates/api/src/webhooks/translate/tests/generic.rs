//! Midwatch's own format.

use super::{generic as said, *};

#[test]
fn a_problem_is_known_by_any_id_that_it_is_given_and_a_key_counts_before_an_id() {
    let key = |fields: Value| {
        let mut body = json!({"title": "Disk full"});
        body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        said(&body).key
    };
    assert_eq!(key(json!({"alert_id": "a-1", "id": "m-1"})), "a-1");
    assert_eq!(key(json!({"alertId": 7})), "7");
    assert_eq!(key(json!({"id": "m-1"})), "m-1");
    assert_eq!(key(json!({"id": "m-1", "alert_id": "a-1", "fingerprint": "f"})), "f");
    for (name, time) in
        [("triggered_at", json!("2026-11-24T03:00:00Z")), ("event_time", json!(1_795_489_200))]
    {
        let mut body = json!({"title": "Disk full"});
        body[name] = time;
        let at = said(&body).at.map(domain::Timestamp::millis);
        assert_eq!(at, Some(1_795_489_200_000), "{name}");
    }
}
