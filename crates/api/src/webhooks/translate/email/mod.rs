//! Mails. A person or a tool wrote them for people, so there is no format: the subject says what is wrong, and whether
//! it is over. Whatever cannot be read still pages.

mod subject;
mod view;

use std::borrow::Cow;

use domain::{Alert, AlertAction, DeliveryId, Meaning, Severity, Translated, delivery::Envelope};

use super::{json::Json, text, words};

pub(super) use subject::Subject;
pub(crate) use view::as_json;
pub(in crate::webhooks) use view::authors;
pub(super) use view::message_id;

/// Characters that names of attachments may take at the end of the details.
const MAX_ATTACHMENTS: usize = 300;

/// Translates one mail.
pub(super) fn translate(mail: &Json<'_>, envelope: &Envelope, delivery: DeliveryId) -> Meaning {
    if let Some(why) = automatic(mail, envelope) {
        return Meaning::ignored(why);
    }
    let said = mail.get("subject").text().unwrap_or_default();
    let subject = Subject::read(&said);
    let title = title(&said, mail);
    let from = mail.get("from").text();
    Translated {
        action: if subject.over { AlertAction::Resolve } else { AlertAction::Trigger },
        key: key(mail, envelope, &subject, title.as_deref(), delivery),
        title: title.unwrap_or_else(|| "A mail without words".to_owned()),
        details: details(mail),
        severity: subject.severity.or_else(|| importance(mail.get("headers"))).unwrap_or_default(),
        source: from.map(|from| text::word(&from)),
        at: words::time(mail.get("date")),
        ..Translated::default()
    }
    .into()
}

/// Why a mail is nobody's: an answering machine's, or the news of what became of another mail. Whoever paged for those
/// could page for ever.
fn automatic(mail: &Json<'_>, envelope: &Envelope) -> Option<&'static str> {
    let header = |name: &str| mail.get("headers").get(name).text().unwrap_or_default().to_ascii_lowercase();
    if header("auto-submitted").starts_with("auto-replied") {
        return Some("an automatic reply pages nobody");
    }
    let report = header("content-type").starts_with("multipart/report");
    (report && envelope.mail_from.as_deref() == Some("")).then_some("a report on another mail pages nobody")
}

/// The subject, or else the first line.
fn title(said: &str, mail: &Json<'_>) -> Option<String> {
    let words = mail.get("text").text();
    let lines = words.iter().flat_map(|words| words.lines());
    std::iter::once(said).chain(lines).map(text::title).find(|title| !title.is_empty())
}

/// What the address says, or a header, or else what the subject is about. Mails that say nothing have nothing in common.
fn key(
    mail: &Json<'_>,
    envelope: &Envelope,
    subject: &Subject,
    title: Option<&str>,
    delivery: DeliveryId,
) -> String {
    let header = mail.get("headers").get("x-midwatch-dedup-key").text();
    let part = envelope.topic.as_deref().filter(|part| !part.trim().is_empty()).map(Cow::Borrowed);
    let about = Some(Cow::Borrowed(subject.about.as_str())).filter(|about| !about.is_empty());
    match (part.or(header).or(about), title) {
        (Some(key), _) => text::key(&key),
        (None, Some(title)) => text::digest("title:", &[title]),
        (None, None) => delivery.uuid().simple().to_string(),
    }
}

/// The text, and what is attached to it.
fn details(mail: &Json<'_>) -> Option<String> {
    let words = mail.get("text").text().unwrap_or_default();
    let names: Vec<_> = mail.get("attachments").items().iter().filter_map(Json::text).collect();
    if names.is_empty() {
        return text::details(&words);
    }
    let words: String = words.chars().take(Alert::MAX_DETAILS - MAX_ATTACHMENTS).collect();
    text::details(&format!("{words}\n\nattachments: {}", text::word(&names.join(", "))))
}

/// How bad whoever sent it thinks it is, by the headers of mail programs.
fn importance(headers: &Json<'_>) -> Option<Severity> {
    ["x-priority", "importance", "priority", "x-msmail-priority"].into_iter().find_map(|name| {
        let said = headers.get(name).text()?.to_ascii_lowercase();
        match said.split(|c: char| !c.is_ascii_alphanumeric()).next()? {
            "1" | "2" | "high" | "highest" | "urgent" => Some(Severity::High),
            "4" | "5" | "low" | "lowest" | "non" => Some(Severity::Low),
            _ => None,
        }
    })
}
