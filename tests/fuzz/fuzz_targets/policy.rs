#![no_main]
//! See `tram_entry::policy`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::policy(data));
