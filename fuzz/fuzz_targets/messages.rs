//! Messages of monitoring tools, in every format.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::messages::check(data));
