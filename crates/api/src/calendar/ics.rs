//! The lines of RFC 5545.
//!
//! Every event stands for itself, in UTC: clients disagree about rules of recurrence that cross a change of
//! clocks, and about zones that they describe in their own words. Nothing here depends on when it is written, so
//! the same shifts are the same bytes.

use domain::{Timestamp, schedule::Shift};

/// The longest line in bytes, its end excluded.
const LINE: usize = 75;

/// One event of a calendar.
pub(super) struct Entry {
    pub(super) title: String,
    pub(super) shift: Shift,
}

/// A whole calendar.
pub(super) fn calendar(name: &str, entries: &[Entry]) -> String {
    let mut lines = Lines(String::with_capacity(400 + 360 * entries.len()));
    lines.add("BEGIN", "VCALENDAR");
    lines.add("VERSION", "2.0");
    lines.add("PRODID", "-//Midwatch//On call//EN");
    lines.add("CALSCALE", "GREGORIAN");
    // The first is the standard's word (RFC 7986), the second what clients have read for twenty years.
    lines.text("NAME", name);
    lines.text("X-WR-CALNAME", name);
    lines.add("REFRESH-INTERVAL;VALUE=DURATION", "PT1H");
    lines.add("X-PUBLISHED-TTL", "PT1H");
    entries.iter().for_each(|entry| lines.event(entry));
    lines.add("END", "VCALENDAR");
    lines.0
}

struct Lines(String);

impl Lines {
    fn event(&mut self, Entry { title, shift }: &Entry) {
        let (start, end) = (instant(shift.span.start), instant(shift.span.end));
        // An event ends after it begins; who was on call for part of a second leaves no trace here.
        if start == end {
            return;
        }
        let changed_at = instant(shift.changed_at);
        self.add("BEGIN", "VEVENT");
        self.add("UID", &shift.id.hyphenated().to_string());
        // Without a METHOD this is when the event was last changed (3.8.7.2), not when it was written.
        self.add("DTSTAMP", &changed_at);
        self.add("LAST-MODIFIED", &changed_at);
        self.add("SEQUENCE", &shift.sequence.to_string());
        self.add("DTSTART", &start);
        self.add("DTEND", &end);
        self.text("SUMMARY", title);
        self.add("STATUS", if shift.cancelled { "CANCELLED" } else { "CONFIRMED" });
        // Being on call does not mean being busy.
        self.add("TRANSP", "TRANSPARENT");
        self.add("END", "VEVENT");
    }

    /// A line whose value may hold anything.
    fn text(&mut self, name: &str, value: &str) {
        let mut escaped = String::with_capacity(value.len());
        for letter in value.replace("\r\n", "\n").chars() {
            match letter {
                '\\' | ';' | ',' => escaped.extend(['\\', letter]),
                '\n' | '\r' => escaped.push_str("\\n"),
                // Some readers take these for line ends.
                '\u{2028}' | '\u{2029}' => escaped.push(' '),
                _ if letter.is_control() && letter != '\t' => {}
                _ => escaped.push(letter),
            }
        }
        self.add(name, &escaped);
    }

    /// A line, folded between letters where it is too long.
    fn add(&mut self, name: &str, value: &str) {
        let mut length = 0;
        for letter in name.chars().chain([':']).chain(value.chars()) {
            if length + letter.len_utf8() > LINE {
                self.0.push_str("\r\n ");
                length = 1;
            }
            self.0.push(letter);
            length += letter.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}

/// An instant in UTC, to the second.
fn instant(at: Timestamp) -> String {
    at.utc().format("%Y%m%dT%H%M%SZ").to_string()
}
