//! Conversations with the mail server.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::smtp::check(data));
