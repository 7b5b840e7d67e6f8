//! Alerts as a monitoring tool would send them: about 1.5 KB of JSON, signed before the clock starts.

use hmac::{Hmac, Mac};
use serde_json::json;
use sha2::Sha256;

use crate::{http, world::World};

/// What stands before an alert's number in its title.
const MARK: &str = "bench-alert-";

/// How an alert's number becomes its grouping key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keys {
    /// Each alert is a problem of its own.
    Distinct,
    /// So many problems, over and over.
    Cycle(usize),
}

/// Whole requests, one for each number in `numbers`.
pub(crate) fn requests(world: &World, numbers: std::ops::Range<usize>, keys: Keys) -> Vec<Vec<u8>> {
    let mac = Hmac::<Sha256>::new_from_slice(world.signing_secret.as_bytes())
        .expect("HMAC takes keys of any length");
    let path = format!("/hooks/generic/{}", world.key);
    numbers
        .map(|number| {
            let key = match keys {
                Keys::Distinct => number,
                Keys::Cycle(count) => number % count,
            };
            let body = body(number, key);
            let signature = mac.clone().chain_update(&body).finalize().into_bytes();
            let digits = signature
                .iter()
                .fold(String::with_capacity(64), |digits, byte| digits + &format!("{byte:02x}"));
            http::post(&path, &format!("x-midwatch-signature: sha256={digits}\r\n"), &body)
        })
        .collect()
}

fn body(number: usize, key: usize) -> Vec<u8> {
    let alert = json!({
        "title": title(number),
        "dedup_key": format!("checkout/payment-latency/{key:08}"),
        "event_action": "trigger",
        "severity": "critical",
        "source": format!("payments-{:03}.eu-west-1.example.org", key % 500),
        "timestamp": "2026-11-24T03:00:00Z",
        "details": details(number),
        "url": format!("https://prometheus.example.org/graph?g0.expr=latency&g0.tab=1&alert={number}"),
        "runbook_url": "https://runbooks.example.org/checkout/payment-latency",
        "labels": {
            "alertname": "PaymentLatencyHigh", "cluster": "eu-west-1-prod", "namespace": "checkout",
            "pod": format!("payments-{:03}-7d9f6c5b4-{:05}", key % 500, number % 100_000), "team": "payments"
        }
    });
    serde_json::to_vec(&alert).expect("JSON of text and numbers")
}

/// The title of the alert with this number.
pub(crate) fn title(number: usize) -> String {
    format!("{MARK}{number:08}: 99th percentile of payment latency is above two seconds")
}

/// About a kilobyte of words.
pub(crate) fn details(number: usize) -> String {
    let line =
        "the 99th percentile of http_request_duration_seconds over five minutes is above the objective; ";
    format!("alert {number}: {}", line.repeat(8))
}

/// The number of the alert that a page is about.
pub(crate) fn number_in(page: &[u8]) -> Option<usize> {
    let at = http::find(page, MARK.as_bytes())? + MARK.len();
    std::str::from_utf8(page.get(at..at + 8)?).ok()?.parse().ok()
}
