//! Detached signatures by national algorithms, edited.
#![no_main]

libfuzzer_sys::fuzz_target!(|said: &[u8]| fuzz::national::check(said));
