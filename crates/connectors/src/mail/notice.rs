//! What a notice looks like as a mail: calm, and never like a page.

use lettre::message::{Mailbox, Message};

use super::letter::{Head, letter_of, link, rows};
use crate::text::{html, one_line};
use crate::{Notice, NoticeCard, NoticeList, SendError};

/// Characters of a subject.
const MAX_SUBJECT: usize = 250;
/// Characters of any other line.
const MAX_LINE: usize = 500;
/// Facts and lists that are shown, and lines of one list.
const MAX_ITEMS: usize = 50;
/// The colour of notices, which is that of no severity.
const COLOUR: &str = "#5b6b7b";

/// The mail for a notice: text and HTML, threaded by schedule, with an id that is the same on every attempt.
pub(super) fn letter(notice: &Notice, address: &str, from: &Mailbox) -> Result<Message, SendError> {
    let card = cleaned(&notice.card);
    let thread =
        notice.card.schedule.as_ref().map_or_else(|| "midwatch-notices".to_owned(), |(id, _)| id.clone());
    let head = Head {
        key: &notice.key,
        thread: &thread,
        at_unix: notice.at_unix,
        recipient: &card.recipient,
        subject: card.subject.clone(),
        marks: &[("X-Midwatch-Notice", &notice.key)],
    };
    letter_of(&head, address, from, text(&card), page(&card))
}

/// The card with every text in one line and of bounded length.
fn cleaned(card: &NoticeCard) -> NoticeCard {
    let line = |text: &str| one_line(text, MAX_LINE);
    let list = |list: &NoticeList| NoticeList {
        heading: line(&list.heading),
        lines: list.lines.iter().take(MAX_ITEMS).map(|text| line(text)).collect(),
        more: list.more + list.lines.len().saturating_sub(MAX_ITEMS),
    };
    NoticeCard {
        kind: line(&card.kind),
        subject: one_line(&card.subject, MAX_SUBJECT),
        summary: line(&card.summary),
        facts: card.facts.iter().take(MAX_ITEMS).map(|(label, value)| (line(label), line(value))).collect(),
        lists: card.lists.iter().take(MAX_ITEMS).map(list).collect(),
        schedule: card.schedule.as_ref().map(|(id, name)| (line(id), line(name))),
        times: card.times.clone(),
        url: one_line(&card.url, 2000),
        recipient: one_line(&card.recipient, 200),
        reason: line(&card.reason),
    }
}

fn text(card: &NoticeCard) -> String {
    let width = card.facts.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0) + 2;
    let facts: Vec<String> =
        card.facts.iter().map(|(label, value)| format!("{label:<width$}{value}\n")).collect();
    let lists: Vec<String> = card.lists.iter().map(list_text).collect();
    let NoticeCard { summary, url, reason, .. } = card;
    format!("{summary}\n\n{}{}\nSee {url}\n\n{reason}\n", facts.concat(), lists.concat())
}

fn list_text(list: &NoticeList) -> String {
    let lines: Vec<String> = list.lines.iter().map(|line| format!("- {line}\n")).collect();
    let more = more(list).map_or_else(String::new, |more| format!("  {more}\n"));
    format!("\n{}\n{}{more}", list.heading, lines.concat())
}

fn more(list: &NoticeList) -> Option<String> {
    (list.more > 0).then(|| format!("and {} more", list.more))
}

/// Tables and inline styles only: mail programs drop the rest.
fn page(card: &NoticeCard) -> String {
    let lists: Vec<String> = card.lists.iter().map(list_html).collect();
    format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"></head>\
         <body style=\"margin:0;padding:16px;font-family:sans-serif;font-size:15px;color:#222222\">\
         <table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" style=\"width:100%;max-width:640px\"><tr>\
         <td style=\"width:6px;background:{COLOUR}\"></td><td style=\"padding:4px 0 4px 16px\">\
         <p style=\"margin:0 0 12px;font-size:17px\">{}</p><table role=\"presentation\">{}</table>{}{}\
         <p style=\"margin:16px 0 0;font-size:13px;color:#666666\">{}</p></td></tr></table></body></html>\n",
        html(&card.summary),
        rows(card.facts.iter().map(|(label, value)| (label.as_str(), value.as_str()))),
        lists.concat(),
        link(&card.url, "Open in Midwatch", COLOUR, "#ffffff"),
        html(&card.reason),
    )
}

fn list_html(list: &NoticeList) -> String {
    let lines = list.lines.iter().cloned().chain(more(list));
    let lines: Vec<String> = lines.map(|line| format!("<li>{}</li>", html(&line))).collect();
    let heading = html(&list.heading);
    format!(
        "<p style=\"margin:16px 0 4px;font-weight:bold\">{heading}</p><ul style=\"margin:0;padding-left:20px\">{}</ul>",
        lines.concat()
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::{header, readable};
    use super::*;
    use crate::Destination;

    fn notice() -> Notice {
        Notice {
            key: "ntc_01".to_owned(),
            attempt: 1,
            requested_at_unix: 1_795_593_600,
            at_unix: 1_795_593_601,
            to: Destination::Email { address: "ada@example.org".to_owned() },
            card: NoticeCard {
                kind: "shift_began".to_owned(),
                subject: "You are on call now in Primary".to_owned(),
                summary: "You are on call now in Primary, until Thu 26 Nov 2026, 09:00.".to_owned(),
                facts: vec![
                    ("Schedule".to_owned(), "Primary".to_owned()),
                    ("Until".to_owned(), "Thu 26 Nov 2026, 09:00 (UTC+01:00)".to_owned()),
                    ("Time zone".to_owned(), "Europe/Berlin".to_owned()),
                ],
                lists: vec![NoticeList {
                    heading: "Open incidents".to_owned(),
                    lines: vec!["#7 CRITICAL Checkout: disk full".to_owned()],
                    more: 2,
                }],
                schedule: Some(("sch_01".to_owned(), "Primary".to_owned())),
                times: (None, None),
                url: "https://midwatch.example.org/schedules/sch_01".to_owned(),
                recipient: "Ada Lovelace".to_owned(),
                reason: "You are told because you take turns in Primary.".to_owned(),
            },
        }
    }

    fn sent(notice: &Notice) -> String {
        let from: Mailbox = "Midwatch <alerts@midwatch.example.org>".parse().expect("a mailbox");
        let letter = letter(notice, "ada@example.org", &from).expect("a letter");
        String::from_utf8(letter.formatted()).expect("ASCII")
    }

    #[test]
    fn a_notice_reads_like_a_letter() {
        let mail = readable(&sent(&notice()));
        let text = "You are on call now in Primary, until Thu 26 Nov 2026, 09:00.\n\n\
            Schedule   Primary\nUntil      Thu 26 Nov 2026, 09:00 (UTC+01:00)\nTime zone  Europe/Berlin\n\n\
            Open incidents\n- #7 CRITICAL Checkout: disk full\n  and 2 more\n\n\
            See https://midwatch.example.org/schedules/sch_01\n\nYou are told because you take turns in Primary.\n";
        assert!(mail.contains(text), "{mail}");
        assert!(mail.contains("<li>#7 CRITICAL Checkout: disk full</li><li>and 2 more</li>"), "{mail}");
        assert!(mail.contains("href=\"https://midwatch.example.org/schedules/sch_01\""), "{mail}");
    }

    #[test]
    fn a_notice_is_threaded_by_schedule_and_cannot_be_taken_for_a_page() {
        let mail = sent(&notice());
        assert_eq!(header(&mail, "Subject"), "You are on call now in Primary");
        assert_eq!(header(&mail, "Message-ID"), "<ntc_01@midwatch.example.org>");
        assert_eq!(header(&mail, "In-Reply-To"), "<sch_01@midwatch.example.org>");
        assert_eq!(header(&mail, "X-Midwatch-Notice"), "ntc_01");
        assert!(!mail.contains("X-Midwatch-Page") && !mail.contains("X-Midwatch-Incident"), "{mail}");
        let later = sent(&Notice { attempt: 4, at_unix: 1_795_599_999, ..notice() });
        assert_eq!(header(&later, "Message-ID"), header(&mail, "Message-ID"));
    }

    #[test]
    fn names_stay_names_and_lists_have_an_end() {
        let mut notice = notice();
        let attack = "<img src=x onerror=alert(1)>\r\nBcc: eve@example.org";
        let card = &mut notice.card;
        for text in [&mut card.subject, &mut card.summary, &mut card.reason, &mut card.recipient] {
            attack.clone_into(text);
        }
        card.facts = vec![(attack.to_owned(), attack.to_owned()); 500];
        card.lists[0].lines = vec![attack.to_owned(); 5000];
        card.url = format!("https://example.org/\"><script>{attack}");
        let mail = sent(&notice);
        let (head, _) = mail.split_once("\r\n\r\n").expect("a body");
        assert!(!head.contains("\r\nBcc:"), "{head}");
        let html = readable(&mail);
        let html = html.split("text/html").nth(1).expect("a part in HTML");
        assert!(!html.contains("<img") && !html.contains("<script"), "{html}");
        assert!(html.contains("and 4952 more"), "what is left out is counted: {html}");
        assert!(mail.len() < 100_000, "{}", mail.len());
    }
}
