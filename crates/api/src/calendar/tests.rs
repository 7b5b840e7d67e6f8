//! The document byte by byte, and its way over HTTP.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use domain::{
    Timestamp, UserId,
    schedule::{Shift, Span},
};
use uuid::Uuid;

use super::{
    answer,
    ics::{Entry, calendar},
};

const GOLDEN: &str = include_str!("fixtures/calendar.ics");

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn shift(number: u128, start: &str, end: &str, sequence: u64, cancelled: bool) -> Shift {
    Shift {
        id: Uuid::from_u128(number),
        user: UserId::new(Uuid::from_u128(1)),
        span: Span { start: at(start), end: at(end) },
        sequence,
        changed_at: at("2026-01-20T08:15:30.999Z"),
        cancelled,
    }
}

fn entries() -> Vec<Entry> {
    let entry = |title: &str, shift| Entry { title: title.to_owned(), shift };
    let long = "On call: Größenänderungsüberwachung 🚒🚒🚒 für alle Dienste, die niemand kennt; außer \\ Zoë";
    vec![
        entry("On call: Primary", shift(1, "2026-01-26T09:00:00Z", "2026-02-02T09:00:00Z", 1, false)),
        entry(long, shift(2, "2026-03-23T09:00:00Z", "2026-03-30T08:00:00.500Z", 7, true)),
        entry("too short", shift(3, "2026-03-30T08:00:00.100Z", "2026-03-30T08:00:00.900Z", 8, false)),
        entry(
            "a\r\nATTENDEE:mailto:eve@example.org\rb\u{0}\u{1b}[31m\u{85}c\u{2028}d\te",
            shift(4, "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z", 2_147_483_647, false),
        ),
    ]
}

#[test]
fn a_calendar_is_these_bytes() {
    assert_eq!(calendar("On call: Zoë, \"Z\"; & co", &entries()), GOLDEN);
}

#[test]
fn no_line_is_longer_than_75_bytes_and_every_line_ends_as_it_must() {
    for length in 0..400 {
        let title = "ab€🚒".chars().cycle().take(length).collect::<String>();
        let text = calendar(&title, &[]);
        assert!(text.ends_with("\r\n"));
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert!(lines.iter().all(|line| line.len() <= 75 && !line.contains(['\r', '\n'])), "{text}");
        let unfolded = text.replace("\r\n ", "");
        assert!(unfolded.contains(&format!("\r\nX-WR-CALNAME:{title}\r\n")), "{text}");
    }
}

#[test]
fn whoever_has_the_document_already_is_told_so() {
    let ask = |tags: &[&str]| {
        let tags = tags.iter().map(|tag| (header::IF_NONE_MATCH, HeaderValue::from_str(tag).expect("a tag")));
        let mut headers = HeaderMap::new();
        tags.for_each(|(name, value)| {
            headers.append(name, value);
        });
        answer("a calendar".to_owned(), &headers)
    };
    let whole = ask(&[]);
    assert_eq!(whole.status(), StatusCode::OK);
    let tag = whole.headers()[header::ETAG].to_str().expect("it is text").to_owned();
    assert_eq!((tag.len(), tag.matches('"').count()), (34, 2), "{tag}");
    for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let answer = ask(&[&known]);
        assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(answer.headers()[header::ETAG], tag.as_str());
        assert!(!answer.headers().contains_key(header::CONTENT_TYPE));
    }
    assert_eq!(ask(&["\"one\"", &tag]).status(), StatusCode::NOT_MODIFIED);
    for other in ["\"other\"", tag.trim_matches('"'), ""] {
        assert_eq!(ask(&[other]).status(), StatusCode::OK, "{other}");
    }
}
