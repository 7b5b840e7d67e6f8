//! The examples of the guide do what it says.

use super::*;

const GUIDE: &str = include_str!("../../../../../docs/guides/expressions.md");

/// The blocks of a language, in the order of the guide.
fn blocks(language: &str) -> Vec<&'static str> {
    let (start, end) = (format!("```{language}\n"), "\n```");
    GUIDE.split(&start).skip(1).filter_map(|rest| rest.split(end).next()).collect()
}

#[test]
fn the_examples_yield_what_the_guide_says() {
    let examples = blocks("cel");
    let messages = blocks("json");
    let [disks, queue, crash, noise] = messages[..] else { panic!("{messages:?}") };
    let expected = [
        (r#"{"labels": {"team": "web"}}"#, "false"),
        (disks, "true"),
        (disks, r#""DiskFull on db1, db2""#),
        (queue, r#""critical""#),
        (crash, r#""checkout""#),
        (noise, "true"),
    ];
    assert_eq!(examples.len(), expected.len());
    for (text, (message, expected)) in examples.into_iter().zip(expected) {
        let expression = Expression::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let (payload, alert) = (json(message), json(ALERT));
        let scope = Scope::new(&payload, &alert);
        let value = expression.evaluate(&scope).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(serde_json::to_string(&value.to_json()).expect("JSON"), expected, "{text}");
    }
}

#[test]
fn the_guide_names_the_limits() {
    for limit in [
        format!("at most {} characters", Expression::MAX_CHARACTERS),
        format!("at most {} levels", parser::MAX_DEPTH),
        "at most 100,000 steps".to_owned(),
        "at most 1 MiB".to_owned(),
    ] {
        assert!(GUIDE.contains(&limit), "{limit}");
    }
    assert_eq!((Scope::MAX_STEPS, Scope::MAX_MADE), (100_000, 1 << 20));
}
