//! Nothing that anybody writes or sends makes it panic.

use std::borrow::Cow;

use proptest::{collection::vec, prelude::*};

use super::*;

/// Words and signs of the language, put together without sense.
fn babble() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "payload",
        "alert",
        "x",
        ".a",
        ".b",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "!",
        "-",
        "+",
        "*",
        "/",
        "%",
        "&&",
        "||",
        "==",
        "<",
        " in ",
        "?",
        ":",
        ",",
        "1",
        "0",
        "2.5",
        "7u",
        "\"a\"",
        "'",
        "\"",
        "\"\"\"",
        "r\"",
        "\\",
        "`",
        "null",
        "true",
        ".map(x,",
        ".all(x,",
        "has(",
        "default(",
        "size(",
        ".matches(\"a+\")",
        ".split(\"\")",
        "9223372036854775808",
        "é",
        "//",
        "\n",
        "@",
        "0x",
        "1e",
        "\\u00",
    ]);
    vec(part, 0..40).prop_map(|parts| parts.concat())
}

/// Expressions that are well formed, if not of the right types.
fn sensible() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "payload",
        "payload.a",
        "payload.b.a",
        "alert",
        "alert.a[0]",
        "null",
        "true",
        "false",
        "0",
        "1",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615u",
        "1.5",
        "-1e308",
        "\"\"",
        "\"a\"",
        "\"é-a\"",
        "[]",
        "[1, \"a\"]",
        "{}",
        "{\"a\": 1}",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(5, 40, 3, |inner| {
        let operators = vec!["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "&&", "||", "in"];
        let macros = vec!["all", "exists", "exists_one", "map", "filter"];
        let functions = vec!["size", "string", "int", "uint", "double", "bool"];
        let methods = vec!["trim", "lowerAscii", "upperAscii", "join", "size"];
        let of_two = vec!["contains", "startsWith", "endsWith", "split", "join", "substring"];
        prop_oneof![
            (inner.clone(), prop::sample::select(operators), inner.clone())
                .prop_map(|(left, operator, right)| format!("({left} {operator} {right})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(one, two, three)| format!("({one} ? {two} : {three})")),
            (inner.clone(), prop::sample::select(macros), inner.clone())
                .prop_map(|(over, name, body)| format!("{over}.{name}(x, [x, {body}][0] == {body})")),
            (inner.clone(), inner.clone()).prop_map(|(value, other)| format!("default({value}, {other})")),
            (inner.clone(), inner.clone()).prop_map(|(of, at)| format!("{of}[{at}]")),
            (inner.clone(), prop::sample::select(functions)).prop_map(|(of, name)| format!("{name}({of})")),
            (inner.clone(), prop::sample::select(methods)).prop_map(|(of, name)| format!("{of}.{name}()")),
            (inner.clone(), prop::sample::select(of_two), inner.clone())
                .prop_map(|(of, name, part)| format!("{of}.{name}({part})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(of, old, new)| format!("{of}.replace({old}, {new}, 3)")),
            (inner.clone(), inner.clone()).prop_map(|(key, value)| format!("{{{key}: {value}}}")),
            inner.clone().prop_map(|of| format!("has(({of}).a)")),
            inner.clone().prop_map(|of| format!("!{of}")),
            inner.prop_map(|of| format!("-{of}")),
        ]
    })
}

fn messages() -> impl Strategy<Value = Json<'static>> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(Json::Integer),
        ((1 << 63)..=u64::MAX).prop_map(Json::Unsigned),
        prop::num::f64::NORMAL.prop_map(Json::Float),
        "[a-bé -]{0,6}".prop_map(|text| Json::Text(text.into())),
    ];
    leaf.prop_recursive(4, 30, 4, |inner| {
        let name = prop::sample::select(vec!["a", "b", "c-d"]).prop_map(Cow::Borrowed);
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::List),
            vec((name, inner), 0..4).prop_map(Json::Object),
        ]
    })
}

/// Whatever comes of it can be read in every way.
fn evaluated(expression: &Expression, payload: &Json<'_>, alert: &Json<'_>) {
    let scope = Scope::new(payload, alert);
    match expression.evaluate(&scope) {
        Ok(value) => {
            assert!(!matches!(value, Value::Double(double) if !double.is_finite()), "{expression}");
            assert!(serde_json::to_string(&value.to_json()).is_ok());
            drop(value.as_text());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

proptest! {
    #[test]
    fn any_text_is_an_expression_or_an_error_with_a_place(text in "\\PC{0,80}") {
        if let Err(error) = Expression::parse(&text) {
            prop_assert!(error.line >= 1 && error.column >= 1);
        }
    }

    #[test]
    fn babble_is_an_expression_or_an_error_with_a_place(text in babble(), payload in messages()) {
        match Expression::parse(&text) {
            Ok(expression) => evaluated(&expression, &payload, &Json::Null),
            Err(error) => prop_assert!(error.line <= text.matches('\n').count() + 1),
        }
    }

    #[test]
    fn any_expression_over_any_message_has_an_outcome(
        text in sensible(), payload in messages(), alert in messages(),
    ) {
        match Expression::parse(&text) {
            Ok(expression) => evaluated(&expression, &payload, &alert),
            Err(error) => prop_assert!(
                matches!(error.problem, ExpressionProblem::TooLong | ExpressionProblem::TooDeep),
                "{text}: {error}"
            ),
        }
    }
}
