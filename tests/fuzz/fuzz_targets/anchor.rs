#![no_main]
//! See `tram_entry::anchor`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::anchor(data));
