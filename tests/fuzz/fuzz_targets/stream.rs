#![no_main]
//! See `tram_entry::stream`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::stream(data));
