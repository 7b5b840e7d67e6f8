//! Strangers' text, made safe to put into a header, a page of HTML or a report.

/// The text in one line of at most `max` characters: no line break, no control character, nothing that turns the
/// direction of what follows.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let mut line = String::with_capacity(text.len().min(max));
    let mut length = 0;
    let mut space = true;
    for c in text.chars() {
        let c = if is_break(c) || c.is_whitespace() { ' ' } else { c };
        if turns_direction(c) || (c == ' ' && space) {
            continue;
        }
        space = c == ' ';
        if length == max {
            line.pop();
            line.push('…');
            return line;
        }
        line.push(c);
        length += 1;
    }
    line.truncate(line.trim_end().len());
    line
}

/// The text in lines, without other control characters, at most `max` bytes and cut between characters; whether it
/// was cut.
pub(crate) fn lines(text: &str, max: usize) -> (String, bool) {
    let mut kept = String::with_capacity(text.len().min(max));
    for c in text.chars() {
        let c = match c {
            '\n' | '\t' => c,
            '\r' => continue,
            _ if turns_direction(c) => continue,
            _ if is_break(c) => ' ',
            _ => c,
        };
        if kept.len() + c.len_utf8() > max {
            return (kept, true);
        }
        kept.push(c);
    }
    (kept, false)
}

/// The text as HTML text or the inside of a quoted attribute.
pub(crate) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// A key that fits where only letters, digits, `-` and `_` may stand: itself when it does, else its digest, so that
/// equal keys stay equal and different ones different.
pub(crate) fn token(key: &str) -> String {
    use sha2::{Digest, Sha256};
    use std::fmt::Write;

    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if !key.is_empty() && key.len() <= 128 && key.bytes().all(plain) {
        return key.to_owned();
    }
    Sha256::digest(key).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A control character, or one of the two separators that some readers take for a line break.
fn is_break(c: char) -> bool {
    c.is_control() || c == '\u{2028}' || c == '\u{2029}'
}

/// Marks that reorder what follows, with which `exe.gpj` reads as `jpg.exe`.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_has_no_breaks_and_no_tricks() {
        assert_eq!(
            one_line("  disk\r\nBcc: eve@example.org\u{2028}x\u{0}\t y ", 99),
            "disk Bcc: eve@example.org x y"
        );
        assert_eq!(one_line("a\u{202e}b", 9), "ab");
        assert_eq!(one_line("Größe überschritten", 6), "Größe…");
        assert_eq!(one_line("six chars", 9), "six chars");
        assert_eq!(one_line("six chars.", 9), "six char…");
    }

    #[test]
    fn lines_keep_breaks_and_are_cut_between_characters() {
        assert_eq!(lines("a\r\nb\u{7}c", 99), ("a\nb c".to_owned(), false));
        assert_eq!(lines("äää", 5), ("ää".to_owned(), true));
    }

    #[test]
    fn markup_becomes_text() {
        assert_eq!(
            html("<img src='x' onerror=\"a&b\">"),
            "&lt;img src=&#39;x&#39; onerror=&quot;a&amp;b&quot;&gt;"
        );
    }

    #[test]
    fn a_key_with_other_characters_becomes_a_digest() {
        assert_eq!(token("pag_01"), "pag_01");
        assert_eq!(token("a.b").len(), 64);
        assert_ne!(token("a.b"), token("a:b"));
        assert_eq!(token(""), token(""));
    }
}
