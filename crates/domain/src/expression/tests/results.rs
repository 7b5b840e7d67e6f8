//! What expressions yield.

use std::borrow::Cow;

use super::*;

#[test]
fn fields_and_items_are_found() {
    yields(&[
        ("payload.status", r#""firing""#),
        ("payload.labels.team", r#""db""#),
        (r#"payload["labels"]["team"]"#, r#""db""#),
        ("payload.`odd-name`", r#""yes""#),
        ("payload.labels.`app.kubernetes.io/name`", r#""orders""#),
        ("payload.alerts[1].host", r#""db2""#),
        ("payload.alerts[1.0].host", r#""db2""#),
        ("payload.last", "2"),
        ("payload.nothing", "null"),
        ("(payload).labels.team", r#""db""#),
        ("alert.links[0]", r#"{"href":"https://example.org","text":"graph"}"#),
        (r#"{"in": 1, "null": 2}.in + {"null": 2}.null"#, "3"),
        ("[[1, 2], [3]][0][1]", "2"),
        (r#"{1: "one", true: "yes", "a": "text"}[1u]"#, r#""one""#),
    ]);
    fails(&[
        ("payload.absent", "no such field `absent`"),
        ("payload.absent.more", "no such field `absent`"),
        (r#"payload["absent"]"#, "no such field `absent`"),
        ("payload.nothing.more", "no such field `more`: it is asked of a value of type null"),
        ("payload.status.more", "no such field `more`: it is asked of a value of type string"),
        ("payload.alerts.host", "no such field `host`: it is asked of a value of type list"),
        ("payload.alerts[3]", "no such index 3"),
        ("payload.alerts[-1]", "no such index -1"),
        ("payload.alerts[\"0\"]", "`[ ]` needs an int, not string"),
        ("payload.status[0]", "`[ ]` needs a list or a map, not string"),
    ]);
}

#[test]
fn numbers_compare_by_value_and_reckon_together() {
    yields(&[
        ("payload.version == 4.0 && payload.version == 4u && 4 == 4", "true"),
        ("payload.big > 9223372036854775807 && payload.big > 1e18", "true"),
        ("9007199254740993 == 9007199254740992.0", "false"),
        ("9007199254740993 > 9007199254740992.0", "true"),
        ("1 < 1.5 && 2 > 1.5 && -2 < -1.5 && -1 > -1.5 && 1.5 < 2u", "true"),
        ("1e300 > payload.big && -1e300 < -5", "true"),
        ("1 == \"1\" || null == false || [] == {}", "false"),
        ("payload.load * payload.cores", "12.0"),
        ("payload.big / 1024", "18014398509481983"),
        ("2u - 1u", "1"),
        ("7 / 2 * 2 + 7 % 2", "7"),
        ("-7 % 3", "-1"),
        ("1 + 2 * 3 - 4", "3"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("0x10 + 0x1Fu", "47"),
        (".5 + 1.5e0", "2.0"),
        ("- -5 + 1--1", "7"),
    ]);
    fails(&[
        ("9223372036854775807 + 1", "the number is out of range"),
        ("-9223372036854775808 / -1", "the number is out of range"),
        ("-(-9223372036854775808)", "the number is out of range"),
        ("9223372036854775807 * 9223372036854775807", "the number is out of range"),
        ("payload.big * payload.big", "the number is out of range"),
        ("1u - 2u", "the number is out of range"),
        ("1e308 * 10.0", "the number is out of range"),
        ("1 / 0", "division by zero"),
        ("1 % 0", "division by zero"),
        ("1.0 / 0.0", "division by zero"),
        ("1.5 % 2.0", "`%` does not go with double and double"),
        ("\"load \" + 1", "`+` does not go with string and int"),
        ("1 < \"2\"", "`<` does not go with int and string"),
        ("-\"a\"", "`-` needs an int or a double, not string"),
    ]);
}

#[test]
fn texts_lists_and_maps_are_made_and_compared() {
    yields(&[
        (r#""a" + 'b' + """c""" + r"\d""#, r#""abc\\d""#),
        (r#"'\x41\u00e9\U0001F600\101\'\"\n'"#, "\"A\u{e9}\u{1f600}A'\\\"\\n\""),
        ("\"\"\"one\n\"two\" \"\"\"", r#""one\n\"two\" ""#),
        (r#""a" < "b" && "B" < "a""#, "true"),
        (r#"[1, "a"] + [2.5]"#, r#"[1,"a",2.5]"#),
        ("[1, 2, ] == [1.0, 2u] && [1] != [1, 2]", "true"),
        (r#"{"a": 1, "b": [2]} == {"b": [2.0], "a": 1u}"#, "true"),
        (r#"payload.labels == {"severity": "page"}"#, "false"),
        (r#"alert.labels == {"team": "db"}"#, "true"),
        (r#"{"title": alert.title, "n": 1 + 1, 3: 4}"#, r#"{"title":"disk /var is full","n":2,"3":4}"#),
        ("// why\n1 // one", "1"),
    ]);
    fails(&[
        (r#"{"a": 1, "a": 2}"#, "the map has the key `a` twice"),
        ("{1: 1, 1.5: 2}", "`{ }` needs keys of type string, int, uint or bool, not double"),
    ]);
}

#[test]
fn membership() {
    yields(&[
        (r#"payload.labels.team in ["db", "core"]"#, "true"),
        ("payload.labels.team in []", "false"),
        (r#""team" in payload.labels && !("x" in payload.labels) && "x" in {"x": 1}"#, "true"),
        ("97 in payload.alerts.filter(a, has(a.percent)).map(a, a.percent)", "true"),
    ]);
    fails(&[(r#""fire" in payload.status"#, "`in` does not go with string and string")]);
}

#[test]
fn a_decided_side_makes_up_for_an_error() {
    yields(&[
        ("payload.absent == 1 || true", "true"),
        ("true || payload.absent == 1", "true"),
        ("payload.absent == 1 && false", "false"),
        ("payload.nothing && false || true", "true"),
        ("true ? 1 : payload.absent", "1"),
        ("[1, 2].exists(x, x / 0 == 1 || x == 2)", "true"),
        ("payload.alerts.exists(a, a.percent > 90)", "true"),
        ("payload.alerts.all(a, a.percent > 90)", "false"),
    ]);
    fails(&[
        ("payload.absent == 1 || false", "no such field `absent`"),
        ("payload.absent == 1 && true", "no such field `absent`"),
        ("1 && true", "`&&` needs a bool, not int"),
        ("payload.absent ? 1 : 2", "no such field `absent`"),
        ("\"yes\" ? 1 : 2", "`? :` needs a bool, not string"),
        ("!1", "`!` needs a bool, not int"),
        ("payload.alerts.all(a, a.percent > 50)", "no such field `percent`"),
        ("payload.alerts.all(a, a.name)", "`all` needs a condition of type bool, not string"),
    ]);
}

#[test]
fn absence_can_be_asked_about_and_made_up_for() {
    yields(&[
        ("has(payload.status) && has(payload.labels.team) && has(payload.nothing)", "true"),
        ("has(payload.absent) || has(payload.absent.more) || has(payload.nothing.more)", "false"),
        ("has(payload.alerts[7].name) || has(payload.status.more)", "false"),
        ("has(payload.labels.`app.kubernetes.io/name`)", "true"),
        ("default(payload.absent, \"none\")", r#""none""#),
        ("default(payload.nothing, payload.status)", r#""firing""#),
        ("default(1 / 0, default(payload.absent, 3))", "3"),
        ("default(payload.version, 7)", "4"),
        ("[1, 2].map(x, default([x].map(y, y / (y - 1))[0], x))", "[1,2]"),
    ]);
    fails(&[
        ("has(payload[1 / 0].name)", "division by zero"),
        ("default(payload.absent, payload.missing)", "no such field `missing`"),
    ]);
}

#[test]
fn macros_go_through_lists_and_the_keys_of_maps() {
    yields(&[
        ("[].all(x, false) && ![].exists(x, true)", "true"),
        ("[1, 2, 3].exists_one(x, x > 2) && ![1, 2, 3].existsOne(x, x > 1)", "true"),
        ("payload.alerts.map(a, a.host)", r#"["db1","db2","web1"]"#),
        ("payload.alerts.map(a, has(a.percent), a.percent)", "[97,60.5]"),
        ("payload.alerts.filter(a, a.host.startsWith(\"db\")).size()", "2"),
        (r#"payload.labels.exists(k, k.contains("kube"))"#, "true"),
        (r#"{"a": 1, "b": 2}.map(k, k + "!")"#, r#"["a!","b!"]"#),
        ("[1, 2].map(x, [10, 20].map(y, x + y))", "[[11,21],[12,22]]"),
        ("[1, 2].map(payload, payload * 2)", "[2,4]"),
        ("[[1], [2, 3]].map(x, x.map(x, x + 1))", "[[2],[3,4]]"),
    ]);
    fails(&[
        ("1.all(x, true)", "`all` needs a list or a map, not int"),
        ("payload.version.all(x, true)", "`all` needs a list or a map, not int"),
        ("[1, 0].exists_one(x, 1 / x == 1)", "division by zero"),
    ]);
}

#[test]
fn functions_of_texts() {
    yields(&[
        (r#"size("déjà") == 4 && "ab".size() == 2 && size([1]) == 1 && payload.labels.size() == 3"#, "true"),
        (
            r#"alert.title.contains("/var") && alert.title.startsWith("disk") && alert.title.endsWith("full")"#,
            "true",
        ),
        (
            r#"alert.title.matches("^disk .*full$") && matches(alert.title, r"/\w+") && !alert.title.matches("^x")"#,
            "true",
        ),
        (r#""ABCé".lowerAscii() + "abcé".upperAscii() + " x ".trim()"#, "\"abc\u{e9}ABC\u{e9}x\""),
        (r#""a,b,,c".split(",")"#, r#"["a","b","","c"]"#),
        (
            r#""a,b,c".split(",", 2) + "a,b".split(",", 0) + "a,b".split(",", 1) + "a,b".split(",", -1)"#,
            r#"["a","b,c","a,b","a","b"]"#,
        ),
        (r#""abé".split("") + "".split("") + "".split(",")"#, "[\"a\",\"b\",\"\u{e9}\",\"\"]"),
        (r#"["a", 1, 2.5, true].join("-") + ["b", "c"].join() + [].join(",")"#, r#""a-1-2.5-truebc""#),
        (
            r#""aaa".replace("a", "bb", 2) + "x".replace("y", "z") + "aa".replace("a", "") + "ab".replace("", "-")"#,
            r#""bbbbax-a-b-""#,
        ),
        (r#""héllo".substring(1) + "héllo".substring(1, 3) + "ab".substring(2)"#, "\"\u{e9}llo\u{e9}l\""),
    ]);
    fails(&[
        (r#""ab".substring(3)"#, "`substring` reaches beyond the string"),
        (r#""ab".substring(-1)"#, "`substring` reaches beyond the string"),
        (r#""ab".substring(2, 1)"#, "`substring` reaches beyond the string"),
        (r#"payload.version.contains("4")"#, "`contains` needs a string, not int"),
        (r#""a".contains(1)"#, "`contains` needs a string, not int"),
        (r#"payload.version.matches("4")"#, "`matches` needs a string, not int"),
        ("size(1)", "`size` needs a string, a list or a map, not int"),
        ("[[1]].join()", "`join` needs a list of strings, not list"),
        (r#""a".join()"#, "`join` needs a list, not string"),
        (r#""a".split(",", "b")"#, "`split` needs an int, not string"),
    ]);
}

#[test]
fn conversions() {
    yields(&[
        (r#"string(1) + string(2u) + string(1.5) + string(true) + string("x")"#, r#""121.5truex""#),
        (r#"[int("42"), int(1.9), int(-1.9), int(7u), int(payload.version)]"#, "[42,1,-1,7,4]"),
        (r#"[uint("42"), uint(1.9), uint(7)]"#, "[42,1,7]"),
        (r#"[double("1.5"), double(2), double(2u)]"#, "[1.5,2.0,2.0]"),
        (r#"[bool("true"), bool("0"), bool(true)]"#, "[true,false,true]"),
    ]);
    fails(&[
        ("int(\"4 2\")", "`4 2` cannot be made an int"),
        ("int(1e19)", "`10000000000000000000` cannot be made an int"),
        ("int(payload.big)", "`18446744073709551615` cannot be made an int"),
        ("uint(-1)", "`-1` cannot be made a uint"),
        ("double(\"inf\")", "`inf` cannot be made a double"),
        ("bool(\"yes\")", "`yes` cannot be made a bool"),
        ("string(null)", "`null` cannot be made a string"),
        ("string(payload.labels)", "`a map` cannot be made a string"),
    ]);
}

#[test]
fn a_condition_must_be_true_or_false() {
    let (payload, alert) = (json(PAYLOAD), json(ALERT));
    let scope = Scope::new(&payload, &alert);
    let holds = |text: &str| Expression::parse(text).expect("an expression").holds(&scope);
    assert_eq!(holds("alert.severity == \"critical\""), Ok(true));
    assert_eq!(holds("alert.severity == \"low\""), Ok(false));
    assert_eq!(holds("alert.severity"), Err(EvaluationError::NotACondition { kind: "string" }));
    assert_eq!(holds("payload.absent"), Err(EvaluationError::NoSuchField { name: "absent".into() }));
}

#[test]
fn values_read_as_text_where_they_say_something() {
    let (payload, alert) = (json(PAYLOAD), json(ALERT));
    let scope = Scope::new(&payload, &alert);
    let text = |text: &str| {
        let expression = Expression::parse(text).expect("an expression");
        let value = expression.evaluate(&scope).expect("a value");
        value.as_text().map(Cow::into_owned)
    };
    assert_eq!(text("payload.status").as_deref(), Some("firing"));
    assert_eq!(text("\" a \"").as_deref(), Some("a"));
    assert_eq!(text("payload.version").as_deref(), Some("4"));
    assert_eq!(text("payload.load").as_deref(), Some("1.5"));
    assert_eq!(text("payload.acknowledged").as_deref(), Some("false"));
    for nothing in ["payload.blank", "payload.nothing", "payload.labels", "[1]", "{1: 2}"] {
        assert_eq!(text(nothing), None, "{nothing}");
    }
}

#[test]
fn texts_of_the_message_and_the_expression_are_borrowed() {
    let (payload, alert) = (json(PAYLOAD), json(ALERT));
    let scope = Scope::new(&payload, &alert);
    for text in ["payload.status", "\"constant\"", "alert.title.split(\" \")[0]", "alert.title.substring(2)"]
    {
        let expression = Expression::parse(text).expect("an expression");
        let value = expression.evaluate(&scope).expect("a value");
        assert!(matches!(value, Value::Text(Cow::Borrowed(_))), "{text}");
    }
}
