//! When an alert is fit to keep: every part within its limits, and nothing in it that a terminal would obey.

use domain::{Alert, DeliveryId, Link, Translated};
use uuid::Uuid;

/// The message that everything is translated from.
pub const DELIVERY: DeliveryId = DeliveryId::new(Uuid::from_u128(0xabc));

/// Characters of a source, a component and other words.
const MAX_WORD: usize = 256;
/// Characters of a link.
const MAX_HREF: usize = 2000;
/// Characters of a remark.
const MAX_REMARK: usize = 300;

/// Panics unless an alert is fit to keep.
///
/// # Panics
///
/// If it does not hold.
pub fn check(alert: &Translated) {
    line("title", &alert.title, Alert::MAX_TITLE);
    line("key", &alert.key, Alert::MAX_KEY);
    line("own key", alert.own_key(), Alert::MAX_KEY);
    assert!(!alert.title.is_empty(), "a title says something");
    assert!(!alert.key.is_empty() && !alert.own_key().is_empty(), "a key is something");
    if let Some(details) = &alert.details {
        let unfit = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        assert!(details.chars().count() <= Alert::MAX_DETAILS, "details of {}", details.chars().count());
        assert!(!details.trim().is_empty() && !details.contains(unfit), "details {details:?}");
    }
    let words =
        [&alert.severity_word, &alert.unknown_severity, &alert.source, &alert.component, &alert.routing_key];
    words.into_iter().flatten().for_each(|words| line("word", words, MAX_WORD));
    labels(alert);
    links(&alert.links);
    links(&alert.images);
    alert.ruling.remarks.iter().for_each(|remark| line("remark", remark, MAX_REMARK));
}

fn labels(alert: &Translated) {
    assert!(alert.labels.len() <= Alert::MAX_LABELS, "{} labels", alert.labels.len());
    for (name, value) in &alert.labels {
        line("name of a label", name, 2 * Alert::MAX_LABEL);
        line("value of a label", value, Alert::MAX_LABEL);
    }
}

fn links(links: &[Link]) {
    assert!(links.len() <= Alert::MAX_LINKS, "{} links", links.len());
    for Link { href, text } in links {
        let scheme = href.get(..8).unwrap_or(href).to_ascii_lowercase();
        assert!(scheme.starts_with("https://") || scheme.starts_with("http://"), "a link to {href:?}");
        assert!(!href.contains(char::is_whitespace), "a link to {href:?}");
        line("link", href, MAX_HREF);
        line("text of a link", text, MAX_WORD);
    }
}

fn line(what: &str, text: &str, most: usize) {
    assert!(text.chars().count() <= most, "a {what} of {} characters", text.chars().count());
    assert!(!text.contains(char::is_control), "a {what} with a control character: {text:?}");
}
