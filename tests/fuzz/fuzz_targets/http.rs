#![no_main]
//! See `tram_entry::http`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::http(data));
