//! How many messages each integration may still send: a bucket for each, in the memory of this node.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::Response,
};
use domain::{IntegrationId, Timestamp, integration::RateLimit};

const NANOS_PER_SECOND: i128 = 1_000_000_000;
/// By how much the clocks of two messages that came together may differ.
const SLACK: i128 = NANOS_PER_SECOND;

/// The buckets. Each is remembered by one instant, that at which it will be full again (GCRA), so nothing has to be
/// filled up while nobody asks.
#[derive(Debug, Default)]
pub(super) struct Rates {
    buckets: Mutex<HashMap<IntegrationId, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    limit: RateLimit,
    full_at: i128,
}

/// How an integration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    per_minute: u32,
    /// Messages that may come at this moment.
    remaining: u32,
    /// Seconds until as many may come as ever may.
    full_in_seconds: u64,
    /// Seconds until the next message is taken; none: this one is.
    wait_seconds: Option<u64>,
}

impl Rates {
    /// Takes room for one message, if there is any.
    pub(super) fn take(&self, id: IntegrationId, limit: RateLimit, now: Timestamp) -> Standing {
        self.weigh(id, limit, now, 1)
    }

    /// Whether there is room for one message; takes nothing.
    pub(super) fn look(&self, id: IntegrationId, limit: RateLimit, now: Timestamp) -> Standing {
        self.weigh(id, limit, now, 0)
    }

    fn weigh(&self, id: IntegrationId, limit: RateLimit, now: Timestamp, messages: i128) -> Standing {
        let interval = 60 * NANOS_PER_SECOND / i128::from(limit.per_minute());
        let window = interval * i128::from(limit.at_once());
        let now = i128::from(now.millis()) * (NANOS_PER_SECOND / 1000);
        let full = Bucket { limit, full_at: now };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(id).or_insert(full);
        if bucket.limit != limit {
            // Whoever chooses another limit means from now on.
            *bucket = full;
        }
        // A clock that was set back must not keep anybody out for longer than an empty bucket does. A message that was a
        // moment late at the lock has set nothing back, and fills no bucket.
        let set_back = bucket.full_at > now + window + SLACK;
        let full_at = if set_back { now + window } else { bucket.full_at.max(now) };
        let room = full_at + interval <= now + window;
        let after = if room { full_at + interval * messages } else { full_at };
        bucket.full_at = after;
        drop(buckets);
        Standing {
            per_minute: limit.per_minute(),
            remaining: u32::try_from(((now + window - after) / interval).max(0)).unwrap_or(u32::MAX),
            full_in_seconds: seconds(after - now),
            wait_seconds: (!room).then(|| seconds(full_at + interval - window - now).max(1)),
        }
    }
}

/// Whole seconds, in which it is certainly over.
fn seconds(nanos: i128) -> u64 {
    u64::try_from((nanos + NANOS_PER_SECOND - 1) / NANOS_PER_SECOND).unwrap_or_default()
}

impl Standing {
    /// Whether this message is one too many.
    pub(super) const fn is_over(self) -> bool {
        self.wait_seconds.is_some()
    }

    /// Says how the integration stands, under the names of the IETF's draft that clients know.
    pub(super) fn tell(self, mut response: Response) -> Response {
        const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
        const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
        const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
        let headers = response.headers_mut();
        headers.insert(LIMIT, HeaderValue::from(self.per_minute));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RESET, HeaderValue::from(self.full_in_seconds));
        if let Some(wait) = self.wait_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const NOW: i64 = 1_764_000_000_000;

    fn id(number: u128) -> IntegrationId {
        IntegrationId::new(Uuid::from_u128(number))
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(NOW + millis)
    }

    #[test]
    fn so_many_are_taken_and_then_one_for_each_that_has_its_time() {
        let (rates, limit) = (Rates::default(), RateLimit::of(Some(3)));
        let take = |millis| rates.take(id(1), limit, at(millis));
        assert_eq!([take(0).remaining, take(0).remaining, take(0).remaining], [2, 1, 0]);
        let over = take(0);
        assert_eq!((over.is_over(), over.wait_seconds, over.full_in_seconds), (true, Some(20), 60));
        assert_eq!(take(19_001).wait_seconds, Some(1));
        assert!(!take(20_000).is_over());
        assert!(take(20_000).is_over());
        assert!(!rates.take(id(2), limit, at(0)).is_over(), "each has its own");
        assert_eq!(take(200_000).remaining, 2, "never more than at the beginning");
    }

    #[test]
    fn looking_takes_nothing() {
        let (rates, limit) = (Rates::default(), RateLimit::of(Some(1)));
        for _ in 0..3 {
            let standing = rates.look(id(1), limit, at(0));
            assert_eq!((standing.is_over(), standing.remaining), (false, 1));
        }
        assert!(!rates.take(id(1), limit, at(0)).is_over());
        assert!(rates.look(id(1), limit, at(0)).is_over());
    }

    #[test]
    fn a_clock_that_was_set_back_and_a_limit_from_before_keep_nobody_out() {
        let (rates, limit) = (Rates::default(), RateLimit::of(Some(60)));
        rates.take(id(1), limit, at(86_400_000));
        assert_eq!(rates.take(id(1), limit, at(0)).wait_seconds, Some(1));
        let small = RateLimit::of(Some(1));
        rates.take(id(2), small, at(0));
        assert_eq!(rates.take(id(2), small, at(0)).wait_seconds, Some(60));
        assert!(!rates.take(id(2), RateLimit::of(None), at(0)).is_over());
    }

    #[test]
    fn a_message_that_was_late_at_the_lock_makes_no_room() {
        let (rates, limit) = (Rates::default(), RateLimit::of(Some(60)));
        let taken = (0..1000).filter(|number| {
            let now = at(1000 - number % 2);
            !rates.take(id(1), limit, now).is_over()
        });
        assert_eq!(taken.count(), 60);
        let late = rates.look(id(1), limit, at(500));
        assert_eq!((late.is_over(), late.remaining), (true, 0));
    }

    #[test]
    fn an_answer_says_how_its_integration_stands() {
        let (rates, limit) = (Rates::default(), RateLimit::of(Some(1)));
        let told = |name: &str| {
            let response = rates.take(id(1), limit, at(0)).tell("".into_response());
            response.headers().get(name).map(|value| value.to_str().expect("text").to_owned())
        };
        assert_eq!(told("retry-after"), None);
        for (name, value) in [
            ("ratelimit-limit", "1"),
            ("ratelimit-remaining", "0"),
            ("ratelimit-reset", "60"),
            ("retry-after", "60"),
        ] {
            assert_eq!(told(name).as_deref(), Some(value), "{name}");
        }
    }

    proptest! {
        /// However they come, in no stretch of time are more taken than its length and one bucket allow, and whoever
        /// waits as long as was said is taken.
        #[test]
        fn no_more_are_taken_than_allowed(
            per_minute in prop_oneof![1_u32..200, 1000_u32..100_000],
            gaps in prop::collection::vec(prop_oneof![Just(0_i64), 0_i64..50, 0_i64..30_000], 1..300),
        ) {
            let (rates, limit) = (Rates::default(), RateLimit::of(Some(per_minute)));
            let (mut now, mut taken) = (0, vec![]);
            for gap in gaps {
                now += gap;
                let standing = rates.take(id(1), limit, at(now));
                match standing.wait_seconds {
                    None => taken.push(now),
                    Some(wait) => {
                        let later = now + i64::try_from(wait).expect("small") * 1000;
                        prop_assert!(!rates.look(id(1), limit, at(later)).is_over());
                    }
                }
            }
            for (first, start) in taken.iter().enumerate() {
                for (last, end) in taken.iter().enumerate().skip(first) {
                    let allowed = i64::from(limit.at_once()) + (end - start) * i64::from(per_minute) / 60_000 + 1;
                    prop_assert!(i64::try_from(last - first + 1).expect("small") <= allowed);
                }
            }
        }
    }
}
