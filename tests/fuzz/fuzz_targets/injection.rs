#![no_main]
//! See `tram_entry::injection`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::injection(data));
