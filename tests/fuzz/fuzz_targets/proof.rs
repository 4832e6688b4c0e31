#![no_main]
//! See `tram_entry::proof`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::proof(data));
