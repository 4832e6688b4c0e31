#![no_main]
//! See `tram_entry::json`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::json(data));
