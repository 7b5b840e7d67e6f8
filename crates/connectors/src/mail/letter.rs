//! What a page looks like as a mail.

use std::time::{Duration, SystemTime};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart};
use lettre::{Address, error::Error as LetterError};

use crate::text::{html, lines, one_line, token};
use crate::{IncidentCard, Page, SendError};

/// Bytes of details in a mail; the incident's page has the rest.
const MAX_DETAILS: usize = 16_000;
/// Characters of a title in a subject.
const MAX_TITLE: usize = 250;
/// Characters of a name or another short text.
const MAX_NAME: usize = 200;

/// The mail for a page: text and HTML, threaded by incident, with an id that is the same on every attempt.
pub(super) fn letter(page: &Page, address: &str, from: &Mailbox) -> Result<Message, SendError> {
    let card = Shown::new(&page.incident);
    let head = Head {
        key: &page.key,
        thread: &page.incident.id,
        at_unix: page.at_unix,
        recipient: &card.recipient,
        subject: card.subject(),
        marks: &[("X-Midwatch-Page", &page.key), ("X-Midwatch-Incident", &page.incident.id)],
    };
    letter_of(&head, address, from, card.text(), card.html())
}

/// What stands above a mail. Texts are cleaned; keys need not be.
pub(super) struct Head<'a> {
    pub(super) key: &'a str,
    /// What mails of one thread share.
    pub(super) thread: &'a str,
    pub(super) at_unix: i64,
    pub(super) recipient: &'a str,
    pub(super) subject: String,
    /// Headers of our own, by which rules can sort.
    pub(super) marks: &'a [(&'static str, &'a str)],
}

/// A mail in text and HTML.
pub(super) fn letter_of(
    head: &Head<'_>,
    address: &str,
    from: &Mailbox,
    text: String,
    html: String,
) -> Result<Message, SendError> {
    let to: Address = address
        .trim()
        .parse()
        .map_err(|_| SendError::Invalid { why: "the mail address is not an address".to_owned() })?;
    let domain = from.email.domain();
    let thread = format!("<{}@{domain}>", token(head.thread));
    let seconds = u64::try_from(head.at_unix).unwrap_or(0);
    let recipient = Some(head.recipient.to_owned()).filter(|name| !name.is_empty());
    let mut message = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(recipient, to))
        .subject(head.subject.clone())
        .date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .message_id(Some(format!("<{}@{domain}>", token(head.key))))
        // Nobody ever sends the mail with the thread's id; mail programs group by a parent they never saw too.
        .in_reply_to(thread.clone())
        .references(thread);
    for (name, value) in head.marks {
        message = message.raw_header(raw(name, token(value)));
    }
    message
        // Keeps absence notes from answering (RFC 3834; Exchange knows only the second).
        .raw_header(raw("Auto-Submitted", "auto-generated".to_owned()))
        .raw_header(raw("X-Auto-Response-Suppress", "All".to_owned()))
        .multipart(MultiPart::alternative_plain_html(text, html))
        .map_err(|error: LetterError| SendError::Unknown { why: crate::error::root_cause(&error) })
}

fn raw(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

/// Labels and values as rows of a table.
pub(super) fn rows<'a>(facts: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let row = |(label, value)| {
        format!(
            "<tr><td style=\"padding:2px 16px 2px 0;color:#666666\">{}</td><td style=\"padding:2px 0\">{}</td></tr>",
            html(label),
            html(value)
        )
    };
    facts.map(row).collect::<Vec<String>>().concat()
}

/// A link that looks like a button; nothing, if it leads nowhere.
pub(super) fn link(url: &str, label: &str, colour: &str, on: &str) -> String {
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return String::new();
    }
    format!(
        "<a href=\"{}\" style=\"display:inline-block;margin:16px 0 0;padding:10px 18px;background:{colour};color:{on};text-decoration:none\">{label}</a>",
        html(url)
    )
}

/// A card with every text cleaned and cut; only HTML escaping is still to be done.
struct Shown {
    severity: String,
    title: String,
    service: String,
    team: Option<String>,
    status: String,
    level: u32,
    cycle: u32,
    opened_at: String,
    url: String,
    reason: String,
    recipient: String,
    details: Option<String>,
}

impl Shown {
    fn new(card: &IncidentCard) -> Self {
        let name = |text: &str| one_line(text, MAX_NAME);
        let details = card.details.as_deref().map(str::trim).filter(|details| !details.is_empty());
        Self {
            severity: name(&card.severity).to_uppercase(),
            title: one_line(&card.title, MAX_TITLE),
            service: name(&card.service),
            team: card.team.as_deref().map(name),
            status: name(&card.status),
            level: card.level,
            cycle: card.cycle,
            opened_at: name(&card.opened_at),
            url: one_line(&card.url, 2000),
            reason: name(&card.reason),
            recipient: name(&card.recipient),
            details: details.map(|details| match lines(details, MAX_DETAILS) {
                (all, false) => all,
                (beginning, true) => format!("{beginning}\n[cut; the incident has the rest]"),
            }),
        }
    }

    fn subject(&self) -> String {
        let Self { severity, service, title, level, .. } = self;
        let escalation = match level {
            0 => "[Last resort] ".to_owned(),
            1 => String::new(),
            _ => format!("[Level {level}] "),
        };
        format!("{escalation}[{severity}] {service}: {title}")
    }

    /// What is known beside the title, as label and value.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let escalation = match (self.level, self.cycle) {
            (0, _) => "nobody answered on any level".to_owned(),
            (level, 0 | 1) => format!("level {level}"),
            (level, cycle) => format!("level {level}, round {cycle}"),
        };
        let mut facts = vec![("Service", self.service.clone())];
        facts.extend(self.team.clone().map(|team| ("Team", team)));
        facts.extend([
            ("Severity", self.severity.to_lowercase()),
            ("Status", self.status.clone()),
            ("Opened", self.opened_at.clone()),
            ("Escalation", escalation),
            ("Why you", self.reason.clone()),
        ]);
        facts
    }

    fn text(&self) -> String {
        let facts: Vec<String> =
            self.facts().iter().map(|(label, value)| format!("{label:<11} {value}\n")).collect();
        let details = self.details.as_ref().map_or_else(String::new, |details| format!("\n{details}\n"));
        let Self { severity, title, url, .. } = self;
        format!("{severity}: {title}\n\n{}\nAnswer here: {url}\n{details}", facts.concat())
    }

    /// Tables and inline styles only: mail programs drop the rest.
    fn html(&self) -> String {
        let colour = colour(&self.severity);
        let facts = self.facts();
        let rows = rows(facts.iter().map(|(label, value)| (*label, value.as_str())));
        let details = self.details.as_ref().map_or_else(String::new, |details| {
            format!(
                "<pre style=\"margin:16px 0 0;padding:12px;background:#f4f4f4;white-space:pre-wrap\">{}</pre>",
                html(details)
            )
        });
        let link = link(&self.url, "Open the incident", colour, on(colour));
        format!(
            "<!doctype html><html><head><meta charset=\"utf-8\"></head>\
             <body style=\"margin:0;padding:16px;font-family:sans-serif;font-size:15px;color:#222222\">\
             <table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" style=\"width:100%;max-width:640px\"><tr>\
             <td style=\"width:6px;background:{colour}\"></td><td style=\"padding:4px 0 4px 16px\">\
             <p style=\"margin:0;font-weight:bold;color:#666666\">{}</p>\
             <h1 style=\"margin:4px 0 12px;font-size:20px\">{}</h1><table role=\"presentation\">{}</table>\
             {link}{details}</td></tr></table></body></html>\n",
            html(&self.severity),
            html(&self.title),
            rows,
        )
    }
}

/// The colour of a severity, the same as on screen; an unknown one is shown as medium.
fn colour(severity: &str) -> &'static str {
    match severity {
        "CRITICAL" => "#ff0000",
        "HIGH" => "#ff6600",
        "LOW" => "#00cc00",
        "INFO" => "#0066cc",
        _ => "#ffcc00",
    }
}

/// A colour of text that can be read on a severity's colour.
fn on(colour: &str) -> &'static str {
    match colour {
        "#ff0000" | "#0066cc" => "#ffffff",
        _ => "#000000",
    }
}
