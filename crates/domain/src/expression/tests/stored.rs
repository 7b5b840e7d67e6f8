//! Expressions in stored facts.

use super::*;

#[test]
fn an_expression_is_stored_as_its_text() {
    let expression = Expression::parse("payload.version == 4").expect("an expression");
    let stored = serde_json::to_string(&expression).expect("json");
    assert_eq!(stored, "\"payload.version == 4\"");
    let read: Expression = serde_json::from_str(&stored).expect("an expression");
    assert_eq!(read, expression);
    assert_eq!(read.to_string(), expression.text());
    let (payload, alert) = (json(PAYLOAD), json(ALERT));
    assert_eq!(read.holds(&Scope::new(&payload, &alert)), Ok(true));
}

#[test]
fn what_another_version_accepted_is_kept_and_says_what_is_wrong_when_it_is_needed() {
    let longer = format!("true{}", " ".repeat(Expression::MAX_CHARACTERS));
    for text in ["alert.title.soundsLike(\"disk\")", "payload.", "", longer.as_str()] {
        let stored = serde_json::to_string(text).expect("json");
        let read: Expression = serde_json::from_str(&stored).expect("an expression");
        assert_eq!(read.text(), text);
        assert_eq!(serde_json::to_string(&read).expect("json"), stored);
    }
    let read: Expression = serde_json::from_str("\"soundsLike(1)\"").expect("an expression");
    let (payload, alert) = (json(PAYLOAD), json(ALERT));
    let why = Expression::parse("soundsLike(1)").expect_err("unknown");
    assert_eq!(read.holds(&Scope::new(&payload, &alert)), Err(EvaluationError::Unreadable(why.clone())));
    assert_eq!(
        EvaluationError::from(why).to_string(),
        "the expression cannot be read: there is no function `soundsLike` (line 1, column 1)"
    );
}
