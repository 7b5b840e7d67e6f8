//! What a receiver's answer means.

use std::time::Duration;

use chrono::DateTime;
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

use crate::SendError;

/// The longest wait that a receiver can ask for.
pub const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// Success is 2xx and nothing else. The body is not looked at: whoever chose the address would read other machines'
/// answers through us.
pub(super) fn judge(status: StatusCode, headers: &HeaderMap, now_unix: i64) -> Result<(), SendError> {
    let answer = || status.canonical_reason().unwrap_or("no standard meaning").to_ascii_lowercase();
    let retry_after = || retry_after(headers, now_unix);
    match status.as_u16() {
        200..=299 => Ok(()),
        410 => Err(SendError::Gone),
        429 => Err(SendError::RateLimited { retry_after: retry_after() }),
        code @ (408 | 425 | 500..) => {
            Err(SendError::Unavailable { status: code, answer: answer(), retry_after: retry_after() })
        }
        code @ 300..=399 => {
            Err(SendError::Refused { status: code, answer: "redirects are not followed".to_owned() })
        }
        code => Err(SendError::Refused { status: code, answer: answer() }),
    }
}

/// The wait of a `Retry-After` header, in seconds or as an HTTP date (RFC 9110, 10.2.3), at most [`MAX_RETRY_AFTER`].
/// A date is measured from the receiver's own `Date`, so that its clock may be wrong; without one from ours.
fn retry_after(headers: &HeaderMap, now_unix: i64) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() {
        // More digits than fit are a long wait too.
        text.parse().unwrap_or(u64::MAX)
    } else {
        let now = date(headers, &DATE).unwrap_or(now_unix);
        u64::try_from(date(headers, &RETRY_AFTER)?.saturating_sub(now)).unwrap_or(0)
    };
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

/// A header's HTTP date in seconds since 1970. Only the preferred form is read; the other two died before webhooks.
fn date(headers: &HeaderMap, name: &HeaderName) -> Option<i64> {
    let text = headers.get(name)?.to_str().ok()?;
    Some(DateTime::parse_from_rfc2822(text.trim()).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT

    fn judged(status: u16, headers: &[(HeaderName, &'static str)]) -> Result<(), SendError> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), reqwest::header::HeaderValue::from_static(value)))
            .collect();
        judge(StatusCode::from_u16(status).expect("a status"), &headers, NOW)
    }

    fn waits(headers: &[(HeaderName, &'static str)]) -> Option<u64> {
        judged(429, headers).expect_err("a refusal").retry_after().map(|wait| wait.as_secs())
    }

    #[test]
    fn only_2xx_is_success() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(judged(status, &[]), Ok(()));
        }
        for status in [301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 413, 422, 451, 499] {
            let refused = judged(status, &[]).expect_err("a refusal");
            assert_eq!((refused.code(), refused.is_permanent()), ("refused", true), "{status}");
        }
        for status in [408, 425, 500, 502, 503, 504, 599] {
            let refused = judged(status, &[]).expect_err("a refusal");
            assert_eq!((refused.code(), refused.is_permanent()), ("unavailable", false), "{status}");
        }
        assert_eq!(judged(410, &[]), Err(SendError::Gone));
        assert_eq!(judged(429, &[]), Err(SendError::RateLimited { retry_after: None }));
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        assert_eq!(waits(&[(RETRY_AFTER, "120")]), Some(120));
        assert_eq!(waits(&[(RETRY_AFTER, "0")]), Some(0));
        assert_eq!(waits(&[(RETRY_AFTER, "99999999999999999999999")]), Some(3600));
        assert_eq!(waits(&[(RETRY_AFTER, "Sun, 06 Nov 1994 08:50:37 GMT")]), Some(60));
        assert_eq!(waits(&[(RETRY_AFTER, "Sun, 06 Nov 1994 08:00:00 GMT")]), Some(0));
        assert_eq!(waits(&[(RETRY_AFTER, "Sun, 06 Nov 2094 08:00:00 GMT")]), None);
        assert_eq!(waits(&[(RETRY_AFTER, "Sat, 06 Nov 2094 08:00:00 GMT")]), Some(3600));
        for nonsense in ["", "-1", "1.5", "soon", "+5"] {
            assert_eq!(waits(&[(RETRY_AFTER, nonsense)]), None, "{nonsense:?}");
        }
        let unavailable = judged(503, &[(RETRY_AFTER, "7")]).expect_err("a refusal");
        assert_eq!(unavailable.retry_after(), Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_date_is_measured_by_the_clock_of_who_wrote_it() {
        let headers =
            [(DATE, "Mon, 07 Nov 1994 08:49:37 GMT"), (RETRY_AFTER, "Mon, 07 Nov 1994 08:49:47 GMT")];
        assert_eq!(waits(&headers), Some(10));
    }
}
