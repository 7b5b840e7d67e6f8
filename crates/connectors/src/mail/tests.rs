use lettre::message::Mailbox;

use super::letter::letter;
use crate::{Destination, IncidentCard, Page, SendError};

fn page() -> Page {
    Page {
        key: "pag_01".to_owned(),
        attempt: 1,
        requested_at_unix: 1_614_265_330,
        at_unix: 1_614_265_330,
        to: Destination::Email { address: "ada@example.org".to_owned() },
        incident: IncidentCard {
            id: "inc_01".to_owned(),
            title: "disk full".to_owned(),
            severity: "critical".to_owned(),
            status: "triggered".to_owned(),
            service: "Checkout".to_owned(),
            team: Some("Shop".to_owned()),
            level: 1,
            cycle: 1,
            url: "https://midwatch.example.org/incidents/inc_01".to_owned(),
            opened_at: "2021-02-25T15:02:10Z".to_owned(),
            details: None,
            reason: "on call in Primary".to_owned(),
            recipient: "Ada Lovelace".to_owned(),
        },
    }
}

fn sent(page: &Page) -> String {
    let from: Mailbox = "Midwatch <alerts@midwatch.example.org>".parse().expect("a mailbox");
    let letter = letter(page, "ada@example.org", &from).expect("a letter");
    String::from_utf8(letter.formatted()).expect("ASCII")
}

pub(super) fn header<'a>(mail: &'a str, name: &str) -> &'a str {
    let start = mail.find(&format!("\r\n{name}: ")).expect(name) + name.len() + 4;
    let rest = &mail[start..];
    let end = rest.match_indices("\r\n").find(|(at, _)| !rest[at + 2..].starts_with([' ', '\t']));
    &rest[..end.expect("an end").0]
}

/// The mail's text with quoted-printable undone as far as the tests need it.
pub(super) fn readable(mail: &str) -> String {
    mail.replace("=\r\n", "").replace("=3D", "=").replace("\r\n", "\n")
}

#[test]
fn the_subject_leads_with_severity_and_service() {
    let mut page = page();
    assert_eq!(header(&sent(&page), "Subject"), "[CRITICAL] Checkout: disk full");
    page.incident.level = 2;
    assert_eq!(header(&sent(&page), "Subject"), "[Level 2] [CRITICAL] Checkout: disk full");
    page.incident.level = 0;
    assert_eq!(header(&sent(&page), "Subject"), "[Last resort] [CRITICAL] Checkout: disk full");
}

#[test]
fn a_later_attempt_has_the_same_message_id_and_thread() {
    let first = sent(&page());
    let later = sent(&Page { attempt: 4, at_unix: 1_614_269_999, ..page() });
    for mail in [&first, &later] {
        assert_eq!(header(mail, "Message-ID"), "<pag_01@midwatch.example.org>");
        assert_eq!(header(mail, "In-Reply-To"), "<inc_01@midwatch.example.org>");
        assert_eq!(header(mail, "References"), "<inc_01@midwatch.example.org>");
        assert_eq!(header(mail, "X-Midwatch-Page"), "pag_01");
        assert_eq!(header(mail, "Auto-Submitted"), "auto-generated");
    }
    assert_eq!(header(&first, "Date"), "Thu, 25 Feb 2021 15:02:10 +0000");
}

#[test]
fn text_and_html_say_what_happened_and_why_you() {
    let mail = readable(&sent(&page()));
    assert!(header(&sent(&page()), "Content-Type").starts_with("multipart/alternative"));
    assert!(mail.contains("Content-Type: text/plain; charset=utf-8"));
    assert!(mail.contains("Content-Type: text/html; charset=utf-8"));
    assert!(mail.contains("Why you     on call in Primary\n"));
    assert!(mail.contains("Answer here: https://midwatch.example.org/incidents/inc_01\n"));
    assert!(mail.contains("href=\"https://midwatch.example.org/incidents/inc_01\""));
    assert!(mail.contains(">on call in Primary</td>"));
}

#[test]
fn each_severity_has_its_colour() {
    for (severity, colour) in [
        ("critical", "#ff0000"),
        ("high", "#ff6600"),
        ("medium", "#ffcc00"),
        ("low", "#00cc00"),
        ("info", "#0066cc"),
        ("purple", "#ffcc00"),
    ] {
        let mut page = page();
        page.incident.severity = severity.to_owned();
        assert!(readable(&sent(&page)).contains(&format!("background:{colour}")), "{severity}");
    }
}

#[test]
fn markup_in_an_alert_stays_text() {
    let mut page = page();
    let attack = "<img src=x onerror=alert(1)>";
    page.incident.title = attack.to_owned();
    page.incident.service = attack.to_owned();
    page.incident.severity = attack.to_owned();
    page.incident.reason = attack.to_owned();
    page.incident.details = Some(format!("</pre>{attack}"));
    page.incident.url = format!("https://example.org/\"><script>alert(1)</script>{attack}");
    let mail = readable(&sent(&page));
    let html = &mail[mail.find("<!doctype").expect("HTML")..].to_ascii_lowercase();
    assert!(!html.contains("<img") && !html.contains("<script"), "{html}");
    assert_eq!(html.matches("</pre>").count(), 1);
    assert!(html.contains("&lt;img src=x onerror=alert(1)&gt;"));
}

#[test]
fn a_link_that_is_none_is_no_link() {
    let mut page = page();
    page.incident.url = "javascript:alert(1)".to_owned();
    assert!(!readable(&sent(&page)).contains("href"));
}

#[test]
fn line_breaks_add_no_header() {
    let mut page = page();
    let attack = "x\r\nBcc: eve@example.org\r\n\r\nbody\n.\r\nQUIT";
    page.key = attack.to_owned();
    page.incident = IncidentCard {
        id: attack.to_owned(),
        title: attack.to_owned(),
        severity: attack.to_owned(),
        service: attack.to_owned(),
        recipient: attack.to_owned(),
        ..page.incident
    };
    let mail = sent(&page);
    let head = &mail[..mail.find("\r\n\r\n").expect("a body")];
    assert!(!head.contains("\r\nBcc:") && !head.contains("\nbody"), "{head}");
    let names: Vec<&str> = head
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']))
        .filter_map(|line| Some(line.split_once(':')?.0))
        .collect();
    assert_eq!(
        names,
        [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "In-Reply-To",
            "References",
            "X-Midwatch-Page",
            "X-Midwatch-Incident",
            "Auto-Submitted",
            "X-Auto-Response-Suppress",
            "MIME-Version",
            "Content-Type"
        ]
    );
}

#[test]
fn names_beyond_ascii_are_encoded() {
    let mut page = page();
    page.incident.title = "Größe 超過 🔥".to_owned();
    page.incident.recipient = "Zoë, \"Z\" <z@evil.example>".to_owned();
    let mail = sent(&page);
    assert!(mail.is_ascii());
    assert!(header(&mail, "Subject").contains("=?utf-8?b?"));
    assert!(header(&mail, "To").ends_with("<ada@example.org>"), "{}", header(&mail, "To"));
    assert!(!header(&mail, "To").contains("<z@"));
}

#[test]
fn huge_details_are_cut() {
    let mut page = page();
    page.incident.title = "t".repeat(100_000);
    for unit in ["x\n", "ü", "🔥\n", "\0", "<"] {
        page.incident.details = Some(unit.repeat(1_000_000));
        let mail = sent(&page);
        assert!(mail.len() < 200_000, "{unit:?} {}", mail.len());
        // RFC 5322, 2.1.1.
        assert!(mail.split("\r\n").all(|line| line.len() <= 998), "{unit:?}");
    }
    let mut page = self::page();
    page.incident.details = Some("x\n".repeat(1_000_000));
    assert!(readable(&sent(&page)).contains("\n[cut; the incident has the rest]\n"));
}

#[test]
fn an_address_that_is_none_is_refused_for_good() {
    let from: Mailbox = "alerts@example.org".parse().expect("a mailbox");
    for address in
        ["", "ada", "ada@", "ada@example.org\r\nRCPT TO:<eve@example.org>", "a@b.org, c@d.org", "<a@b.org>"]
    {
        let refused = letter(&page(), address, &from).expect_err(address);
        assert!(matches!(refused, SendError::Invalid { .. }) && refused.is_permanent(), "{address}");
    }
}
