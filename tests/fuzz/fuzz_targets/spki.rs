#![no_main]
//! See `tram_entry::spki`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::spki(data));
