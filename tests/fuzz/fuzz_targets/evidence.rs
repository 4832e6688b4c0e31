#![no_main]
//! See `tram_entry::evidence`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::evidence(data));
