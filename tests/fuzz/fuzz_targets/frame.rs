#![no_main]
//! See `tram_entry::frame`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::frame(data));
