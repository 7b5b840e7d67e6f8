//! JSON, and the key in PagerDuty's events.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::json::check(data));
