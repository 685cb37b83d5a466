//! Documents of each format, edited.
#![no_main]

libfuzzer_sys::fuzz_target!(|said: &[u8]| fuzz::documents::check(said));
