//! Detached signatures and time stamps, edited.
#![no_main]

libfuzzer_sys::fuzz_target!(|said: &[u8]| fuzz::cms::check(said));
