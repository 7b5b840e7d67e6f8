//! The many words for one idea: severities, actions and times.

use domain::{AlertAction, Severity, Timestamp, Translated};

use super::{json::Json, text};

/// How bad something is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Grade {
    pub(super) severity: Severity,
    /// The word that the monitoring tool used, if it used one.
    pub(super) word: Option<String>,
    /// Whether nothing is known to be meant by it.
    pub(super) unknown: bool,
}

/// What a word for the severity means.
pub(super) fn severity(said: &Json<'_>) -> Grade {
    let Some(word) = said.text() else { return Grade::default() };
    let known = Severity::from_word(&word);
    let severity = known.unwrap_or_default();
    Grade { severity, unknown: known.is_none(), word: Some(text::word(&word)) }
}

impl Grade {
    /// What is known without any word.
    pub(super) fn of(severity: Severity) -> Self {
        Self { severity, ..Self::default() }
    }

    /// An alert that says nothing yet but how bad it is.
    pub(super) fn alert(self) -> Translated {
        Translated {
            severity: self.severity,
            unknown_severity: self.word.clone().filter(|_| self.unknown),
            severity_word: self.word,
            ..Translated::default()
        }
    }
}

/// What a word for the action means.
pub(super) fn action(word: &str) -> Option<AlertAction> {
    Some(match word.trim().to_ascii_lowercase().as_str() {
        "trigger" | "triggered" | "firing" | "fire" | "alert" | "alerting" | "open" | "opened" | "create"
        | "created" | "problem" | "down" | "fail" | "failed" | "failing" | "failure" | "error"
        | "critical" | "warning" | "active" | "new" | "unhealthy" => AlertAction::Trigger,
        "acknowledge" | "acknowledged" | "ack" | "acked" | "acknowledgement" => AlertAction::Acknowledge,
        "resolve" | "resolved" | "ok" | "close" | "closed" | "recovery" | "recovered" | "recover"
        | "clear" | "cleared" | "normal" | "up" | "success" | "healthy" | "inactive" | "fixed" => {
            AlertAction::Resolve
        }
        _ => return None,
    })
}

/// The first of these fields that is a time. A variable that a template left as it is hides none that is one.
pub(super) fn first_time(message: &Json<'_>, names: &[&str]) -> Option<Timestamp> {
    names.iter().find_map(|name| time(message.any(&[name])))
}

/// A time: RFC 3339, or the time since 1970 in seconds, milliseconds, microseconds or nanoseconds, told apart by size,
/// as a number or a text. Go's zero time, which means "not known", is none.
pub(super) fn time(said: &Json<'_>) -> Option<Timestamp> {
    let millis = match said {
        Json::Integer(number) => since_epoch(i128::from(*number))?,
        Json::Unsigned(number) => since_epoch(i128::from(*number))?,
        Json::Float(number) => fractional(*number)?,
        Json::Text(text) => match text.trim().parse::<Timestamp>().or_else(|_| with_colon(text).parse()) {
            Ok(at) => at.millis(),
            Err(_) => match text.trim().parse::<i64>() {
                Ok(number) => since_epoch(i128::from(number))?,
                Err(_) => fractional(text.trim().parse().ok()?)?,
            },
        },
        Json::Null | Json::Bool(_) | Json::List(_) | Json::Object(_) => return None,
    };
    (millis > 0).then(|| Timestamp::from_millis(millis))
}

/// The offset `+0000` as RFC 3339 has it, `+00:00`.
fn with_colon(text: &str) -> String {
    let text = text.trim();
    match text.len().checked_sub(5).and_then(|at| text.split_at_checked(at)) {
        Some((start, offset)) if offset.starts_with(['+', '-']) && offset.is_char_boundary(3) => {
            format!("{start}{}:{}", &offset[..3], &offset[3..])
        }
        _ => String::new(),
    }
}

/// Until the year 5138 seconds stay below this, and milliseconds have been above since 1973; and so on, by thousands.
const SECONDS_BELOW: i128 = 100_000_000_000;

fn since_epoch(number: i128) -> Option<i64> {
    // Nobody watched anything before 1970.
    if number <= 0 {
        return None;
    }
    let millis = if number < SECONDS_BELOW {
        number * 1000
    } else if number < SECONDS_BELOW * 1000 {
        number
    } else if number < SECONDS_BELOW * 1_000_000 {
        number / 1000
    } else {
        number / 1_000_000
    };
    i64::try_from(millis).ok()
}

/// Seconds with a fraction; larger numbers are whole ones that a sender wrote as floating point.
fn fractional(number: f64) -> Option<i64> {
    if !(0.0..1e19).contains(&number) {
        return None;
    }
    let thousandths = if number < 1e11 { number * 1000.0 } else { number };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the number is finite and far below the limit of 128 bits"
    )]
    let whole = thousandths.round() as i128;
    if number < 1e11 { i64::try_from(whole).ok() } else { since_epoch(whole) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_usual_form() {
        let at = |json: &str| time(&Json::read(json.as_bytes()).expect("json")).map(Timestamp::millis);
        for form in [
            "1764000000",
            "\"1764000000\"",
            "1764000000000",
            "1764000000000000",
            "1764000000000000000",
            "1764000000.0",
            "\"1764000000.0\"",
            "1.764e12",
            "\"2025-11-24T16:00:00Z\"",
            "\"2025-11-24T16:00:00.000+0000\"",
            "\"2025-11-24T17:00:00.000000000+01:00\"",
        ] {
            assert_eq!(at(form), Some(1_764_000_000_000), "{form}");
        }
        assert_eq!(at("1764000000.25"), Some(1_764_000_000_250));
        for form in
            ["\"0001-01-01T00:00:00Z\"", "\"yesterday\"", "\"\"", "null", "-5", "1e300", "{}", "\"NaN\""]
        {
            assert_eq!(at(form), None, "{form}");
        }
    }

    #[test]
    fn a_time_before_1970_is_none_however_far_before() {
        let at = |json: &str| time(&Json::read(json.as_bytes()).expect("json"));
        for form in [
            "0",
            "-1",
            "-9300000000000000",
            "-9223372036854775808",
            "\"-9300000000000000\"",
            "\"-9223372036854775808\"",
            "-0.5",
            "-9.3e15",
            "-9.2e18",
            "-1e19",
            "1e19",
            "\"-9.3e15\"",
            "\"-inf\"",
            "\"1900-01-01T00:00:00Z\"",
        ] {
            assert_eq!(at(form), None, "{form}");
        }
        let last = at("18446744073709551615").expect("it is a time").to_string();
        assert_eq!(last, "2554-07-21T23:34:33.709Z", "in nanoseconds");
    }

    #[test]
    fn an_unknown_severity_is_medium_and_says_so() {
        let read = |json: &str| {
            let alert = severity(&Json::read(json.as_bytes()).expect("json")).alert();
            (alert.severity, alert.severity_word, alert.unknown_severity)
        };
        let word = |word: &str| Some(word.to_owned());
        assert_eq!(read("\" Critical \""), (Severity::Critical, word("Critical"), None));
        assert_eq!(read("\"catastrophic\""), (Severity::Medium, word("catastrophic"), word("catastrophic")));
        assert_eq!(read("3"), (Severity::Medium, word("3"), word("3")));
        assert_eq!(read("null"), (Severity::Medium, None, None));
    }
}
