//! Signed PDFs, edited.
#![no_main]

libfuzzer_sys::fuzz_target!(|said: &[u8]| fuzz::pdf::check(said));
