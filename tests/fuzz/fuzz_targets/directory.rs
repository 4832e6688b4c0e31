#![no_main]
//! See `tram_entry::directory`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::directory(data));
