//! The body of an outgoing webhook.

use chrono::{DateTime, SecondsFormat};
use serde::Serialize;

use crate::text::one_line;
use crate::{IncidentCard, Page};

/// The largest body that is sent, in bytes; receivers of Standard Webhooks need not take more.
pub const MAX_BODY_BYTES: usize = 20_000;

/// Characters of a title that are sent.
const MAX_TITLE: usize = 1000;
/// Characters of a name or another short text that are sent.
const MAX_NAME: usize = 200;
/// Bytes of a link that are sent; a longer one is left out, since half a link leads nowhere.
const MAX_URL: usize = 2000;

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    /// When the page was asked for; the time of the attempt is in the header.
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    page: PageData<'a>,
    incident: IncidentData<'a>,
}

#[derive(Serialize)]
struct PageData<'a> {
    id: &'a str,
    level: u32,
    cycle: u32,
    recipient: String,
    reason: String,
}

#[derive(Serialize)]
struct IncidentData<'a> {
    id: String,
    title: String,
    severity: String,
    status: String,
    service: String,
    team: Option<String>,
    opened_at: String,
    url: Option<&'a str>,
    details: Option<&'a str>,
    details_cut: bool,
}

/// The body for a page: the same bytes on every attempt, at most [`MAX_BODY_BYTES`], for which details are cut.
pub(super) fn body(page: &Page) -> Result<Vec<u8>, serde_json::Error> {
    let card = &page.incident;
    let bare = serde_json::to_vec(&document(page, None, false))?;
    let Some(details) = card.details.as_deref() else { return Ok(bare) };

    // The four letters of `null` give way to two quotes.
    let kept = fitting(details, (MAX_BODY_BYTES + 2).saturating_sub(bare.len()));
    serde_json::to_vec(&document(page, Some(kept), kept.len() < details.len()))
}

fn document<'a>(page: &'a Page, details: Option<&'a str>, details_cut: bool) -> Body<'a> {
    let card: &IncidentCard = &page.incident;
    let name = |text: &str| one_line(text, MAX_NAME);
    Body {
        r#type: "page.requested",
        timestamp: DateTime::from_timestamp(page.requested_at_unix, 0)
            .unwrap_or_default()
            .to_rfc3339_opts(SecondsFormat::Secs, true),
        data: Data {
            page: PageData {
                id: &page.key,
                level: card.level,
                cycle: card.cycle,
                recipient: name(&card.recipient),
                reason: name(&card.reason),
            },
            incident: IncidentData {
                id: name(&card.id),
                title: one_line(&card.title, MAX_TITLE),
                severity: name(&card.severity),
                status: name(&card.status),
                service: name(&card.service),
                team: card.team.as_deref().map(name),
                opened_at: name(&card.opened_at),
                url: Some(card.url.as_str()).filter(|url| url.len() <= MAX_URL),
                details,
                details_cut,
            },
        },
    }
}

/// The longest beginning of a text that takes at most `budget` bytes inside a JSON string.
fn fitting(text: &str, budget: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += match c {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            '\0'..='\u{1f}' => 6,
            _ => c.len_utf8(),
        };
        if used > budget {
            return &text[..at];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Destination;

    fn page(details: Option<String>) -> Page {
        Page {
            key: "pag_01".to_owned(),
            attempt: 1,
            requested_at_unix: 1_614_265_330,
            at_unix: 1_614_265_390,
            to: Destination::Webhook { url: "https://example.org".to_owned(), secrets: vec![] },
            incident: IncidentCard {
                id: "inc_01".to_owned(),
                title: "disk full".to_owned(),
                url: "https://midwatch.example.org/incidents/inc_01".to_owned(),
                level: 1,
                cycle: 1,
                details,
                ..IncidentCard::default()
            },
        }
    }

    #[test]
    fn the_body_names_its_type_and_carries_the_incident() {
        let body: serde_json::Value =
            serde_json::from_slice(&body(&page(Some("full\nat 99%".to_owned()))).expect("a body"))
                .expect("json");
        assert_eq!(body["type"], "page.requested");
        assert_eq!(body["timestamp"], "2021-02-25T15:02:10Z");
        assert_eq!(body["data"]["page"]["id"], "pag_01");
        assert_eq!(body["data"]["incident"]["title"], "disk full");
        assert_eq!(body["data"]["incident"]["details"], "full\nat 99%");
        assert_eq!(body["data"]["incident"]["details_cut"], false);
    }

    #[test]
    fn a_later_attempt_has_the_same_body() {
        let first = page(None);
        let later = Page { attempt: 7, at_unix: 1_614_300_000, ..first.clone() };
        assert_eq!(body(&first).expect("a body"), body(&later).expect("a body"));
    }

    #[test]
    fn details_of_any_kind_are_cut_to_fit() {
        for unit in ["x", "\"", "\u{1}", "ä", "🔥", "\n", "\u{7f}", "<"] {
            let body = body(&page(Some(unit.repeat(30_000)))).expect("a body");
            assert!((MAX_BODY_BYTES - 8..=MAX_BODY_BYTES).contains(&body.len()), "{unit:?} {}", body.len());
            let body: serde_json::Value = serde_json::from_slice(&body).expect("json");
            assert_eq!(body["data"]["incident"]["details_cut"], true);
        }
    }

    #[test]
    fn the_longest_names_leave_the_body_small_enough() {
        let long = "🔥\\".repeat(5000);
        let mut page = page(Some(long.clone()));
        page.incident = IncidentCard {
            id: long.clone(),
            title: long.clone(),
            severity: long.clone(),
            status: long.clone(),
            service: long.clone(),
            team: Some(long.clone()),
            url: long.clone(),
            opened_at: long.clone(),
            reason: long.clone(),
            recipient: long.clone(),
            ..page.incident
        };
        assert!(body(&page).expect("a body").len() <= MAX_BODY_BYTES);
    }
}
