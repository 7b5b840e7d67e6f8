//! Whatever is asked, it ends soon.

use std::fmt::Write;

use super::*;

/// A message with a list of many numbers.
fn long_list(length: usize) -> String {
    let mut text = String::from("{\"list\":[0");
    (1..length).for_each(|number| write!(text, ",{number}").expect("a text grows"));
    text + "]}"
}

fn over(length: usize, text: &str) -> Result<bool, EvaluationError> {
    let message = long_list(length);
    let (payload, alert) = (json(&message), Json::Null);
    Expression::parse(text).expect("an expression").holds(&Scope::new(&payload, &alert))
}

#[test]
fn one_pass_over_a_long_list_is_within_the_budget() {
    assert_eq!(over(10_000, "payload.list.all(x, x < 10000)"), Ok(true));
    assert_eq!(over(20_000, "size(payload.list.filter(x, x < 100)) == 100"), Ok(true));
}

#[test]
fn passes_within_passes_use_the_steps_up() {
    for text in [
        "payload.list.all(x, payload.list.all(y, payload.list.all(z, x + y + z >= 0)))",
        "payload.list.all(x, x in payload.list)",
        "payload.list.map(x, payload.list) == payload.list.map(x, payload.list)",
        "payload.list.all(x, payload.list == payload.list)",
    ] {
        assert_eq!(over(10_000, text), Err(EvaluationError::TooManySteps), "{text}");
    }
}

#[test]
fn making_without_end_uses_the_bytes_up() {
    for text in [
        "payload.list.map(x, payload.list.map(y, \"0123456789\" + string(x)).join()) == []",
        "payload.list.map(x, string(x)).join().replace(\"1\", payload.list.map(x, string(x)).join()) == \"\"",
        "payload.list.map(x, [x, x, x, x, x, x, x, x, x, x, x, x, x, x, x]) == []",
        "[payload.list.map(x, \"0123456789\").join()].map(t, payload.list.map(i, t + t)) == []",
        "[payload.list.map(x, \"0123456789\").join()].map(t, payload.list.map(i, t)) == []",
    ] {
        assert_eq!(over(3_000, text), Err(EvaluationError::TooMuchMade), "{text}");
    }
}

#[test]
fn nothing_makes_up_for_a_budget_that_is_used_up() {
    let endless = "payload.list.all(x, payload.list.all(y, payload.list.all(z, true)))";
    for text in [
        format!("{endless} || true"),
        format!("default({endless}, true)"),
        format!("has({{\"a\": {endless}}}.a)"),
        format!("[1].exists(x, {endless} || true)"),
    ] {
        assert_eq!(over(1_000, &text), Err(EvaluationError::TooManySteps), "{text}");
    }
}

#[test]
fn expressions_of_one_scope_share_its_budget() {
    let message = long_list(1_000);
    let (payload, alert) = (json(&message), Json::Null);
    let mut scope = Scope::new(&payload, &alert);
    let expression = Expression::parse("payload.list.all(x, x >= 0)").expect("an expression");
    let mut passes = 0;
    while expression.holds(&scope) == Ok(true) {
        passes += 1;
        assert!(passes < 100, "the budget never ends");
        scope = Scope::within(&payload, &payload, scope.left());
    }
    assert!(passes > 20, "{passes}");
    let small = Expression::parse("true").expect("an expression");
    assert_eq!(small.holds(&scope), Err(EvaluationError::TooManySteps));
    assert_eq!(small.holds(&Scope::new(&payload, &alert)), Ok(true));
}

#[test]
fn long_texts_cost_steps() {
    let message = format!("{{\"text\":\"{}\"}}", "a".repeat(500_000));
    let (payload, alert) = (json(&message), Json::Null);
    for test in ["contains(\"b\")", "matches(\"b$\")", "endsWith(\"b\")"] {
        let text = format!("[{}].exists(x, payload.text.{test})", vec!["1"; 100].join(","));
        let outcome = Expression::parse(&text).expect("an expression").holds(&Scope::new(&payload, &alert));
        assert_eq!(outcome, Err(EvaluationError::TooManySteps), "{test}");
    }
}

#[test]
fn large_patterns_cost_more() {
    let message = format!("{{\"text\":\"{}\"}}", "a".repeat(10_000));
    let (payload, alert) = (json(&message), Json::Null);
    let holds = |pattern: &str| {
        let text = format!("payload.text.matches(r\"{pattern}\")");
        Expression::parse(&text).expect("an expression").holds(&Scope::new(&payload, &alert))
    };
    assert_eq!(holds("^[a-z]{1,50}b?"), Ok(true));
    assert_eq!(holds(r"^\w{1,20}$"), Err(EvaluationError::TooManySteps));
}

#[test]
fn an_ordinary_condition_takes_few_steps() {
    let (payload, alert) = (json(PAYLOAD), json(ALERT));
    let scope = Scope::new(&payload, &alert);
    let text = r#"alert.severity == "critical" && payload.labels.team in ["core", "db"] && alert.title.matches("^disk .*full")"#;
    let expression = Expression::parse(text).expect("an expression");
    let mut evaluations = 0;
    while expression.holds(&scope) == Ok(true) {
        evaluations += 1;
        assert!(evaluations < 10_000, "the budget never ends");
    }
    assert!(evaluations > 4_000, "{evaluations}");
}
