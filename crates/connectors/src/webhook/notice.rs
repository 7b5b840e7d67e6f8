//! The body of an outgoing webhook that carries a notice.

use chrono::{DateTime, SecondsFormat};
use serde::Serialize;

use super::body::MAX_BODY_BYTES;
use crate::text::one_line;
use crate::{Notice, NoticeList};

/// Characters of any text that is sent.
const MAX_TEXT: usize = 200;
/// Facts, lists and lines that are sent at most; fewer, should the body be too large, and in the end none.
const MAX_ITEMS: [usize; 3] = [20, 5, 0];

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    /// When the notice was asked for; the time of the attempt is in the header.
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    notice: NoticeData<'a>,
    schedule: Option<ScheduleData>,
}

#[derive(Serialize)]
struct NoticeData<'a> {
    id: &'a str,
    kind: String,
    subject: String,
    summary: String,
    recipient: String,
    /// When the time that it is about begins and ends.
    start: Option<&'a str>,
    end: Option<&'a str>,
    facts: Vec<Fact>,
    lists: Vec<List>,
    url: String,
}

#[derive(Serialize)]
struct Fact {
    label: String,
    value: String,
}

#[derive(Serialize)]
struct List {
    heading: String,
    lines: Vec<String>,
    more: usize,
}

#[derive(Serialize)]
struct ScheduleData {
    id: String,
    name: String,
}

/// The body for a notice, at most [`MAX_BODY_BYTES`]: the same on every attempt, as long as what it says is the same.
pub(super) fn body(notice: &Notice) -> Result<Vec<u8>, serde_json::Error> {
    let mut body = vec![];
    for items in MAX_ITEMS {
        body = body_of(notice, items)?;
        if body.len() <= MAX_BODY_BYTES {
            break;
        }
    }
    Ok(body)
}

fn body_of(notice: &Notice, items: usize) -> Result<Vec<u8>, serde_json::Error> {
    let card = &notice.card;
    let line = |text: &str| one_line(text, MAX_TEXT);
    let list = |list: &NoticeList| List {
        heading: line(&list.heading),
        lines: list.lines.iter().take(items).map(|text| line(text)).collect(),
        more: list.more + list.lines.len().saturating_sub(items),
    };
    let fact = |(label, value): &(String, String)| Fact { label: line(label), value: line(value) };
    serde_json::to_vec(&Body {
        r#type: "notice.requested",
        timestamp: DateTime::from_timestamp(notice.requested_at_unix, 0)
            .unwrap_or_default()
            .to_rfc3339_opts(SecondsFormat::Secs, true),
        data: Data {
            notice: NoticeData {
                id: &notice.key,
                kind: line(&card.kind),
                subject: line(&card.subject),
                summary: line(&card.summary),
                recipient: line(&card.recipient),
                start: card.times.0.as_deref(),
                end: card.times.1.as_deref(),
                facts: card.facts.iter().take(items).map(fact).collect(),
                lists: card.lists.iter().take(items).map(list).collect(),
                url: one_line(&card.url, 2000),
            },
            schedule: card
                .schedule
                .as_ref()
                .map(|(id, name)| ScheduleData { id: line(id), name: line(name) }),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Destination, NoticeCard};

    fn notice(card: NoticeCard) -> Notice {
        Notice {
            key: "ntc_01".to_owned(),
            attempt: 1,
            requested_at_unix: 1_614_265_330,
            at_unix: 1_614_265_390,
            to: Destination::Webhook { url: "https://example.org".to_owned(), secrets: vec![] },
            card,
        }
    }

    #[test]
    fn the_body_names_its_type_and_cannot_be_taken_for_a_page() {
        let card = NoticeCard {
            kind: "shift_starts".to_owned(),
            subject: "You are on call in 24 hours in Primary".to_owned(),
            schedule: Some(("sch_01".to_owned(), "Primary".to_owned())),
            times: (Some("2026-11-25T08:00:00.000Z".to_owned()), None),
            ..NoticeCard::default()
        };
        let body = body(&notice(card)).expect("a body");
        let body: serde_json::Value = serde_json::from_slice(&body).expect("json");
        assert_eq!(body["type"], "notice.requested");
        assert_eq!(body["timestamp"], "2021-02-25T15:02:10Z");
        assert_eq!(body["data"]["notice"]["id"], "ntc_01");
        assert_eq!(body["data"]["notice"]["start"], "2026-11-25T08:00:00.000Z");
        assert_eq!(body["data"]["schedule"]["name"], "Primary");
        assert!(body["data"]["page"].is_null() && body["data"]["incident"].is_null());
    }

    #[test]
    fn the_longest_texts_leave_the_body_small_enough() {
        let long = "ä\\".repeat(5000);
        let list = NoticeList { heading: long.clone(), lines: vec![long.clone(); 900], more: 1 };
        let card = NoticeCard {
            kind: long.clone(),
            subject: long.clone(),
            summary: long.clone(),
            facts: vec![(long.clone(), long.clone()); 90],
            lists: vec![list; 9],
            schedule: Some((long.clone(), long.clone())),
            url: long.clone(),
            recipient: long.clone(),
            ..NoticeCard::default()
        };
        let bytes = body(&notice(card)).expect("a body").len();
        assert!(bytes <= MAX_BODY_BYTES, "{bytes}");
    }
}
