#![no_main]
//! See `tram_entry::cosignature`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::cosignature(data));
