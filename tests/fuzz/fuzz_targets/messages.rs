//! Signed messages, edited.
#![no_main]

libfuzzer_sys::fuzz_target!(|said: &[u8]| fuzz::messages::check(said));
