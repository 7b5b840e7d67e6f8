//! However a text is nested, it is refused or evaluated, on the stack of any thread.

use std::thread;

use super::*;

/// Half of what a thread has by default, in a build without optimisation.
const STACK_BYTES: usize = 1 << 20;

fn in_a_small_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let small = thread::Builder::new().stack_size(STACK_BYTES);
    small.spawn(work).expect("a thread").join().expect("no overflow")
}

/// The texts that nest in every way there is, `count` times.
fn nested(count: usize) -> Vec<String> {
    let wrapped = |open: &str, inner: &str, close: &str| {
        format!("{}{inner}{}", open.repeat(count), close.repeat(count))
    };
    vec![
        wrapped("(", "1", ")"),
        wrapped("[", "1", "]"),
        wrapped("{1:", "1", "}"),
        wrapped("!", "true", ""),
        wrapped("-", "(1)", ""),
        wrapped("!(", "true", ")"),
        wrapped("size([", "1", "])"),
        wrapped("default(1,", "1", ")"),
        wrapped("true?1:", "1", ""),
        wrapped("[1].map(x,", "x", ")"),
        wrapped("1+(", "1", ")"),
        format!("payload{}", ".a".repeat(count)),
        format!("payload{}", "[0]".repeat(count)),
        format!("\"\"{}", ".trim()".repeat(count)),
        format!("1{}", "+1".repeat(count)),
        format!("1{}", "==1".repeat(count)),
        format!("true{}", "&&true".repeat(count)),
        format!("false{}", "||false".repeat(count)),
        format!("true{}", "&&true||false".repeat(count)),
        "(".repeat(count),
        "[{(!-".repeat(count),
        "!!(!!!!!!(!!!!(((((!!(!!(!!!!((".repeat(count),
    ]
}

#[test]
fn deep_texts_never_overflow_the_stack() {
    in_a_small_thread(|| {
        let (payload, alert) = (json(PAYLOAD), json(ALERT));
        for count in [1, 10, 20, 23, 24, 25, 46, 47, 48, 49, 50, 100, 400, 900, 1999] {
            for text in nested(count) {
                let text: String = text.chars().take(Expression::MAX_CHARACTERS).collect();
                if let Ok(expression) = Expression::parse(&text) {
                    let value = expression.evaluate(&Scope::new(&payload, &alert));
                    drop(value.map(|value| value.to_json()));
                }
            }
        }
    });
}

#[test]
fn nesting_has_a_limit() {
    let deep = |count: usize| format!("{}1{}", "(".repeat(count), ")".repeat(count));
    assert!(Expression::parse(&deep(40)).is_ok());
    let error = Expression::parse(&deep(60)).expect_err("too deep");
    assert_eq!(error.problem, ExpressionProblem::TooDeep);
    assert_eq!((error.line, error.column), (1, 49));
    let sum = |count: usize| format!("1{}", "+1".repeat(count));
    assert!(Expression::parse(&sum(40)).is_ok());
    assert_eq!(Expression::parse(&sum(60)).expect_err("too deep").problem, ExpressionProblem::TooDeep);
}

#[test]
fn long_is_not_deep() {
    let path = format!("has(payload{})", ".a".repeat(900));
    assert_eq!(outcome(&path).as_deref(), Ok("false"));
    let conditions = vec!["payload.version == 4"; 80].join(" && ");
    assert_eq!(outcome(&conditions).as_deref(), Ok("true"));
    let list =
        format!("500 in [{}]", (0..420).map(|number| number.to_string()).collect::<Vec<_>>().join(","));
    assert_eq!(outcome(&list).as_deref(), Ok("false"));
}

#[test]
fn deep_messages_can_be_compared() {
    in_a_small_thread(|| {
        let message = format!("{{\"deep\":{}{}}}", "[".repeat(120), "]".repeat(120));
        let (payload, alert) = (json(&message), json(&message));
        let expression = Expression::parse("payload == alert && payload.deep in [alert.deep]").expect("one");
        assert_eq!(expression.holds(&Scope::new(&payload, &alert)), Ok(true));
    });
}
