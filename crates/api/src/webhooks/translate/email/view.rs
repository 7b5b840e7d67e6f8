//! A mail as JSON: the view of it that is translated, and that expressions see.

use std::collections::HashSet;

use mail_parser::{
    Address, HeaderName, HeaderValue, Message, MessageParser, MimeHeaders, parsers::MessageStream,
};

use super::Json;

/// Headers and attachments that are looked at; more are no alert's.
const MAX_HEADERS: usize = 500;
/// Mails that may lie one in another. Beyond that only the outer headers are read: the parser's tree of them would be as
/// deep, and taking such a tree apart needs as much stack.
const MAX_NESTED: usize = 50;

/// `{from, to, subject, date, text, attachments, headers}`, as far as the mail says it: addresses without names, the
/// plain text or else the words of the HTML, and every header once, the first of its name, under a name in lower case.
/// Of what is no mail at all everything is text.
pub(crate) fn as_json(body: &[u8]) -> Json<'static> {
    let Some(mail) = parse(body) else {
        return object([("text", text(String::from_utf8_lossy(body).into_owned()))]);
    };
    let headers = headers(&mail, body);
    let subject = headers.iter().find(|(name, _)| name == "subject").map(|(_, value)| value.clone());
    let date = mail.date().filter(|date| date.is_valid());
    let named = mail.attachments().filter_map(MimeHeaders::attachment_name).take(MAX_HEADERS);
    let attachments = named.map(|name| text(name.to_owned())).collect();
    object([
        ("from", text(addresses(&mail, HeaderName::From).next().unwrap_or_default())),
        ("to", text(addresses(&mail, HeaderName::To).collect::<Vec<_>>().join(", "))),
        ("subject", subject.unwrap_or(Json::Null)),
        ("date", date.map_or(Json::Null, |date| text(date.to_rfc3339()))),
        ("text", text(words(&mail, body))),
        ("attachments", Json::List(attachments)),
        ("headers", Json::Object(headers.into_iter().map(|(name, value)| (name.into(), value)).collect())),
    ])
}

/// Whom a mail names as its authors, each of them; an empty text for a header that names nobody.
pub(in crate::webhooks) fn authors(body: &[u8]) -> impl Iterator<Item = String> {
    let mail = MessageParser::default().parse_headers(body);
    let authors: Vec<String> = mail.iter().flat_map(|mail| mail.header_values(HeaderName::From)).fold(
        vec![],
        |mut authors, value| {
            let before = authors.len();
            authors.extend(value.as_address().into_iter().flat_map(each));
            if authors.len() == before {
                authors.push(String::new());
            }
            authors
        },
    );
    authors.into_iter()
}

/// The sender's own id of a mail.
pub(in crate::webhooks::translate) fn message_id(body: &[u8]) -> Option<String> {
    const MAX_ID: usize = 200;
    let mail = MessageParser::default().parse_headers(body)?;
    let id: String = mail.message_id()?.chars().filter(|c| !c.is_control()).take(MAX_ID).collect();
    Some(id).filter(|id| !id.trim().is_empty())
}

fn parse(body: &[u8]) -> Option<Message<'_>> {
    const NESTED: &[u8] = b"message/";
    let nested = body.windows(NESTED.len()).filter(|window| window.eq_ignore_ascii_case(NESTED));
    if nested.take(MAX_NESTED + 1).count() > MAX_NESTED {
        return MessageParser::default().parse_headers(body);
    }
    MessageParser::default().parse(body)
}

/// The text of every part that is meant to be read, or else whatever follows the headers.
fn words(mail: &Message<'_>, body: &[u8]) -> String {
    let parts: Vec<_> = (0..mail.text_body.len()).filter_map(|part| mail.body_text(part)).collect();
    let words = parts.join("\n\n");
    let attached = mail.attachments().any(|part| part.attachment_name().is_some());
    if !words.trim().is_empty() || attached {
        return words;
    }
    let rest = body.get(mail.root_part().offset_body as usize..).unwrap_or_default();
    String::from_utf8_lossy(rest).into_owned()
}

fn headers(mail: &Message<'_>, body: &[u8]) -> Vec<(String, Json<'static>)> {
    let mut known = HashSet::new();
    let first = mail.headers().iter().take(MAX_HEADERS).filter_map(|header| {
        let name = header.name().to_ascii_lowercase();
        let raw = body.get(header.offset_start() as usize..header.offset_end() as usize)?;
        known.insert(name.clone()).then(|| (name, text(decoded(raw))))
    });
    first.collect()
}

/// A header's value in one line, with the words in it that are encoded (RFC 2047) as what they mean.
fn decoded(raw: &[u8]) -> String {
    match MessageStream::new(raw).parse_unstructured() {
        HeaderValue::Text(value) => value.into_owned(),
        _ => String::from_utf8_lossy(raw).trim().to_owned(),
    }
}

fn addresses<'m>(mail: &'m Message<'_>, name: HeaderName<'static>) -> impl Iterator<Item = String> + use<'m> {
    mail.headers()
        .iter()
        .filter(move |header| header.name == name)
        .filter_map(|header| header.value().as_address())
        .flat_map(each)
}

fn each(address: &Address<'_>) -> Vec<String> {
    address.iter().filter_map(|one| one.address()).map(str::to_owned).collect()
}

fn text(words: String) -> Json<'static> {
    Json::Text(words.into())
}

fn object<const N: usize>(fields: [(&'static str, Json<'static>); N]) -> Json<'static> {
    Json::Object(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(mail: &Json<'_>, name: &str) -> String {
        mail.get(name).text().map(std::borrow::Cow::into_owned).unwrap_or_default()
    }

    #[test]
    fn a_mail_is_seen_as_its_parts() {
        let mail = as_json(
            b"From: \"Nagios, prod\" <nagios@example.org>\r\nTo: a@example.org, B <b@example.org>\r\n\
            Subject: =?utf-8?q?Gr=C3=B6=C3=9Fe?=\r\n of /var\r\nX-Host: web-1\r\nX-Host: web-2\r\n\
            Date: Tue, 24 Nov 2026 04:00:00 +0100\r\n\r\nfull\r\n",
        );
        assert_eq!(
            (said(&mail, "from"), said(&mail, "to")),
            ("nagios@example.org".into(), "a@example.org, b@example.org".into())
        );
        assert_eq!((said(&mail, "subject"), said(&mail, "text")), ("Größe of /var".into(), "full".into()));
        assert_eq!(said(&mail, "date"), "2026-11-24T04:00:00+01:00");
        assert_eq!(said(mail.get("headers"), "x-host"), "web-1", "the first of its name");
        assert_eq!(said(mail.get("headers"), "subject"), "Größe of /var");
    }

    #[test]
    fn mails_in_mails_in_mails_are_no_way_to_run_out_of_stack() {
        let nested = |levels: usize| {
            let outer = "Subject: deep\r\n".to_owned();
            outer
                + &"Content-Type: message/rfc822\r\n\r\n".repeat(levels)
                + "Subject: inner\r\n\r\ndisk full\r\n"
        };
        for levels in [1, MAX_NESTED, 16_000] {
            let mail = as_json(nested(levels).as_bytes());
            assert_eq!(said(&mail, "subject"), "deep", "{levels}");
        }
    }

    #[test]
    fn a_mail_with_very_many_headers_is_read_in_no_time() {
        let body = "a:b\r\n".repeat(100_000) + "\r\ntext";
        let begun = std::time::Instant::now();
        let mail = as_json(body.as_bytes());
        assert_eq!(said(mail.get("headers"), "a"), "b");
        assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
    }

    #[test]
    fn the_authors_of_a_mail_are_all_who_are_named() {
        let of = |body: &str| authors(body.as_bytes()).collect::<Vec<_>>();
        assert_eq!(of("From: a@x, B <b@y>\r\nFrom: Team: c@z;\r\n\r\n"), ["a@x", "b@y", "c@z"]);
        assert_eq!(of("From: nobody\r\n\r\n"), [""]);
        assert!(of("Subject: x\r\n\r\n").is_empty() && of("").is_empty());
        assert_eq!(message_id(b"Message-ID: <1@x>\r\n\r\n").as_deref(), Some("1@x"));
        assert_eq!(message_id(b"Message-ID:\r\n\r\n"), None);
    }
}
