#![no_main]
//! See `tram_entry::genesis`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::genesis(data));
