//! Messages of Amazon's notification service, and certificates.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::sns::check(data));
