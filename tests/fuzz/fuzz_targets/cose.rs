#![no_main]
//! See `tram_entry::cose`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::cose(data));
