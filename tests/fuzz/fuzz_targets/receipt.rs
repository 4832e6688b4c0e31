#![no_main]
//! See `tram_entry::receipt`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::receipt(data));
