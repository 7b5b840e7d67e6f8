//! What is refused when an expression is saved, and the place it names.

use super::*;

#[test]
fn syntax_errors_say_what_is_due_and_where() {
    fails(&[
        ("", "the expression is empty (line 1, column 1)"),
        (" \n", "the expression is empty (line 1, column 1)"),
        ("1 +", "a value is expected before the end (line 1, column 4)"),
        ("(1", "`)` is expected before the end (line 1, column 3)"),
        ("1 2", "an operator or the end is expected before `2` (line 1, column 3)"),
        ("é == 1", "`é` means nothing here (line 1, column 1)"),
        ("\"é\" == #", "`#` means nothing here (line 1, column 8)"),
        ("a = 1", "`=` means nothing here (line 1, column 3)"),
        ("payload.\n  1", "the name of a field or function is expected before `1` (line 2, column 3)"),
        ("[1", "`,` or `]` is expected before the end (line 1, column 3)"),
        ("[,]", "a value is expected before `,` (line 1, column 2)"),
        ("size(payload,)", "a value is expected before `)` (line 1, column 14)"),
        ("{1}", "`:` is expected before `}` (line 1, column 3)"),
        ("true ? 1", "`:` is expected before the end (line 1, column 9)"),
        ("\"open", "the string has no closing \" (line 1, column 1)"),
        ("'a\nb'", "the string has no closing ' (line 1, column 1)"),
        ("payload.`open", "the string has no closing ` (line 1, column 9)"),
        (r#""\d""#, r"`\d` is not an escape; a backslash itself is written `\\` (line 1, column 2)"),
        (r#""\xg0""#, r"`\xg0` is not an escape; a backslash itself is written `\\` (line 1, column 2)"),
        (r#""\ud800""#, r"`\ud800` is not an escape; a backslash itself is written `\\` (line 1, column 2)"),
        (r#""\"#, r"`\` is not an escape; a backslash itself is written `\\` (line 1, column 2)"),
        ("9223372036854775808", "`9223372036854775808` is not a number within range (line 1, column 1)"),
        ("-9223372036854775809", "`9223372036854775809` is not a number within range (line 1, column 2)"),
        ("1e999", "`1e999` is not a number within range (line 1, column 1)"),
        ("5day", "`5day` is not a number within range (line 1, column 1)"),
        ("0x", "`0x` is not a number within range (line 1, column 1)"),
        ("payload.?a", "the name of a field or function is expected before `?` (line 1, column 9)"),
    ]);
}

#[test]
fn unknown_names_are_refused_with_their_place() {
    fails(&[
        (
            "severity == 1",
            "there is no variable `severity`; there are `payload` and `alert` (line 1, column 1)",
        ),
        (
            "true ||\n item.x",
            "there is no variable `item`; there are `payload` and `alert` (line 2, column 2)",
        ),
        (
            "[1].all(x, x > 0) && x",
            "there is no variable `x`; there are `payload` and `alert` (line 1, column 22)",
        ),
        ("shout(1)", "there is no function `shout` (line 1, column 1)"),
        ("alert.title.shout()", "there is no function `shout` (line 1, column 13)"),
    ]);
}

#[test]
fn functions_that_are_written_otherwise_are_refused() {
    fails(&[
        ("contains(alert.title, \"a\")", "`contains` is written `string.contains(part)` (line 1, column 1)"),
        ("alert.title.contains()", "`contains` is written `string.contains(part)` (line 1, column 13)"),
        ("\"1\".int()", "`int` is written `int(value)` (line 1, column 5)"),
        ("all(payload, true)", "`all` is written `list.all(item, condition)` (line 1, column 1)"),
        ("[1].all(1, true)", "`all` is written `list.all(item, condition)` (line 1, column 5)"),
        ("[1].all(in, true)", "`all` is written `list.all(item, condition)` (line 1, column 5)"),
        ("[1].filter(x, true, x)", "`filter` is written `list.filter(item, condition)` (line 1, column 5)"),
        ("[1].map(x)", "`map` is written `list.map(item, value)` (line 1, column 5)"),
        ("has(payload)", "`has` is written `has(value.field)` (line 1, column 1)"),
        ("has(payload.a, 1)", "`has` is written `has(value.field)` (line 1, column 1)"),
        ("payload.has(a)", "`has` is written `has(value.field)` (line 1, column 9)"),
        ("default(1)", "`default` is written `default(value, fallback)` (line 1, column 1)"),
        ("matches(alert.title)", "`matches` is written `string.matches(pattern)` (line 1, column 1)"),
    ]);
}

#[test]
fn what_is_left_out_says_what_to_do_instead() {
    let times = "times are strings here, and can be compared as such";
    for (text, name, instead, column) in [
        ("timestamp(alert.at)", "timestamp", times, 1),
        ("duration(\"1h\")", "duration", times, 1),
        ("alert.at.getHours()", "getHours", times, 10),
        ("b\"bytes\"", "b", "there are strings only", 1),
        ("payload.orValue(1)", "orValue", "use default(value, fallback)", 9),
    ] {
        let expected = format!("`{name}` is not offered: {instead} (line 1, column {column})");
        assert_eq!(outcome(text), Err(expected), "{text}");
    }
}

#[test]
fn patterns_are_constant_and_small() {
    fails(&[
        (
            "alert.title.matches(payload.pattern)",
            "the pattern of `matches` must be a string written out, not computed (line 1, column 13)",
        ),
        (
            "alert.title.matches(\"(\")",
            "the pattern of `matches` is wrong: unclosed group (line 1, column 13)",
        ),
        (
            r#"alert.title.matches(r"(\w{100}){100}")"#,
            "the pattern of `matches` is wrong: it is too large (line 1, column 13)",
        ),
    ]);
    yields(&[(r#"alert.title.matches(r"(?i)^DISK\s+/\w{1,20}\b.*(full|slow)$")"#, "true")]);
}

#[test]
fn an_expression_has_a_longest_length() {
    let longest = format!("\"{}\"", "é".repeat(Expression::MAX_CHARACTERS - 2));
    assert!(Expression::parse(&longest).is_ok());
    let longer = format!("{longest} ");
    let error = Expression::parse(&longer).expect_err("too long");
    assert_eq!(error.to_string(), "the expression is longer than 2000 characters (line 1, column 1)");
}
