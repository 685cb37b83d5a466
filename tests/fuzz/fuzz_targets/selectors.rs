//! Pointers over edited JSON.
#![no_main]

libfuzzer_sys::fuzz_target!(|said: &[u8]| fuzz::selectors::check(said));
