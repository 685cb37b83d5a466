//! Cards with files, edited.
#![no_main]

libfuzzer_sys::fuzz_target!(|said: &[u8]| fuzz::forms::check(said));
