//! Words of strangers made fit to keep: bounded, without control characters.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::Alert;

/// Characters of a source or a word that was not understood.
pub(crate) const MAX_WORD: usize = 256;
/// Characters of why a message was refused, in which words of the message may be.
const MAX_REASON: usize = 200;
/// Characters of a link; a longer one is left out, since half a link leads nowhere.
const MAX_HREF: usize = 2000;

/// A title: one line.
pub fn title(text: &str) -> String {
    line(text, Alert::MAX_TITLE)
}

/// Details: any number of lines.
pub fn details(text: &str) -> Option<String> {
    let is_fit = |byte: u8| byte >= b' ' && byte != 0x7f && byte < 0x80 || matches!(byte, b'\n' | b'\t');
    if text.len() <= Alert::MAX_DETAILS && text.bytes().all(is_fit) {
        // Most of them are plain words.
        return Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    }
    let clean = |c: char| if c.is_control() && !matches!(c, '\n' | '\t') { ' ' } else { c };
    let text = text.replace("\r\n", "\n");
    Some(cut(text.trim_matches(is_blank).chars().map(clean), Alert::MAX_DETAILS))
        .filter(|text| !text.is_empty())
}

/// A short text such as the name of a host.
pub fn word(text: &str) -> String {
    line(text, MAX_WORD)
}

/// Why a message was refused: one line.
pub fn reason(text: &str) -> String {
    line(text, MAX_REASON)
}

/// A grouping key. One that cannot be kept as it is stands as its digest, so that different keys stay different.
pub fn key(text: &str) -> String {
    if text.chars().count() <= Alert::MAX_KEY && !text.chars().any(char::is_control) {
        return text.to_owned();
    }
    digest("sha256:", &[text])
}

/// A key for a message that names none: a digest over what it is about.
pub fn digest(prefix: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut key = String::with_capacity(prefix.len() + 64);
    key.push_str(prefix);
    for byte in hash.finalize() {
        let _ = write!(key, "{byte:02x}");
    }
    key
}

/// Whether a browser may follow it: an address of the web, without spaces and not too long.
pub fn is_link(href: &str) -> bool {
    let web = |scheme: &str| href.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    (web("https://") || web("http://"))
        && href.chars().count() <= MAX_HREF
        && !href.contains(|c: char| c.is_control() || c.is_whitespace())
}

/// One line of at most `max` characters.
pub fn line(text: &str, max: usize) -> String {
    let text = text.trim();
    if text.len() <= max && text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        return text.to_owned();
    }
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    cut(text.trim_matches(is_blank).chars().map(clean), max)
}

/// Space, and what becomes space.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

/// The first characters, the last one an ellipsis if there were more.
fn cut(mut text: impl Iterator<Item = char>, max: usize) -> String {
    let mut kept = String::new();
    kept.extend(text.by_ref().take(max));
    if text.next().is_some() {
        kept.pop();
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_title_ends_in_an_ellipsis_between_characters() {
        let cut = title(&"ß".repeat(2000));
        assert_eq!(cut.chars().count(), Alert::MAX_TITLE);
        assert!(cut.ends_with("ß…"));
        assert_eq!(title(&"ß".repeat(1024)), "ß".repeat(1024));
    }

    #[test]
    fn control_characters_become_spaces() {
        assert_eq!(title("\u{0}disk\r\nfull\u{7}"), "disk  full");
        assert_eq!(details("one\r\ntwo\u{0}\tthree ").as_deref(), Some("one\ntwo \tthree"));
        assert_eq!(details(" \n "), None);
        assert_eq!((details("\u{0}\n\u{7f}"), title("\u{0} \u{85}")), (None, String::new()));
        assert_eq!(details("\u{0}disk\u{7}").as_deref(), Some("disk"));
    }

    #[test]
    fn a_reason_is_short_and_of_one_line() {
        assert_eq!(reason("the topic `a\r\nb\u{7}` may not send"), "the topic `a  b ` may not send");
        assert_eq!(reason(&"é".repeat(500_000)).chars().count(), 200);
    }

    #[test]
    fn keys_that_cannot_be_kept_stay_different() {
        assert_eq!(key("disk"), "disk");
        assert_ne!(key(&"a".repeat(2000)), key(&"a".repeat(2001)));
        assert_ne!(key("a\u{0}"), key("a\u{1}"));
        assert!(key(&"a".repeat(2000)).chars().count() <= Alert::MAX_KEY);
    }
}
